"""A whole host and a floating IP, leased."""

import json

from .lab import Lab, expect
from .settings import WHOLE_HOSTS


def check(lab: Lab) -> None:
    """A server goes to the host that was asked for; the leased address is bound and unbound."""
    public = lab.find("network", "/v2.0/networks?name=public", "networks", "public")
    host = {
        "resource_type": "physical:host",
        "min": 1,
        "max": 1,
        "hypervisor_properties": json.dumps(["==", "$hypervisor_hostname", WHOLE_HOSTS[0]]),
        "resource_properties": "",
    }
    address = {"resource_type": "virtual:floatingip", "network_id": public["id"], "amount": 1}
    lease = lab.lease([host, address])
    reserved = {item["resource_type"]: item for item in lease["reservations"]}
    mine = reserved["physical:host"]
    expect("properties", mine["hypervisor_properties"], host["hypervisor_properties"])
    hints = {"os:scheduler_hints": {"reservation": mine["id"]}}
    server = lab.server({"flavorRef": "baremetal", "imageRef": lab.image()}, hints)
    placed = lab.call("GET", "compute", server)["server"]
    expect("zone", placed["OS-EXT-AZ:availability_zone"], f"blazar_{mine['id']}")
    _bind(lab, reserved["virtual:floatingip"]["id"], server)
    path = f"/leases/{lease['id']}"
    lab.call("DELETE", "reservation", path, want=204)
    lab.gone("reservation", path)
    # The lease takes its servers with it.
    lab.gone("compute", server)


def _bind(lab: Lab, reservation: str, server: str) -> None:
    query = f"/v2.0/floatingips?tags=reservation:{reservation}"
    [address] = lab.call("GET", "network", query)["floatingips"]
    identifier = server.rpartition("/")[2]
    [port] = lab.call("GET", "network", f"/v2.0/ports?device_id={identifier}")["ports"]
    path = f"/v2.0/floatingips/{address['id']}"
    for target, state in ((port["id"], "ACTIVE"), (None, "DOWN")):
        body = {"floatingip": {"port_id": target}}
        bound = lab.call("PUT", "network", path, body)["floatingip"]
        expect("floating IP", (bound["port_id"], bound["status"]), (target, state))
