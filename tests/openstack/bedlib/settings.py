"""Where things live and what they are called: the only reader of the environment."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
REGION = "CHI@TEST"
# Known passwords are no risk: every service listens on loopback only and holds nothing.
PASSWORD = "fairlease"

# Hosts outside Blazar's pool, hosts of which it leases servers, and hosts that it leases whole: a
# lease of servers would keep one of its whole host from being made. One process each, so: few.
PLAIN_HOSTS = ["cn1"]
SHARED_HOSTS = ["cn2"]
WHOLE_HOSTS = ["bm1", "bm2"]
LEASABLE_HOSTS = SHARED_HOSTS + WHOLE_HOSTS
HOSTS = PLAIN_HOSTS + LEASABLE_HOSTS

DATABASES = [
    "keystone",
    "placement",
    "glance",
    "neutron",
    "nova_api",
    "nova_cell0",
    "nova_cell1",
    "blazar",
    "cinder",
    "manila",
]
# Catalog type -> (name of the service and of its port, path of its endpoint). Sites name Cinder by the one
# type or the other, with the project in the path or without: here both are to be had.
CATALOG = {
    "identity": ("keystone", "/v3"),
    "placement": ("placement", ""),
    "image": ("glance", ""),
    "network": ("neutron", ""),
    "compute": ("nova", "/v2.1"),
    "reservation": ("blazar", "/v1"),
    "block-storage": ("cinder", "/v3"),
    "volumev3": ("cinder", "/v3/%(project_id)s"),
    "sharev2": ("manila", "/v2"),
    "object-store": ("swift", "/v1/AUTH_%(project_id)s"),
}
# What Swift's proxy keeps its data in: one server each.
SWIFT_STORAGE = ["account", "container", "object"]
INNER_PORTS = ["mariadb", "rabbitmq", "rabbitmq_dist", "epmd", "memcached"]
INNER_PORTS += [f"swift_{kind}" for kind in SWIFT_STORAGE]
PORT_NAMES = list(dict.fromkeys([name for name, _ in CATALOG.values()] + INNER_PORTS))
# The type of volumes that are asked for without one: Chameleon's name.
VOLUME_TYPE = "ceph-ssd"
SHARE_TYPE = "default"


class Failure(Exception):
    """Something is missing; the text is a sentence for the person who runs this."""


def _default_home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "fairlease-bed"


@dataclass(frozen=True)
class Settings:
    """One test bed: its directory and the few knobs it has."""

    home: Path
    token_seconds: int
    blazar_poll_seconds: int

    @staticmethod
    def from_environment() -> "Settings":
        return Settings(
            home=Path(os.environ.get("FAIRLEASE_BED") or _default_home()).resolve(),
            token_seconds=_number("FAIRLEASE_BED_TOKEN_SECONDS", 3600),
            blazar_poll_seconds=_number("FAIRLEASE_BED_BLAZAR_POLL_SECONDS", 10),
        )

    @property
    def venv(self) -> Path:
        return self.home / "venv"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def log(self) -> Path:
        return self.run / "log"

    @property
    def etc(self) -> Path:
        return self.run / "etc"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def seed_file(self) -> Path:
        """Written last when seeding: its presence means that run/ holds a seeded cloud."""
        return self.run / "seed.json"

    @property
    def bed_file(self) -> Path:
        return self.run / "bed.json"

    @property
    def clouds_file(self) -> Path:
        return self.run / "clouds.yaml"

    def seeded(self) -> dict:
        return json.loads(self.seed_file.read_text())


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, "")
    if not value:
        return default
    if not value.isdigit() or int(value) == 0:
        raise Failure(f"{name} must be a whole number of seconds, not {value!r}.")
    return int(value)


def say(text: str) -> None:
    print(f"bed: {text}", file=sys.stdout, flush=True)
