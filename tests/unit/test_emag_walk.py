"""eMAG's clock and the order walk (rules 6 and "cursor = opaque text plus overlap"): nothing may fall between two windows or two pages."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from stallkit.adapters.emag import times, walk
from stallkit.adapters.emag.manifest import MANIFEST, ORDERS, OTHER
from stallkit.errors import Refused
from stallkit.manifest import Limit
from stallkit.pacing import Bucket, Priority, take

NOON = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)  # 12:00 in Bucharest
FALL_BACK = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)  # 04:00 summer time becomes 03:00 winter time


# --- clock --------------------------------------------------------------------------------------------------------------------------------


def test_texts_are_bucharest_time():
    assert times.text_of(NOON) == "2026-03-02 12:00:00"
    assert times.past_instant("2026-03-02 12:00:00", NOON) == NOON
    assert times.past_instant("2026-07-02 12:00:00", NOON + timedelta(days=200)) == datetime(2026, 7, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "0000-00-00 00:00:00"])
def test_no_time_is_none(text):
    assert times.past_instant(text, NOON) is None
    assert times.deadline(text) is None


def test_the_hour_that_comes_twice_is_the_latest_that_is_not_in_the_future():
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert times.text_of(first) == times.text_of(second) == "2026-10-25 03:30:00"
    assert times.past_instant("2026-10-25 03:30:00", first + timedelta(minutes=5)) == first
    assert times.past_instant("2026-10-25 03:30:00", second + timedelta(minutes=5)) == second


def test_changes_keep_their_order_through_the_night_when_the_clock_goes_back():
    """A change at 03:50 (summer) and one at 03:10 (winter, twenty minutes later), each read shortly after it happened."""
    moments = [FALL_BACK - timedelta(minutes=10), FALL_BACK + timedelta(minutes=10)]
    read = [times.past_instant(times.text_of(at), at + timedelta(seconds=20)) for at in moments]
    assert read == moments


def test_a_deadline_in_the_doubled_hour_is_the_earlier_one():
    assert times.deadline("2026-10-25 03:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


# --- walk ---------------------------------------------------------------------------------------------------------------------------------


class Shop:
    """A list of changes, read as eMAG filters and pages it; ``seen`` is what the walk was given."""

    def __init__(self, changes):
        self.changes, self.seen, self.calls = list(changes), set(), []

    def page(self, filters):
        self.calls.append(filters)
        if "status" in filters:
            return []
        after, before = filters["modifiedAfter"], filters["modifiedBefore"]
        assert datetime.fromisoformat(before) - datetime.fromisoformat(after) <= timedelta(days=31)
        inside = [name for name, at in self.changes if after < times.text_of(at) < before]
        start = (filters["currentPage"] - 1) * filters["itemsPerPage"]
        return inside[start : start + filters["itemsPerPage"]]

    def walk(self, cursor, now, between=lambda: None, **options):
        for _ in range(2_000):
            step = walk.step_from(cursor, now, **options)
            rows = self.page(step.filters())
            self.seen.update(rows)
            following, done = step.next(len(rows))
            cursor = walk.write_cursor(following)
            if done:
                return cursor
            between()
        raise AssertionError("the walk does not end")


def test_a_quiet_pull_is_two_calls_and_looks_back_three_hours():
    shop = Shop([])
    cursor = shop.walk("", NOON)
    shop.calls.clear()
    shop.walk(cursor, NOON + timedelta(seconds=5))
    assert [sorted(call.keys() - {"type", "currentPage", "itemsPerPage"}) for call in shop.calls] == [
        ["status"],
        ["modifiedAfter", "modifiedBefore"],
    ]
    assert shop.calls[1]["modifiedAfter"] == "2026-03-02 08:59:59"


def test_the_first_walk_asks_for_open_orders_of_any_age_and_thirty_days_of_changes():
    shop = Shop([("old", NOON - timedelta(days=29)), ("new", NOON - timedelta(minutes=1))])
    shop.walk("", NOON)
    assert shop.calls[0]["status"] == [1, 2, 3]
    assert shop.seen == {"old", "new"}


def test_later_walks_ask_for_new_orders_only():
    shop = Shop([])
    cursor = shop.walk("", NOON)
    shop.calls.clear()
    shop.walk(cursor, NOON + timedelta(seconds=5))
    assert shop.calls[0]["status"] == [1]


def test_an_old_cursor_is_walked_in_windows_of_less_than_a_month():
    """Section 5.4: one month at most. Shop.page checks the width of every window."""
    cursor = walk.write_cursor(walk.Cursor(after="2025-10-01 00:00:00"))
    start = datetime(2025, 9, 30, 22, 0, tzinfo=UTC)
    shop = Shop([(number, start + timedelta(hours=number)) for number in range(24 * 152)])
    shop.walk(cursor, NOON)
    assert shop.seen == set(range(24 * 152))


def test_a_window_in_the_past_is_read_in_one_page_or_halved():
    """Paging by position loses an order when another one leaves the list between two pages; here one leaves after each call."""
    rng = random.Random(1)
    shop = Shop([(number, NOON - timedelta(days=20, seconds=number * 60)) for number in range(900)])
    left = set()

    def edit_one():
        if not shop.changes:
            return
        name, _ = shop.changes.pop(rng.randrange(len(shop.changes)))
        left.add(name)  # changed now: the next walk finds it there

    shop.walk("", NOON, between=edit_one)
    assert shop.seen | left == set(range(900))
    assert {call["currentPage"] for call in shop.calls} == {1}


def test_many_changes_in_one_second_are_paged():
    at = NOON - timedelta(days=3)
    shop = Shop([(number, at) for number in range(250)])
    shop.walk("", NOON)
    assert shop.seen == set(range(250))


def test_the_moving_window_is_paged_and_ends_with_a_short_page():
    shop = Shop([(number, NOON - timedelta(seconds=number)) for number in range(230)])
    cursor = shop.walk("", NOON)
    assert shop.seen == set(range(230))
    assert [call["currentPage"] for call in shop.calls[-3:]] == [1, 2, 3]
    assert walk.read_cursor(cursor).after == "2026-03-02 09:00:00"


def test_an_exactly_full_last_page_is_followed_by_an_empty_one():
    shop = Shop([(number, NOON - timedelta(seconds=number)) for number in range(100)])
    shop.walk("", NOON)
    assert [call["currentPage"] for call in shop.calls[-2:]] == [1, 2]


def test_no_change_is_lost_in_the_night_when_the_clock_goes_back():
    """Pulls every few minutes from 01:00 to 06:00 (S3.*); each change must be seen by the pull that follows it."""
    start = FALL_BACK - timedelta(hours=3)
    shop = Shop([])
    cursor = shop.walk("", start)
    for minute in range(0, 360, 7):
        now = start + timedelta(minutes=minute)
        shop.changes.append((minute, now - timedelta(seconds=90)))
        cursor = shop.walk(cursor, now)
        assert minute in shop.seen, f"the change of {times.text_of(now)} was not seen"


def test_a_day_without_pulls_across_the_changed_clock_loses_nothing():
    start = FALL_BACK - timedelta(hours=5)
    shop = Shop([])
    cursor = shop.walk("", start)
    shop.changes = [(minute, start + timedelta(minutes=minute)) for minute in range(0, 20 * 60, 3)]
    shop.walk(cursor, start + timedelta(hours=20))
    assert shop.seen == set(range(0, 20 * 60, 3))


def test_orders_of_emag_are_a_second_round():
    shop = Shop([])
    shop.walk("", NOON, with_marketplace=True)
    assert [call["type"] for call in shop.calls if "status" in call] == [3, 2]


def test_a_cursor_in_the_middle_of_the_second_round_survives_the_setting():
    cursor = walk.write_cursor(walk.Cursor(after="2026-03-02 09:00:00", started="2026-03-02 12:00:00", type=2))
    following, done = walk.step_from(cursor, NOON).next(0)
    assert not done
    following, done = walk.Step(following, (3, 2)).next(0)
    assert done
    assert following == walk.Cursor(after="2026-03-02 09:00:00")


@pytest.mark.parametrize("text", ["7", "{}", '{"after":"yesterday"}', '{"after":"2026-03-02 09:00:00","stage":"changed"}', "{"])
def test_a_foreign_cursor_is_refused_by_name(text):
    with pytest.raises(Refused, match="cursor"):
        walk.step_from(text, NOON)


# --- pacing -------------------------------------------------------------------------------------------------------------------------------


def busiest(limit: Limit, window: timedelta, jitter: float = 0.0) -> int:
    """Most calls that arrive in any window when they go out as fast as the bucket allows and travel up to ``jitter`` seconds longer."""
    rng, now, bucket = random.Random(7), NOON, Bucket(float(limit.capacity), NOON)
    sent = []
    while now < NOON + timedelta(seconds=130):
        bucket, wait = take(bucket, limit, now, Priority.CUT)
        if wait == 0:
            sent.append(now + timedelta(seconds=rng.uniform(0, jitter)))
        now += timedelta(seconds=wait + 0.000_001)  # a clock of microseconds would round a tiny wait away
    sent.sort()
    return max(sum(1 for at in sent[index:] if at < begin + window) for index, begin in enumerate(sent[:300]))


@pytest.mark.parametrize(("limit", "second", "minute"), [(ORDERS, 12, 720), (OTHER, 3, 180)])
def test_each_bucket_stays_under_both_of_its_windows(limit, second, minute):
    """Section 1.5: 12 a second and 720 a minute for orders, 3 and 180 for the rest together; one Limit keeps both."""
    assert busiest(limit, timedelta(seconds=1)) <= second
    assert busiest(limit, timedelta(minutes=1)) <= minute
    assert busiest(limit, timedelta(seconds=1), jitter=0.1) <= second


def test_a_bucket_of_the_printed_numbers_would_not_do():
    """The reason why the manifest does not simply say 3 per second."""
    assert busiest(Limit("naive", 3, timedelta(seconds=1)), timedelta(seconds=1)) > 3


def test_the_manifest_names_the_source_of_each_limit():
    assert all(limit.source for limit in MANIFEST.limits)
