"""Which conditions a target is told of, and when. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from stallkeeper.core.notice_models import NoticeTarget
from stallkeeper.core.severity import GRAVITY, Severity


def wants(target: NoticeTarget, severity: str, kind: str, account: int | None) -> bool:
    """Whether the target is to be told of it. A condition of no account in particular concerns whoever looks after some of them, too."""
    grave = GRAVITY[severity] >= GRAVITY[target.least]
    return grave and (not target.kinds or kind in target.kinds) and (account is None or not target.accounts or account in target.accounts)


def quiet_until(target: NoticeTarget, zone: ZoneInfo, at: datetime) -> datetime | None:
    """When the quiet hours end that ``at`` lies in; None if it lies in none. They may go over midnight, and go by the clock on the wall."""
    if target.quiet_from is None or target.quiet_until is None or target.quiet_from == target.quiet_until:
        return None
    local = at.astimezone(zone)
    now, over_midnight = local.time(), target.quiet_from > target.quiet_until
    if not _within(now, target.quiet_from, target.quiet_until, over_midnight):
        return None
    day = local.date() + timedelta(days=1) if over_midnight and now >= target.quiet_from else local.date()
    return datetime.combine(day, target.quiet_until, tzinfo=zone)


def _within(now: time, begin: time, end: time, over_midnight: bool) -> bool:
    return now >= begin or now < end if over_midnight else begin <= now < end


def waits_for(target: NoticeTarget, severities: Collection[str], zone: ZoneInfo, at: datetime) -> datetime | None:
    """Until when what has come is kept because it is quiet; None: it may be told now."""
    if target.break_quiet and Severity.ERROR in severities:
        return None
    return quiet_until(target, zone, at)


def first_try(target: NoticeTarget, told_last: datetime | None, at: datetime) -> datetime:
    """When a condition that has come is told: with what else comes in the next minutes, and not again too soon after the last time."""
    together = at + timedelta(minutes=target.gather_minutes)
    return together if told_last is None else max(together, told_last + timedelta(minutes=target.again_minutes))


def next_try(attempts: int, at: datetime) -> datetime:
    """When it is tried again after so many attempts: a minute, doubling up to two hours."""
    minutes = 1 << min(max(attempts - 1, 0), 10)
    return at + min(timedelta(minutes=minutes), timedelta(hours=2))
