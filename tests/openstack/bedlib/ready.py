"""When is the cloud truly up? When each part that takes work has a queue and says that it lives."""

import importlib

from .process import Processes
from .rest import Cloud
from .settings import HOSTS, LOOPBACK, Settings
from .wait import http_answers, port_open, until

SECONDS = 180
NOVA_QUEUES = ["conductor", "scheduler", *(f"compute.{host}" for host in HOSTS)]
BLAZAR_QUEUES = ["blazar.manager"]
CINDER_QUEUES = ["cinder-scheduler", "cinder-volume.blocks@fake"]
MANILA_QUEUES = ["manila-scheduler", "manila-share.files@dummy"]


def await_ports(processes: Processes, ports: dict[str, int], names: list[str]) -> None:
    for name in names:
        _await(processes, name, f"{name} did not listen", lambda: port_open(ports[name]))


def await_apis(processes: Processes, ports: dict[str, int], names: list[str]) -> None:
    for name in names:
        _await(processes, name, f"{name} gave no HTTP answer", lambda: http_answers(ports[name]))


def await_queues(processes: Processes, ports: dict[str, int], names: list[str], of: str) -> None:
    """A call to a queue that does not exist yet hangs for a minute and then fails."""
    for name in names:
        _await(processes, of, f"queue {name} did not appear", lambda: _queue_exists(ports, name))


def await_hosts(processes: Processes, cloud: Cloud) -> None:
    """Nova takes its services for live, and each host has a hypervisor."""
    _await(processes, "nova-workers", "Nova's services did not all come up", lambda: _hosts_up(cloud))


def await_storage(processes: Processes, cloud: Cloud) -> None:
    """The schedulers have heard of the storage: until then they put every new volume and share in error."""
    for service, what, path in (
        ("cinder", "block-storage", "/scheduler-stats/get_pools"),
        ("manila", "sharev2", "/scheduler-stats/pools"),
    ):
        _await(
            processes,
            f"{service}-workers",
            f"{service}'s storage did not come up",
            lambda: _storage_up(cloud, what, path),
        )


def await_objects(processes: Processes, cloud: Cloud) -> None:
    """Swift's proxy reaches all three of its servers: an account is made when it is first asked for."""
    _await(processes, "swift", "Swift kept no account", lambda: _account_up(cloud))


def await_policy(processes: Processes, cloud: Cloud) -> None:
    """Neutron loads its policy with the first call, and lists nothing to calls beside it."""
    _await(processes, "neutron", "Neutron lists no network", lambda: _network_seen(cloud))


def _await(processes: Processes, of: str, what: str, condition) -> None:
    def holds() -> bool:
        processes.require_alive()
        return condition()

    until(f"{what} (see {processes.log(of)})", holds, SECONDS)


def _queue_exists(ports: dict[str, int], name: str) -> bool:
    # Found in the virtual environment only, in which `up` runs.
    amqp = importlib.import_module("amqp")
    address = f"{LOOPBACK}:{ports['rabbitmq']}"
    try:
        with amqp.Connection(address, userid="guest", password="guest") as connection:
            connection.channel().queue_declare(name, passive=True)
    except (OSError, amqp.exceptions.AMQPError):
        return False
    return True


def _hosts_up(cloud: Cloud) -> bool:
    services = cloud.want("GET", "compute", "/os-services")["services"]
    up = {(service["binary"], service["host"]) for service in services if service["state"] == "up"}
    hypervisors = cloud.want("GET", "compute", "/os-hypervisors")["hypervisors"]
    names = {hypervisor["hypervisor_hostname"] for hypervisor in hypervisors}
    binaries = {binary for binary, _ in up}
    return (
        {("nova-compute", host) for host in HOSTS} <= up
        and {"nova-conductor", "nova-scheduler"} <= binaries
        and set(HOSTS) <= names
    )


def _storage_up(cloud: Cloud, service: str, path: str) -> bool:
    return bool(cloud.want("GET", service, path)["pools"])


def _account_up(cloud: Cloud) -> bool:
    return cloud.call("GET", "object-store", "").status in (200, 204)


def _network_seen(cloud: Cloud) -> bool:
    return bool(cloud.want("GET", "network", "/v2.0/networks")["networks"])


def healthy(settings: Settings, processes: Processes, ports: dict[str, int]) -> bool:
    """Everything that was started still runs and Keystone answers."""
    return (
        settings.bed_file.exists()
        and bool(processes.names)
        and all(map(processes.alive, processes.names))
        and http_answers(ports["keystone"])
    )
