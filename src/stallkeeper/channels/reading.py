"""What a read of the channel does to what we know: observed figures, belief, drift, and offers that the channel does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import belief_queries, delivery_queries, drift, guard, observed
from stallkeeper.channels.belief_queries import Known, ReadRow, Shown
from stallkeeper.channels.delivery_queries import NO_SUCH_OFFER, PRICE, QUANTITY, Figures
from stallkeeper.channels.models import Channel
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.types import Money, OfferState, RemoteOffer

CATALOGUE_LAG = timedelta(hours=1)
"""For so long a catalogue may show an older price. Walmart promises a quarter of an hour."""
MISSING = "The channel says that it has no such offer. Check the link, or list the product there again."

Read = tuple[Known, OfferState | None]
"""What we knew when the read began, and what the channel said; None = there is no such offer."""


def write(uc: UseCase, read: Sequence[Read], asked: datetime, own: Mapping[int, int] | None = None) -> int:
    """Write down a read that began at ``asked``. Returns in how many figures the channel differed from what we believed.

    Belief is replaced by what was read, unless something was sent or sold meanwhile. A figure that the channel does not tell stays unknown.
    Units that the figures say are sold are held until their order comes (``observed``); ``own``: see there.
    """
    found = [(known, state) for known, state in read if state is not None]
    missing = sorted((known.offer_id, known.sent_at) for known, state in read if state is None)
    quantities: list[ReadRow] = [(known.offer_id, state.quantity, state.reserved, known.believed, known.sent_at) for known, state in found]
    prices: list[ReadRow] = [_price(known, state.price) for known, state in found if known.currency and _asked_for(known, state)]
    seen = observed.look(uc, found, own or {}, asked)
    shown = _write_figures(uc, QUANTITY, quantities, asked)
    differing = drift.note(uc, QUANTITY.kind, shown, asked) if shown else 0
    differing += _write_prices(uc, prices, asked)
    if missing:
        _write_missing(uc, missing, asked)
    observed.settle(uc, seen, shown)
    return differing


def _write_prices(uc: UseCase, prices: Sequence[ReadRow], asked: datetime) -> int:
    shown = _write_figures(uc, PRICE, prices, asked)
    return drift.note(uc, PRICE.kind, shown, asked) if shown else 0


def read_again(uc: UseCase, offers: Sequence[int]) -> None:
    """A person asks what the channel shows: belief is unknown from now on, so the next run reads these offers before it sends."""
    chosen = sorted(offers)
    with connection.cursor() as cursor:
        for figures in (QUANTITY, PRICE):
            delivery_queries.lock(cursor, figures, chosen)
            delivery_queries.forget(cursor, figures, chosen)
            delivery_queries.settle(cursor, figures, chosen, uc.at)
    audit.record(uc, "offers.read_again", "offer", chosen[0] if len(chosen) == 1 else "", offers=len(chosen))
    uc.mark("wake_connection", Channel.objects.filter(offers__in=chosen).values_list("connection_id", flat=True).distinct())


def write_listed(uc: UseCase, channel_id: int, listings: Sequence[RemoteOffer], asked: datetime) -> int:
    """Take in the prices of listings that were read at ``asked``; returns how many differed from what we believed.

    For many platforms the catalogue is the only place that tells a price. It may lag, so a price that was touched lately is passed over.
    """
    prices = {listing.ref.sku: listing.price for listing in listings if listing.price is not None}
    with connection.cursor() as cursor:
        known = belief_queries.listed(cursor, channel_id, sorted(prices), asked - CATALOGUE_LAG)
    return _write_prices(uc, [_price(row, prices[row.sku]) for row in known if prices[row.sku].currency == row.currency], asked)


def _asked_for(known: Known, state: OfferState) -> bool:
    """A platform that tells no price with the state says nothing about one that we believe; of an unknown one, that it cannot be read."""
    return state.price is not None or known.price_believed is None


def _price(known: Known, money: Money | None) -> ReadRow:
    """A price in another currency than ours says nothing about ours."""
    amount = money.amount if money is not None and money.currency == known.currency else None
    return known.offer_id, amount, None, known.price_believed, known.price_sent_at


def _write_figures(uc: UseCase, figures: Figures, read: Sequence[ReadRow], asked: datetime) -> list[Shown]:
    if not read:
        return []
    offers = sorted(row[0] for row in read)
    with connection.cursor() as cursor:
        delivery_queries.lock(cursor, figures, offers)
        unknown = sorted(row[0] for row in read if row[3] is None)
        if unknown:
            belief_queries.log_lost_sends(cursor, figures, unknown)
        shown = belief_queries.write_reads(cursor, figures, read, asked)
        back = delivery_queries.clear_refusals(cursor, figures, offers, NO_SUCH_OFFER)
        if back:
            uc.mark("wake_connection", Channel.objects.filter(offers__in=offers).values_list("connection_id", flat=True).distinct())
        delivery_queries.settle(cursor, figures, offers, uc.at)
    if back and figures is QUANTITY:
        guard.share_anew(uc, back)
    return shown


def _write_missing(uc: UseCase, missing: Sequence[tuple[int, datetime | None]], asked: datetime) -> None:
    """Not sent, and not asked again, until the intention changes, a person has it tried again, or a read finds them. Belief goes: whoever
    believes that the channel shows the right figure would take a listing that is not there for one that needs nothing. Buyers are shown
    none of it, so it takes no room from others, and has no part of what they share (``guard``). ``missing``: (offer, last send when the
    read began)."""
    with connection.cursor() as cursor:
        delivery_queries.lock(cursor, QUANTITY, [offer for offer, _ in missing])
        absent = belief_queries.write_absent(cursor, missing, asked)
        offers = [offer for offer, _known in absent]
        for figures in (QUANTITY, PRICE):
            delivery_queries.lock(cursor, figures, offers)
            intended = belief_queries.intended_of(cursor, figures, offers)
            refusals = [(offer, value, None, NO_SUCH_OFFER, MISSING) for offer, value in intended]
            if refusals:
                delivery_queries.forget(cursor, figures, offers)
                delivery_queries.refuse(cursor, figures, refusals, uc.at)
                delivery_queries.settle(cursor, figures, offers, uc.at)
    guard.share_anew(uc, [offer for offer, known in absent if not known])
