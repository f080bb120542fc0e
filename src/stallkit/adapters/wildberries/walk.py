"""Which assembly orders to ask for next: the cursor of ``pull_orders``, pure.

``GET /api/v3/orders`` lists by time of creation and knows no time of change (03), so changes are found by looking again: at the last hour
and a half with every pull, since that is where orders are new, taken on and cancelled by their buyers (who may in the first hour); and at a
month, a page with each pull, begun anew every ten minutes, for all that comes later.

Two borders could cut a basket in two. In time: baskets whose first visible unit lies within ``SPREAD`` of a window's start are not told,
as units of them may lie before it; the window before, or the look at a month, has them whole. Between pages: the next page is looked at
too, and each basket is told with the page on which it begins; the cursor carries those that go on on the next page.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from stallkit.errors import Refused

SPREAD = 600
"""Seconds within which all units of a basket are created (*assumed*: one payment makes them all)."""
OVERLAP = 90 * 60
"""Seconds that each pull looks back from the start of the last one: the buyer's first hour (03, declined_by_client), and a half more."""
MONTH = 29 * 86_400
"""At most 30 days are asked for at once (03); a day less, for a look that takes its time."""
DEEP_EVERY = 600


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """A walk over the pages of one period. ``end`` 0: up to now. ``told``: baskets told already that go on on the page at ``next``."""

    start: int
    end: int = 0
    next: int = 0
    told: tuple[str, ...] = ()

    @property
    def tells_from(self) -> int:
        """Baskets whose first unit is older may be cut off by the window's start."""
        return self.start + SPREAD

    def turned(self, following: int, told: tuple[str, ...]) -> Window:
        return msgspec.structs.replace(self, next=following, told=told)


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the pulls stand. ``since``: start of the last whole pull; ``deep``: the look at a month, while one is under way."""

    since: int
    started: int = 0
    stage: Literal["first", "recent", "deep"] = "recent"
    window: Window | None = None
    deep: Window | None = None
    deep_at: int = 0
    dbs: Window | None = None
    """The look at orders that the seller delivered, while one is under way."""
    dbs_at: int = 0


def place_from(text: str, now: int) -> Place:
    """The place that a cursor ("" at the very start) means at ``now``, with the window to read next. Refused if it is none of ours."""
    if not text:
        return Place(now, now, "first", Window(now - MONTH), deep_at=now)
    try:
        place = msgspec.json.decode(text, type=Place)
    except msgspec.DecodeError as error:
        raise Refused(
            f"the order cursor {text[:80]!r} is not one of Wildberries': {error}; start again with an empty one", code="cursor"
        ) from error
    if place.window is not None:
        return place
    start = max(place.since - OVERLAP - SPREAD, now - MONTH)
    return msgspec.structs.replace(place, started=now, stage="recent", window=Window(start))


def after(place: Place, following: int, told: tuple[str, ...], *, more: bool, now: int) -> tuple[Place, bool]:
    """The place after a page, and whether the pull is done. ``following`` and ``told`` are where the page's period goes on, if ``more``."""
    window = place.window
    if window is None:
        raise ValueError("a page belongs to a window")
    if place.stage == "deep":
        deep = window.turned(following, told) if more else None
        return msgspec.structs.replace(place, started=0, stage="recent", window=None, deep=deep), True
    if more:
        return msgspec.structs.replace(place, window=window.turned(following, told)), False
    finished = msgspec.structs.replace(place, since=place.started, started=0, stage="recent", window=None)
    if place.stage == "first":
        return finished, True
    return _with_deep(finished, now)


def _with_deep(finished: Place, now: int) -> tuple[Place, bool]:
    """One page of the look at a month, if one is under way or due."""
    deep, begun = finished.deep, finished.deep_at
    if deep is None and now - begun >= DEEP_EVERY:
        deep, begun = Window(now - MONTH, now), now
    if deep is None:
        return finished, True
    return msgspec.structs.replace(finished, stage="deep", window=deep, deep=None, deep_at=begun), False


def mark(basket: str) -> str:
    """A short name of a basket for the cursor."""
    return blake2b(basket.encode(), digest_size=8).hexdigest()


def write_cursor(place: Place) -> str:
    return msgspec.json.encode(place).decode()
