"""Invariants 1 to 3, added up by hand: ledger and levels, reservations and their history, promises within what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.shop import Shop, Spot

Owner = tuple[str, int, int, int, str]
"""(owner type, owner, unit, place, kind): at most one reservation each."""


@dataclass
class Stock:
    """The model's own shelf and its own book of promises, both from nothing but the histories."""

    on_hand: Counter[Spot] = field(default_factory=Counter)
    references: set[str] = field(default_factory=set)
    promised: dict[Owner, int] = field(default_factory=dict)

    def check(self, shop: Shop) -> Iterator[Breach]:
        yield from self._post(shop)
        yield from self._levels(shop)
        yield from self._follow(shop)
        yield from self._sums(shop)
        yield from self._within(shop)

    def _post(self, shop: Shop) -> Iterator[Breach]:
        for move in shop.now.movements:
            if move.quantity <= 0 or move.from_location_id == move.to_location_id:
                yield Breach("1", f"movement {move.id} ({move.reference}): its two legs are {move.quantity} units of one place or none")
            if move.reference in self.references:
                yield Breach("1", f"movement {move.id}: the reference {move.reference} was entered before")
            self.references.add(move.reference)
            self.on_hand[move.stock_unit_id, move.from_location_id] -= move.quantity
            self.on_hand[move.stock_unit_id, move.to_location_id] += move.quantity

    def _levels(self, shop: Shop) -> Iterator[Breach]:
        real = {place.id for place in shop.places.values() if not place.virtual}
        for spot in sorted(shop.levels.keys() | {spot for spot, units in self.on_hand.items() if units and spot[1] in real}):
            level, moved = shop.levels.get(spot), self.on_hand[spot]
            if (level.on_hand if level else 0) != moved:
                yield Breach("1", f"{shop.spot(spot)}: the level says {level.on_hand if level else 0}, the movements add up to {moved}")

    def _follow(self, shop: Shop) -> Iterator[Breach]:
        """Each reservation begins at 0, each change starts where the last one ended, and what has ended does not end again."""
        for event in shop.now.kept:
            owner = (event.owner_type, event.owner_id, event.stock_unit_id, event.location_id, event.kind)
            was = self.promised.pop(owner, 0)
            if event.before != was or event.after < 0 or event.before == event.after:
                yield Breach("2", f"reservation {_named(shop, owner)}: an event from {event.before} to {event.after}, {was} were reserved")
            if event.after:
                self.promised[owner] = event.after

    def _sums(self, shop: Shop) -> Iterator[Breach]:
        rows: Counter[Owner] = Counter()
        allocated: Counter[Spot] = Counter()
        held: Counter[Spot] = Counter()
        for row in shop.now.reservations:
            rows[row.owner_type, row.owner_id, row.stock_unit_id, row.location_id, row.kind] += row.quantity
            (allocated if row.kind == "allocated" else held)[row.stock_unit_id, row.location_id] += row.quantity
        if rows != self.promised:
            for owner in sorted(rows.keys() | self.promised.keys()):
                if rows[owner] != self.promised.get(owner, 0):
                    history = self.promised.get(owner, 0)
                    yield Breach("2", f"reservation {_named(shop, owner)}: {rows[owner]} reserved, its history ends at {history}")
        for spot in sorted(shop.levels.keys() | allocated.keys() | held.keys()):
            level = shop.levels.get(spot)
            says = (level.allocated, level.held) if level else (0, 0)
            if says != (allocated[spot], held[spot]):
                told = f"the level says {says[0]} allocated and {says[1]} held, the reservations {allocated[spot]} and {held[spot]}"
                yield Breach("2", f"{shop.spot(spot)}: {told}")

    def _within(self, shop: Shop) -> Iterator[Breach]:
        for spot, level in shop.levels.items():
            place = shop.places[spot[1]]
            if min(level.on_hand, level.allocated, level.held) < 0 or level.backorder != place.allows_backorder:
                yield Breach("3", f"{shop.spot(spot)}: {level.on_hand} on hand, {level.allocated} allocated, {level.held} held")
            if level.allocated > level.on_hand and not place.allows_backorder:
                yield Breach("3", f"{shop.spot(spot)}: {level.allocated} allocated of {level.on_hand} on hand, no backorder there")


def _named(shop: Shop, owner: Owner) -> str:
    return f"of {owner[0]} {owner[1]} ({owner[4]}), {shop.spot((owner[2], owner[3]))}"
