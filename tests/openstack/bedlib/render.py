"""Configuration files from templates/, for the ports of this start.

Nothing that names a port or a path is kept between starts: files are rendered anew, and what the
databases hold of it is rewritten by the SQL that MariaDB runs before it accepts a connection.
"""

import os
import pwd
import shutil
from string import Template

from .settings import (
    CATALOG,
    DATABASES,
    HERE,
    HOSTS,
    LOOPBACK,
    PASSWORD,
    REGION,
    SHARE_TYPE,
    SWIFT_STORAGE,
    VOLUME_TYPE,
    WHOLE_HOSTS,
    Settings,
)

TEMPLATES = HERE / "templates"
# The directory that Swift takes for its only disk.
SWIFT_DEVICE = "disk"
# Template -> the user whose credentials it carries, where that is not the file's own first word.
CONFIGS = {
    "keystone.conf": "keystone",
    "placement.conf": "placement",
    "nova.conf": "nova",
    "nova-compute.conf": "nova",
    "glance-api.conf": "glance",
    "neutron.conf": "neutron",
    "blazar.conf": "blazar",
    "cinder.conf": "cinder",
    "manila.conf": "manila",
    "swift.conf": "swift",
    "swift-proxy.conf": "swift",
    "rabbitmq.conf": "rabbitmq",
}


def render(settings: Settings, ports: dict[str, int]) -> None:
    """Write everything under run/etc."""
    shutil.rmtree(settings.etc, ignore_errors=True)
    settings.etc.mkdir(parents=True)
    for name, user in CONFIGS.items():
        _fill(settings, name, name, _values(settings, ports, user))
    for kind in SWIFT_STORAGE:
        own = {"kind": kind, "port": ports[f"swift_{kind}"]}
        values = _values(settings, ports, "swift") | own
        _fill(settings, "swift-storage.conf", f"swift-{kind}.conf", values)
    shutil.copy(settings.venv / "etc" / "nova" / "api-paste.ini", settings.etc)
    for driver in ("neutron_driver", "cinder_driver"):
        shutil.copytree(HERE / driver, settings.etc / driver)
    for host in HOSTS:
        state = settings.run / "state" / host
        state.mkdir(parents=True, exist_ok=True)
        # One vCPU can be had of it: it takes a server of the flavor `baremetal`, and no m1.medium.
        whole = "cpu_allocation_ratio = 0.001\n" if host in WHOLE_HOSTS else ""
        (settings.etc / f"{host}.conf").write_text(
            f"[DEFAULT]\nhost = {host}\nstate_path = {state}\n{whole}"
        )
    for kind in ("images", "staging", "tasks"):
        (settings.run / "state" / "glance" / kind).mkdir(parents=True, exist_ok=True)
    (settings.run / "state" / "swift" / SWIFT_DEVICE).mkdir(parents=True, exist_ok=True)
    (settings.etc / "start.sql").write_text("\n".join(_start_sql(settings, ports)) + "\n")


def _fill(settings: Settings, template: str, name: str, values: dict[str, object]) -> None:
    text = Template((TEMPLATES / template).read_text())
    (settings.etc / name).write_text(text.substitute(values))


def base_url(ports: dict[str, int], service: str) -> str:
    return f"http://{LOOPBACK}:{ports[service]}"


def database_url(ports: dict[str, int], database: str) -> str:
    port = ports["mariadb"]
    return f"mysql+pymysql://fairlease:{PASSWORD}@{LOOPBACK}:{port}/{database}?charset=utf8mb4"


def _values(settings: Settings, ports: dict[str, int], user: str) -> dict[str, object]:
    auth = "\n".join(
        [
            f"auth_url = {base_url(ports, 'keystone')}/v3",
            "auth_type = password",
            f"username = {user}",
            f"password = {PASSWORD}",
            "project_name = service",
            "user_domain_name = Default",
            "project_domain_name = Default",
            f"region_name = {REGION}",
        ]
    )
    memcached = f"{LOOPBACK}:{ports['memcached']}"
    authtoken = "\n".join(
        [
            f"www_authenticate_uri = {base_url(ports, 'keystone')}",
            auth,
            f"memcached_servers = {memcached}",
            "interface = internal",
            "service_token_roles = service",
            "service_token_roles_required = true",
        ]
    )
    messaging = "\n".join(
        [
            "[oslo_messaging_rabbit]",
            "heartbeat_in_pthread = true",
            "amqp_durable_queues = false",
            "rabbit_quorum_queue = false",
            "[oslo_messaging_notifications]",
            "driver = noop",
        ]
    )
    return (
        {
            "run": settings.run,
            "venv": settings.venv,
            "region": REGION,
            "token_seconds": settings.token_seconds,
            "service_password": PASSWORD,
            "amqp": _amqp(ports),
            "memcached": memcached,
            "auth": auth,
            "authtoken": f"[keystone_authtoken]\n{authtoken}",
            "authtoken_options": authtoken,
            "owner": pwd.getpwuid(os.geteuid()).pw_name,
            "volume_type": VOLUME_TYPE,
            "share_type": SHARE_TYPE,
            "messaging": messaging,
        }
        | {f"port_{name}": port for name, port in ports.items()}
        | {f"url_{name}": base_url(ports, name) for name, _ in CATALOG.values()}
        | {f"db_{name}": database_url(ports, name) for name in DATABASES}
    )


def _amqp(ports: dict[str, int]) -> str:
    return f"rabbit://guest:guest@{LOOPBACK}:{ports['rabbitmq']}/"


def _start_sql(settings: Settings, ports: dict[str, int]) -> list[str]:
    """One statement a line, as MariaDB's --init-file wants it."""
    lines = [f"CREATE DATABASE IF NOT EXISTS {name};" for name in DATABASES]
    lines += [
        f"CREATE USER IF NOT EXISTS 'fairlease'@'{LOOPBACK}' IDENTIFIED BY '{PASSWORD}';",
        f"GRANT ALL ON *.* TO 'fairlease'@'{LOOPBACK}';",
    ]
    if not settings.seed_file.exists():
        return lines
    for kind, (service, path) in CATALOG.items():
        lines.append(
            "UPDATE keystone.endpoint e JOIN keystone.service s ON s.id = e.service_id "
            f"SET e.url = '{base_url(ports, service)}{path}' WHERE s.type = '{kind}';"
        )
    for cell, transport in (("cell0", "none:///"), ("cell1", _amqp(ports))):
        lines.append(
            f"UPDATE nova_api.cell_mappings SET transport_url = '{transport}', "
            f"database_connection = '{database_url(ports, f'nova_{cell}')}' WHERE name = '{cell}';"
        )
    images = settings.run / "state" / "glance" / "images"
    lines += [
        f"UPDATE glance.image_locations SET value = CONCAT('file://{images}/', image_id);",
        # A service's first heartbeat comes 5 s after its start. That it lives is known from its queue,
        # so the scheduler need not take it for dead until then.
        "UPDATE nova_cell1.services SET last_seen_up = UTC_TIMESTAMP();",
        "UPDATE cinder.services SET updated_at = UTC_TIMESTAMP();",
        "UPDATE manila.services SET updated_at = UTC_TIMESTAMP();",
    ]
    return lines
