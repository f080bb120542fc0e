"""Long tests begin first, and no test is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.order import long_ones_first


def seconds(item: tuple[str, int]) -> float:
    return item[1]


@given(st.lists(st.sampled_from([0, 0, 0, 10, 60, 300])), st.integers(1, 8))
def test_every_item_is_there_once(lengths: list[int], workers: int) -> None:
    items = [(f"test_{number}", length) for number, length in enumerate(lengths)]
    assert sorted(long_ones_first(items, seconds, workers)) == sorted(items)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 6, 8])
def test_each_worker_begins_with_its_share(workers: int) -> None:
    """The blocks are those of xdist's worksteal: each worker gets as many of what is left as there are workers left."""
    items = [(f"test_{number}", 0) for number in range(100)] + [("longest", 300), *((f"long_{number}", 60) for number in range(7))]
    ordered, blocks = long_ones_first(items, seconds, workers), []
    for left in range(workers, 0, -1):
        length = len(ordered) // left
        blocks.append(ordered[:length])
        ordered = ordered[length:]
    assert blocks[0][0] == ("longest", 300)
    for block in blocks:
        assert block == sorted(block, key=seconds, reverse=True)
        assert seconds(block[0]) > 0
    shares = [sum(map(seconds, block)) for block in blocks[1:]]
    assert max(shares, default=0) - min(shares, default=0) <= 60


def test_the_others_keep_their_order() -> None:
    items = [("a", 0), ("b", 60), ("c", 0), ("d", 0)]
    assert long_ones_first(items, seconds, 1) == [("b", 60), ("a", 0), ("c", 0), ("d", 0)]
