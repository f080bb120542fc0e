"""The keyring: numbered keys that wrap data keys, in a file beside the database's backups, never inside them.

The file is JSON, readable by its owner only: ``{"current": "2", "keys": {"2": {"key": "<base64>", "made_at": "…"}}}``. Writers must hold
the database lock of ``secret_queries.lock_keys``; the file is replaced in one step, so readers need none.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings


class KeyringError(RuntimeError):
    """The keyring cannot be used. The text names the file and says what to do; it never holds key material."""


class KeyNotHeld(KeyringError):
    """The keyring does not hold the key of that number: it belongs to another database, or the key was just rotated away."""


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    made_at: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    current: str
    keys: dict[str, _Key]


_file = msgspec.json.Decoder(_File)
"""Made once, at import: threads that look at a type for the first time at once would crash (``stallkit.structs``)."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by number; ``current`` wraps what is new."""

    path: Path
    current: str
    keys: dict[str, bytes]
    made_at: dict[str, str]

    def cipher(self, number: str) -> AESGCM:
        """The key ``number``; KeyNotHeld if the file does not hold it."""
        if number not in self.keys:
            raise KeyNotHeld(
                f"{self.path} holds no key {number}, which the database was encrypted with: put back the keyring that belongs to this "
                f"database (the one saved with its backup). Keys found: {', '.join(sorted(self.keys)) or 'none'}."
            )
        return AESGCM(self.keys[number])


_cache: dict[Path, tuple[tuple[int, int, int], Keyring]] = {}


def path() -> Path:
    """Where the keyring is (STALLKEEPER_KEYRING)."""
    return Path(settings.ENV.keyring)


def read() -> Keyring:
    """The keyring as it is on disk now; read again only when the file was replaced. KeyringError if missing, open to others or damaged."""
    file = path()
    try:
        found = file.stat()
    except FileNotFoundError:
        raise KeyringError(
            f"The keyring {file} is missing, but the database holds encrypted data: put the file back from where you keep it, "
            "or set STALLKEEPER_KEYRING to where it is."
        ) from None
    _check_mode(file, found)
    version = (found.st_ino, found.st_mtime_ns, found.st_size)
    cached = _cache.get(file)
    if cached is None or cached[0] != version:
        cached = _cache[file] = version, _decode(file)
    return cached[1]


def make(at: datetime) -> Keyring:
    """A keyring with one key, where there was none. The caller holds the lock and knows that nothing is encrypted yet."""
    return _write(_with_new_key(Keyring(path(), "", {}, {}), at))


def add_key(at: datetime) -> Keyring:
    """Add a key and make it the current one."""
    return _write(_with_new_key(read(), at))


def drop_keys(numbers: set[str]) -> Keyring:
    """Forget keys for good. Never the current one."""
    ring = read()
    kept = {number: key for number, key in ring.keys.items() if number not in numbers or number == ring.current}
    return _write(Keyring(ring.path, ring.current, kept, {number: ring.made_at[number] for number in kept}))


def _check_mode(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyringError(f"The keyring {file} is not a plain file.")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise KeyringError(f"The keyring {file} can be used by others (mode {mode:03o}): run chmod 600 {file}")


def _decode(file: Path) -> Keyring:
    try:
        decoded = _file.decode(file.read_bytes())
        keys = {number: base64.b64decode(entry.key, validate=True) for number, entry in decoded.keys.items()}
    except PermissionError:
        raise KeyringError(
            f"The keyring {file} cannot be read by this account: make it the file's owner (chown) or run as its owner."
        ) from None
    except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError):
        raise KeyringError(
            f"The keyring {file} is damaged (it is not the JSON that was written): put it back from where you keep it."
        ) from None
    if decoded.current not in keys or any(len(key) != 32 for key in keys.values()):
        raise KeyringError(f"The keyring {file} is damaged (its current key is missing or a key has the wrong length): put it back.")
    return Keyring(file, decoded.current, keys, {number: entry.made_at for number, entry in decoded.keys.items()})


def _with_new_key(ring: Keyring, at: datetime) -> Keyring:
    number = str(max((int(known) for known in ring.keys if known.isdecimal()), default=0) + 1)
    keys = ring.keys | {number: AESGCM.generate_key(256)}
    return Keyring(ring.path, number, keys, ring.made_at | {number: at.isoformat()})


def _write(ring: Keyring) -> Keyring:
    """Replace the file in one step and have it on disk before anything depends on it."""
    entries = {number: _Key(base64.b64encode(key).decode(), ring.made_at[number]) for number, key in ring.keys.items()}
    body = msgspec.json.format(msgspec.json.encode(_File(ring.current, entries)))
    ring.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = ring.path.with_name(f".{ring.path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(body)
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(ring.path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise KeyringError(
            f"The keyring {ring.path} cannot be written: {error.strerror}. Set STALLKEEPER_KEYRING to a place you may write to."
        ) from error
    _sync_folder(ring.path.parent)
    return ring


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
