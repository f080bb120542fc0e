"""Delays are added up without losing what percentiles say, and taken apart without losing a second."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.core.histogram import ERROR, GROWTH, LEAST, Histogram, buckets, histogram, merged, percentile, value_of
from stallkeeper.orders.delay_parts import Fact, Waits, parts

durations = st.floats(min_value=0, max_value=90 * 86400, allow_nan=False)
samples = st.lists(durations, min_size=1, max_size=60)
shares = st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0])
moments = st.integers(min_value=0, max_value=400).map(lambda quarter: quarter / 4)
spans = st.lists(st.tuples(moments, moments), max_size=12)


def of(seconds: list[float]) -> Histogram:
    return histogram(np.array(seconds))


# --- histograms ---------------------------------------------------------------------------------------------------------------------------


@given(samples, shares)
def test_a_percentile_is_within_its_bound(seconds: list[float], share: float) -> None:
    exact = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    told = percentile(of(seconds), share)
    assert told is not None
    if exact <= LEAST:
        assert told == 0.0
    else:
        assert abs(told - exact) <= exact * (ERROR + 1e-6)


@given(samples, samples, samples)
def test_it_does_not_matter_in_which_order_histograms_are_added(a: list[float], b: list[float], c: list[float]) -> None:
    one, two, three = of(a), of(b), of(c)
    assert merged([merged([one, two]), three]) == merged([one, merged([two, three])]) == merged([three, two, one]) == of(a + b + c)


@given(samples, st.integers(min_value=1, max_value=5))
def test_alike_ones_may_be_counted_at_once(seconds: list[float], times: int) -> None:
    assert histogram(np.array(seconds), np.full(len(seconds), times)) == of(seconds * times)


def test_the_edges_of_buckets_are_where_they_are_said_to_be() -> None:
    edges = np.array([0.0, LEAST, LEAST * GROWTH, LEAST * GROWTH**2, LEAST * GROWTH**100])
    assert buckets(edges).tolist() == [0, 0, 1, 2, 100]
    assert buckets(edges * 1.0001).tolist() == [0, 1, 2, 3, 101]
    assert value_of(0) == 0.0
    assert percentile({}, 0.5) is None


# --- whose time it was --------------------------------------------------------------------------------------------------------------------


@given(spans, moments, moments)
def test_waits_that_overlap_count_once(given_spans: list[tuple[float, float]], start: float, end: float) -> None:
    quarters = [at / 4 for at in range(401)]
    waited = sum(0.25 for at in quarters if start <= at < end and any(begun <= at < until for begun, until in given_spans))
    (told,) = Waits(given_spans).between(np.array([start]), np.array([end]))
    assert abs(told - waited) < 1e-9


def fact(began: float, sent: float, answered: float, ended: float, free: float | None = None, hidden: bool = False) -> Fact:
    return Fact(1, "stock", 1, "quantities", 1, 1, began, began if free is None else free, sent, answered, ended, ended, hidden)


def taken(each: Fact, *waits: tuple[float, float]) -> tuple[float, float, float, float]:
    found = parts([each], Waits(waits))
    return found.total[0], found.ours[0], found.theirs[0], found.limits[0]


def test_a_cut_that_waited_for_the_budget_and_for_the_feed() -> None:
    """Wanted at 100, three seconds without budget, called at 105, the ticket after half a second, the yes two seconds later."""
    assert taken(fact(100, 105, 105.5, 107.5), (101, 104)) == (7.5, 2.0, 0.5, 5.0)


def test_what_a_call_sleeps_for_its_turn_is_no_answer_time() -> None:
    assert taken(fact(100, 101, 103, 103), (101.25, 102)) == (3.0, 1.0, 1.25, 0.75)


def test_an_order_that_was_shown_late_was_late_by_them() -> None:
    """Placed at 100; a complete look that began at 140 did not show it, and it came in at 147."""
    assert taken(fact(100, 147, 147, 147, free=140, hidden=True)) == (47.0, 7.0, 40.0, 0.0)


def test_a_figure_that_must_stand_for_a_while_waits_for_their_limit() -> None:
    """The limits do not count twice where the budget was spent meanwhile."""
    assert taken(fact(100, 131, 132, 132, free=130), (120, 130.5)) == (32.0, 0.5, 1.0, 30.5)


@given(st.lists(moments, min_size=5, max_size=5), spans, st.booleans())
def test_the_parts_add_up_whatever_the_clocks_say(given_moments: list[float], waits: list[tuple[float, float]], hidden: bool) -> None:
    began, free, sent, answered, ended = given_moments
    total, ours, theirs, limits = taken(fact(began, sent, answered, ended, free, hidden), *waits)
    assert min(total, ours, theirs, limits) >= 0
    assert abs(ours + theirs + limits - total) < 1e-9
    assert total == max(ended - began, 0)
