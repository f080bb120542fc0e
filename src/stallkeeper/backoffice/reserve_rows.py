"""Reservations as rows for the screen: what they rest on, what became of them, and how good each channel is at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.offer_rows import units_like
from stallkeeper.channels import balancer
from stallkeeper.channels.balancer import Record
from stallkeeper.channels.models import Channel, ObservedHold
from stallkeeper.core import clock
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock.models import ManualHold, Reservation
from stallkit.manifest import Observer

StrOrPromise = str | Promise

ENDINGS: dict[str, tuple[StrOrPromise, str]] = {
    "open": (_("waits for its order"), "info"),
    "taken_over": (_("the order came"), "ok"),
    "withdrawn": (_("the figure came back"), ""),
    "lapsed": (_("no order came"), "warn"),
    "released": (_("let go by hand"), ""),
}
"""What becomes of a reservation: name and tone."""
RECORD_DAYS = 7


@dataclass(frozen=True)
class HoldRow:
    """One reservation; its offer, channel and unit are taken from the same statement."""

    hold: ObservedHold

    @property
    def most(self) -> int:
        """How many units may stay reserved if it is made smaller."""
        return self.hold.quantity - 1

    @property
    def parts(self) -> list[tuple[StrOrPromise, str, int]]:
        """(what became of them, tone, units), of the parts that there are."""
        counts = {"open": self.hold.quantity} | {name: getattr(self.hold, name) for name in ENDINGS if name != "open"}
        return [(*ENDINGS[name], units) for name, units in counts.items() if units]


@dataclass(frozen=True)
class ChannelRow:
    """A channel with its switch and its record of the last days. ``can``: its platform shows sales before their order comes."""

    channel: Channel
    can: bool
    mode: StrOrPromise
    record: Record

    @property
    def hit_percent(self) -> int | None:
        rate = self.record.hit_rate
        return None if rate is None else round(100 * rate)


MODES: dict[Observer, StrOrPromise] = {
    Observer.NONE: _("does not show sales before their order"),
    Observer.FALL: _("its figure falls"),
    Observer.RESERVE: _("it shows a reserve of its own"),
}


def channel_rows() -> list[ChannelRow]:
    """All active channels, by name."""
    since = clock.now() - timedelta(days=RECORD_DAYS)
    found = Channel.objects.select_related("connection").filter(active=True).order_by("name", "pk")
    records, modes = balancer.records(since), [(channel, balancer.observer_of(channel)) for channel in found]
    return [
        ChannelRow(channel, mode is not Observer.NONE, MODES[mode], records.get(channel.pk, balancer.NOTHING)) for channel, mode in modes
    ]


def holds_with(filters: Mapping[str, str]) -> QuerySet[ObservedHold]:
    """The reservations in scope that fit the filters ``channel``, ``state`` and ``q``, ready for the table (one statement)."""
    holds = ObservedHold.objects.select_related("offer__channel", "offer__stock_unit")
    if (channel := filters.get("channel", "")).isdecimal():
        holds = holds.filter(channel_id=int(channel))
    state = filters.get("state", "")
    if state == "open":
        holds = holds.filter(ended_at=None)
    elif state in ENDINGS:
        holds = holds.filter(**{f"{state}__gt": 0})
    if text := filters.get("q", "").strip():
        holds = holds.filter(Q(offer__stock_unit__in=units_like(text)) | Q(offer__sku=text))
    return holds


PROMISES: dict[str, StrOrPromise] = {"line": _("by an order"), "manual": _("kept back by hand")}
"""Who else reserves: the owners of reservations that no channel's figure made, and their names."""


@dataclass(frozen=True)
class PromiseRow:
    """A reservation of units at a place, with the line of the order, or what a person said."""

    reservation: Reservation
    line: OrderLine | None
    hold: ManualHold | None


def promises_with(of: str, filters: Mapping[str, str]) -> QuerySet[Reservation]:
    """The reservations of this kind of owner that fit the filters ``channel`` (of orders) and ``q``, ready for the table."""
    found = Reservation.objects.select_related("stock_unit", "location").filter(owner_type=of)
    if of == "line" and (channel := filters.get("channel", "")).isdecimal():
        found = found.filter(owner_id__in=OrderLine.objects.filter(order__channel_id=int(channel)).order_by().values("pk"))
    if text := filters.get("q", "").strip():
        wanted = Q(stock_unit__in=units_like(text))
        if of == "line":
            wanted |= Q(owner_id__in=OrderLine.objects.filter(order__number=text).order_by().values("pk"))
        found = found.filter(wanted)
    return found


def promise_rows(of: str, reservations: Sequence[Reservation]) -> list[PromiseRow]:
    """The page's rows; one statement more, whatever their number."""
    owners = [reservation.owner_id for reservation in reservations]
    lines = OrderLine.objects.select_related("order__channel").in_bulk(owners) if of == "line" else {}
    holds = ManualHold.objects.in_bulk(owners) if of == "manual" else {}
    return [PromiseRow(each, lines.get(each.owner_id), holds.get(each.owner_id)) for each in reservations]
