"""What a check has made: called through the raw APIs, printed, and deleted again in order."""

import datetime
import json
import time
import uuid
from typing import Any

from .rest import Answer, Cloud
from .settings import Failure

SECONDS = 120
# In this order nothing is in use when it is deleted. A server gives its port back but does not delete one
# that it was given; it gives its volumes back too.
ORDER = ["floatingip", "server", "volume", "object", "bucket", "share", "port", "router", "subnet", "network"]
ORDER += ["security_group", "keypair", "lease"]


class Lab:
    """One lab; every object carries the same name and, where it can, the same tag."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.name = f"verify-{uuid.uuid4().hex[:8]}"
        self.tag = f"booking={self.name}"
        # (what, service, path) of all that exists, in the order of creation.
        self.made: list[tuple[str, str, str]] = []

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        want: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One call, printed; another status than the wanted one fails."""
        answer = self.cloud.call(method, service, path, body, headers)
        print_call(method, service, path, answer)
        if answer.status != want:
            raise Failure(f"{method} {service}{path}: wanted {want}, got {answer.status} {answer.body}")
        return answer.body

    def create(self, service: str, path: str, kind: str, values: dict, want: int = 201) -> dict:
        made = self.call("POST", service, path, {kind: values}, want)[kind]
        self.made.append((kind, service, f"{path}/{made.get('id') or made['name']}"))
        return made

    def lease(self, reservations: list[dict]) -> dict:
        """For an hour from now, and in force when this returns."""
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        # A lease's body is bare, its answer is wrapped.
        values = {
            "name": self.name,
            "start_date": "now",
            "end_date": f"{end:%Y-%m-%d %H:%M}",
            "events": [],
            "reservations": reservations,
        }
        lease = self.call("POST", "reservation", "/leases", values, 201)["lease"]
        path = f"/leases/{lease['id']}"
        self.made.append(("lease", "reservation", path))
        return self.await_field("reservation", path, "lease", "ACTIVE", "ERROR")

    def server(self, values: dict, beside: dict | None = None) -> str:
        """Boot one on the shared network, wait until it is active, return its path."""
        shared = self.find("network", "/v2.0/networks?name=sharednet1", "networks", "sharednet1")
        server = {"name": self.name, "networks": [{"uuid": shared["id"]}]} | values
        body = {"server": server} | (beside or {})
        made = self.call("POST", "compute", "/servers", body, 202)["server"]
        path = f"/servers/{made['id']}"
        self.made.append(("server", "compute", path))
        self.await_field("compute", path, "server", "ACTIVE", "ERROR")
        return path

    def image(self) -> str:
        return self.call("GET", "image", "/v2/images?name=CC-Ubuntu24.04")["images"][0]["id"]

    def find(self, service: str, path: str, key: str, name: str) -> dict:
        found = [item for item in self.call("GET", service, path)[key] if item["name"] == name]
        if len(found) != 1:
            raise Failure(f"{len(found)} objects named {name} in {service}{path}, wanted one.")
        return found[0]

    def await_field(self, service: str, path: str, kind: str, wanted: str, bad: str) -> dict:
        """Poll until the object's status is the wanted one."""
        started = time.monotonic()
        while True:
            body = self.cloud.call("GET", service, path).body
            item = body[kind]
            if item["status"] == wanted:
                print(f"        {kind} {wanted} after {time.monotonic() - started:.1f} s", flush=True)
                return item
            if item["status"] == bad or time.monotonic() - started > SECONDS:
                raise Failure(f"{kind} is {item['status']}: {item.get('fault')}")
            time.sleep(0.25)

    def await_absence(self, service: str, path: str) -> None:
        deadline = time.monotonic() + SECONDS
        while self.cloud.call("GET", service, path).status != 404:
            if time.monotonic() > deadline:
                raise Failure(f"{service}{path} is still there after {SECONDS} s.")
            time.sleep(0.25)

    def gone(self, service: str, path: str) -> None:
        """Wait until the object is away, and do not delete it at the end."""
        self.await_absence(service, path)
        self.made = [entry for entry in self.made if entry[1:] != (service, path)]

    def tear_down(self) -> None:
        """Delete what is left, the lease last."""
        for kind in ORDER:
            mine = [(service, path) for what, service, path in self.made if what == kind]
            for service, path in mine:
                if kind == "router":
                    _detach_router(self, path)
                _delete(self, service, path)
            for service, path in mine:
                self.await_absence(service, path)

    def confirm_nothing_left(self) -> None:
        """By name and by tag, as one who does not know the ids would look."""
        places = [("compute", "/servers", "servers"), ("reservation", "/leases", "leases")]
        places += [("block-storage", "/volumes", "volumes"), ("sharev2", "/shares", "shares")]
        for kind in ("networks", "subnets", "routers", "ports", "security-groups", "floatingips"):
            key = kind.replace("-", "_")
            places.append(("network", f"/v2.0/{kind}?tags={self.tag}", key))
            places.append(("network", f"/v2.0/{kind}?description={self.tag}", key))
        for service, path, key in places:
            left = self.call("GET", service, path)[key]
            if any(self.name in json.dumps(item) for item in left):
                raise Failure(f"left behind in {service}{path}: {left}")


def print_call(method: str, service: str, path: str, answer: Answer) -> None:
    print(f"{answer.seconds:6.2f} s {answer.status} {method:<6} {service}{path}", flush=True)


def _detach_router(lab: Lab, path: str) -> None:
    router = path.rpartition("/")[2]
    found = lab.call("GET", "network", f"/v2.0/ports?device_id={router}")["ports"]
    for port in found:
        if port["device_owner"] == "network:router_interface":
            body = {"port_id": port["id"]}
            lab.call("PUT", "network", f"{path}/remove_router_interface", body)


def _delete(lab: Lab, service: str, path: str) -> None:
    answer = lab.cloud.call("DELETE", service, path)
    print_call("DELETE", service, path, answer)
    if answer.status not in (202, 204):
        raise Failure(f"DELETE {service}{path} answered {answer.status} {answer.body}")


def expect(what: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise Failure(f"{what} is {got!r}, not {wanted!r}.")
