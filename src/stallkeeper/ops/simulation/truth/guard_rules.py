"""Invariant 4: what the channels of a guarded unit are meant to show, and what they may show, is together never more than there is.

Told again without pools and claims: in base units, over all places that any channel sells from. What a channel may show while nobody knows
is remembered here, look by look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from stallkeeper.ops.simulation.truth import offer_rules
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.offer_rules import Counting
from stallkeeper.ops.simulation.truth.rows import Offer
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.manifest import Basis, Quirks

NO_SUCH_OFFER = "no_such_offer"
EVER = datetime.min.replace(tzinfo=UTC)
Sold = Mapping[int, list[tuple[datetime, int]]]
"""Units by offer of orders that have just come, and when they were placed."""


@dataclass
class Guards:
    """Remembers which units were guarded, and what offers may show at most. Call it at each look."""

    were: set[int] = field(default_factory=set)
    most: dict[int, int] = field(default_factory=dict)
    stand: dict[int, list[tuple[int, datetime]]] = field(default_factory=dict)
    """Figures one of which an offer shows, each with since when; several where nobody knows whether what was sent arrived."""
    lines: set[int] = field(default_factory=set)
    stood: dict[int, tuple[int | None, datetime | None]] = field(default_factory=dict)
    """What an offer said was sent last, and when, before it was sent anew: a call that did not happen leaves that, and sends nothing."""

    def check(self, shop: Shop, stalls: Mapping[int, StallView], today: date, *, several: bool) -> Iterator[Breach]:
        """``several``: more than one commit since the last look, so nobody can tell what stood when a figure went out."""
        before, quirks = dict(self.most), {channel: stall.quirks for channel, stall in stalls.items()}
        self._remember(shop, self._sold(shop, quirks))
        guarded = {row.stock_unit_id for row in shop.now.guarded}
        waiting, counter = offer_rules.waiting(shop), Counting(shop, today)
        for unit in sorted(guarded):
            mine = [(offer, per) for offer in shop.offers.values() if offer.channel_id in quirks and (per := _per(shop, offer, unit))]
            room = _room(shop, counter, unit, [offer for offer, _ in mine])
            if not waiting & {unit, *(offer.stock_unit_id for offer, _ in mine)}:
                yield from _quotas(shop, quirks, mine, unit, room)
                yield from _of_the_gone(shop, quirks, mine, self.most)
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

    def _sold(self, shop: Shop, quirks: Mapping[int, Quirks]) -> Sold:
        """What new lines say is gone from the figures of platforms that take off what they sell."""
        found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        parts = {story.order_id for story in shop.now.stories if story.kind == "split_from"}  # their units were sold in another order
        for line in shop.now.lines:
            offer, order = shop.offers.get(line.offer_id or 0), shop.orders[line.order_id]
            if line.id in self.lines or offer is None or order.id in parts or order.fulfilled_by != "seller":
                continue
            if offer.channel_id in quirks and quirks[offer.channel_id].basis is not Basis.GROSS_UNTIL_SHIPPED:
                found[offer.id].append((order.ordered_at, line.ordered - line.cancelled))
        self.lines |= {line.id for line in shop.now.lines}
        return found

    def _remember(self, shop: Shop, sold: Sold) -> None:
        waits: dict[int, int] = {}
        for ticket in shop.now.tickets:
            if ticket.kind == "quantity":
                waits[ticket.offer_id] = max(waits.get(ticket.offer_id, 0), int(ticket.value))
        for offer in shop.offers.values():
            if offer.believed is not None:
                read_at = offer.observed_at if offer.observed is not None else None
                self.stand[offer.id] = [(offer.believed, max(filter(None, (offer.accepted_at, read_at)), default=EVER))]
            elif _absent(offer, was := shop.offers_before.get(offer.id)):
                self.stand[offer.id] = [(0, EVER)]
            else:
                stood = self.stand.get(offer.id, [(self.most.get(offer.id, 0), EVER)])
                self.stand[offer.id] = [_less(figure, since, sold.get(offer.id, [])) for figure, since in stood]
                if offer.sent is not None and offer.sent_at is not None and self._sent_anew(was, offer):
                    self.stand[offer.id].append((offer.sent, offer.sent_at))
            self.most[offer.id] = max(figure for figure, _ in self.stand[offer.id])
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


def _less(figure: int, since: datetime, sold: Sequence[tuple[datetime, int]]) -> tuple[int, datetime]:
    """A figure after the sales that were made while it stood."""
    return max(figure - sum(units for at, units in sold if at > since), 0), since


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


def _of_the_gone(shop: Shop, quirks: Mapping[int, Quirks], mine: list[tuple[Offer, int]], most: Mapping[int, int]) -> Iterator[Breach]:
    """Nobody can buy where there is no such offer, so it keeps none from the others, but for what may land there yet: in a submission."""
    for offer, _ in mine:
        gone = offer.refused_at is not None and offer.refused_why.startswith(NO_SUCH_OFFER) and offer.believed is None
        may_land = max(most.get(offer.id, 0) - offer_rules.added_back(offer, quirks[offer.channel_id]), 0)
        if gone and shop.channels[offer.channel_id].sends and (meant := _meant(offer, quirks)) > may_land:
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
