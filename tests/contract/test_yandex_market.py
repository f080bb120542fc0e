"""Yandex Market's adapter keeps every promise of the contract suite (FBS orders); its traffic keeps to the published contract."""

from __future__ import annotations

from datetime import timedelta

from stallkit.adapters.yandex_market.emulator import CONFIG, WAREHOUSE, Emulator
from stallkit.adapters.yandex_market.published import CALLED, CONTRACT, Transport
from stallkit.testing.contract import Contract


class TestYandexMarket(Contract):
    platform = "yandex_market"
    config = CONFIG
    warehouse = WAREHOUSE
    optional_fields = {
        "itemStatuses": "contract, BusinessOrderItemDTO: absent where there is nothing to tell of single units",
    }

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock)
        emulator.orders_per_page = emulator.offers_per_page = 7
        emulator.visible_after = timedelta(0)  # test_yandex_market_traps shows what the wait does
        return emulator

    @classmethod
    def make_transport(cls, emulator):
        return Transport(emulator)


def test_the_contract_was_there():
    CONTRACT.require()
    assert {operation.template for operation in CONTRACT.operations} == CALLED
