"""The second step of signing in: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost (ADR 0067).

The app's secret is sealed by a key of the keyring, bound to the person. Of recovery codes only hashes are kept. A code works once; after
five wrong ones of the app none is looked at for a quarter of an hour. Recovery codes are too long to be guessed and work then too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from datetime import datetime, timedelta
from enum import Enum, auto

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import connection
from django.db.models import Case, F, Q, Value, When

from stallkeeper.core import keyring, secret_queries
from stallkeeper.core.models import User
from stallkeeper.core.secrets import NONCE, SealBroken, usable_ring
from stallkeeper.core.sign_in_models import RecoveryCode, SecondFactor

STEP, DIGITS, SECRET_BYTES = 30, 6, 20
AROUND = (0, -1, 1)
"""Time steps whose codes count: clocks of telephones go wrong."""
TRIES, WAIT = 5, timedelta(minutes=15)
CODES, CODE_BYTES = 10, 10
ISSUER = "Stallkeeper"


class Verdict(Enum):
    """What a typed code is worth."""

    RIGHT = auto()
    RECOVERY = auto()
    """Right, and one of the recovery codes: it is used up."""
    WRONG = auto()
    TOO_MANY = auto()
    """None is looked at for a while."""


def is_on(user: User) -> bool:
    """Whether the person must show a code to sign in."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin(user: User, at: datetime) -> None:
    """A new secret, to be confirmed by a code of the app; one that was not confirmed is replaced, one that is in use stays.

    The caller's transaction. KeyringError if the keyring cannot be used.
    """
    with connection.cursor() as cursor:
        secret_queries.lock_keys(cursor)  # a rotation drops keys that no row names
        number, sealed = _seal(usable_ring(cursor, at), user.pk, os.urandom(SECRET_BYTES))
        SecondFactor.objects.filter(user=user, confirmed_at=None).delete()
        SecondFactor.objects.bulk_create([SecondFactor(user=user, sealed=sealed, wrapped_by=number, begun_at=at)], ignore_conflicts=True)


def to_confirm(user: User) -> tuple[str, str] | None:
    """(address for the app as its QR code holds it, secret to be typed) of a secret that waits for its first code, or None."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if factor is None:
        return None
    secret = _open(factor)
    return _totp(secret).get_provisioning_uri(user.email, ISSUER), base64.b32encode(secret).decode()


def matches(user: User, code: str, at: datetime) -> bool:
    """Whether this is a code of the secret that waits for its first one. Guessing here opens nothing: who asks is signed in and sees it."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    return factor is not None and _step_of(factor, code, at) is not None


def confirm(user: User, code: str, at: datetime) -> bool:
    """The app works: from now on it is asked for. False if the code is not one of it. The caller's transaction."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    step = _step_of(factor, code, at) if factor else None
    if step is None:
        return False
    return bool(SecondFactor.objects.filter(user=user, confirmed_at=None).update(confirmed_at=at, last_step=step, failures=0))


def check(user: User, code: str, at: datetime) -> Verdict:
    """Use a code up. Of the same code twice, also at once, one is right."""
    plain = "".join(code.split()).replace("-", "").upper()
    if not (plain.isascii() and plain.isdigit()):
        return Verdict.RECOVERY if _use_recovery_code(user, plain, at) else Verdict.WRONG
    if not _count_a_try(user, at):
        return Verdict.TOO_MANY
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = _step_of(factor, plain, at) if factor else None
    if step is None or not SecondFactor.objects.filter(user=user, last_step__lt=step).update(last_step=step, failures=0):
        return Verdict.WRONG
    return Verdict.RIGHT


def new_codes(user: User) -> list[str]:
    """Ten new recovery codes, shown now or never; the old ones are worth nothing. The caller's transaction."""
    plain = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _number in range(CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, code_hash=_hash(code)) for code in plain])
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in plain]


def codes_left(user: User) -> int:
    """How many recovery codes were not used."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def turn_off(user: User) -> bool:
    """No second step any more, and no recovery codes; False if there was none. The caller's transaction."""
    RecoveryCode.objects.filter(user=user).delete()
    return bool(SecondFactor.objects.filter(user=user).delete()[0])


def rewrap_all(ring: keyring.Keyring) -> int:
    """Seal by the current key of the keyring what another one sealed; how many. The caller holds the lock of the keys."""
    old = list(SecondFactor.objects.exclude(wrapped_by=ring.current).order_by("pk"))
    for factor in old:
        number, sealed = _seal(ring, factor.user_id, _open(factor))
        SecondFactor.objects.filter(pk=factor.pk).update(sealed=sealed, wrapped_by=number)
    return len(old)


def _count_a_try(user: User, at: datetime) -> bool:
    """One statement counts and refuses, so that many at once are counted too."""
    over = Q(failed_since=None) | Q(failed_since__lte=at - WAIT)
    tried = SecondFactor.objects.filter(user=user).filter(Q(failures__lt=TRIES) | over)
    return bool(
        tried.update(
            failures=Case(When(over, then=Value(1)), default=F("failures") + 1),
            failed_since=Case(When(over, then=Value(at)), When(failures=0, then=Value(at)), default=F("failed_since")),
        )
    )


def _use_recovery_code(user: User, plain: str, at: datetime) -> bool:
    return bool(RecoveryCode.objects.filter(user=user, code_hash=_hash(plain), used_at=None).update(used_at=at))


def _step_of(factor: SecondFactor, code: str, at: datetime) -> int | None:
    """The time step whose code this is, among those that count now."""
    totp, now = _totp(_open(factor)), int(at.timestamp()) // STEP
    given = "".join(code.split()).encode("utf-8", "replace")
    return next((now + off for off in AROUND if hmac.compare_digest(totp.generate((now + off) * STEP), given)), None)


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 - what authenticator apps know; HMAC does not rest on collisions


def _seal(ring: keyring.Keyring, user_id: int, secret: bytes) -> tuple[str, bytes]:
    nonce = os.urandom(NONCE)
    return ring.current, nonce + ring.cipher(ring.current).encrypt(nonce, secret, _bound(user_id))


def _open(factor: SecondFactor) -> bytes:
    try:
        return _opened(factor)
    except keyring.KeyNotHeld:
        # A rotation may have sealed the row anew and dropped the old key between our two reads: look again, once.
        return _opened(SecondFactor.objects.get(pk=factor.pk))


def _opened(factor: SecondFactor) -> bytes:
    blob = bytes(factor.sealed)
    try:
        return keyring.read().cipher(factor.wrapped_by).decrypt(blob[:NONCE], blob[NONCE:], _bound(factor.user_id))
    except InvalidTag:
        raise SealBroken(f"second factor of user {factor.user_id}: the sealed bytes were changed or belong to another row") from None


def _bound(user_id: int) -> bytes:
    return f"stallkeeper:person:{user_id}:second-factor".encode()


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
