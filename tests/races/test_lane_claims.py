"""Lanes on real connections: one worker at a time, and one that lost its lane changes nothing (invariant 9; ARCHITECTURE "Runner")."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from stallkeeper.channels import lanes, lanes_queries, turns_queries
from stallkeeper.channels.lanes import Claim, Heart, LaneLost
from stallkeeper.channels.models import Lane, LaneKind
from stallkeeper.core import clock
from tests.market import ToyClock
from tests.shop import Shop


@pytest.fixture
def lane(race_db) -> Iterator[Lane]:
    shop = Shop.open()
    channel = shop.channel()
    with shop.scope():
        yield Lane.objects.get(subject_id=channel.connection_id, kind=LaneKind.TRADE)


def claimed(lane: Lane, worker: str = "one") -> Claim:
    held = lanes.claim(lane.pk, worker)
    assert held is not None
    return held


def be_silent(race_db, lane: Lane, seconds: float = 11) -> None:
    """The worker's heart was last heard so long ago."""
    with race_db.connect(autocommit=True) as other:
        other.execute("UPDATE channels_lane SET heartbeat_at = %s WHERE id = %s", [clock.now() - timedelta(seconds=seconds), lane.pk])


# --- claiming -----------------------------------------------------------------------------------------------------------------------------


def test_of_many_workers_one_gets_the_lane(race_db, lane: Lane) -> None:
    claims = race_db.together(*[lambda number=number: lanes.claim(lane.pk, f"w{number}") for number in range(8)])
    assert len([held for held in claims if held is not None]) == 1


def test_without_the_row_lock_several_would(race_db, lane: Lane) -> None:
    """The race that the lock in ``lanes_queries.claim`` prevents: look first, take later."""
    looked = threading.Barrier(2)

    def careless(worker: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM channels_lane WHERE id = %s AND claimed_by = ''", [lane.pk])
            free = cursor.fetchone() is not None
            looked.wait(60)
            if free:
                cursor.execute("UPDATE channels_lane SET epoch = epoch + 1, claimed_by = %s WHERE id = %s", [worker, lane.pk])
        return free

    assert race_db.together(lambda: careless("one"), lambda: careless("two")) == [True, True]


def test_a_lane_is_taken_over_only_from_a_silent_worker(race_db, lane: Lane) -> None:
    with clock.using(ToyClock()):
        first = claimed(lane)
        assert lanes.claim(lane.pk, "two") is None
        be_silent(race_db, lane, 9)
        assert lanes.claim(lane.pk, "two") is None
        be_silent(race_db, lane, 11)
        second = claimed(lane, "two")
    assert (second.epoch, second.abandoned) == (first.epoch + 1, True)


def test_a_lane_of_a_killed_worker_is_free_at_once(race_db, lane: Lane) -> None:
    """The server drops the lock of a worker's connection the moment that breaks; a name without one is judged by silence."""
    with race_db.connect(autocommit=True) as line:
        with line.cursor() as cursor:
            assert lanes_queries.live(cursor, "one#1")
        first = claimed(lane, "one#1")
        assert lanes.claim(lane.pk, "two") is None
        assert due_lanes(lane) == []
    assert wait_for(lambda: due_lanes(lane))
    second = claimed(lane, "two")
    assert (second.epoch, second.abandoned) == (first.epoch + 1, True)
    assert lanes.claim(lane.pk, "three") is None, "'two' has no lock to lose"
    with pytest.raises(LaneLost), lanes.guarded(first, "test.write"):
        pytest.fail("the guard must not let it in")


def test_a_frozen_worker_keeps_its_lock_and_loses_its_lane_by_silence(race_db, lane: Lane) -> None:
    with race_db.connect(autocommit=True) as line, line.cursor() as cursor:
        assert lanes_queries.live(cursor, "one#1")
        frozen = claimed(lane, "one#1")
        be_silent(race_db, lane, 9)
        assert lanes.claim(lane.pk, "two") is None
        be_silent(race_db, lane, 11)
        claimed(lane, "two")
    with pytest.raises(LaneLost), lanes.guarded(frozen, "test.write"):
        pytest.fail("the guard must not let it in")


def test_a_worker_wrongly_taken_for_dead_writes_nothing(race_db, lane: Lane) -> None:
    """Its line broke, it lives and is in the middle of a transaction: the takeover waits for that one, and the next is refused."""
    held = claimed(lane, "one#1")  # nobody holds that lock
    with lanes.guarded(held, "test.write"), race_db.connect(autocommit=True) as other, other.cursor() as cursor:
        assert lanes_queries.claim(cursor, lane.pk, "two", clock.now(), clock.now() - lanes.TAKEOVER) is None
    claimed(lane, "two")
    with pytest.raises(LaneLost), lanes.guarded(held, "test.write"):
        pytest.fail("the guard must not let it in")


def due_lanes(lane: Lane) -> list[int]:
    with connection.cursor() as cursor:
        found = turns_queries.due(cursor, clock.now() - timedelta(days=1), clock.now() - lanes.TAKEOVER, most=100)
    return [ready.lane for ready in found if ready.lane == lane.pk]


# --- the guard ----------------------------------------------------------------------------------------------------------------------------


def test_a_frozen_worker_that_wakes_up_writes_nothing(race_db, lane: Lane) -> None:
    frozen = claimed(lane)
    be_silent(race_db, lane)
    claimed(lane, "two")
    with pytest.raises(LaneLost), lanes.guarded(frozen, "test.write"):
        pytest.fail("the guard must not let it in")


def test_without_the_guard_it_would_write_over_the_new_worker(race_db, lane: Lane) -> None:
    """The race that the guard prevents."""
    claimed(lane)
    be_silent(race_db, lane)
    claimed(lane, "two")
    Lane._base_manager.filter(pk=lane.pk).update(last_error="written by the frozen one")
    assert Lane._base_manager.get(pk=lane.pk).last_error == "written by the frozen one"


def test_a_takeover_does_not_overlap_a_transaction_that_passed_the_guard(race_db, lane: Lane) -> None:
    """Passed the guard, then silent: the takeover waits until that transaction has ended, so its write is never on top of a newer one."""
    first = claimed(lane)
    be_silent(race_db, lane)
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with lanes.guarded(first, "test.write"):
            inside.set()
            assert go_on.wait(60)

    def take_over() -> tuple[Claim | None, object]:
        assert inside.wait(60)
        during = lanes.claim(lane.pk, "two")
        go_on.set()
        return during, wait_for(lambda: lanes.claim(lane.pk, "two"))

    _, (during, after) = race_db.together(write, take_over)
    assert during is None
    assert isinstance(after, Claim)


def test_wishes_and_heartbeats_never_wait_for_a_writing_run(race_db, lane: Lane) -> None:
    """A use case that wakes a lane must not wait for the run that may want its rows: that would be a deadlock."""
    held = claimed(lane)
    with lanes.guarded(held, "test.write"), race_db.connect() as other:
        other.execute("SET lock_timeout = '5s'")
        with other.cursor() as cursor:
            assert lanes_queries.beat(cursor, lane.pk, held.epoch, clock.now())
            lanes_queries.want(cursor, [lane.subject_id], LaneKind.TRADE, clock.now())
        other.commit()


def test_a_wish_during_the_run_makes_it_due_at_once(race_db, lane: Lane) -> None:
    held = claimed(lane)
    later = clock.now() + timedelta(minutes=1)
    with connection.cursor() as cursor:
        assert lanes_queries.want(cursor, [lane.subject_id], LaneKind.TRADE, clock.now()) == []
        due = lanes_queries.release(cursor, lane.pk, held.epoch, clock.now(), later, failures=0, error="", success=True)
    assert due is not None
    assert due < later


def test_a_wish_does_not_break_the_waiting_time_after_a_failure(race_db, lane: Lane) -> None:
    held = claimed(lane)
    later = clock.now() + timedelta(minutes=1)
    with connection.cursor() as cursor:
        lanes_queries.want(cursor, [lane.subject_id], LaneKind.TRADE, clock.now())
        assert lanes_queries.release(cursor, lane.pk, held.epoch, clock.now(), later, failures=2, error="x", success=False) == later
        assert lanes_queries.want(cursor, [lane.subject_id], LaneKind.TRADE, clock.now()) == []


def test_a_lost_lane_cannot_be_given_back(race_db, lane: Lane) -> None:
    frozen = claimed(lane)
    be_silent(race_db, lane)
    claimed(lane, "two")
    with connection.cursor() as cursor:
        assert lanes_queries.release(cursor, lane.pk, frozen.epoch, clock.now(), clock.now(), failures=0, error="", success=True) is None
    assert Lane._base_manager.get(pk=lane.pk).claimed_by == "two"


# --- the heart ----------------------------------------------------------------------------------------------------------------------------


def heard(race_db, lane: Lane) -> datetime:
    with race_db.connect(autocommit=True) as other:
        return other.execute("SELECT heartbeat_at FROM channels_lane WHERE id = %s", [lane.pk]).fetchone()[0]


def wait_for(condition, seconds: float = 60):
    """What the condition says as soon as it says yes; False after so many seconds."""
    pause, until = threading.Event(), time.monotonic() + seconds
    while not (met := condition()):
        if time.monotonic() > until:
            return False
        pause.wait(0.02)
    return met


def test_the_heart_beats_while_the_run_is_inside_a_transaction(race_db, lane: Lane) -> None:
    held = claimed(lane)
    before = heard(race_db, lane)
    with Heart(held, interval=timedelta(milliseconds=30)), lanes.guarded(held, "test.write"):
        assert wait_for(lambda: heard(race_db, lane) > before)


def test_the_heart_notices_that_the_lane_is_lost(race_db, lane: Lane) -> None:
    held = claimed(lane)
    with Heart(held, interval=timedelta(milliseconds=30)) as heart:
        race_db_epoch(race_db, lane)
        assert wait_for(lambda: heart.lost)


def test_the_heart_survives_a_restart_of_the_database(race_db, lane: Lane) -> None:
    held = claimed(lane)
    with Heart(held, interval=timedelta(milliseconds=30)) as heart:
        before = heard(race_db, lane)
        assert wait_for(lambda: heard(race_db, lane) > before)
        race_db.break_connections()
        after = heard(race_db, lane)
        assert wait_for(lambda: heard(race_db, lane) > after)
        assert not heart.lost
    connection.close()


def race_db_epoch(race_db, lane: Lane) -> None:
    with race_db.connect(autocommit=True) as other:
        other.execute("UPDATE channels_lane SET epoch = epoch + 1 WHERE id = %s", [lane.pk])
