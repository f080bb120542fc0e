"""What is peculiar to Walmart's tokens and orders: adapter against emulator, checked as in ``test_walmart_published``."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime

import httpx
import pytest

from stallkit.adapters.walmart import cursors
from stallkit.adapters.walmart import emulator as emulated
from stallkit.adapters.walmart.emulator import CONFIG
from stallkit.adapters.walmart.emulator_orders import Look
from stallkit.errors import NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.testing.emulator import Fault
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import (
    Accepted,
    Money,
    OrderState,
    PriceIntent,
    Rejected,
    StockIntent,
)
from tests.contract.test_walmart_published import BLUE, RED, START, World, ask, cancel, ship, stocked


@pytest.fixture
def world() -> World:
    return stocked()


# --- tokens and headers -----------------------------------------------------------------------------------------------------------------


def test_one_token_serves_many_calls_and_is_renewed_before_it_ends(world):
    world.adapter.pull_orders("")
    for _ in range(3):
        world.sleep(minutes=4)
        world.adapter.pull_orders("")
    assert world.paths("/v3/token") == ["POST /v3/token"]
    world.sleep(minutes=2, seconds=30)
    world.adapter.pull_orders("")
    assert world.paths("/v3/token") == ["POST /v3/token"] * 2
    assert not [call for call in world.shop.calls if call.status == 401]


def test_a_token_that_dies_early_is_renewed_once_and_the_call_made_again(world):
    world.adapter.pull_orders("")
    world.shop.fail_next(Fault.TOKEN_EXPIRED)
    assert world.adapter.write_stock([StockIntent(RED, 4)]) == {RED: Accepted()}
    assert [call.status for call in world.shop.calls[-3:]] == [401, 200, 200]


def test_withdrawn_keys_need_a_person(world):
    world.adapter.pull_orders("")
    world.shop.revoke()
    with pytest.raises(NeedsReconnect, match="client id and secret"):
        world.adapter.pull_orders("")
    assert len([call for call in world.shop.calls if call.path == "/v3/token"]) == 2
    world.shop.restore()
    world.adapter.pull_orders("")


def test_a_wrong_secret_needs_a_person(world):
    with pytest.raises(NeedsReconnect):
        world.connect(EmulatorTransport(world.shop), client_secret="guessed").probe()


def test_every_call_carries_walmarts_headers_and_a_correlation_id_of_its_own(world):
    world.adapter.pull_orders("")
    for ref in (RED, BLUE):
        world.adapter.read_states([ref])
    world.adapter.write_stock([StockIntent(RED, 1)])
    assert len(world.shop.correlation_ids) == len(set(world.shop.correlation_ids)) == 5
    for exchange in world.exchanges:
        assert exchange.request_headers["wm_svc.name"] == "Walmart Marketplace"
        assert exchange.request_headers["accept"] == "application/json"
    assert "authorization" in world.exchanges[0].request_headers
    assert all("authorization" not in exchange.request_headers for exchange in world.exchanges[1:])


def test_a_call_without_the_headers_is_refused_there(world):
    reply = httpx.Client(transport=EmulatorTransport(world.shop)).get("http://walmart.invalid/v3/orders")
    assert reply.status_code == 400


def test_recordings_hold_no_secret(world):
    world.adapter.probe()
    recorded = repr(world.exchanges)
    token = next(iter(world.shop._tokens))
    assert token.startswith("eyJ")
    for secret in (CONFIG["client_secret"], token, "d2FsbWFydC1jbGllbnQtaWQ6"):
        assert secret not in recorded


def test_a_probe_names_the_account_its_rights_and_what_is_missing(world):
    info = world.adapter.probe()
    assert (info.account_id, info.name, info.currency, info.warnings) == ("100009", "Ada's Stall", "USD", ())
    assert "orders: full_access" in info.rights
    del world.shop.scopes["feeds"]
    assert world.adapter.probe().warnings == ("The keys lack full access to 'feeds': give it in the Developer Portal.",)


# --- orders come ------------------------------------------------------------------------------------------------------------------------


def test_an_old_order_that_changes_comes_although_walmart_looks_back_seven_days_by_itself(world):
    world.shop.auto_cancel_after = timedelta(days=99)
    order_id = world.order()
    _, cursor = world.pull()
    world.sleep(days=30)
    world.shop.request_cancel(order_id)
    orders, _ = world.pull(cursor)
    assert orders[order_id].lines[0].cancel_requested == 3


def test_without_created_start_date_walmart_hides_it(world):
    """The trap itself: the same question without createdStartDate finds nothing."""
    world.shop.auto_cancel_after = timedelta(days=99)
    order_id = world.order()
    world.sleep(days=30)
    world.shop.request_cancel(order_id)
    since = (world.now - timedelta(hours=1)).isoformat()
    assert ask(world, "/v3/orders", lastModifiedStartDate=since).status_code == 404
    found = ask(world, "/v3/orders", lastModifiedStartDate=since, createdStartDate="2026-08-01").json()
    assert found["list"]["elements"]["order"][0]["purchaseOrderId"] == order_id


def test_orders_older_than_180_days_are_gone(world):
    order_id = world.order()
    world.sleep(days=181)
    assert world.pull()[0] == {}
    assert world.adapter.read_order(order_id) is None


def test_walmarts_cursor_is_appended_as_it_is(world, monkeypatch):
    monkeypatch.setattr(cursors, "PAGE", 2)
    placed = {world.order(1) for _ in range(5)}
    first = world.adapter.pull_orders("")
    onward = json.loads(first.cursor)["next"]
    assert onward.startswith("?limit=2&hasMoreElements=true&soIndex=5&poIndex=2&partnerId=")
    assert not first.done
    second = world.adapter.pull_orders(first.cursor)
    assert world.url_of_last() == f"/v3/orders{onward}"
    third = world.adapter.pull_orders(second.cursor)
    assert third.done
    assert {order.order_id for page in (first, second, third) for order in page.items} == placed


def test_a_cursor_that_was_taken_apart_is_refused_there(world):
    world.order()
    assert ask(world, "/v3/orders", poIndex="1", createdStartDate="2026-08-01").status_code == 400


def test_a_list_that_does_not_move_on_is_not_read_for_ever(world, monkeypatch):
    monkeypatch.setattr(cursors, "PAGE", 2)
    for _ in range(5):
        world.order(1)
    first = world.adapter.pull_orders("")
    stuck = json.loads(first.cursor)["next"]
    monkeypatch.setattr(emulated.po, "next_cursor", lambda *_: stuck)
    with pytest.raises(Unintelligible, match="does not move on"):
        world.adapter.pull_orders(first.cursor)


def test_no_orders_and_no_items_are_a_404_there_and_an_empty_page_here():
    world = World()
    assert world.adapter.pull_orders("").items == ()
    assert world.adapter.read_offers("").items == ()
    assert [call.status for call in world.shop.calls] == [200, 404, 404]
    assert world.adapter.read_order("1") is None
    assert world.adapter.find_ticket("stock", START) is None


def test_somebody_elses_404_is_not_an_empty_shop(world):
    """A proxy, a wrong base URL: unknown is not zero."""

    class Proxy(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            token = request.url.path == "/v3/token"
            return (
                httpx.Response(200, json={"access_token": "eyJtoken", "expires_in": 900})
                if token
                else httpx.Response(404, text="<h1>No</h1>")
            )

    adapter = world.connect(Proxy())
    calls: list[Callable[[], object]] = [
        lambda: adapter.pull_orders(""),
        lambda: adapter.read_order("1"),
        lambda: adapter.read_offers(""),
        lambda: adapter.read_states([RED]),
        lambda: adapter.find_ticket("stock", START),
    ]
    for call in calls:
        with pytest.raises(Unintelligible, match="not from Walmart"):
            call()


@pytest.mark.parametrize("told_by", ["refusal", "count"])
def test_more_orders_than_one_query_may_hold_are_pulled_in_smaller_windows(world, monkeypatch, told_by):
    """20,000 there; 30 here."""
    monkeypatch.setattr(emulated if told_by == "refusal" else cursors, "MOST_ORDERS", 30)
    monkeypatch.setattr(cursors, "PAGE", 20)
    world.stock(1000)
    placed = set()
    for _ in range(100):
        placed.add(world.order(1))
        world.sleep(hours=1)
    orders, cursor = world.pull()
    assert set(orders) == placed
    latest = world.order(1)
    assert latest in world.pull(cursor)[0]


def test_more_than_that_within_an_hour_is_told(world, monkeypatch):
    monkeypatch.setattr(cursors, "MOST_ORDERS", 3)
    for _ in range(5):
        world.order(1)
    world.sleep(minutes=1)
    with pytest.raises(Refused, match="more than Walmart can list"):
        world.pull()


def test_a_cursor_that_died_begins_its_window_again_once(world, monkeypatch):
    monkeypatch.setattr(cursors, "PAGE", 2)
    placed = {world.order(1) for _ in range(5)}
    dead = cursors.write(cursors.OrderPlace(START - timedelta(days=1), next="?limit=2&poIndex=2&soIndex=5"))
    orders, _ = world.pull(dead)
    assert set(orders) == placed
    again = cursors.write(cursors.OrderPlace(START - timedelta(days=1), next="?limit=2&poIndex=2", again=True))
    with pytest.raises(Refused):
        world.adapter.pull_orders(again)


def test_our_clock_may_be_ahead(world):
    """Without Walmart's own date the next window would begin in its future."""
    slow = World()
    slow.stock()
    inner = EmulatorTransport(slow.shop)

    class Dated(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            reply = inner.handle_request(request)
            reply.headers["Date"] = format_datetime(slow.now, usegmt=True)
            return reply

    adapter = slow.connect(Dated())
    adapter.clock = lambda: slow.now + timedelta(hours=2)
    slow.adapter = adapter
    _, cursor = slow.pull()
    slow.sleep(minutes=5)
    assert slow.order() in slow.pull(cursor)[0]


def test_orders_of_the_released_list_are_the_unacknowledged_ones(world):
    new, old = world.order(1), world.order(1, acknowledged=True)
    listed = json.dumps(ask(world, "/v3/orders/released").json())
    assert new in listed
    assert old not in listed


def test_single_objects_split_lines_and_late_addresses():
    world = World(checked=False)
    world.stock()
    world.shop.look = Look(single_as_object=True, email_after=timedelta(minutes=30))
    one = world.order(1)
    order = world.pull()[0][one]
    assert order.buyer is not None
    assert (len(order.lines), order.buyer.email) == (1, "")
    assert '"orderLine":{' in order.raw.decode()
    world.sleep(minutes=31)
    read = world.adapter.read_order(one)
    assert read is not None
    assert read.buyer is not None
    assert read.buyer.email.endswith("@relay.walmart.example")
    world.shop.split_lines = True
    three = world.order(3)
    lines = world.pull()[0][three].lines
    assert [(line.line_id, line.ordered) for line in lines] == [("1", 1), ("2", 1), ("3", 1)]
    assert world.shop.quantity_of(RED.sku) == 6


def test_an_unknown_status_parks_one_order_and_the_page_goes_on(world):
    placed = [world.order(1) for _ in range(3)]
    world.shop.fail_next(Fault.UNKNOWN_ENUM, path="/v3/orders")
    page = world.adapter.pull_orders("")
    assert [kept.external_id for kept in page.parked] == [placed[-1]]
    assert "OnHold" in page.parked[0].reason
    assert {order.order_id for order in page.items} == set(placed[:2])
    world.shop.fail_next(Fault.UNKNOWN_ENUM, path="/v3/orders")
    with pytest.raises(Unintelligible):
        world.adapter.read_order(placed[0])


# --- orders are answered ----------------------------------------------------------------------------------------------------------------


def test_acknowledging_takes_the_whole_order_without_a_body_within_four_hours(world):
    order_id = world.order()
    order = world.pull()[0][order_id]
    assert order.acknowledge_by == START + timedelta(hours=4)
    assert world.adapter.acknowledge(order_id) == Accepted()
    assert world.exchanges[-1].request_body == b""
    read = world.adapter.read_order(order_id)
    assert read is not None
    assert (read.state, read.acknowledge_by) == (OrderState.ACKNOWLEDGED, None)


def test_acknowledging_again_or_too_late_is_accepted_but_not_for_a_cancelled_order(world):
    order_id = world.order(acknowledged=True)
    assert world.adapter.acknowledge(order_id) == Accepted()
    world.adapter.confirm_shipment(ship(order_id))
    assert world.adapter.acknowledge(order_id) == Accepted()
    cancelled = world.order(1)
    world.shop.buyer_cancels(cancelled)
    refused = world.adapter.acknowledge(cancelled)
    assert isinstance(refused, Rejected)
    assert refused.code == "cancelled"
    assert "cancelled" in refused.message
    assert isinstance(world.adapter.acknowledge("1"), Rejected)


def test_shipping_before_acknowledging_is_refused(world):
    refused = world.adapter.confirm_shipment(ship(world.order()))
    assert isinstance(refused, Rejected)
    assert "not acknowledged" in refused.message


def test_a_shipment_may_be_a_part_and_the_rest_follows(world):
    order_id = world.order(acknowledged=True)
    assert world.adapter.confirm_shipment(ship(order_id, 2)) == Accepted()
    order = world.adapter.read_order(order_id)
    assert order is not None
    assert (order.state, order.lines[0].shipped) == (OrderState.PART_SHIPPED, 2)
    assert world.adapter.confirm_shipment(ship(order_id, 1, number="1Z2")) == Accepted()
    assert world.shop.orders[order_id].state is OrderState.SHIPPED
    assert [parcel.tracking.tracking_number for parcel in world.shop.parcels[order_id]] == ["1Z1", "1Z2"]
    assert {parcel.tracking.method_code for parcel in world.shop.parcels[order_id]} == {"Value"}


def test_a_shipment_that_walmart_knows_is_not_reported_twice(world):
    order_id = world.order(acknowledged=True)
    world.shop.drop_reply_after_applying(path="/shipping")
    with pytest.raises(OutcomeUnknown):
        world.adapter.confirm_shipment(ship(order_id))
    assert world.adapter.confirm_shipment(ship(order_id)) == Accepted()
    assert world.shop.orders[order_id].ship_calls == 1


def test_a_carrier_that_walmart_does_not_list_needs_a_tracking_url(world):
    order_id = world.order(acknowledged=True)
    before = len(world.shop.calls)
    refused = world.adapter.confirm_shipment(ship(order_id, carrier="Ada's Van"))
    assert isinstance(refused, Rejected)
    assert refused.code == "TRACKING_URL"
    assert len(world.shop.calls) == before + 1
    assert world.adapter.confirm_shipment(ship(order_id, carrier="Ada's Van", url="https://van.example/1")) == Accepted()
    assert world.shop.orders[order_id].lines[0].carrier == "Ada's Van"


def test_a_line_that_the_buyer_asked_to_cancel_ships_only_if_a_person_said_so(world):
    order_id = world.order(acknowledged=True)
    world.shop.request_cancel(order_id)
    refused = world.adapter.confirm_shipment(ship(order_id))
    assert isinstance(refused, Rejected)
    assert "asked to cancel" in refused.message
    assert world.adapter.confirm_shipment(replace(ship(order_id), although_asked=True)) == Accepted()
    assert b'"intentToCancelOverride":true' in world.exchanges[-1].request_body


def test_cancelling_says_how_many_and_why(world):
    order_id = world.order(acknowledged=True)
    assert world.adapter.cancel_lines(cancel(order_id, 2)) == Accepted()
    assert (world.shop.orders[order_id].lines[0].cancelled, world.shop.quantity_of(RED.sku)) == (2, 9)
    assert world.adapter.confirm_shipment(ship(order_id, 1)) == Accepted()
    too_late = world.adapter.cancel_lines(cancel(order_id))
    assert isinstance(too_late, Rejected)
    assert "0 open units" in too_late.message


ACTIONS: dict[str, Callable[[World, str], object]] = {
    "acknowledge": lambda world, order_id: world.adapter.acknowledge(order_id),
    "shipping": lambda world, order_id: world.adapter.confirm_shipment(ship(order_id)),
    "cancel": lambda world, order_id: world.adapter.cancel_lines(cancel(order_id)),
}


@pytest.mark.parametrize(
    "fault", [Fault.DROP_AFTER, Fault.DROP_BEFORE, Fault.SERVER_ERROR, Fault.SERVER_ERROR_AFTER, Fault.CUT_JSON, Fault.HTML]
)
@pytest.mark.parametrize("verb", list(ACTIONS))
def test_after_a_cut_on_an_action_nobody_knows(world, verb, fault):
    """There is no idempotency key: the caller reads the order before it asks again."""
    order_id = world.order(acknowledged=verb != "acknowledge")
    world.shop.fail_next(fault, path=f"/{verb}")
    with pytest.raises(OutcomeUnknown):
        ACTIONS[verb](world, order_id)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.DROP_BEFORE, TryLater),
        (Fault.SERVER_ERROR, TryLater),
        (Fault.HTML, Unintelligible),
        (Fault.CUT_JSON, Unintelligible),
        (Fault.RATE_LIMIT, SlowDown),
        (Fault.RATE_LIMIT_SILENT, SlowDown),
        (Fault.REVOKED, NeedsReconnect),
        (Fault.IP_BLOCKED, NeedsReconnect),
    ],
)
def test_faults_of_reads_say_what_to_do(world, fault, error):
    world.order()
    world.shop.fail_next(fault, path="/v3/orders")
    with pytest.raises(error):
        world.adapter.pull_orders("")


def test_an_order_that_is_never_shipped_is_given_up_at_its_moment(world):
    order_id = world.order()
    _, cursor = world.pull()
    world.sleep(days=7)
    assert world.shop.quantity_of(RED.sku) == 10
    assert world.shop.diary[-1].at == START + timedelta(days=6)
    assert world.pull(cursor)[0][order_id].state is OrderState.CANCELLED


def test_a_pending_order_is_hidden_and_its_units_are_held(world):
    order_id = world.shop.place_order([(RED.sku, 2)], pending=True)
    assert world.pull()[0] == {}
    assert world.shop.quantity_of(RED.sku) == 8
    world.shop.confirm_payment(order_id)
    assert world.pull()[0][order_id].state is OrderState.NEW


# --- rights of the key ------------------------------------------------------------------------------------------------------------------

FORBIDDEN: dict[str, tuple[str, str, Callable[[World], object]]] = {
    "orders": ("orders", "no_access", lambda world: world.adapter.pull_orders("")),
    "acknowledge": ("orders", "view_only", lambda world: world.adapter.acknowledge(world.order())),
    "stock": ("inventory", "view_only", lambda world: world.adapter.write_stock([StockIntent(RED, 3)])),
    "items": ("item", "no_access", lambda world: world.adapter.read_offers("")),
    "feed": ("feeds", "view_only", lambda world: world.adapter.submit_stock([StockIntent(RED, 3)])),
    "fed": ("inventory", "no_access", lambda world: world.adapter.submit_stock([StockIntent(RED, 3)])),
}


def refusals(call: Callable[[World], object], world: World) -> list[str]:
    """What is refused, be it the call or its items."""
    try:
        answer = call(world)
    except Refused as error:
        return [f"{error.code}: {error.detail}"]
    outcomes = answer.values() if isinstance(answer, dict) else [answer]
    return [f"{outcome.code}: {outcome.message}" for outcome in outcomes if isinstance(outcome, Rejected)]


@pytest.mark.parametrize("asked", list(FORBIDDEN))
def test_a_right_that_the_key_lacks_refuses_its_own_step_only(world, asked):
    area, level, call = FORBIDDEN[asked]
    world.shop.scopes[area] = level
    (said,) = refusals(call, world)
    assert said.startswith("no_right: The key has no right to this")
    assert f"({area}: {level})" in said
    world.shop.scopes[area] = "full_access"
    assert refusals(call, world) == []


def test_rights_are_read_once_for_many_refusals(world):
    world.shop.scopes["price"] = "no_access"
    for _ in range(5):
        with suppress(Refused):
            world.adapter.write_prices([PriceIntent(RED, Money(Decimal("9.99"), "USD"))])
    assert sum(call.path == "/v3/token/detail" for call in world.shop.calls) == 1


def test_a_403_that_no_right_explains_needs_a_person(world):
    world.shop.fail_next(Fault.IP_BLOCKED, path="/v3/orders")
    with pytest.raises(NeedsReconnect):
        world.adapter.pull_orders("")
