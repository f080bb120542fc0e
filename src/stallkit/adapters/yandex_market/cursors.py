"""Where we are in the Market's lists, as opaque text. Pure.

Orders are pulled from a moment of their last change on, open to the present: an order that changes while its page is read must stay in the
list, or the pages behind it would move up. Each pull looks back two minutes, and once in ten minutes two hours.

A question is for orders of the last thirty days unless it names the days on which they were placed, thirty at most. So whoever looks far
back asks three times: for those orders, for those of the thirty days before, and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec import Struct

from stallkit.adapters.yandex_market.wire import moment
from stallkit.adapters.yandex_market.wire_orders import MOSCOW
from stallkit.errors import Refused

T = TypeVar("T")
SPAN = timedelta(days=30)
"""The longest that a filter may span."""
REACH = timedelta(days=29)
"""One day in hand for clocks and slow pages."""
OLDEST = 2
OVERLAP = timedelta(minutes=2)
DEEP_OVERLAP = timedelta(hours=2)
DEEP_EVERY = timedelta(minutes=10)
RETURN_OVERLAP = timedelta(days=1)
"""Returns are filtered by whole days."""


class OrderPlace(Struct, frozen=True, omit_defaults=True):
    """``since`` starts the window, ``until`` ends it where it must not reach the present; ``asked`` is when its first page was
    asked for and ``token`` the Market's page token; ``deep`` is when a pull last looked ``far`` back; ``age`` counts the months since the
    orders that are asked for were placed."""

    since: datetime
    deep: datetime
    far: bool = False
    age: int = 0
    until: datetime | None = None
    asked: datetime | None = None
    token: str = ""


class ReturnPlace(Struct, frozen=True, omit_defaults=True):
    """``shop`` is the place in the list of shops, sorted by number; ``asked`` is when the first one was asked."""

    since: datetime
    asked: datetime | None = None
    shop: int = 0
    token: str = ""


def read_orders(cursor: str, now: datetime) -> OrderPlace:
    """The place that ``cursor`` names; "" is as far back as one filter reaches. Refused for a text that is not ours."""
    place = _read(cursor, OrderPlace) if cursor else OrderPlace(now - REACH, now, far=True)
    if place.token or place.age:
        return place
    until = place.since + REACH if now - place.since > REACH else None
    return msgspec.structs.replace(place, asked=now, until=until)


def after_orders(place: OrderPlace, token: str, now: datetime) -> tuple[OrderPlace, bool]:
    """Where to go on after a page, and whether the present is reached."""
    asked = place.asked or now
    if token:
        return msgspec.structs.replace(place, token=token), False
    if (place.far or place.until is not None) and place.age < OLDEST:
        return msgspec.structs.replace(place, token="", age=place.age + 1), False
    if place.until is not None:
        return OrderPlace(place.until - OVERLAP, place.deep, far=True), False
    if asked - place.deep >= DEEP_EVERY:
        return OrderPlace(asked - DEEP_OVERLAP, asked, far=True), True
    return OrderPlace(asked - OVERLAP, place.deep), True


def order_dates(place: OrderPlace, now: datetime) -> Mapping[str, str]:
    """The filter. Days of placing are Moscow's, the last one is not part of them; neighbours share a day."""
    dates = {"updateDateFrom": moment(place.since)} | ({"updateDateTo": moment(place.until)} if place.until else {})
    if not place.age:
        return dates
    end = (place.asked or now).astimezone(MOSCOW).date() - place.age * REACH
    return dates | {"creationDateFrom": (end - SPAN).isoformat(), "creationDateTo": end.isoformat()}


def read_returns(cursor: str, now: datetime) -> ReturnPlace:
    place = _read(cursor, ReturnPlace) if cursor else ReturnPlace(now - REACH)
    return place if place.asked else msgspec.structs.replace(place, asked=now)


def after_returns(place: ReturnPlace, token: str, shops: int, now: datetime) -> tuple[ReturnPlace, bool]:
    """The next page of the shop, the next shop, or the beginning of the next pull."""
    if token:
        return msgspec.structs.replace(place, token=token), False
    if place.shop + 1 < shops:
        return ReturnPlace(place.since, place.asked, place.shop + 1), False
    return ReturnPlace((place.asked or now) - RETURN_OVERLAP), True


def return_query(place: ReturnPlace) -> dict[str, str]:
    query = {"limit": "100", "fromDate": place.since.astimezone(MOSCOW).date().isoformat()}
    return query | ({"pageToken": place.token} if place.token else {})


def write(place: OrderPlace | ReturnPlace) -> str:
    return msgspec.json.encode(place).decode()


def _read(cursor: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(cursor, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"cursor {cursor[:40]!r} is not ours: {error}", code="cursor") from error
