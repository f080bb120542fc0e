"""Invariants 3 (shortages), 7 (what lines hold) and 8 (money), worked out from the lines, the recipes and the stalls' own books."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Line, Order
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.testing.emulator import Emulator

UNHEARD = {"pending", "new"}
"""States of an order of which the channel does not know yet that we have it."""


def lines(shop: Shop) -> Iterator[Breach]:
    """7: the five quantities of every line that was written."""
    for line in shop.now.lines:
        numbers = (line.ordered, line.cancelled, line.shipped, line.short, line.returned, line.taken_back)
        if min(numbers) < 0 or line.ordered < line.cancelled + line.shipped + line.short:
            told = f"ordered {line.ordered}, cancelled {line.cancelled}, shipped {line.shipped}, short {line.short}"
            yield Breach("7", f"{shop.line(line)}: {told}")
        if line.returned > line.shipped or line.taken_back > line.shipped:
            yield Breach("7", f"{shop.line(line)}: {line.returned} returned and {line.taken_back} taken back of {line.shipped} shipped")


def promises(shop: Shop) -> Iterator[Breach]:
    """7: each line holds what is open and not short of it, kits taken apart, as the kind that its order's state asks for."""
    held: dict[int, Counter[tuple[str, int]]] = defaultdict(Counter)
    for row in shop.now.reservations:
        if row.owner_type == "line":
            held[row.owner_id][row.kind, row.stock_unit_id] += row.quantity
    for line in shop.lines.values():
        owed, kind, lapses = _owed(shop, line)
        has = held.pop(line.id, Counter())
        wanted = Counter({(kind, unit): units for unit, units in owed.items() if units})
        if has != wanted and not (lapses and not has):
            yield Breach("7", f"{shop.line(line)}: holds {_parts(shop, has)}, should hold {_parts(shop, wanted)}")
    for owner, has in held.items():
        yield Breach("7", f"line {owner}, which does not exist, holds {_parts(shop, has)}")


def _owed(shop: Shop, line: Line) -> tuple[Counter[int], str, bool]:
    """What the line should hold by unit, of which kind, and whether that may have lapsed."""
    order, owed = shop.orders[line.order_id], Counter[int]()
    kind = "pending" if order.state == "pending" else "allocated"
    if order.state == "cancelled" or order.fulfilled_by != "seller" or order.at_cutover or line.stock_unit_id is None:
        return owed, kind, False
    sold = line.open - line.short
    for unit, number in shop.recipes.get(line.stock_unit_id, ()):
        owed[unit] += sold * line.pack_factor * number
    return owed, kind, kind == "pending"


def _parts(shop: Shop, held: Counter[tuple[str, int]]) -> str:
    return ", ".join(f"{units} {shop.sku(unit)} {kind}" for (kind, unit), units in sorted(held.items())) or "nothing"


def shortages(shop: Shop) -> Iterator[Breach]:
    """3: what a sale is short of stands in exactly one open shortage, with the moment of the sale."""
    rows = {row.line_id: row for row in shop.now.shortages}
    if len(rows) != len(shop.now.shortages):
        yield Breach("3", "a line has more than one shortage")
    for line in shop.lines.values():
        order, row = shop.orders[line.order_id], rows.pop(line.id, None)
        short = 0 if order.state == "pending" else line.short
        says = row.quantity if row and row.open else 0
        if short != says:
            yield Breach("3", f"{shop.line(line)}: short of {short}, its open shortage says {says}")
        if row and (row.worst < row.quantity or row.sold_at != order.ordered_at or (row.cut_accepted_at or row.sold_at) < row.sold_at):
            yield Breach(
                "3", f"{shop.line(line)}: its shortage says sold at {row.sold_at}, closed {row.cut_accepted_at}, worst {row.worst}"
            )
    for line_id in rows:
        yield Breach("3", f"there is a shortage of line {line_id}, which does not exist")


def no_false_alarm(shop: Shop) -> Iterator[Breach]:
    """3: a line that had its units before and has them still was not short in between: no shortage of it begins and ends in one commit."""
    known = {row.id for row in shop.shortages_before}
    begun = [row for row in shop.now.shortages if row.id not in known and not row.open] if shop.looks > 1 else []
    new = {line.id for line in shop.now.lines} - shop.lines_before.keys() if begun else ()
    for row in begun:
        line = shop.lines.get(row.line_id)
        if line is None or line.id in new:
            continue
        before = shop.lines_before.get(line.id, line)
        if before.stock_unit_id and not before.short and _sold_before(shop, line):
            yield Breach("3", f"{shop.line(line)}: a shortage of {row.worst} was seen and closed at once, it never was short")


def _sold_before(shop: Shop, line: Line) -> bool:
    return shop.orders_before.get(line.order_id, shop.orders[line.order_id]).state != "pending"


def what_is_left(shop: Shop, *, several: bool) -> Iterator[Breach]:
    """6: after a shipment of ours the order has been shipped if nothing of it is open any more, and in part if something is. Not where more
    was done to the order before the look (``several``: it may have been): what is cancelled of the rest is told to the channel, and the
    order's state is the channel's."""
    new = [command for command in shop.now.commands if command.id not in shop.commands_before]
    cancelled = {command.subject_id for command in new if command.kind == "cancel"}
    for command in new:
        order = shop.orders.get(command.subject_id)
        if command.kind != "ship" or order is None or order.id in cancelled or several or shop.looks == 1:
            continue
        left = sum(line.open for line in shop.lines.values() if line.order_id == order.id)
        if (order.state == "shipped") != (left == 0):
            yield Breach("6", f"order {order.external_id} is {order.state} after a shipment, and {left} units of it are open")


def open_units(shop: Shop) -> Iterator[Breach]:
    """7: what an offer counts as open, and as not acknowledged, is what its orders have open."""
    open_, unheard = Counter[int](), Counter[int]()
    for line in shop.lines.values():
        order = shop.orders[line.order_id]
        if line.offer_id is not None and order.fulfilled_by == "seller":
            open_[line.offer_id] += line.open
            unheard[line.offer_id] += line.open if order.state in UNHEARD else 0
    for offer in shop.offers.values():
        if (offer.open, offer.unacknowledged) != (open_[offer.id], unheard[offer.id]):
            counted = f"counts {offer.open} open and {offer.unacknowledged} unacknowledged"
            yield Breach("7", f"{shop.offer(offer)} {counted}, its orders have {open_[offer.id]} and {unheard[offer.id]}")


def money(shop: Shop, stalls: dict[int, StallView]) -> Iterator[Breach]:
    """8: the amounts of an order that was written are the channel's, to the last decimal, in the order's currency, each once."""
    for order in map(shop.orders.__getitem__, sorted(shop.charged)):
        amounts = shop.amounts.get(order.id, [])
        strange = sorted({row.currency for row in amounts} - {order.currency})
        if strange:
            yield Breach("8", f"order {order.external_id} in {order.currency} has amounts in {', '.join(strange)}")
        if order.connection_id in stalls:
            yield from _products(shop, order, stalls[order.connection_id])
            yield from _shipping(shop, order, stalls[order.connection_id])


def _products(shop: Shop, order: Order, stall: StallView) -> Iterator[Breach]:
    remote = stall.emulator.orders.get(order.external_id)
    if remote is None:
        return  # 5 says so
    if remote.modified_at > order.fetched_at and type(stall.emulator).product_total is not Emulator.product_total:
        return  # its amounts are those of the units that are left, and there are fewer now than when it was read
    ours: dict[str, Decimal] = defaultdict(Decimal)
    for row in shop.amounts.get(order.id, ()):
        if row.kind == "product" and row.line_id is not None and row.line_id in shop.lines:
            ours[shop.lines[row.line_id].line_id] += row.amount
    theirs = {line.line_id: stall.emulator.product_total(line) for line in remote.lines}
    for line_id in sorted(theirs):
        if ours[line_id] != theirs[line_id]:
            yield Breach(
                "8", f"order {order.external_id}, line {line_id}: {ours[line_id]} for the goods, the channel says {theirs[line_id]}"
            )


def _shipping(shop: Shop, order: Order, stall: StallView) -> Iterator[Breach]:
    """Where the stall asks the same for the way of every order."""
    asked: Decimal | None = getattr(stall.emulator, "shipping", None)
    ours = sum((row.amount for row in shop.amounts.get(order.id, ()) if row.kind == "shipping"), Decimal(0))
    if asked is not None and ours != asked:
        yield Breach("8", f"order {order.external_id}: {ours} for the way, the channel says {asked}")
