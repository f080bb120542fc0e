"""An emulated eMAG account with two offers and an adapter on it, for the tests of eMAG's traps."""

import base64
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from stallkit.adapters.emag.adapter import Adapter
from stallkit.adapters.emag.emulator import CONFIG, PASSWORD, USER, Emulator
from stallkit.http import Door
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    LineQuantity,
    OfferRef,
    ShipmentNotice,
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
