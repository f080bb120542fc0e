"""The world of Yandex Market's own tests: a shop, a clock that only tests move, an adapter whose exchanges are kept and checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx

from stallkit.adapters.yandex_market.emulator import CONFIG, WAREHOUSE, Emulator
from stallkit.adapters.yandex_market.published import Transport
from stallkit.adapters.yandex_market.wire import ref_of
from stallkit.http import Door, Exchange
from stallkit.manifest import Limit
from stallkit.registry import build
from stallkit.testing.shop import SoldOut
from stallkit.types import CancelNotice, CancelReason, LineQuantity, RemoteOrder, ShipmentNotice, StockIntent

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
RED, BLUE = ref_of("CUP-RED"), ref_of("CUP-BLUE")


class Freely:
    """No budget of our own: these tests look at the Market's."""

    def __init__(self) -> None:
        self.blocked: list[tuple[str, float]] = []

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        assert limit.source, f"{limit.bucket} has no source"

    def block(self, limit: Limit, seconds: float) -> None:
        self.blocked.append((limit.bucket, seconds))


class World:
    """Two cups on sale: ten red ones, ten blue ones."""

    def __init__(self, *, model: str = "FBS", visible_after: float = 0, **config: str) -> None:
        self.now = START
        self.shop = Emulator(lambda: self.now, seed=7)
        self.shop.model, self.shop.visible_after = model, timedelta(seconds=visible_after)
        for sku in ("CUP-RED", "CUP-BLUE"):
            self.shop.add_offer(sku, quantity=10, price="100.00")
        self.exchanges: list[Exchange] = []
        self.pacer = Freely()
        self.client = httpx.Client(transport=Transport(self.shop))
        self.adapter = self.connect(**config)

    def connect(self, **config: str):
        door = Door(self.client, "http://market.invalid", self.pacer, lambda: self.now, self.exchanges.append)
        return build("yandex_market", {**CONFIG, **config}, door, lambda: self.now)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    # --- what was said ------------------------------------------------------------------------------------------------------------------

    def calls(self, end: str) -> list[Exchange]:
        """Exchanges whose path ends so."""
        return [exchange for exchange in self.exchanges if urlsplit(exchange.url).path.endswith(end)]

    def bodies(self, end: str) -> list[dict]:
        return [json.loads(exchange.request_body) for exchange in self.calls(end)]

    # --- stock --------------------------------------------------------------------------------------------------------------------------

    def intent(self, ref, quantity: int, as_of: datetime | None = None, warehouse: str = WAREHOUSE) -> StockIntent:
        return StockIntent(ref, quantity, warehouse, as_of or self.now)

    def push(self, **quantities: int):
        return self.adapter.write_stock([self.intent(ref_of(name.replace("_", "-")), number) for name, number in quantities.items()])

    def state(self, ref=RED, warehouse: str = WAREHOUSE):
        return self.adapter.read_states([ref], warehouse)[ref]

    def can_buy(self, sku: str, quantity: int) -> bool:
        try:
            self.shop.place_order([(sku, quantity)])
        except SoldOut:
            return False
        return True

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def order(self, *lines: tuple[str, int], **how) -> str:
        order_id = self.shop.place_order(lines or (("CUP-RED", 2),), **how)
        self.later(seconds=5)
        return order_id

    def read(self, order_id: str) -> RemoteOrder:
        order = self.adapter.read_order(order_id)
        assert order is not None
        return order

    def line_id(self, order_id: str, sku: str = "CUP-RED") -> str:
        return next(line.line_id for line in self.shop.orders[order_id].lines if line.sku == sku)

    def parts(self, order_id: str, lines: tuple[tuple[str, int], ...]) -> tuple[LineQuantity, ...]:
        wanted = lines or tuple((line.sku, line.ordered - line.cancelled) for line in self.shop.orders[order_id].lines)
        return tuple(LineQuantity(self.line_id(order_id, sku), quantity) for sku, quantity in wanted)

    def ship(self, order_id: str, *lines: tuple[str, int], carrier: str = "DHL", number: str = "JD014600", although_asked: bool = False):
        parts = self.parts(order_id, lines)
        return self.adapter.confirm_shipment(ShipmentNotice(order_id, parts, carrier, number, self.now, "", although_asked))

    def cancel(self, order_id: str, *lines: tuple[str, int], reason: CancelReason = CancelReason.OUT_OF_STOCK):
        return self.adapter.cancel_lines(CancelNotice(order_id, self.parts(order_id, lines), reason))

    def shown(self, sku: str = "CUP-RED") -> tuple[int, int]:
        """(for sale, in the Market's reserve)."""
        return self.shop.quantity_of(sku), self.shop.figures.reserved.get(sku, 0)
