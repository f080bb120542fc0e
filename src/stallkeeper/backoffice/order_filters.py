"""What the list of orders can be asked: the filters of its address, each served by an index, and the order of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Command, Connection, Offer
from stallkeeper.core import clock
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import LEAVING, Order, OrderLine

FILTERS = ("q", "channel", "state", "since", "due", "needs", "sort")
"""What an address may carry; anything else in it is not looked at."""
OLD_NAMES = {"short": "short", "unmapped": "unmapped"}
"""``?short=1`` of older bookmarks and of the problems is ``needs=short``."""
NEEDS: dict[str, str | Promise] = {
    "us": _("anything from us"),
    "acknowledge": _("acknowledgement"),
    "short": _("stock (short)"),
    "unmapped": _("a link (unknown SKU)"),
    "wish": _("an answer: the buyer asks to cancel"),
    "cancelled": _("a look: cancelled by buyer or channel"),
}
SINCE: dict[str, str | Promise] = {"0": _("today"), "1": _("since yesterday"), "7": _("last 7 days"), "30": _("last 30 days")}
DUE: dict[str, str | Promise] = {"late": _("over"), "today": _("today or over"), "tomorrow": _("until tomorrow evening")}
SORTS: dict[str, tuple[str | Promise, tuple[str, str]]] = {
    "": (_("newest first"), ("-ordered_at", "id")),
    "oldest": (_("oldest first"), ("ordered_at", "id")),
    "deadline": (_("by deadline, what must leave"), ("dispatch_by", "id")),
}


def given(query: Mapping[str, str]) -> dict[str, str]:
    """The filters of an address that mean something, without empty ones."""
    found = {name: value.strip() for name in FILTERS if (value := query.get(name, "")).strip()}
    for name, needs in OLD_NAMES.items():
        if query.get(name) and "needs" not in found:
            found["needs"] = needs
    return found


def way(query: Mapping[str, str]) -> str:
    """What of an address leads to the same list again: its filters and its view, as a query. Empty if it came from none."""
    view = query.get("view", "")
    return urlencode(given(query) | ({"view": view} if view.isalnum() else {}))


def keys_of(filters: Mapping[str, str]) -> tuple[str, str]:
    """What the rows are ordered by, for ``paging``."""
    return SORTS.get(filters.get("sort", ""), SORTS[""])[1]


def orders_with(filters: Mapping[str, str], now: datetime | None = None) -> QuerySet[Order]:
    """The orders in scope that fit the filters of ``FILTERS`` (``given``). Unknown values of a filter filter nothing."""
    orders = Order.objects.all()
    if (channel := filters.get("channel", "")).isdecimal():
        orders = orders.filter(channel_id=int(channel[:18]))
    if (state := filters.get("state", "")) in Order.State.values:
        orders = orders.filter(state=state)
    elif state == "leaving":
        orders = orders.filter(state__in=LEAVING)
    if filters.get("sort") == "deadline":
        orders = orders.filter(WITH_DEADLINE)
    if (days := filters.get("since", "")) in SINCE:
        orders = orders.filter(ordered_at__gte=midnight(-int(days), now))
    if (due := filters.get("due", "")) in DUE:
        orders = orders.filter(WITH_DEADLINE, dispatch_by__lt=_until(due, now))
    if (needs := filters.get("needs", "")) in NEEDS:
        orders = orders.filter(_needing(needs))
    if text := filters.get("q", ""):
        orders = orders.filter(pk__in=_found(text))
    return orders


def midnight(days: int, now: datetime | None = None) -> datetime:
    """The beginning of the day ``days`` from today, in the zone that is shown."""
    day = timezone.localtime(now or clock.now()).date() + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, time.min))


def _until(due: str, now: datetime | None) -> datetime:
    return (now or clock.now()) if due == "late" else midnight(1 if due == "today" else 2, now)


WITH_DEADLINE = Q(dispatch_by__isnull=False, fulfilled_by="seller", state__in=LEAVING)
"""As the condition of the index ``order_dispatch`` says it."""
TO_ACKNOWLEDGE = Q(state=Order.State.NEW, fulfilled_by="seller", acknowledged_at=None, acknowledge_by__isnull=False)


LINES = {
    "short": Q(short__gt=0),
    "unmapped": Q(stock_unit=None, ordered__gt=F("cancelled") + F("shipped")),
    "wish": Q(cancel_requested__gt=0),
}


def _needing(needs: str) -> Q:
    if needs == "acknowledge":
        return TO_ACKNOWLEDGE
    if needs == "cancelled":
        return Q(~Exists(_cancelled_by_us()), state=Order.State.CANCELLED)
    if needs == "us":
        return Q(pk__in=_waiting_for_us())
    return Q(pk__in=_of_lines(LINES[needs]))


def _of_lines(condition: Q) -> QuerySet[OrderLine, Any]:
    return OrderLine.objects.order_by().filter(condition).values("order_id")


def _waiting_for_us() -> QuerySet[Any, Any]:
    """A union, so that each of its parts is answered by an index of its own."""
    stuck = Command.objects.order_by().filter(subject_type="order", state__in=["refused", "dead"], ended_at__isnull=False)
    ours = Order.objects.filter(state__in=LEAVING, fulfilled_by="seller")
    unheard = Order.objects.filter(
        state=Order.State.NEW, acknowledged_at=None, pk__in=stuck.filter(kind="acknowledge").values("subject_id")
    )
    return (
        Order.objects.filter(TO_ACKNOWLEDGE)
        .values("pk")
        .union(
            *(ours.filter(pk__in=_of_lines(condition)).values("pk") for condition in LINES.values()),
            unheard.values("pk"),
            stuck.filter(kind="ship").values("subject_id"),
        )
    )


def _cancelled_by_us() -> QuerySet[Command]:
    return Command.objects.filter(kind="cancel", subject_type="order", subject_id=OuterRef("pk"))


def _found(text: str) -> QuerySet[Any, Any]:
    """Number (from its beginning), the channel's own number, a tracking number, or a SKU of ours or of the channel."""
    lines = OrderLine.objects.order_by()
    found = [
        Order.objects.filter(number__startswith=text).values("pk"),
        Order.objects.filter(connection__in=Connection.objects.values("pk"), external_id=text).values("pk"),
        Shipment.objects.filter(tracking_number__in={text, text.upper(), text.replace(" ", "")}).values("order_id"),
        lines.filter(stock_unit__in=StockUnit.objects.filter(sku__iexact=text).values("pk")).values("order_id"),
        lines.filter(offer__in=Offer.objects.filter(sku=text).values("pk")).values("order_id"),
        lines.filter(stock_unit=None, sku=text).values("order_id"),
    ]
    return found[0].union(*found[1:])
