"""What is peculiar to Walmart: adapter against emulator, every exchange checked against the published contracts where they are at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import httpx
import pytest

from stallkit.adapters.walmart import cursors, published
from stallkit.adapters.walmart import emulator as emulated
from stallkit.adapters.walmart.adapter import Adapter
from stallkit.adapters.walmart.emulator import CONFIG, Emulator
from stallkit.adapters.walmart.emulator_orders import Look
from stallkit.adapters.walmart.wire import build_stock_feed, ref_of
from stallkit.errors import NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.http import Door, Exchange
from stallkit.manifest import Limit
from stallkit.registry import build
from stallkit.testing.dials import Dials
from stallkit.testing.emulator import Fault, WireRequest
from stallkit.testing.published import specs_folder
from stallkit.testing.serving import EmulatorTransport, Served
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    Hint,
    LineQuantity,
    Money,
    OrderState,
    Pending,
    PriceIntent,
    Rejected,
    RemoteOrder,
    ShipmentNotice,
    StockIntent,
)

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
RED, BLUE = ref_of("CUP-RED"), ref_of("CUP/BLUE 2")


class Freely:
    """No budget of our own: these tests look at Walmart's."""

    def __init__(self) -> None:
        self.blocked: list[tuple[str, float]] = []

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        assert limit.source, f"{limit.bucket} has no source"

    def block(self, limit: Limit, seconds: float) -> None:
        self.blocked.append((limit.bucket, seconds))


class World:
    """A shop, a clock that only tests move, and an adapter whose exchanges are kept."""

    def __init__(self, *, scale: float = 0.001, seed: int = 7, checked: bool = True) -> None:
        self.now = START
        self.shop = Emulator(lambda: self.now, seed=seed, limits_scale=scale)
        self.exchanges: list[Exchange] = []
        self.pacer = Freely()
        transport = published.Transport(self.shop) if checked else EmulatorTransport(self.shop)
        self.adapter = self.connect(transport)

    def connect(self, transport: httpx.BaseTransport, **config: str) -> Adapter:
        door = Door(httpx.Client(transport=transport), "http://walmart.invalid", self.pacer, lambda: self.now, self.exchanges.append)
        adapter = build("walmart", {**CONFIG, **config}, door, lambda: self.now)
        assert isinstance(adapter, Adapter)
        return adapter

    def sleep(self, **time: float) -> None:
        self.now += timedelta(**time)

    def stock(self, quantity: int = 10) -> None:
        self.shop.add_offer(RED.sku, quantity=quantity, price="19.99", gtin="04006381333931")
        self.shop.add_offer(BLUE.sku, quantity=quantity, price="5.00")

    def order(self, quantity: int = 3, *, acknowledged: bool = False, **how: str) -> str:
        order_id = self.shop.place_order([(RED.sku, quantity)], **how)
        if acknowledged:
            assert self.adapter.acknowledge(order_id) == Accepted()
        return order_id

    def pull(self, cursor: str = "") -> tuple[dict[str, RemoteOrder], str]:
        found: dict[str, RemoteOrder] = {}
        while True:
            page = self.adapter.pull_orders(cursor)
            assert not page.parked
            found.update({order.order_id: order for order in page.items})
            cursor = page.cursor
            if page.done:
                return found, cursor

    def paths(self, start: str = "/v3/") -> list[str]:
        """Method and path of the calls so far, oldest first."""
        return [f"{call.method} {call.path}" for call in self.shop.calls if call.path.startswith(start)]

    def url_of_last(self) -> str:
        return self.exchanges[-1].url.removeprefix("http://walmart.invalid")


@pytest.fixture
def world() -> World:
    made = World()
    made.stock()
    return made


def ship(order_id: str, quantity: int = 3, line: str = "1", carrier: str = "UPS", number: str = "1Z1", url: str = "") -> ShipmentNotice:
    return ShipmentNotice(order_id, (LineQuantity(line, quantity),), carrier, number, START, url)


def cancel(order_id: str, quantity: int = 1, reason: CancelReason = CancelReason.BUYER_ASKED) -> CancelNotice:
    return CancelNotice(order_id, (LineQuantity("1", quantity),), reason)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


# --- the published contracts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contract", published.contracts(), ids=lambda contract: contract.name)
def test_the_contract_was_there_and_used(contract, world):
    """Skips, with the reason, where the folder of contracts is absent."""
    contract.require()
    order_id = world.order(acknowledged=True)
    world.adapter.probe()
    world.adapter.pull_orders("")
    world.adapter.confirm_shipment(ship(order_id, 1))
    world.adapter.cancel_lines(cancel(order_id))
    world.adapter.read_offers("")
    world.adapter.read_states([RED])
    world.adapter.write_stock([StockIntent(RED, 4)])
    world.adapter.write_prices([PriceIntent(RED, usd("9.99"))])
    feed = world.adapter.submit_stock([StockIntent(RED, 5)])[RED]
    assert isinstance(feed, Pending)
    world.adapter.resolve_ticket(feed.ticket)
    assert contract.checked


def test_the_contract_would_notice():
    """The check is no formality: a shipment without sellerOrderId, a cancellation with an unknown reason and a bare order are caught."""
    orders = published.contracts()[1]
    orders.require()
    status = {"status": "Shipped", "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "1"}}
    tracking = {"shipDateTime": 1, "carrierName": {"carrier": "UPS"}, "methodCode": "Value", "trackingNumber": "1"}
    shipped = {"lineNumber": "1", "orderLineStatuses": {"orderLineStatus": [{**status, "trackingInfo": tracking}]}}
    cancelled = {**status, "status": "Cancelled", "cancellationReason": "CHANGED_MY_MIND"}
    wrong = [
        ("shipping", {"orderShipment": {"orderLines": {"orderLine": [shipped]}}}),
        (
            "cancel",
            {
                "orderCancellation": {
                    "orderLines": {"orderLine": [{"lineNumber": "1", "orderLineStatuses": {"orderLineStatus": [cancelled]}}]}
                }
            },
        ),
    ]
    for verb, body in wrong:
        exchange = Exchange(
            "POST", f"http://x/v3/orders/1/{verb}", {"content-type": "application/json"}, json.dumps(body).encode(), None, {}, b"", 0
        )
        with pytest.raises(AssertionError):
            orders.check(exchange)
    bare = Exchange(
        "GET", "http://x/v3/orders/1", {}, b"", 200, {"content-type": "application/json"}, b'{"order":{"purchaseOrderId":"1"}}', 0
    )
    with pytest.raises(AssertionError):
        orders.check(bare)


def test_the_stock_feed_is_what_its_schema_says():
    """The file inside the multipart body, which OpenAPI calls just binary."""
    folder = specs_folder() / "walmart" / "feed-schemas"
    if not folder.is_dir():
        pytest.skip(f"the feed schemas are not in {folder} (set STALLKEEPER_SPECS)")
    from jsonschema import Draft6Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT6

    files = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("Inventory*.json")}
    registry = Registry().with_resources((name, Resource(body, DRAFT6)) for name, body in files.items())
    check = Draft6Validator(files["InventoryFeed.json"], registry=registry)
    feed = json.loads(build_stock_feed([StockIntent(RED, 4), StockIntent(BLUE, 0)]))
    check.validate(feed)
    feed["Inventory"][0]["quantity"].pop("unit")
    assert not check.is_valid(feed)


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
    world.adapter.read_states([RED, BLUE])
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


def test_a_probe_names_the_account_its_rights_and_what_is_missing(world, monkeypatch):
    info = world.adapter.probe()
    assert (info.account_id, info.name, info.currency, info.warnings) == ("100009", "Ada's Stall", "USD", ())
    assert "orders: full_access" in info.rights
    monkeypatch.setattr(emulated, "AREAS", ("orders", "inventory", "price", "item"))
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


def ask(world: World, path: str, **params: str) -> httpx.Response:
    """A bare call, without the adapter."""
    world.adapter.session.renew()
    headers = {"WM_QOS.CORRELATION_ID": "1", "WM_SVC.NAME": "Walmart Marketplace", "WM_SEC.ACCESS_TOKEN": list(world.shop._tokens)[-1]}
    return httpx.Client(transport=EmulatorTransport(world.shop)).get(f"http://walmart.invalid{path}", params=params, headers=headers)


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
    assert refused.code == "INVALID_REQUEST_CONTENT.GMP_ORDER_API"
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


def test_a_line_that_the_buyer_asked_to_cancel_ships_with_an_override(world):
    order_id = world.order(acknowledged=True)
    world.shop.request_cancel(order_id)
    assert world.adapter.confirm_shipment(ship(order_id)) == Accepted()
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
    assert world.adapter.read_states([gone, BLUE]) == {gone: None, BLUE: replace(world.adapter.read_states([BLUE])[BLUE])}
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
