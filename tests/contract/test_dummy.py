"""The dummy market's adapter keeps every promise of the contract."""

from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.testing.contract import Contract


class TestDummy(Contract):
    platform = "dummy"
    config = CONFIG

    @classmethod
    def make_emulator(cls, clock):
        emulator = Emulator(clock)
        emulator.orders_per_page = emulator.offers_per_page = 7
        return emulator
