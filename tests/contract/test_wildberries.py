"""Wildberries' adapter keeps every promise of the contract suite; its traffic keeps to Wildberries' published contracts."""

from datetime import timedelta

from stallkit.adapters.wildberries.emulator import CONFIG, MAIN, Emulator
from stallkit.adapters.wildberries.published import Transport
from stallkit.errors import SlowDown
from stallkit.testing.contract import Contract


class WaitingPacer:
    """A pacer that waits, as pacers may, up to a second (of the toy clock): a page of orders takes three calls."""

    def __init__(self, inner, clock):
        self.inner, self.clock = inner, clock

    def spend(self, limit, cost=1.0):
        try:
            self.inner.spend(limit, cost)
        except SlowDown as error:
            if error.retry_after > 1:
                raise
            self.clock.advance(error.retry_after + 0.001)
            self.inner.spend(limit, cost)

    def block(self, limit, seconds):
        self.inner.block(limit, seconds)

    def charge(self, limit, cost):
        self.inner.charge(limit, cost)


class TestWildberries(Contract):
    platform = "wildberries"
    config = CONFIG
    warehouse = str(MAIN)
    optional_fields = {
        "orderUid": "03, GET /api/v3/orders: not marked as always there; an assembly order without it stands alone",
    }

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock)
        emulator.orders_per_page = 9  # assembly orders: more than two of the suite's baskets hold
        emulator.buyers_hour = timedelta(days=30)  # cases cancel old orders as buyers; test_wildberries_traps shows the hour
        return emulator

    @classmethod
    def make_transport(cls, emulator):
        return Transport(emulator)

    @classmethod
    def make_adapter(cls, config, door, clock):
        return super().make_adapter(config, door.with_(pacer=WaitingPacer(door.pacer, clock)), clock)
