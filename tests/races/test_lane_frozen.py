"""A worker that freezes in the middle of a call and wakes up minutes later, with a lane that is no longer its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from stallkeeper.channels.models import Drift, LaneKind
from stallkeeper.core import crash
from stallkeeper.sync.runner import Ended, run_lane
from stallkit.testing.shop import WireReply, WireRequest
from tests.market import Market, Stall, open_market


@pytest.fixture
def market(race_db, monkeypatch: pytest.MonkeyPatch):
    with open_market(monkeypatch) as opened:
        yield opened


class Freezer:
    """Holds the first stock write back, before or after it takes effect, until it is thawed."""

    def __init__(self, stall: Stall, *, applied: bool) -> None:
        self.reached, self.thawed = threading.Event(), threading.Event()
        self.applied, self.stall = applied, stall
        self.real = stall.emulator.handle
        stall.emulator.handle = self.handle  # type: ignore[method-assign]

    def handle(self, request: WireRequest) -> WireReply:
        if request.path != "/v1/stock" or self.reached.is_set():
            return self.real(request)
        reply = self.real(request) if self.applied else None
        self.reached.set()
        assert self.thawed.wait(60)
        return reply or self.real(request)


def run_in_thread(stall: Stall) -> Ended:
    try:
        return run_lane(stall.lane().pk, "frozen")
    finally:
        connections.close_all()


@pytest.mark.parametrize("applied", [True, False])
def test_the_frozen_worker_changes_nothing_and_the_stall_ends_true(market: Market, applied: bool) -> None:
    stall = market.stall()
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    market.stock(unit, 4)
    freezer = Freezer(stall, applied=applied)
    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(run_in_thread, stall)
        assert freezer.reached.wait(60)
        market.stock(unit, 2)
        market.clock.tick(11)
        stall.run(worker="w2")
        assert stall.reload(offer).believed_qty == stall.emulator.quantity_of("MUG") == 2
        freezer.thawed.set()
        ended = frozen.result(60)
    assert ended.outcome == "lost"
    assert (stall.reload(offer).believed_qty, stall.reload(offer).accepted_qty) == (2, 2)

    # The old value may have landed over the new one: reading back finds it.
    assert stall.emulator.quantity_of("MUG") == (2 if applied else 4)
    market.clock.tick(30)
    stall.run(LaneKind.BACKGROUND)
    stall.run()
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).believed_qty == 2
    with market.shop.scope():
        assert [drift.verdict for drift in Drift.objects.all()] == ([] if applied else ["late_push"])


def test_a_worker_that_froze_before_its_call_does_not_make_it(market: Market) -> None:
    """Seeds 46 and 47: it had its turn from the budget, slept for minutes, and told the stall what was true before."""
    stall = market.stall()
    unit = market.shop.unit("MUG", 9)
    offer = stall.offer(unit, shown=9)
    stall.run()
    market.stock(unit, 4)
    reached, thawed, here = threading.Event(), threading.Event(), threading.local()

    def freeze(name: str) -> None:
        here.sends = getattr(here, "sends", False) or name == "send:write_stock:before"
        if name == "commit:budget.take:after" and here.sends and not reached.is_set():
            reached.set()
            assert thawed.wait(60)

    with crash.using(freeze), ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(run_in_thread, stall)
        assert reached.wait(60)
        market.stock(unit, 2)
        market.clock.tick(11)
        stall.run(worker="w2")
        written = sum(call.path == "/v1/stock" for call in stall.emulator.calls)
        thawed.set()
        assert frozen.result(60).outcome == "lost"
    assert sum(call.path == "/v1/stock" for call in stall.emulator.calls) == written
    assert stall.emulator.quantity_of("MUG") == stall.reload(offer).believed_qty == 2
