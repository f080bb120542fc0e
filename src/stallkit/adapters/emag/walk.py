"""Which orders to ask for next: the cursor of ``pull_orders``, pure.

One walk reads, per order type, first the orders that wait for us whatever their date (``open``), then everything that changed since the
last walk (``changed``). eMAG's filter takes windows of one month at most, promises no sorting, and pages by position, so a change between
two pages can hide an order behind a border. Hence: a window in the past must fit on one page and is halved until it does; only the last,
still moving window is paged, and all of it is read again by the walks of the next three hours. A window that is full and lasts a second
(many changes in one second) is paged too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from stallkit.adapters.emag.times import wall, wall_text
from stallkit.errors import Refused

PAGE = 100
OVERLAP = timedelta(hours=3)
"""How far each walk looks behind the start of the last one: an hour for the night when the clock goes back, an hour for a site whose clock
is Budapest's, and an hour for clocks that differ and for late commits."""
FIRST_LOOK = timedelta(days=30)
LONGEST = timedelta(days=28)
"""Section 5.4: at most one month between ``modifiedAfter`` and ``modifiedBefore``."""
SLACK = timedelta(minutes=10)
AHEAD = timedelta(days=1)
SECOND = timedelta(seconds=1)
SELLER, MARKETPLACE = 3, 2
"""Order types (section 5.1): fulfilled by the seller, fulfilled by eMAG."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a walk stands. Between walks only ``after`` is set (wall text: everything that changed before it has been read)."""

    after: str
    first: bool = False
    started: str = ""
    type: int = SELLER
    stage: Literal["open", "changed"] = "open"
    page: int = 1
    at: str = ""
    span: int = int(LONGEST.total_seconds())


@dataclass(frozen=True, slots=True)
class Step:
    """One call: the filters to send, and what the cursor becomes once ``received`` rows have come."""

    cursor: Cursor
    types: tuple[int, ...]

    @property
    def _window(self) -> tuple[datetime, datetime, bool]:
        """(from, to, is it in the past) of the current window, in wall time."""
        at, started = datetime.fromisoformat(self.cursor.at), datetime.fromisoformat(self.cursor.started)
        if at >= started - OVERLAP - SLACK:
            return at, started + AHEAD, False
        return at, min(at + timedelta(seconds=self.cursor.span), started - OVERLAP), True

    def filters(self) -> dict[str, object]:
        """The body of ``order/read``: filters and paging at top level (wrapped in ``data`` they would be ignored)."""
        cursor = self.cursor
        body: dict[str, object] = {"type": cursor.type, "currentPage": cursor.page, "itemsPerPage": PAGE}
        if cursor.stage == "open":
            return {"status": [1, 2, 3] if cursor.first else [1], **body}
        start, end, _ = self._window
        # A second earlier, because no document says whether the borders belong to the window.
        return {"modifiedAfter": wall_text(start - SECOND), "modifiedBefore": wall_text(end), **body}

    def next(self, received: int) -> tuple[Cursor, bool]:
        """The cursor after a page of ``received`` rows, and whether the walk is done."""
        full = received >= PAGE
        if self.cursor.stage == "open":
            return self._after_open(full)
        start, end, past = self._window
        if past:
            return self._after_past(start, end, full)
        if full:
            return self._turn(page=self.cursor.page + 1), False
        return self._after_type()

    def _after_open(self, full: bool) -> tuple[Cursor, bool]:
        if full:
            return self._turn(page=self.cursor.page + 1), False
        return self._turn(stage="changed", page=1, at=self.cursor.after), False

    def _after_past(self, start: datetime, end: datetime, full: bool) -> tuple[Cursor, bool]:
        seconds = int((end - start).total_seconds())
        if full and seconds > 1:
            return self._turn(span=seconds // 2, page=1), False
        if full:
            return self._turn(page=self.cursor.page + 1), False
        return self._turn(at=wall_text(end), span=min(seconds * 2, int(LONGEST.total_seconds())), page=1), False

    def _after_type(self) -> tuple[Cursor, bool]:
        later = self.types[self.types.index(self.cursor.type) + 1 :]
        if later:
            fresh = Cursor(after=self.cursor.after, first=self.cursor.first, started=self.cursor.started, type=later[0])
            return fresh, False
        return Cursor(after=wall_text(datetime.fromisoformat(self.cursor.started) - OVERLAP)), True

    def _turn(self, **changes: object) -> Cursor:
        return msgspec.structs.replace(self.cursor, **changes)


def step_from(text: str, now: datetime, *, with_marketplace: bool = False) -> Step:
    """The call that ``text`` (a cursor, "" at the very start) asks for at ``now``. Refused if the text is no cursor of ours."""
    types = (SELLER, MARKETPLACE) if with_marketplace else (SELLER,)
    cursor = Cursor(after=wall_text(wall(now) - FIRST_LOOK), first=True) if not text else read_cursor(text)
    if not cursor.started:
        cursor = msgspec.structs.replace(cursor, started=wall_text(wall(now)))
    if cursor.type not in types:
        types = (*types, cursor.type)
    return Step(cursor, types)


def read_cursor(text: str) -> Cursor:
    """The cursor in ``text``; Refused names what is wrong with it."""
    try:
        cursor = msgspec.json.decode(text, type=Cursor)
        for time in (cursor.after, cursor.started or cursor.after, cursor.at if cursor.stage == "changed" else cursor.after):
            datetime.fromisoformat(time)
    except (msgspec.DecodeError, ValueError) as error:
        raise Refused(
            f"the order cursor {text[:80]!r} is not one of eMAG's: {error}; start again with an empty one", code="cursor"
        ) from error
    return cursor


def write_cursor(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
