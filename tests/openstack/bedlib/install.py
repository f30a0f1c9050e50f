"""Debian packages and the virtual environment: once, then skipped."""

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .settings import HERE, Failure, Settings, say
from .wait import stage

LOCK = HERE / "requirements.lock"
# What must exist, and the package that brings it.
DEBIAN = {
    "/usr/sbin/mariadbd": "mariadb-server-core",
    "/usr/bin/mariadb": "mariadb-client-core",
    "/usr/lib/rabbitmq/bin/rabbitmq-server": "rabbitmq-server",
    "/usr/bin/memcached": "memcached",
    # uWSGI comes as source only.
    "/usr/bin/gcc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
}
PYTHON_PACKAGES = ["python3", "python3-dev", "python3-venv"]
POLICY = Path("/usr/sbin/policy-rc.d")
PYTHONS = ["python3.11", "python3.12", "python3.13", "python3"]


def install(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    missing = [package for path, package in DEBIAN.items() if not Path(path).exists()]
    if not venv_is_current(settings) and not _find_python():
        missing += PYTHON_PACKAGES
    if missing:
        _install_debian(settings, missing)
    if not venv_is_current(settings):
        _install_venv(settings)
    say("installed: Debian packages and virtual environment are there")


def venv_is_current(settings: Settings) -> bool:
    stamp = _stamp(settings)
    return stamp.exists() and stamp.read_text() == _lock_hash()


def _stamp(settings: Settings) -> Path:
    """Written after the last package: a half-made environment has none."""
    return settings.venv / "fairlease-lock.sha256"


def _lock_hash() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _install_debian(settings: Settings, packages: list[str]) -> None:
    if os.geteuid() != 0:
        raise Failure(f"Debian packages are missing: as root, apt-get install {' '.join(packages)}")
    log = settings.home / "apt.log"
    with stage(f"apt-get install {' '.join(packages)}"), _daemons_forbidden():
        _run(["apt-get", "update", "-qq"], log, {})
        _run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            log,
            {"DEBIAN_FRONTEND": "noninteractive"},
        )


@contextlib.contextmanager
def _daemons_forbidden() -> Iterator[None]:
    """Debian starts what it installs unless a policy script says no."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _install_venv(settings: Settings) -> None:
    python = _find_python()
    if not python:
        raise Failure(f"None of {', '.join(PYTHONS)} has the headers and venv module that are needed.")
    log = settings.home / "pip.log"
    shutil.rmtree(settings.venv, ignore_errors=True)
    with stage(f"virtual environment from {LOCK.name} (takes minutes; log {log})"):
        _run([python, "-m", "venv", str(settings.venv)], log, {})
        pip = [str(settings.python), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--upgrade", "pip"], log, {})
        _run([*pip, "--requirement", str(LOCK)], log, {})
        _stamp(settings).write_text(_lock_hash())


def _find_python() -> str | None:
    """A Python that can make an environment and against which C code can be compiled."""
    probe = (
        "import ensurepip, pathlib, sysconfig, sys;"
        "header = pathlib.Path(sysconfig.get_path('include'), 'Python.h');"
        "sys.exit(0 if sys.version_info >= (3, 11) and header.exists() else 1)"
    )
    for python in filter(None, map(shutil.which, PYTHONS)):
        if subprocess.run([python, "-c", probe], capture_output=True).returncode == 0:
            return python
    return None


def _run(command: list[str], log: Path, environment: dict[str, str]) -> None:
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
        )
    if done.returncode != 0:
        raise Failure(f"`{' '.join(command[:6])} ...` failed, see {log}")
