"""Orders: acknowledging, pulling, the status matrix, cancelling, shipping, callbacks; the traps of specs/emag/FACTS.md."""

from datetime import UTC, datetime

import httpx
import pytest

from stallkit.adapters.emag.adapter import Adapter
from stallkit.adapters.emag.emulator import CONFIG
from stallkit.adapters.emag.times import text_of
from stallkit.errors import OutcomeUnknown
from stallkit.http import Door
from stallkit.testing.emulator import Fault
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    Hint,
    LineQuantity,
    OrderState,
    Rejected,
    ShipmentNotice,
)
from tests.contract.emag_account import Account


@pytest.fixture
def account():
    return Account()


# --- acknowledging ------------------------------------------------------------------------------------------------------------------------


def test_acknowledging_twice_is_accepted_once(account):
    order_id = account.acknowledged()
    assert account.adapter.acknowledge(order_id) == Accepted()
    assert account.adapter.read_order(order_id).state is OrderState.ACKNOWLEDGED
    assert account.stock()[0] == 8


@pytest.mark.parametrize(("order_id", "code"), [("99", "unknown_order"), ("abc", "unknown_order"), ("../vat/read", "unknown_order")])
def test_an_order_that_emag_does_not_have(account, order_id, code):
    assert account.adapter.acknowledge(order_id).code == code
    assert account.adapter.read_order(order_id) is None


def test_an_order_that_the_buyer_cancelled_first_cannot_be_acknowledged(account):
    order_id = account.shop.place_order([("RED", 2)])
    assert account.shop.buyer_cancels(order_id)
    assert account.adapter.acknowledge(order_id).code == "cancelled"


def test_the_first_read_of_an_order_may_already_be_cancelled(account):
    _, _, cursor = account.pull()
    order_id = account.shop.place_order([("RED", 2)])
    account.shop.buyer_cancels(order_id)
    account.advance(seconds=30)
    orders, _, _ = account.pull(cursor)
    assert orders[order_id].state is OrderState.CANCELLED
    assert [(line.ordered, line.cancelled) for line in orders[order_id].lines] == [(2, 2)]


def test_a_buyer_cannot_cancel_what_was_acknowledged(account):
    order_id = account.acknowledged()
    assert account.shop.buyer_cancels(order_id) is False
    account.shop.request_cancel(order_id)
    assert account.adapter.read_order(order_id).lines[0].cancel_requested == 2


def test_a_change_between_reading_and_acknowledging_comes_with_the_next_pull(account):
    """An order may be changed by eMAG's people until it is acknowledged: read it again afterwards (5.3)."""
    order_id = account.shop.place_order([("RED", 3)])
    orders, _, cursor = account.pull()
    assert orders[order_id].lines[0].cancelled == 0
    account.shop.buyer_cancels(order_id, [("1", 1)])
    account.adapter.acknowledge(order_id)
    account.advance(seconds=10)
    orders, _, _ = account.pull(cursor)
    assert (orders[order_id].state, orders[order_id].lines[0].cancelled) == (OrderState.ACKNOWLEDGED, 1)


def test_a_pending_order_is_told_as_pending_until_it_is_paid(account):
    order_id = account.shop.place_order([("RED", 1)], pending=True)
    orders, _, cursor = account.pull()
    assert orders[order_id].state is OrderState.PENDING
    assert isinstance(account.adapter.acknowledge(order_id), Rejected)
    account.shop.confirm_payment(order_id)
    orders, _, _ = account.pull(cursor)
    assert orders[order_id].state is OrderState.NEW


# --- pulling ------------------------------------------------------------------------------------------------------------------------------


def test_an_order_that_waits_is_pulled_whatever_its_age(account):
    order_id = account.shop.place_order([("RED", 1)])
    account.advance(days=100)
    orders, _, cursor = account.pull()
    assert order_id in orders
    account.advance(days=1)
    assert order_id in account.pull(cursor)[0]


def test_months_of_silence_are_walked_in_windows(account):
    """Each window is checked by the emulator: one month at most."""
    _, _, cursor = account.pull()
    order_id = account.acknowledged()
    account.advance(days=100)
    orders, _, _ = account.pull(cursor)
    assert orders[order_id].state is OrderState.ACKNOWLEDGED


def test_orders_of_the_doubled_hour_come_with_their_true_times(account):
    account.now = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    _, _, cursor = account.pull()
    true = {}
    for _ in range(12):
        account.advance(minutes=10)
        true[account.shop.place_order([("RED", 1)], force=True)] = account.now
        account.advance(seconds=5)
        orders, _, cursor = account.pull(cursor)
        newest = max(true)
        assert orders[newest].ordered_at == true[newest], text_of(true[newest])


def test_one_order_with_an_unknown_status_is_parked(account):
    """Rule 4."""
    bad, good = account.shop.place_order([("RED", 1)]), account.shop.place_order([("RED", 1)])
    account.shop.fail_next(Fault.UNKNOWN_ENUM)
    page = account.adapter.pull_orders("")
    assert [order.order_id for order in page.items] == [bad]
    assert [(parked.external_id, "status 9" in parked.reason) for parked in page.parked] == [(good, True)]


def test_an_order_without_a_name_enters(account):
    order_id = account.shop.place_order([("RED", 1)], buyer_name="")
    orders, parked, _ = account.pull()
    assert parked == []
    assert orders[order_id].lines[0].ordered == 1


def test_orders_that_emag_fulfils_are_read_on_request_and_left_alone():
    order_id = (plain := Account()).shop.place_order([("RED", 2)])
    plain.shop.fulfil_by_emag(order_id)
    assert plain.pull()[0] == {}
    assert plain.adapter.read_order(order_id) is None
    account = Account(with_fbe="1")
    order_id = account.shop.place_order([("RED", 2)])
    account.shop.fulfil_by_emag(order_id)
    assert account.pull()[0][order_id].fulfilled_by == "marketplace"
    assert account.shop.quantity_of("RED") == 10
    assert account.adapter.acknowledge(order_id).code == "fulfilled_by_marketplace"
    assert account.cancel(order_id, ("1", 2)).code == "fulfilled_by_marketplace"
    assert account.ship(order_id, ("1", 2)).code == "fulfilled_by_marketplace"


# --- status matrix (5.3), as the emulator enforces it -------------------------------------------------------------------------------------


def in_status(account, status):
    order_id = account.shop.place_order([("RED", 1)])
    if status >= 2 or status == 0:
        account.adapter.acknowledge(order_id)
    for step in {0: [0], 3: [3], 4: [4], 5: [4, 5]}.get(status, []):
        assert account.step(order_id, step)
    assert account.post("/order/read", {"id": int(order_id)})["results"][0]["status"] == status
    return order_id


MATRIX = {1: [], 2: [2, 3, 4, 0], 3: [3, 4, 0], 4: [3, 4, 0, 5], 0: [2, 3, 4, 0], 5: []}


@pytest.mark.parametrize("old", sorted(MATRIX))
def test_the_status_matrix(account, old):
    allowed = [new for new in range(6) if account.step(in_status(account, old), new)]
    assert allowed == sorted(MATRIX[old])


@pytest.mark.parametrize(("old", "new"), [(4, 3), (4, 0), (0, 2), (0, 3), (0, 4)])
def test_corrections_end_after_48_hours(account, old, new):
    early, late = in_status(account, old), in_status(account, old)
    account.advance(hours=47)
    assert account.step(early, new)
    account.advance(hours=2)
    assert not account.step(late, new)


def test_an_order_that_comes_back_from_0_takes_its_units_again(account):
    order_id = in_status(account, 0)
    assert account.stock()[0] == 10
    assert account.step(order_id, 2)
    assert account.stock()[0] == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda order: order.pop("customer"), "ALL the fields"),
        (lambda order: order.pop("type"), "ALL the fields"),
        (lambda order: order.update(is_storno=True), "is_storno"),
        (lambda order: order["products"][0].update(sale_price="1.0000"), "prices"),
        (lambda order: order["products"][0].update(quantity=5), "Quantity"),
        (lambda order: order.update(id=5), "not found"),
    ],
)
def test_updates_that_emag_refuses(account, change, message):
    order = account.full(account.acknowledged(), status=2)
    change(order)
    reply = account.post("/order/save", [order])
    assert reply["isError"] is True
    assert message in reply["messages"][0]


# --- cancelling ---------------------------------------------------------------------------------------------------------------------------


def test_a_new_order_is_not_cancelled_before_it_is_acknowledged(account):
    """Quirk acknowledge_before_cancel: refused with a clear code, without a write."""
    order_id = account.shop.place_order([("RED", 2)])
    assert account.cancel(order_id, ("1", 2)).code == "acknowledge_first"
    assert [path for path, _ in account.bodies if path.endswith("/save")] == []
    account.adapter.acknowledge(order_id)
    assert account.cancel(order_id, ("1", 2)) == Accepted()


def test_the_reason_of_a_cancellation_is_a_number(account):
    order_id = account.acknowledged()
    account.cancel(order_id, ("1", 2))
    assert account.post("/order/read", {"id": int(order_id)})["results"][0]["reason_cancellation"]["id"] == 1


def test_an_order_paid_by_card_is_cancelled_whole_or_not_at_all(account):
    order_id = account.acknowledged(("RED", 2))
    account.shop.orders[order_id].extra["payment"] = "card"
    assert account.cancel(order_id, ("1", 1)).code == "paid_by_card"
    assert account.post("/order/save", [cut(account.full(order_id, status=2))])["isError"] is True
    assert account.cancel(order_id, ("1", 2)) == Accepted()


def cut(order):
    order["products"][0]["quantity"] = 1
    return order


def test_emags_own_refusal_of_a_cancellation_is_told(account):
    order_id = account.acknowledged()
    account.shop.orders[order_id].extra["prepared"] = "1"
    account.shop.orders[order_id].extra["type"] = "3"
    client = httpx.Client(transport=Refusing(account.shop))
    adapter = Adapter(CONFIG, Door(client, "http://emag.invalid/api-3", account.pacer, account.clock), account.clock)
    refused = adapter.cancel_lines(CancelNotice(order_id, (LineQuantity("1", 2),), CancelReason.FRAUD))
    assert isinstance(refused, Rejected)
    assert "not today" in refused.message


class Refusing(EmulatorTransport):
    def handle_request(self, request):
        if request.url.path.endswith("/order/save"):
            return httpx.Response(200, json={"isError": True, "messages": ["not today"], "results": []}, request=request)
        return super().handle_request(request)


# --- shipping -----------------------------------------------------------------------------------------------------------------------------


def test_a_shipment_finalises_the_order_and_a_pdf_goes_along(account):
    order_id = account.acknowledged()
    assert account.ship(order_id, ("1", 2), url="https://labels.example/1.pdf") == Accepted()
    assert account.adapter.read_order(order_id).state is OrderState.SHIPPED
    assert account.shop.attachments[order_id] == [{"name": "AWB DPD 0123456789", "url": "https://labels.example/1.pdf", "type": 10}]


def test_without_a_pdf_nothing_is_attached(account):
    order_id = account.acknowledged()
    assert account.ship(order_id, ("1", 2), url="https://track.example/0123456789") == Accepted()
    assert account.shop.attachments == {}


def test_an_awb_of_emag_has_finalised_the_order_already(account):
    order_id = account.acknowledged()
    account.shop.issue_awb(order_id)
    assert account.ship(order_id, ("1", 2)) == Accepted()
    assert account.shop.orders[order_id].ship_calls == 1


def test_an_order_that_a_hand_cancels_on_emag_puts_its_units_back_and_counts_as_no_call(account):
    order_id = account.acknowledged()
    before = account.shop.general["RED"]
    account.shop.cancel_by_hand(order_id)
    assert account.adapter.read_order(order_id).state is OrderState.CANCELLED
    assert account.shop.general["RED"] == before + 2
    assert account.shop.orders[order_id].cancel_calls == 0


def test_a_refused_document_leaves_the_order_open(account):
    order_id = account.acknowledged()
    account.shop.orders[order_id].extra["type"] = "3"
    client = httpx.Client(transport=NoDocuments(account.shop))
    adapter = Adapter(CONFIG, Door(client, "http://emag.invalid/api-3", account.pacer, account.clock), account.clock)
    notice = ShipmentNotice(order_id, (LineQuantity("1", 2),), "DPD", "1", account.now, "https://labels.example/1.pdf")
    assert adapter.confirm_shipment(notice).code == "attachment"
    assert account.adapter.read_order(order_id).state is OrderState.ACKNOWLEDGED


class NoDocuments(EmulatorTransport):
    def handle_request(self, request):
        if request.url.path.endswith("/attachments/save"):
            return httpx.Response(200, json={"isError": True, "messages": ["no"], "results": []}, request=request)
        return super().handle_request(request)


def test_a_lost_reply_after_finalising_is_unknown_and_seen_when_looked_at(account):
    order_id = account.acknowledged()
    account.shop.drop_reply_after_applying(path="order/save")
    with pytest.raises(OutcomeUnknown):
        account.ship(order_id, ("1", 2))
    assert account.adapter.read_order(order_id).state is OrderState.SHIPPED
    assert account.ship(order_id, ("1", 2)) == Accepted()
    assert account.shop.orders[order_id].ship_calls == 1


# --- callbacks ----------------------------------------------------------------------------------------------------------------------------


def hint(account, query, path="/hooks/emag/emag-toy-callback", method="GET"):
    return account.adapter.read_hint(method, path, query, {}, b"")


def test_a_callback_is_a_get_with_the_number_of_an_order(account):
    assert hint(account, "order_id=123") == Hint("123", "order")
    assert hint(account, "rma_id=5") == Hint("", "return")


@pytest.mark.parametrize("query", ["", "order_id=", "order_id=abc", "order_id=1;drop", "order_id=" + "9" * 40, "x=1"])
def test_other_calls_are_nothing(account, query):
    assert hint(account, query) is None


def test_the_token_is_in_the_path_or_the_query(account):
    assert hint(account, "order_id=1", path="/hooks/emag/other") is None
    assert hint(account, "order_id=1&token=emag-toy-callback", path="/hooks/emag") == Hint("1", "order")
    assert hint(account, "order_id=1", method="POST") is None
    assert hint(Account(callback_token=""), "order_id=1", path="/hooks/emag") == Hint("1", "order")


def test_the_shop_sends_a_callback_that_is_understood(account):
    heard = []
    account.shop.listeners.append(lambda topic, order_id: heard.append(account.shop.callback(topic, order_id)))
    order_id = account.shop.place_order([("RED", 1)])
    account.shop.buyer_cancels(order_id)
    made = [account.adapter.read_hint(call.method, call.path, call.query_string, call.headers, call.body) for call in heard]
    assert made == [Hint(order_id, "order")] * 2
