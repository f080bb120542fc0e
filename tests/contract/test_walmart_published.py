"""The world of Walmart's contract tests, and that its traffic is really checked against the published contracts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from stallkit.adapters.walmart import published
from stallkit.adapters.walmart.adapter import Adapter
from stallkit.adapters.walmart.emulator import CONFIG, Emulator
from stallkit.adapters.walmart.wire import build_stock_feed, ref_of
from stallkit.http import Door, Exchange
from stallkit.manifest import Limit
from stallkit.registry import build
from stallkit.testing.published import specs_folder
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    LineQuantity,
    Money,
    Pending,
    PriceIntent,
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


def stocked() -> World:
    """A world with two offers, ten of each."""
    made = World()
    made.stock()
    return made


def ship(order_id: str, quantity: int = 3, line: str = "1", carrier: str = "UPS", number: str = "1Z1", url: str = "") -> ShipmentNotice:
    return ShipmentNotice(order_id, (LineQuantity(line, quantity),), carrier, number, START, url)


def cancel(order_id: str, quantity: int = 1, reason: CancelReason = CancelReason.BUYER_ASKED) -> CancelNotice:
    return CancelNotice(order_id, (LineQuantity("1", quantity),), reason)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def ask(world: World, path: str, **params: str) -> httpx.Response:
    """A bare call, without the adapter."""
    world.adapter.session.renew()
    headers = {"WM_QOS.CORRELATION_ID": "1", "WM_SVC.NAME": "Walmart Marketplace", "WM_SEC.ACCESS_TOKEN": list(world.shop._tokens)[-1]}
    return httpx.Client(transport=EmulatorTransport(world.shop)).get(f"http://walmart.invalid{path}", params=params, headers=headers)


@pytest.fixture
def world() -> World:
    return stocked()


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
