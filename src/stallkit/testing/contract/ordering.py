"""Chapters orders and order: every order comes, complete, and comes again when it changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench, each_once, same_order, unknown_number
from stallkit.testing.contract.cases import case
from stallkit.testing.contract.reading import check_money
from stallkit.types import ChargeKind, OrderState, RemoteOrder

PULL, READ = Capability.PULL_ORDERS, Capability.READ_ORDER


@case("orders.all_pages_complete", PULL)
def orders_all_pages_complete(bench: Bench) -> None:
    """Over more than three pages every order comes with all its lines, and none is parked."""
    placed = bench.many_orders()
    pulled = bench.pull()
    assert len(pulled.pages) > 3, f"only {len(pulled.pages)} pages: set the emulator's orders_per_page to what it really gives"
    each_once(list(pulled.orders), placed, "orders")
    assert not pulled.parked, f"parked for no reason: {pulled.parked[0].reason}"
    for order_id in placed:
        same_order(pulled.orders[order_id], bench.emulator.orders[order_id])


@case("orders.cursor_survives_restart", PULL)
def orders_cursor_survives_restart(bench: Bench) -> None:
    """The cursor is text, and all that a new process needs to go on: each page is pulled by a new adapter."""
    placed = bench.many_orders()
    pulled = bench.pull(restart=True)
    each_once(list(pulled.orders), placed, "orders")
    for page in pulled.pages:
        assert isinstance(page.cursor, str), f"cursor is a {type(page.cursor).__name__}"
        assert page.cursor, "an empty cursor would start again from the beginning"
        assert len(page.cursor) < 4_000, "cursor of more than 4,000 characters"


@case("orders.empty_account", PULL)
def orders_empty_account(bench: Bench) -> None:
    """No orders are an empty page; the first order after it comes with its cursor."""
    pulled = bench.pull()
    assert not pulled.orders
    bench.stock(CUP_RED=5)
    bench.clock.advance(60)
    order_id = bench.order(("CUP-RED", 1))
    bench.clock.advance(5)
    assert order_id in bench.pull(pulled.cursor).orders


@case("orders.new_ones_come", PULL)
def orders_new_ones_come(bench: Bench) -> None:
    """Pull after pull, each from the last cursor, brings each new order, days apart too."""
    bench.stock(CUP_RED=100)
    cursor = bench.pull().cursor
    for pause in (1, 60, 3_600, 3 * 86_400):
        bench.clock.advance(pause)
        order_id = bench.order(("CUP-RED", 1))
        bench.clock.advance(2)
        pulled = bench.pull(cursor)
        assert order_id in pulled.orders, f"the order {pause} s later did not come"
        cursor = pulled.cursor


@case("orders.placed_during_paging", PULL)
def orders_placed_during_paging(bench: Bench) -> None:
    """An order placed while the pages are read comes in this pull or in the next one."""
    placed = bench.many_orders()

    def buy(page: int) -> None:
        placed.append(bench.order(("CUP-RED", 1)))
        bench.clock.advance(1 if page % 2 else 0)

    first = bench.pull(between=buy)
    bench.clock.advance(5)
    second = bench.pull(first.cursor)
    each_once([*{**first.orders, **second.orders}], placed, "orders")


@case("orders.changed_during_paging", PULL)
def orders_changed_during_paging(bench: Bench) -> None:
    """Orders cancelled while the pages are read: what stays in our hands at the end is the cancelled state, and no order is left out."""
    placed = bench.many_orders()
    victims = iter(placed[:: max(len(placed) // 7, 1)])
    hit: list[str] = []

    def cancel(_page: int) -> None:
        victim = next(victims, None)
        if victim is not None and bench.emulator.buyer_cancels(victim):
            hit.append(victim)
        bench.clock.advance(1)

    first = bench.pull(between=cancel)
    bench.clock.advance(5)
    final = {**first.orders, **bench.pull(first.cursor).orders}
    each_once([*final], placed, "orders")
    assert hit, "no order could be cancelled between pages"
    stale = [order_id for order_id in hit if final[order_id].state is not OrderState.CANCELLED]
    assert not stale, f"cancelled while we paged, still shown otherwise: {', '.join(stale)}"


@case("orders.late_ones_are_overlapped", PULL)
def orders_late_ones_are_overlapped(bench: Bench) -> None:
    """An order that the platform shows late, with a time before our last pull, still comes: the cursor looks back."""
    bench.stock(CUP_RED=9)
    bench.order(("CUP-RED", 1))
    bench.clock.advance(600)
    cursor = bench.pull().cursor
    late = bench.order(("CUP-RED", 1))
    order = bench.emulator.orders[late]
    order.placed_at = order.modified_at = bench.clock() - timedelta(seconds=45)
    bench.clock.advance(10)
    assert late in bench.pull(cursor).orders, "an order shown 45 s late was never pulled"


@case("orders.change_comes_again", PULL)
def orders_change_comes_again(bench: Bench) -> None:
    """An old order that changes after the cursor comes again."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2))
    bench.clock.advance(2 * 86_400)
    cursor = bench.pull().cursor
    bench.clock.advance(86_400)
    assert bench.emulator.buyer_cancels(order_id)
    bench.clock.advance(5)
    assert order_id in bench.pull(cursor).orders, "the order changed after the cursor and did not come again"


@case("orders.buyer_cancellation_seen", PULL)
def orders_buyer_cancellation_seen(bench: Bench) -> None:
    """A buyer's cancellation is a change: the order comes as cancelled, with nothing left to ship."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2))
    bench.clock.advance(5)
    cursor = bench.pull().cursor
    assert bench.emulator.buyer_cancels(order_id)
    bench.clock.advance(5)
    order = bench.pull(cursor).orders[order_id]
    assert order.state is OrderState.CANCELLED, f"state is {order.state}"
    assert sum(line.ordered - line.cancelled - line.shipped for line in order.lines) == 0, "units are still open"


@case("orders.cancelled_before_first_pull", PULL)
def orders_cancelled_before_first_pull(bench: Bench) -> None:
    """An order that was cancelled before we ever saw it comes as cancelled (its stock must not be promised)."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2))
    assert bench.emulator.buyer_cancels(order_id)
    bench.clock.advance(5)
    order = bench.pull().orders.get(order_id)
    assert order is None or order.state is OrderState.CANCELLED, f"the cancelled order came as {order and order.state}"


@case("orders.partial_cancellation_seen", PULL)
def orders_partial_cancellation_seen(bench: Bench) -> None:
    """Of three units one is cancelled by the buyer: the line tells so, and the order goes on."""
    bench.stock(CUP_RED=9, CUP_BLUE=9)
    order_id = bench.order(("CUP-RED", 3), ("CUP-BLUE", 1))
    bench.clock.advance(5)
    cursor = bench.pull().cursor
    line = bench.line(order_id, "CUP-RED")
    assert bench.emulator.buyer_cancels(order_id, [(line.line_id, 1)])
    bench.clock.advance(5)
    order = bench.pull(cursor).orders[order_id]
    same_order(order, bench.emulator.orders[order_id])
    assert order.state in {OrderState.NEW, OrderState.ACKNOWLEDGED}, f"state is {order.state}"


@case("orders.cancel_request_seen", PULL)
def orders_cancel_request_seen(bench: Bench) -> None:
    """A buyer who asks to cancel is heard while the seller can still decide."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2))
    bench.clock.advance(5)
    cursor = bench.pull().cursor
    bench.emulator.request_cancel(order_id)
    bench.clock.advance(5)
    order = bench.pull(cursor).orders[order_id]
    assert sum(line.cancel_requested for line in order.lines) > 0, "cancel_requested stays 0"


@case("orders.pending_is_flagged", PULL)
def orders_pending_is_flagged(bench: Bench) -> None:
    """While payment is unsure an order is PENDING or hidden; once paid it comes as NEW."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2), pending=True)
    bench.clock.advance(5)
    first = bench.pull()
    if order_id in first.orders:
        assert first.orders[order_id].state is OrderState.PENDING, f"an unpaid order came as {first.orders[order_id].state}"
    bench.emulator.confirm_payment(order_id)
    bench.clock.advance(5)
    assert bench.pull(first.cursor).orders[order_id].state is OrderState.NEW


@case("orders.pending_is_shown", PULL)
def orders_pending_is_shown(bench: Bench) -> None:
    """A platform that has pending orders shows them, so that their units can be held."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2), pending=True)
    bench.clock.advance(5)
    order = bench.pull().orders.get(order_id)
    assert order is not None, "the pending order did not come"
    assert order.state is OrderState.PENDING


@case("orders.nameless_buyer", PULL)
def orders_nameless_buyer(bench: Bench) -> None:
    """An order without a buyer's name is an order (C27)."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2), buyer_name="")
    bench.clock.advance(5)
    pulled = bench.pull()
    assert order_id in pulled.orders, f"the nameless order did not come; parked: {[parked.reason for parked in pulled.parked]}"
    buyer = pulled.orders[order_id].buyer
    assert buyer is None or buyer.name == "", f"the buyer is called {buyer and buyer.name!r}"


@case("orders.buyer_is_told", PULL)
def orders_buyer_is_told(bench: Bench) -> None:
    """Where the platform names the buyer, so do we, letter for letter."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2), buyer_name="Zoë Șerban-Łukasik")
    bench.clock.advance(5)
    buyer = bench.pull().orders[order_id].buyer
    assert buyer is not None
    assert buyer.name == "Zoë Șerban-Łukasik"


@case("orders.money_is_exact", PULL)
def orders_money_is_exact(bench: Bench) -> None:
    """Product charges cover the whole line, as exact decimals in the order's currency."""
    bench.stock(CUP_RED=9, CUP_BLUE=9)
    bench.emulator.offers["CUP-BLUE"].price = bench.emulator.offers["CUP-BLUE"].price * 7 + 1
    order_id = bench.order(("CUP-RED", 3), ("CUP-BLUE", 2))
    bench.clock.advance(5)
    order = bench.pull().orders[order_id]
    assert order.currency in bench.manifest.currencies
    for line in order.lines:
        for charge in line.charges:
            check_money(charge.money, bench)
        product = [charge.money for charge in line.charges if charge.kind is ChargeKind.PRODUCT]
        assert {money.currency for money in product} == {order.currency}
        true = bench.emulator.product_total(bench.line(order_id, line.ref.sku))
        told = sum(money.amount for money in product)
        assert told == true, f"{line.ref.sku}: product charges {told}, the shop says {true}"
    for charge in order.charges:
        check_money(charge.money, bench)


@case("orders.times_are_utc", PULL)
def orders_times_are_utc(bench: Bench) -> None:
    """Times are aware and in UTC, and they are the right ones."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 1))
    placed = bench.emulator.orders[order_id].placed_at
    bench.clock.advance(5)
    order = bench.pull().orders[order_id]
    for name in ("ordered_at", "modified_at", "acknowledge_by", "dispatch_by"):
        moment = getattr(order, name)
        assert moment is None or isinstance(moment, datetime), f"{name} is {moment!r}"
        assert moment is None or moment.utcoffset() == timedelta(0), f"{name} is not in UTC: {moment!r}"
    off = abs(order.ordered_at.astimezone(UTC) - placed)
    assert off < timedelta(seconds=1), f"ordered_at is {order.ordered_at}, the buyer ordered at {placed}"


@case("orders.raw_is_kept", PULL)
def orders_raw_is_kept(bench: Bench) -> None:
    """``raw`` is the body of this order alone, as it came."""
    bench.stock(CUP_RED=9)
    one, other = bench.order(("CUP-RED", 1)), bench.order(("CUP-RED", 2))
    bench.clock.advance(5)
    orders = bench.pull().orders
    raw = orders[one].raw
    assert one.encode() in raw, "raw does not hold the order's id"
    assert other.encode() not in raw, "raw holds another order too"
    assert isinstance(json.loads(raw), dict), "raw is not one JSON object"


@case("orders.refs_are_those_of_offers", PULL, Capability.READ_OFFERS)
def orders_refs_are_those_of_offers(bench: Bench) -> None:
    """A line's ref names the offer by the same SKU as the list of offers does, or linking would fail."""
    bench.stock(CUP_RED=9)
    (ref,) = bench.refs("CUP-RED")
    order_id = bench.order(("CUP-RED", 1))
    bench.clock.advance(5)
    told = bench.pull().orders[order_id].lines[0].ref
    assert told.sku == ref.sku, f"the order calls it {told}, the offers {ref}"


@case("orders.states_follow", PULL)
def orders_states_follow(bench: Bench) -> None:
    """NEW, then ACKNOWLEDGED and shipped as the seller goes on, in our words."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 1))
    bench.clock.advance(5)
    assert latest(bench, order_id).state is OrderState.NEW
    if bench.has(Capability.ACKNOWLEDGE):
        bench.acknowledge(order_id)
        bench.clock.advance(5)
        assert latest(bench, order_id).state is OrderState.ACKNOWLEDGED


@case("orders.reading_changes_nothing", PULL)
def orders_reading_changes_nothing(bench: Bench) -> None:
    """Pulling does not acknowledge, mark as read, or change anything else in the shop."""
    bench.stock(CUP_RED=9)
    bench.order(("CUP-RED", 1))
    bench.clock.advance(5)
    before = bench.emulator.state()
    cursor = bench.pull().cursor
    bench.pull(cursor)
    assert bench.emulator.state() == before, "reading orders changed the shop"


def latest(bench: Bench, order_id: str) -> RemoteOrder:
    """The order as a pull from the beginning shows it."""
    return bench.pull().orders[order_id]


# --- one order ----------------------------------------------------------------------------------------------------------------------------


@case("order.same_as_pulled", READ, PULL)
def order_same_as_pulled(bench: Bench) -> None:
    """Reading one order tells the same as pulling it."""
    bench.stock(CUP_RED=9, CUP_BLUE=9)
    order_id = bench.order(("CUP-RED", 2), ("CUP-BLUE", 1))
    bench.clock.advance(5)
    pulled = latest(bench, order_id)
    read = bench.patiently(lambda: bench.adapter.read_order(order_id))
    assert read is not None
    differ = [name for name in COMPARED if getattr(read, name) != getattr(pulled, name)]
    assert not differ, f"read_order and pull_orders differ in {', '.join(differ)}"


COMPARED = ("order_id", "number", "state", "remote_state", "ordered_at", "currency", "lines", "charges", "buyer", "fulfilled_by")


@case("order.unknown_is_none", READ)
def order_unknown_is_none(bench: Bench) -> None:
    """An order that the platform does not have is None."""
    bench.stock(CUP_RED=9)
    known = bench.order(("CUP-RED", 1))
    told = bench.patiently(lambda: bench.adapter.read_order(unknown_number(known)))
    assert told is None, f"an order that is not there was told: {told}"


@case("order.follows_the_shop", READ)
def order_follows_the_shop(bench: Bench) -> None:
    """Each read tells the order as it is now."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2))
    first = bench.patiently(lambda: bench.adapter.read_order(order_id))
    assert first is not None
    assert first.state is OrderState.NEW
    assert bench.emulator.buyer_cancels(order_id)
    bench.clock.advance(1)
    second = bench.patiently(lambda: bench.adapter.read_order(order_id))
    assert second is not None
    assert second.state is OrderState.CANCELLED


@case("order.reading_changes_nothing", READ)
def order_reading_changes_nothing(bench: Bench) -> None:
    """Reading an order does not acknowledge it."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 2))
    before = bench.emulator.state()
    bench.patiently(lambda: bench.adapter.read_order(order_id))
    assert bench.emulator.state() == before, "reading the order changed the shop"
