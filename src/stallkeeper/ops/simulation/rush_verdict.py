"""The verdict on a rush: what was sold when there was none, where each such unit comes from, and who went short. Pure.

Of what was sold *beyond* what was there, two kinds are told apart, unit by unit:

* *oversold*: when the hub read the order there still was none. What cannot be promised is short and has a shortage row of its own
  (INVARIANTS.md 3; "oversell" in the glossary is a shortage).
* *covered*: goods came in before the order was read. It was promised its unit at once and nobody went short: there is no row, and
  must be none. Where it comes from has to be known all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


class Goods(NamedTuple):
    """Units that came in."""

    at: datetime
    units: int


class Sale(NamedTuple):
    """A unit that a platform sold."""

    at: datetime
    channel: int


class Window(NamedTuple):
    """From the last moment of which the hub knew what the channel showed to the answer to its write. ``end`` None: there was none."""

    begin: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Product:
    """What happened of a product: goods and sales by the platforms' own word, when the hub read each order, and what the hub wrote down."""

    goods: Sequence[Goods]
    sales: Sequence[Sale]
    read: Sequence[datetime]
    windows: Mapping[int, Sequence[Window]]
    """By channel, those of each in order."""
    worst: int = 0
    """Units of all shortage rows that there have ever been, and those that are still short."""
    short: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a product. ``beyond`` is ``covered`` and ``oversold`` together; ``explained`` of them go back to a sale in a window."""

    units: int
    sold: int
    beyond: int
    covered: int
    oversold: int
    explained: int
    unread: int
    """Sales that the hub does not know."""
    missing: int
    """Units for which no goods came later, either: at the end they are not there."""
    left: int
    """Units that nobody was sold: buyers came where none were shown."""


def judge(product: Product, slack: timedelta) -> Verdict:
    """``slack``: by so much later than a channel's answer was given the hub may have noted that it read it.

    Who of several buyers goes without is decided by the order in which the hub reads: the k-th order that it reads is short if fewer than k
    units had come in by then. The k-th sale is never read before it is made, so there are never more such orders than sales beyond.
    """
    sales, read = sorted(product.sales), sorted(product.read)
    beyond = _beyond(product.goods, [sale.at for sale in sales])
    oversold = len(_beyond(product.goods, read))
    units = sum(lot.units for lot in product.goods)
    return Verdict(
        units=units,
        sold=len(sales),
        beyond=len(beyond),
        covered=len(beyond) - oversold,
        oversold=oversold,
        explained=_explained(sales, beyond, product.windows, slack),
        unread=len(sales) - len(read),
        missing=max(len(sales) - units, 0),
        left=max(units - len(sales), 0),
    )


def _beyond(goods: Sequence[Goods], moments: Sequence[datetime]) -> list[int]:
    """Which of these events, that each take a unit, found none left: their positions."""
    lots = sorted(goods)
    there, total = [0], 0
    for lot in lots:
        total += lot.units
        there.append(total)
    begins = [lot.at for lot in lots]
    return [number for number, at in enumerate(moments) if number >= there[bisect_right(begins, at)]]


def _explained(sales: Sequence[Sale], beyond: Sequence[int], windows: Mapping[int, Sequence[Window]], slack: timedelta) -> int:
    """Of the units sold beyond, those that a sale in a window goes before (or that lie in one themselves); no sale explains two of them."""
    explained = written_over = 0
    sold_beyond = set(beyond)
    for number, sale in enumerate(sales):
        written_over += any(_inside(sale.at, window, slack) for window in windows.get(sale.channel, ()))
        explained += number in sold_beyond and explained < written_over
    return explained


def _inside(at: datetime, window: Window, slack: timedelta) -> bool:
    return window.begin - slack <= at and (window.end is None or at <= window.end)


def bounded(windows: Sequence[Window]) -> list[Window]:
    """A channel's windows of a product, in order. One whose answer never came ends where a later one begins: by then the hub had read."""
    begins = sorted(window.begin for window in windows)

    def read_again(after: datetime) -> datetime | None:
        return next(iter(begins[bisect_right(begins, after) :]), None)

    return [Window(one.begin, one.end or read_again(one.begin)) for one in windows]
