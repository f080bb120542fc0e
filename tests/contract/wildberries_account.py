"""An emulated Wildberries account and an adapter on it, for the tests of its traps. Every exchange is checked against the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx

from stallkit.adapters.wildberries.adapter import Adapter
from stallkit.adapters.wildberries.emulator import CONFIG, MAIN, TOKEN, Emulator
from stallkit.adapters.wildberries.published import Transport
from stallkit.http import Door, Exchange
from stallkit.manifest import Limit
from stallkit.types import (
    CancelNotice,
    CancelReason,
    LineQuantity,
    OfferRef,
    Outcome,
    Parked,
    RemoteOrder,
    ShipmentNotice,
    StockIntent,
)

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
BASE = "http://wildberries.invalid"


class Freely:
    """No budget of our own: these tests look at Wildberries'."""

    def __init__(self) -> None:
        self.blocked: list[tuple[str, float]] = []
        self.charged: list[tuple[str, float]] = []
        self.spent: list[str] = []

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        assert limit.source, f"{limit.bucket} has no source"
        self.spent.append(limit.bucket)

    def block(self, limit: Limit, seconds: float) -> None:
        self.blocked.append((limit.bucket, seconds))

    def charge(self, limit: Limit, cost: float) -> None:
        self.charged.append((limit.bucket, cost))


class Account:
    """A shop with two offers of ten each, RED and BLUE, a clock that only tests move, and an adapter whose exchanges are kept."""

    def __init__(self, *, scale: float = 0.001, **config: str) -> None:
        self.now = START
        self.shop = Emulator(lambda: self.now, limits_scale=scale)
        self.exchanges: list[Exchange] = []
        self.pacer = Freely()
        self.config = {**CONFIG, **config}
        self.adapter = self.connect()
        for sku in ("RED", "BLUE"):
            self.shop.add_offer(sku, quantity=10, price="500", gtin="4006381333931")

    def connect(self, hosts: Mapping[str, str] | None = None) -> Adapter:
        """A new adapter, as a new process would have it."""
        client = httpx.Client(transport=Transport(self.shop))
        door = Door(client, BASE, self.pacer, lambda: self.now, self.exchanges.append, hosts=hosts or {})
        return Adapter(self.config, door, lambda: self.now)

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        self.shop.settle()

    def ref(self, sku: str = "RED") -> OfferRef:
        return OfferRef(sku, self.shop.offers[sku].external_id)

    def write(self, quantity: int, sku: str = "RED", warehouse: int = MAIN) -> Outcome:
        intent = StockIntent(self.ref(sku), quantity, str(warehouse))
        return self.adapter.write_stock([intent])[intent.ref]

    def shown(self, sku: str = "RED", warehouse: int = MAIN) -> int | None:
        ref = self.ref(sku)
        state = self.adapter.read_states([ref], str(warehouse))[ref]
        assert state is not None
        return state.quantity

    def pull(self, cursor: str = "") -> tuple[dict[str, RemoteOrder], list[Parked], str]:
        """Every page from the cursor on. A basket that came twice must have come as the same."""
        orders: dict[str, RemoteOrder] = {}
        parked: list[Parked] = []
        while True:
            page = self.adapter.pull_orders(cursor)
            orders.update({order.order_id: order for order in page.items})
            parked += page.parked
            cursor = page.cursor
            if page.done:
                return orders, parked, cursor

    def order(self, order_id: str) -> RemoteOrder:
        told = self.adapter.read_order(order_id)
        assert told is not None
        return told

    def cancel(self, order_id: str, quantity: int, sku: str = "RED") -> Outcome:
        lines = (LineQuantity(self.shop.offers[sku].external_id, quantity),)
        return self.adapter.cancel_lines(CancelNotice(order_id, lines, CancelReason.OUT_OF_STOCK))

    def ship(self, order_id: str, quantity: int, sku: str = "RED") -> Outcome:
        lines = (LineQuantity(self.shop.offers[sku].external_id, quantity),)
        return self.adapter.confirm_shipment(ShipmentNotice(order_id, lines, "", "", self.now))

    def raw(self, method: str, path: str, json: object = None) -> httpx.Response:
        """A call that the adapter never makes."""
        client = httpx.Client(transport=Transport(self.shop))
        return client.request(method, BASE + path, json=json, headers={"Authorization": TOKEN})

    def calls(self, start: str = "") -> list[str]:
        """Method and path of the calls so far."""
        return [f"{call.method} {call.path}" for call in self.shop.calls if call.path.startswith(start)]
