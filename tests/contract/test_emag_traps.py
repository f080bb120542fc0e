"""Adapter and emulated account together: each trap of specs/emag/FACTS.md, and the stock figures that the README promises."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import msgspec
import pytest

from stallkit.adapters.emag.adapter import Adapter
from stallkit.adapters.emag.emulator import CONFIG, PASSWORD, USER, Emulator
from stallkit.adapters.emag.manifest import OTHER
from stallkit.adapters.emag.times import text_of
from stallkit.errors import NeedsReconnect, OutcomeUnknown, Refused, SlowDown, Unintelligible
from stallkit.http import Door
from stallkit.testing.emulator import Fault, SoldOut
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    Hint,
    LineQuantity,
    Money,
    OfferRef,
    OrderState,
    PriceIntent,
    Rejected,
    ShipmentNotice,
    StockIntent,
)

RED, BLUE = OfferRef("RED", "243409"), OfferRef("BLUE", "243410")
AUTH = {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


class FreePacer:
    """No budget of ours: here it is eMAG's that counts."""

    def __init__(self):
        self.blocked = []

    def spend(self, limit, cost=1.0):
        pass

    def block(self, limit, seconds):
        self.blocked.append((limit, seconds))


class Account:
    """An emulated account with two offers, an adapter on it, and a bare client for what the adapter never does."""

    def __init__(self, limits_scale=0.0001, **config):
        self.now = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
        self.shop = Emulator(self.clock, limits_scale=limits_scale)
        self.bodies = []
        self.pacer = FreePacer()
        hooks = {"request": [lambda request: self.bodies.append((request.url.path, request.content))]}
        self.client = httpx.Client(transport=EmulatorTransport(self.shop), event_hooks=hooks, base_url="http://emag.invalid/api-3")
        self.adapter = Adapter({**CONFIG, **config}, Door(self.client, "http://emag.invalid/api-3", self.pacer, self.clock), self.clock)
        self.shop.add_offer("RED", quantity=10)
        self.shop.add_offer("BLUE", quantity=10)

    def clock(self):
        return self.now

    def advance(self, **delta):
        self.now += timedelta(**delta)

    def post(self, path, body):
        return self.client.post(path, content=msgspec.json.encode(body), headers=AUTH).json()

    def pull(self, cursor=""):
        orders, parked = {}, []
        while True:
            page = self.adapter.pull_orders(cursor)
            orders.update({order.order_id: order for order in page.items})
            parked += page.parked
            cursor = page.cursor
            if page.done:
                return orders, parked, cursor

    def stock(self, ref=RED):
        state = self.adapter.read_states([ref])[ref]
        return state.quantity, state.reserved, self.shop.quantity_of(ref.sku)

    def acknowledged(self, *lines):
        order_id = self.shop.place_order(lines or [("RED", 2)])
        assert self.adapter.acknowledge(order_id) == Accepted()
        return order_id

    def cancel(self, order_id, *lines):
        return self.adapter.cancel_lines(CancelNotice(order_id, tuple(LineQuantity(*line) for line in lines), CancelReason.OUT_OF_STOCK))

    def ship(self, order_id, *lines, url=""):
        parts = tuple(LineQuantity(*line) for line in lines)
        return self.adapter.confirm_shipment(ShipmentNotice(order_id, parts, "DPD", "0123456789", self.now, url))

    def full(self, order_id, **changed):
        """The order as read, with changes, as order/save wants it back."""
        order = self.post("/order/read", {"id": int(order_id)})["results"][0]
        return {**order, "reason_cancellation": 31, **changed}

    def step(self, order_id, status):
        """True if eMAG lets the order go to this status."""
        return not self.post("/order/save", [self.full(order_id, status=status)])["isError"]


@pytest.fixture
def account():
    return Account()


# --- figures of stock (README, "Which figure is which") -----------------------------------------------------------------------------------


def test_an_order_waits_in_estimated_stock_and_leaves_general_stock_when_acknowledged(account):
    assert account.stock() == (10, 0, 10)
    order_id = account.shop.place_order([("RED", 3)])
    assert account.stock() == (10, 3, 7)
    account.adapter.acknowledge(order_id)
    assert account.stock() == (7, 0, 7)


def test_a_push_leaves_waiting_orders_subtracted(account):
    """Absolute overwrite of general_stock: an order that we do not know yet is still kept back, so the push cannot sell it again."""
    order_id = account.shop.place_order([("RED", 3)])
    assert account.adapter.write_stock([StockIntent(RED, 5)]) == {RED: Accepted()}
    assert account.stock() == (5, 3, 2)
    account.adapter.acknowledge(order_id)
    assert account.stock() == (2, 0, 2)


def test_a_push_below_what_waits_shows_zero_and_sells_nothing(account):
    account.shop.place_order([("RED", 3)])
    account.adapter.write_stock([StockIntent(RED, 1)])
    assert account.shop.quantity_of("RED") == 0
    with pytest.raises(SoldOut):
        account.shop.place_order([("RED", 1)])


def test_a_cancellation_gives_back_where_it_was_taken(account):
    before_ack = account.shop.place_order([("RED", 3)])
    assert account.shop.buyer_cancels(before_ack)
    assert account.stock() == (10, 0, 10)
    after_ack = account.acknowledged(("RED", 3))
    assert account.cancel(after_ack, ("1", 1)) == Accepted()
    assert account.stock() == (8, 0, 8)
    assert account.cancel(after_ack, ("1", 2)) == Accepted()
    assert account.stock() == (10, 0, 10)


def test_the_diary_tells_what_buyers_saw(account):
    account.acknowledged(("RED", 3))
    account.adapter.write_stock([StockIntent(RED, 9)])
    told = [(change.cause, change.before, change.after) for change in account.shop.diary]
    assert told == [("sale", 10, 7), ("push", 7, 9)]


# --- writes of offers ---------------------------------------------------------------------------------------------------------------------


def test_an_offer_in_a_campaign_is_refused_alone(account):
    message = "The offer is included in the active campaign BF, thus the stock has NOT been changed."
    account.shop.offers["RED"].refuse_stock = message
    outcomes = account.adapter.write_stock([StockIntent(RED, 1), StockIntent(BLUE, 2)])
    assert outcomes == {RED: Rejected("campaign", message), BLUE: Accepted()}
    assert (account.shop.quantity_of("RED"), account.shop.quantity_of("BLUE")) == (10, 2)


def test_a_bad_item_costs_no_call_and_no_neighbour(account):
    bad = OfferRef("X", "sku")
    outcomes = account.adapter.write_stock([StockIntent(bad, 1), StockIntent(RED, 65_536), StockIntent(BLUE, 2)])
    assert [outcomes[ref] == Accepted() for ref in (bad, RED, BLUE)] == [False, False, True]
    account.bodies.clear()
    assert isinstance(account.adapter.write_stock([StockIntent(bad, 1)])[bad], Rejected)
    assert account.bodies == []


def test_fifty_offers_are_one_call_and_fifty_one_are_a_mistake(account):
    intents = [StockIntent(OfferRef("X", str(number)), 1) for number in range(1, 52)]
    with pytest.raises(ValueError, match="50"):
        account.adapter.write_stock(intents)
    account.adapter.write_stock(intents[:50])
    assert len(account.bodies) == 1


def test_a_price_outside_its_limits_is_refused_alone(account):
    limits = Money(Decimal(40), "RON"), Money(Decimal(60), "RON")
    inside = PriceIntent(RED, Money(Decimal("45.1234"), "RON"), *limits)
    outside = PriceIntent(BLUE, Money(Decimal("60.0001"), "RON"), *limits)
    outcomes = account.adapter.write_prices([inside, outside])
    assert outcomes[RED] == Accepted()
    assert isinstance(outcomes[BLUE], Rejected)
    assert outcomes[BLUE].code == "max_sale_price"
    assert account.shop.price_of("RED") == Decimal("45.1234")
    assert account.stock(RED)[0] == 10, "a price changes no stock"


def test_the_switch_for_wrapped_bodies_reaches_every_save():
    account = Account(save_body="data")
    assert account.adapter.write_stock([StockIntent(RED, 5)]) == {RED: Accepted()}
    assert account.bodies[-1][1].startswith(b'{"data":[')
    order_id = account.acknowledged()
    assert account.cancel(order_id, ("1", 2)) == Accepted()
    assert account.bodies[-1][1].startswith(b'{"data":[')
    assert not account.bodies[-2][1].startswith(b'{"data"'), "reads never wrap their filters"


def test_offers_that_buyers_cannot_see_and_strange_words(account):
    account.shop.fail_next(Fault.UNKNOWN_ENUM)
    states = [offer.status for offer in account.adapter.read_offers("").items]
    assert states == ["unknown", "live"]


# --- the wire's own rules (emulator) ------------------------------------------------------------------------------------------------------


def test_filters_inside_data_are_ignored_and_everything_comes_back(account):
    assert len(account.post("/product_offer/read", {"data": {"id": 243409}})["results"]) == 2
    assert len(account.post("/product_offer/read", {"id": 243409})["results"]) == 1


def test_an_ignored_filter_is_noticed(account):
    """Should eMAG ever answer a read by id with something else, nothing is believed."""
    order_id = account.acknowledged()
    account.acknowledged()
    client = httpx.Client(transport=Unfiltered(account.shop))
    adapter = Adapter(CONFIG, Door(client, "http://emag.invalid/api-3", account.pacer, account.clock), account.clock)
    with pytest.raises(Unintelligible, match="offers"):
        adapter.read_states([RED])
    with pytest.raises(Unintelligible, match="orders"):
        adapter.read_order(order_id)


class Unfiltered(EmulatorTransport):
    """Drops the filter on its way."""

    def handle_request(self, request):
        return super().handle_request(httpx.Request(request.method, request.url, headers=AUTH, content=b"{}"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"id": 243409, "status": 1}, "Expected list of arrays"),
        ([{"id": number} for number in range(51)], "Maximum 50 entities"),
        ([{"id": 1, "stock": [{"warehouse_id": n, "value": 1} for n in range(2001)]}], "Maximum input vars of 4000 exceeded"),
    ],
)
def test_saves_that_emag_does_not_take_in(account, body, message):
    reply = account.post("/offer/save", body)
    assert reply["isError"] is True
    assert message in reply["messages"][0]


def test_a_page_holds_at_most_a_hundred_and_says_nothing(account):
    for number in range(120):
        account.shop.add_offer(f"MANY-{number}")
    assert len(account.post("/product_offer/read", {"itemsPerPage": 500})["results"]) == 100
    assert account.post("/product_offer/count", {})["results"] == {"noOfItems": "122", "noOfPages": "2", "itemsPerPage": "100"}


def test_orders_without_a_filter_are_the_last_hundred(account):
    account.adapter.write_stock([StockIntent(RED, 500)])
    for _ in range(130):
        account.shop.place_order([("RED", 1)])
    assert len(account.post("/order/read", {"currentPage": 2})["results"]) == 0
    assert len(account.post("/order/read", {"currentPage": 2, "status": [1]})["results"]) == 30
    assert account.post("/order/count", {"status": 1})["results"]["noOfItems"] == "130"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"modifiedAfter": "2026-01-01 00:00:00", "modifiedBefore": "2026-02-15 00:00:00"}, "1 month"),
        ({"modifiedAfter": "2026-01-01 00:00:00"}, "modifiedBefore is present"),
        ({"createdAfter": "yesterday", "createdBefore": "today"}, "format"),
    ],
)
def test_windows_that_emag_does_not_take(account, filters, message):
    assert message in account.post("/order/read", filters)["messages"][0]


@pytest.mark.parametrize(
    ("key", "body", "status", "message"),
    [
        ("243409", {"stock": 21}, 204, ""),
        ("999", {"stock": 21}, 404, "This offer does not exist"),
        ("243409", {"stock": "21"}, 400, "Invalid content"),
        ("243409", {"stock": 70_000}, 400, "Validation errors in your request"),
    ],
)
def test_the_single_stock_route_answers_without_envelope(account, key, body, status, message):
    """Section 3 and the example offer_stock. The adapter does not use it (README says why); other authors may."""
    reply = account.client.patch(f"/offer_stock/{key}", content=msgspec.json.encode(body), headers=AUTH)
    assert reply.status_code == status
    assert message in reply.text
    assert account.shop.quantity_of("RED") == (21 if status == 204 else 10)


def test_unknown_routes_and_methods_are_404(account):
    assert account.client.get("/order/read", headers=AUTH).status_code == 404
    assert account.client.post("/nothing/read", headers=AUTH).json() == {"message": "Invalid URL"}


# --- limits and access --------------------------------------------------------------------------------------------------------------------


def statuses(account, path, calls):
    return [account.client.post(path, content=b"{}", headers=AUTH) for _ in range(calls)]


def test_three_calls_a_second_for_all_that_is_no_order():
    account = Account(limits_scale=1.0)
    mixed = [*statuses(account, "/vat/read", 2), *statuses(account, "/product_offer/read", 2)]
    assert [reply.status_code for reply in mixed] == [200, 200, 200, 429]
    assert mixed[3].json() == {"message": "API rate limit exceeded"}
    assert mixed[3].headers["x-ratelimit-remaining-3second"] == "0"
    assert statuses(account, "/order/read", 1)[0].status_code == 200, "orders have their own budget"
    account.advance(seconds=1)
    assert statuses(account, "/vat/read", 1)[0].status_code == 200


def test_twelve_calls_a_second_for_orders_and_invalid_ones_count():
    account = Account(limits_scale=1.0)
    for _ in range(12):
        assert account.client.post("/order/save", content=b"nonsense", headers=AUTH).json()["isError"] is True
    assert statuses(account, "/order/read", 1)[0].status_code == 429


def test_a_hundred_and_eighty_calls_a_minute():
    """The emulated minute is no tighter than sixty emulated seconds, so it is filled by hand."""
    account = Account(limits_scale=1.0)
    account.shop._spent["other"][1].extend([account.now] * 180)
    account.advance(seconds=59)
    with pytest.raises(SlowDown) as caught:
        account.adapter.probe()
    assert caught.value.retry_after == 60.0
    account.advance(seconds=1)
    account.adapter.probe()


def test_the_scale_makes_limits_wider():
    account = Account(limits_scale=0.1)
    assert [reply.status_code for reply in statuses(account, "/vat/read", 31)] == [200] * 30 + [429]


def test_a_429_blocks_the_bucket_for_the_window_that_is_used_up():
    account = Account(limits_scale=1.0)
    statuses(account, "/vat/read", 3)
    with pytest.raises(SlowDown) as caught:
        account.adapter.probe()
    assert caught.value.retry_after == 3.0
    assert account.pacer.blocked == [(OTHER, 3.0)]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-minute": "0"}, 60.0),
        ({"x-ratelimit-remaining-second": "0"}, 1.0),
        ({"x-ratelimit-remaining-3second": "0", "retry-after": "7"}, 7.0),
        ({"x-ratelimit-remaining-3second": "2"}, 30.0),
        ({}, 30.0),
    ],
)
def test_how_long_a_429_asks_to_wait(account, headers, seconds):
    assert account.adapter._wait(headers) == seconds


@pytest.mark.parametrize("call", ["probe", "pull", "stock", "acknowledge", "read_offers"])
def test_an_address_that_is_not_on_the_list_needs_a_person(account, call):
    account.shop.ip_allowed = False
    calls = {
        "probe": account.adapter.probe,
        "pull": account.pull,
        "stock": lambda: account.adapter.write_stock([StockIntent(RED, 1)]),
        "acknowledge": lambda: account.adapter.acknowledge("10000001"),
        "read_offers": lambda: account.adapter.read_offers(""),
    }
    with pytest.raises(NeedsReconnect, match="allowed IPs"):
        calls[call]()


def test_a_wrong_password_needs_a_person():
    with pytest.raises(NeedsReconnect):
        Account(password="other").adapter.probe()


def test_no_rights_for_the_api_needs_a_person(account):
    account.shop.fail_next(Fault.REVOKED)
    with pytest.raises(NeedsReconnect, match="not allowed to use this API"):
        account.adapter.probe()


def test_a_gateway_that_fails_on_reading_offers_is_tried_later_by_the_caller(account):
    """500, 502 and 504 on product_offer/read do happen."""
    account.shop.fail_next(Fault.SERVER_ERROR, path="product_offer")
    with pytest.raises(Exception, match="502") as caught:
        account.adapter.read_offers("")
    assert type(caught.value).__name__ == "TryLater"


@pytest.mark.parametrize(
    ("site", "day", "currency"),
    [
        ("ro", "2026-03-02", "RON"),
        ("hu", "2026-03-02", "HUF"),
        ("bg", "2025-12-31", "BGN"),
        ("bg", "2026-01-01", "EUR"),
        ("fd-bg", "2026-03-02", "EUR"),
        ("fd-ro", "2026-03-02", "RON"),
    ],
)
def test_the_currency_of_a_site(site, day, currency):
    account = Account(site=site)
    account.now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    assert account.adapter.probe().currency == currency


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


def test_refused_calls_keep_emags_words(account):
    with pytest.raises(Refused, match="Maximum"):
        account.adapter._save("/offer/save", OTHER, [{"id": number} for number in range(60)])
