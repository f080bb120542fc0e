"""The sending table: products and channels, and in each cell what will be sent, what we believe is shown, what was read (S3.23-S3.27)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.offer_rows import MATCHES, refused_ids, units_like
from stallkeeper.backoffice.paging import COUNT_LIMIT
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import facts, plan_items, plan_queries, plans, proposals, switches
from stallkeeper.channels.models import Channel, Offer, OfferTodo, SendingColumns, SendPlan
from stallkeeper.core import queries
from stallkeeper.stock.availability import ALWAYS
from stallkit.words import joined

StrOrPromise = str | Promise

STATES: dict[str, StrOrPromise] = {
    "differs": _("to be sent"),
    "zero": _("zero on a channel"),
    "refused": _("refused"),
    "unknown": _("not read yet"),
    "planned": _("changed by the plan"),
}


@dataclass(frozen=True)
class Column:
    """A channel as a column: whether its figures leave, and if not, why. ``later``: only the company's switch keeps them (S3.30)."""

    channel: Channel
    sends: bool
    later: bool
    why: str


@dataclass(frozen=True)
class Cell:
    """One offer in the table. ``planned``: what it would be by the plan that is saved, None where that changes nothing."""

    offer: Offer
    sends: bool
    later: bool
    planned: int | None

    @property
    def shown(self) -> bool:
        """Empty where the channel is not activated, the offer left out, or the number not worked out yet (S3.24)."""
        return (self.sends or self.later) and self.offer.intended_qty is not None and not self.offer.stock_excluded

    @property
    def differs(self) -> bool:
        return self.sends and self.shown and self.offer.intended_qty != self.offer.believed_qty

    @property
    def refused(self) -> bool:
        return self.offer.refused_at is not None


@dataclass(frozen=True)
class Row:
    """A product with the most that may be sold of it (None: it is always there), and its cells by column: mostly one offer each."""

    unit: StockUnit
    for_sale: int | None
    cells: Sequence[Sequence[Cell]]


def hidden_columns(user_id: int) -> set[int]:
    """The channels that this person has taken off his table."""
    found = SendingColumns.objects.filter(user_id=user_id).values_list("hidden", flat=True).first()
    return set(found or ())


def columns(channels: Sequence[Channel], hidden: set[int]) -> list[Column]:
    """One per active channel that is not hidden."""
    shown = []
    for channel in channels:
        if channel.active and channel.pk not in hidden:
            reasons = switches.why_silent(channel)
            company = channel.organisation.sending_enabled
            may = proposals.sends(channel, True, "stock")
            shown.append(Column(channel, may and company, may and not company, joined(reasons, "; ")))
    return shown


MANY = 5 * COUNT_LIMIT
"""More products than that are not looked for one by one: it costs more than it tells."""


@dataclass(frozen=True)
class Found:
    """The products that fit, and how many they are (to COUNT_LIMIT) where finding them has told it."""

    units: QuerySet[StockUnit]
    total: int | None = None


def units_with(filters: Mapping[str, str], shown: Sequence[int], plan: SendPlan | None) -> Found:
    """The products that fit ``q`` and ``state`` on the channels shown (or the one of ``channel``); an unknown word narrows nothing."""
    units = StockUnit.objects.all()
    if text := filters.get("q", "").strip():
        own = Offer.objects.filter(sku=text).order_by().values_list("stock_unit_id", flat=True)
        units = units.filter(pk__in=sorted({*units_like(text), *own[:MATCHES]}))
    one = filters.get("channel", "")
    chosen = [int(one)] if one.isdecimal() and int(one) in shown else list(shown)
    offers = Offer.objects.order_by().filter(channel_id__in=chosen, stock_excluded=False)
    state = filters.get("state", "")
    if state == "differs":
        return Found(units.filter(pk__in=offers.filter(pk__in=OfferTodo.objects.order_by().values("offer_id")).values("stock_unit_id")))
    if state == "refused":
        return Found(units.filter(pk__in=offers.filter(pk__in=refused_ids()).values("stock_unit_id")))
    if state == "planned":
        return Found(units.filter(pk__in=_planned(plan, chosen)))
    wanted = {"zero": Q(intended_qty=0), "unknown": Q(believed_qty=None, intended_qty__isnull=False)}.get(state)
    return Found(units) if wanted is None else _with_an_offer(units, offers.filter(wanted), few_already=bool(text))


def _with_an_offer(units: QuerySet[StockUnit], offers: QuerySet[Offer], few_already: bool) -> Found:
    """The products that have one of these offers. No index knows quantities: unless a search has made them few, all offers are looked
    through once, and what that finds is their number and, of few, themselves; many are found soon by going through the products."""
    fitting = units.filter(Exists(offers.filter(stock_unit=OuterRef("pk"))))
    if few_already:
        return Found(fitting)
    with queries.whole_table():
        found = list(offers.values_list("stock_unit_id", flat=True).distinct()[:MANY])
    if len(found) == MANY:
        return Found(fitting)
    return Found(units.filter(pk__in=found) if len(found) <= MATCHES else fitting, min(len(found), COUNT_LIMIT + 1))


def _planned(plan: SendPlan | None, channels: Sequence[int]) -> list[int]:
    """Products of which the plan changes an offer on these channels: as many as lists are counted."""
    if plan is None:
        return []
    parts = plans.parts_of(plan)
    offers = [parts[channel].quantities.offer for channel in channels if channel in parts]
    with connection.cursor() as cursor:
        return plan_queries.units_of(cursor, np.concatenate([plan_items.NOTHING, *offers]), COUNT_LIMIT + 1)


def rows(organisation_id: int, units: Sequence[StockUnit], shown: Sequence[Column], plan: SendPlan | None) -> list[Row]:
    """The page's rows; the number of statements does not depend on them."""
    for_sale = facts.for_sale_of(organisation_id, [unit.pk for unit in units])
    place = {column.channel.pk: number for number, column in enumerate(shown)}
    found: dict[int, list[list[Cell]]] = {unit.pk: [[] for _ in shown] for unit in units}
    offers = list(Offer.objects.filter(stock_unit__in=list(found), channel_id__in=list(place)).order_by("channel_id", "sku"))
    planned = planned_figures(plan, [offer.pk for offer in offers])
    for offer in offers:
        column = place[offer.channel_id]
        found[offer.stock_unit_id][column].append(Cell(offer, shown[column].sends, shown[column].later, planned.get(offer.pk)))
    return [Row(unit, _figure(for_sale.get(unit.pk, 0)), found[unit.pk]) for unit in units]


def _figure(value: int) -> int | None:
    return None if value >= ALWAYS else value


def planned_figures(plan: SendPlan | None, offers: Sequence[int]) -> dict[int, int]:
    """What the plan would send for these offers."""
    wanted = np.array(offers, dtype=np.int64)
    figures: dict[int, int] = {}
    for part in plans.parts_of(plan).values() if plan is not None else ():
        items = part.quantities
        at = np.isin(items.offer, wanted)
        figures.update(zip(items.offer[at].tolist(), items.after[at].tolist(), strict=True))
    return figures


def offers_of(units: Sequence[int], shown: Sequence[int]) -> list[int]:
    """The offers of products on channels, for a selection."""
    return list(Offer.objects.filter(stock_unit_id__in=units, channel_id__in=shown).order_by("pk").values_list("pk", flat=True))
