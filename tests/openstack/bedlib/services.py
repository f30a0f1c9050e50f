"""The command line of each process, and which belong to one step of the start."""

import json
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from . import rings
from .process import Processes
from .settings import HERE, HOSTS, LOOPBACK, Failure, Settings

MARIADB = [
    "--no-defaults",
    f"--bind-address={LOOPBACK}",
    "--skip-name-resolve",
    # Nothing here has to survive a power failure: trade durability for speed.
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=O_DIRECT_NO_FSYNC",
    "--innodb-use-native-aio=0",
    "--innodb-buffer-pool-size=192M",
    "--innodb-log-file-size=16M",
    "--performance-schema=OFF",
    "--max-connections=1000",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--transaction-isolation=READ-COMMITTED",
]
# Service -> WSGI module, threads, environment that names its configuration.
APIS = {
    "keystone": ("keystone.wsgi.api", 4, {"OS_KEYSTONE_CONFIG_DIR": "{etc}"}),
    "placement": ("placement.wsgi.api", 4, {"OS_PLACEMENT_CONFIG_DIR": "{etc}"}),
    "neutron": (
        "neutron.wsgi.api",
        6,
        {
            "OS_NEUTRON_CONFIG_DIR": "{etc}",
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            "PYTHONPATH": "{etc}/neutron_driver",
        },
    ),
    "nova": ("nova.wsgi.osapi_compute", 6, {"OS_NOVA_CONFIG_DIR": "{etc}"}),
    "glance": ("glance.wsgi.api", 4, {"OS_GLANCE_CONFIG_DIR": "{etc}"}),
    "blazar": ("blazar.wsgi.api", 4, {"OS_BLAZAR_CONFIG_DIR": "{etc}"}),
    "cinder": ("cinder.wsgi.api", 4, {}),
    "manila": ("manila.wsgi.api", 4, {}),
}
# These have no variable that names their configuration.
CONFIGURED_BY_ARGUMENT = ["cinder", "manila"]
# Swift's servers and their modules.
SWIFT = {
    "proxy": "swift.proxy.server",
    "account": "swift.account.server",
    "container": "swift.container.server",
    "object": "swift.obj.server",
}


class Services:
    """Starts processes; waiting for them is the caller's."""

    def __init__(self, settings: Settings, ports: dict[str, int], processes: Processes) -> None:
        self._settings = settings
        self._ports = ports
        self._processes = processes

    def start_mariadb(self) -> None:
        data = self._settings.run / "mysql"
        user = _user()
        if not (data / "mysql").is_dir():
            _make_database_directory(self._settings, data, user)
        self._processes.start(
            "mariadb",
            [
                "/usr/sbin/mariadbd",
                *MARIADB,
                f"--user={user}",
                f"--datadir={data}",
                # Relative to the data directory: a socket's full path may not exceed 107 bytes.
                "--socket=mysql.sock",
                "--pid-file=mysql.pid",
                f"--port={self._ports['mariadb']}",
                f"--init-file={self._settings.etc / 'start.sql'}",
            ],
            {},
        )

    def start_memcached(self) -> None:
        port = str(self._ports["memcached"])
        self._processes.start(
            "memcached",
            ["/usr/bin/memcached", "-u", _user(), "-l", LOOPBACK, "-p", port, "-U", "0", "-m", "64"],
            {},
        )

    def start_rabbitmq(self) -> None:
        """With an own epmd in the foreground: the one that Erlang would start outlives it."""
        home = self._settings.run / "mq"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        (home / "enabled_plugins").write_text("[].\n")
        epmd = str(self._ports["epmd"])
        self._processes.start("epmd", ["/usr/bin/epmd", "-port", epmd, "-address", LOOPBACK], {})
        self._processes.start(
            "rabbitmq",
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            {
                "HOME": str(home),
                "ERL_EPMD_PORT": epmd,
                "ERL_EPMD_ADDRESS": LOOPBACK,
                "RABBITMQ_NODENAME": "fairlease@localhost",
                "RABBITMQ_DIST_PORT": str(self._ports["rabbitmq_dist"]),
                "RABBITMQ_CONFIG_FILE": str(self._settings.etc / "rabbitmq.conf"),
                "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
                "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
                "RABBITMQ_LOG_BASE": str(home),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                    "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none"
                ),
            },
        )

    def start_api(self, name: str) -> None:
        module, threads, environment = APIS[name]
        etc = str(self._settings.etc)
        self._processes.start(
            name,
            [
                str(self._settings.venv / "bin" / "uwsgi"),
                *("--http-socket", f"{LOOPBACK}:{self._ports[name]}"),
                *("--module", f"{module}:application"),
                *("--virtualenv", str(self._settings.venv)),
                *("--processes", "1", "--threads", str(threads), "--enable-threads"),
                *("--need-app", "--die-on-term", "--disable-logging", "--log-5xx"),
                *("--buffer-size", "65535", "--listen", "100"),
                # uWSGI closes after each answer but does not say so; clients would reuse the connection.
                *("--add-header", "Connection: close"),
                *([f"--pyargv=--config-file={etc}/{name}.conf"] if name in CONFIGURED_BY_ARGUMENT else []),
            ],
            {key: value.format(etc=etc) for key, value in environment.items()},
        )

    def start_nova_workers(self) -> None:
        """Conductor, scheduler and the fake hosts; they exit unless Keystone and Placement work."""
        etc = self._settings.etc
        nova = f"--config-file={etc / 'nova.conf'}"
        compute = f"--config-file={etc / 'nova-compute.conf'}"
        hosts = {
            f"nova-compute-{host}": ["nova.cmd.compute", compute, f"--config-file={etc / host}.conf"]
            for host in HOSTS
        }
        brains = {
            "nova-conductor": ["nova.cmd.conductor", nova],
            "nova-scheduler": ["nova.cmd.scheduler", nova],
        }
        self._launch(
            "nova-workers",
            load=["nova.cmd.conductor", "nova.cmd.scheduler", "nova.cmd.compute", "nova.virt.fake"],
            wait=["keystone", "placement"],
            # A host that finds no conductor tries again only after 10 s.
            steps=[(None, brains), ("conductor", hosts)],
        )

    def start_blazar_manager(self) -> None:
        """It drops a plugin whose service does not answer when it starts."""
        config = f"--config-file={self._settings.etc / 'blazar.conf'}"
        self._launch(
            "blazar-workers",
            load=["blazar.cmd.manager"],
            wait=["keystone", "placement", "nova", "neutron"],
            steps=[(None, {"blazar-manager": ["blazar.cmd.manager", config]})],
            patch={"blazar.manager.service.EVENT_INTERVAL": self._settings.blazar_poll_seconds},
        )

    def start_storage_workers(self) -> None:
        """Of Cinder and Manila: a scheduler, and what stands for the storage."""
        self._start_storage("cinder", "volume", "cinder.tests.fake_driver")
        self._start_storage("manila", "share", "manila.tests.share.drivers.dummy")

    def _start_storage(self, service: str, kind: str, driver: str) -> None:
        config = f"--config-file={self._settings.etc / service}.conf"
        scheduler, storage = f"{service}-scheduler", f"{service}-{kind}"
        modules = [f"{service}.cmd.scheduler", f"{service}.cmd.{kind}"]
        self._launch(
            f"{service}-workers",
            load=[*modules, driver],
            wait=["keystone"],
            # The storage tells what it has when it starts, and then again only after a minute.
            steps=[
                (None, {scheduler: [modules[0], config]}),
                (scheduler, {storage: [modules[1], config]}),
            ],
            environment={
                "PYTHONPATH": str(self._settings.etc / "cinder_driver"),
                # Green threads do not survive the launcher's fork.
                f"OS_{service.upper()}_DISABLE_EVENTLET_PATCHING": "true",
            },
        )

    def start_swift(self) -> None:
        """The proxy and what it keeps its data in; they need no other service to start."""
        etc = self._settings.etc
        rings.make(etc, self._ports)
        servers = {
            f"swift-{kind}": [module, str(etc / f"swift-{kind}.conf"), "--verbose"]
            for kind, module in SWIFT.items()
        }
        self._launch("swift", load=list(SWIFT.values()), wait=[], steps=[(None, servers)])

    def _launch(
        self,
        name: str,
        load: list[str],
        wait: list[str],
        steps: list[tuple[str | None, dict[str, list[str]]]],
        patch: dict[str, int] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        task = {
            "load": load,
            "wait": [self._ports[service] for service in wait],
            "patch": patch or {},
            "rabbitmq": self._ports["rabbitmq"],
            "steps": steps,
            "logs": str(self._settings.log),
        }
        script = str(HERE / "bedlib" / "launch.py")
        command = [str(self._settings.python), script, json.dumps(task)]
        self._processes.start(name, command, environment or {})


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _make_database_directory(settings: Settings, data: Path, user: str) -> None:
    log = settings.log / "mariadb-install.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        "/usr/bin/mariadb-install-db",
        "--no-defaults",
        f"--user={user}",
        f"--datadir={data}",
        "--innodb-log-file-size=16M",
        "--auth-root-authentication-method=socket",
        "--skip-test-db",
    ]
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Failure(f"mariadb-install-db failed, see {log}")
