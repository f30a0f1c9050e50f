"""The command line of `bed`."""

import argparse
import fcntl
import os
import sys

from .bed import Bed
from .install import install, venv_is_current
from .settings import HERE, Failure, Settings

HELP = {
    "install": "install the Debian packages and the virtual environment; skips what is there",
    "up": "start everything and wait until it works; installs first if need be",
    "down": "stop everything that was started here; the state stays",
    "status": "list the processes and their memory; exit code 1 unless all is up",
    "destroy": "stop, and remove the state; virtual environment and snapshot stay",
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bed",
        description="Real OpenStack services on this machine, on loopback, for the tests.",
        epilog="State is kept in $FAIRLEASE_BED, by default ~/.cache/fairlease-bed.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in HELP.items():
        commands.add_parser(name, help=text, description=text)
    command = parser.parse_args(arguments).command
    try:
        return _run(command, Settings.from_environment())
    except Failure as failure:
        print(f"bed: {failure}", file=sys.stderr)
        return 1


def _run(command: str, settings: Settings) -> int:
    settings.home.mkdir(parents=True, exist_ok=True)
    if command == "status":
        return 0 if Bed(settings).status() else 1
    with (settings.home / "lock").open("w") as lock:
        # Two at once would start everything twice: the second waits and finds it up.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if command == "install":
            install(settings)
        elif command == "up":
            _up(settings)
        elif command == "down":
            Bed(settings).down()
        else:
            Bed(settings).destroy()
    return 0


def _up(settings: Settings) -> None:
    """Continue in the virtual environment: it has the AMQP client that the readiness check needs."""
    if not venv_is_current(settings):
        install(settings)
    if sys.prefix == str(settings.venv):
        Bed(settings).up()
    else:
        os.execv(settings.python, [str(settings.python), str(HERE / "bed"), "up"])
