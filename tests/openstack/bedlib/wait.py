"""Waiting for conditions, and saying how long stages took."""

import contextlib
import http.client
import socket
import time
from collections.abc import Callable, Iterator

from .settings import LOOPBACK, Failure, say


@contextlib.contextmanager
def stage(text: str) -> Iterator[None]:
    """Print one line with the seconds that the block took."""
    started = time.monotonic()
    yield
    say(f"{text}: {time.monotonic() - started:.1f} s")


def until(what: str, condition: Callable[[], bool], seconds: float, step: float = 0.1) -> None:
    """Return when the condition holds; fail with a sentence when time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what} within {seconds:.0f} s.")
        time.sleep(step)


def port_open(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex((LOOPBACK, port)) == 0


def http_answers(port: int) -> bool:
    """True when an application answers: uWSGI listens before it has loaded one."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=3)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
