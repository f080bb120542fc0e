"""An emulated Ozon account with two offers and an adapter on it, for the tests of Ozon's traps; every exchange keeps to the contract."""

from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from stallkit.adapters.ozon.adapter import Adapter
from stallkit.adapters.ozon.emulated_goods import FBS, RFBS
from stallkit.adapters.ozon.emulator import CONFIG, Emulator
from stallkit.adapters.ozon.published import Transport
from stallkit.http import Door
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import Accepted, CancelNotice, CancelReason, LineQuantity, NotNow, OfferRef, ShipmentNotice, StockIntent

RED, BLUE = OfferRef("RED", "1904686181"), OfferRef("BLUE", "1904686182")
WAREHOUSES = {"fbs": FBS, "rfbs": RFBS}


class FreePacer:
    """No budget of ours: here it is Ozon's that counts."""

    def __init__(self):
        self.blocked = []

    def spend(self, limit, cost=1.0):
        pass

    def block(self, limit, seconds):
        self.blocked.append((limit, seconds))


class Account:
    """``sent``: (path, body) of every call."""

    def __init__(self, scheme="fbs", limits_scale=1.0, checked=True, **config):
        self.now = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
        self.shop = Emulator(self.clock, scheme=scheme, limits_scale=limits_scale)
        self.warehouse = WAREHOUSES[scheme]
        self.sent = []
        self.pacer = FreePacer()
        hooks = {"request": [lambda request: self.sent.append((request.url.path, msgspec.json.decode(request.content)))]}
        way = Transport(self.shop) if checked else EmulatorTransport(self.shop)
        self.client = httpx.Client(transport=way, event_hooks=hooks, base_url="http://ozon.invalid")
        self.adapter = Adapter({**CONFIG, **config}, Door(self.client, "http://ozon.invalid", self.pacer, self.clock), self.clock)
        self.shop.add_offer("RED", quantity=10, price="100.00")
        self.shop.add_offer("BLUE", quantity=10, price="100.00")

    def clock(self):
        return self.now

    def advance(self, **delta):
        self.now += timedelta(**delta)

    def paths(self):
        return [path for path, _ in self.sent]

    def write(self, quantity, ref=RED, warehouse=""):
        return self.adapter.write_stock([StockIntent(ref, quantity, warehouse or self.warehouse)])[ref]

    def figures(self, ref=RED):
        """(free, reserved) as the adapter reads them."""
        state = self.adapter.read_states([ref], self.warehouse)[ref]
        return state.quantity, state.reserved

    def pull(self, cursor=""):
        orders, parked = {}, []
        while True:
            page = self.adapter.pull_orders(cursor)
            orders.update({order.order_id: order for order in page.items})
            parked += page.parked
            cursor = page.cursor
            if page.done:
                return orders, parked, cursor

    def until_done(self, call):
        """The call again and again while Ozon is at work."""
        for _ in range(20):
            outcome = call()
            if not isinstance(outcome, NotNow):
                return outcome
            self.advance(seconds=outcome.retry_after)
        raise AssertionError("Ozon is at work for ever")

    def packed(self, *lines):
        order_id = self.shop.place_order(lines or [("RED", 2)])
        assert self.until_done(lambda: self.adapter.acknowledge(order_id)) == Accepted()
        return order_id

    def lines(self, order_id, *lines):
        numbers = {"RED": RED.external_id, "BLUE": BLUE.external_id}
        told = lines or [(line.sku, line.ordered) for line in self.shop.orders[order_id].lines]
        return tuple(LineQuantity(numbers[sku], quantity) for sku, quantity in told)

    def cancel(self, order_id, *lines, reason=CancelReason.OUT_OF_STOCK):
        return self.adapter.cancel_lines(CancelNotice(order_id, self.lines(order_id, *lines), reason))

    def ship(self, order_id, *lines, number="TRACK-1", although_asked=False):
        parts = self.lines(order_id, *lines)
        notice = ShipmentNotice(order_id, parts, "CDEK", number, self.now, although_asked=although_asked)
        return self.until_done(lambda: self.adapter.confirm_shipment(notice))
