"""Rate budgets are shared by all workers of an account (invariant 19, C8)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from stallkeeper.channels.models import RateBudget
from stallkeeper.sync import budgets_queries
from stallkeeper.sync.budgets import PgPacer
from stallkit.errors import SlowDown
from stallkit.manifest import Limit
from stallkit.pacing import Priority
from tests.market import ToyClock
from tests.shop import NOON, Shop

LIMIT = Limit("api", 5, timedelta(hours=1))


@pytest.fixture
def connection_id(race_db) -> Iterator[int]:
    shop = Shop.open()
    account = shop.channel().connection_id
    with shop.scope():
        yield account


def pacer(connection_id: int, priority: Priority = Priority.CUT, **options: object) -> PgPacer:
    made = PgPacer(1, connection_id, **({"now": lambda: NOON} | options))
    made.priority = priority
    return made


def tries(connection_id: int) -> bool:
    try:
        pacer(connection_id).spend(LIMIT)
    except SlowDown:
        return False
    return True


def test_eight_workers_spend_five_tokens(race_db, connection_id: int) -> None:
    went = race_db.together(*[lambda: tries(connection_id)] * 8)
    assert went.count(True) == 5
    row = RateBudget.objects.get()
    assert (row.spent, row.refused) == (5, 3)


def test_without_the_row_lock_they_would_spend_more(race_db, connection_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race that locking the bucket before the arithmetic prevents."""
    assert tries(connection_id)
    read = threading.Barrier(4)

    def careless(cursor, connection, bucket, capacity, at):
        cursor.execute("SELECT tokens, at, blocked_until FROM channels_ratebudget WHERE connection_id = %s", [connection])
        row = cursor.fetchone()
        read.wait(60)
        return row

    monkeypatch.setattr(budgets_queries, "lock", careless)
    race_db.together(*[lambda: tries(connection_id)] * 4)
    row = RateBudget.objects.get()
    assert row.spent == 5
    assert row.tokens == 3, "four calls went out for the price of one"


def test_a_429_blocks_every_worker(race_db, connection_id: int) -> None:
    pacer(connection_id).block(LIMIT, 60)
    with pytest.raises(SlowDown) as slow:
        pacer(connection_id).spend(LIMIT)
    assert slow.value.retry_after == 60
    later = pacer(connection_id, now=lambda: NOON + timedelta(seconds=61))
    later.spend(LIMIT)


def test_a_short_wait_is_slept_and_background_work_never_waits(race_db, connection_id: int) -> None:
    """One call per 375 ms: the trade run takes its turn, a sweep leaves it the turn."""
    one = Limit("other", 1, timedelta(milliseconds=375))
    toy, slept = ToyClock(), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        toy.tick(seconds)

    trade = pacer(connection_id, now=toy, sleep=sleep)
    trade.spend(one)
    trade.spend(one)
    assert len(slept) == 1
    with pytest.raises(SlowDown):
        pacer(connection_id, Priority.BACKGROUND, now=toy, sleep=sleep).spend(one)
    assert len(slept) == 1


def test_background_work_that_has_begun_waits_for_its_later_calls(race_db, connection_id: int) -> None:
    """A page of a catalogue may take two calls: given up each time before the second, it would never be read."""
    toy, slept = ToyClock(), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        toy.tick(seconds)

    two = Limit("api", 2, timedelta(seconds=1))
    background = pacer(connection_id, Priority.BACKGROUND, now=toy, sleep=sleep)
    background.begin(Priority.BACKGROUND)
    for _ in range(3):
        background.spend(two)
    assert len(slept) == 1
    background.begin(Priority.BACKGROUND)
    with pytest.raises(SlowDown):
        background.spend(two)
