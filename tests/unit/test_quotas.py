"""Guarded mode's arithmetic: units split over offers, and how far a raise may go (invariant 4), over random shops."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stallkeeper.channels.quotas import Claim, Exposure, split

draws = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=3, unique_by=lambda draw: draw[0]).map(tuple)
figures = st.integers(0, 12)
claims = st.lists(st.tuples(draws, figures, st.integers(0, 100), figures, st.none() | figures, st.integers(0, 3)), min_size=1, max_size=6)
rooms = st.lists(st.integers(0, 15), min_size=3, max_size=3)


def made(rows) -> list[Claim]:
    return [Claim(number, *row) for number, row in enumerate(rows, 1)]


def taken(wanted: list[Claim], quotas: list[int]) -> list[int]:
    return [
        sum(quota * per for claim, quota in zip(wanted, quotas, strict=True) for pool, per in claim.draws if pool == n) for n in range(3)
    ]


@settings(max_examples=3_000, deadline=None)
@given(claims, rooms)
def test_no_unit_twice_and_none_idle(rows, room) -> None:
    """Together never more than there is; nobody gets more than he would show alone; what is left serves nobody."""
    wanted = made(rows)
    quotas = split(wanted, room)
    used = taken(wanted, quotas)
    assert all(units <= there for units, there in zip(used, room, strict=True))
    for claim, quota in zip(wanted, quotas, strict=True):
        assert 0 <= quota <= claim.wish
        assert quota == claim.wish or any(used[pool] + per > room[pool] for pool, per in claim.draws)


@settings(max_examples=1_000, deadline=None)
@given(claims, rooms, st.randoms(use_true_random=False))
def test_a_split_stands_and_is_the_same_for_everybody(rows, room, dice) -> None:
    """Worked out again from what it said it says the same, whatever is shown by then; the order of the claims does not matter."""
    wanted = made(rows)
    quotas = dict(zip([claim.offer_id for claim in wanted], split(wanted, room), strict=True))
    again = [Claim(*row, before=quotas[number], shown=shown, sold=sold) for number, (*row, _, shown, sold) in numbered(rows)]
    assert split(again, room) == [quotas[claim.offer_id] for claim in again]
    mixed = list(wanted)
    dice.shuffle(mixed)
    assert dict(zip([claim.offer_id for claim in mixed], split(mixed, room), strict=True)) == quotas


def numbered(rows):
    return [(number, (number, *row)) for number, row in enumerate(rows, 1)]


def claim(number: int, wish: int, before: int = 0, shown: int | None = None, sold: int = 0, weight: int = 100) -> Claim:
    return Claim(number, ((0, 1),), wish, weight, before, shown, sold)


def test_shares_by_weight_and_the_last_units_where_it_sells() -> None:
    """Nine units over three channels; ten give the tenth to the one with open orders; a double weight gets double."""
    assert split([claim(n, 9) for n in (1, 2, 3)], [9]) == [3, 3, 3]
    assert split([claim(1, 10), claim(2, 10), claim(3, 10, sold=2)], [10]) == [3, 3, 4]
    assert split([claim(1, 9, weight=200), claim(2, 9), claim(3, 9)], [8]) == [4, 2, 2]
    assert split([claim(1, 1), claim(2, 10)], [10]) == [1, 9]


def test_a_sale_sends_nothing_while_the_others_have_their_share() -> None:
    """Ten over five, two each; the first has sold one: its own figure has fallen by it, and nobody else's is touched."""
    others = [claim(n, 9, before=2, shown=2) for n in (2, 3, 4, 5)]
    assert split([claim(1, 9, before=2, shown=1, sold=1), *others], [9]) == [1, 2, 2, 2, 2]


def test_the_last_unit_stays_where_it_is_shown() -> None:
    assert split([claim(1, 1), claim(2, 1, before=1, shown=1), claim(3, 1, sold=5)], [1]) == [0, 1, 0]


def test_a_raise_waits_for_the_others() -> None:
    """Five units, another channel still shows three of them: two may be shown here; unknown may be all."""
    exposure = Exposure([5], {1: ((0, 1),), 2: ((0, 1),), 3: ((0, 2),)}, {1: 0, 2: 3, 3: 0})
    assert exposure.most(1) == 2
    assert exposure.most(3) == 1  # of packs of two
    exposure.raise_(1, 2)
    assert exposure.most(3) == 0
    exposure.shown[2] = None
    assert exposure.most(1) == exposure.most(3) == 0
