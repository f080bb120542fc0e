"""Pages of long lists without OFFSET: the next page starts after the last key of this one, so page 20,000 costs what page 1 costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50
COUNT_LIMIT = 10_000
"""Lists are counted up to here; beyond it the screen says "10,000+"."""


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page: its rows, how many there are in all (counted to COUNT_LIMIT), and the cursors of its neighbours ("" = none)."""

    rows: list[M]
    total: int
    after: str
    before: str


def count_up_to_limit(rows: QuerySet[M]) -> int:
    """Number of rows, counted to one more than COUNT_LIMIT."""
    return rows.order_by()[: COUNT_LIMIT + 1].count()


def page(
    rows: QuerySet[M], keys: Sequence[str], after: str = "", before: str = "", size: int = PAGE_SIZE, *, total: int | None = None
) -> Page[M]:
    """The page after or before a cursor, ordered by ``keys`` (fields that identify a row; "-" before all of them for falling order).

    A cursor that somebody made up counts as none. Two statements, or one where the first page is all there is: a filter that fits few rows
    of a million reads them all once, not twice. Who knows how many there are says it by ``total``.
    """
    names = [key.removeprefix("-") for key in keys]
    falling = keys[0].startswith("-")
    backwards = bool(before)
    edge = _decode(before or after, len(names))
    order = [f"-{name}" if falling != backwards else name for name in names]
    window = rows.order_by(*order)
    if edge is not None:
        window = window.filter(_beyond(names, edge, falling != backwards))
    found = list(window[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next = bool(found) and (backwards or more)
    has_previous = bool(found) and (more if backwards else edge is not None)
    if total is None:
        total = len(found) if edge is None and not more else count_up_to_limit(rows)
    return Page(
        found,
        total,
        _encode(found[-1], names) if has_next else "",
        _encode(found[0], names) if has_previous else "",
    )


def all_rows(rows: QuerySet[M], keys: Sequence[str], size: int) -> Iterator[list[M]]:
    """All of them in the order of ``keys``, ``size`` at a time: each time from where the last ended, so that no statement stays open."""
    names = [key.removeprefix("-") for key in keys]
    falling = keys[0].startswith("-")
    window = rows.order_by(*(f"-{name}" if falling else name for name in names))
    found = list(window[:size])
    while found:
        yield found
        if len(found) < size:
            return
        edge = [getattr(found[-1], name) for name in names]
        found = list(window.filter(_beyond(names, edge, falling))[:size])


def neighbours(rows: QuerySet[M], keys: Sequence[str], row: M) -> tuple[M | None, M | None]:
    """The rows that stand before and after ``row`` in a list ordered by ``keys``, whether or not it is still in the list itself.

    None where there is none, or where the row has no place in such a list (a key of it is empty).
    """
    names = [key.removeprefix("-") for key in keys]
    falling = keys[0].startswith("-")
    edge = [getattr(row, name) for name in names]
    if None in edge:
        return None, None
    before, after = (
        rows.filter(_beyond(names, edge, down)).order_by(*(f"-{name}" if down else name for name in names)).first()
        for down in (not falling, falling)
    )
    return before, after


def _beyond(names: Sequence[str], edge: Sequence[object], falling: bool) -> Q:
    """Rows behind the edge, comparing the keys from left to right. The first key alone bounds the index scan."""
    operator = "lt" if falling else "gt"
    condition = Q(**{f"{names[-1]}__{operator}": edge[-1]})
    for name, value in reversed(list(zip(names[:-1], edge[:-1], strict=True))):
        condition = Q(**{f"{name}__{operator}": value}) | Q(**{name: value}) & condition
    return Q(**{f"{names[0]}__{operator}e": edge[0]}) & condition


def _encode(row: Model, names: Sequence[str]) -> str:
    values = [getattr(row, name) for name in names]
    return signing.dumps([value.isoformat() if isinstance(value, datetime) else value for value in values], compress=True)


def _decode(cursor: str, length: int) -> list[object] | None:
    try:
        values = signing.loads(cursor) if cursor else None
    except (signing.BadSignature, json.JSONDecodeError):
        return None
    return values if isinstance(values, list) and len(values) == length else None
