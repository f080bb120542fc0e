"""Walmart's adapter keeps every promise of the contract suite; its traffic keeps to Walmart's published contracts."""

from stallkit.adapters.walmart.emulator import CONFIG, Emulator
from stallkit.adapters.walmart.published import Transport
from stallkit.testing.contract import Contract


class TestWalmart(Contract):
    platform = "walmart"
    config = CONFIG

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock)
        emulator.orders_per_page = emulator.offers_per_page = 7
        emulator.stockout_cancel_empties = False  # cancel.every_reason buys the same cup again; test_walmart_traps shows this one
        return emulator

    @classmethod
    def make_transport(cls, emulator):
        return Transport(emulator)
