"""The ledger: movements are its only entries, levels their projection, both written in one transaction (C3).

An order never lowers on hand; goods that leave do. A repair is a movement with a reason, never an update.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from django.db import connection

from stallkeeper.catalog.models import StockUnit
from stallkeeper.core import audit, crash
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import places, queries, reserve
from stallkeeper.stock.allocation import Place
from stallkeeper.stock.models import Cause, Level, Location, LocationOwner, VirtualRole
from stallkit.words import said as _


class Move(NamedTuple):
    """``quantity`` (> 0) base units of a unit go from one place to another, at ``occurred_at``, for a reason with a ``reference``."""

    unit_id: int
    quantity: int
    from_location_id: int
    to_location_id: int
    cause: Cause
    reference: str
    occurred_at: datetime
    reason: str = ""


class Target(NamedTuple):
    """On hand of a unit at a place shall be ``on_hand``. ``reference`` names who says so; said twice, it is a no-op."""

    unit_id: int
    location_id: int
    on_hand: int
    reference: str


class NotEnough(ValueError):
    """More is to leave a place than is there. The text names the unit and the place."""


def post(uc: UseCase, moves: Sequence[Move], held: Sequence[queries.LevelRow] | None = None) -> list[str]:
    """Enter movements; returns the references that were new (a repeat is a no-op). NotEnough if on hand would fall below zero.

    ``held``: the levels of all units that move, if the caller has locked them by ``hold``.
    Where on hand falls below what is promised, the latest dispatch dates go short; where it rises, shortages are refilled before commit.
    """
    if not moves:
        return []
    with connection.cursor() as cursor:
        return sorted(_enter(uc, cursor, moves, held))


def _enter(uc: UseCase, cursor: Cursor, moves: Sequence[Move], held: Sequence[queries.LevelRow] | None = None) -> set[str]:
    """Append movements and bring their levels along. ``held``: those levels, if the caller has locked them already."""
    rows = [(m.unit_id, m.quantity, m.from_location_id, m.to_location_id, m.cause, m.reference, m.reason, m.occurred_at) for m in moves]
    new = set(queries.insert_movements(cursor, uc.organisation_id, uc.actor, uc.at, rows))
    _project(uc, cursor, [move for move in moves if move.reference in new], held)
    return new


def _project(uc: UseCase, cursor: Cursor, moves: Sequence[Move], held: Sequence[queries.LevelRow] | None) -> None:
    """Change the levels of the real places that the movements touch."""
    real = set(
        Location.objects.filter(id__in={side for m in moves for side in (m.from_location_id, m.to_location_id)})
        .exclude(owner=LocationOwner.VIRTUAL)
        .values_list("id", flat=True)
    )
    deltas: dict[Place, int] = defaultdict(int)
    for move in moves:
        if move.from_location_id in real:
            deltas[move.unit_id, move.from_location_id] -= move.quantity
        if move.to_location_id in real:
            deltas[move.unit_id, move.to_location_id] += move.quantity
    change_on_hand(uc, cursor, {spot: delta for spot, delta in deltas.items() if delta}, held)


def change_on_hand(uc: UseCase, cursor: Cursor, deltas: dict[Place, int], held: Sequence[queries.LevelRow] | None = None) -> None:
    """Apply differences of on hand to levels, making room where promises exceed what is left."""
    if not deltas:
        return
    for unit, location, on_hand, allocated, _held, backorder in hold(uc, cursor, deltas) if held is None else held:
        after = on_hand + deltas.get((unit, location), 0)
        if after < 0:
            raise NotEnough(
                _(
                    "unit {unit} at place {location}: {on_hand} on hand, {leaving} shall leave; count it first",
                    unit=unit,
                    location=location,
                    on_hand=on_hand,
                    leaving=-deltas[unit, location],
                )
            )
        if allocated > after and not backorder and (unit, location) in deltas:
            reserve.shrink_to(uc, cursor, unit, location, allocated - after)
    queries.change_on_hand(cursor, [(unit, location, delta) for (unit, location), delta in sorted(deltas.items())])
    uc.mark(reserve.STALE, {unit for unit, _ in deltas})
    uc.mark(reserve.RAISED, {unit for (unit, _), delta in deltas.items() if delta > 0})


def hold(uc: UseCase, cursor: Cursor, spots: Iterable[Place]) -> list[queries.LevelRow]:
    """Lock the levels of units at all their places, in key order; those of ``spots`` that are missing are made first."""
    wanted = set(spots)
    units = sorted({unit for unit, _ in wanted})
    locked = queries.lock_levels(cursor, units)
    missing = sorted(wanted.difference((row[0], row[1]) for row in locked))
    if not missing:
        return locked
    queries.ensure_levels(cursor, uc.organisation_id, [unit for unit, _ in missing], [location for _, location in missing])
    return queries.lock_levels(cursor, units)


def adjust(uc: UseCase, unit: StockUnit, location: Location, on_hand: int, reason: str) -> bool:
    """A person says what is really there, and why it differs; True if it was another number. The reason stands on the movement."""
    level = Level.objects.filter(stock_unit=unit, location=location).first()
    changed = set_on_hand(uc, [Target(unit.pk, location.pk, on_hand, f"adjust:{uuid4()}")], Cause.ADJUST, reason[:300]) > 0
    before = level.on_hand if level else 0
    audit.record(uc, "adjust.stock", "stock_unit", unit.pk, sku=unit.sku, location=location.code, on_hand=[before, on_hand], reason=reason)
    return changed


def set_on_hand(
    uc: UseCase, targets: Sequence[Target], cause: Cause = Cause.ADJUST, reason: str = "", occurred_at: datetime | None = None
) -> int:
    """Bring on hand to the targets by movements against the adjustment place; returns how many places changed. Fit for 10,000s."""
    if not targets:
        return 0
    adjustment = places.virtual(uc, VirtualRole.ADJUSTMENT).pk
    wanted = {(t.unit_id, t.location_id): t for t in targets}
    with connection.cursor() as cursor:
        held = hold(uc, cursor, wanted)
        crash.point("within:ledger:locked")
        at = occurred_at or uc.at
        moves = [
            _difference(wanted[row[0], row[1]], row[2], adjustment, cause, reason, at)
            for row in held
            if (row[0], row[1]) in wanted and wanted[row[0], row[1]].on_hand != row[2]
        ]
        return len(_enter(uc, cursor, moves, held)) if moves else 0


def _difference(target: Target, now: int, adjustment: int, cause: Cause, reason: str, at: datetime) -> Move:
    delta = target.on_hand - now
    source, sink = (adjustment, target.location_id) if delta > 0 else (target.location_id, adjustment)
    return Move(target.unit_id, abs(delta), source, sink, cause, target.reference, at, reason)
