"""Rate budgets, for any limit and any story of calls: never more than the platform allows, never starving for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkit.errors import SlowDown
from stallkit.manifest import Limit
from stallkit.pacing import Bucket, MemoryPacer, Priority, charged, floor_of, refill, take

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
limits = st.builds(
    lambda capacity, seconds: Limit("b", capacity, timedelta(seconds=seconds)),
    st.integers(min_value=1, max_value=6_000),
    st.sampled_from([1, 3, 60, 3_600, 86_400]),
)
gaps = st.floats(min_value=0, max_value=7_200, allow_nan=False)
stories = st.lists(st.tuples(gaps, st.sampled_from(Priority)), min_size=1, max_size=200)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@given(limits, stories)
def test_no_window_ever_holds_more_than_capacity_plus_what_flows_in(limit, story):
    """Between any two granted calls: at most the full bucket and the refill of the time between them (invariant 19)."""
    bucket, now, granted = Bucket(float(limit.capacity), START), START, []
    for gap, priority in story:
        now += timedelta(seconds=gap)
        bucket, wait = take(bucket, limit, now, priority)
        if wait == 0:
            granted.append(now)
    rate = limit.capacity / limit.per.total_seconds()
    for first in range(0, len(granted), max(len(granted) // 10, 1)):
        for last in range(first, len(granted)):
            span = (granted[last] - granted[first]).total_seconds()
            assert last - first + 1 <= limit.capacity + span * rate + 1e-6


@given(limits, stories)
def test_tokens_stay_between_nothing_and_the_capacity(limit, story):
    bucket, now = Bucket(float(limit.capacity), START), START
    for gap, priority in story:
        now += timedelta(seconds=gap)
        bucket, _ = take(bucket, limit, now, priority)
        assert -1e-9 <= bucket.tokens <= limit.capacity


@given(limits, stories, st.sampled_from(Priority))
def test_who_waits_as_long_as_told_may_go(limit, story, priority):
    """The waiting time is enough, and it is finite: no priority starves when others stay quiet."""
    bucket, now = Bucket(float(limit.capacity), START), START
    for gap, spender in story:
        now += timedelta(seconds=gap / 1_000)
        bucket, _ = take(bucket, limit, now, spender)
    bucket, wait = take(bucket, limit, now, priority)
    assert wait <= limit.per.total_seconds() * 2 + 1
    if wait:
        _, again = take(bucket, limit, now + timedelta(seconds=wait + 0.001), priority)
        assert again == 0


@given(limits, st.floats(min_value=0, max_value=1), st.sampled_from(Priority))
def test_a_higher_priority_never_waits_longer(limit, fill, priority):
    bucket = Bucket(limit.capacity * fill, START)
    waits = [take(bucket, limit, START, other)[1] for other in Priority]
    assert waits == sorted(waits)
    assert waits[priority] >= waits[Priority.CUT]


@given(limits)
def test_a_full_bucket_serves_everybody(limit):
    assert all(take(Bucket(float(limit.capacity), START), limit, START, priority)[1] == 0 for priority in Priority)


@given(limits, st.floats(min_value=0, max_value=6_000), st.floats(min_value=-10_000, max_value=0))
def test_a_clock_that_steps_back_gives_nothing(limit, tokens, step):
    bucket = Bucket(min(tokens, float(limit.capacity)), START)
    later = refill(bucket, limit, START + timedelta(seconds=step))
    assert (later.tokens, later.at) == (bucket.tokens, START)


@given(limits, st.floats(min_value=1, max_value=21_600), st.sampled_from(Priority))
def test_a_block_holds_everybody_until_it_ends(limit, seconds, priority):
    bucket = Bucket(float(limit.capacity), START, START + timedelta(seconds=seconds))
    _, wait = take(bucket, limit, START + timedelta(seconds=seconds / 2), priority)
    assert wait == pytest.approx(seconds / 2, abs=0.001)
    assert take(bucket, limit, START + timedelta(seconds=seconds), priority)[1] == 0


def test_sweeps_leave_half_to_the_urgent():
    limit = Limit("b", 100, timedelta(minutes=1))
    bucket = Bucket(100.0, START)
    for _ in range(50):
        bucket, wait = take(bucket, limit, START, Priority.BACKGROUND)
        assert wait == 0
    assert take(bucket, limit, START, Priority.BACKGROUND)[1] > 0
    assert take(bucket, limit, START, Priority.CUT)[1] == 0


def test_small_buckets_keep_nothing_back():
    limit = Limit("b", 3, timedelta(seconds=1))
    assert {floor_of(limit, priority) for priority in Priority} == {0.0}


def test_a_memory_pacer_says_how_long_to_wait_and_then_lets_go():
    clock = Clock()
    pacer, limit = MemoryPacer(clock), Limit("b", 2, timedelta(seconds=10))
    pacer.spend(limit)
    pacer.spend(limit)
    with pytest.raises(SlowDown) as raised:
        pacer.spend(limit)
    assert raised.value.retry_after == pytest.approx(5)
    clock.now += timedelta(seconds=5)
    pacer.spend(limit)


def test_a_memory_pacer_keeps_buckets_apart():
    pacer = MemoryPacer(Clock())
    one, other = (Limit(name, 1, timedelta(hours=1)) for name in ("one", "other"))
    pacer.spend(one)
    pacer.spend(other)
    with pytest.raises(SlowDown):
        pacer.spend(one)


def test_a_memory_pacer_blocks_one_bucket():
    clock = Clock()
    pacer = MemoryPacer(clock)
    one, other = (Limit(name, 100, timedelta(seconds=1)) for name in ("one", "other"))
    pacer.block(one, 30)
    pacer.spend(other)
    with pytest.raises(SlowDown) as raised:
        pacer.spend(one)
    assert raised.value.retry_after == pytest.approx(30)
    clock.now += timedelta(seconds=30)
    pacer.spend(one)


def test_a_shorter_block_does_not_end_a_longer_one():
    clock = Clock()
    pacer, limit = MemoryPacer(clock), Limit("b", 100, timedelta(seconds=1))
    pacer.block(limit, 300)
    pacer.block(limit, 1)
    clock.now += timedelta(seconds=2)
    with pytest.raises(SlowDown):
        pacer.spend(limit)


def test_what_can_never_be_paid_is_said_at_once():
    with pytest.raises(ValueError, match="holds 10"):
        take(Bucket(10.0, START), Limit("b", 10, timedelta(seconds=1)), START, Priority.CUT, cost=11)


@given(limits, st.floats(min_value=0, max_value=1), st.sampled_from(Priority))
def test_an_expensive_call_is_possible_for_every_priority(limit, part, priority):
    """The reserve for the urgent never makes a call impossible that the bucket could pay."""
    cost = max(limit.capacity * part, 0.1)
    assert take(Bucket(float(limit.capacity), START), limit, START, priority, cost)[1] == 0


@given(limits, st.floats(min_value=0, max_value=50), gaps)
def test_what_the_platform_charges_more_is_waited_off(limit, cost, gap):
    """A refusal that costs ten leaves the bucket overdrawn by at most what it holds, so that nobody waits for ever."""
    bucket = charged(Bucket(float(limit.capacity), START), limit, START, cost)
    assert bucket.tokens == max(limit.capacity - cost, -limit.capacity)
    now = START + timedelta(seconds=gap)
    bucket, wait = take(bucket, limit, now, Priority.CUT)
    assert wait <= (limit.capacity + 1) * limit.per.total_seconds() / limit.capacity + 1e-6
    _, again = take(bucket, limit, now + timedelta(seconds=wait * 1.000001 + 1e-3), Priority.CUT)
    assert wait == 0 or again == 0
