"""What a plan says, as arrays: packed and unpacked, compared, named."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stallkeeper.channels import breaker, plan_items
from stallkeeper.channels.plan_items import ABSENT, Items, Part

Figures = dict[int, tuple[int, int]]
figures = st.dictionaries(st.integers(1, 2**40), st.tuples(st.integers(-1, 10**13), st.integers(0, 10**13)), max_size=20)
near = st.dictionaries(st.integers(1, 12), st.tuples(st.integers(-1, 5), st.integers(0, 5)), max_size=12)


def items_of(found: Figures) -> Items:
    offers = sorted(found)
    columns = [offers, [found[offer][0] for offer in offers], [found[offer][1] for offer in offers]]
    return Items(*(np.array(column, dtype=np.int64) for column in columns))


@settings(max_examples=300, deadline=None)
@given(figures)
def test_items_come_back_as_they_were_packed(found: Figures) -> None:
    back = plan_items.unpack(plan_items.pack(items_of(found)))
    assert dict(zip(back.offer.tolist(), zip(back.before.tolist(), back.after.tolist(), strict=True), strict=True)) == found


@settings(max_examples=500, deadline=None)
@given(near, near)
def test_what_moved_is_what_differs_and_the_name_tells_them_apart(then: Figures, now: Figures) -> None:
    old, new = items_of(then), items_of(now)
    found = plan_items.moved(old, new)
    assert found.offer.tolist() == sorted(offer for offer in then.keys() | now.keys() if then.get(offer) != now.get(offer))
    names = [plan_items.fingerprint(b"", {1: Part(each, plan_items.NO_ITEMS)}) for each in (old, new)]
    assert (names[0] == names[1]) == (then == now)
    for at, offer in enumerate(found.offer.tolist()):
        before, after = now.get(offer, (ABSENT, ABSENT))
        said = then.get(offer)
        more = after != ABSENT and (after > said[1] if said else before == -1 or after > before)
        assert bool(found.higher[at]) == more, (said, (before, after))


def test_the_same_values_for_another_channel_or_as_prices_have_another_name() -> None:
    some = items_of({1: (2, 3)})
    names = {
        plan_items.fingerprint(words, parts)
        for words, parts in (
            (b"", {1: Part(some, plan_items.NO_ITEMS)}),
            (b"", {2: Part(some, plan_items.NO_ITEMS)}),
            (b"", {1: Part(plan_items.NO_ITEMS, some)}),
            (b"other rules", {1: Part(some, plan_items.NO_ITEMS)}),
        )
    }
    assert len(names) == 4


def test_what_is_a_jump() -> None:
    shown = np.array([10, 10, 1, 0, -1, 500], dtype=np.int64)
    after = np.array([109, 110, 50, 500, 500, 5_000], dtype=np.int64)
    assert breaker.jump(shown, after).tolist() == [False, True, False, False, False, True]
