"""Orders come in: a page of snapshots becomes rows, reservations, new offer figures and acknowledgements, in one transaction.

The order always enters: unmapped, nameless, short (C10, C27). The same snapshot twice writes nothing. At most twenty statements, however
many orders the page holds. Pages of nothing but new orders take the short way (``entering``); this module holds the long one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stallkeeper.channels import observed, sales, velocity
from stallkeeper.core import crash, personal
from stallkeeper.core import queries as core_queries
from stallkeeper.core.sql import hot_cursor, pipelined
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import acknowledging, departures, entering, entry_queries, lines, queries, records, snapshots, splits
from stallkeeper.orders.page import IntakeError, Page, open_page
from stallkeeper.orders.queries import Asked, LineRow, WrittenLine
from stallkeeper.orders.splits import Cuts
from stallkit.types import RemoteOrder

__all__ = ["IntakeError", "IntakeResult", "accept"]


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What a page did. ``short_lines`` and ``unmapped_lines`` count lines of new and changed orders."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    short_lines: int = 0
    unmapped_lines: int = 0
    entered: tuple[str, ...] = ()
    """The channel's numbers of the new orders."""
    taken_over: tuple[str, ...] = ()
    """Those of known orders that have changed."""


def accept(
    uc: UseCase, connection_id: int, orders: Sequence[RemoteOrder], fetched_at: datetime, read_to: datetime | None = None
) -> IntakeResult:
    """Take a page of snapshots that was fetched at ``fetched_at`` (start of the call). Idempotent; stale snapshots are ignored.

    ``read_to``: when the last complete read of the account's orders began. What is older, and new to us, was shown late.
    """
    latest = snapshots.newest(orders)
    if not latest:
        return IntakeResult()
    with hot_cursor() as cursor, pipelined():
        core_queries.keep_plans(cursor)
        velocity.hold_rules(cursor, uc.organisation_id)
        page = open_page(uc, cursor, connection_id, latest, fetched_at)
        page.read_to = read_to
        crash.point("within:intake:known")
        if not page.orders:
            return IntakeResult(unchanged=len(latest))
        units = entering.can(page)
        rows, short = _take(page) if units is None else entering.enter(page, units)
    new, changed = len(page.fresh), len(page.ids) - len(page.fresh)
    unmapped = sum(row.unit_id is None for row in rows)
    entered, taken_over = tuple(page.fresh), tuple(number for number in page.ids if number not in page.fresh)
    shorts = sum(quantity > 0 for quantity in short.values())
    return IntakeResult(new, changed, len(latest) - new - changed, shorts, unmapped, entered, taken_over)


def _take(page: Page) -> tuple[list[WrittenLine], dict[int, int]]:
    """The long way: each step may read what the one before wrote. Returns the lines, and what each is short of."""
    _write_orders(page)
    if not page.ids:
        return [], {}
    orders = page.by_id()
    rows, cuts = _write_lines(page, orders)
    moved = cuts.moved(rows)
    short, gone, taken_back = _reserve(page, rows, orders, cuts, moved)
    records.write(page, rows, orders)
    splits.write(page, cuts, rows)
    personal.store_many(page.uc, records.buyers(orders), page.sealer)
    sales.leave(page.uc, page.sold(rows, orders, gone, taken_back, moved))
    acknowledging.queue(page.uc, page.connection_id, page.owed(orders))
    return rows, short


def _write_orders(page: Page) -> None:
    """Enter new orders, take over newer snapshots of known ones. Fills ``page.ids``."""
    uc = page.uc
    if page.fresh:
        entered = entry_queries.ask_insert(uc.organisation_id, page.connection_id, uc.at, page.new_rows())
        page.ids = {row.external_id: row.id for row in entered()}
        page.fresh = set(page.ids)
    if page.news:
        _take_over(page)


def _take_over(page: Page) -> None:
    """Lock, look again (another worker may have been here), and take over what is still news."""
    crash.point("within:intake:lock")
    still = [row for row in queries.lock_orders(page.cursor, [row.id for row in page.news]) if page.is_news(row)]
    rows = [
        (
            row.id,
            str(order.state),
            order.remote_state,
            order.modified_at,
            page.fetched_at,
            order.dispatch_by,
            page.digests[row.external_id],
            order.scanned,
        )
        for row in still
        for order in [page.orders[row.external_id]]
    ]
    page.states |= {row.external_id: row.state for row in still}
    page.known_at |= {row.external_id: row.fetched_at for row in still}
    if rows:
        queries.update_orders(page.cursor, rows)
        queries.delete_amounts(page.cursor, [row.id for row in still])
    page.ids |= {row.external_id: row.id for row in still}


def _write_lines(page: Page, orders: dict[int, RemoteOrder]) -> tuple[list[WrittenLine], Cuts]:
    asked: dict[tuple[str, str], Asked] = {}
    changed = {order_id: order.order_id for order_id, order in orders.items() if order.order_id not in page.fresh}
    if changed:
        for order_id, line_id, units in queries.pending_cancels(page.cursor, sorted(changed), page.fetched_at):
            asked[changed[order_id], line_id] = units
    rows = [row for order_id, order in orders.items() for row in page.line_rows(order_id, order, asked)]
    cuts = splits.work_out(page, orders, rows + _withdrawn(page, changed))
    return queries.upsert_lines(page.cursor, page.uc.organisation_id, cuts.rows), cuts


def _withdrawn(page: Page, changed: Mapping[int, str]) -> list[LineRow]:
    """Lines that a snapshot no longer mentions: the channel took them out of the order, so what has not left is cancelled."""
    if not changed:
        return []
    mentioned = {(order_id, line.line_id) for order_id, external in changed.items() for line in page.orders[external].lines}
    return [
        (
            line.order_id,
            line.line_id,
            line.sku,
            line.external_offer_id,
            line.title,
            line.offer_id,
            line.unit_id,
            line.pack_factor,
            line.ordered,
            line.ordered - line.shipped,
            0,
            line.told_shipped,
        )
        for line in queries.lines_of(page.cursor, sorted(changed))
        if (line.order_id, line.line_id) not in mentioned
    ]


def _reserve(
    page: Page, rows: Sequence[WrittenLine], orders: Mapping[int, RemoteOrder], cuts: Cuts, moved: Mapping[int, int]
) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Set the reservations of all mapped lines that we serve; then let go what the channel says has been shipped without us.

    Returns units by line: what is short, what left without us, and what has not left after all by the channel's word.
    """
    claims = splits.moved_from(cuts, page.claims(rows, orders), rows)
    parts = page.index.parts()
    missing = {claim.unit_id for claim in claims} - parts.keys()
    parts |= lines.load_parts(page.cursor, sorted(missing)) if missing else {}
    if page.holds:
        observed.take_over(page.uc, page.sales(rows, orders, moved), {unit for claim in claims for unit, _ in parts.get(claim.unit_id, ())})
    velocity.record(page.uc, page.facts, page.taken(rows, orders, parts, moved))
    short = lines.reserve_lines(page.uc, claims, parts, cause="order")
    taken_back = departures.compare(page.uc, page.cursor, rows, orders, page.fetched_at)
    gone = departures.follow(page.uc, page.cursor, rows, orders, {claim.line_id for claim in claims}, parts)
    return short, gone, taken_back
