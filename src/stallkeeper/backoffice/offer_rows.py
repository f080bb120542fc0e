"""Offers as rows for screens: their state in one word, and the filters of the list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import F, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.paging import COUNT_LIMIT, M
from stallkeeper.backoffice.problem_words import VERDICTS
from stallkeeper.catalog.models import Identifier, StockUnit
from stallkeeper.channels.models import Channel, Drift, Offer, OfferPrice, OfferTodo

StrOrPromise = str | Promise

MATCHES = 500
"""Stock units that a search follows; who finds more than that types another letter."""

STATES: dict[str, tuple[StrOrPromise, str]] = {
    "step": (_("in step"), "ok"),
    "push": (_("to send"), "warn"),
    "unknown": (_("not read yet"), ""),
    "refused": (_("refused"), "bad"),
    "differs": (_("shown otherwise"), "warn"),
    "out": (_("left out"), ""),
}
"""State to (name, tone)."""


@dataclass(frozen=True)
class OfferRow:
    """An offer with what the table shows of it."""

    offer: Offer
    price: OfferPrice | None
    state: str
    differences: Sequence[StrOrPromise] = ()
    """Why the channel showed another value than we believed, of each that nobody has looked into yet (S4.30)."""

    @property
    def state_name(self) -> StrOrPromise:
        return STATES[self.state][0]

    @property
    def tone(self) -> str:
        return STATES[self.state][1]

    @property
    def reason(self) -> str:
        return reason_of(self.offer, self.price)


def row(offer: Offer, differences: Mapping[int, Sequence[StrOrPromise]] = MappingProxyType({})) -> OfferRow:
    """The row of one offer; its channel, unit and price are taken from the same statement."""
    price: OfferPrice | None = getattr(offer, "price", None)
    return OfferRow(offer, price, state_of(offer, price), differences.get(offer.pk, ()))


def differences_of(offers: Iterable[Offer]) -> dict[int, list[StrOrPromise]]:
    """What ``OfferRow.differences`` says, by offer. One statement; index drift_open."""
    found: dict[int, list[StrOrPromise]] = {}
    open_ = Drift.objects.filter(offer__in=[offer.pk for offer in offers], resolved_at=None).order_by("at", "pk")
    for offer, verdict in open_.values_list("offer_id", "verdict"):
        words = VERDICTS.get(verdict, verdict)
        if words not in found.setdefault(offer, []):
            found[offer].append(words)
    return found


def reason_of(offer: Offer | None, price: OfferPrice | None) -> str:
    """The channel's own words, where it refused the quantity or the price; the quantity speaks before the price."""
    refusing = next((each for each in (offer, price) if each is not None and each.refused_at), None)
    return (refusing.refused_message or refusing.refused_code) if refusing else ""


def state_of(offer: Offer, price: OfferPrice | None) -> str:
    """One word: left out, refused, not read yet, to send, or in step. A quantity speaks before a price."""
    if offer.stock_excluded and (offer.prices_excluded or price is None):
        return "out"
    if offer.refused_at or (price and price.refused_at):
        return "refused"
    if offer.believed_qty is None and not offer.stock_excluded:
        return "unknown"
    differs = offer.intended_qty != offer.believed_qty and not offer.stock_excluded
    price_differs = price is not None and price.intended != price.believed and price.intended is not None and not offer.prices_excluded
    return "push" if differs or price_differs else "step"


def offers_with(filters: Mapping[str, str]) -> QuerySet[Offer]:
    """The offers in scope that fit the filters ``channel``, ``state`` and ``q``, ready for the table (one statement)."""
    offers = Offer.objects.select_related("channel", "stock_unit", "price")
    offers = in_state(on_channels(offers, filters.get("channel", "")), filters.get("state", ""))
    if text := filters.get("q", "").strip():
        offers = offers.filter(Q(stock_unit__in=units_like(text)) | Q(sku=text) | Q(external_id=text))
    return offers


def on_channels(rows: QuerySet[M], chosen: str) -> QuerySet[M]:
    """Those of the chosen channel, or of all: they are named then, so that pages are read in the order of an index."""
    if chosen.isdecimal():
        return rows.filter(channel_id=int(chosen))
    return rows.filter(channel_id__in=list(Channel.objects.order_by("id").values_list("id", flat=True)))


def units_like(text: str) -> list[int]:
    """Ids of stock units whose SKU or title contains the text, or that have it as GTIN or other code. At most MATCHES."""
    like = StockUnit.objects.filter(Q(sku__icontains=text) | Q(title__icontains=text)).order_by("sku").values_list("id", flat=True)
    coded = Identifier.objects.filter(value=text).values_list("stock_unit_id", flat=True)
    return sorted({*like[:MATCHES], *coded[:MATCHES]})


def in_state(offers: QuerySet[Offer], state: str) -> QuerySet[Offer]:
    """Narrow to a state; an unknown word narrows nothing. "To send" reads the list of what is to be sent, which is short."""
    if state == "push":
        return offers.filter(pk__in=OfferTodo.objects.order_by().values("offer_id"))
    if state in {"refused", "differs"}:
        return offers.filter(pk__in=refused_ids() if state == "refused" else differing_ids())
    if state == "unknown":
        return offers.filter(believed_qty=None, stock_excluded=False)
    if state == "out":
        return offers.filter(Q(stock_excluded=True) | Q(prices_excluded=True))
    if state == "step":
        return offers.filter(intended_qty=F("believed_qty"), refused_at=None)
    return offers


def differing_ids() -> list[int]:
    """Offers that their channel shows otherwise, counted as far as lists are."""
    return sorted(set(Drift.objects.order_by().filter(resolved_at=None).values_list("offer_id", flat=True)[: COUNT_LIMIT + 1]))


def refused_ids() -> list[int]:
    """Offers whose quantity or price was refused, counted as far as lists are. They are few: found by themselves, then put in order."""
    quantities = Offer.objects.order_by().filter(refused_at__isnull=False).values_list("pk", flat=True)[: COUNT_LIMIT + 1]
    prices = OfferPrice.objects.order_by().filter(refused_at__isnull=False).values_list("pk", flat=True)[: COUNT_LIMIT + 1]
    return sorted({*quantities, *prices})
