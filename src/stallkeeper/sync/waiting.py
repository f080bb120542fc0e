"""Every minute: what waits in tables for a person is told like any other condition, as long as it waits.

Orders come in and values are refused on paths that have no time for this; so it is looked for, by existence, in partial indexes.
"""

from __future__ import annotations

from django.db.models import F

from stallkeeper.channels.models import Channel, Offer, OfferPrice
from stallkeeper.core import notify
from stallkeeper.core.models import Notification, Severity
from stallkeeper.core.notify import Notice
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import OrderLine, Shortage
from stallkit.words import said as _

UNMAPPED, REFUSED = "waiting:unmapped", "waiting:refused"
TITLES = {
    UNMAPPED: (_("Orders came in with a SKU that nobody knows"), _("Link each to a stock unit: nothing is reserved for it until then.")),
    REFUSED: (_("A channel refuses values"), _("What it shows is not what it should. Read the reason, correct it, then send again.")),
}
MOST = 100
"""Shortages that are told by themselves, the newest; all of them are on the board."""


def watch(organisation_id: int) -> None:
    """Raise what has begun and resolve what has ended; nothing is written while nothing changes."""
    with use_case("waiting.watch", organisation_id=organisation_id) as uc:
        told = Notification.objects.filter(resolved_at=None, key__regex="^(waiting|shortage):")
        open_ = set(told.order_by().values_list("key", flat=True))
        now = {notice.key: notice for notice in [*_waiting(), *_short()]}
        notify.raise_many(uc, [now[key] for key in sorted(now.keys() - open_)])
        if over := sorted(open_ - now.keys()):
            notify.resolve(uc, *over)


def _waiting() -> list[Notice]:
    unmapped = OrderLine.objects.filter(stock_unit=None, ordered__gt=F("cancelled") + F("shipped")).exists()
    refused = Offer.objects.filter(channel__in=list(Channel.objects.all()), refused_at__isnull=False).exists()
    refused = refused or OfferPrice.objects.filter(refused_at__isnull=False).exists()
    begun = [key for key, is_so in ((UNMAPPED, unmapped), (REFUSED, refused)) if is_so]
    return [Notice(key, Severity.WARNING, *TITLES[key], f"/problems/?kind={key.partition(':')[2]}") for key in begun]


def _short() -> list[Notice]:
    rows = Shortage.objects.filter(resolved_at=None).select_related("line__order", "stock_unit").order_by("-pk")[:MOST]
    return [
        Notice(
            f"shortage:{row.pk}",
            Severity.ERROR,
            _("{number}: {units} of {sku} are not there", number=row.line.order.number, units=row.quantity, sku=row.stock_unit.sku),
            _("They are sold. Buy, move, or cancel the line; the case file says how it happened."),
            f"/orders/{row.line.order_id}/",
        )
        for row in rows
    ]
