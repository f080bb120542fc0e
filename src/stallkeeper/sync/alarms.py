"""Background: conditions of an account that nobody would notice by themselves. Silence is an alarm (C23)."""

from __future__ import annotations

from datetime import datetime, timedelta

from stallkeeper.channels import drift
from stallkeeper.channels.models import LaneKind, LaneStep
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase
from stallkeeper.sync import orders
from stallkeeper.sync.run import Current, Done, now

EVERY = timedelta(minutes=1)
SILENT = timedelta(minutes=15)
"""No orders could be asked for during this time (or twenty intervals, if that is longer)."""
EXPIRES_SOON = timedelta(days=14)


def look_around(current: Current) -> Done:
    """Raise or close the alarms of the account."""
    with current.writing("alarms") as uc:
        raised = silence(uc, current) + expiry(uc, current) + int(drift.alarm(uc, current.connection) > 0)
    return Done(errors=raised, not_before=now() + EVERY)


def silence(uc: UseCase, current: Current) -> int:
    """No successful call in its window: worse than failing, because nobody sees it."""
    account, key = current.connection, f"connection:{current.connection.pk}:silent"
    if not orders.pulls(current):
        notify.resolve(uc, key)
        return 0
    last = _last_pull(current) or account.created_at
    window = max(SILENT, current.session.manifest.order_interval * 20)
    if uc.at - last <= window:
        notify.resolve(uc, key)
        return 0
    title = f"{account.name} is silent"
    notify.raise_(uc, key, Severity.ERROR, title, f"No orders could be read since {last:%Y-%m-%d %H:%M} UTC. Look at its transfer status.")
    return 1


def expiry(uc: UseCase, current: Current) -> int:
    """Credentials with an end date are announced two weeks ahead."""
    account, key = current.connection, f"connection:{current.connection.pk}:expiry"
    ends = account.credentials_expire_at
    if ends is None or ends - uc.at > EXPIRES_SOON:
        notify.resolve(uc, key)
        return 0
    title = f"The credentials of {account.name} end on {ends:%Y-%m-%d}"
    notify.raise_(uc, key, Severity.WARNING, title, "Make new ones in the channel's own screens and reconnect the account with them.")
    return 1


def _last_pull(current: Current) -> datetime | None:
    rows = LaneStep.objects.filter(lane__subject_id=current.connection.pk, lane__kind=LaneKind.TRADE, step=orders.STEP)
    return rows.values_list("last_success_at", flat=True).first()
