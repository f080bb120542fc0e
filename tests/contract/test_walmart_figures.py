"""What is peculiar to Walmart's figures, items, feeds and limits, and what the emulator promises: adapter against emulator, checked as in
``test_walmart_published``."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from stallkit.adapters.walmart import cursors
from stallkit.adapters.walmart.adapter import Adapter
from stallkit.adapters.walmart.emulator import CONFIG
from stallkit.adapters.walmart.wire import ref_of
from stallkit.errors import OutcomeUnknown, Refused, SlowDown, TryLater
from stallkit.http import Door
from stallkit.testing.dials import Dials
from stallkit.testing.emulator import Fault, WireRequest
from stallkit.testing.serving import EmulatorTransport, Served
from stallkit.types import (
    Accepted,
    CancelReason,
    Hint,
    Money,
    Pending,
    PriceIntent,
    Rejected,
    StockIntent,
)
from tests.contract.test_walmart_published import BLUE, RED, START, World, cancel, ship, stocked, usd


@pytest.fixture
def world() -> World:
    return stocked()


# --- the figure -------------------------------------------------------------------------------------------------------------------------


def figures(world: World) -> tuple[int | None, int | None, int]:
    """(what we read, Walmart's reserve, what buyers see)."""
    state = world.adapter.read_states([RED])[RED]
    assert state is not None
    return state.quantity, state.reserved, world.shop.quantity_of(RED.sku)


def test_the_figure_is_gross_until_goods_are_shipped(world):
    """An order moves the reserve, not the figure; a cancellation too; a shipment moves both."""
    assert figures(world) == (10, 0, 10)
    order_id = world.order(3, acknowledged=True)
    assert figures(world) == (10, 3, 7)
    world.adapter.cancel_lines(cancel(order_id, 1))
    assert figures(world) == (10, 2, 8)
    world.adapter.confirm_shipment(ship(order_id, 2))
    assert figures(world) == (8, 0, 8)


def test_a_net_figure_would_be_subtracted_twice(world):
    """The trap: after an order of 3 out of 10, free is 7. Pushing 7 shows 4; pushing 7 + 3 open units shows 7."""
    world.order(3)
    world.adapter.write_stock([StockIntent(RED, 7)])
    assert world.shop.quantity_of(RED.sku) == 4
    world.adapter.write_stock([StockIntent(RED, 7 + 3)])
    assert world.shop.quantity_of(RED.sku) == 7


def test_the_gross_figure_holds_through_the_life_of_an_order_in_both_worlds(world):
    """Free units plus units that Walmart has not yet got shipped: sent after each step, buyers see what is free, at every step."""
    for lowers in (True, False):
        world.shop.ship_lowers_input = lowers
        world.adapter.write_stock([StockIntent(RED, 10)])
        order_id = world.order(4, acknowledged=True)
        free, open_units = 6, 4
        world.adapter.write_stock([StockIntent(RED, free + open_units)])
        assert world.shop.quantity_of(RED.sku) == free
        world.adapter.cancel_lines(cancel(order_id, 1))
        free, open_units = 7, 3
        world.adapter.write_stock([StockIntent(RED, free + open_units)])
        assert world.shop.quantity_of(RED.sku) == free
        world.adapter.confirm_shipment(ship(order_id, 3))
        assert world.shop.quantity_of(RED.sku) == (free if lowers else free + 3), "the window until the next write"
        world.adapter.write_stock([StockIntent(RED, free)])
        assert world.shop.quantity_of(RED.sku) == free


def test_cancelling_as_out_of_stock_empties_the_offer_there(world):
    order_id = world.order(3, acknowledged=True)
    world.adapter.cancel_lines(cancel(order_id, 1, CancelReason.OUT_OF_STOCK))
    assert figures(world) == (0, 2, 0)


def test_an_edit_in_seller_center_is_read(world):
    world.order(3)
    world.shop.edit_quantity(RED.sku, 2)
    assert figures(world) == (5, 3, 2)


def test_offers_that_do_not_exist_are_none_and_refused(world):
    gone = ref_of("GONE")
    assert world.adapter.read_states([gone]) == {gone: None}
    (outcome,) = world.adapter.write_stock([StockIntent(gone, 1)]).values()
    assert isinstance(outcome, Rejected)
    assert outcome.code == "CONTENT_NOT_FOUND.GMP_ITEM_INVENTORY_API"


def test_skus_with_slashes_and_spaces_reach_their_offer(world):
    world.adapter.write_stock([StockIntent(BLUE, 4)])
    assert world.shop.quantity_of(BLUE.sku) == 4
    state = world.adapter.read_states([BLUE])[BLUE]
    assert state is not None
    assert state.quantity == 4
    assert world.url_of_last() == "/v3/inventories/CUP%2FBLUE%202"


def test_the_ship_node_of_the_settings_or_of_the_intent_is_named(world):
    adapter = world.connect(EmulatorTransport(world.shop), ship_node="1001")
    adapter.write_stock([StockIntent(RED, 4)])
    assert world.url_of_last() == "/v3/inventory?sku=CUP-RED&shipNode=1001"
    (outcome,) = adapter.write_stock([StockIntent(RED, 5, warehouse="9")]).values()
    assert isinstance(outcome, Rejected)
    with pytest.raises(Refused, match="one ship node"):
        adapter.submit_stock([StockIntent(RED, 5, warehouse="9"), StockIntent(BLUE, 5)])


def test_prices_change_at_once_and_bad_ones_cost_no_call(world):
    assert world.adapter.write_prices([PriceIntent(RED, usd("21.50"))]) == {RED: Accepted()}
    assert world.shop.price_of(RED.sku) == Decimal("21.50")
    calls = len(world.shop.calls)
    (outcome,) = world.adapter.write_prices([PriceIntent(RED, Money(Decimal(5), "EUR"))]).values()
    assert isinstance(outcome, Rejected)
    assert len(world.shop.calls) == calls
    world.shop.offers[RED.sku].refuse_price = "first change only 24 hours after set-up"
    (outcome,) = world.adapter.write_prices([PriceIntent(RED, usd("22"))]).values()
    assert outcome == Rejected(
        "INVALID_REQUEST_CONTENT.GMP_ITEM_PRICE_API", "INVALID_REQUEST_CONTENT.GMP_ITEM_PRICE_API: first change only 24 hours after set-up"
    )


# --- items ------------------------------------------------------------------------------------------------------------------------------


def test_the_item_cursor_lives_two_minutes_and_is_asked_for_anew(world):
    for number in range(450):
        world.shop.add_offer(f"SKU-{number:03d}")
    first = world.adapter.read_offers("")
    world.sleep(minutes=3)
    empty = world.adapter.read_offers(first.cursor)
    assert (empty.items, empty.done) == ((), False)
    second = world.adapter.read_offers(empty.cursor)
    third = world.adapter.read_offers(second.cursor)
    assert third.done
    assert {offer.ref.sku for page in (first, second, third) for offer in page.items} == set(world.shop.offers)


def test_an_item_that_cannot_be_read_is_parked(world):
    inner = EmulatorTransport(world.shop)

    class Spoiling(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            reply = inner.handle_request(request)
            return httpx.Response(reply.status_code, content=reply.read().replace(b'"amount":19.99', b'"amount":"dear"'))

    page = world.connect(Spoiling()).read_offers("")
    assert [offer.ref for offer in page.items] == [BLUE]
    assert [parked.external_id for parked in page.parked] == [RED.sku]


def test_beyond_ten_thousand_items_the_list_ends_aloud(world):
    with pytest.raises(Refused, match="10000"):
        world.adapter.read_offers(cursors.write(cursors.ItemPlace("*", 10_200)))


# --- feeds ------------------------------------------------------------------------------------------------------------------------------


def submit(world: World, *quantities: tuple[str, int]) -> str:
    outcomes = world.adapter.submit_stock([StockIntent(ref_of(sku), quantity) for sku, quantity in quantities])
    (ticket,) = {outcome.ticket for outcome in outcomes.values() if isinstance(outcome, Pending)}
    return ticket


def test_a_processed_feed_says_nothing_about_its_items(world):
    world.shop.offers[BLUE.sku].refuse_stock = "the item is locked"
    ticket = submit(world, (RED.sku, 4), (BLUE.sku, 4), ("GONE", 1))
    assert world.adapter.resolve_ticket(ticket).outcomes == {}
    world.sleep(seconds=1)
    result = world.adapter.resolve_ticket(ticket)
    assert result.done
    assert result.outcomes == {
        RED: Accepted(),
        BLUE: Rejected("ERR_EXT_DATA_REFUSED", "the item is locked"),
        ref_of("GONE"): Rejected("ERR_EXT_DATA_REFUSED", "there is no item GONE"),
    }
    assert (world.shop.quantity_of(RED.sku), world.shop.quantity_of(BLUE.sku)) == (4, 10)


def test_the_id_of_a_feed_is_encoded(world):
    ticket = submit(world, (RED.sku, 4))
    assert "@" in ticket
    world.adapter.resolve_ticket(ticket)
    assert "%40" in world.url_of_last()
    assert "@" not in world.url_of_last()


def test_results_come_in_pages_of_fifty(world):
    for number in range(120):
        world.shop.add_offer(f"SKU-{number:03d}")
    ticket = submit(world, *((f"SKU-{number:03d}", number) for number in range(120)))
    world.sleep(seconds=1)
    before = len(world.shop.calls)
    result = world.adapter.resolve_ticket(ticket)
    assert (result.done, len(result.outcomes)) == (True, 120)
    offsets = [httpx.URL(exchange.url).params["offset"] for exchange in world.exchanges[-3:]]
    assert (offsets, len(world.shop.calls) - before) == (["0", "50", "100"], 3)
    assert all(httpx.URL(exchange.url).params["limit"] == "50" for exchange in world.exchanges[-3:])


def test_items_on_which_walmart_failed_stay_undecided(world):
    world.shop.system_errors = 1.0
    ticket = submit(world, (RED.sku, 4))
    world.sleep(seconds=1)
    result = world.adapter.resolve_ticket(ticket)
    assert (result.done, result.outcomes) == (True, {})
    assert world.shop.quantity_of(RED.sku) == 10


def test_a_feed_with_a_wrong_header_fails_as_a_whole(world, monkeypatch):
    monkeypatch.setattr(
        "stallkit.adapters.walmart.wire.build_stock_feed", lambda _: b'{"inventory":[],"inventoryHeader":{"version":"1.4"}}'
    )
    ticket = submit(world, (RED.sku, 4))
    world.sleep(seconds=1)
    with pytest.raises(Refused, match="does not match its schema") as refused:
        world.adapter.resolve_ticket(ticket)
    assert refused.value.code == "ERR_EXT_DATA_0503009"


@pytest.mark.parametrize("kind", ["stock", "price"])
def test_after_a_lost_reply_the_feed_is_found_in_the_list(world, kind):
    def send() -> object:
        if kind == "stock":
            return world.adapter.submit_stock([StockIntent(RED, 4)])
        return world.adapter.submit_prices([PriceIntent(RED, usd("4"))])

    since = world.now
    assert world.adapter.find_ticket(kind, since) is None
    world.shop.fail_next(Fault.DROP_BEFORE, path="/v3/feeds")
    with pytest.raises(OutcomeUnknown):
        send()
    assert world.adapter.find_ticket(kind, since) is None
    world.shop.drop_reply_after_applying(path="/v3/feeds")
    with pytest.raises(OutcomeUnknown):
        send()
    ticket = world.adapter.find_ticket(kind, since)
    assert ticket == list(world.shop.feeds.known)[-1]
    assert world.adapter.find_ticket("price" if kind == "stock" else "stock", since) is None
    world.sleep(seconds=5)
    assert world.adapter.find_ticket(kind, world.now) is None
    assert world.adapter.resolve_ticket(ticket).outcomes == {RED: Accepted()}


def test_a_feed_takes_minutes_and_takes_effect_at_its_own_moment():
    world = World(scale=1.0)
    world.stock()
    submit(world, (RED.sku, 4))
    (feed,) = world.shop.feeds.known.values()
    assert timedelta(minutes=2) <= feed.due_at - START <= timedelta(minutes=15)
    world.now = feed.due_at - timedelta(seconds=1)
    assert world.shop.quantity_of(RED.sku) == 10
    world.now = feed.due_at + timedelta(hours=3)
    assert world.shop.quantity_of(RED.sku) == 4
    assert world.shop.diary[-1].at == feed.due_at


def test_an_open_stock_feed_writes_over_a_newer_cut_but_an_open_price_feed_does_not():
    """For prices Walmart promises that the later instruction stays; for stock it promises nothing."""
    world = World(scale=1.0)
    world.stock()
    submit(world, (RED.sku, 9))
    world.adapter.submit_prices([PriceIntent(RED, usd("9"))])
    world.sleep(seconds=30)
    world.adapter.write_stock([StockIntent(RED, 0)])
    world.adapter.write_prices([PriceIntent(RED, usd("5"))])
    assert world.shop.quantity_of(RED.sku) == 0
    world.sleep(minutes=20)
    assert world.shop.quantity_of(RED.sku) == 9
    assert world.shop.price_of(RED.sku) == Decimal(5)


def test_a_price_feed_decides_each_item(world):
    world.shop.offers[BLUE.sku].refuse_price = "too early"
    outcomes = world.adapter.submit_prices([PriceIntent(RED, usd("4.25")), PriceIntent(BLUE, usd("3")), PriceIntent(ref_of("X"), usd("0"))])
    assert isinstance(outcomes[ref_of("X")], Rejected)
    ticket = outcomes[RED]
    assert isinstance(ticket, Pending)
    world.sleep(seconds=1)
    assert world.adapter.resolve_ticket(ticket.ticket).outcomes == {RED: Accepted(), BLUE: Rejected("ERR_EXT_DATA_REFUSED", "too early")}
    assert world.shop.price_of(RED.sku) == Decimal("4.25")
    assert b'"InventoryHeader"' not in world.exchanges[0].request_body


def test_nothing_to_submit_costs_nothing(world):
    assert world.adapter.submit_stock([]) == world.adapter.submit_prices([]) == {}
    assert world.adapter.read_states([]) == world.adapter.write_stock([]) == {}
    assert world.shop.calls == []


# --- limits -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "wait"), [(1.0, 1), (100.0, 30)])
def test_walmarts_buckets_are_real(scale, wait):
    """200 stock writes a minute: the 201st waits for a token (0.3 s, or 30 s at a scale of 100)."""
    world = World(scale=scale, checked=False)
    world.stock()
    for _ in range(200):
        world.adapter.write_stock([StockIntent(RED, 4)])
    with pytest.raises(SlowDown) as slow:
        world.adapter.write_stock([StockIntent(RED, 4)])
    assert slow.value.retry_after == wait
    assert world.pacer.blocked == [("stock", wait)]
    headers = world.exchanges[-1].reply_headers
    assert headers["x-current-token-count"] == "0"
    assert int(headers["x-next-replenishment-time"]) == pytest.approx((world.now.timestamp() + 0.3 * scale) * 1000, abs=2)
    world.sleep(seconds=wait)
    assert world.adapter.write_stock([StockIntent(RED, 4)]) == {RED: Accepted()}


def test_ten_feeds_an_hour_and_prices_have_their_own_ten():
    world = World(scale=1.0)
    world.stock()
    for _ in range(10):
        world.adapter.submit_stock([StockIntent(RED, 4)])
    with pytest.raises(SlowDown) as slow:
        world.adapter.submit_stock([StockIntent(RED, 4)])
    assert slow.value.retry_after == 360
    world.adapter.submit_prices([PriceIntent(RED, usd("4"))])


def test_without_retry_after_the_time_of_the_next_token_is_used(world):
    inner = EmulatorTransport(world.shop)

    class Bare(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            reply = inner.handle_request(request)
            return httpx.Response(reply.status_code, headers={"x-next-replenishment-time": "2026-09-01T12:01:30Z"}, content=reply.read())

    adapter = world.connect(Bare())
    adapter.pull_orders("")
    world.shop.fail_next(Fault.RATE_LIMIT)
    with pytest.raises(SlowDown) as slow:
        adapter.pull_orders("")
    assert slow.value.retry_after == 90


def test_a_lock_is_waited_for_and_a_page_without_reason_is_refused(world):
    class Locked(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            status = 200 if request.url.path == "/v3/token" else 423 if "inventory" in request.url.path else 418
            return httpx.Response(status, json={"access_token": "eyJtoken", "expires_in": 900} if status == 200 else None)

    adapter = world.connect(Locked())
    with pytest.raises(TryLater, match="locked"):
        adapter.write_stock([StockIntent(RED, 4)])
    with pytest.raises(Refused, match="without a reason"):
        adapter.read_states([RED])


# --- the emulator's own promises --------------------------------------------------------------------------------------------------------


def test_late_pushes_land_as_gross_figures(world):
    """Chaos must not invent stock: a push that lands after an order still shows what it says minus the reserve."""
    world.shop.dials = Dials(late_push=1.0)
    world.adapter.write_stock([StockIntent(RED, 10)])
    world.order(3)
    world.sleep(minutes=1)
    world.shop.land_late()
    assert figures(world) == (10, 3, 7)


def test_forgotten_pushes_are_accepted_and_do_nothing(world):
    world.shop.dials = Dials(not_applied=1.0)
    assert world.adapter.write_stock([StockIntent(RED, 1)]) == {RED: Accepted()}
    assert figures(world) == (10, 0, 10)


def test_one_seed_tells_one_story():
    stories = []
    for _ in range(2):
        world = World(scale=1.0, seed=3)
        world.stock()
        submit(world, (RED.sku, 4))
        world.sleep(minutes=16)
        world.shop.settle()
        stories.append([(change.at, change.sku, change.after) for change in world.shop.diary])
    assert stories[0] == stories[1] != []


def test_callbacks_are_signed_hints(world):
    order_id = world.order()
    heard: list[Hint | None] = []
    for topic in ("order", "cancel_request", "cancel"):
        call = world.shop.callback(topic, order_id)
        assert isinstance(call, WireRequest)
        heard.append(world.adapter.read_hint(call.method, call.path, call.query_string, call.headers, call.body))
        assert world.adapter.read_hint(call.method, call.path, call.query_string, call.headers, call.body + b" ") is None
    assert heard == [Hint(order_id, "PO_CREATED"), Hint(order_id, "INTENT_TO_CANCEL"), Hint(order_id, "PO_LINE_AUTOCANCELLED")]
    assert world.shop.callback("nothing", order_id) is None


def test_over_real_http_too(world):
    """The cursor, the encoded feed id and the multipart body survive a real server."""
    with Served(world.shop) as served:
        client = httpx.Client()
        adapter = Adapter(CONFIG, Door(client, served.url, world.pacer, lambda: world.now), lambda: world.now)
        order_id = world.order(1)
        assert [order.order_id for order in adapter.pull_orders("").items] == [order_id]
        (ticket,) = adapter.submit_stock([StockIntent(BLUE, 4)]).values()
        assert isinstance(ticket, Pending)
        world.sleep(seconds=1)
        assert adapter.resolve_ticket(ticket.ticket).outcomes == {BLUE: Accepted()}
        world.shop.drop_reply_after_applying(path="/v3/inventory")
        with pytest.raises(OutcomeUnknown):
            adapter.write_stock([StockIntent(RED, 2)])
        client.close()
    assert world.shop.quantity_of(RED.sku) == 1
