"""Listings as rows for screens: what we want shown beside what the channel shows, the evidence for a link, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.offer_rows import on_channels, reason_of, refused_ids, state_of, units_like
from stallkeeper.backoffice.paging import COUNT_LIMIT, count_up_to_limit
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import switches
from stallkeeper.channels.likeness import alike
from stallkeeper.channels.models import Channel, Offer, OfferPrice, OfferTodo, RemoteListing
from stallkit.types import OfferStatus

StrOrPromise = str | Promise
GONE = "gone"
FOUND = 500
"""Listings that a search over more than COUNT_LIMIT follows; who finds more than that types another letter."""
NOT_LINKED = [state for state in RemoteListing.State.values if state != RemoteListing.State.LINKED]
"""Named one by one: an index finds them, and would not find what is not linked."""

TONES = {"new": "", "linked": "ok", "ambiguous": "warn", "excluded": ""}
EVIDENCE: dict[str, StrOrPromise] = {
    "sku": _("same SKU"),
    "gtin": _("same GTIN"),
    "code": _("same additional code"),
    "channel": _("known number of the channel"),
    "person": _("chosen by a person"),
    "created": _("made from the listing"),
}
STATES: dict[str, StrOrPromise] = {
    "certain": _("one unit fits"),
    "ambiguous": _("several units fit"),
    "new": _("no unit fits"),
    "linked": _("linked"),
    "differs": _("linked, differs"),
    "refused": _("linked, refused"),
    "off": _("not on sale there"),
    "out": _("linked, left out of sending"),
    "excluded": _("not to be linked"),
}
STATUSES: dict[str, StrOrPromise] = {
    OfferStatus.INACTIVE: _("not on sale there"),
    OfferStatus.BLOCKED: _("blocked by the channel"),
    OfferStatus.PENDING: _("being checked by the channel"),
    OfferStatus.UNKNOWN: _("the channel does not say whether it is on sale"),
    GONE: _("no longer listed there"),
}


class Next(StrEnum):
    """What a person can do about a listing; NONE: it is in order."""

    LINK = "link"
    CHOOSE = "choose"
    MAKE = "make"
    LOOK = "look"
    REPAIR = "repair"
    SWITCH = "switch"
    WAIT = "wait"
    NONE = "none"


@dataclass(frozen=True)
class Candidate:
    """A unit that fits a listing, and why. ``alike``: per cent to which the titles have the same words."""

    unit_id: int
    sku: str
    evidence: StrOrPromise
    value: str
    factor: int
    title: str = ""
    alike: int = 0


@dataclass(frozen=True)
class ListingRow:
    """A listing with what the table shows of it. ``silent``: what keeps its channel from sending, in words."""

    listing: RemoteListing
    candidates: tuple[Candidate, ...] = ()
    silent: Sequence[str] = field(default=())

    @property
    def offer(self) -> Offer | None:
        return self.listing.offer

    @property
    def price(self) -> OfferPrice | None:
        return getattr(self.listing.offer, "price", None)

    @property
    def state_name(self) -> StrOrPromise:
        if self.listing.state == RemoteListing.State.NEW:
            return STATES["certain" if self.candidates else "new"]
        return STATES[self.listing.state]

    @property
    def tone(self) -> str:
        return TONES.get(self.listing.state, "")

    @property
    def status_name(self) -> StrOrPromise:
        """What the channel says of it, where it is not on sale there."""
        return STATUSES.get(self.listing.status, "")

    @property
    def there(self) -> int | None:
        """The quantity that the channel reported last."""
        return self.listing.quantity if self.offer is None else self.offer.observed_qty

    @property
    def price_there(self) -> Decimal | None:
        """The price that the channel reported last."""
        return self.price.observed if self.price and self.price.observed is not None else self.listing.price

    @property
    def quantity_differs(self) -> bool:
        """What we want shown is not what we believe is shown; unknown differs."""
        return self.offer is not None and not self.offer.stock_excluded and self.offer.intended_qty != self.offer.believed_qty

    @property
    def older(self) -> bool:
        """What the channel reported is not ours, and older than what is: since that look something was sent, or sold."""
        if self.offer is None or self.offer.stock_excluded or self.quantity_differs:
            return False
        return self.there is not None and self.there != self.offer.intended_qty

    @property
    def price_differs(self) -> bool:
        price, offer = self.price, self.offer
        return bool(price and offer and price.intended is not None and not offer.prices_excluded and price.intended != price.believed)

    @property
    def reason(self) -> str:
        return reason_of(self.offer, self.price)

    @property
    def next(self) -> Next:
        if self.offer is not None:
            return self._next_of_offer(self.offer)
        if self.listing.state == RemoteListing.State.NEW:
            return Next.LINK if self.candidates else Next.MAKE
        return Next.CHOOSE if self.listing.state == RemoteListing.State.AMBIGUOUS else Next.NONE

    def _next_of_offer(self, offer: Offer) -> Next:
        state = state_of(offer, self.price)
        if state == "refused" or self.listing.status in {OfferStatus.BLOCKED, GONE}:
            return Next.REPAIR
        if state == "push":
            return Next.SWITCH if self.silent else Next.WAIT
        return Next.LOOK if state == "unknown" else Next.NONE

    @property
    def advice(self) -> StrOrPromise:
        """What is the matter and what to do, in a sentence; nothing where nothing is to be done."""
        if self.listing.status == GONE and self.offer is not None:
            return _("The channel no longer lists it. List it there again, or unlink it here.")
        if self.reason:
            return self.reason
        if self.listing.status == OfferStatus.BLOCKED and self.offer is not None:
            return _("The channel has blocked it. Put it right in the channel's own cabinet.")
        return ADVICE.get(self.next, "")


ADVICE: dict[str, StrOrPromise] = {
    Next.CHOOSE: _("More than one of your units fits."),
    Next.MAKE: _("None of your units fits."),
    Next.LOOK: _("Nobody knows what the channel shows now."),
    Next.WAIT: _("It is sent with the next run."),
}


def rows_of(listings: Sequence[RemoteListing], channels: Iterable[Channel]) -> list[ListingRow]:
    """The rows of a page; ``channels`` as ``switches.states`` gives them. One statement, whatever the page."""
    silent = {channel.pk: switches.why_silent(channel) for channel in channels}
    wanted = {int(each["unit"]) for listing in listings for each in listing.candidates}
    titles = dict(StockUnit.objects.filter(pk__in=wanted or {0}).values_list("pk", "title"))
    return [ListingRow(listing, _candidates(listing, titles), silent.get(listing.channel_id, ())) for listing in listings]


def _candidates(listing: RemoteListing, titles: Mapping[int, str]) -> tuple[Candidate, ...]:
    if listing.offer_id is not None or listing.state == RemoteListing.State.EXCLUDED:
        return ()
    return tuple(
        Candidate(
            int(each["unit"]),
            str(each["sku"]),
            EVIDENCE.get(each.get("by", ""), each.get("by", "")),
            str(each.get("value", "")),
            int(each.get("factor", 1)),
            titles.get(int(each["unit"]), ""),
            alike(listing.title, titles.get(int(each["unit"]), "")),
        )
        for each in listing.candidates
    )


def listings_with(filters: Mapping[str, str]) -> QuerySet[RemoteListing]:
    """The listings in scope that fit ``channel``, ``state`` (of STATES) and ``q``, ready for the table (one statement)."""
    rows = RemoteListing.objects.select_related("channel", "offer__stock_unit", "offer__price")
    rows = in_state(on_channels(rows, filters.get("channel", "")), filters.get("state", ""))
    text = filters.get("q", "").strip()
    return _found(rows, text) if text else rows


def in_state(rows: QuerySet[RemoteListing], state: str) -> QuerySet[RemoteListing]:
    """Narrow to a state; an unknown word narrows nothing."""
    new = Q(state=RemoteListing.State.NEW)
    narrow = {
        "certain": new & ~Q(candidates=[]),
        "new": new & Q(candidates=[]),
        "off": ~Q(status=OfferStatus.LIVE.value),
        "differs": Q(offer__in=OfferTodo.objects.order_by().values("offer_id")),
        "out": Q(offer__in=_left_out()),
    }
    if state == "refused":
        return rows.filter(offer__in=refused_ids())
    if state in narrow:
        return rows.filter(narrow[state])
    return rows.filter(state=state) if state in RemoteListing.State.values else rows


def _left_out() -> QuerySet[Offer]:
    return Offer.objects.order_by().filter(Q(stock_excluded=True) | Q(prices_excluded=True))


def _found(rows: QuerySet[RemoteListing], text: str) -> QuerySet[RemoteListing]:
    """Anywhere in SKU or title where there are few enough; among more than COUNT_LIMIT the beginning of the SKU, the number, the GTIN,
    or the linked product. (No index finds the middle of a text behind the walls, see ADR 0035.)"""
    coded = Q(external_id=text) | (Q(gtins__contains=[text]) if text.isdigit() and 8 <= len(text) <= 14 else Q())
    if count_up_to_limit(rows) <= COUNT_LIMIT:
        return rows.filter(Q(sku__icontains=text) | Q(title__icontains=text) | coded)
    ids: set[int] = set()
    for start in {text, text.upper(), text.lower()}:
        ids.update(rows.filter(sku__gte=start, sku__lt=start + "\U0010ffff").order_by().values_list("pk", flat=True)[:FOUND])
    ids.update(rows.filter(external_id=text).order_by().values_list("pk", flat=True)[:FOUND])
    if text.isdigit() and 8 <= len(text) <= 14:
        waiting = rows.filter(state__in=NOT_LINKED, gtins__contains=[text])
        ids.update(waiting.order_by().values_list("pk", flat=True)[:FOUND])
    offers = Offer.objects.order_by().filter(stock_unit__in=units_like(text)).values_list("pk", flat=True)[:FOUND]
    ids.update(rows.filter(offer__in=list(offers)).order_by().values_list("pk", flat=True)[:FOUND])
    return rows.filter(pk__in=ids)
