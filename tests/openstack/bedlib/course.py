"""The origin's lab by hand: three m1.medium and a floating IP, leased, on a network of their own."""

from .lab import Lab
from .settings import Failure

SERVERS = 3
SUBNET = "192.168.1.0/24"
FIXED_ADDRESSES = [f"192.168.1.{11 + number}" for number in range(SERVERS)]


def check(lab: Lab) -> None:
    """Everything that one booking of the lab needs."""
    flavor = lab.find("compute", "/flavors", "flavors", "m1.medium")
    image = lab.image()
    public = lab.find("network", "/v2.0/networks?name=public", "networks", "public")
    lease = lease_resources(lab, flavor, public)
    reserved = {item["resource_type"]: item["id"] for item in lease["reservations"]}
    name = f"reservation:{reserved['flavor:instance']}"
    reserved_flavor = lab.find("compute", "/flavors?is_public=None", "flavors", name)
    ports = network_and_ports(lab, public)
    key = lab.create("compute", "/os-keypairs", "keypair", {"name": lab.name}, 200)
    servers = [
        lab.create(
            "compute",
            "/servers",
            "server",
            {
                "name": f"{lab.name}-node{number}",
                "flavorRef": reserved_flavor["id"],
                "imageRef": image,
                "key_name": key["name"],
                "metadata": {"booking": lab.name},
                "networks": [{"port": port["id"]}],
            },
            202,
        )
        for number, port in enumerate(ports)
    ]
    for server in servers:
        lab.await_field("compute", f"/servers/{server['id']}", "server", "ACTIVE", "ERROR")
    attach_floating_ip(lab, reserved["virtual:floatingip"], ports[0])


def lease_resources(lab: Lab, flavor: dict, public: dict) -> dict:
    servers = {"resource_type": "flavor:instance", "flavor_id": flavor["id"]}
    servers |= {"amount": SERVERS, "affinity": None}
    address = {"resource_type": "virtual:floatingip", "network_id": public["id"], "amount": 1}
    return lab.lease([servers, address])


def network_and_ports(lab: Lab, public: dict) -> list[dict]:
    """Tags cannot be given when an object is made; a description can, so nothing is ever unmarked."""
    common = {"name": lab.name, "description": lab.tag}
    group = lab.create("network", "/v2.0/security-groups", "security_group", common)
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
    rule |= {"port_range_min": 22, "port_range_max": 22}
    body = {"security_group_rule": rule}
    lab.call("POST", "network", "/v2.0/security-group-rules", body, 201)
    network = lab.create("network", "/v2.0/networks", "network", common)
    values = common | {"network_id": network["id"], "ip_version": 4, "cidr": SUBNET}
    subnet = lab.create("network", "/v2.0/subnets", "subnet", values)
    gateway = {"external_gateway_info": {"network_id": public["id"]}}
    router = lab.create("network", "/v2.0/routers", "router", common | gateway)
    path = f"/v2.0/routers/{router['id']}"
    lab.call("PUT", "network", f"{path}/add_router_interface", {"subnet_id": subnet["id"]})
    values = common | {"network_id": network["id"], "security_groups": [group["id"]]}
    ports = [
        lab.create("network", "/v2.0/ports", "port", values | {"fixed_ips": [{"ip_address": address}]})
        for address in FIXED_ADDRESSES
    ]
    marked = [("networks", network), ("routers", router), ("security-groups", group)]
    for kind, made in marked + [("ports", port) for port in ports]:
        tags = {"tags": [lab.tag]}
        lab.call("PUT", "network", f"/v2.0/{kind}/{made['id']}/tags", tags)
    return ports


def attach_floating_ip(lab: Lab, reservation: str, port: dict) -> None:
    """The reserved address is in the project already, tagged with its reservation."""
    tag = f"reservation:{reservation}"
    [address] = lab.call("GET", "network", f"/v2.0/floatingips?tags={tag}")["floatingips"]
    path = f"/v2.0/floatingips/{address['id']}"
    attached = lab.call("PUT", "network", path, {"floatingip": {"port_id": port["id"]}})
    if attached["floatingip"]["status"] != "ACTIVE":
        raise Failure(f"the floating IP is {attached['floatingip']['status']}")
    lab.made.append(("floatingip", "network", path))
