"""What runs by itself for one organisation leaves the rows of another alone, and what it logs and answers holds none of its texts."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from stallkeeper.channels import refresh
from stallkeeper.channels.models import Lane, LaneKind, Parked
from stallkeeper.core import housekeeping
from stallkeeper.core.logs import Formatter
from stallkeeper.core.models import Notification
from stallkeeper.orders.models import Order
from stallkeeper.sync import figures as gathering
from stallkeeper.sync import lapses, nightly, wake
from stallkeeper.sync.runner import run_lane
from stallkit.testing.shop import Fault
from tests.db.tenancy.furnished import CANARY, Neighbours, changes, figures
from tests.market import Market, Stall, open_market


@pytest.fixture
def market(neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    with open_market(monkeypatch) as opened:
        yield opened


@pytest.fixture
def stall(market: Market) -> Stall:
    """An account of ours, which sells under a SKU of theirs too."""
    made = market.stall()
    for sku in ("THEIRS-1", "MUG"):
        made.offer(market.shop.unit(sku, 9), 4)
    return made


def trade(market: Market, stall: Stall) -> None:
    """A sale, one of more than there is, an outage, an order that nobody understands, through every lane."""
    stall.emulator.place_order([("MUG", 2)])
    stall.emulator.place_order([("THEIRS-1", 4)])
    for fault in (Fault.SERVER_ERROR, Fault.UNKNOWN_ENUM):
        stall.emulator.fail_next(fault, path="/v1/orders")
    for _ in range(4):
        market.clock.tick(90)
        stall.due_now()
        for kind in LaneKind.values:
            run_lane(stall.lane(kind).pk, "w1")


def test_running_the_lanes_of_one_touches_nothing_of_another(neighbours: Neighbours, market: Market, stall: Stall, caplog) -> None:
    """Nor do the log lines of these runs name the other, or hold a text of it."""
    caplog.set_level(logging.DEBUG)
    before, ours = figures(neighbours.theirs), figures(neighbours.ours)
    trade(market, stall)
    refresh.drain(market.shop.organisation.pk)
    assert (figures(neighbours.theirs), figures(neighbours.ours)) == (before, ours)
    with market.shop.scope():
        assert Order.objects.count() == 2
        assert Lane.objects.exclude(last_success_at=None).count() == 2
    lines = [Formatter("JSON").format(record) for record in caplog.records]
    assert len(lines) > 10
    assert [line for line in lines if CANARY.search(line.encode())] == []
    others = {str(busy.organisation.pk) for busy in (neighbours.ours, neighbours.theirs)}
    assert [line for line in lines if any(f'"organisation":{pk}' in line.replace(" ", "") for pk in others)] == []


def test_the_work_of_the_clock_moves_no_row_between_organisations(neighbours: Neighbours, market: Market, stall: Stall) -> None:
    """Nothing of theirs is due at the market's time, so whatever changed there would have come from ours."""
    trade(market, stall)
    before = figures(neighbours.theirs)
    market.clock.tick(60)
    wake.defer_due()
    wake.tidy()
    lapses.run()
    report = housekeeping.daily(market.clock())
    nightly.check_offers(market.shop.organisation.pk)
    assert report.failures == []
    assert changes(neighbours.theirs, before) == set()


def test_what_is_due_goes_from_the_one_whose_it_is(neighbours: Neighbours, market: Market, stall: Stall) -> None:
    """Housekeeping sees everybody's rows; a year later the buyers of both are forgotten, and what was kept for a while has gone: nothing
    else of either has."""
    trade(market, stall)
    before = figures(neighbours.theirs)
    market.clock.tick(400 * 86_400)
    assert housekeeping.daily(market.clock()).failures == []
    changed = changes(neighbours.theirs, before)
    files = {"sync_exchangefile", "sync_exchangepart", "core_fileexport", "core_fileexportpart"}
    people = {"core_personaldata", "core_personalword", "core_invitation"}
    assert changed >= people | files
    for_a_while = {*people, "orders_raw_payload", "channels_run", "channels_wait", *files}
    assert changed <= for_a_while | {name for name in changed if "orders_raw_payload_" in name}


def test_figures_for_operators_hold_numbers_and_no_texts(neighbours: Neighbours, market: Market, stall: Stall) -> None:
    trade(market, stall)
    samples = gathering.gather(market.clock())
    assert samples
    assert not [sample for sample in samples if CANARY.search(repr(sample).encode())]


def test_people_are_told_of_their_own_troubles(neighbours: Neighbours, market: Market, stall: Stall) -> None:
    trade(market, stall)
    with market.shop.scope():
        told = [f"{each.key} {each.title} {each.detail} {each.link}" for each in Notification.objects.all()]
        told += [each.reason for each in Parked.objects.all()]
    assert told
    assert not [text for text in told if CANARY.search(text.encode())]
