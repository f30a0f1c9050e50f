"""The order of things: build a seeded cloud once, start it, stop it."""

import contextlib
import json
import time
from collections.abc import Iterator

from . import ports as port_choice
from . import ready, schema, seed, snapshot
from .process import Processes
from .render import base_url, render
from .rest import Cloud, password_auth
from .services import APIS, Services
from .settings import REGION, SHARE_TYPE, VOLUME_TYPE, Settings, say
from .wait import stage


class Bed:
    """A test bed in one state directory."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes = Processes(settings)

    def up(self) -> None:
        if self._healthy():
            say(f"already up, see {self._settings.bed_file}")
            return
        started = time.monotonic()
        if self._processes.names:
            say("some processes of an earlier start are left, stopping them")
            self._processes.stop_all()
        # What an earlier version left in run/ lacks what this one starts.
        if not self._settings.seed_file.exists() or not snapshot.is_current(self._settings):
            self._restore_or_build()
        with self._nothing_half_started():
            self._start()
        say(f"UP after {time.monotonic() - started:.1f} s, see {self._settings.bed_file}")

    def down(self) -> None:
        if not self._processes.names:
            say("nothing runs")
            return
        with stage(f"stopped {len(self._processes.names)} processes and their children"):
            self._processes.stop_all()
            self._settings.bed_file.unlink(missing_ok=True)

    def destroy(self) -> None:
        self.down()
        snapshot.wipe_run(self._settings)
        say(f"removed {self._settings.run}; virtual environment and snapshot stay")

    def status(self) -> bool:
        total = 0
        for name in self._processes.names:
            memory = self._processes.memory_mib(name)
            total += memory
            state = "runs" if self._processes.alive(name) else "HAS ENDED"
            print(f"{name:<16} {state:<10} {memory:>5} MiB")
        healthy = self._healthy()
        print(f"{'healthy' if healthy else 'NOT UP':<27} {total:>5} MiB")
        return healthy

    def _healthy(self) -> bool:
        file = self._settings.run / "ports.json"
        if not file.exists():
            return False
        return ready.healthy(self._settings, self._processes, json.loads(file.read_text()))

    def _restore_or_build(self) -> None:
        snapshot.wipe_run(self._settings)
        if snapshot.is_current(self._settings):
            with stage("unpacked the snapshot"):
                snapshot.restore(self._settings)
            return
        say("no snapshot for these files: building the cloud from nothing, this takes minutes")
        with self._nothing_half_started():
            self._build()
        self._processes.stop_all()
        with stage("saved the snapshot"):
            snapshot.save(self._settings)

    @contextlib.contextmanager
    def _nothing_half_started(self) -> Iterator[None]:
        """On a failure or Ctrl-C stop what was started; the logs stay."""
        try:
            yield
        except BaseException:
            say(f"stopping what was started; its logs are in {self._settings.log}")
            self._processes.stop_all()
            raise

    def _prepare(self) -> tuple[dict[str, int], Services]:
        self._settings.log.mkdir(parents=True, exist_ok=True)
        ports = port_choice.choose(self._settings)
        render(self._settings, ports)
        return ports, Services(self._settings, ports, self._processes)

    def _start_infrastructure(self, ports: dict[str, int], services: Services) -> None:
        services.start_rabbitmq()
        services.start_memcached()
        with stage("MariaDB and memcached listen"):
            services.start_mariadb()
            ready.await_ports(self._processes, ports, ["mariadb", "memcached"])

    def _build(self) -> None:
        """Everything from nothing; leaves the cloud running and seed.json written."""
        ports, services = self._prepare()
        self._start_infrastructure(ports, services)
        with stage("tables created"):
            schema.create_tables(self._settings, ports)
        services.start_api("keystone")
        ready.await_apis(self._processes, ports, ["keystone"])
        with stage("identities seeded"):
            credentials = seed.seed_identity(self._admin(ports), ports)
        with stage("RabbitMQ listens"):
            ready.await_ports(self._processes, ports, ["rabbitmq"])
        for name in APIS:
            if name != "keystone":
                services.start_api(name)
        services.start_nova_workers()
        services.start_storage_workers()
        services.start_swift()
        admin = self._admin(ports)
        with stage("APIs answer"):
            ready.await_apis(self._processes, ports, list(APIS))
        with stage("image, flavors, networks seeded"):
            seed.seed_resources(admin)
        services.start_blazar_manager()
        self._await_workers(ports, admin)
        with stage("leasable hosts and addresses seeded"):
            seed.seed_leasable(admin)
        self._settings.seed_file.write_text(json.dumps(credentials, indent=1))

    def _start(self) -> None:
        """Start a seeded cloud: everything at once, each part waits for what it needs."""
        ports, services = self._prepare()
        self._start_infrastructure(ports, services)
        # Nova's workers have the longest way: what they wait for gets the processors first.
        services.start_nova_workers()
        first = ["keystone", "placement"]
        then = [name for name in APIS if name not in first]
        for names in (first, then):
            with stage(f"{', '.join(names)} answer"):
                for name in names:
                    services.start_api(name)
                if names == then:
                    services.start_blazar_manager()
                    services.start_storage_workers()
                    services.start_swift()
                ready.await_apis(self._processes, ports, names)
        with stage("RabbitMQ listens"):
            ready.await_ports(self._processes, ports, ["rabbitmq"])
        self._await_workers(ports, self._admin(ports))
        self._describe(ports)

    def _await_workers(self, ports: dict[str, int], admin: Cloud) -> None:
        with stage("Nova's workers take work"):
            ready.await_queues(self._processes, ports, ready.NOVA_QUEUES, "nova-workers")
            ready.await_hosts(self._processes, admin)
        with stage("Blazar's manager takes work"):
            ready.await_queues(self._processes, ports, ready.BLAZAR_QUEUES, "blazar-workers")
        with stage("Cinder's and Manila's workers take work"):
            ready.await_queues(self._processes, ports, ready.CINDER_QUEUES, "cinder-workers")
            ready.await_queues(self._processes, ports, ready.MANILA_QUEUES, "manila-workers")
            ready.await_storage(self._processes, admin)
        with stage("Swift keeps objects"):
            ready.await_objects(self._processes, admin)
        with stage("Neutron lists networks"):
            ready.await_policy(self._processes, admin)

    def _admin(self, ports: dict[str, int]) -> Cloud:
        return Cloud(f"{base_url(ports, 'keystone')}/v3", password_auth("admin", "admin"))

    def _describe(self, ports: dict[str, int]) -> None:
        """run/clouds.yaml for clients, run/bed.json for tests."""
        auth_url = f"{base_url(ports, 'keystone')}/v3"
        credentials = self._settings.seeded()
        self._settings.clouds_file.write_text(_clouds_yaml(auth_url, credentials))
        description = {
            "auth_url": auth_url,
            "region": REGION,
            "clouds_yaml": str(self._settings.clouds_file),
            "clouds": ["admin", "demo", "course", "other"],
            "projects": seed.MEMBERS,
            "image": seed.IMAGE,
            "flavors": list(seed.FLAVORS),
            "external_network": "public",
            "shared_network": "sharednet1",
            "volume_type": VOLUME_TYPE,
            "share_type": SHARE_TYPE,
            "token_seconds": self._settings.token_seconds,
            "blazar_poll_seconds": self._settings.blazar_poll_seconds,
            "ports": ports,
        }
        self._settings.bed_file.write_text(json.dumps(description, indent=1) + "\n")


def _clouds_yaml(auth_url: str, credentials: dict[str, dict]) -> str:
    entries = [
        _password_entry("admin", auth_url, "admin", "admin"),
        _password_entry("demo", auth_url, "demo", seed.MEMBERS["demo"]),
        _credential_entry("course", auth_url, credentials["demo"]),
        _credential_entry("other", auth_url, credentials["other"]),
    ]
    return "clouds:\n" + "".join(entries)


def _password_entry(cloud: str, auth_url: str, user: str, project: str) -> str:
    return (
        f"  {cloud}:\n"
        f"    auth_type: v3password\n"
        f"    region_name: {REGION}\n"
        f"    auth:\n"
        f"      auth_url: {auth_url}\n"
        f"      username: {user}\n"
        f"      password: {seed.PASSWORD}\n"
        f"      project_name: {project}\n"
        f"      user_domain_name: Default\n"
        f"      project_domain_name: Default\n"
    )


def _credential_entry(cloud: str, auth_url: str, credential: dict) -> str:
    return (
        f"  {cloud}:\n"
        f"    auth_type: v3applicationcredential\n"
        f"    region_name: {REGION}\n"
        f"    auth:\n"
        f"      auth_url: {auth_url}\n"
        f"      application_credential_id: {credential['id']}\n"
        f"      application_credential_secret: {credential['secret']}\n"
    )
