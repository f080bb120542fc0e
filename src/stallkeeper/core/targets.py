"""Targets: who is told of conditions elsewhere than in the back office. Addresses are secrets; telling is done by ``sync.telling``."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

import msgspec
from django.db.models import QuerySet

from stallkeeper.core import audit, notify, secrets
from stallkeeper.core.models import NoticeMessage, NoticeTarget
from stallkeeper.core.severity import Severity
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

TELL = "tell_targets"
"""The mark that wakes whoever tells."""
MOST = 20
MOST_GATHERED, MOST_AGAIN = 24 * 60, 30 * 24 * 60
TERMS = (
    *("name", "active", "least", "kinds", "accounts", "quiet_from", "quiet_until"),
    *("break_quiet", "gather_minutes", "again_minutes", "language"),
)
SIGNING = "signing"


class TargetError(ValueError):
    """A target cannot be kept so. The text names the field and says what to enter."""


def add(uc: UseCase, way: str, address: Mapping[str, str], hint: str, terms: Mapping[str, object]) -> NoticeTarget:
    """A new target; it is told of what begins, or gets worse, from now on. TargetError for terms that do not fit."""
    if NoticeTarget.objects.count() >= MOST:
        raise TargetError(_("There are {most} targets already; remove one first.", most=MOST))
    target = NoticeTarget(organisation_id=uc.organisation_id, way=way, hint=hint[:300], created_at=uc.at)
    _set(target, terms)
    target.save()
    _seal(uc, target, address)
    audit.record(uc, "add.target", "target", target.pk, way=way)
    return target


def change(
    uc: UseCase, target: NoticeTarget, terms: Mapping[str, object], address: Mapping[str, str] | None = None, hint: str = ""
) -> None:
    """Other terms, and another address if one is given. What waits goes by the new terms. TargetError as above."""
    _set(target, terms)
    target.save(update_fields=TERMS)
    if address is not None:
        target.hint = hint[:300]
        _seal(uc, target, address)
        _well_again(uc, target)
        target.save(update_fields=["hint", "failing_since"])
    waiting(target).filter(attempts=0).update(not_before=uc.at)
    audit.record(uc, "change.target", "target", target.pk, terms=sorted(terms), address=address is not None)


def remove(uc: UseCase, target: NoticeTarget) -> None:
    """The target, its address and what it was told go."""
    _well_again(uc, target)
    pk, secret = target.pk, target.address
    target.delete()
    if secret is not None:
        secret.delete()
    audit.record(uc, "remove.target", "target", pk)


def test(uc: UseCase, target: NoticeTarget) -> None:
    """Tell it something harmless as soon as possible, whatever the hour; one test at a time."""
    if not waiting(target).filter(notification=None).exists():
        NoticeMessage.objects.create(
            organisation_id=uc.organisation_id, target=target, severity=Severity.INFO, key="test", made_at=uc.at, not_before=uc.at
        )
        audit.record(uc, "test.target", "target", target.pk)
    uc.mark(TELL, [uc.organisation_id])


def address_of(target: NoticeTarget) -> dict[str, str]:
    """The fields of the address in clear: for telling, never for a screen."""
    return msgspec.json.decode(secrets.reveal(target.address), type=dict[str, str]) if target.address else {}


def new_signing_secret() -> str:
    """What messages to a program are signed with, as the Standard Webhooks write it; shown once."""
    return f"whsec_{base64.b64encode(os.urandom(24)).decode()}"


def waiting(target: NoticeTarget) -> QuerySet[NoticeMessage]:
    """What the target is still to be told of."""
    return NoticeMessage.objects.filter(target=target, state=NoticeMessage.State.WAITING)


def failed_key(target: NoticeTarget) -> str:
    """The key of the notification that stands while the target cannot be told."""
    return f"target:{target.pk}:failed"


def _well_again(uc: UseCase, target: NoticeTarget) -> None:
    target.failing_since = None
    notify.resolve(uc, failed_key(target))


def _seal(uc: UseCase, target: NoticeTarget, address: Mapping[str, str]) -> None:
    target.address = secrets.store(uc, f"notice_target:{target.pk}", msgspec.json.encode(dict(address)).decode())
    target.save(update_fields=["address"])


def _set(target: NoticeTarget, terms: Mapping[str, object]) -> None:
    for name in TERMS:
        if name in terms:
            setattr(target, name, terms[name])
    target.name = target.name.strip()
    if not target.name:
        raise TargetError(_("Name: give the target a name."))
    if NoticeTarget.objects.filter(name=target.name).exclude(pk=target.pk).exists():
        raise TargetError(_("Name: there is a target called {name} already.", name=target.name))
    if (target.quiet_from is None) != (target.quiet_until is None):
        raise TargetError(_("Quiet hours: enter both times, or none."))
    if not (0 <= target.gather_minutes <= MOST_GATHERED and 0 <= target.again_minutes <= MOST_AGAIN):
        raise TargetError(_("Minutes: from 0 to {gathered}, and from 0 to {again}.", gathered=MOST_GATHERED, again=MOST_AGAIN))
