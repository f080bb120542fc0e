"""Invariant 10, from the tables: what each offer should show by the rules of its channel, and that every difference is listed to be sent.

The steps are those of the architecture, in its order, in whole numbers and without arrays: on hand, less allocated, less holds, less what
is fenced off for other channels, plus incoming goods within the horizon, kits, share, buffer, the last hour's sales, cap, zero-at, pack
factor, the platform's own limit, and the units that the platform subtracts itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from datetime import date, timedelta

from msgspec import structs

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Channel, Offer
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.manifest import Basis, Quirks

NOT_COUNTED = 999_999
"""What a unit that is not counted has for sale (S5.90)."""
OWN = ("share", "share_rounding", "buffer", "max_publish", "zero_at", "fixed", "velocity_share")
"""Rules that a category or a product may have of its own."""
EXTRA = {"down": 0, "up": 9_999, "nearest": 5_000}
"""Added to hundredths of a per cent of a share before the rest is dropped."""


def figures(shop: Shop, quirks: Mapping[int, Quirks], today: date, guarded: Set[int] = frozenset()) -> Iterator[Breach]:
    """Every offer is meant to show what its channel's rules make of what is free now, or its part of that if it is ``guarded``. Those of
    units marked stale may wait."""
    later = waiting(shop)
    counter = Counting(shop, today)
    for offer in shop.offers.values():
        if offer.stock_unit_id in later or offer.channel_id not in quirks:
            continue
        right = None if offer.excluded else counter.to_show(offer, quirks[offer.channel_id])
        if offer.id in guarded and right is not None and offer.intended is not None:
            if not offer.intended <= right:
                yield Breach("10", f"{shop.offer(offer)} is meant to show {offer.intended}, by the rules at most {right}")
        elif offer.intended != right:
            yield Breach("10", f"{shop.offer(offer)} is meant to show {offer.intended}, by the rules it is {right}")


def waiting(shop: Shop) -> set[int]:
    """Units that are marked stale, and the kits that they are part of."""
    stale = set(shop.now.stale)
    return stale | {kit for kit, parts in shop.recipes.items() if any(unit in stale for unit, _ in parts)}


class Counting:
    """What is for sale, worked out once per unit and channel."""

    def __init__(self, shop: Shop, today: date) -> None:
        self.shop, self.today = shop, today
        self.fenced: dict[tuple[int, int], int] = defaultdict(int)
        for fence in shop.now.fences:
            for channel in shop.channels:
                if channel != fence.channel_id:
                    self.fenced[channel, fence.stock_unit_id] += fence.quantity
        self.known: dict[tuple[int, int], int] = {}
        self.category: dict[int, str] = {}
        for row in shop.now.shelved:
            self.category.setdefault(row.stock_unit_id, row.category)
        self.of_category = {(row.channel_id, row.category): row for row in shop.now.overrides if row.category}
        self.of_unit = {(row.channel_id, row.stock_unit_id): row for row in shop.now.overrides if not row.category}
        self.sold: dict[int, int] = defaultdict(int)
        for sale in shop.now.sold:
            self.sold[sale.stock_unit_id] += sale.quantity

    def to_show(self, offer: Offer, quirks: Quirks) -> int:
        channel = self.shop.channels[offer.channel_id]
        key = channel.id, offer.stock_unit_id
        if key not in self.known:
            self.known[key] = self.for_sale(channel, offer.stock_unit_id)
        shown = by_rules(self.ruled(channel, offer.stock_unit_id), self.known[key], offer.pack_factor, self.sold_of(offer.stock_unit_id))
        return min(shown, quirks.max_quantity) + added_back(offer, quirks)

    def for_sale(self, channel: Channel, unit: int) -> int:
        """Units, or complete kits, that this channel may sell."""
        if not self.shop.units[unit].active:
            return 0
        recipe = self.shop.recipes[unit]
        if not recipe:
            return NOT_COUNTED if self.shop.units[unit].kind != "kit" or self._nothing_counts(unit) else 0
        free = {part: self.free(channel, part) for part, _ in recipe}
        if self.shop.units[unit].kind != "kit" or channel.allow_splits:
            return min(max(sum(free[part].values()), 0) // number for part, number in recipe)
        return sum(min(max(free[part].get(place, 0), 0) // number for part, number in recipe) for place in self._places(channel))

    def ruled(self, channel: Channel, unit: int) -> Channel:
        """The channel with the rules that hold for a unit: its category's in place of the channel's, its own in place of both."""
        for own in (self.of_category.get((channel.id, self.category.get(unit, ""))), self.of_unit.get((channel.id, unit))):
            if own is not None:
                said = {name: getattr(own, name) for name in OWN if getattr(own, name) not in (None, "")}
                channel = structs.replace(channel, **said)
        return channel

    def sold_of(self, unit: int) -> int:
        """So many units, or whole kits, the last hour's sales of the parts would make, the one that sold most counted."""
        return max([-(-self.sold[part] // number) for part, number in self.shop.recipes[unit]], default=0)

    def _nothing_counts(self, kit: int) -> bool:
        return any(part.kit_id == kit for part in self.shop.now.parts)

    def _places(self, channel: Channel) -> list[int]:
        """The channel's places that may be sold from, best first."""
        usable = (self.shop.places[place] for place in channel.places)
        return [place.id for place in sorted(usable, key=lambda place: (place.priority, place.id)) if place.active and place.sellable]

    def free(self, channel: Channel, unit: int) -> dict[int, int]:
        """What is free of a unit at each place of the channel, fences taken off the last places first, incoming goods added."""
        free: dict[int, int] = {}
        for place in self._places(channel):
            level = self.shop.levels.get((unit, place))
            free[place] = level.on_hand - level.allocated - level.held if level else 0
        kept = self.fenced.get((channel.id, unit), 0)
        for place in reversed(free):
            taken = min(max(free[place], 0), kept)
            free[place] -= taken
            kept -= taken
        last = self.today + timedelta(days=channel.horizon_days)
        for coming in self.shop.now.incoming if channel.horizon_days else ():
            if coming.stock_unit_id == unit and coming.location_id in free and self.today <= coming.expected_on <= last:
                free[coming.location_id] += coming.quantity
        return free


def by_rules(channel: Channel, for_sale: int, pack_factor: int, sold: int) -> int:
    """Share, buffer, the last hour's sales, fixed number, cap, zero-at, pack factor."""
    figure = (for_sale * int(channel.share * 100) + EXTRA[channel.share_rounding]) // 10_000 if channel.share != 100 else for_sale
    figure = max(figure - channel.buffer, 0)
    figure = max(figure - -(-sold * int(channel.velocity_share * 100) // 10_000), 0)
    figure = min(figure, figure if channel.fixed is None else channel.fixed, figure if channel.max_publish is None else channel.max_publish)
    return (0 if figure <= channel.zero_at else figure) // pack_factor


def added_back(offer: Offer, quirks: Quirks) -> int:
    """Sold units that the platform subtracts itself from the figure that it is given."""
    if quirks.basis is Basis.GROSS_UNTIL_SHIPPED:
        return offer.open
    return offer.unacknowledged if quirks.basis is Basis.GROSS_UNTIL_ACKNOWLEDGED else 0


def listed(shop: Shop) -> Iterator[Breach]:
    """What a channel is not believed to show is listed to be sent, on its way, or refused; nothing else of another channel is listed."""
    todo = {(row.offer_id, row.kind): row for row in shop.now.todo}
    under_way = {(row.offer_id, row.kind) for row in shop.now.tickets}
    for offer in shop.offers.values():
        row = todo.get((offer.id, "quantity"))
        if row is None and shop.channels[offer.channel_id].sends and _differs(offer) and (offer.id, "quantity") not in under_way:
            told = f"should show {offer.intended}, is believed to show {offer.believed}"
            yield Breach("10", f"{shop.offer(offer)} {told}, and nobody is going to send it")
        if row is not None and row.channel_id != offer.channel_id:
            yield Breach("10", f"{shop.offer(offer)} is listed to be sent on channel {row.channel_id}")
    for offer_id in sorted({row.offer_id for row in shop.now.todo} - shop.offers.keys()):
        yield Breach("10", f"offer {offer_id} is listed to be sent and does not exist")


def _differs(offer: Offer) -> bool:
    return not offer.excluded and offer.intended is not None and offer.intended not in (offer.believed, offer.refused)


# --- once everything is quiet -------------------------------------------------------------------------------------------------------------


def shown(shop: Shop, stalls: Mapping[int, StallView]) -> Iterator[Breach]:
    """10 at the end: intended, believed, what the platform keeps and what its buyers see are one, on every channel that sends. What buyers
    see is left out where the platform has refused a shipment: it keeps units for the order that have left by our books (see `ended`)."""
    refused = {row.subject_id for row in shop.commands.values() if row.state in {"refused", "dead"}}
    disputed = {(shop.orders[line.order_id].channel_id, line.sku) for line in shop.lines.values() if line.order_id in refused}
    for offer in shop.offers.values():
        channel, stall = shop.channels[offer.channel_id], stalls.get(offer.channel_id)
        if stall is None or not channel.sends or offer.excluded:
            continue
        if offer.sku not in stall.emulator.offers:
            if offer.refused is None and not (stall.gone_is_zero and offer.intended == offer.believed == 0):
                yield Breach("10", f"{shop.offer(offer)} is not on {stall.name}, and that is not seen")
            continue
        if offer.intended == offer.refused and offer.intended != offer.believed:
            continue  # the refusal stands on the offer with the channel's words: see `refusals`
        seen, held, should = stall.shown(offer.sku), stall.kept(offer.sku), _seen(offer, stall.quirks)
        as_seen = seen == should or (channel.id, offer.sku) in disputed
        if not (offer.intended == offer.believed == held and as_seen):
            told = f"intended {offer.intended}, believed {offer.believed}, kept there {held}, buyers see {seen} of {should}"
            yield Breach("10", f"{shop.offer(offer)} on {stall.name}: {told}")


def _seen(offer: Offer, quirks: Quirks) -> int:
    return (offer.intended or 0) - added_back(offer, quirks)
