"""The order in which tests run: what begins last must not be what takes longest."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def long_ones_first(items: list[Item], seconds: Callable[[Item], float], workers: int) -> list[Item]:
    """The items in an order in which every worker begins with its share of the long ones (``seconds`` of the others is 0).

    xdist's worksteal deals one block of items to each worker, of equal length but for one; who is done takes from the end of another's.
    """
    long = sorted((item for item in items if seconds(item)), key=seconds, reverse=True)
    others = iter([item for item in items if not seconds(item)])
    shares: list[list[Item]] = [[] for _ in range(workers)]
    for item in long:
        min(shares, key=lambda share: sum(map(seconds, share))).append(item)
    left, ordered = len(items), list[Item]()
    for number, share in enumerate(shares):
        length = left // (workers - number)
        ordered += [*share, *islice(others, max(length - len(share), 0))]
        left -= length
    return [*ordered, *others]
