"""Which listing on a channel is which of our units. Proposed by a fixed order of search, linked only by a person's yes (S4.14-S4.22).

Only links are made: neither side's details are ever overwritten. What several units fit is ambiguous and is never linked silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import connection as database
from django.db import transaction
from django.db.models import ProtectedError, Q

from stallkeeper.catalog.models import StockUnit
from stallkeeper.catalog.prices import PRICED
from stallkeeper.channels import links_queries as queries
from stallkeeper.channels import refresh
from stallkeeper.channels.models import Channel, Offer, RemoteListing
from stallkeeper.core import audit, history
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkit.types import RemoteOffer
from stallkit.words import said as _

SKU_LENGTH = 100
LINKED = "offers_linked"
"""Mark: offers that are new; order lines may wait for them."""


class LinkError(ValueError):
    """A listing cannot be linked as asked. The text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A page that was read: how many listings were new, how many known, and which could not be kept (with the reason)."""

    new: int
    known: int
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """Counts of a channel's listings after a search. ``certain``: exactly one unit fits; ``new``: none does."""

    certain: int = 0
    ambiguous: int = 0
    new: int = 0
    linked: int = 0
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class Linked:
    """Listings that are linked now, and those that are not because nothing (or more than one unit) fits or the SKU is linked already."""

    offer_ids: tuple[int, ...]
    refused: tuple[int, ...]


def take_page(uc: UseCase, channel_id: int, offers: Sequence[RemoteOffer]) -> Taken:
    """Keep a page of what the channel lists (S4.10, S4.14). Changes no offer of ours."""
    long = [offer for offer in offers if max(len(offer.ref.sku), len(offer.ref.external_id)) > SKU_LENGTH]
    kept = [offer for offer in offers if max(len(offer.ref.sku), len(offer.ref.external_id)) <= SKU_LENGTH]
    page = msgspec.json.encode([_row(offer) for offer in kept]).decode()
    with database.cursor() as cursor:
        queries.adopt_numbers(cursor, channel_id, page)
        new, known = queries.upsert_listings(cursor, uc.organisation_id, channel_id, page, uc.at)
    return Taken(new, known, tuple(f"{offer.ref.sku[:40]}…: longer than {SKU_LENGTH} characters" for offer in long))


def _row(offer: RemoteOffer) -> dict[str, object]:
    gtins = [text for text in offer.gtins if text.isdigit() and 8 <= len(text) <= 14]
    codes = dict.fromkeys([*offer.codes, *(text for text in offer.gtins if text not in gtins)])
    return {
        "sku": offer.ref.sku,
        "external_id": offer.ref.external_id,
        "title": offer.title[:500],
        "status": offer.status.value,
        "gtins": gtins,
        "codes": [code for code in codes if code and len(code) <= SKU_LENGTH],
        "channel_ids": dict(offer.channel_ids),
        "quantity": offer.quantity,
        "price": str(offer.price.amount) if offer.price else None,
        "currency": offer.price.currency if offer.price else "",
        "fulfilled_by": offer.fulfilled_by,
    }


def still_there(uc: UseCase, channel_id: int, ids: Sequence[str]) -> None:
    """The channel lists these (by its number or by SKU), although it says something of them that we could not read."""
    known = RemoteListing.objects.filter(channel_id=channel_id)
    known.filter(Q(external_id__in=ids) | Q(sku__in=ids)).update(seen_at=uc.at)


def forget_unseen(channel_id: int, begun: datetime) -> tuple[int, int]:
    """A read that began then has come to its end: listings that it did not bring are no longer there. Only after a complete read.

    Those that are linked stay, with the status ``gone``; the others go. Returns (gone for good, marked).
    """
    with database.cursor() as cursor:
        return queries.forget_unseen(cursor, channel_id, begun)


def propose(uc: UseCase, channel_id: int) -> Proposal:
    """Search a unit for every listing that is not linked; ``confirm`` makes the links."""
    channel = Channel.objects.select_related("connection").get(pk=channel_id)
    with database.cursor() as cursor:
        queries.propose(cursor, uc.organisation_id, channel_id, channel.connection.platform)
        return Proposal(**queries.counts(cursor, channel_id))


def propose_for(uc: UseCase, listing_ids: Sequence[int]) -> None:
    """The same search for these listings only."""
    listings = RemoteListing.objects.filter(pk__in=listing_ids).order_by("channel_id")
    found = listings.values_list("channel_id", "channel__connection__platform").distinct()
    with database.cursor() as cursor:
        for channel_id, platform in found:
            queries.propose(cursor, uc.organisation_id, channel_id, platform, sorted(set(listing_ids)))


def count(channel_id: int) -> Proposal:
    """The counts as of the last search."""
    with database.cursor() as cursor:
        return Proposal(**queries.counts(cursor, channel_id))


def counts_up_to(organisation_id: int, most: int) -> dict[int, Proposal]:
    """The counts of every channel as of the last search, none counted beyond ``most``. One statement."""
    with database.cursor() as cursor:
        return {channel: Proposal(**found) for channel, found in queries.counts_up_to(cursor, organisation_id, most).items()}


def certain(channel_id: int) -> list[int]:
    """Ids of the listings that exactly one unit fits."""
    with database.cursor() as cursor:
        return queries.certain(cursor, channel_id)


def confirm(uc: UseCase, listing_ids: Sequence[int]) -> Linked:
    """Link each listing to the one unit that fits it, remember the channel's ids (S4.19) and have the figures worked out.

    They are worked out twice: with the link, and again in a later transaction, because whoever changed the stock meanwhile has not seen
    the new offers.
    """
    ids = sorted(set(listing_ids))
    with database.cursor() as cursor:
        rows = queries.create_offers(cursor, uc.organisation_id, ids, uc.at, uc.actor)
        done = [listing for listing, _, _ in rows]
        queries.observe_prices(cursor, uc.organisation_id, done)
        queries.remember_channel_ids(cursor, uc.organisation_id, done)
    units = sorted({unit for _, _, unit in rows})
    uc.mark("stale_unit", units)
    if units:
        refresh.leave_to_job(uc, units)
    uc.mark(PRICED, units)
    uc.mark(LINKED, (offer for _, offer, _ in rows))
    audit.record(uc, "offers.link", "listing", ids[0] if len(ids) == 1 else "", asked=len(ids), linked=len(rows))
    return Linked(tuple(offer for _, offer, _ in rows), tuple(sorted(set(ids) - set(done))))


def choose(uc: UseCase, listing_id: int, stock_unit_id: int, pack_factor: int = 1) -> int:
    """A person says which unit a listing is, whatever was proposed; returns the offer's id. LinkError if it cannot be."""
    if pack_factor < 1:
        raise LinkError(_("A sold unit holds at least one base unit: the pack factor must be 1 or more."))
    if not StockUnit.objects.filter(pk=stock_unit_id).exists():
        raise LinkError(_("There is no stock unit with number {stock_unit_id}.", stock_unit_id=stock_unit_id))
    with database.cursor() as cursor:
        queries.set_candidates(cursor, uc.organisation_id, [listing_id], [stock_unit_id], "person", pack_factor)
    linked = confirm(uc, [listing_id])
    if not linked.offer_ids:
        raise LinkError(_("This listing is linked or left out already, or another one with its SKU is. Unlink that one first."))
    return linked.offer_ids[0]


def create_products(uc: UseCase, listing_ids: Sequence[int]) -> Linked:
    """Take listings that nothing fits over as new products with their title, GTINs and codes, and link them (S4.20, S4.21)."""
    ids = sorted(set(listing_ids))
    with database.cursor() as cursor:
        pairs = queries.create_units(cursor, uc.organisation_id, ids, uc.at)
        listings, units = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        queries.take_identifiers(cursor, uc.organisation_id, listings, units)
        queries.set_candidates(cursor, uc.organisation_id, listings, units, "created", 1)
    audit.record(uc, "products.create", "listing", "", asked=len(ids), created=len(pairs))
    linked = confirm(uc, listings) if listings else Linked((), ())
    return Linked(linked.offer_ids, tuple(sorted({*linked.refused, *(set(ids) - set(listings))})))


def unlink(uc: UseCase, offer_ids: Sequence[int]) -> int:
    """Forget links; the channel keeps the last figures. An offer that orders refer to stays, linked to nothing and left out of sending.

    What fits the listings is searched at once. For hand-picked offers: it looks at each on its own. Returns how many were linked.
    """
    offers = list(Offer.objects.select_for_update().filter(pk__in=offer_ids).exclude(linked_by="").order_by("pk"))
    listings = list(RemoteListing.objects.filter(offer__in=offers).order_by("pk").values_list("pk", flat=True))
    for offer in offers:
        RemoteListing.objects.filter(offer=offer).update(offer=None, state=RemoteListing.State.NEW, candidates=[])
        try:
            with transaction.atomic():  # lint: allow crash-point because a savepoint of the caller's use case
                offer.delete()
        except ProtectedError:
            Offer.objects.filter(pk=offer.pk).update(linked_by="", linked_at=None, stock_excluded=True, prices_excluded=True)
            history.note(uc, Fact.OFFER, [_cut_off(offer)])
    propose_for(uc, listings)
    uc.mark("stale_unit", (offer.stock_unit_id for offer in offers))
    if offers:
        audit.record(uc, "offers.unlink", "offer", offers[0].pk if len(offers) == 1 else "", skus=[offer.sku for offer in offers[:100]])
    return len(offers)


def _cut_off(offer: Offer) -> Changed:
    """An offer that stays without a link, for the history: nothing of its unit is sent from now on."""
    since = offer.linked_at.isoformat() if offer.linked_at else None
    before = {"unit": offer.stock_unit_id, "pack": offer.pack_factor, "excluded": offer.stock_excluded, "since": since}
    return Changed(offer.pk, "", before, before | {"excluded": True, "since": None})


def leave_out(uc: UseCase, listing_ids: Sequence[int], out: bool = True) -> int:
    """Leave listings out of linking, or take them in again; linked ones stay as they are. Returns how many changed."""
    before = [RemoteListing.State.NEW, RemoteListing.State.AMBIGUOUS] if out else [RemoteListing.State.EXCLUDED]
    after = RemoteListing.State.EXCLUDED if out else RemoteListing.State.NEW
    changed = RemoteListing.objects.filter(pk__in=listing_ids, state__in=before).update(state=after, candidates=[])
    if changed:
        audit.record(uc, "listings.leave_out", "listing", "", out=out, changed=changed)
    return changed


def exclude(uc: UseCase, offer_ids: Sequence[int], *, stock: bool | None = None, prices: bool | None = None) -> int:
    """Leave offers out of stock or price sending, or take them in again, one or many (S4.36, S4.37). Returns how many units changed."""
    with database.cursor() as cursor:
        units = queries.exclude(cursor, uc.organisation_id, sorted(set(offer_ids)), stock, prices, uc.at, uc.actor)
    uc.mark("stale_unit", units)
    uc.mark(PRICED, units)
    if units:
        audit.record(uc, "offers.exclude", "offer", "", offers=len(set(offer_ids)), stock=stock, prices=prices)
    return len(units)
