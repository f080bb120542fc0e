"""Whose turn it is: organisations take turns, long work never has all threads, and a dead channel costs one wait a run (ADR 0041)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from stallkeeper.channels.models import Connection, Lane, LaneKind
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.sync import runner, wake, worker
from stallkit.testing.emulator import Fault
from tests.market import Market, Stall


def lanes_of(name: str, count: int, market: Market, since: float = 0.0) -> list[int]:
    """The trade lanes of a new organisation with so many accounts, due since so many seconds."""
    organisation = Organisation.objects.create(name=name, slug=name, created_at=market.clock())
    with organisation_scope(organisation.pk):
        accounts = [
            Connection.objects.create(
                organisation=organisation,
                platform="dummy",
                name=f"{name} {number}",
                created_at=market.clock(),
                hint_token=f"{name}-{number}",
            )
            for number in range(count)
        ]
        due = market.clock() - timedelta(seconds=since)
        return [
            Lane.objects.create(organisation=organisation, subject_id=account.pk, kind=LaneKind.TRADE, not_before=due).pk
            for account in accounts
        ]


def in_turn() -> list[int]:
    """Lanes in the order in which workers take them."""
    jobs = ProcrastinateJob.objects.filter(status="todo", queueing_lock__startswith="lane:").order_by("-priority", "id")
    return [int(job.queueing_lock.removeprefix("lane:")) for job in jobs]


def test_organisations_take_turns_however_many_lanes_each_has(market: Market) -> None:
    noisy, quiet = lanes_of("noisy", 20, market, since=3), lanes_of("quiet", 2, market)
    wake.defer_due()
    order = in_turn()
    assert max(order.index(lane) for lane in quiet) < 8
    assert [lane for lane in order if lane in noisy] == noisy, "of one organisation, in the order in which they were due"


def test_lanes_that_run_count_as_turns(market: Market) -> None:
    noisy, quiet = lanes_of("noisy", 6, market), lanes_of("quiet", 1, market)
    with across_organisations(Passage.TICK):
        everyone = Lane._base_manager
        everyone.filter(pk__in=noisy[:4]).update(claimed_by="w1", heartbeat_at=market.clock())
        wake.wake(everyone.filter(pk=noisy[4]).values_list("subject_id", flat=True))
        market.clock.tick(2)
        wake.wake(everyone.filter(pk=quiet[0]).values_list("subject_id", flat=True))
    assert in_turn() == [quiet[0], noisy[4]]


def test_who_waits_gets_nearer_by_waiting(market: Market) -> None:
    """No lane starves: the last of a large organisation goes before one that asks much later."""
    noisy = lanes_of("noisy", 20, market)
    wake.defer_due()
    market.clock.tick(60)
    quiet = lanes_of("quiet", 1, market)
    wake.defer_due()
    assert in_turn() == [*noisy, *quiet]


def test_a_tick_defers_a_limited_number_those_whose_turn_is_first(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "AT_ONCE", 6)
    noisy, quiet = lanes_of("noisy", 20, market), lanes_of("quiet", 3, market)
    assert wake.defer_due() == 6
    assert set(in_turn()) == {*noisy[:3], *quiet}
    assert wake.defer_due() == 0, "they still wait"


def test_a_lane_whose_last_run_was_long_waits_in_the_queue_of_long_work(market: Market, stall: Stall) -> None:
    now = market.clock()
    with market.shop.scope():
        Lane.objects.filter(pk=stall.lane().pk).update(last_started_at=now - timedelta(seconds=9), last_ended_at=now)
    wake.defer_due()
    queues = dict(ProcrastinateJob.objects.filter(status="todo").values_list("queueing_lock", "queue_name"))
    assert queues[f"lane:{stall.lane().pk}"] == wake.LONG_QUEUE
    assert queues[f"lane:{stall.lane(LaneKind.BACKGROUND).pk}"] == wake.LONG_QUEUE


def test_trade_is_short_work_and_background_long(market: Market, stall: Stall) -> None:
    wake.defer_due()
    queues = dict(ProcrastinateJob.objects.filter(status="todo").values_list("queueing_lock", "queue_name"))
    assert queues[f"lane:{stall.lane().pk}"] == wake.QUEUE
    assert queues[f"lane:{stall.lane(LaneKind.BACKGROUND).pk}"] == wake.LONG_QUEUE


@pytest.mark.parametrize("threads", range(1, 65))
def test_long_work_has_at_most_half_of_the_threads_and_short_work_all(threads: int) -> None:
    slots = worker.slots(threads)
    assert sum(size for size, _ in slots) == threads
    assert all(wake.QUEUE in queues and size > 0 for size, queues in slots)
    long = sum(size for size, queues in slots if wake.LONG_QUEUE in queues)
    assert 1 <= long <= max(threads // 2, 1)


def test_a_step_that_waits_in_vain_ends_the_run_and_the_lane_waits_whoever_asks(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "VAIN_SECONDS", 0.0)
    stall.offer(market.shop.unit("MUG", 4), shown=9)
    stall.run()
    market.clock.tick(6)
    calls = len(stall.emulator.calls)
    stall.emulator.fail_next(Fault.SERVER_ERROR, path="/v1/orders")
    ended = stall.run(outcome="error")
    assert [step.step for step in ended.steps] == ["orders"]
    assert len(stall.emulator.calls) == calls + 1
    lane = stall.lane()
    assert lane.failures == 1
    assert lane.not_before >= lane.last_ended_at + 0.9 * runner.waits(1)
    ProcrastinateJob.objects.all().delete()
    wake.wake([stall.connection_id])
    assert in_turn() == [], "asking does not shorten the wait"
    market.clock.tick(6)
    wake.defer_due()
    assert ProcrastinateJob.objects.get(queueing_lock=f"lane:{lane.pk}").queue_name == wake.LONG_QUEUE
    stall.run()
    assert stall.lane().failures == 0, "an answer ends it"


def test_a_failure_that_comes_at_once_ends_no_run(market: Market, stall: Stall) -> None:
    stall.offer(market.shop.unit("MUG", 4), shown=9)
    stall.emulator.fail_next(Fault.SERVER_ERROR, path="/v1/orders")
    ended = stall.run(outcome="error")
    assert len(ended.steps) > 3
    assert stall.lane().failures == 0
