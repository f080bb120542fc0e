"""Ozon's adapter keeps every promise of the contract suite, on FBS and on rFBS postings; every exchange keeps to the published contract."""

from dataclasses import replace

from stallkit.adapters.ozon.adapter import Adapter
from stallkit.adapters.ozon.emulated_goods import FBS, RFBS
from stallkit.adapters.ozon.emulator import CONFIG, Emulator
from stallkit.adapters.ozon.manifest import MANIFEST, NO_CARRIER, UNITS_LESS
from stallkit.adapters.ozon.published import Transport
from stallkit.errors import SlowDown
from stallkit.testing.contract import Contract

RFBS_SKIPS = (
    *(skip for skip in MANIFEST.skips if skip[0] in {"*.token_expired", "shipment.partial_lines"} or skip[1] in {NO_CARRIER, UNITS_LESS}),
)


class WaitingPacer:
    """A pacer that waits, as pacers may, up to a second (of the toy clock): a case may ask for products again and again."""

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


class SellerDelivers(Adapter):
    """The same adapter, with the skips of rFBS: other cases can be shown there than on FBS."""

    MANIFEST = replace(MANIFEST, skips=RFBS_SKIPS)


class Ozon(Contract):
    platform = "ozon"
    config = CONFIG
    scheme = "fbs"
    adapter = Adapter

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock, scheme=cls.scheme)
        emulator.orders_per_page = emulator.offers_per_page = 7
        return emulator

    @classmethod
    def make_transport(cls, emulator):
        return Transport(emulator)

    @classmethod
    def make_adapter(cls, config, door, clock):
        return cls.adapter(config, door.with_(pacer=WaitingPacer(door.pacer, clock)), clock)


class TestOzonSellerDelivers(Ozon):
    scheme, warehouse, adapter = "rfbs", RFBS, SellerDelivers

    @classmethod
    def manifest(cls):
        return SellerDelivers.MANIFEST


class TestOzon(Ozon):
    scheme, warehouse = "fbs", FBS
