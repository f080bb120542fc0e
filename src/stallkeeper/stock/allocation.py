"""Which places serve which demand: pure decisions over free figures. No database, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Place = tuple[int, int]
"""(stock unit, location)"""


@dataclass(frozen=True, slots=True)
class Demand:
    """``quantity`` sold units of an owner. Each takes ``parts`` (stock unit, number), kits exploded and summed per unit already.

    ``places`` are the locations that may serve it, best first. ``splits``: parts of one sold unit may come from several places.
    """

    owner_id: int
    quantity: int
    parts: tuple[tuple[int, int], ...]
    places: tuple[int, ...]
    splits: bool = False


@dataclass(frozen=True, slots=True)
class Placement:
    """What an owner gets: units per place, and how many sold units that serves."""

    served: int
    units: Mapping[Place, int]


@dataclass(slots=True)
class Free:
    """Units that may still be promised per place. ``held`` are those that soft holds keep back: a sale that has happened may take them,
    another hold may not. ``endless`` places allow backorder."""

    net: dict[Place, int]
    held: dict[Place, int]
    endless: frozenset[int] = frozenset()

    def whole(self, demand: Demand, location: int, with_held: bool) -> int:
        """Sold units that ``location`` can serve alone."""
        possible = [self._of((unit, location), with_held) // number for unit, number in demand.parts]
        return min(possible) if possible else 0

    def _of(self, place: Place, with_held: bool) -> int:
        if place[1] in self.endless:
            return 1 << 31
        free = self.net.get(place, 0)
        return (free if free > 0 else 0) + (self.held.get(place, 0) if with_held else 0)

    def take(self, place: Place, quantity: int) -> None:
        """Use up units, unheld ones first."""
        from_net = min(max(self.net.get(place, 0), 0), quantity) if place[1] not in self.endless else quantity
        self.net[place] = self.net.get(place, 0) - from_net
        if quantity > from_net:
            self.held[place] = self.held.get(place, 0) - (quantity - from_net)

    def part(self, unit: int, location: int, with_held: bool) -> int:
        """Units of one part at one place."""
        return self._of((unit, location), with_held)


def place(demand: Demand, free: Free, *, may_use_held: bool) -> Placement:
    """Serve as much of the demand as there is: from one place if one can serve it all, else from several, whole sold units each.

    Uses up ``free``. The rest (``quantity - served``) is short.
    """
    units: dict[Place, int] = defaultdict(int)
    left = demand.quantity
    alone = _alone(demand, free, left, False)
    if alone is not None:
        _serve(demand, free, alone, left, units)
        return Placement(left, units)
    for with_held in (False, True) if may_use_held else (False,):
        for location in _order(demand, free, left, with_held) if left else ():
            left -= _serve(demand, free, location, min(free.whole(demand, location, with_held), left), units)
    for with_held in (False, True) if may_use_held else (False,):
        if demand.splits and left:
            left -= _serve_split(demand, free, left, units, with_held)
    return Placement(demand.quantity - left, dict(units))


def _order(demand: Demand, free: Free, left: int, with_held: bool) -> Sequence[int]:
    """The first place that can serve all of it, if there is one; else all places in their order."""
    alone = _alone(demand, free, left, with_held)
    return demand.places if alone is None else (alone,)


def _alone(demand: Demand, free: Free, left: int, with_held: bool) -> int | None:
    for location in demand.places:
        if free.whole(demand, location, with_held) >= left:
            return location
    return None


def _serve(demand: Demand, free: Free, location: int, sold: int, units: dict[Place, int]) -> int:
    for unit, number in demand.parts:
        if sold:
            free.take((unit, location), sold * number)
            units[unit, location] += sold * number
    return sold


def _serve_split(demand: Demand, free: Free, left: int, units: dict[Place, int], with_held: bool) -> int:
    """Parts of one sold unit from several places."""
    totals = [sum(free.part(unit, place_, with_held) for place_ in demand.places) // number for unit, number in demand.parts]
    sold = min([left, *totals])
    for unit, number in demand.parts:
        wanted = sold * number
        for location in demand.places:
            some = min(free.part(unit, location, with_held), wanted)
            if some:
                free.take((unit, location), some)
                units[unit, location] += some
                wanted -= some
    return sold
