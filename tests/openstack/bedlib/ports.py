"""Free loopback ports, chosen anew for each start unless the last ones are still free."""

import json
import random
import socket

from .settings import LOOPBACK, PORT_NAMES, Failure, Settings

# Below the range from which the kernel takes ports for outgoing connections.
LOWEST, HIGHEST = 20000, 32000


def choose(settings: Settings) -> dict[str, int]:
    file = settings.run / "ports.json"
    ports = json.loads(file.read_text()) if file.exists() else {}
    if set(ports) != set(PORT_NAMES) or not all(map(_free, ports.values())):
        ports = _pick()
        file.write_text(json.dumps(ports, indent=1))
    return ports


def _pick() -> dict[str, int]:
    """A random start keeps two beds that start at the same moment apart."""
    candidates = iter(range(random.randrange(LOWEST, HIGHEST - 500), HIGHEST))
    free = (port for port in candidates if _free(port))
    try:
        return {name: next(free) for name in PORT_NAMES}
    except StopIteration:
        raise Failure(f"No free ports on {LOOPBACK} below {HIGHEST}.") from None


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
