"""Reservations: the only way to promise stock.

A use case *sets* an owner's reservation to what its state implies; it never adds. The guard is in the statement that writes the level
(``allocated <= on_hand`` is a CHECK), below every caller (C1); parts are summed per stock unit before anything is tested (C2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection

from stallkeeper.core import crash
from stallkeeper.core.sql import Cursor, hot_cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries
from stallkeeper.stock.allocation import Demand, Free, Place, Placement, place
from stallkeeper.stock.models import ReservationKind
from stallkeeper.stock.queries import LevelRow

RAISED = "unit_raised"
"""Mark: units of which more can be promised than before; whoever has shortages looks again."""
STALE = "stale_unit"
"""Mark: units whose figures changed; whoever shows them looks again."""
SHRUNK = "reservation_shrunk"
"""Mark: owners of type ``line`` whose reservation was cut because goods are not there."""


MOVED = "level_moved"


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much this transaction changed what a level promises."""

    unit_id: int
    location_id: int
    allocated: int
    held: int


def take_moved(uc: UseCase) -> list[Moved]:
    """What reservations have changed of levels so far, for a caller who read the levels before; it is gone afterwards."""
    return [change for change in uc.take_left(MOVED) if isinstance(change, Moved)]


@dataclass(frozen=True, slots=True)
class Want:
    """What an owner's state implies: this many sold units, reserved in this way. Quantity 0 ends the reservation.

    ``fresh`` says that the owner cannot have a reservation yet, which saves looking; ``first``, that it is served before all others;
    ``of`` names another owner among the wants whose units these are: they change hands before anybody else is served.
    """

    demand: Demand
    kind: ReservationKind = ReservationKind.ALLOCATED
    due_at: datetime | None = None
    expires_at: datetime | None = None
    fresh: bool = False
    first: bool = False
    of: int = 0


def set_reservations(
    uc: UseCase, owner_type: str, wants: Sequence[Want], *, cause: str, levels: Sequence[LevelRow] | None = None
) -> dict[int, int]:
    """Set the reservations of all owners at once; returns served sold units per owner (the rest is short).

    Those that must be ``first`` are served first, then earlier ``due_at``, each from what it has and what is free: nobody loses what he
    has to somebody else. Sales may take units that soft holds keep back; holds may not. ``levels``: every level that may be touched, if the
    caller has locked them already.
    """
    if not wants:
        return {}
    with hot_cursor() as cursor:
        current, due = _current(cursor, owner_type, [want.demand.owner_id for want in wants if not want.fresh])
        crash.point("within:reserve:read")
        shelf = _lock_shelf(cursor, uc, wants, current, levels)
        crash.point("within:reserve:locked")
        decided = _decide(wants, current, shelf)
        changes = list(_changes(owner_type, wants, current, decided))
        _write(cursor, uc, changes, cause, fresh=all(want.fresh for want in wants))
        if other := _redated(wants, due):
            queries.redate(cursor, owner_type, other)
    return {owner: placement.served for owner, placement in decided.items()}


Current = dict[int, dict[tuple[Place, str], int]]


def _current(cursor: Cursor, owner_type: str, owners: Sequence[int]) -> tuple[Current, dict[int, datetime | None]]:
    """Reservations that the owners have now, and when these must leave."""
    result: Current = defaultdict(dict)
    dates: dict[int, datetime | None] = {}
    if owners:
        for _type, owner, unit, location, kind, quantity, due in queries.lock_reservations(cursor, owner_type, sorted(owners)):
            result[owner][(unit, location), kind] = quantity
            dates[owner] = due
    return result, dates


def _redated(wants: Sequence[Want], due: Mapping[int, datetime | None]) -> dict[int, datetime]:
    """Owners that must leave at another moment than their reservations say; who goes short first hangs on it."""
    moved = ((want.demand.owner_id, want.due_at) for want in wants)
    return {owner: at for owner, at in moved if at is not None and owner in due and due[owner] != at}


@dataclass(slots=True)
class Shelf:
    """What is free, while owners give back what they have and take what they get. ``levels``: units not allocated, and units held."""

    levels: dict[Place, tuple[int, int]]
    free: Free

    def change(self, spot: Place, kind: str, by: int) -> None:
        """So many units more (or fewer) are reserved."""
        room, held = self.levels.get(spot, (0, 0))
        self.set(spot, *((room - by, held) if kind == ReservationKind.ALLOCATED else (room, held + by)))

    def set(self, spot: Place, room: int, held: int) -> None:
        self.levels[spot] = room, held
        self.free.net[spot], self.free.held[spot] = room - held, min(held, max(room, 0))


def _lock_shelf(cursor: Cursor, uc: UseCase, wants: Sequence[Want], current: Current, levels: Sequence[LevelRow] | None) -> Shelf:
    """Lock every level that may be touched and say what is free."""
    units = {unit for want in wants for unit, _number in want.demand.parts}
    units |= {unit for rows in current.values() for (unit, _location), _kind in rows}
    locations = {location for want in wants for location in want.demand.places}
    locations |= {location for rows in current.values() for (_unit, location), _kind in rows}
    shelf, endless = Shelf({}, Free({}, {})), set()
    if levels is None:
        levels = queries.lock_levels(cursor, sorted(units), sorted(locations))
    for unit, location, on_hand, allocated, held, backorder in levels:
        shelf.set((unit, location), on_hand - allocated, held)
        if backorder:
            endless.add(location)
    _make_endless(cursor, uc, {(unit, location) for unit in units for location in endless} - shelf.levels.keys())
    shelf.free.endless = frozenset(endless)
    return shelf


def _make_endless(cursor: Cursor, uc: UseCase, missing: set[Place]) -> None:
    """A place that allows backorder may promise units that it never had: they need a level to be counted on."""
    if missing:
        spots = sorted(missing)
        queries.ensure_levels(cursor, uc.organisation_id, [unit for unit, _ in spots], [location for _, location in spots])


def _decide(wants: Sequence[Want], current: Current, shelf: Shelf) -> dict[int, Placement]:
    decided = {}
    givers = {want.of for want in wants if want.of}
    for want in sorted(wants, key=partial(_urgency, givers)):
        rows = current.get(want.demand.owner_id)
        for (spot, kind), quantity in rows.items() if rows else ():
            shelf.change(spot, kind, -quantity)
        demand = _prefer(want.demand, current.get(want.of) if want.of else rows)
        placement = place(demand, shelf.free, may_use_held=want.kind == ReservationKind.ALLOCATED)
        for spot, quantity in placement.units.items():
            shelf.change(spot, want.kind, quantity)
        decided[demand.owner_id] = placement
    return decided


def _urgency(givers: set[int], want: Want) -> tuple[bool, bool, bool, bool, bool, datetime | None, int]:
    """Who only gives back comes before all others, then who gives to whom."""
    owner = want.demand.owner_id
    return (
        want.demand.quantity > 0,
        owner not in givers,
        not want.of,
        not want.first,
        want.due_at is None,
        want.due_at,
        want.demand.owner_id,
    )


def _prefer(demand: Demand, reserved: Mapping[tuple[Place, str], int] | None) -> Demand:
    """Places that serve the owner already come first, so that an unchanged order is not moved about."""
    if not reserved:
        return demand
    mine = {location for (_unit, location), _kind in reserved}
    places = tuple(sorted(demand.places, key=lambda location: location not in mine))
    return Demand(demand.owner_id, demand.quantity, demand.parts, places, demand.splits)


def _changes(
    owner_type: str, wants: Sequence[Want], current: Current, decided: Mapping[int, Placement]
) -> Iterable[queries.ReservationChange]:
    nothing: Mapping[tuple[Place, str], int] = {}
    for want in wants:
        owner = want.demand.owner_id
        before = current.get(owner, nothing)
        after = {(spot, want.kind.value): quantity for spot, quantity in decided[owner].units.items()}
        for key in sorted(before.keys() | after.keys()) if before else sorted(after):
            old, new = before.get(key, 0), after.get(key, 0)
            if old != new:
                (unit, location), kind = key
                yield (owner_type, owner, unit, location, kind, old, new, want.due_at, want.expires_at)


def _write(cursor: Cursor, uc: UseCase, changes: Sequence[queries.ReservationChange], cause: str, *, fresh: bool = False) -> None:
    if not changes:
        return
    deltas = _level_deltas(changes)
    levels = [(unit, location, allocated, held) for (unit, location), (allocated, held) in sorted(deltas.items())]
    queries.write_reservations(cursor, uc.organisation_id, uc.at, cause, changes, levels, fresh=fresh)
    uc.leave(MOVED, [Moved(*level) for level in levels])
    uc.mark(STALE, {unit for unit, _location in deltas})
    uc.mark(RAISED, {unit for (unit, _location), (allocated, held) in deltas.items() if allocated + held < 0})


def _level_deltas(changes: Sequence[queries.ReservationChange]) -> dict[Place, tuple[int, int]]:
    deltas: dict[Place, tuple[int, int]] = {}
    for _type, _owner, unit, location, kind, before, after, _due, _expires in changes:
        allocated, held = deltas.get((unit, location), (0, 0))
        if kind == ReservationKind.ALLOCATED:
            allocated += after - before
        else:
            held += after - before
        deltas[unit, location] = (allocated, held)
    return {spot: delta for spot, delta in deltas.items() if delta != (0, 0)}


def lapse(uc: UseCase, owner_type: str, owners: Sequence[int]) -> list[int]:
    """End the reservations of these owners whose time is over; returns the owners that had any.

    What is over is asked once they are locked: an order may have been paid meanwhile, and what it has now stays.
    """
    with connection.cursor() as cursor:
        queries.lock_reservations(cursor, owner_type, sorted(owners))
        over = queries.lapsed_reservations(cursor, owner_type, owners, uc.at)
        queries.lock_levels(cursor, sorted({unit for _type, _owner, unit, _location, _kind, _quantity in over}))
        _write(cursor, uc, [(*row, 0, None, None) for row in over], "lapsed")
    return sorted({row[1] for row in over})


def take_out(uc: UseCase, owner_type: str, owner_id: int, parts: Mapping[int, int], *, cause: str) -> dict[Place, int]:
    """Give up ``parts`` (unit, number) of an owner's allocation because the goods leave; returns from which places they leave.

    May return fewer than asked: the rest was never allocated.
    """
    taken: dict[Place, int] = {}
    with connection.cursor() as cursor:
        rows = _current(cursor, owner_type, [owner_id])[0].get(owner_id, {})
        queries.lock_levels(cursor, sorted(parts))
        changes: list[queries.ReservationChange] = []
        for unit, wanted in sorted(parts.items()):
            left = wanted
            for ((of, location), kind), quantity in sorted(rows.items()):
                some = min(quantity, left) if of == unit and kind == ReservationKind.ALLOCATED else 0
                if some:
                    left -= some
                    taken[unit, location] = some
                    changes.append((owner_type, owner_id, unit, location, kind, quantity, quantity - some, None, None))
        _write(cursor, uc, changes, cause)
    return taken


def shrink_to(uc: UseCase, cursor: Cursor, unit: int, location: int, excess: int) -> None:
    """Goods are not there: take ``excess`` off the allocations with the latest dispatch dates; their owners go short."""
    changes: list[queries.ReservationChange] = []
    for owner_type, owner, quantity in queries.latest_due_allocations(cursor, unit, location):
        some = min(quantity, excess)
        if not some:
            break
        excess -= some
        changes.append((owner_type, owner, unit, location, ReservationKind.ALLOCATED, quantity, quantity - some, None, None))
        if owner_type == "line":
            uc.mark(SHRUNK, [owner])
    _write(cursor, uc, changes, "stock_cut")
