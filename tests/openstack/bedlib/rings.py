"""Swift's rings: the files that tell its proxy where accounts, containers and objects are kept."""

import importlib
from pathlib import Path

from .render import SWIFT_DEVICE
from .settings import LOOPBACK, SWIFT_STORAGE


def make(directory: Path, ports: dict[str, int]) -> None:
    """One copy on one disk. Rings hold ports, so each start makes them anew; what is kept stays where it is."""
    # Found in the virtual environment only, in which `up` runs.
    builder = importlib.import_module("swift.common.ring.builder")
    for kind in SWIFT_STORAGE:
        ring = builder.RingBuilder(part_power=2, replicas=1, min_part_hours=1)
        place = {"region": 1, "zone": 1, "ip": LOOPBACK, "port": ports[f"swift_{kind}"]}
        ring.add_dev(place | {"id": 0, "device": SWIFT_DEVICE, "weight": 1.0})
        ring.rebalance(seed=0)
        ring.get_ring().save(str(directory / f"{kind}.ring.gz"))
