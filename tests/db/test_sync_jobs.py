"""Jobs only say "look": deferring, ticking, tidying up, and what a change wakes."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from stallkeeper.channels.models import Connection, Lane, LaneKind
from stallkeeper.channels.turns_queries import Ready
from stallkeeper.core import clock, housekeeping_queries
from stallkeeper.stock.models import Stale
from stallkeeper.sync import adapters, job_queries, nightly, tasks, wake
from stallkit.registry import manifest_of
from tests.market import Market, Stall


def waiting() -> list[str]:
    return sorted(ProcrastinateJob.objects.filter(status="todo").values_list("queueing_lock", flat=True))


def lane_lock(stall: Stall, kind: str = LaneKind.TRADE) -> str:
    return f"lane:{stall.lane(kind).pk}"


def test_a_change_wakes_the_connections_it_concerns_and_no_other(market: Market, stall: Stall, django_capture_on_commit_callbacks) -> None:
    """S4.34: the runner is woken after the commit, once, however many changes there were."""
    other = market.stall()
    unit = market.shop.unit("MUG", 5)
    stall.offer(unit, shown=5)
    ProcrastinateJob.objects.all().delete()
    for number in (4, 3):
        with django_capture_on_commit_callbacks(execute=True):
            market.stock(unit, number)
    assert waiting() == [lane_lock(stall)]
    assert lane_lock(other) not in waiting()


def test_a_trade_run_does_not_wake_itself(market: Market, stall: Stall, django_capture_on_commit_callbacks) -> None:
    """The orders that a run takes in are acknowledged by its own next step."""
    other = market.stall()
    unit = market.shop.unit("MUG", 5)
    stall.offer(unit, shown=5)
    other.offer(unit, shown=5)
    stall.emulator.place_order([("MUG", 1)])
    with django_capture_on_commit_callbacks(execute=True):
        stall.run()
    assert waiting() == [lane_lock(other)]


def test_a_tick_defers_what_is_due_and_nothing_twice(market: Market, stall: Stall) -> None:
    assert wake.defer_due() == 2
    assert wake.defer_due() == 0, "already waiting is success"
    assert waiting() == sorted([lane_lock(stall), lane_lock(stall, LaneKind.BACKGROUND)])


def test_a_tick_leaves_running_lanes_alone_and_takes_over_dead_ones(market: Market, stall: Stall) -> None:
    now = market.clock()
    with market.shop.scope():
        Lane.objects.filter(kind=LaneKind.BACKGROUND).update(enabled=False)
        Lane.objects.filter(kind=LaneKind.TRADE).update(claimed_by="somebody", heartbeat_at=now)
    assert wake.defer_due() == 0
    market.clock.tick(11)
    assert wake.defer_due() == 1


def test_trade_goes_before_background(market: Market, stall: Stall) -> None:
    wake.defer_due()
    first = ProcrastinateJob.objects.filter(status="todo").order_by("-priority", "id").first()
    assert first is not None
    assert first.task_name == LaneKind.TRADE


def test_the_task_runs_the_lane_and_asks_for_the_next_run_if_there_is_more(market: Market, stall: Stall, monkeypatch) -> None:
    monkeypatch.setattr("stallkit.adapters.dummy.adapter.PAGE", "1")
    monkeypatch.setattr("stallkeeper.sync.run.STEP_SECONDS", 0)
    stall.offer(market.shop.unit("MUG", 50), shown=50)
    for _ in range(3):
        stall.emulator.place_order([("MUG", 1)])
    ProcrastinateJob.objects.all().delete()
    monkeypatch.setattr("stallkeeper.sync.run.Current.begin_step", lambda current, **_: setattr(current, "_step_ends", 0.0))
    tasks.trade(stall.lane().pk)
    assert waiting() == [lane_lock(stall)]


def test_a_run_tells_the_ticker_when_its_lane_is_due_again(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a lane that is due at once is put in the queue by its own run."""
    told: list[tuple[int, float]] = []
    monkeypatch.setattr(tasks, "soon", SimpleNamespace(tell=lambda lane, seconds: told.append((lane, seconds))))
    ProcrastinateJob.objects.all().delete()
    tasks.trade(stall.lane().pk)
    assert waiting() == []
    (lane, seconds), *others = told
    assert (lane, others) == (stall.lane().pk, [])
    assert 0 < seconds <= manifest_of("dummy").order_interval.total_seconds()


def test_left_over_units_are_refreshed_by_a_job(market: Market, stall: Stall) -> None:
    unit = market.shop.unit("MUG", 5)
    offer = stall.offer(unit, shown=5)
    with market.shop.scope():
        Stale.objects.create(organisation=market.shop.organisation, stock_unit=unit)
        type(offer).objects.filter(pk=offer.pk).update(intended_qty=77)
    wake.tidy()
    assert f"drain:{market.shop.organisation.pk}" in waiting()
    tasks.drain_stale(market.shop.organisation.pk)
    assert stall.reload(offer).intended_qty == 5


def test_tidying_makes_missing_lanes_and_drops_jobs_of_dead_workers(market: Market, stall: Stall) -> None:
    with market.shop.scope():
        Lane.objects.all().delete()
    with connection.cursor() as cursor:
        job_queries.defer(cursor, [wake.lane_job(Ready(1, LaneKind.TRADE, clock.now(), long=False))])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    wake.tidy()
    with market.shop.scope():
        assert sorted(Lane.objects.values_list("kind", flat=True)) == ["background", "trade"]
    assert not ProcrastinateJob.objects.filter(status="doing").exists()


# --- the work of the day ------------------------------------------------------------------------------------------------------------------


def last_partition() -> str:
    with connection.cursor() as cursor:
        return housekeeping_queries.month_partitions(cursor, "orders_raw_payload")[-1][0]


def test_a_machine_that_is_off_at_night_catches_up_when_it_is_on(market: Market, stall: Stall) -> None:
    """Nothing of it depends on an hour: months are made, personal data is forgotten and offers are looked at once a day all the same."""
    wake.tidy()
    assert "daily" in waiting(), "a new installation"
    tasks.daily(0)
    ProcrastinateJob.objects.all().delete()
    months = last_partition()
    market.clock.tick(23 * 3600)
    wake.tidy()
    assert "daily" not in waiting()
    market.clock.tick(40 * 24 * 3600)
    wake.tidy()
    wake.tidy()
    assert waiting().count("daily") == 1
    tasks.daily(0)
    assert last_partition() > months
    ProcrastinateJob.objects.all().delete()
    wake.tidy()
    assert "daily" not in waiting()


def test_the_work_of_a_day_that_died_is_taken_up_hours_later(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(organisation: int) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(nightly, "check_offers", die)
    with pytest.raises(KeyboardInterrupt):
        nightly.run()
    monkeypatch.undo()
    wake.tidy()
    assert "daily" not in waiting(), "it may still be under way"
    with clock.using(lambda: market.clock.at + timedelta(hours=3, minutes=1)):
        wake.tidy()
        assert "daily" in waiting()
        assert nightly.run()


def test_a_clock_that_was_years_ahead_does_not_end_the_work_of_the_day(market: Market) -> None:
    with clock.using(lambda: market.clock.at + timedelta(days=900)):
        assert nightly.run()
    wake.tidy()
    assert "daily" in waiting()
    assert nightly.run()


def test_workers_that_begin_the_day_at_once_do_it_once(race_db) -> None:
    done: list[bool] = []
    race_db.together(*[lambda: done.append(nightly.run()) for _ in range(6)])
    assert sorted(done) == [False] * 5 + [True]


# --- sessions -----------------------------------------------------------------------------------------------------------------------------


def test_a_session_lives_on_until_the_account_changes(market: Market, stall: Stall) -> None:
    """One access token for many runs; new settings make a new session."""
    stall.run()
    market.clock.tick(6)
    stall.run()
    assert len([call for call in stall.emulator.calls if call.path == "/oauth/token"]) == 1
    with market.shop.scope():
        account = Connection.objects.get(pk=stall.connection_id)
        kept = adapters.session(account, LaneKind.TRADE)
        assert adapters.session(account, LaneKind.TRADE) is kept
        account.config = account.config | {"callback_secret": "another"}
        assert adapters.session(account, LaneKind.TRADE) is not kept


def test_an_address_that_is_not_allowed_is_a_matter_for_a_person(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """User-typed addresses go through the guard; the account rests until somebody acts."""
    from stallkit import guard

    monkeypatch.setattr(adapters, "client", guard.client_for)
    with market.shop.scope():
        Connection.objects.filter(pk=stall.connection_id).update(base_url="http://127.0.0.1:9")
    stall.run(outcome="error")
    with market.shop.scope():
        account = Connection.objects.get(pk=stall.connection_id)
        assert account.state == Connection.State.NEEDS_RECONNECT
        assert "127.0.0.1" in account.state_reason
    assert stall.lane().not_before > market.clock.at + timedelta(minutes=30)


def test_a_role_that_the_account_does_not_have_is_left_alone(market: Market, stall: Stall) -> None:
    with market.shop.scope():
        Connection.objects.filter(pk=stall.connection_id).update(roles=["orders"])
    stall.offer(market.shop.unit("MUG", 4), shown=9)
    stall.emulator.place_order([("MUG", 1)])
    stall.run()
    assert stall.emulator.quantity_of("MUG") == 8
    assert stall.step("orders").items_total == 1
