"""Postings, packing, cancelling, splits, labels, returns: the traps of specs/ozon/FACTS.md, adapter and emulated account together."""

from datetime import timedelta

import msgspec
import pytest

from stallkit.adapters.ozon import wire_orders
from stallkit.adapters.ozon.wire_orders import parse_posting
from stallkit.errors import Refused
from stallkit.testing.emulator import Dials, Fault
from stallkit.types import Accepted, CancelReason, NotNow, OrderState, Rejected, ReturnState
from tests.contract.ozon_account import RED, Account


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def own_courier():
    """rFBS with a delivery of the seller's own."""
    return Account("rfbs")


# --- what a posting is --------------------------------------------------------------------------------------------------------------------


def test_a_posting_is_an_order_and_its_skus_are_its_lines(account):
    number = account.shop.place_order([("RED", 2), ("BLUE", 1), ("RED", 1)])
    order = account.adapter.read_order(number)
    assert (order.order_id, order.number, order.warehouse, order.scanned) == (number, number, account.warehouse, True)
    assert next((line.line_id, line.ref, line.ordered) for line in order.lines) == (RED.external_id, RED, 3)
    assert order.acknowledge_by == account.now + timedelta(days=1)
    assert order.dispatch_by == account.now + timedelta(days=2)
    assert (order.modified_at, order.buyer) == (None, None)


def raw(account, **changed):
    number = account.shop.place_order([("RED", 2)], force=True)
    told = msgspec.json.decode(account.adapter.read_order(number).raw)
    return msgspec.json.encode({**told, **changed})


STATES = {
    OrderState.PENDING: ("awaiting_approve", "awaiting_verification"),
    OrderState.NEW: ("acceptance_in_progress", "awaiting_packaging"),
    OrderState.ACKNOWLEDGED: ("awaiting_registration", "awaiting_deliver", "arbitration", "not_accepted"),
    OrderState.SHIPPED: ("driver_pickup", "delivering", "delivered", "client_arbitration", "sent_by_seller"),
    OrderState.CANCELLED: ("cancelled", "cancelled_from_split_pending"),
}


@pytest.mark.parametrize(("status", "state"), [(word, state) for state, words in STATES.items() for word in words])
def test_every_status_of_the_description_has_its_state(account, status, state):
    order = parse_posting(raw(account, status=status))
    assert (order.state, order.remote_state) == (state, status)
    line = order.lines[0]
    assert (line.cancelled, line.shipped) == (2 * (state is OrderState.CANCELLED), 2 * (state is OrderState.SHIPPED))


def test_the_contract_lists_no_other_status():
    assert {word for words in STATES.values() for word in words} == set(wire_orders.STATE)


@pytest.mark.parametrize("changed", [{"status": "teleported"}, {"tpl_integration_type": "by_pigeon"}, {"in_process_at": None}])
def test_a_strange_word_parks_the_posting(account, changed):
    with pytest.raises(ValueError, match=r"teleported|by_pigeon|in_process_at"):
        parse_posting(raw(account, **changed))


def test_a_posting_that_is_cancelled_on_its_way_has_left(account):
    """Its goods come back as a return: nothing of it lies here again."""
    late = {"status": "cancelled", "cancellation": {"cancelled_after_ship": True}, "delivering_date": "2026-03-03T10:00:00Z"}
    assert parse_posting(raw(account, **late)).state is OrderState.SHIPPED
    packed_only = {**late, "delivering_date": None}
    assert parse_posting(raw(account, **packed_only)).state is OrderState.CANCELLED


def test_a_price_is_told_in_two_ways(account):
    number = account.shop.place_order([("RED", 3)])
    pulled, read = account.pull()[0][number], account.adapter.read_order(number)
    assert pulled.lines == read.lines
    assert b'"price":{"amount"' in pulled.raw
    assert b'"currency_code":"RUB"' in read.raw


# --- lists --------------------------------------------------------------------------------------------------------------------------------


def test_a_pull_reads_what_waits_and_what_changed(account):
    account.pull()
    (first, waiting), (second, changed) = account.sent
    assert (first, second) == ("/v4/posting/fbs/unfulfilled/list", "/v4/posting/fbs/list")
    assert set(waiting["filter"]) == {"cutoff_from", "cutoff_to"}, "one date filter only; everything that is open, the first time"
    assert set(changed["filter"]) == {"since", "to", "last_changed_status_date"}
    assert {waiting["limit"], changed["limit"]} == {100}


def test_units_that_are_cancelled_of_a_packed_posting_are_seen_within_minutes(account):
    """Its status does not change, so only the list of all open ones tells."""
    number = account.packed(("RED", 3))
    cursor = account.pull()[2]
    account.advance(hours=1)
    account.shop.buyer_cancels(number, [(RED.external_id, 1)])
    orders, _, cursor = account.pull(cursor)
    assert [line.ordered for line in orders[number].lines] == [2]
    account.sent.clear()
    account.advance(minutes=4)
    cursor = account.pull(cursor)[2]
    account.advance(minutes=1)
    account.pull(cursor)
    statuses = [body["filter"].get("statuses") for path, body in account.sent if "unfulfilled" in path]
    assert statuses == [["awaiting_approve", "awaiting_packaging"], None]


def test_a_posting_that_the_lists_show_ten_minutes_late_comes(account):
    """Meanwhile Ozon's reserve tells of it."""
    account.shop.dials = Dials(read_lag=timedelta(minutes=10))
    number = account.shop.place_order([("RED", 3)])
    cursor = account.pull()[2]
    for _ in range(9):
        account.advance(minutes=1)
        orders, _, cursor = account.pull(cursor)
        assert (orders, account.figures()) == ({}, (7, 3))
    account.advance(minutes=1)
    assert number in account.pull(cursor)[0]


def test_a_cursor_that_is_not_ours_is_refused(account):
    with pytest.raises(Refused, match="not one of ours"):
        account.adapter.pull_orders("page-2")
    with pytest.raises(Refused, match="not one of ours"):
        account.adapter.read_returns("page-2")


# --- acknowledging is packing -------------------------------------------------------------------------------------------------------------


def test_packing_is_asked_for_once_and_looked_at_until_it_is_done(account):
    number = account.shop.place_order([("RED", 2), ("BLUE", 1)])
    assert isinstance(account.adapter.acknowledge(number), NotNow), "a 200 is no proof"
    assert account.adapter.read_order(number).state is OrderState.NEW
    assert isinstance(account.adapter.acknowledge(number), NotNow), "it is being packed"
    account.advance(seconds=5)
    assert account.adapter.acknowledge(number) == Accepted()
    assert account.paths().count("/v4/posting/fbs/ship") == 1
    assert account.adapter.read_order(number).state is OrderState.ACKNOWLEDGED


def test_a_field_named_product_id_wants_the_sku(account):
    number = account.shop.place_order([("RED", 2)])
    account.adapter.acknowledge(number)
    (body,) = [body for path, body in account.sent if path == "/v4/posting/fbs/ship"]
    assert body == {"posting_number": number, "packages": [{"products": [{"product_id": int(RED.external_id), "quantity": 2}]}]}


def test_packing_that_failed_is_repeated(account):
    account.shop.packing_fails = 1
    number = account.shop.place_order([("RED", 2)])
    account.adapter.acknowledge(number)
    account.advance(seconds=5)
    failed = msgspec.json.decode(account.adapter.read_order(number).raw)
    assert (failed["status"], failed["substatus"]) == ("awaiting_packaging", "ship_failed")
    assert account.until_done(lambda: account.adapter.acknowledge(number)) == Accepted()
    assert account.paths().count("/v4/posting/fbs/ship") == 2


@pytest.mark.parametrize(("happens", "outcome"), [("packed", Accepted()), ("cancelled", "cancelled")])
def test_what_happens_between_the_look_and_the_packing(account, happens, outcome):
    """POSTING_ALREADY_SHIPPED is a yes, POSTING_ALREADY_CANCELLED a no."""
    number = account.shop.place_order([("RED", 2)])
    look = account.adapter._read

    def look_then_act(order_id):
        seen = look(order_id)
        if happens == "packed":
            account.shop.orders[number].acknowledged_at = account.now
        else:
            account.shop.buyer_cancels(number)
        return seen

    account.adapter._read = look_then_act
    told = account.adapter.acknowledge(number)
    assert told == outcome or (isinstance(told, Rejected) and told.code == outcome)


def test_a_cancelled_posting_is_not_packed(account):
    number = account.shop.place_order([("RED", 2)])
    account.shop.buyer_cancels(number)
    assert account.adapter.acknowledge(number).code == "cancelled"
    assert account.adapter.acknowledge("1-1-1").code == "unknown_order"
    assert "/v4/posting/fbs/ship" not in account.paths()


def test_a_posting_that_waits_for_approval_is_not_packed_yet(account):
    number = account.shop.place_order([("RED", 2)], pending=True)
    assert isinstance(account.adapter.acknowledge(number), NotNow)
    account.shop.confirm_payment(number)
    assert account.until_done(lambda: account.adapter.acknowledge(number)) == Accepted()


def test_goods_that_need_marks_first_are_told(account):
    number = account.shop.place_order([("RED", 2)])
    account.shop.orders[number].extra["wants"] = "products_requiring_mandatory_mark"
    told = account.adapter.acknowledge(number)
    assert told.code == "not_packable"
    assert "mandatory_mark" in told.message


# --- shipping -----------------------------------------------------------------------------------------------------------------------------


def test_ozon_scans_what_leaves(account):
    number = account.packed(("RED", 2))
    account.sent.clear()
    assert account.ship(number) == Accepted()
    assert account.paths() == ["/v3/posting/fbs/get"], "nothing is told"
    assert account.adapter.read_order(number).state is OrderState.ACKNOWLEDGED
    account.shop.scan(number)
    order = account.adapter.read_order(number)
    assert (order.state, [line.shipped for line in order.lines]) == (OrderState.SHIPPED, [2])
    assert account.ship(number) == Accepted(), "again, after the scan"


def test_what_is_not_packed_is_packed_when_it_shall_leave(account):
    number = account.shop.place_order([("RED", 2)])
    assert account.ship(number) == Accepted()
    assert account.shop.orders[number].acknowledged_at is not None


def test_a_posting_leaves_as_a_whole(account):
    number = account.packed(("RED", 2), ("BLUE", 1))
    assert account.ship(number, ("RED", 2)).code == "whole_posting_only"


def test_the_seller_tells_the_number_and_that_it_left(own_courier):
    number = own_courier.packed(("RED", 2))
    assert not own_courier.adapter.read_order(number).scanned
    own_courier.sent.clear()
    assert own_courier.ship(number) == Accepted()
    writes = [path for path in own_courier.paths() if path not in {"/v3/posting/fbs/get", "/v2/conditional-cancellation/list"}]
    assert writes == ["/v2/fbs/posting/tracking-number/set", "/v2/fbs/posting/delivering"]
    order = own_courier.adapter.read_order(number)
    assert order.state is OrderState.SHIPPED
    assert msgspec.json.decode(order.raw)["tracking_number"] == "TRACK-1"
    own_courier.sent.clear()
    assert own_courier.ship(number) == Accepted()
    assert own_courier.paths() == ["/v3/posting/fbs/get"], "nothing is told twice"


# --- cancelling ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "number"), [(CancelReason.OUT_OF_STOCK, 352), (CancelReason.FRAUD, 402), (CancelReason.ADDRESS, 402)])
def test_reasons_are_ozons_and_402_has_its_text(account, reason, number):
    order_id = account.shop.place_order([("RED", 2)])
    assert account.cancel(order_id, reason=reason) == Accepted()
    (body,) = [body for path, body in account.sent if path == "/v2/posting/fbs/cancel"]
    assert body["cancel_reason_id"] == number
    assert body["cancel_reason_message"]
    assert account.cancel(order_id) == Accepted(), "again: it is cancelled already"


def test_some_units_are_cancelled_by_a_call_of_their_own(account):
    number = account.shop.place_order([("RED", 3)])
    assert account.cancel(number, ("RED", 1)) == Accepted()
    (body,) = [body for path, body in account.sent if path == "/v2/posting/fbs/product/cancel"]
    assert body["items"] == [{"sku": int(RED.external_id), "quantity": 1}]
    assert [(line.ordered, line.cancelled) for line in account.adapter.read_order(number).lines] == [(2, 0)], "it is gone from the posting"
    assert account.figures() == (8, 2)


def test_what_was_cancelled_of_a_posting_does_not_come_back_when_the_rest_is_cancelled(account):
    number = account.shop.place_order([("RED", 3), ("BLUE", 1)])
    account.cancel(number, ("RED", 1))
    account.cancel(number, ("BLUE", 1))
    assert account.cancel(number, ("RED", 2)) == Accepted()
    order = account.adapter.read_order(number)
    assert (order.state, [(line.ref, line.ordered, line.cancelled) for line in order.lines]) == (OrderState.CANCELLED, [(RED, 2, 2)])


def test_what_ozon_does_not_offer_is_not_tried(account):
    number = account.packed(("RED", 2))
    account.shop.insist(number)
    assert account.cancel(number).code == "not_allowed"
    assert account.cancel(number, ("RED", 1)).code == "not_allowed"
    assert not any("cancel" in path for path in account.paths())


def test_what_has_left_is_not_cancelled(account):
    number = account.packed(("RED", 2))
    account.shop.scan(number)
    assert account.cancel(number).code == "shipped"
    assert account.cancel(number, ("RED", 9)).code == "shipped"


def test_more_than_there_is_cannot_be_cancelled(account):
    number = account.shop.place_order([("RED", 2)])
    assert account.cancel(number, ("RED", 3)).code == "too_many"
    assert account.cancel(number, ("RED", 0)).code == "no_lines"


def test_while_ozon_packs_nothing_is_cancelled(account):
    number = account.shop.place_order([("RED", 2)])
    account.adapter.acknowledge(number)
    assert isinstance(account.cancel(number), NotNow)
    account.advance(seconds=5)
    assert account.cancel(number) == Accepted()


def test_a_buyers_wish_is_seen_although_no_posting_tells_of_it(own_courier):
    number = own_courier.packed(("RED", 2))
    cursor = own_courier.pull()[2]
    own_courier.shop.request_cancel(number)
    own_courier.advance(minutes=5)
    assert [line.cancel_requested for line in own_courier.pull(cursor)[0][number].lines] == [2]
    assert [line.cancel_requested for line in own_courier.adapter.read_order(number).lines] == [2]


def test_a_buyers_wish_is_granted(own_courier):
    number = own_courier.packed(("RED", 2))
    own_courier.shop.request_cancel(number)
    assert own_courier.cancel(number, reason=CancelReason.BUYER_ASKED) == Accepted()
    assert "/v2/conditional-cancellation/approve" in own_courier.paths()
    assert "/v2/posting/fbs/cancel" not in own_courier.paths()
    assert own_courier.adapter.read_order(number).state is OrderState.CANCELLED


def test_a_buyers_wish_is_declined_only_where_a_person_says_so(own_courier):
    number = own_courier.packed(("RED", 2))
    own_courier.shop.request_cancel(number)
    assert own_courier.ship(number).code == "cancel_requested"
    assert own_courier.ship(number, although_asked=True) == Accepted()
    assert own_courier.paths().count("/v2/conditional-cancellation/reject") == 1
    assert own_courier.adapter.read_order(number).state is OrderState.SHIPPED


def test_fbs_buyers_ask_nobody(account):
    number = account.packed(("RED", 2))
    account.shop.request_cancel(number)
    assert account.adapter.read_order(number).state is OrderState.CANCELLED
    assert "/v2/conditional-cancellation/list" not in account.paths(), "that call is for rFBS postings"


# --- splits -------------------------------------------------------------------------------------------------------------------------------


def test_a_split_makes_a_posting_that_names_its_parent(account):
    """Its units were sold once: what Ozon has reserved does not change."""
    number = account.shop.place_order([("RED", 3), ("BLUE", 1)])
    before = account.figures()
    (part,) = account.shop.split_posting(number, [[("RED", 2)]])
    orders = account.pull()[0]
    assert (orders[part].split_from, orders[number].split_from) == (number, "")
    assert [(line.ref.sku, line.ordered) for line in orders[part].lines] == [("RED", 2)]
    assert [(line.ref.sku, line.ordered) for line in orders[number].lines] == [("RED", 1), ("BLUE", 1)]
    assert account.figures() == before == (7, 3)


def test_a_posting_that_was_split_up_is_cancelled_for_that_reason(account):
    number = account.shop.place_order([("RED", 3)])
    parts = account.shop.split_posting(number, [[("RED", 2)], [("RED", 1)]])
    orders = account.pull()[0]
    assert (orders[number].state, orders[number].remote_state) == (OrderState.CANCELLED, "cancelled_from_split_pending")
    assert [orders[part].split_from for part in parts] == [number, number]
    assert account.figures() == (7, 3)


# --- labels and returns -------------------------------------------------------------------------------------------------------------------


def test_a_label_takes_its_time(account):
    number = account.packed(("RED", 1))
    assert isinstance(account.adapter.read_labels([number])[number], NotNow)
    account.advance(seconds=60)
    (label,) = account.adapter.read_labels([number])[number]
    assert label.media_type == "application/pdf"


def test_one_bad_posting_spoils_no_other_label(account):
    good, bad, new = account.packed(("RED", 1)), account.packed(("RED", 1)), account.shop.place_order([("RED", 1)])
    account.advance(seconds=60)
    account.shop.buyer_cancels(bad)
    account.adapter.acknowledge(new)
    answers = account.adapter.read_labels([good, bad, new, "1-1-1"])
    assert isinstance(answers[good], tuple)
    assert (answers[bad].code, answers["1-1-1"].code) == ("cancelled", "unknown_order")
    assert isinstance(answers[new], NotNow)
    assert all(len(body["posting_number"]) == 1 for path, body in account.sent if path.endswith("package-label"))


def test_many_labels_have_their_turn(account):
    numbers = [account.packed(("RED", 1)) for _ in range(10)]
    account.advance(seconds=60)
    answers = account.adapter.read_labels(numbers)
    assert [isinstance(answers[number], tuple) for number in numbers] == [True] * 4 + [False] * 6
    assert all(isinstance(answers[number], NotNow) for number in numbers[4:])


def test_a_return_gets_on(account):
    number = account.packed(("RED", 2))
    account.shop.scan(number)
    made = account.shop.open_return(number, [(RED.external_id, 1)])
    page = account.adapter.read_returns("")
    assert [(one.return_id, one.order_id, one.state) for one in page.items] == [(made, number, ReturnState.ASKED)]
    account.advance(days=3)
    account.shop.move_return(made, ReturnState.UNKNOWN)
    (told,) = account.adapter.read_returns(page.cursor).items
    assert (told.state, told.remote_state) == (ReturnState.UNKNOWN, "CompensationOffered")
    assert [body["filter"]["return_schema"] for path, body in account.sent if path == "/v1/returns/list"] == ["FBS", "FBS"]


def test_a_lost_reply_to_packing_is_looked_at(account):
    number = account.shop.place_order([("RED", 1)])
    account.shop.fail_next(Fault.DROP_AFTER, path="fbs/ship")
    with pytest.raises(Exception, match="no reply"):
        account.adapter.acknowledge(number)
    assert account.until_done(lambda: account.adapter.acknowledge(number)) == Accepted()
    assert account.paths().count("/v4/posting/fbs/ship") == 1
