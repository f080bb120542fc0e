"""Invariant 4: what the channels of a guarded unit are meant to show, and what they may show, is together never more than there is.

Told again without pools and claims: in base units, over all places that any channel sells from. What a channel may show while nobody knows
is remembered here, look by look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from stallkeeper.ops.simulation.truth import offer_rules
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.offer_rules import Counting
from stallkeeper.ops.simulation.truth.rows import Offer
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.manifest import Quirks

NO_SUCH_OFFER = "no_such_offer"


@dataclass
class Guards:
    """Remembers which units were guarded, and what offers may show at most. Call it at each look."""

    were: set[int] = field(default_factory=set)
    most: dict[int, int] = field(default_factory=dict)
    stood: dict[int, tuple[int | None, datetime | None]] = field(default_factory=dict)
    """What an offer said was sent last, and when, before it was sent anew: a call that did not happen leaves that, and sends nothing."""

    def check(self, shop: Shop, stalls: Mapping[int, StallView], today: date, *, several: bool) -> Iterator[Breach]:
        """``several``: more than one commit since the last look, so nobody can tell what stood when a figure went out."""
        before, quirks = dict(self.most), {channel: stall.quirks for channel, stall in stalls.items()}
        self._remember(shop)
        guarded = {row.stock_unit_id for row in shop.now.guarded}
        waiting, counter = offer_rules.waiting(shop), Counting(shop, today)
        for unit in sorted(guarded):
            mine = [(offer, per) for offer in shop.offers.values() if offer.channel_id in quirks and (per := _per(shop, offer, unit))]
            room = _room(shop, counter, unit, [offer for offer, _ in mine])
            if not waiting & {unit, *(offer.stock_unit_id for offer, _ in mine)}:
                yield from _quotas(shop, quirks, mine, unit, room)
                yield from _of_the_gone(shop, quirks, mine)
            if unit in self.were and not several:
                yield from self._raises(shop, quirks, mine, unit, room, before)
        self.were = guarded
        self._note_sent(shop)

    def _note_sent(self, shop: Shop) -> None:
        for offer in shop.offers.values():
            was = shop.offers_before.get(offer.id)
            if was is not None and self._sent_anew(was, offer):
                self.stood[offer.id] = was.sent, was.sent_at

    def _sent_anew(self, was: Offer | None, offer: Offer) -> bool:
        return was is None or (was.sent_at != offer.sent_at and self.stood.get(offer.id) != (offer.sent, offer.sent_at))

    def _remember(self, shop: Shop) -> None:
        waits: dict[int, int] = {}
        for ticket in shop.now.tickets:
            if ticket.kind == "quantity":
                waits[ticket.offer_id] = max(waits.get(ticket.offer_id, 0), int(ticket.value))
        for offer in shop.offers.values():
            if offer.believed is not None:
                self.most[offer.id] = offer.believed
            elif _absent(offer, was := shop.offers_before.get(offer.id)):
                self.most[offer.id] = 0
            else:
                anew = [offer.sent] if offer.sent is not None and self._sent_anew(was, offer) else []
                self.most[offer.id] = max([self.most.get(offer.id, 0), *anew])
            if offer.id in waits:
                self.most[offer.id] = max(self.most[offer.id], waits[offer.id])

    def _raises(
        self, shop: Shop, quirks: Mapping[int, Quirks], mine: list[tuple[Offer, int]], unit: int, room: int, before: Mapping[int, int]
    ) -> Iterator[Breach]:
        """A figure that goes up goes out only as far as there is room beside what the others may show. One that goes up by no more than the
        platform takes off for open orders shows buyers nothing more."""
        there = sum(max(self.most[offer.id] - offer_rules.added_back(offer, quirks[offer.channel_id]), 0) * per for offer, per in mine)
        for offer, _ in mine:
            was = shop.offers_before.get(offer.id)
            back = offer_rules.added_back(offer, quirks[offer.channel_id])
            raised = offer.sent is not None and offer.id in before and offer.sent > max(before[offer.id], back)
            if was is not None and self._sent_anew(was, offer) and raised and there > room:
                told = f"goes up from {before[offer.id]} to {offer.sent}; then {there} of {shop.units[unit].sku} may be shown, of {room}"
                yield Breach("4", f"{shop.offer(offer)} {told}")


def _absent(offer: Offer, was: Offer | None) -> bool:
    """Whether the channel has just told a read that it has no such offer, and nothing was sent since: its buyers are shown none."""
    told = (
        offer.refused_at is not None and offer.refused_why.startswith(NO_SUCH_OFFER) and (was is None or was.refused_at != offer.refused_at)
    )
    if not told or offer.refused_at is None:
        return False
    return offer.sent_at is None or (was is not None and was.sent_at == offer.sent_at) or offer.sent_at < offer.refused_at


def _quotas(shop: Shop, quirks: Mapping[int, Quirks], mine: list[tuple[Offer, int]], unit: int, room: int) -> Iterator[Breach]:
    """All channels together, and all but each that has units kept for it: what is kept for a channel that has no such offer is nobody's."""
    meant = [(offer.channel_id, _meant(offer, quirks) * per) for offer, per in mine if shop.channels[offer.channel_id].sends]
    kept = {fence.channel_id: fence.quantity for fence in shop.now.fences if fence.stock_unit_id == unit}
    sellers = {offer.channel_id for offer, _ in mine}
    away = sum(units for channel, units in kept.items() if channel not in sellers)
    for holder in (None, *sorted(kept.keys() & sellers)):
        left = max(room - away - (0 if holder is None else kept[holder]), 0)
        others = sum(units for channel, units in meant if channel != holder)
        if others > left:
            whose = "all channels" if holder is None else f"all channels but {holder}, for which {kept[holder]} are kept"
            yield Breach("4", f"{others} of {shop.units[unit].sku} are meant to be shown by {whose}, there are {left}")


def _of_the_gone(shop: Shop, quirks: Mapping[int, Quirks], mine: list[tuple[Offer, int]]) -> Iterator[Breach]:
    """Nobody can buy where there is no such offer, so it keeps none from the others."""
    for offer, _ in mine:
        gone = offer.refused_at is not None and offer.refused_why.startswith(NO_SUCH_OFFER) and offer.believed is None
        if gone and shop.channels[offer.channel_id].sends and (meant := _meant(offer, quirks)):
            yield Breach("4", f"{shop.offer(offer)} is not there, and is meant to show {meant} that others could show")


def _meant(offer: Offer, quirks: Mapping[int, Quirks]) -> int:
    return max((offer.intended or 0) - offer_rules.added_back(offer, quirks[offer.channel_id]), 0)


def _per(shop: Shop, offer: Offer, unit: int) -> int:
    """Base units of a guarded unit in one sold unit of an offer; 0 where it takes no part."""
    return 0 if offer.excluded else sum(number for part, number in shop.recipes[offer.stock_unit_id] if part == unit) * offer.pack_factor


def _room(shop: Shop, counter: Counting, unit: int, offers: list[Offer]) -> int:
    """What is free of a unit where any of the channels sells it, less what all of them keep back."""
    channels = [counter.ruled(shop.channels[offer.channel_id], offer.stock_unit_id) for offer in offers]
    places = {place for channel in channels for place in channel.places if shop.places[place].active and shop.places[place].sellable}
    levels = [shop.levels[unit, place] for place in places if (unit, place) in shop.levels]
    free = max(sum(level.on_hand - level.allocated - level.held for level in levels), 0)
    return max(free - min((channel.buffer for channel in channels), default=0), 0)


def guarded_offers(shop: Shop) -> set[int]:
    """Offers that hold a guarded unit: they show no more than by the rules, and may show less."""
    units = {row.stock_unit_id for row in shop.now.guarded}
    return {offer.id for offer in shop.offers.values() if any(part in units for part, _ in shop.recipes[offer.stock_unit_id])}
