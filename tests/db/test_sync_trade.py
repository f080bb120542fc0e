"""The trade run from end to end against the emulated dummy market: orders in, answers out, every stall true to the pool."""

from __future__ import annotations

import pytest

from stallkeeper.channels.models import Command, SentLog
from tests.market import Market, open_market


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch):
    with open_market(monkeypatch) as opened:
        yield opened


def test_an_order_is_pulled_acknowledged_and_lowers_the_other_stall(market: Market) -> None:
    """S4.44-S4.47: the order is in, taken over on the market, and the other site shows the new quantity."""
    unit = market.shop.unit("MUG", 10)
    one, two = market.stall(), market.stall()
    here, there = one.offer(unit, shown=10), two.offer(unit, shown=10)
    for stall in (one, two):
        assert stall.run().outcome == "ok"
    assert one.todo() == two.todo() == []

    market.clock.tick(10)
    order = one.emulator.place_order([("MUG", 3)])
    one.run()
    two.run()

    assert one.emulator.orders[order].acknowledge_calls == 1
    assert two.emulator.quantity_of("MUG") == one.emulator.quantity_of("MUG") == 7
    assert one.reload(here).believed_qty == two.reload(there).believed_qty == 7
    assert one.reload(here).sent_at is None, "its own sale has lowered the figure there already"
    with market.shop.scope():
        assert Command.objects.get().state == "done"
        assert SentLog.objects.get().outcome == "accepted"
