"""The seeded cloud as one file, keyed by all that it was made from."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from .settings import HERE, Failure, Settings

# What a seeded cloud consists of; everything else in run/ is made anew by each start.
KEPT = ["mysql", "keys", "state", "seed.json"]


def is_current(settings: Settings) -> bool:
    """False when there is no snapshot for this lock, these templates and this seed."""
    archive, key = _archive(settings), _key_file(settings)
    return archive.exists() and key.exists() and key.read_text() == _key()


def restore(settings: Settings) -> None:
    """Unpack into an empty run/."""
    settings.run.mkdir(parents=True, exist_ok=True)
    _tar(["--extract", f"--file={_archive(settings)}"], settings.run)


def save(settings: Settings) -> None:
    """Only while nothing runs: files of a live database are not consistent."""
    _key_file(settings).unlink(missing_ok=True)
    partial = settings.home / "snapshot.partial"
    _tar(["--create", "--use-compress-program=gzip -1", f"--file={partial}", *KEPT], settings.run)
    partial.rename(_archive(settings))
    _key_file(settings).write_text(_key())


def wipe_run(settings: Settings) -> None:
    shutil.rmtree(settings.run, ignore_errors=True)


def _archive(settings: Settings) -> Path:
    return settings.home / "snapshot.tgz"


def _key_file(settings: Settings) -> Path:
    return settings.home / "snapshot.key"


def _key() -> str:
    """A change of any input gives another key; so does another MariaDB, whose files these are."""
    sources = [HERE / "requirements.lock", HERE / "bedlib" / "settings.py"]
    sources += [HERE / "bedlib" / name for name in ("schema.py", "seed.py", "render.py")]
    sources += sorted(path for path in (HERE / "templates").iterdir())
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    version = subprocess.run(["/usr/sbin/mariadbd", "--no-defaults", "--version"], capture_output=True)
    digest.update(version.stdout)
    return digest.hexdigest()


def _tar(arguments: list[str], directory: Path) -> None:
    done = subprocess.run(["tar", "-C", str(directory), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"tar failed on the snapshot: {done.stderr.strip()}")
