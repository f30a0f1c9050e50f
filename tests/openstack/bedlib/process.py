"""Starting processes and stopping exactly those again.

Each start is recorded in run/processes.json with the pid and the kernel's start time of the process:
together they name one process for ever, so a recycled pid is never touched. Every process leads its own
session; its descendants are found through their parents and through that session.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from .settings import Failure, Settings

INFRASTRUCTURE = ["rabbitmq", "memcached", "mariadb", "epmd"]
GRACE_SECONDS = {"mariadb": 30.0, "rabbitmq": 10.0}


class Processes:
    """What this bed has started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = settings.run / "processes.json"
        self._records: dict[str, dict[str, int]] = {}
        if self._file.exists():
            self._records = json.loads(self._file.read_text())

    @property
    def names(self) -> list[str]:
        return list(self._records)

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start in the background, output to log/NAME.log."""
        log = self.log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self._settings.run,
                env=_clean_environment(self._settings) | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._records[name] = {"pid": process.pid, "started": _start_time(process.pid) or 0}
        self._save()

    def log(self, name: str) -> Path:
        return self._settings.log / f"{name}.log"

    def alive(self, name: str) -> bool:
        record = self._records[name]
        return _start_time(record["pid"]) == record["started"]

    def require_alive(self) -> None:
        """Fail at once when a process has ended: waiting for it would only hide the reason."""
        for name in self._records:
            if not self.alive(name):
                raise Failure(f"{name} has ended, see {self.log(name)}")

    def memory_mib(self, name: str) -> int:
        return sum(map(_resident_kib, self._family([name]))) // 1024

    def stop_all(self) -> None:
        """Services first, so that none of them complains about its database while it ends."""
        self.stop([name for name in self._records if name not in INFRASTRUCTURE])
        self.stop([name for name in self._records if name in INFRASTRUCTURE])

    def stop(self, names: list[str]) -> None:
        """Ask the process, wait for its whole family, then insist."""
        if not names:
            return
        family = self._family(names)
        for name in names:
            if self.alive(name):
                os.kill(self._records[name]["pid"], signal.SIGTERM)
        grace = max((GRACE_SECONDS.get(name, 3.0) for name in names), default=0)
        if not _gone(family, grace):
            for pid, started in family.items():
                if _start_time(pid) == started:
                    os.kill(pid, signal.SIGKILL)
            _gone(family, 5)
        for name in names:
            del self._records[name]
        self._save()

    def _family(self, names: Iterable[str]) -> dict[int, int]:
        """pid -> start time of the named processes and of all that descend from them."""
        table = _process_table()
        leaders = {self._records[name]["pid"]: self._records[name]["started"] for name in names}
        family = {pid for pid, started in leaders.items() if pid in table and table[pid][2] == started}
        # Orphans still carry their leader's session id, and the kernel gives that number to no new
        # process while the session has members. So a session whose number has been given anew is not ours.
        recycled = {pid for pid in leaders if pid in table and pid not in family}
        sessions = leaders.keys() - recycled
        family |= {pid for pid, (_, session, _) in table.items() if session in sessions}
        while children := {pid for pid, (parent, _, _) in table.items() if parent in family} - family:
            family |= children
        return {pid: table[pid][2] for pid in family}

    def _save(self) -> None:
        self._file.write_text(json.dumps(self._records, indent=1))


def _clean_environment(settings: Settings) -> dict[str, str]:
    """The caller's OS_* variables and proxies must not steer the services."""
    keep = {"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"}
    own = {key: value for key, value in os.environ.items() if key in keep}
    return own | {
        "XDG_CACHE_HOME": str(settings.home / "cache"),
        "PYTHONWARNINGS": "ignore",
        "LC_ALL": "C.UTF-8",
    }


def _process_table() -> dict[int, tuple[int, int, int]]:
    """pid -> (parent, session, start time) of everything that runs."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            table[int(entry)] = (int(fields[1]), int(fields[3]), int(fields[19]))
    return table


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command's name; nothing for a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields


def _start_time(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _resident_kib(pid: int) -> int:
    """Shared pages are counted once for each of those that share them, in parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _gone(family: dict[int, int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(_start_time(pid) == started for pid, started in family.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
