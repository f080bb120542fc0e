"""Which conditions a target is told of, and when."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.core.models import NoticeTarget
from stallkeeper.core.target_rules import first_try, next_try, quiet_until, waits_for, wants

ZONE = ZoneInfo("Europe/Bucharest")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
moments = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
times = st.times().map(lambda value: value.replace(second=0, microsecond=0))


def test_gravity_kind_and_account_decide_together():
    target = NoticeTarget(least="warning", kinds=["silent", "refused"], accounts=[3])
    assert wants(target, "warning", "silent", 3)
    assert wants(target, "error", "refused", None), "a condition of no account concerns everybody"
    assert not wants(target, "info", "silent", 3)
    assert not wants(target, "error", "drift", 3)
    assert not wants(target, "error", "silent", 4)
    assert wants(NoticeTarget(least="info"), "info", "anything", 9)


@pytest.mark.parametrize(
    ("begin", "end", "at", "until"),
    [
        ("22:00", "07:00", "23:30", "07:00 next"),
        ("22:00", "07:00", "06:59", "07:00"),
        ("22:00", "07:00", "07:00", None),
        ("22:00", "07:00", "21:59", None),
        ("22:00", "07:00", "22:00", "07:00 next"),
        ("12:00", "13:00", "12:30", "13:00"),
        ("12:00", "12:00", "12:00", None),
    ],
)
def test_quiet_hours_go_by_the_clock_on_the_wall(begin: str, end: str, at: str, until: str | None):
    target = NoticeTarget(quiet_from=time.fromisoformat(begin), quiet_until=time.fromisoformat(end))
    now = datetime.combine(NOON.date(), time.fromisoformat(at), tzinfo=ZONE)
    found = quiet_until(target, ZONE, now.astimezone(UTC))
    if until is None:
        assert found is None
        return
    day = now.date() + timedelta(days=1) if until.endswith("next") else now.date()
    assert found == datetime.combine(day, time.fromisoformat(until.removesuffix(" next")), tzinfo=ZONE)


@given(moments, times, times)
def test_quiet_hours_end_in_the_future_within_a_day_and_are_over_then(at: datetime, begin: time, end: time):
    """Also in the nights in which clocks are changed."""
    target = NoticeTarget(quiet_from=begin, quiet_until=end)
    until = quiet_until(target, ZONE, at)
    if until is not None:
        assert timedelta(0) <= until.astimezone(UTC) - at <= timedelta(hours=25)
        assert quiet_until(target, ZONE, until.astimezone(UTC) + timedelta(hours=1)) is None or (until + timedelta(hours=1)).time() >= begin


def test_errors_break_in_only_where_they_may():
    target = NoticeTarget(quiet_from=time(0), quiet_until=time(23, 59), break_quiet=True)
    assert waits_for(target, ["error"], ZONE, NOON) is None
    assert waits_for(target, ["warning"], ZONE, NOON) is not None
    target.break_quiet = False
    assert waits_for(target, ["error"], ZONE, NOON) is not None


def test_what_comes_goes_together_and_the_same_not_too_soon_again():
    target = NoticeTarget(gather_minutes=5, again_minutes=60)
    assert first_try(target, None, NOON) == NOON + timedelta(minutes=5)
    assert first_try(target, NOON - timedelta(minutes=10), NOON) == NOON + timedelta(minutes=50)
    assert first_try(target, NOON - timedelta(hours=3), NOON) == NOON + timedelta(minutes=5)


@given(st.integers(1, 60))
def test_waits_grow_and_have_an_end(attempts: int):
    assert timedelta(minutes=1) <= next_try(attempts, NOON) - NOON <= next_try(attempts + 1, NOON) - NOON <= timedelta(hours=2)
