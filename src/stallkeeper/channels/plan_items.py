"""What a plan says, as arrays: offers with the figure before and after, how many rise and fall, what has moved since. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

import msgspec
import numpy as np

from stallkeeper.channels import breaker
from stallkeeper.core.copy import Ints
from stallkeeper.stock.availability import NOT_SET, Flags

ABSENT = -2
"""Where two plans are compared: one of them says nothing of the offer."""
PARTS_OF_A_UNIT = 10_000
"""Prices travel as whole ten-thousandths, which is what the database keeps of them."""


@dataclass(frozen=True, slots=True)
class Items:
    """Offers by id, what the channel shows of each (-1: not known, it is read first) and what it would show."""

    offer: Ints
    before: Ints
    after: Ints

    def __len__(self) -> int:
        return len(self.offer)


@dataclass(frozen=True, slots=True)
class Part:
    """What a plan would send to one channel; prices in ten-thousandths."""

    quantities: Items
    prices: Items

    def __len__(self) -> int:
        return len(self.quantities) + len(self.prices)


class Counts(msgspec.Struct, frozen=True):
    """A plan's figures for one channel. ``sends``, ``sends_prices``: whether they go out once it is applied; else they are what would be.

    ``rises``, ``falls`` (``to_zero`` of them), ``unknown`` (to be read first) make up all quantities of the plan. ``refused`` are not among
    them: the channel has said no to this very figure. ``held`` says what stops the plan until a person confirms it, ``held_items`` how many
    values that are.
    """

    channel_id: int
    code: str
    sends: bool
    sends_prices: bool
    offers: int = 0
    live: int = 0
    rises: int = 0
    falls: int = 0
    to_zero: int = 0
    unknown: int = 0
    unknown_zero: int = 0
    """Of those to be read first: would go to zero, and were not seen at zero."""
    refused: int = 0
    price_rises: int = 0
    price_falls: int = 0
    price_unknown: int = 0
    deepest: str = "0"
    """By how many per cent the price falls that falls most."""
    steepest: str = "0"
    """By how many per cent the price rises that rises most."""
    held: tuple[str, ...] = ()
    held_items: int = 0
    without_orders: bool = False
    """Its switches would have stock sent to an account whose orders nobody reads; a person has to say that this is meant."""
    silent: tuple[str, ...] = ()
    """Why nothing goes out, in the order in which to see to it."""

    @property
    def quantities(self) -> int:
        return self.rises + self.falls + self.unknown

    @property
    def prices(self) -> int:
        return self.price_rises + self.price_falls + self.price_unknown

    @property
    def goes_out(self) -> bool:
        """Something is sent once it is applied."""
        return bool((self.sends and self.quantities) or (self.sends_prices and self.prices))


NOTHING: Ints = np.empty(0, dtype=np.int64)
NO_ITEMS = Items(NOTHING, NOTHING, NOTHING)


def pack(items: Items) -> bytes:
    """A hundred thousand items in some hundred kilobytes: steps between ids, figures, compressed."""
    steps = np.diff(items.offer, prepend=0)
    return zlib.compress(np.concatenate([steps, items.before, items.after]).astype("<i8").tobytes(), 1)


def unpack(packed: bytes) -> Items:
    """The reverse."""
    steps, before, after = np.frombuffer(zlib.decompress(packed), dtype="<i8").astype(np.int64).reshape(3, -1)
    return Items(np.cumsum(steps), before, after)


def choose(offer: Ints, before: Ints, after: Ints, wanted: Flags) -> Items:
    """The wanted rows as items, by offer."""
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(offer[rows], kind="stable")]
    return Items(offer[rows], before[rows], after[rows])


@dataclass(frozen=True, slots=True)
class Limits:
    """When a plan stops and asks: the channel's own limits (``breaker``)."""

    zero_limit: int
    zero_limit_share: float
    price_drop_limit: Decimal


def judge_quantities(shown: Ints, after: Ints, live: int, limits: Limits) -> list[tuple[str, int]]:
    """Why so many zeroings, or so many jumps, are stopped, and how many values that are. ``shown``: -1 where nothing is known."""
    zeroings = int(((after == 0) & (shown > 0)).sum())
    jumps = int(breaker.jump(shown, after).sum())
    found = []
    if breaker.too_many(zeroings, live, limits.zero_limit, limits.zero_limit_share):
        found.append((f"{zeroings} of {live} live offers would go to zero at once", zeroings))
    if breaker.too_many(jumps, live, limits.zero_limit, limits.zero_limit_share):
        found.append((f"{jumps} of {live} live offers would show ten times as much or more: is that the right column?", jumps))
    return found


def judge_prices(prices: Items, limits: Limits) -> list[tuple[str, int]]:
    """The same for prices that fall deeply."""
    known = prices.before > 0
    deep = int((known & (prices.after * 100 < prices.before * (100 - float(limits.price_drop_limit)))).sum())
    return [(f"the prices of {deep} offers would fall by more than {limits.price_drop_limit.normalize():f} %", deep)] if deep else []


def steps_of(prices: Items) -> tuple[str, str]:
    """By how many per cent prices fall and rise at most, with one decimal."""
    known = prices.before > 0
    if not known.any():
        return "0", "0"
    change = (prices.after[known] - prices.before[known]) * 100 / prices.before[known]
    return f"{max(-float(change.min()), 0):.1f}", f"{max(float(change.max()), 0):.1f}"


def fingerprint(words: bytes, parts: Mapping[int, Part]) -> str:
    """Names a plan: what it was worked out from (``words``) and every item that it has. The same plan gives the same text."""
    digest = sha256(words)
    for channel, part in sorted(parts.items()):
        digest.update(f"|{channel}".encode())
        for items in (part.quantities, part.prices):
            for column in (items.offer, items.before, items.after):
                digest.update(b"|" + column.astype("<i8").tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Moved:
    """Offers of which a plan says something else by now: before and after, then and now; ABSENT where it says nothing."""

    offer: Ints
    then_before: Ints
    then_after: Ints
    now_before: Ints
    now_after: Ints

    def __len__(self) -> int:
        return len(self.offer)

    @property
    def higher(self) -> Flags:
        """Those for which more would go out than the plan said, or something of which it said nothing, unless that is a cut."""
        new = self.then_after == ABSENT
        entered = new & ((self.now_before == NOT_SET) | (self.now_after > self.now_before))
        more: Flags = (self.now_after != ABSENT) & np.where(new, entered, self.now_after > self.then_after)
        return more


def moved(then: Items, now: Items) -> Moved:
    """What differs between two plans for the same channel."""
    offers = np.union1d(then.offer, now.offer)
    columns = [_spread(offers, items.offer, figures) for items in (then, now) for figures in (items.before, items.after)]
    differs = (columns[0] != columns[2]) | (columns[1] != columns[3])
    return Moved(offers[differs], *(column[differs] for column in columns))


def _spread(offers: Ints, some: Ints, figures: Ints) -> Ints:
    spread = np.full(len(offers), ABSENT, dtype=np.int64)
    spread[np.searchsorted(offers, some)] = figures
    return spread
