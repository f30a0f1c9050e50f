"""Tables for a new cloud: each service's own migrations, three chains at a time."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .render import base_url, database_url
from .settings import PASSWORD, REGION, Failure, Settings


def create_tables(settings: Settings, ports: dict[str, int]) -> None:
    for kind in ("fernet", "credential"):
        (settings.run / "keys" / kind).mkdir(parents=True, exist_ok=True)
    chains = [
        _keystone(ports) + _small_services(),
        _nova(ports),
        [["neutron-db-manage", "--config-file={etc}/neutron.conf", "upgrade", "head"]],
    ]
    with ThreadPoolExecutor(len(chains)) as pool:
        list(pool.map(lambda chain: _run_chain(settings, chain), chains))


def _keystone(ports: dict[str, int]) -> list[list[str]]:
    manage = ["keystone-manage", "--config-file={etc}/keystone.conf"]
    owner = [f"--keystone-user={os.geteuid()}", f"--keystone-group={os.getegid()}"]
    url = f"{base_url(ports, 'keystone')}/v3"
    return [
        [*manage, "fernet_setup", *owner],
        [*manage, "credential_setup", *owner],
        [*manage, "db_sync"],
        [
            *manage,
            "bootstrap",
            f"--bootstrap-password={PASSWORD}",
            f"--bootstrap-region-id={REGION}",
            *(f"--bootstrap-{kind}-url={url}" for kind in ("admin", "public", "internal")),
        ],
    ]


def _small_services() -> list[list[str]]:
    return [
        ["placement-manage", "--config-file={etc}/placement.conf", "db", "sync"],
        ["glance-manage", "--config-file={etc}/glance-api.conf", "db_sync"],
        ["blazar-db-manage", "--config-file={etc}/blazar.conf", "upgrade", "head"],
        ["cinder-manage", "--config-file={etc}/cinder.conf", "db", "sync"],
        ["manila-manage", "--config-file={etc}/manila.conf", "db", "sync"],
    ]


def _nova(ports: dict[str, int]) -> list[list[str]]:
    manage = ["nova-manage", "--config-file={etc}/nova.conf"]
    cell0 = f"--database_connection={database_url(ports, 'nova_cell0')}"
    return [
        [*manage, "api_db", "sync"],
        [*manage, "cell_v2", "map_cell0", cell0],
        [*manage, "cell_v2", "create_cell", "--name=cell1"],
        [*manage, "db", "sync"],
    ]


def _run_chain(settings: Settings, chain: list[list[str]]) -> None:
    """Each command after the one before; one log for the chain."""
    log = settings.log / f"schema-{chain[-1][0]}.log"
    environment = os.environ | {
        "PYTHONPATH": str(settings.etc / "neutron_driver"),
        "PYTHONWARNINGS": "ignore",
        "XDG_CACHE_HOME": str(settings.home / "cache"),
    }
    with log.open("ab") as output:
        for program, *arguments in chain:
            command = [str(settings.venv / "bin" / program)]
            command += [argument.replace("{etc}", str(settings.etc)) for argument in arguments]
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=settings.run
            )
            if done.returncode != 0:
                raise Failure(f"`{program} {' '.join(arguments[1:3])}` failed, see {log}")
