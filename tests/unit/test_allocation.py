"""Which place serves which demand (C2, C16), over random shops."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.stock.allocation import Demand, Free, place

UNITS, PLACES = (1, 2, 3), (10, 20)

free_units = st.fixed_dictionaries({(unit, spot): st.integers(0, 8) for unit in UNITS for spot in PLACES})
parts = st.dictionaries(st.sampled_from(UNITS), st.integers(1, 3), min_size=1).map(lambda mapping: tuple(sorted(mapping.items())))
demands = st.lists(st.tuples(st.integers(0, 6), parts, st.booleans()), min_size=1, max_size=6)


@given(free_units, free_units, demands, st.booleans())
def test_nobody_gets_what_is_not_there(net, held, wanted, may_use_held) -> None:
    free = Free(dict(net), dict(held))
    taken: Counter = Counter()
    for owner, (quantity, its_parts, splits) in enumerate(wanted):
        result = place(Demand(owner, quantity, its_parts, PLACES, splits), free, may_use_held=may_use_held)
        assert 0 <= result.served <= quantity
        for unit, number in its_parts:
            assert sum(units for (of, _), units in result.units.items() if of == unit) == result.served * number
        taken.update(result.units)
    for spot, units in taken.items():
        assert units <= net[spot] + (held[spot] if may_use_held else 0)


@given(free_units, st.integers(1, 6), parts)
def test_nothing_is_short_that_could_be_served(net, quantity, its_parts) -> None:
    """With splits allowed the number served is the best possible; without, it is whole sold units place by place."""
    best = min(sum(net[unit, spot] for spot in PLACES) // number for unit, number in its_parts)
    split = place(Demand(1, quantity, its_parts, PLACES, splits=True), Free(dict(net), {}), may_use_held=False)
    assert split.served == min(quantity, best)
    by_place = sum(min(net[unit, spot] // number for unit, number in its_parts) for spot in PLACES)
    assert place(Demand(1, quantity, its_parts, PLACES), Free(dict(net), {}), may_use_held=False).served == min(quantity, by_place)


def test_one_place_that_has_it_all_comes_before_two_that_share() -> None:
    free = Free({(1, 10): 2, (1, 20): 5}, {})
    assert place(Demand(1, 4, ((1, 1),), PLACES), free, may_use_held=False).units == {(1, 20): 4}


def test_places_that_allow_backorder_serve_everything() -> None:
    free = Free({(1, 10): 1}, {}, frozenset({20}))
    assert place(Demand(1, 4, ((1, 1),), PLACES), free, may_use_held=False).units == {(1, 20): 4}


def test_held_units_are_taken_last() -> None:
    free = Free({(1, 10): 0, (1, 20): 2}, {(1, 10): 9})
    assert place(Demand(1, 3, ((1, 1),), PLACES), free, may_use_held=True).units == {(1, 20): 2, (1, 10): 1}
