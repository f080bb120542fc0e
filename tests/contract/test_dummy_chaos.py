"""With every dial turned up, a caller who keeps the rules loses no order and ends with the right numbers (invariants 5, 10)."""

from datetime import timedelta

import httpx
import pytest

from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.errors import AdapterError, SlowDown
from stallkit.http import Door
from stallkit.pacing import MemoryPacer
from stallkit.registry import build
from stallkit.testing.contract.bench import ToyClock
from stallkit.testing.emulator import Dials, Fault
from stallkit.testing.serving import EmulatorTransport, Served
from stallkit.types import Accepted, StockIntent

CHAOS = Dials(
    faults={
        Fault.RATE_LIMIT: 0.05,
        Fault.RATE_LIMIT_SILENT: 0.03,
        Fault.SERVER_ERROR: 0.05,
        Fault.SERVER_ERROR_AFTER: 0.05,
        Fault.DROP_BEFORE: 0.05,
        Fault.DROP_AFTER: 0.05,
        Fault.HTML: 0.03,
        Fault.CUT_JSON: 0.03,
        Fault.TOKEN_EXPIRED: 0.02,
        Fault.UNKNOWN_ENUM: 0.02,
    },
    hint_lost=0.3,
    hint_doubled=0.3,
    hint_late=0.3,
    item_refused=0.1,
    not_applied=0.02,
    late_push=0.05,
    read_lag=timedelta(minutes=10),
    page_shift=0.1,
)


class Caller:
    """What an engine does, in its plainest form: keep the cursor, wait when told, look before repeating."""

    def __init__(self, seed):
        self.clock = ToyClock()
        self.emulator = Emulator(self.clock, seed=seed)
        self.emulator.orders_per_page = 5
        self.client = httpx.Client(transport=EmulatorTransport(self.emulator))
        door = Door(self.client, "http://dummy", MemoryPacer(self.clock), self.clock)
        self.adapter = build("dummy", CONFIG, door, self.clock)
        self.cursor, self.orders = "", {}

    def insist(self, call, tries=60):
        for _ in range(tries):
            try:
                return call()
            except SlowDown as error:
                self.clock.advance(error.retry_after)
            except AdapterError:
                self.clock.advance(1)
        raise AssertionError(f"{tries} tries were not enough")

    def pull(self):
        while True:
            page = self.insist(lambda: self.adapter.pull_orders(self.cursor))
            self.cursor = page.cursor
            self.orders.update({order.order_id: order for order in page.items})
            if page.done:
                return


@pytest.mark.parametrize("seed", range(8))
def test_no_order_is_lost_in_the_storm(seed):
    caller = Caller(seed)
    caller.emulator.add_offer("A", quantity=10_000)
    caller.emulator.dials = CHAOS
    for number in range(60):
        for _ in range(number % 3):
            caller.emulator.place_order([("A", 1)])
        if number % 7 == 0 and caller.emulator.orders:
            caller.emulator.buyer_cancels(caller.emulator.random.choice(list(caller.emulator.orders)))
        caller.clock.advance(20)
        caller.pull()
    caller.emulator.dials = Dials()
    caller.clock.advance(60)
    caller.pull()
    assert set(caller.orders) == set(caller.emulator.orders)
    assert {order_id: order.state for order_id, order in caller.orders.items()} == {
        order_id: order.state for order_id, order in caller.emulator.orders.items()
    }


@pytest.mark.parametrize("seed", range(8))
def test_numbers_come_right_by_looking(seed):
    """Written, accepted, lost, late: reading back and writing again gets there."""
    caller = Caller(seed)
    for name in "ABCDEF":
        caller.emulator.add_offer(name, quantity=1)
    refs = [offer.ref for offer in caller.adapter.read_offers("").items]
    caller.emulator.dials = CHAOS
    for number in range(20):
        caller.insist(lambda wanted=number: caller.adapter.write_stock([StockIntent(ref, wanted) for ref in refs]))
        caller.clock.advance(5)
    caller.emulator.dials = Dials()
    caller.clock.advance(31)  # late pushes have landed by now
    states = caller.insist(lambda: caller.adapter.read_states(refs))
    wrong = [ref for ref in refs if states[ref].quantity != 19]
    if wrong:
        assert set(caller.adapter.write_stock([StockIntent(ref, 19) for ref in wrong]).values()) == {Accepted()}
    assert {caller.emulator.quantity_of(ref.sku) for ref in refs} == {19}


def test_the_same_storm_twice():
    """A seed replays exactly."""

    def story():
        caller = Caller(11)
        caller.emulator.add_offer("A", quantity=1_000)
        caller.emulator.dials = CHAOS
        for _ in range(30):
            caller.emulator.place_order([("A", 1)])
            caller.clock.advance(10)
            caller.pull()
        return [(call.at, call.path, call.status, call.fault) for call in caller.emulator.calls]

    assert story() == story()


def test_over_real_sockets_a_dropped_connection_is_one():
    clock = ToyClock()
    emulator = Emulator(clock)
    emulator.add_offer("A", quantity=5)
    with Served(emulator) as served, httpx.Client() as client:
        adapter = build("dummy", CONFIG, Door(client, served.url, MemoryPacer(clock), clock), clock)
        (offer,) = adapter.read_offers("").items
        emulator.fail_next("drop_reply_after_applying")
        with pytest.raises(AdapterError) as raised:
            adapter.write_stock([StockIntent(offer.ref, 2)])
        assert type(raised.value).__name__ == "OutcomeUnknown"
        assert emulator.quantity_of("A") == 2
        assert adapter.read_states([offer.ref])[offer.ref].quantity == 2
