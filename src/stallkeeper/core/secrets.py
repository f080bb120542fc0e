"""Envelope encryption: a data key per organisation seals rows; a key outside the database wraps the data keys.

Sealed bytes are bound to organisation, table and row (AES-GCM associated data): moved to another row they do not open. Layout of a sealed
blob: 12 random bytes, then ciphertext and tag. Contexts are ``"<table>:<what names the row>"``.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection
from django.db.backends.utils import CursorWrapper

from stallkeeper.core import audit, clock, crash, keyring, secret_queries
from stallkeeper.core.models import Secret
from stallkeeper.core.secret_queries import SealedRow, WrappedKey
from stallkeeper.core.sql import Answer
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.core.use_case import SYSTEM, UseCase, use_case

NONCE = 12
PAGE = 1_000


class SealBroken(RuntimeError):
    """Sealed bytes do not open: changed, moved from another row, or sealed by another key. Names the context, never the content."""


class Sealer:
    """Seals and opens rows of one organisation. Reads the data keys once, at first use; cheap per row (two microseconds).

    The first seal of an organisation makes its data key, in the transaction that is open.
    """

    def __init__(self, organisation_id: int, *, ahead: bool = False) -> None:
        """``ahead``: the keys will be needed, so ask for them now; in a pipeline nobody waits before the first use."""
        self.organisation_id = organisation_id
        self._asked = self._ask() if ahead else None
        self._ciphers: dict[int, AESGCM] = {}
        self._blinds: dict[int, bytes] = {}
        self._newest = 0

    def seal(self, context: str, data: bytes) -> tuple[int, bytes]:
        """(key version, sealed bytes); both are needed to open."""
        if not self._newest:
            self._load(make=True)
        nonce = os.urandom(NONCE)
        bound = _bound(self.organisation_id, self._newest, context)
        return self._newest, nonce + self._ciphers[self._newest].encrypt(nonce, data, bound)

    def open(self, context: str, key_version: int, blob: bytes) -> bytes:
        """What was sealed under the same context; SealBroken if it was not, KeyringError if the key is out of reach."""
        if key_version not in self._ciphers:
            self._load(make=False)
        cipher = self._ciphers.get(key_version)
        if cipher is None:
            raise SealBroken(f"{context}: organisation {self.organisation_id} has no data key {key_version}")
        try:
            return cipher.decrypt(blob[:NONCE], blob[NONCE:], _bound(self.organisation_id, key_version, context))
        except (InvalidTag, ValueError):
            raise SealBroken(f"{context}: the sealed bytes were changed or belong to another row") from None

    def blind(self, words: Iterable[str]) -> list[int]:
        """The words as signed numbers of 64 bits that say nothing without the data key. Equal words are equal until there is a new one."""
        if not self._newest:
            self._load(make=True)
        return sorted({_blind(self._blinds[self._newest], word) for word in words})

    def blind_by_every_key(self, word: str) -> list[int]:
        """What ``blind`` made of the word under any data key that the organisation has had."""
        if not self._blinds:
            self._load(make=False)
        return [_blind(key, word) for key in self._blinds.values()]

    def _load(self, make: bool) -> None:
        try:
            keys = self._unwrap_all(make)
        except keyring.KeyNotHeld:
            # A rotation may have re-wrapped the rows and dropped the old key between our two reads: look again, once.
            keys = self._unwrap_all(make)
        self._newest = max((key.version for key in keys if not key.retired), default=0)

    def _unwrap_all(self, make: bool) -> list[WrappedKey]:
        asked, self._asked = self._asked or self._ask(), None
        keys = asked()
        if make and all(key.retired for key in keys):
            keys = _first_data_key(self.organisation_id)
        opened = {key.version: _unwrap(key) for key in keys}
        self._ciphers = {version: cipher for version, (cipher, _blinding) in opened.items()}
        self._blinds = {version: blinding for version, (_cipher, blinding) in opened.items()}
        return keys

    def _ask(self) -> Answer[WrappedKey]:
        with organisation_scope(self.organisation_id):
            return secret_queries.ask_data_keys(self.organisation_id)


def store(uc: UseCase, purpose: str, text: str) -> Secret:
    """Keep ``text`` under ``purpose`` (unique in the organisation); replaces what was there. Audited without its content."""
    version, sealed = Sealer(uc.organisation_id).seal(f"core_secret:{purpose}", text.encode())
    with connection.cursor() as cursor:
        row = secret_queries.upsert_secret(cursor, uc.organisation_id, purpose, version, sealed, uc.at)
    audit.record(uc, "store.secret", "secret", row, purpose=purpose)
    return Secret(pk=row, organisation_id=uc.organisation_id, purpose=purpose, key_version=version, ciphertext=sealed, updated_at=uc.at)


def reveal(secret: Secret) -> str:
    """The text behind a secret; SealBroken or KeyringError if it cannot be opened."""
    sealer = Sealer(secret.organisation_id)
    return sealer.open(f"core_secret:{secret.purpose}", secret.key_version, bytes(secret.ciphertext)).decode()


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did. ``key`` is the number of the key that now wraps; ``dropped`` are those that nothing uses any more."""

    key: str
    rewrapped: int
    new_data_keys: int
    resealed: int
    dropped: tuple[str, ...]


def rotate(
    organisation_id: int | None = None,
    *,
    data_keys: bool = False,
    keep_old: bool = False,
    at: datetime | None = None,
    actor: str = SYSTEM,
) -> Rotation:
    """Make a new wrapping key and re-wrap all data keys (of one organisation, or of all) while everything runs.

    ``data_keys`` also makes new data keys and seals secrets and personal data anew; raw payloads stay under the old data key until their
    end date. Safe to kill at any point and to run again: a key leaves the keyring only when no data key is wrapped by it (never with
    ``keep_old``, for those who want to restore a database backup from before with the keyring of today).
    """
    at = at or clock.now()
    with crash.committing("keys.wrapping", durable=True), connection.cursor() as cursor:
        ring = _new_wrapping_key(cursor, at)
    organisations = [organisation_id] if organisation_id is not None else _organisations()
    rewrapped = sum(_rewrap_all(organisation, at, actor) for organisation in organisations)
    if organisation_id is None:
        _rewrap_people()
    resealed = sum(_reseal_all(organisation, at, actor) for organisation in organisations) if data_keys else 0
    dropped = () if keep_old else _drop_unused()
    return Rotation(ring.current, rewrapped, len(organisations) if data_keys else 0, resealed, dropped)


# --- keys ---------------------------------------------------------------------------------------------------------------------------------


def _bound(organisation_id: int, key_version: int, context: str) -> bytes:
    return f"stallkeeper:{organisation_id}:{key_version}:{context}".encode()


def _wrapping_bound(organisation_id: int, version: int) -> bytes:
    return f"stallkeeper:data-key:{organisation_id}:{version}".encode()


def _wrap(data_key: bytes, organisation_id: int, version: int, ring: keyring.Keyring) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + ring.cipher(ring.current).encrypt(nonce, data_key, _wrapping_bound(organisation_id, version))


def _unwrap(key: WrappedKey) -> tuple[AESGCM, bytes]:
    """What seals, and the key of the blind index, which is derived from the same data key."""
    ring = keyring.read()
    ring.cipher(key.wrapped_by)
    return _unwrapped(key.organisation_id, key.version, key.wrapped, ring.keys[key.wrapped_by])


@lru_cache(maxsize=1_000)
def _unwrapped(organisation_id: int, version: int, wrapped: bytes, wrapping_key: bytes) -> tuple[AESGCM, bytes]:
    data_key = _unwrapped_bytes(organisation_id, version, wrapped, wrapping_key)
    return AESGCM(data_key), hmac.digest(data_key, b"stallkeeper:blind-index", "sha256")


def _blind(key: bytes, word: str) -> int:
    return int.from_bytes(hmac.digest(key, word.encode(), "sha256")[:8], "big", signed=True)


def _unwrapped_bytes(organisation_id: int, version: int, wrapped: bytes, wrapping_key: bytes) -> bytes:
    try:
        return AESGCM(wrapping_key).decrypt(wrapped[:NONCE], wrapped[NONCE:], _wrapping_bound(organisation_id, version))
    except InvalidTag:
        raise keyring.KeyringError(
            f"{keyring.path()} holds a key of that number, but another one than the database was encrypted with: put back the keyring that "
            "belongs to this database."
        ) from None


def _first_data_key(organisation_id: int) -> list[WrappedKey]:
    """Make the organisation's data key, unless somebody else just did."""
    with organisation_scope(organisation_id), crash.committing("keys.first"), connection.cursor() as cursor:
        secret_queries.lock_keys(cursor)
        keys = secret_queries.data_keys(cursor, organisation_id)
        if all(key.retired for key in keys):
            _add_data_key(cursor, organisation_id, keys, usable_ring(cursor, clock.now()), clock.now())
            keys = secret_queries.data_keys(cursor, organisation_id)
    return keys


def usable_ring(cursor: CursorWrapper, at: datetime) -> keyring.Keyring:
    """The keyring; a new one only where nothing was ever encrypted. The caller holds the lock."""
    if not keyring.path().exists() and not _in_use(cursor):
        return keyring.make(at)
    return keyring.read()


def _in_use(cursor: CursorWrapper) -> set[str]:
    with across_organisations(Passage.KEYS):
        return secret_queries.wrapping_keys_in_use(cursor)


def _add_data_key(cursor: CursorWrapper, organisation_id: int, keys: list[WrappedKey], ring: keyring.Keyring, at: datetime) -> int:
    version = max((key.version for key in keys), default=0) + 1
    wrapped = _wrap(AESGCM.generate_key(256), organisation_id, version, ring)
    secret_queries.add_data_key(cursor, organisation_id, version, wrapped, ring.current, at)
    return version


# --- rotation -----------------------------------------------------------------------------------------------------------------------------


def _organisations() -> list[int]:
    with across_organisations(Passage.KEYS), connection.cursor() as cursor:
        return secret_queries.organisations_with_keys(cursor)


def _new_wrapping_key(cursor: CursorWrapper, at: datetime) -> keyring.Keyring:
    """Add a key, unless an interrupted rotation left one that nothing is wrapped by yet."""
    secret_queries.lock_keys(cursor)
    ring, used = usable_ring(cursor, at), _in_use(cursor)
    return keyring.add_key(at) if ring.current in used else ring


def _rewrap_all(organisation_id: int, at: datetime, actor: str) -> int:
    """Wrap an organisation's data keys by the current key, in one transaction; how many were wrapped by another."""
    with use_case("rotate.keys", organisation_id=organisation_id, actor=actor, at=at) as uc, connection.cursor() as cursor:
        secret_queries.lock_keys(cursor)
        ring = keyring.read()
        old = [key for key in secret_queries.data_keys(cursor, organisation_id, for_update=True) if key.wrapped_by != ring.current]
        for key in old:
            ring.cipher(key.wrapped_by)
            plain = _unwrapped_bytes(organisation_id, key.version, key.wrapped, ring.keys[key.wrapped_by])
            secret_queries.rewrap(cursor, key.id, _wrap(plain, organisation_id, key.version, ring), ring.current)
        audit.record(uc, "rotate.keys", "organisation", organisation_id, key=ring.current, wrapped=len(old))
    return len(old)


Reader = Callable[[CursorWrapper, int, int, int], list[SealedRow]]
Writer = Callable[[CursorWrapper, list[tuple[int, int, bytes]]], None]


def _rewrap_people() -> None:
    """The same for what belongs to people and to no organisation."""
    from stallkeeper.core import second_factor

    with crash.committing("keys.people", durable=True), connection.cursor() as cursor:
        secret_queries.lock_keys(cursor)
        second_factor.rewrap_all(keyring.read())


def _reseal_all(organisation_id: int, at: datetime, actor: str) -> int:
    with use_case("make.data_key", organisation_id=organisation_id, actor=actor, at=at) as uc, connection.cursor() as cursor:
        secret_queries.lock_keys(cursor)
        keys = secret_queries.data_keys(cursor, organisation_id, for_update=True)
        version = _add_data_key(cursor, organisation_id, keys, keyring.read(), at)
        audit.record(uc, "make.data_key", "organisation", organisation_id, version=version)
    tables: list[tuple[Reader, Writer]] = [
        (secret_queries.secrets_under_old_keys, secret_queries.replace_secrets),
        (secret_queries.personal_under_old_keys, secret_queries.replace_personal),
    ]
    return sum(_reseal_table(organisation_id, version, read, write) for read, write in tables)


def _reseal_table(organisation_id: int, version: int, read: Reader, write: Writer) -> int:
    total = 0
    while resealed := _reseal_page(organisation_id, version, read, write):
        total += resealed
    return total


def _reseal_page(organisation_id: int, version: int, read: Reader, write: Writer) -> int:
    sealer = Sealer(organisation_id)
    with organisation_scope(organisation_id), crash.committing("keys.reseal", durable=True), connection.cursor() as cursor:
        rows = read(cursor, organisation_id, version, PAGE)
        opened = [(row, sealer.open(row.context, row.key_version, row.ciphertext)) for row in rows]
        if opened:
            write(cursor, [(row.id, *sealer.seal(row.context, plain)) for row, plain in opened])
    return len(rows)


def _drop_unused() -> tuple[str, ...]:
    with crash.committing("keys.drop", durable=True), connection.cursor() as cursor:
        secret_queries.lock_keys(cursor)
        ring, used = keyring.read(), _in_use(cursor)
        unused = {number for number in ring.keys if number not in used and number != ring.current}
        if unused:
            keyring.drop_keys(unused)
    return tuple(sorted(unused))
