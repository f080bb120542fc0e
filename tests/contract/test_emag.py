"""eMAG's adapter keeps every promise of the contract suite."""

from stallkit.adapters.emag.emulator import CONFIG, Emulator
from stallkit.errors import SlowDown
from stallkit.testing.contract import Contract


class WaitingPacer:
    """A pacer that waits, as pacers may, up to a second (of the toy clock): eMAG's second bucket holds no more than two calls."""

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


class TestEmag(Contract):
    platform = "emag"
    config = CONFIG
    optional_fields = {
        "ext_part_number": "4.4.9, section 5.1.1: optional; a line names its offer by product_id",
        "initial_qty": "not in 4.4.9, seen in live replies; without it a line counts what is left of it",
    }

    @classmethod
    def make_emulator(cls, clock):
        return Emulator(clock)

    @classmethod
    def make_adapter(cls, config, door, clock):
        return super().make_adapter(config, door.with_(pacer=WaitingPacer(door.pacer, clock)), clock)
