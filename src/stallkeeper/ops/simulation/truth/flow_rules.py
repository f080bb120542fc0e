"""Invariants 1, 3 and 11 from one commit to the next: goods leave the shelf when they leave, goods that come serve those who wait, goods
that are missing are missing for whoever can wait longest, and what we tell a stall about one order goes out in order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Line
from stallkeeper.ops.simulation.truth.shop import Shop, Spot


def goods_left(shop: Shop) -> Iterator[Breach]:
    """1: of every line that has left, what was promised leaves the shelf in the same commit, and nothing else leaves as shipped. Of every
    line that has not left after all it comes back."""
    least, most, moved = Counter[int](), Counter[int](), Counter[int]()
    for line in shop.now.lines:
        before = shop.lines_before.get(line.id)
        gone = line.shipped - (before.shipped if before else 0)
        if not gone or not _ours(shop, line):
            continue
        for unit, number in shop.recipes.get(line.stock_unit_id or 0, ()):
            each = line.pack_factor * number
            if gone > 0:
                most[unit] += gone * each
                least[unit] += max(gone - before.short, 0) * each if before and before.stock_unit_id and _sold(shop, line) else 0
            else:
                least[unit] += gone * each
                most[unit] += 0 if _may_have_been_missing(shop, line) else gone * each
    for move in shop.now.movements:
        back = shop.places[move.from_location_id].virtual
        moved[move.stock_unit_id] += (-move.quantity if back else move.quantity) if move.cause == "ship" else 0
    for unit in sorted(most.keys() | moved.keys()) if shop.looks > 1 else ():
        if not least[unit] <= moved[unit] <= most[unit]:
            owed = f"between {least[unit]} and {most[unit]}" if least[unit] < most[unit] else str(most[unit])
            yield Breach("1", f"{shop.sku(unit)}: lines have shipped {owed} units, {moved[unit]} have left the shelf")


def _may_have_been_missing(shop: Shop, line: Line) -> bool:
    """Whether the line was short at some time: then units may have been reported as gone that never lay on our shelf."""
    return any(row.line_id == line.id for row in shop.now.shortages)


def _ours(shop: Shop, line: Line) -> bool:
    order = shop.orders[line.order_id]
    return order.fulfilled_by == "seller" and not order.at_cutover


def _sold(shop: Shop, line: Line) -> bool:
    """Whether the order was a sale before this commit: what is not paid may hold nothing any more."""
    return shop.orders_before.get(line.order_id, shop.orders[line.order_id]).state != "pending"


# --- who is served ------------------------------------------------------------------------------------------------------------------------


def served_in_turn(shop: Shop) -> Iterator[Breach]:
    """3: what comes in goes to the earliest dispatch; what is missing is missing for the latest. Of lines of single units on one channel,
    of which nothing but the shortage has changed."""
    changed = [line for line in shop.now.lines if _only_short_changed(shop, line)]
    for line in changed:
        before = shop.lines_before[line.id]
        due = _due(shop, line)
        if due is None:
            continue
        if line.short < before.short:
            earlier = [other for other in _rivals(shop, line) if other.short and (_due(shop, other) or due) < due]
            for other in earlier:
                yield Breach("3", f"{shop.line(line)}, due {due}, was served before {shop.line(other)}, due {_due(shop, other)}")
        else:
            yield from _kept_later(shop, line, due)


def _only_short_changed(shop: Shop, line: Line) -> bool:
    before = shop.lines_before.get(line.id)
    same = before is not None and (before.cancelled, before.shipped, before.stock_unit_id) == (
        line.cancelled,
        line.shipped,
        line.stock_unit_id,
    )
    return before is not None and same and line.short != before.short and _single(shop, line) and line.order_id not in shop.orders_before


def _single(shop: Shop, line: Line) -> bool:
    unit = shop.units.get(line.stock_unit_id or 0)
    return unit is not None and unit.kind != "kit" and line.pack_factor == 1 and shop.orders[line.order_id].state != "pending"


def _due(shop: Shop, line: Line) -> datetime | None:
    return shop.orders[line.order_id].dispatch_by


def _rivals(shop: Shop, line: Line) -> Iterable[Line]:
    channel = shop.orders[line.order_id].channel_id
    for other in shop.lines.values():
        same = other.stock_unit_id == line.stock_unit_id and shop.orders[other.order_id].channel_id == channel
        if same and other.id != line.id and _single(shop, other):
            yield other


def _kept_later(shop: Shop, line: Line, due: datetime) -> Iterator[Breach]:
    """The line lost units of a place where others, due later, keep theirs."""
    cut = {(event.stock_unit_id, event.location_id) for event in shop.now.kept if event.owner_id == line.id and event.after < event.before}
    for row in shop.now.reservations:
        spot = row.stock_unit_id, row.location_id
        if row.kind == "allocated" and spot in cut and row.owner_id != line.id and row.due_at is not None and row.due_at > due:
            yield Breach("3", f"{shop.line(line)}, due {due}, lost units that line {row.owner_id}, due {row.due_at}, keeps")
            return


def nobody_waits(shop: Shop, *, at_end: bool) -> Iterator[Breach]:
    """3: nobody goes short of a single unit that lies free at a place of his channel: not where goods have just come in, and at the end
    nowhere."""
    came: set[Spot] = {(move.stock_unit_id, move.to_location_id) for move in shop.now.movements}
    free: dict[Spot, int] = defaultdict(int)
    for spot, level in shop.levels.items():
        place = shop.places[spot[1]]
        if place.active and place.sellable and (at_end or (spot in came and shop.looks > 1)):
            free[spot] = level.on_hand - level.allocated - level.held
    for line in shop.lines.values() if any(units > 0 for units in free.values()) else ():
        if line.short and _single(shop, line) and _ours(shop, line):
            places = shop.channels[shop.orders[line.order_id].channel_id].places
            lie = [place for place in places if free.get((line.stock_unit_id or 0, place), 0) > 0]
            if lie:
                yield Breach(
                    "3", f"{shop.line(line)}: short of {line.short}, and units are free at {shop.spot((line.stock_unit_id or 0, lie[0]))}"
                )


# --- what goes out, in order --------------------------------------------------------------------------------------------------------------


def in_order(shop: Shop) -> Iterator[Breach]:
    """11: a command goes out once those that were decided before it for the same order have their end."""
    for command in shop.now.commands:
        before = shop.commands_before.get(command.id)
        if command.state != "sent" or (before is not None and before.attempts == command.attempts):
            continue
        for other in shop.commands.values():
            if other.subject_id == command.subject_id and other.id < command.id and other.state in {"queued", "sent"}:
                yield Breach("11", f"{command.kind} ({command.key}) goes out while {other.kind} ({other.key}) is {other.state}")
