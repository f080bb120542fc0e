"""The rush's verdict, unit by unit: sold beyond what was there, covered before its order was read, or short (issue 4, must show 2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.ops.simulation.rush import COMPARING, FIVE, Mode, Outcome
from stallkeeper.ops.simulation.rush_verdict import Goods, Product, Sale, Verdict, Window, bounded, judge

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def verdict(
    goods: Sequence[tuple[float, int]], sold: Sequence[tuple[float, int]], read: Sequence[float], *windows: tuple[float, float | None]
) -> Verdict:
    """``sold``: (second, channel); the windows are channel 1's."""
    spans = [Window(at(begin), None if end is None else at(end)) for begin, end in windows]
    there, sales = [Goods(at(second), units) for second, units in goods], [Sale(at(second), channel) for second, channel in sold]
    return judge(Product(there, sales, [at(second) for second in read], {1: spans}), timedelta(seconds=0.6))


@pytest.mark.parametrize(
    ("goods", "sold", "read", "windows", "told"),
    [
        ([(0, 2)], [(1, 1), (2, 2)], [3, 4], [], (0, 0, 0, 0)),
        ([(0, 1)], [(1, 1), (2, 2)], [3, 4], [(0, 1.5)], (1, 0, 1, 1)),
        ([(0, 1), (3, 1)], [(1, 1), (2, 2)], [3.5, 4], [(0, 1.5)], (1, 1, 0, 1)),  # goods before the second is read: nobody is short
        ([(0, 1), (5, 1)], [(1, 1), (2, 2)], [3.5, 4], [(0, 1.5)], (1, 0, 1, 1)),  # goods after that: short for a second
        ([(0, 1)], [(1, 1), (2, 2)], [3, 4], [], (1, 0, 1, 0)),
        ([(0, 1)], [(1, 2), (2, 2)], [3, 4], [(0, 9)], (1, 0, 1, 0)),  # the window is another channel's
        ([(0, 1)], [(1, 2), (2, 2), (3, 1)], [4, 5, 6], [(2.5, 4)], (2, 0, 2, 1)),  # a sale in a window explains nothing before it
        ([(0, 1)], [(1, 1), (2, 2), (3, 2)], [4, 5, 6], [(0.5, 2)], (2, 0, 2, 1)),  # and explains one unit only
        ([(0, 1)], [(1, 1), (2, 2)], [3, 4], [(1.5, None)], (1, 0, 1, 1)),  # the reply may be so late
        ([(0, 1)], [(1, 1), (2, 2)], [3, 4], [(1.7, None)], (1, 0, 1, 0)),
    ],
)
def test_each_kind_is_told_from_the_others(goods, sold, read, windows, told) -> None:
    found = verdict(goods, sold, read, *windows)
    assert (found.beyond, found.covered, found.oversold, found.explained) == told
    assert found.missing == max(len(sold) - sum(units for _, units in goods), 0)


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 3)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 60)), max_size=25),
)
def test_against_a_shelf_played_through(goods: list[tuple[int, int]], orders: list[tuple[int, int]]) -> None:
    """Whoever reads late never finds more short than were sold beyond; and both are what a shelf says that is played event by event."""
    found = verdict(goods, [(sold + 0.5, 1) for sold, _ in orders], [sold + wait + 0.75 for sold, wait in orders], (0, None))
    assert found.beyond == played(goods, [sold + 0.5 for sold, _ in orders])
    assert found.oversold == played(goods, [sold + wait + 0.75 for sold, wait in orders])
    assert 0 <= found.covered == found.beyond - found.oversold
    assert found.explained == found.beyond, "all was sold in one window"


def played(goods: Sequence[tuple[float, int]], takers: Sequence[float]) -> int:
    """How many find the shelf empty. What they could not have they are owed: goods that come in are theirs first."""
    events = sorted([(second, units) for second, units in goods] + [(second, 0) for second in takers])
    shelf = empty = 0
    for _, units in events:
        empty += not units and shelf <= 0
        shelf += units or -1
    return empty


def test_a_window_without_an_answer_ends_where_the_hub_had_read_again() -> None:
    spans = [Window(at(0), None), Window(at(0), at(2)), Window(at(5), None)]
    assert bounded(spans) == [Window(at(0), at(5)), Window(at(0), at(2)), Window(at(5), None)]


FINE = {"buyers": 9, "units": 5, "sold": 6, "beyond": 2, "explained": 2, "covered": 1, "oversold": 1, "rows": 1, "named": 1}


@pytest.mark.parametrize(
    ("mode", "changed", "problem"),
    [
        (Mode("m", FIVE), {}, None),
        (Mode("m", FIVE), {"rows": 0, "named": 0, "astray": 1}, "in shortage rows"),
        (Mode("m", FIVE), {"explained": 1}, "outside of every window"),
        (Mode("m", FIVE), {"named": 0}, "name no window"),
        (Mode("m", FIVE), {"missing": 1}, "open shortage rows"),
        (Mode("m", FIVE), {"unread": 1}, "never read"),
        (Mode("m", FIVE), {"needless": 1}, "where the platform compares"),
        (Mode("m", FIVE, delayed=False), {}, "nothing came late"),
        (Mode("m", COMPARING), {}, "figures are compared"),
        (Mode("m", FIVE, guarded=False), {"explained": 0, "named": 0}, None),
    ],
)
def test_what_must_not_be_is_said(mode: Mode, changed: dict[str, int], problem: str | None) -> None:
    told = Outcome(mode, **(FINE | changed)).problems
    assert (problem is None) == (not told), told
    assert problem is None or problem in told[0]
