"""The traps of Yandex Market's orders: which of them are ours, what their words mean, and what may be done with them when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from stallkit.adapters.yandex_market import cursors, wire_actions, wire_orders, wire_returns
from stallkit.adapters.yandex_market.emulator import CONFIG
from stallkit.errors import Refused, Unintelligible
from stallkit.testing.emulator import Fault
from stallkit.types import Accepted, CancelReason, Hint, OrderState, Rejected, ReturnState
from tests.contract.yandex_account import START, World


def pulled(world: World, cursor: str = ""):
    """(orders by number, cursor) of all pages."""
    found = {}
    while True:
        page = world.adapter.pull_orders(cursor)
        assert not page.parked, page.parked
        found |= {order.order_id: order for order in page.items}
        cursor = page.cursor
        if page.done:
            return found, cursor


def changed(world: World, order_id: str, **fields: object) -> bytes:
    """The order as the wire has it, with other fields."""
    return msgspec.json.encode({**world.shop.show_order(world.shop.orders[order_id]), **fields})


# --- which orders are ours ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["OZON", "WILDBERRIES", "OTHER"])
def test_orders_of_other_platforms_are_not_taken_or_they_would_count_twice(platform):
    world = World()
    ours, theirs = world.order(), world.order()
    world.shop.placed_elsewhere(theirs, platform)
    assert set(pulled(world)[0]) == {ours}
    assert world.adapter.read_order(theirs) is None
    assert world.bodies("/orders")[0]["sourcePlatforms"] == ["MARKET"]


def test_an_order_of_another_platform_that_comes_all_the_same_is_parked():
    world = World()
    raw = changed(world, world.order(), sourcePlatform="OZON")
    with pytest.raises(ValueError, match="OZON"):
        wire_orders.parse_order(raw)


def test_what_the_market_serves_from_its_own_stock_is_not_asked_for():
    world = World()
    order_id = world.order()
    world.shop.orders[order_id].extra["model"] = "FBY"
    assert pulled(world)[0] == {}
    assert world.bodies("/orders")[0]["programTypes"] == ["FBS", "DBS", "EXPRESS"]


def test_test_orders_are_taken_only_by_a_connection_that_wants_them():
    world = World()
    real, fake = world.order(), world.order()
    world.shop.make_test(fake)
    assert set(pulled(world)[0]) == {real}
    world.adapter = world.connect(test_orders="yes")
    assert set(pulled(world)[0]) == {fake}
    with pytest.raises(ValueError, match="test order"):
        wire_orders.parse_order(changed(world, fake))


def test_only_the_shops_that_are_named_are_asked_for():
    world = World(campaign_ids="21000002, 21000009")
    world.order()
    assert pulled(world)[0] == {}
    assert world.bodies("/orders")[0]["campaignIds"] == [21_000_002, 21_000_009]


# --- words --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "substatus", "state"),
    [
        ("UNPAID", "WAITING_USER_INPUT", OrderState.PENDING),
        ("PENDING", "ANTIFRAUD", OrderState.PENDING),
        ("RESERVED", "AWAIT_CONFIRMATION", OrderState.PENDING),
        ("PLACING", "ASYNC_PROCESSING", OrderState.PENDING),
        ("PROCESSING", "STARTED", OrderState.NEW),
        ("PROCESSING", "READY_TO_SHIP", OrderState.ACKNOWLEDGED),
        ("PROCESSING", "COURIER_SEARCH", OrderState.ACKNOWLEDGED),
        ("PROCESSING", "A_WORD_OF_NEXT_YEAR", OrderState.NEW),
        ("PROCESSING", "SHIPPED", OrderState.SHIPPED),
        ("DELIVERY", "A_WORD_OF_NEXT_YEAR", OrderState.SHIPPED),
        ("PICKUP", "PICKUP_SERVICE_RECEIVED", OrderState.SHIPPED),
        ("DELIVERED", "DELIVERY_SERVICE_DELIVERED", OrderState.SHIPPED),
        ("PARTIALLY_RETURNED", "UNKNOWN", OrderState.SHIPPED),
        ("CANCELLED", "A_WORD_OF_NEXT_YEAR", OrderState.CANCELLED),
        ("CANCELLED", "USER_NOT_PAID", OrderState.CANCELLED),
        ("CANCELLED", "PICKUP_EXPIRED", OrderState.SHIPPED),
    ],
)
def test_statuses_in_our_words_and_unknown_substatuses_change_nothing(status, substatus, state):
    world = World()
    order = wire_orders.parse_order(changed(world, world.order(), status=status, substatus=substatus))
    assert (order.state, order.remote_state) == (state, f"{status}/{substatus}")


@pytest.mark.parametrize("status", ["UNKNOWN", "TELEPORTED", ""])
def test_an_unknown_status_parks_the_order(status):
    world = World()
    with pytest.raises(ValueError, match="status"):
        wire_orders.parse_order(changed(world, world.order(), status=status))


def test_reading_one_order_with_an_unknown_status_is_unintelligible():
    world = World()
    order_id = world.order()
    for call in (world.adapter.read_order, world.adapter.acknowledge):
        world.shop.fail_next(Fault.UNKNOWN_ENUM)
        with pytest.raises(Unintelligible, match=order_id):
            call(order_id)


def units(world: World, order_id: str, count: int, **told: int):
    item = {**world.shop.show_order(world.shop.orders[order_id])["items"][0], "count": count}
    item["itemStatuses"] = [{"status": status, "count": number} for status, number in told.items()]
    (line,) = wire_orders.parse_order(changed(world, order_id, items=[item])).lines
    return line.ordered, line.cancelled, line.shipped


def test_units_that_were_removed_are_told_whether_the_count_still_has_them_or_not():
    world = World()
    order_id = world.order(("CUP-RED", 3))
    assert units(world, order_id, 2, CREATED=2, CANCELLED=1) == (3, 1, 0)
    assert units(world, order_id, 3, CREATED=2, CANCELLED=1) == (3, 1, 0)
    assert units(world, order_id, 3, CREATED=1, SHIPPED=1, REJECTED=1) == (3, 0, 2)
    with pytest.raises(ValueError, match="counts 5"):
        units(world, order_id, 5, CREATED=2, CANCELLED=1)
    with pytest.raises(ValueError, match="MELTED"):
        units(world, order_id, 3, CREATED=2, MELTED=1)


def test_an_order_that_nobody_fetched_has_left_and_is_not_free_again():
    world = World()
    order_id = world.order()
    world.ship(order_id)
    world.shop.scan(order_id)
    world.shop.not_fetched(order_id)
    order = world.read(order_id)
    assert (order.remote_state, order.state) == ("CANCELLED/PICKUP_EXPIRED", OrderState.SHIPPED)
    assert [(line.ordered, line.cancelled, line.shipped) for line in order.lines] == [(2, 0, 2)]


# --- times and money ----------------------------------------------------------------------------------------------------------------------


def test_times_have_their_offset_and_days_are_moscow_s():
    world = World()
    order_id = world.order()
    raw = world.shop.show_order(world.shop.orders[order_id])
    assert raw["creationDate"] == "2026-09-01T15:00:00+03:00"
    order = world.read(order_id)
    assert order.ordered_at == START
    assert order.dispatch_by == datetime(2026, 9, 2, 20, 59, 59, tzinfo=UTC), "the end of 2 September in Moscow"


def test_express_must_be_ready_to_the_minute():
    world = World(model="EXPRESS")
    order = world.read(world.order())
    assert (order.dispatch_by, order.scanned) == (datetime(2026, 9, 2, 15, 30, tzinfo=UTC), True)
    assert wire_orders.dispatch_by(wire_orders.Shipment(START.date(), "18:30")) == datetime(2026, 9, 1, 15, 30, tzinfo=UTC)


def test_the_older_calls_answer_with_times_of_moscow_without_a_zone():
    """Nothing of them is read but the status."""
    world = World()
    order_id = world.order()
    world.ship(order_id)
    told = json.loads(world.calls("/status")[0].reply_body)["order"]
    assert told["creationDate"] == "01-09-2026 15:00:00"


def test_points_are_part_of_what_the_goods_cost_and_the_subsidy_is_told_apart():
    world = World()
    order_id = world.order()
    item = world.shop.show_order(world.shop.orders[order_id])["items"][0]
    amounts = {"payment": 180.55, "cashback": 19.45, "subsidy": 12}
    prices = {name: {"value": value, "currencyId": "RUR"} for name, value in amounts.items()}
    (line,) = wire_orders.parse_order(changed(world, order_id, items=[{**item, "prices": {**prices, "vat": "VAT_10"}}])).lines
    told = [(charge.kind.value, charge.money.amount, charge.money.currency, charge.rate) for charge in line.charges]
    assert told == [("product", Decimal("200.00"), "RUB", Decimal("0.10")), ("discount", Decimal(12), "RUB", Decimal("0.10"))]


def test_an_order_without_prices_is_an_order_in_roubles():
    world = World()
    order_id = world.order()
    item = dict(world.shop.show_order(world.shop.orders[order_id])["items"][0])
    del item["prices"]
    order = wire_orders.parse_order(changed(world, order_id, items=[item]))
    assert (order.currency, order.lines[0].charges) == ("RUB", ())


# --- acknowledging and shipping -----------------------------------------------------------------------------------------------------------


def test_acknowledging_lays_one_box_and_calls_no_courier():
    world = World(model="EXPRESS")
    order_id = world.order(("CUP-RED", 2), ("CUP-BLUE", 1))
    assert world.adapter.acknowledge(order_id) == Accepted()
    assert world.bodies("/boxes") == [{"boxes": [{"items": [{"id": 1, "fullCount": 2}, {"id": 2, "fullCount": 1}]}]}]
    assert not world.calls("/status")
    order = world.read(order_id)
    assert (order.state, order.remote_state) == (OrderState.ACKNOWLEDGED, "PROCESSING/STARTED")


def test_the_shop_of_an_order_is_looked_up():
    world = World(model="DBS")
    order_id = world.order()
    world.adapter.acknowledge(order_id)
    assert world.calls(f"/v2/campaigns/21000002/orders/{order_id}/boxes")


def test_shipping_makes_ready_and_the_market_s_scan_sends_it():
    world = World()
    order_id = world.order()
    world.adapter.acknowledge(order_id)
    assert world.ship(order_id) == Accepted()
    assert world.bodies("/status") == [{"order": {"status": "PROCESSING", "substatus": "READY_TO_SHIP"}}]
    order = world.read(order_id)
    assert (order.state, order.scanned) == (OrderState.ACKNOWLEDGED, True)
    world.shop.scan(order_id)
    assert world.read(order_id).state is OrderState.SHIPPED


def test_shipping_what_was_not_acknowledged_lays_the_boxes_first():
    world = World()
    order_id = world.order()
    assert world.ship(order_id) == Accepted()
    assert (len(world.calls("/boxes")), len(world.calls("/status"))) == (1, 1)
    assert world.ship(order_id) == Accepted()
    assert (len(world.calls("/boxes")), len(world.calls("/status"))) == (1, 1), "told twice"


def test_ready_without_boxes_is_refused_by_the_market():
    world = World()
    order_id = world.order()
    url = f"http://market.invalid/v2/campaigns/21000001/orders/{order_id}/status"
    reply = world.client.put(url, json=wire_actions.READY_TO_SHIP, headers={"Api-Key": CONFIG["api_key"]})
    assert reply.status_code == 400


def test_an_order_leaves_as_a_whole():
    world = World()
    order_id = world.order(("CUP-RED", 2), ("CUP-BLUE", 1))
    refused = world.ship(order_id, ("CUP-RED", 2))
    assert isinstance(refused, Rejected)
    assert refused.code == "whole_order_only"
    assert not world.calls("/boxes")


def test_an_unpaid_order_is_not_packed():
    world = World()
    order_id = world.order(pending=True)
    refused = world.adapter.acknowledge(order_id)
    assert isinstance(refused, Rejected)
    assert refused.code == "not_yet"


def test_unpaid_orders_die_after_half_an_hour_and_free_their_units():
    world = World()
    order_id = world.order(("CUP-RED", 4), pending=True)
    assert (world.read(order_id).state, world.shown()) == (OrderState.PENDING, (6, 4))
    world.later(minutes=30)
    order = world.read(order_id)
    assert (order.state, order.remote_state) == (OrderState.CANCELLED, "CANCELLED/USER_NOT_PAID")
    assert world.shown() == (10, 0)


# --- cancelling ---------------------------------------------------------------------------------------------------------------------------


def test_a_part_is_taken_out_by_boxes_without_it():
    world = World()
    order_id = world.order(("CUP-RED", 3), ("CUP-BLUE", 1))
    world.adapter.acknowledge(order_id)
    assert world.cancel(order_id, ("CUP-RED", 1)) == Accepted()
    assert world.bodies("/boxes")[-1] == {
        "boxes": [{"items": [{"id": 1, "fullCount": 2}, {"id": 2, "fullCount": 1}]}],
        "allowRemove": True,
    }
    order = world.read(order_id)
    assert [(line.ordered, line.cancelled) for line in order.lines] == [(3, 1), (1, 0)]
    assert order.state is OrderState.ACKNOWLEDGED
    assert world.shown() == (8, 2)


def test_what_was_removed_stays_removed():
    world = World()
    order_id = world.order(("CUP-RED", 2), ("CUP-BLUE", 2))
    world.cancel(order_id, ("CUP-RED", 2))
    world.shop.orders[order_id].extra.pop("boxes")
    assert world.adapter.acknowledge(order_id) == Accepted()
    assert world.bodies("/boxes")[-1]["boxes"] == [{"items": [{"id": 2, "fullCount": 2}]}]
    assert world.ship(order_id, ("CUP-BLUE", 2)) == Accepted()


@pytest.mark.parametrize("why", ["only", "99%", "promotion"])
def test_what_cannot_be_taken_out_is_refused_in_the_market_s_words(why):
    world = World()
    if why == "99%":
        world.shop.offers["CUP-BLUE"].price = Decimal("1.00")
    order_id = world.order(("CUP-RED", 3)) if why == "only" else world.order(("CUP-RED", 3), ("CUP-BLUE", 1))
    if why == "promotion":
        world.shop.give_away(order_id, world.line_id(order_id))
    refused = world.cancel(order_id, ("CUP-RED", 1))
    assert isinstance(refused, Rejected)
    assert why in refused.message
    assert world.read(order_id).lines[0].cancelled == 0
    assert world.cancel(order_id) == Accepted(), "the whole order can still be cancelled"


def test_nothing_is_taken_out_of_what_is_ready_but_the_whole_order_can_be_cancelled():
    world = World()
    order_id = world.order(("CUP-RED", 3), ("CUP-BLUE", 1))
    world.ship(order_id)
    refused = world.cancel(order_id, ("CUP-RED", 1))
    assert isinstance(refused, Rejected)
    assert refused.code == "ready_to_ship"
    assert world.cancel(order_id) == Accepted()
    assert world.read(order_id).remote_state == "CANCELLED/SHOP_FAILED"


def test_a_cancellation_that_the_market_refuses_is_told_in_its_words():
    world = World()
    order_id = world.order()
    world.shop.insist(order_id)
    refused = world.cancel(order_id)
    assert isinstance(refused, Rejected)
    assert "promised" in refused.message


def test_a_buyer_s_wish_takes_effect_by_itself_while_the_order_is_processed():
    world = World()
    order_id = world.order()
    world.adapter.acknowledge(order_id)
    world.shop.request_cancel(order_id)
    assert world.read(order_id).state is OrderState.CANCELLED
    refused = world.cancel(order_id, reason=CancelReason.BUYER_ASKED)
    assert isinstance(refused, Rejected)


# --- cursors ------------------------------------------------------------------------------------------------------------------------------


def test_a_pull_looks_back_two_minutes_and_once_in_ten_two_hours():
    world = World()
    cursor = pulled(world)[1]
    since = []
    for _ in range(4):
        world.later(minutes=4)
        cursor = pulled(world, cursor)[1]
        since.append(datetime.fromisoformat(world.bodies("/orders")[-1]["dates"]["updateDateFrom"]))
    assert ["creationDateFrom" in body["dates"] for body in world.bodies("/orders")[3:]] == [False] * 4 + [True] * 2
    begun = [START + timedelta(minutes=4 * number) for number in range(4)]
    back = [at - begin for at, begin in zip(begun, since, strict=True)]
    assert back == [timedelta(minutes=2), timedelta(minutes=2), timedelta(minutes=2), timedelta(hours=2)]


def test_after_a_long_silence_no_question_spans_more_than_thirty_days():
    world = World()
    cursor = pulled(world)[1]
    missed = world.order()
    world.later(days=70)
    late = world.order()
    orders, cursor = pulled(world, cursor)
    assert set(orders) == {missed, late}
    windows = {(body["dates"]["updateDateFrom"], body["dates"].get("updateDateTo")) for body in world.bodies("/orders")}
    assert len(windows) == 1 + 3
    assert cursors.read_orders(cursor, world.now).since > world.now - timedelta(hours=3)


def test_an_order_of_long_ago_comes_when_it_changes():
    """A question without days of placing is for orders of the last thirty days only (contract)."""
    world = World()
    order_id = world.order()
    cursor = pulled(world)[1]
    for _ in range(8):
        world.later(days=9)
        cursor = pulled(world, cursor)[1]
    assert world.shop.buyer_cancels(order_id)
    seen = {}
    for _ in range(4):
        world.later(minutes=4)
        orders, cursor = pulled(world, cursor)
        seen |= orders
    assert seen[order_id].state is OrderState.CANCELLED
    assert all(
        datetime.fromisoformat(dates["creationDateTo"]) - datetime.fromisoformat(dates["creationDateFrom"]) == timedelta(days=30)
        for body in world.bodies("/orders")
        if "creationDateFrom" in (dates := body["dates"])
    )


def test_a_cursor_that_is_not_ours_is_refused():
    with pytest.raises(Refused, match="not ours"):
        World().adapter.pull_orders("page 7")


def test_lists_are_paged_by_tokens():
    world = World()
    world.shop.orders_per_page = 2
    placed = {world.order(("CUP-RED", 1)) for _ in range(5)}
    assert set(pulled(world)[0]) == placed
    assert all("page=" not in exchange.url.lower() for exchange in world.exchanges)
    assert sum("pageToken=" in exchange.url for exchange in world.exchanges) == 2


# --- labels, returns, notifications -------------------------------------------------------------------------------------------------------


def test_an_order_without_boxes_has_no_label_yet():
    world = World()
    order_id = world.order()
    refused = world.adapter.read_labels([order_id])[order_id]
    assert isinstance(refused, Rejected)
    assert "no boxes" in refused.message
    world.adapter.acknowledge(order_id)
    (label,) = world.adapter.read_labels([order_id])[order_id]
    assert label.body.startswith(b"%PDF")
    assert world.calls("/delivery/labels")[-1].url.endswith("?format=A7")


def test_many_labels_look_up_their_orders_by_fifty():
    world = World()
    world.shop.edit_quantity("CUP-RED", 500)
    placed = [world.order(("CUP-RED", 1)) for _ in range(60)]
    for order_id in placed:
        world.adapter.acknowledge(order_id)
    before = len(world.calls("/orders"))
    answers = world.adapter.read_labels([*placed, "77", "none"])
    assert [order_id for order_id, answer in answers.items() if isinstance(answer, Rejected)] == ["77", "none"]
    assert len(world.calls("/orders")) - before == 2


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"shipmentStatus": "READY_FOR_PICKUP"}, ReturnState.ARRIVED),
        ({"shipmentStatus": "UTILIZED"}, ReturnState.CLOSED),
        ({"shipmentStatus": "TELEPORTED"}, ReturnState.UNKNOWN),
        ({"fastReturn": True, "refundStatus": "REFUNDED"}, ReturnState.CLOSED),
        ({"refundStatus": "STARTED_BY_USER"}, ReturnState.ASKED),
        ({"refundStatus": "REFUNDED"}, ReturnState.UNKNOWN),
    ],
)
def test_where_returned_goods_are(fields, state):
    told = {"id": 7, "orderId": 8, "items": [{"shopSku": "CUP-RED", "count": 1}], "returnType": "RETURN", **fields}
    parsed = wire_returns.parse_return(msgspec.json.encode({**told, "creationDate": "2026-09-01T15:00:00+03:00"}))
    assert (parsed.state, parsed.opened_at) == (state, START)


def test_returns_of_all_shops_are_read_one_after_the_other():
    world = World()
    fbs = world.order()
    world.shop.model = "DBS"
    dbs = world.order()
    for order_id in (fbs, dbs):
        world.ship(order_id)
        world.shop.scan(order_id)
        world.shop.open_return(order_id, [(world.line_id(order_id), 1)])
    first = world.adapter.read_returns("")
    second = world.adapter.read_returns(first.cursor)
    assert [one.order_id for one in (*first.items, *second.items)] == [fbs, dbs]
    assert (first.done, second.done) == (False, True)


def notified(world: World, **fields: object) -> Hint | None:
    return world.adapter.read_hint("POST", "/", "", {}, msgspec.json.encode(fields))


def test_a_notification_is_answered_with_who_we_are_and_when():
    world = World()
    hint = notified(world, notificationType="PING", time="2026-09-01T12:00:00Z")
    assert hint is not None
    assert (hint.topic, hint.calls_for_a_look) == ("PING", False)
    assert msgspec.json.decode(hint.answer) == {"version": "1.0.0", "name": "Stallkeeper", "time": "2026-09-01T12:00:00+00:00"}


@pytest.mark.parametrize("kind", ["ORDER_CREATED", "ORDER_STATUS_UPDATED", "ORDER_CANCELLATION_REQUEST", "ORDER_RETURN_STATUS_UPDATED"])
def test_notifications_about_orders_name_the_order(kind):
    hint = notified(World(), notificationType=kind, orderId=77, campaignId=21_000_001)
    assert hint is not None
    assert (hint.order_id, hint.topic, hint.calls_for_a_look) == ("77", kind, True)


def test_a_notification_of_a_kind_that_nobody_knows_is_taken_or_it_would_count_as_wrong():
    hint = notified(World(), notificationType="GOODS_FEEDBACK_OF_NEXT_YEAR", feedbackId=3)
    assert hint is not None
    assert hint.calls_for_a_look is False


def test_notifications_about_shops_that_are_not_ours_call_for_no_look():
    world = World(campaign_ids="21000001")
    hints = [notified(world, notificationType="ORDER_CREATED", orderId=77, campaignId=shop) for shop in (21_000_001, 21_000_009)]
    assert [hint.calls_for_a_look for hint in hints if hint] == [True, False]
