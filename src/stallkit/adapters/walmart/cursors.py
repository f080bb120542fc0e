"""Where we are in Walmart's lists, as opaque text. Pure.

Orders are pulled in windows of their time of modification. Normally the window is open to the right and one page is enough. When Walmart
holds more than it lets one query return, the window is halved until it fits, and the next ones follow until the present is reached.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct

from stallkit.adapters.walmart.wire import iso

REACH = timedelta(days=179)
"""Walmart shows orders created in the last 180 days; one day in hand for clocks and slow pages."""
OVERLAP = timedelta(minutes=10)
"""Walmart's times carry a zone, so the overlap only covers its index running late."""
MOST_ORDERS = 20_000
"""No query may hold more."""
SMALLEST = timedelta(hours=1)
PAGE = 200


class OrderPlace(Struct, frozen=True, omit_defaults=True):
    """``since`` is the start of the window and ``length`` its length in seconds (0 = open to the present); while paging, ``asked`` is
    when its first page was asked for and ``next`` Walmart's own cursor, word for word."""

    since: datetime
    length: float = 0
    asked: datetime | None = None
    next: str = ""
    again: bool = False

    @property
    def until(self) -> datetime | None:
        return self.since + timedelta(seconds=self.length) if self.length else None


class ItemPlace(Struct, frozen=True):
    """Walmart's item cursor stays the same on all pages; the offset moves."""

    anchor: str = "*"
    offset: int = 0


def read_order_place(cursor: str, now: datetime) -> OrderPlace:
    """The place that ``cursor`` names; ValueError for a text that is not ours. "" is as far back as Walmart shows."""
    place = msgspec.json.decode(cursor, type=OrderPlace) if cursor else OrderPlace(now - REACH)
    return place if place.next else msgspec.structs.replace(place, since=max(place.since, now - REACH))


def read_item_place(cursor: str) -> ItemPlace:
    return msgspec.json.decode(cursor, type=ItemPlace) if cursor else ItemPlace()


def write(place: OrderPlace | ItemPlace) -> str:
    return msgspec.json.encode(place).decode()


def order_query(place: OrderPlace, now: datetime) -> list[tuple[str, str]]:
    """The query of a window's first page. ``createdStartDate`` is always there: left out it means seven days ago, whatever else is
    asked."""
    pairs = [("createdStartDate", iso(now - REACH)), ("lastModifiedStartDate", iso(place.since))]
    if place.until is not None:
        pairs.append(("lastModifiedEndDate", iso(place.until + timedelta(seconds=1))))
    return [*pairs, ("limit", str(PAGE)), ("shipNodeType", "SellerFulfilled")]


def halved(place: OrderPlace, now: datetime) -> OrderPlace | None:
    """The same start with half the window; None when it is at the smallest already."""
    length = (place.until or now) - place.since
    if length <= SMALLEST:
        return None
    return OrderPlace(place.since, max(length / 2, SMALLEST).total_seconds())


def following(place: OrderPlace, asked: datetime) -> tuple[OrderPlace, bool]:
    """Where to go on after a window's last page, and whether the present is reached. ``asked`` is when its first page was asked for."""
    if place.until is None or place.until >= asked:
        return OrderPlace(asked - OVERLAP), True
    start = place.until - OVERLAP
    rest = asked - start
    return OrderPlace(start, 0 if rest <= timedelta(seconds=place.length) else place.length), False


def earlier_clock(now: datetime, date_header: str) -> datetime:
    """Our time or the server's, whichever is behind: with a clock that is ahead, the next window would start in Walmart's future."""
    try:
        theirs = parsedate_to_datetime(date_header)
    except ValueError:
        return now
    return min(now, theirs.replace(tzinfo=theirs.tzinfo or UTC))
