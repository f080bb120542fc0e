"""The availability function against plain Python, over random shops (C2, C11, C24)."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.stock.availability import NOT_SET, Places, Rules, Trace, for_sale, to_show

small = st.integers(0, 12)


@st.composite
def shops(draw):
    """Targets with components, each at some of the places: [(whole, [(per_kit, fence, {place: (on_hand, allocated, held, incoming)})])]"""
    places = draw(st.integers(1, 3))
    spot = st.tuples(small, small, small, small)
    component = st.tuples(st.integers(1, 4), small, st.dictionaries(st.integers(0, places - 1), spot, min_size=1))
    return draw(st.lists(st.tuples(st.booleans(), st.lists(component, min_size=1, max_size=3)), min_size=1, max_size=6))


def as_places(shop) -> Places:
    rows = [
        (target, 100 * target + number, place, per_kit, fence, *spots[place])
        for target, (_whole, components) in enumerate(shop)
        for number, (per_kit, fence, spots) in enumerate(components)
        for place in sorted(spots)
    ]
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    target, component, place, per_kit, fence, on_hand, allocated, held, incoming = columns
    whole = np.array([whole for whole, _ in shop], dtype=bool)
    return Places(len(shop), target, component, place, per_kit, on_hand, allocated, held, fence, incoming, whole)


def plainly(whole, components) -> int:
    """The same in words: what is free at each place, less what is fenced off (last place first), plus incoming; then kits."""
    free = []
    for per_kit, fence, spots in components:
        net = {place: on_hand - allocated - held for place, (on_hand, allocated, held, _) in sorted(spots.items())}
        if fence:
            visible = max(sum(max(n, 0) for n in net.values()) - fence, 0)
            for place, units in net.items():
                kept = min(max(units, 0), visible)
                visible -= kept
                net[place] = min(units, kept)
        free.append((per_kit, {place: n + spots[place][3] for place, n in net.items()}))
    if whole:
        return min(max(sum(net.values()), 0) // per_kit for per_kit, net in free)
    return sum(min(max(net.get(place, 0), 0) // per_kit for per_kit, net in free) for place in range(3))


@given(shops())
def test_for_sale_is_what_plain_words_say(shop) -> None:
    assert for_sale(as_places(shop)).tolist() == [plainly(whole, components) for whole, components in shop]


@given(shops())
def test_one_with_its_trace_and_many_without_agree(shop) -> None:
    places = as_places(shop)
    trace = Trace(keep=True)
    figures = for_sale(places, trace)
    assert trace.steps[-1][1].tolist() == figures.tolist() == for_sale(places).tolist()
    assert [name for name, _ in trace.steps] == ["on_hand", "allocated", "holds", "ring_fence", "incoming", "kit"]


def rules(**given_) -> Rules:
    values = {
        "share": 10_000,
        "rounding": 0,
        "buffer": 0,
        "cap": NOT_SET,
        "fixed": NOT_SET,
        "zero_at": 0,
        "pack_factor": 1,
        "limit": 999_999,
    }
    values |= {"open_gross": 0, "target": 0} | given_
    return Rules(**{name: np.array([value], dtype=np.int64) for name, value in values.items()})


def shown(available: int, **given_) -> int:
    return int(to_show(np.array([available], dtype=np.int64), rules(**given_))[0])


def test_rules_in_their_order() -> None:
    """S3.32: share with rounding, remainder kept back, cap, zero when below; C11: packs are rounded down."""
    assert shown(10, share=3_300) == 3
    assert shown(10, share=3_300, rounding=1) == 4
    assert shown(10, share=3_500, rounding=2) == 4
    assert shown(10, buffer=3) == 7
    assert shown(2, buffer=3) == 0
    assert shown(10, cap=4) == 4
    assert shown(10, fixed=2) == 2
    assert shown(1, fixed=2) == 1
    assert shown(3, zero_at=3) == 0
    assert shown(52_900, pack_factor=1_000) == 52
    assert shown(70_000, limit=65_535) == 65_535
    assert shown(5, open_gross=2) == 7


@given(st.integers(0, 500), st.integers(0, 10_000), st.integers(0, 2), st.integers(0, 20), st.integers(-1, 50), st.integers(1, 12))
def test_never_more_than_there_is(available, share, rounding, buffer, cap, pack_factor) -> None:
    figure = shown(available, share=share, rounding=rounding, buffer=buffer, cap=cap, pack_factor=pack_factor)
    assert 0 <= figure * pack_factor <= available
    assert cap < 0 or figure * pack_factor <= cap
