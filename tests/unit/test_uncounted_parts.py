"""What is not counted limits nothing: what an offer shows, from gathered rows (S5.90)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from stallkeeper.channels.facts import Facts, decide
from stallkeeper.channels.queries import PLACE_COLUMNS, ChannelFacts
from stallkeeper.stock.availability import ALWAYS, Ints, Trace

INACTIVE, COUNTED, UNCOUNTED = 0, 1, 2
NOWHERE = -1
KIT, HERE, THERE = 9, 1, 2


def channel(*, splits: bool = False, fenced: bool = False) -> ChannelFacts:
    """One that shows what it is given, of two places."""
    rules = (Decimal(100), "down", 0, None, None, 0)
    return ChannelFacts(1, 1, "walmart", True, *rules, splits, 0, [HERE, THERE], fenced, True, "USD", True, "include", None)


def shown(rows: list[tuple[int, int, int, int, int]], channel: ChannelFacts, fences: list[tuple[int, int, int]] | None = None) -> int:
    """Of a kit of these rows: component, how many of it, counted, place, on hand."""
    full = [(KIT, component, per_kit, 1, counted, place, on_hand, 0, 0) for component, per_kit, counted, place, on_hand in rows]
    places = dict(zip(PLACE_COLUMNS, map(column, zip(*full, strict=True)), strict=True))
    offers = {name: column([value]) for name, value in {"unit": KIT, "channel": 1, "pack_factor": 1}.items()}
    offers |= {name: column([0]) for name in ("excluded", "open", "unacknowledged")}
    facts = Facts({1: channel}, offers, places, fences or [], [], date(2026, 3, 2))
    figure = int(decide(facts)[0])
    assert int(decide(facts, Trace(keep=True))[0]) == figure
    return figure


def column(values) -> Ints:
    return np.array(list(values), dtype=np.int64)


@pytest.mark.parametrize("ways", [channel(), channel(splits=True)], ids=["one place", "splits"])
@pytest.mark.parametrize("paper", [1, 5], ids=["comes first", "comes last"])
def test_a_component_that_is_not_counted_limits_nothing(paper: int, ways: ChannelFacts) -> None:
    cups = [(3, 2, COUNTED, HERE, 7), (3, 2, COUNTED, THERE, 4)]
    assert shown(sorted([(paper, 1, UNCOUNTED, NOWHERE, 0), *cups]), ways) == 5
    assert shown(sorted([(paper, 1, UNCOUNTED, HERE, 1), *cups]), ways) == 5
    assert shown(sorted([(paper, 1, UNCOUNTED, NOWHERE, 0), (3, 2, COUNTED, NOWHERE, 0)]), ways) == 0


def test_a_kit_of_components_that_are_not_counted_is_not_counted() -> None:
    assert shown([(1, 1, UNCOUNTED, NOWHERE, 0), (2, 4, UNCOUNTED, HERE, 3)], channel()) == ALWAYS


def test_an_inactive_kit_is_none_whatever_its_components_are() -> None:
    assert shown([(1, 1, INACTIVE, NOWHERE, 0), (2, 4, INACTIVE, HERE, 30)], channel()) == 0


def test_a_fence_of_a_counted_component_holds_beside_one_that_is_not() -> None:
    rows = [(1, 1, UNCOUNTED, NOWHERE, 0), (3, 1, COUNTED, HERE, 3), (3, 1, COUNTED, THERE, 4)]
    assert shown(rows, channel(fenced=True), [(2, 3, 5)]) == 2
