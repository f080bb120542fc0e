"""Background: conditions of an account that nobody would notice by themselves. Silence is an alarm (C23)."""

from __future__ import annotations

from datetime import datetime, timedelta

from stallkeeper.channels import drift, send_tasks, switches
from stallkeeper.channels.models import Channel, LaneKind, LaneStep
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders.models import Order
from stallkeeper.sync import orders
from stallkeeper.sync.run import Current, Done, now
from stallkit.words import joined
from stallkit.words import said as _

EVERY = timedelta(minutes=1)
SILENT = timedelta(minutes=15)
"""No orders could be asked for during this time (or twenty intervals, if that is longer)."""
EXPIRES_SOON = timedelta(days=14)
DUE_SOON = timedelta(hours=1)
STILL_OWED = timedelta(days=14)
"""An order that nobody acknowledged for so long has been cancelled by its channel, or is no longer asked about."""


def look_around(current: Current) -> Done:
    """Raise or close the alarms of the account."""
    with current.writing("alarms") as uc:
        switches.watch(uc, current.connection)
        send_tasks.close_done(uc, current.connection)
        raised = silence(uc, current) + expiry(uc, current) + owed(uc, current) + int(drift.alarm(uc, current.connection) > 0)
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
    text = _("No orders could be read since {moment}. Look at its transfer status.", moment=f"{last:%Y-%m-%d %H:%M} UTC")
    notify.raise_(uc, key, Severity.ERROR, _("{account} is silent", account=account.name), text)
    return 1


def expiry(uc: UseCase, current: Current) -> int:
    """Credentials with an end date are announced two weeks ahead."""
    account, key = current.connection, f"connection:{current.connection.pk}:expiry"
    ends = account.credentials_expire_at
    if ends is None or ends - uc.at > EXPIRES_SOON:
        notify.resolve(uc, key)
        return 0
    title = _("The credentials of {account} end on {day}", account=account.name, day=f"{ends:%Y-%m-%d}")
    text = _("Make new ones in the channel's own screens and reconnect the account with them.")
    notify.raise_(uc, key, Severity.WARNING, title, text)
    return 1


def owed(uc: UseCase, current: Current) -> int:
    """Orders that must be acknowledged within the hour, or are late: channels cancel those, whatever our switches say."""
    account, key = current.connection, f"connection:{current.connection.pk}:acknowledge"
    waiting = Order.objects.filter(
        channel__in=list(Channel.objects.filter(connection=account)),
        ordered_at__gte=uc.at - STILL_OWED,
        state=Order.State.NEW,
        fulfilled_by="seller",
        acknowledged_at=None,
        acknowledge_by__lt=uc.at + DUE_SOON,
    ).order_by("acknowledge_by", "pk")
    due = list(waiting.values_list("number", "acknowledge_by"))
    if not due:
        notify.resolve(uc, key)
        return 0
    first = f"{due[0][1]:%Y-%m-%d %H:%M} UTC"
    title = _("{account}: orders to acknowledge, the first by {moment}: {count}", account=account.name, moment=first, count=len(due))
    urgent = _("The most urgent: {numbers}.", numbers=", ".join(number for number, _by in due[:5]))
    notify.raise_(uc, key, Severity.ERROR, title, joined([_("A channel may cancel what is late."), _why_owed(current), urgent]))
    return 1


def _why_owed(current: Current) -> str:
    if not current.sending:
        return _(
            "Nothing is sent for this account: switch sending on (for the company and for the account), or acknowledge on the channel."
        )
    if not all(channel.acknowledge_enabled for channel in current.channels):
        return _("Acknowledging is switched off: switch it on, or acknowledge on the channel.")
    return _("Read on the order what came of its acknowledgement, and tell the channel again.")


def _last_pull(current: Current) -> datetime | None:
    rows = LaneStep.objects.filter(lane__subject_id=current.connection.pk, lane__kind=LaneKind.TRADE, step=orders.STEP)
    return rows.values_list("last_success_at", flat=True).first()
