"""Invariants 5, 6 and 11: our orders against the stalls' own books; what we told them, once each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Order
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.testing.shop import ShopOrder
from stallkit.types import OrderState

Stalls = dict[int, StallView]
"""By connection."""


def once(shop: Shop, stalls: Stalls) -> Iterator[Breach]:
    """5: an order of an account exists once, each line once, and none that the account does not have."""
    if not shop.now.orders and not shop.now.lines:
        return
    for (connection, external), times in Counter((row.connection_id, row.external_id) for row in shop.orders.values()).items():
        if times > 1:
            yield Breach("5", f"order {external} of account {connection} exists {times} times")
        if connection in stalls and external not in stalls[connection].emulator.orders:
            yield Breach("5", f"order {external} is not one of {stalls[connection].name}")
    for (order, line), times in Counter((row.order_id, row.line_id) for row in shop.lines.values()).items():
        if times > 1:
            yield Breach("5", f"line {line} of order {shop.orders[order].external_id} exists {times} times")


def forward(shop: Shop, stalls: Stalls) -> Iterator[Breach]:
    """6: an order's snapshot is never replaced by an earlier one; what was ordered does not change, but where the platform shows an order
    without what was taken out of it; what was shipped does not come back, unless the channel took it back."""
    for order in shop.now.orders:
        was = shop.orders_before.get(order.id)
        if was is None:
            continue
        if was.remote_modified_at and order.remote_modified_at and order.remote_modified_at < was.remote_modified_at:
            went = f"from its state of {was.remote_modified_at} to that of {order.remote_modified_at}"
            yield Breach("6", f"order {order.external_id} went back {went}")
        elif order.remote_modified_at == was.remote_modified_at and order.fetched_at < was.fetched_at:
            yield Breach("6", f"order {order.external_id} went back from a fetch of {was.fetched_at} to one of {order.fetched_at}")
    for line in shop.now.lines:
        before = shop.lines_before.get(line.id)
        stall = stalls.get(shop.orders[line.order_id].connection_id)
        fewer = before is not None and stall is not None and stall.forgets_cancelled and line.ordered < before.ordered
        ordered = before.ordered if before and not fewer else line.ordered
        if before and (line.ordered, line.sku, line.order_id) != (ordered, before.sku, before.order_id):
            yield Breach("6", f"{shop.line(line)}: {before.ordered} of {before.sku} were ordered, now {line.ordered} of {line.sku}")
        if before and line.shipped < before.shipped - before.taken_back:
            told = f"{before.shipped} had left, of which the channel took back {before.taken_back}; now {line.shipped}"
            yield Breach("6", f"{shop.line(line)}: {told}")


def heard_once(shop: Shop, stalls: Stalls) -> Iterator[Breach]:
    """11: no stall has heard an acknowledgement, a shipment or a cancellation more often than we have meant one."""
    meant = Counter((command.connection_id, command.subject_id, command.kind) for command in shop.commands.values())
    for order in shop.orders.values():
        if (times := meant[order.connection_id, order.id, "acknowledge"]) > 1:
            yield Breach("11", f"order {order.external_id}: we mean to acknowledge it {times} times")
        stall = stalls.get(order.connection_id)
        remote = stall.emulator.orders.get(order.external_id) if stall else None
        if remote is None:
            continue
        for kind, heard in _heard(remote).items():
            wanted = meant[order.connection_id, order.id, kind]
            wanted = min(wanted, 1) if kind == "acknowledge" else wanted
            wanted += remote.taken_back if kind == "ship" else 0  # of which we may have known only that the call was not answered
            if heard > wanted:
                yield Breach("11", f"order {order.external_id}: the stall heard {kind} {heard} times, we meant it {wanted} times")


def _heard(remote: ShopOrder) -> dict[str, int]:
    return {"acknowledge": remote.acknowledge_calls, "ship": remote.ship_calls, "cancel": remote.cancel_calls}


# --- once everything is quiet -------------------------------------------------------------------------------------------------------------


def same_books(shop: Shop, stalls: Stalls) -> Iterator[Breach]:
    """5 and 6 at the end: our orders are the stall's own list, each in the stall's latest state, line by line."""
    ours = {(order.connection_id, order.external_id): order for order in shop.orders.values()}
    for connection, stall in sorted(stalls.items()):
        for external, remote in sorted(stall.emulator.orders.items()):
            order = ours.get((connection, external))
            if order is not None:
                yield from _same_order(shop, order, remote, forgets=stall.forgets_cancelled)
            elif not (remote.pending and stall.hides_pending):
                yield Breach("5", f"order {external} of {stall.name}, placed at {remote.placed_at}, never came in")


def _same_order(shop: Shop, order: Order, remote: ShopOrder, *, forgets: bool) -> Iterator[Breach]:
    """A shipment that the stall refused leaves the two apart: a person has to decide, and is told (see `ended`). A cancellation that it
    refused has not happened here either."""
    if _refused(shop, order):
        return
    mine = sorted((row.line_id, row.ordered, row.cancelled, row.shipped) for row in shop.lines.values() if row.order_id == order.id)
    theirs = sorted((line.line_id, line.ordered, line.cancelled, line.shipped) for line in remote.lines)
    if forgets:
        mine, theirs = _what_counts(mine), _what_counts(theirs)
        there = {line[0]: line[1] for line in theirs}
        if any(shipped > there.get(line, 0) for line, _ordered, _cancelled, shipped in mine):
            return  # units left by our books before it was known that they had gone to another order: what is in the parcel, a person knows
    if [line[:2] for line in mine] != [line[:2] for line in theirs]:
        yield Breach("5", f"order {order.external_id} has the lines {mine}, there it has {theirs}")
    elif mine != theirs or order.state != remote.state.value:
        yield Breach("6", f"order {order.external_id} is {order.state} {mine}, there it is {remote.state.value} {theirs}")


def _what_counts(lines: Iterable[tuple[str, int, int, int]]) -> list[tuple[str, int, int, int]]:
    """Lines without what was cancelled of them."""
    return [(line, ordered - cancelled, 0, shipped) for line, ordered, cancelled, shipped in lines if ordered > cancelled]


def _refused(shop: Shop, order: Order) -> bool:
    return any(row.subject_id == order.id and row.kind == "ship" and row.state in {"refused", "dead"} for row in shop.commands.values())


def ended(shop: Shop, stalls: Stalls) -> Iterator[Breach]:
    """11 at the end: no command is under way; each that was done was heard; what was refused or given up is told to a person."""
    for command in shop.commands.values():
        if command.state in {"queued", "sent"}:
            yield Breach(
                "11", f"{command.kind} ({command.key}) is still {command.state} after {command.attempts} attempts: {command.message}"
            )
        buyer_was_quicker = (command.kind, command.code) == ("acknowledge", "cancelled")
        if command.state in {"refused", "dead"} and not buyer_was_quicker and f"command:{command.id}" not in shop.now.notices:
            yield Breach("10", f"{command.kind} ({command.key}) is {command.state} ({command.code} {command.message}), and nobody is told")
    yield from _as_often(shop, stalls)


def _as_often(shop: Shop, stalls: Stalls) -> Iterator[Breach]:
    """What was done was heard as often, but for what ``_is_moot`` says."""
    done = Counter((row.connection_id, row.subject_id, row.kind) for row in shop.commands.values() if row.state == "done")
    late = {(row.connection_id, row.subject_id, row.kind) for row in shop.commands.values() if row.code == "cancelled"}
    for order in shop.orders.values():
        stall = stalls.get(order.connection_id)
        remote = stall.emulator.orders.get(order.external_id) if stall else None
        for kind, heard in (_heard(remote) if remote else {}).items():
            told = order.connection_id, order.id, kind
            times = done[told]
            if kind == "ship" and stall and stall.scans and heard < times:
                continue  # it learns of that from its own scan
            if heard != times and remote and not _is_moot(remote, kind, heard, times) and not (heard == 1 and told in late):
                text = f"{kind} is done {times} times by our books, the stall heard it {heard} times"
                yield Breach("11", f"order {order.external_id}: {text}")


def _is_moot(remote: ShopOrder, kind: str, heard: int, times: int) -> bool:
    """What a hand in the platform's own screen did to an order while our call was not answered may pass for what the call did, or hide it;
    so may a cancellation of the whole order by its buyer. (An acknowledgement may have been heard of an order that its buyer had cancelled
    a moment before: it came to nothing.)"""
    if kind == "ship":
        return -remote.sent_by_hand <= heard - times <= remote.taken_back
    return kind == "cancel" and remote.state is OrderState.CANCELLED and heard < times
