"""Ozon's adapter keeps every promise of the contract suite, on FBS and on rFBS postings; every exchange keeps to the published contract."""

from dataclasses import replace

from stallkit.adapters.ozon.adapter import Adapter
from stallkit.adapters.ozon.emulated_goods import FBS, RFBS
from stallkit.adapters.ozon.emulator import CONFIG, Emulator
from stallkit.adapters.ozon.manifest import MANIFEST, NO_CARRIER, UNITS_LESS
from stallkit.adapters.ozon.published import transport
from stallkit.testing.contract import Contract

RFBS_SKIPS = (
    *(skip for skip in MANIFEST.skips if skip[0] in {"*.token_expired", "shipment.partial_lines"} or skip[1] in {NO_CARRIER, UNITS_LESS}),
)


class SellerDelivers(Adapter):
    """The same adapter, with the skips of rFBS: other cases can be shown there than on FBS."""

    MANIFEST = replace(MANIFEST, skips=RFBS_SKIPS)


class Ozon(Contract):
    platform = "ozon"
    config = CONFIG
    scheme = "fbs"

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock, scheme=cls.scheme)
        emulator.orders_per_page = emulator.offers_per_page = 7
        return emulator

    @classmethod
    def make_transport(cls, emulator):
        return transport(emulator)


class TestOzonSellerDelivers(Ozon):
    scheme, warehouse = "rfbs", RFBS

    @classmethod
    def manifest(cls):
        return SellerDelivers.MANIFEST

    @classmethod
    def make_adapter(cls, config, door, clock):
        return SellerDelivers(config, door, clock)


class TestOzon(Ozon):
    scheme, warehouse = "fbs", FBS
