"""Putting off a group of problems: with a reason and an end, and only as long as it does not get worse."""

from __future__ import annotations

from datetime import datetime, timedelta

from stallkeeper.core import audit
from stallkeeper.core.notice_models import Snooze
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _

LONGEST = timedelta(days=92)
FEW = 5
"""So many more than before are no reason to wake anybody, however few there were."""


class SnoozeError(ValueError):
    """It cannot be put off so. The text says what to enter."""


def begin(uc: UseCase, key: str, reason: str, until: datetime, gravity: int, count: int) -> Snooze:
    """Put the group off until then; what was said of it before is over. SnoozeError without a reason, or for an end that is none."""
    if not reason.strip():
        raise SnoozeError(_("Say why it can wait: others will read it."))
    if not uc.at < until <= uc.at + LONGEST:
        raise SnoozeError(_("Choose an end in the future, at most three months away."))
    Snooze.objects.filter(key=key, ended_at=None).update(ended_at=uc.at)
    made = Snooze.objects.create(
        organisation_id=uc.organisation_id,
        key=key,
        reason=reason.strip()[:300],
        gravity=gravity,
        count=count,
        made_by=uc.actor,
        made_at=uc.at,
        until=until,
    )
    audit.record(uc, "snooze.problem", "problem", key[:60], until=until.isoformat(), count=count)
    return made


def end(uc: UseCase, snooze: Snooze) -> None:
    """Show it again from now on; a second time changes nothing."""
    if Snooze.objects.filter(pk=snooze.pk, ended_at=None).update(ended_at=uc.at):
        audit.record(uc, "wake.problem", "problem", snooze.key[:60])


def holds(snooze: Snooze, gravity: int, count: int, at: datetime) -> bool:
    """Whether a group is still put off: its time is not over, it is no graver, and not more than twice as many (and five more). Pure."""
    grew = count > 2 * snooze.count and count - snooze.count > FEW
    return snooze.ended_at is None and at < snooze.until and gravity <= snooze.gravity and not grew
