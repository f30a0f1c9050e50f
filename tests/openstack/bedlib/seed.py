"""What the cloud holds before any test: projects, people, images, flavors, networks, leasable hosts.

Runs once, on an empty cloud; later starts take its result from the snapshot.
"""

import os
from typing import Any

from .rest import Cloud, password_auth
from .settings import CATALOG, LEASABLE_HOSTS, LOOPBACK, PASSWORD, REGION, SHARE_TYPE, VOLUME_TYPE

SERVICE_USERS = ["placement", "nova", "neutron", "glance", "blazar", "cinder", "manila", "swift"]
# User -> project. Each gets an unrestricted application credential for it.
MEMBERS = {"demo": "CHI-000001", "other": "CHI-000002"}
IMAGE = "CC-Ubuntu24.04"
# Name -> id, vCPUs, RAM in MiB, disk in GiB: Chameleon's sizes.
FLAVORS = {
    "m1.tiny": ("1", 1, 512, 1),
    "m1.small": ("2", 1, 2048, 20),
    "m1.medium": ("3", 2, 4096, 40),
    "m1.large": ("4", 4, 8192, 40),
    "m1.xlarge": ("5", 8, 16384, 40),
    "baremetal": ("baremetal", 1, 1, 1),
}
# Blazar leases only addresses outside the pool from which Neutron allocates by itself.
LEASABLE_ADDRESSES = [f"203.0.114.{last}" for last in range(10, 50)]


def seed_identity(cloud: Cloud, ports: dict[str, int]) -> dict[str, dict]:
    """Users, projects and the catalog; returns the application credentials."""
    roles = {role["name"]: role["id"] for role in cloud.want("GET", "identity", "/roles")["roles"]}
    service_project = _create(cloud, "project", {"name": "service", "domain_id": "default"})
    for name in SERVICE_USERS:
        user = _user(cloud, name)
        for role in ("admin", "service"):
            _grant(cloud, service_project, user, roles[role])
    for kind, (name, path) in CATALOG.items():
        if kind != "identity":
            _endpoints(cloud, kind, name, f"http://{LOOPBACK}:{ports[name]}{path}")
    for name, project_name in MEMBERS.items():
        project = _create(cloud, "project", {"name": project_name, "domain_id": "default"})
        _grant(cloud, project, _user(cloud, name), roles["member"])
    auth_url = f"http://{LOOPBACK}:{ports['keystone']}/v3"
    return {
        name: _application_credential(Cloud(auth_url, password_auth(name, project_name)), name)
        for name, project_name in MEMBERS.items()
    }


def seed_resources(cloud: Cloud) -> None:
    """Image, flavors, networks, types; needs Glance, Nova, Neutron, Cinder and Manila."""
    _image(cloud)
    for name, (identifier, vcpus, ram, disk) in FLAVORS.items():
        flavor = {"id": identifier, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk}
        cloud.want("POST", "compute", "/flavors", {"flavor": flavor})
    # Blazar's manager does not start without it.
    aggregate = {"name": "freepool", "availability_zone": None}
    cloud.want("POST", "compute", "/os-aggregates", {"aggregate": aggregate})
    _networks(cloud)
    cloud.want("POST", "block-storage", "/types", {"volume_type": {"name": VOLUME_TYPE}})
    share_type = {"name": SHARE_TYPE, "extra_specs": {"driver_handles_share_servers": "false"}}
    cloud.want("POST", "sharev2", "/types", {"share_type": share_type})


def seed_leasable(cloud: Cloud) -> None:
    """Hosts and addresses that Blazar may lease; needs its manager and the hosts."""
    for host in LEASABLE_HOSTS:
        body = {"name": host, "node_type": "compute_skylake", "node_name": host, "uid": host}
        cloud.want("POST", "reservation", "/os-hosts", body)
    public = _one(cloud.want("GET", "network", "/v2.0/networks?name=public")["networks"])
    for address in LEASABLE_ADDRESSES:
        body = {"floating_network_id": public["id"], "floating_ip_address": address}
        cloud.want("POST", "reservation", "/floatingips", body)


def _create(cloud: Cloud, kind: str, values: dict) -> str:
    """Create an identity object, return its id."""
    return cloud.want("POST", "identity", f"/{kind}s", {kind: values})[kind]["id"]


def _user(cloud: Cloud, name: str) -> str:
    return _create(cloud, "user", {"name": name, "password": PASSWORD, "domain_id": "default"})


def _grant(cloud: Cloud, project: str, user: str, role: str) -> None:
    cloud.want("PUT", "identity", f"/projects/{project}/users/{user}/roles/{role}")


def _endpoints(cloud: Cloud, kind: str, name: str, url: str) -> None:
    service = _create(cloud, "service", {"type": kind, "name": name})
    for interface in ("public", "internal", "admin"):
        values = {"service_id": service, "interface": interface, "url": url, "region_id": REGION}
        _create(cloud, "endpoint", values)


def _application_credential(cloud: Cloud, name: str) -> dict:
    """Unrestricted: Blazar makes a trust for each lease, which a restricted one may not."""
    values = {"name": f"{name}-fairlease", "secret": f"{name}-{PASSWORD}", "unrestricted": True}
    path = f"/users/{cloud.user_id}/application_credentials"
    made = cloud.want("POST", "identity", path, {"application_credential": values})
    credential = made["application_credential"]
    return {"id": credential["id"], "secret": credential["secret"]}


def _image(cloud: Cloud) -> None:
    values = {
        "name": IMAGE,
        "visibility": "public",
        "disk_format": "raw",
        "container_format": "bare",
    }
    image = cloud.want("POST", "image", "/v2/images", values)
    cloud.want("PUT", "image", f"/v2/images/{image['id']}/file", os.urandom(1 << 16))


def _networks(cloud: Cloud) -> None:
    public = _network(
        cloud,
        {"name": "public", "router:external": True}
        | {"provider:network_type": "flat", "provider:physical_network": "public"},
        {
            "cidr": "203.0.112.0/22",
            "enable_dhcp": False,
            "gateway_ip": "203.0.112.1",
            "allocation_pools": [{"start": "203.0.112.10", "end": "203.0.113.254"}],
        },
    )
    shared = _network(
        cloud,
        {"name": "sharednet1", "shared": True, "provider:network_type": "vlan"}
        | {"provider:physical_network": "physnet1", "provider:segmentation_id": 100},
        {"cidr": "10.140.80.0/22"},
    )
    gateway = {"network_id": public["network_id"]}
    values = {"router": {"name": "sharednet1-router", "external_gateway_info": gateway}}
    router = cloud.want("POST", "network", "/v2.0/routers", values)["router"]
    path = f"/v2.0/routers/{router['id']}/add_router_interface"
    cloud.want("PUT", "network", path, {"subnet_id": shared["id"]})


def _network(cloud: Cloud, network: dict, subnet: dict) -> dict[str, Any]:
    """A network with one subnet of the same name; returns the subnet."""
    made = cloud.want("POST", "network", "/v2.0/networks", {"network": network})["network"]
    values = {"network_id": made["id"], "ip_version": 4, "name": f"{network['name']}-subnet"}
    path = "/v2.0/subnets"
    return cloud.want("POST", "network", path, {"subnet": values | subnet})["subnet"]


def _one(items: list[dict]) -> dict:
    [item] = items
    return item
