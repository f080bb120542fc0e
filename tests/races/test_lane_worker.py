"""Real worker processes against an emulated market on loopback: woken, killed without mercy, ended with grace (invariants 11, 12)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection

from stallkeeper.channels.models import Channel, Command, Connection, Lane, Offer
from stallkeeper.sync import wake
from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.testing.serving import Served
from stallkit.testing.shop import WireReply, WireRequest
from tests.shop import Shop

SOON = 45
"""Seconds. Sooner than the minute after which an idle lane looks by itself; this machine may be busy with other things."""
TAKEN_OVER = 30
"""Seconds. Ten until a silent worker's lane is free, one until the next tick, and what a busy machine adds."""
WORKER = "import django; django.setup(); from stallkeeper.sync import worker; worker.main(4)"


class SlowMarket(Emulator):
    """Holds back the reply to an acknowledgement, which has taken effect by then, until ``go_on`` is set."""

    def __init__(self) -> None:
        super().__init__(lambda: datetime.now(UTC))
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def handle(self, request: WireRequest) -> WireReply:
        reply = super().handle(request)
        if request.path.endswith("/acceptance"):
            self.asked.set()
            self.go_on.wait(4 * SOON)
        return reply


class House:
    """A shop with one stall, its market on a port, and the workers that were started."""

    def __init__(self, race_db, stack: ExitStack) -> None:
        self.race_db, self.market = race_db, SlowMarket()
        url = stack.enter_context(Served(self.market)).url
        self.shop = Shop.open()
        self.unit = self.shop.unit("MUG", 10)
        self.channel: Channel = self.shop.channel()
        with self.shop.scope():
            Connection.objects.update(base_url=url, config=dict(CONFIG))
        self.market.add_offer("MUG", quantity=10)
        self.offer: Offer = self.shop.offer(self.channel, self.unit)
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        environment = self.race_db.environment | {
            "DJANGO_SETTINGS_MODULE": "stallkeeper.settings",
            "STALLKEEPER_ALLOW_PRIVATE_URLS": "127.0.0.1",
        }
        worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment)
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        self.market.go_on.set()
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait(SOON)

    def at_work(self) -> int:
        """How many workers wait for jobs."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_workers")
            return int(cursor.fetchone()[0])

    def commands(self) -> list[str]:
        with self.shop.scope():
            return list(Command.objects.values_list("state", flat=True))

    def hint(self) -> None:
        """As the market's callback does."""
        with self.shop.scope():
            wake.hint([self.channel.connection_id])

    def claimed(self) -> bool:
        with self.shop.scope():
            return Lane.objects.exclude(claimed_by="").exists()


@pytest.fixture
def house(race_db) -> Iterator[House]:
    with ExitStack() as stack:
        house = House(race_db, stack)
        stack.callback(house.end)
        yield house


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Until the condition holds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.02)


@contextmanager
def ready(house: House) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has begun to pull orders."""
    worker = house.start()
    wait_for(lambda: any(call.path == "/v1/orders" for call in house.market.calls), 2 * SOON, "the first pull")
    yield worker


def test_orders_flow_and_stock_follows_within_seconds(house: House) -> None:
    """S4.34, S4.44: nobody calls anybody; the worker looks, and a change wakes it."""
    with ready(house):
        order = house.market.place_order([("MUG", 3)])
        house.hint()
        wait_for(lambda: house.market.orders[order].acknowledged_at, SOON, "the acknowledgement")
        house.shop.at = datetime.now(UTC)
        house.shop.stock(house.unit, 6)
        wait_for(lambda: house.market.quantity_of("MUG") == 3, SOON, "the new quantity")


@pytest.mark.long(15)
def test_a_killed_worker_is_taken_over_and_its_call_is_not_repeated(house: House) -> None:
    """kill -9 between the call and its answer: taken over after ten seconds, asked, not repeated (C9)."""
    with ready(house) as worker:
        house.market.go_on.clear()
        order = house.market.place_order([("MUG", 3)])
        house.hint()
        assert house.market.asked.wait(SOON)
        worker.kill()
        worker.wait(SOON)
        house.market.go_on.set()
        assert house.commands() == ["sent"]
        house.start()
        wait_for(lambda: house.commands() == ["done"], SOON, "the takeover")
    assert house.market.orders[order].acknowledge_calls == 1


def test_the_first_sigterm_lets_the_call_end_and_gives_the_lane_back(house: House) -> None:
    with ready(house) as worker:
        house.market.go_on.clear()
        order = house.market.place_order([("MUG", 3)])
        house.hint()
        assert house.market.asked.wait(SOON)
        os.kill(worker.pid, signal.SIGTERM)
        time.sleep(0.5)
        assert worker.poll() is None, "it waits for the call that is under way"
        house.market.go_on.set()
        assert worker.wait(SOON) == 0
    assert house.commands() == ["done"]
    assert not house.claimed()
    assert house.market.orders[order].acknowledge_calls == 1


def test_a_second_sigterm_ends_at_once(house: House) -> None:
    with ready(house) as worker:
        house.market.go_on.clear()
        house.market.place_order([("MUG", 3)])
        house.hint()
        assert house.market.asked.wait(SOON)
        os.kill(worker.pid, signal.SIGTERM)
        wait_for(lambda: ended_by_another(worker), SOON, "the end")
    assert house.commands() == ["sent"]


def ended_by_another(worker: subprocess.Popen[bytes]) -> bool:
    """One more SIGTERM, and a moment: two that arrive before the worker looks are one."""
    os.kill(worker.pid, signal.SIGTERM)
    try:
        worker.wait(0.5)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_worker_survives_a_restart_of_the_database(house: House) -> None:
    """Invariant 12: nothing is lost, and work goes on by itself."""
    with ready(house) as worker:
        house.race_db.break_connections()
        order = house.market.place_order([("MUG", 2)])
        wait_for(lambda: house.market.orders[order].acknowledged_at, SOON, "the acknowledgement after the restart")
        assert worker.poll() is None
    assert house.market.orders[order].acknowledge_calls == 1


def test_two_workers_share_the_lanes(house: House) -> None:
    """Whatever the number of workers, each order is acknowledged once."""
    with ready(house):
        house.start()
        placed = [house.market.place_order([("MUG", 1)]) for _ in range(5)]
        house.hint()
        wait_for(lambda: all(house.market.orders[order].acknowledged_at for order in placed), SOON, "the acknowledgements")
        time.sleep(1)
    assert {house.market.orders[order].acknowledge_calls for order in placed} == {1}


@contextmanager
def frozen(worker: subprocess.Popen[bytes]) -> Iterator[None]:
    """The process stands still, with everything that it holds."""
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker.pid, signal.SIGCONT)


@pytest.mark.long(15)
def test_a_worker_that_freezes_between_runs_keeps_nobody_waiting(house: House) -> None:
    """The first worker ticks from its first second on; if the others waited for it, no lane would ever be due again."""
    with ready(house) as first:
        second = house.start()
        wait_for(lambda: house.at_work() == 2, 2 * SOON, "the second worker")
        time.sleep(2)
        with frozen(first):
            order = house.market.place_order([("MUG", 1)])
            wait_for(lambda: house.market.orders[order].acknowledged_at, TAKEN_OVER, "the acknowledgement by the other worker")
        later = house.market.place_order([("MUG", 1)])
        wait_for(lambda: house.market.orders[later].acknowledged_at, SOON, "the next acknowledgement")
        wait_for(lambda: house.commands() == ["done", "done"], SOON, "both commands")
        assert (first.poll(), second.poll()) == (None, None)
    assert {house.market.orders[one].acknowledge_calls for one in (order, later)} == {1}


@pytest.mark.long(15)
def test_a_worker_that_freezes_in_a_call_is_taken_over_and_wakes_up_harmless(house: House) -> None:
    with ready(house) as first:
        house.market.go_on.clear()
        order = house.market.place_order([("MUG", 3)])
        house.hint()
        assert house.market.asked.wait(SOON)
        with frozen(first):
            house.market.go_on.set()
            second = house.start()
            wait_for(lambda: house.at_work() == 2, 2 * SOON, "the second worker")
            wait_for(lambda: house.commands() == ["done"], TAKEN_OVER, "the takeover")
        house.shop.at = datetime.now(UTC)
        house.shop.stock(house.unit, 6)
        wait_for(lambda: house.market.quantity_of("MUG") == 3, SOON, "the new quantity")
        assert (first.poll(), second.poll()) == (None, None)
    assert house.market.orders[order].acknowledge_calls == 1
    assert house.commands() == ["done"]
