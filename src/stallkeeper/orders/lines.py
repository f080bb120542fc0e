"""What lines hold: reservations set to what each line's state implies, and the shortage that is left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.channels import queries as channel_queries
from stallkeeper.channels import refresh, sales
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase, before_commit
from stallkeeper.orders import queries
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.orders.queries import Intake, ShortLine
from stallkeeper.stock import reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.holds import LAPSED
from stallkeeper.stock.models import ReservationKind
from stallkeeper.stock.queries import LevelRow
from stallkeeper.stock.reserve import RAISED, SHRUNK, STALE, Want

OWNER = "line"
PENDING_HOLD = timedelta(hours=24)
"""How long an order whose payment is not sure keeps its units (C28)."""

BEGUN = "shortage_begun"
"""Mark: lines of which this use case has written the first shortage."""
REFILL = 1_000
"""Short lines that are served at a time when goods come."""

Parts = Mapping[int, tuple[tuple[int, int], ...]]
"""Stock unit to what one of it takes: (component, number); empty where nothing is counted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A mapped line as reserving sees it: ``open`` sold units, in the order's state, served from the channel's places."""

    line_id: int
    unit_id: int
    pack_factor: int
    open: int
    state: str
    due_at: datetime | None
    places: tuple[int, ...]
    splits: bool
    fresh: bool = False
    first: bool = False
    """Units of it have left already: they lie on no shelf for anybody else."""
    of: int = 0
    """The line that its units were reserved for until now, if they only changed hands."""


def reserve_lines(
    uc: UseCase, claims: Sequence[Claim], parts: Parts, *, cause: str, by_cut: bool = False, levels: Sequence[LevelRow] | None = None
) -> dict[int, int]:
    """Set the reservations of lines; returns what each is short of (sold units) and keeps lines and shortage rows in step.

    ``levels``: every level that may be touched, if the caller has locked them already.
    """
    counted = [claim for claim in claims if parts.get(claim.unit_id)]
    wants = [_want(uc, claim, parts[claim.unit_id]) for claim in counted]
    served = reserve.set_reservations(uc, OWNER, wants, cause=cause, levels=levels)
    short = {claim.line_id: claim.open - served[claim.line_id] for claim in counted}
    _keep_in_step(uc, counted, short, by_cut=by_cut)
    return short


def _want(uc: UseCase, claim: Claim, parts: tuple[tuple[int, int], ...]) -> Want:
    pending = claim.state == Order.State.PENDING
    demand = Demand(
        claim.line_id, claim.open, tuple((unit, number * claim.pack_factor) for unit, number in parts), claim.places, claim.splits
    )
    return Want(
        demand,
        ReservationKind.PENDING if pending else ReservationKind.ALLOCATED,
        claim.due_at,
        uc.at + PENDING_HOLD if pending else None,
        claim.fresh,
        claim.first,
        claim.of,
    )


def _keep_in_step(uc: UseCase, claims: Sequence[Claim], short: Mapping[int, int], *, by_cut: bool) -> None:
    """Lines carry their shortage; a sale that is a fact has one shortage row, a pending order none."""
    fresh = {claim.line_id for claim in claims if claim.fresh}
    lines = sorted(line for line, quantity in short.items() if quantity or line not in fresh)
    if not lines:
        return
    sold = {claim.line_id for claim in claims if claim.state != Order.State.PENDING}
    with connection.cursor() as cursor:
        queries.set_short(cursor, lines, [short[line] for line in lines])
        if any(short[line] for line in lines if line in sold):
            uc.mark(BEGUN, queries.write_shortages(cursor, uc.organisation_id, uc.at, [line for line in lines if line in sold], by_cut))
        if any(not short[line] for line in lines):
            queries.lower_shortages(cursor, uc.at, lines)


def reset_lines(uc: UseCase, line_ids: Sequence[int], *, cause: str, by_cut: bool = False) -> dict[int, int]:
    """Set the reservations of lines anew from what the database says of them now."""
    with connection.cursor() as cursor:
        locked = queries.lock_lines(cursor, sorted(line_ids))
        parts = load_parts(cursor, [line.unit_id for line in locked])
        places = {
            intake.id: intake
            for account in sorted({line.connection_id for line in locked})
            for intake in queries.intake_channels(cursor, account)
        }
    claims = [_claim(line, places[line.channel_id]) for line in locked]
    return reserve_lines(uc, claims, parts, cause=cause, by_cut=by_cut)


def _claim(line: ShortLine, intake: Intake) -> Claim:
    open_ = 0 if line.state == Order.State.CANCELLED else line.open
    return Claim(line.id, line.unit_id, line.pack_factor, open_, line.state, line.due_at, tuple(intake.locations), intake.splits)


def change_open(uc: UseCase, order: Order, changes: Iterable[tuple[OrderLine, int]]) -> None:
    """Open units of the offers behind an order's lines change by so many sold units; lines without an offer are passed over."""
    waits = order.state in {Order.State.PENDING, Order.State.NEW}
    _change_counts(uc, order, [(line, units, units if waits else 0) for line, units in changes])


def no_longer_unacknowledged(uc: UseCase, order: Order, rows: Iterable[OrderLine]) -> None:
    """The channel knows now that we have the open units of these lines."""
    _change_counts(uc, order, [(line, 0, -line.open) for line in rows])


def _change_counts(uc: UseCase, order: Order, changes: Sequence[tuple[OrderLine, int, int]]) -> None:
    """Gross figures contain these counts, so the offers are worked out anew, also where no reservation changed (orders before cutover).

    Orders that the marketplace fulfils from its own stock are not counted.
    """
    if order.fulfilled_by != "seller":
        return
    uc.mark(STALE, [line.stock_unit_id for line, *_ in changes if line.stock_unit_id is not None])
    refresh.lock(uc, uc.peek(STALE))
    sums: dict[int, tuple[int, int]] = {}
    for line, open_, unacknowledged in changes:
        if line.offer_id is not None:
            was = sums.get(line.offer_id, (0, 0))
            sums[line.offer_id] = (was[0] + open_, was[1] + unacknowledged)
    with connection.cursor() as cursor:
        channel_queries.change_open(cursor, sums, uc.at, sales.gross_platforms())


def load_parts(cursor: Cursor, units: Sequence[int]) -> dict[int, tuple[tuple[int, int], ...]]:
    """Parts of units that are counted; units that are not counted have none."""
    parts: dict[int, list[tuple[int, int]]] = {}
    for unit, stocked, component, number in queries.unit_parts(cursor, sorted(set(units))):
        parts.setdefault(unit, [])
        if stocked:
            parts[unit].append((component, number))
    return {unit: tuple(rows) for unit, rows in parts.items()}


@before_commit(10)
def look_again(uc: UseCase) -> None:
    """Lines whose reservation was cut are set anew; units of which there is more again serve the lines that are short of them."""
    lapsed = uc.take(LAPSED)
    if lapsed:
        _mark_unserved(lapsed)
    shrunk = uc.take(SHRUNK)
    if shrunk:
        reset_lines(uc, shrunk, cause="stock_cut", by_cut=True)
    raised = uc.take(RAISED)
    if raised:
        _refill(uc, raised)
        uc.take(RAISED)


def _refill(uc: UseCase, units: Sequence[int]) -> None:
    """Serve the lines that are short of these units, until each had its turn or nothing is free any more.

    Where several change places at once, one may go short of what the next gives back: that was no shortage.
    """
    seen: list[int] = []
    while True:
        with connection.cursor() as cursor:
            waiting = queries.short_lines_of_units(cursor, uc.organisation_id, units, seen, REFILL)
            if not waiting:
                begun = sorted(set(seen) & set(uc.take(BEGUN)))
                if begun:
                    queries.forget_closed(cursor, begun)
                return
        reset_lines(uc, waiting, cause="refill")
        seen += waiting


def _mark_unserved(line_ids: Sequence[int]) -> None:
    """Pending orders whose hold lapsed hold nothing any more; a confirmation reserves anew."""
    with connection.cursor() as cursor:
        locked = queries.lock_lines(cursor, line_ids)
        queries.set_short(cursor, [line.id for line in locked], [line.open for line in locked])
