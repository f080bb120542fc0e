"""Orders that a channel cuts up: their units were sold once, so their reservations move to the new order instead of being set anew.

The new order names the old one (``RemoteOrder.split_from``), and comes in together with it: ``sync.orders`` reads the old one where the
page does not have it. If the old one comes first, the units that it shows no longer stay reserved there as ``unfound``, for as long as
the platform may need to list the new one (``Quirks.split_within``); if none comes, they were cancelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.db import connection

from stallkeeper.channels import delivery
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import events, lines, split_queries
from stallkeeper.orders.lines import Claim
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.orders.page import Page
from stallkeeper.orders.queries import LineRow, WrittenLine
from stallkeeper.orders.split_queries import SplitLine
from stallkit.registry import manifest_of
from stallkit.types import OrderState, RemoteOrder

Key = tuple[int, str]
"""Our id of an order, the channel's of its line."""
SOME = 500
"""Orders that one transaction stops looking for."""
ORDERED: Final = 8
CANCELLED: Final = 9


@dataclass(frozen=True, slots=True)
class Move:
    """Sold units that have gone from one order's line to another's."""

    line: Key
    into: Key
    units: int


@dataclass(slots=True)
class Cuts:
    """What a page says of orders that were cut up. ``rows`` are the lines to be written."""

    rows: list[LineRow]
    moves: list[Move] = field(default_factory=list)
    unfound: dict[Key, int] = field(default_factory=dict)
    known: dict[Key, SplitLine] = field(default_factory=dict)

    def moved(self, rows: Iterable[WrittenLine]) -> dict[int, int]:
        """Units of lines that only changed hands: nobody sold or cancelled them, and no figure of the channel moved. By our id."""
        units: Counter[Key] = Counter()
        for move in self.moves:
            units.update({move.line: move.units, move.into: move.units})
        return {row.id: units[row.order_id, row.line_id] for row in rows if (row.order_id, row.line_id) in units} if units else {}


def work_out(page: Page, orders: dict[int, RemoteOrder], given: list[LineRow]) -> Cuts:
    """Where units are that have gone from locked orders. ``orders`` that only seem to have ended keep their state, there and in rows."""
    within = manifest_of(page.channels[0].platform).quirks.split_within
    changed = {order.order_id: order_id for order_id, order in orders.items() if order.order_id not in page.fresh}
    if within is None or not changed:
        return Cuts(given)
    found = split_queries.lines(page.cursor, sorted(changed.values()))
    known = {(line.order_id, line.line_id): line for line in found}
    parts = {order_id: changed[order.split_from] for order_id, order in orders.items() if order.split_from in changed}
    parts = {child: parent for child, parent in parts.items() if child not in changed.values()}
    mentioned = {(order_id, line.line_id) for order_id, order in orders.items() for line in order.lines}
    vague = {key for key in known if key not in mentioned or orders[key[0]].cut_up}
    given_up = {line.order_id for line in found if line.unfound_until is not None and line.unfound_until <= page.uc.at}
    cuts = decide(known, given, parts, vague, given_up)
    _keep_open(page, orders, cuts)
    waiting = {order_id for order_id, _line in cuts.unfound}
    looking = {line.order_id for line in found if line.unfound_until is not None}
    for chosen, until in ((waiting - looking, page.uc.at + within), (looking - waiting, None)):
        if chosen:
            split_queries.look_until(page.cursor, sorted(chosen), until)
    return cuts


def decide(known: Mapping[Key, SplitLine], given: Sequence[LineRow], parts: Mapping[int, int], vague: set[Key], given_up: set[int]) -> Cuts:
    """Pure. ``given``: lines as snapshots have them; ``parts``: new order to the one that it was cut off from; ``vague``: lines whose end
    says nothing of where their units are; ``given_up``: orders whose missing units are looked for no longer."""
    rows = {(row[0], row[1]): _never_more(row, known.get((row[0], row[1]))) for row in given}
    gone = {key: _gone(known[key], row, told=key not in vague) for key, row in rows.items() if key in known}
    moves = []
    for (order_id, line_id), row in rows.items():
        source = _source(known, parts.get(order_id), line_id, row)
        units = min(row[ORDERED], gone.get(source, 0)) if source else 0
        if source and units:
            gone[source] -= units
            moves.append(Move(source, (order_id, line_id), units))
    unfound = {key: units for key, units in gone.items() if units and key[0] not in given_up}
    return Cuts([_more(row, unfound[key], known[key]) if key in unfound else row for key, row in rows.items()], moves, unfound, dict(known))


def _never_more(row: LineRow, line: SplitLine | None) -> LineRow:
    """A line that has given units away does not get them back: a list that says so is behind."""
    if line is None or not line.cut or row[ORDERED] <= line.ordered:
        return row
    return _with(row, line.ordered, min(row[CANCELLED], line.ordered))


def _with(row: LineRow, ordered: int, cancelled: int) -> LineRow:
    return (*row[:8], ordered, cancelled, *row[10:])


def _gone(line: SplitLine, row: LineRow, *, told: bool) -> int:
    """Open units that are missing in the snapshot and that it does not call cancelled."""
    cancelled = max(row[CANCELLED] - line.cancelled, 0) if told else 0
    return max(line.open - (row[ORDERED] - row[CANCELLED] - line.shipped) - cancelled, 0)


def _source(known: Mapping[Key, SplitLine], parent: int | None, line_id: str, row: LineRow) -> Key | None:
    if parent is None:
        return None
    if (parent, line_id) in known:
        return parent, line_id
    return next((key for key, line in known.items() if key[0] == parent and line.sku == row[2]), None)


def _more(row: LineRow, units: int, line: SplitLine) -> LineRow:
    """With these units open again, up to what was ordered before."""
    back = min(row[CANCELLED], max(row[ORDERED] + units - line.ordered, 0))
    return _with(row, row[ORDERED] + units - back, row[CANCELLED] - back)


def _keep_open(page: Page, orders: dict[int, RemoteOrder], cuts: Cuts) -> None:
    """Orders whose units are looked for have not ended: they keep the state that they had."""
    kept: list[tuple[int, str]] = []
    for order_id in sorted({order_id for order_id, _line in cuts.unfound}):
        order = orders[order_id]
        before = page.states.get(order.order_id, "")
        if order.state is OrderState.CANCELLED and before:
            kept.append((order_id, before))
            orders[order_id] = page.orders[order.order_id] = replace(order, state=OrderState(before))
    if kept:
        split_queries.keep_states(page.cursor, kept)


def moved_from(cuts: Cuts, claims: Sequence[Claim], rows: Sequence[WrittenLine]) -> list[Claim]:
    """The claims, those of cut-off lines with the line that their units were reserved for."""
    ids = {(row.order_id, row.line_id): row.id for row in rows}
    sources = {ids[move.into]: cuts.known[move.line].id for move in cuts.moves if move.into in ids}
    return [replace(claim, of=sources.get(claim.line_id, 0)) for claim in claims] if sources else list(claims)


def write(page: Page, cuts: Cuts, rows: Sequence[WrittenLine]) -> None:
    """Store what was found, on both orders' time lines too, and what is still looked for."""
    ids = {(row.order_id, row.line_id): row.id for row in rows}
    marks = [(line.id, cuts.unfound.get(key, 0)) for key, line in sorted(cuts.known.items()) if line.unfound or key in cuts.unfound]
    if marks:
        split_queries.set_unfound(page.cursor, marks)
    if not cuts.moves:
        return
    found = [(cuts.known[move.line].id, ids[move.into], move.units) for move in cuts.moves]
    split_queries.write(page.cursor, page.uc.organisation_id, page.uc.at, found)
    names = dict(Order.objects.filter(pk__in={key[0] for move in cuts.moves for key in (move.line, move.into)}).values_list("pk", "number"))
    for parent, child in sorted({(move.line[0], move.into[0]) for move in cuts.moves}):
        mine = [move for move in cuts.moves if (move.line[0], move.into[0]) == (parent, child)]
        events.record(page.uc, parent, "split_off", {"into": names[child], "lines": {move.line[1]: move.units for move in mine}})
        events.record(page.uc, child, "split_from", {"from": names[parent], "lines": {move.into[1]: move.units for move in mine}})


def lapse(uc: UseCase) -> int:
    """Units that have been looked for long enough were cancelled: they are free again. Returns of how many orders."""
    with connection.cursor() as cursor:
        over = split_queries.due(cursor, uc.organisation_id, uc.at, SOME)
        if not over:
            return 0
        split_queries.look_until(cursor, over, None)
        rows = list(
            OrderLine.objects.filter(order__in=over, unfound__gt=0).select_related("order").select_for_update(of=("self",)).order_by("pk")
        )
        gone = {row: min(row.unfound, row.open) for row in rows}
        for row, units in gone.items():
            row.ordered, row.cancelled = fewer(row.ordered, row.cancelled, row.shipped, units)
            row.short, row.unfound = min(row.short, row.open), 0
        OrderLine.objects.bulk_update(rows, ["ordered", "cancelled", "short", "unfound"])
        split_queries.end_empty(cursor, over)
    _let_go(uc, gone)
    return len(over)


def fewer(ordered: int, cancelled: int, shipped: int, units: int) -> tuple[int, int]:
    """(ordered, cancelled) of a line that has lost open units: what is left of it is shown, an empty one as cancelled. Pure."""
    if units == ordered - cancelled - shipped:
        return ordered, cancelled + units
    return ordered - units, cancelled


def _let_go(uc: UseCase, gone: Mapping[OrderLine, int]) -> None:
    """Set the reservations anew; the channel's own figure may have risen when the units went, so it is read."""
    lines.reset_lines(uc, [row.pk for row in gone], cause="cancelled")
    by_order: dict[Order, list[OrderLine]] = {}
    for row in gone:
        by_order.setdefault(row.order, []).append(row)
    for order, mine in by_order.items():
        lines.change_open(uc, order, [(row, -gone[row]) for row in mine])
        events.record(uc, order.pk, "not_found", {"lines": {row.line_id: gone[row] for row in mine}})
    delivery.doubt(uc, sorted({row.offer_id for row in gone if row.offer_id is not None}))
