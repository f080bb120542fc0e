"""What a source's rows mean: which place a file's word is, which unit a code, and what on hand shall be because of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec
from django.db import connection

from stallkeeper.core import words
from stallkeeper.stock import source_queries as queries
from stallkeeper.stock.imports import Counted, Resolver, StockItem
from stallkeeper.stock.models import Location, LocationOwner, SourceBasis, SourceMode, StockSource
from stallkeeper.stock.source_queries import Standing
from stallkit.sources.types import Figure, RowProblem
from stallkit.tables.cells import Problem
from stallkit.words import plain
from stallkit.words import said as _

BATCH = 5_000
CORRECTED = "commerceml"
"""The kind whose net figures have been made gross before they come here."""
MISSING = -1
"""The row number of what is set because the file does not have it."""


OUR_WORDS = ("api", "upload")
"""Kinds whose files may name places by our own codes: they are written for us."""


class Wanted(NamedTuple):
    """A figure whose unit and place are known: ``quantity`` base units at ``at``, or a difference."""

    number: int
    unit_id: int
    location_id: int
    quantity: int
    at: datetime


@dataclass(slots=True)
class Read:
    """What a file said. ``came`` are its rows as they came, ``wanted`` those whose unit and place are known.

    ``protected``: units of rows that were refused. They are in the file, so they are not missing. ``blind``: of a refused row nobody knows
    which article it is about, so nobody knows what is missing.
    """

    came: list[Figure | RowProblem] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: int = 0
    blind: bool = False
    protected: set[int] = field(default_factory=set)

    @property
    def rows(self) -> int:
        return len({row.row for row in self.came})


class Places:
    """The places of a source: its own for rows that name none, and those that its words are mapped to."""

    def __init__(self, source: StockSource) -> None:
        self.own = source.location_id
        codes = {code for code in source.places.values() if code}
        real = Location.objects.exclude(owner=LocationOwner.VIRTUAL)
        by_code = dict(real.filter(code__in=codes).values_list("code", "id"))
        self._words: dict[str, int | None] = {
            word.casefold(): by_code.get(code) if code else None for word, code in source.places.items() if not code or code in by_code
        }
        self.ids = sorted({self.own, *(place for place in self._words.values() if place)})
        """Where something can be missing: a place that a row merely names is not one of the source's."""
        if source.kind in OUR_WORDS:
            ours = real.filter(active=True).values_list("code", "id")
            self._words = {**{code.casefold(): place for code, place in ours}, **self._words}

    def find(self, word: str) -> int | None:
        """The place that a word means; None if its rows are left out. KeyError for a word that nobody has mapped."""
        return self.own if not word else self._words[word.strip().casefold()]


def read(source: StockSource, figures: Iterable[Figure | RowProblem], as_of: datetime, now: datetime) -> Read:
    """Take all rows and resolve them, without changing anything. What ``figures`` raises goes through."""
    found, reader = Read(), _Reader(source, as_of, now)
    rows = iter(figures)
    while batch := list(islice(rows, BATCH)):
        found.came += batch
        reader.take(found, [row for row in batch if isinstance(row, Figure)])
        for row in batch:
            if isinstance(row, RowProblem):
                found.problems.append(Problem(row.row, row.column, row.value, row.message))
                found.blind = found.blind or row.code is None
                reader.unsure.add(row.code or "")
    with connection.cursor() as cursor:
        found.protected = set(queries.units_of_codes(cursor, source.organisation_id, sorted(reader.unsure - {""})))
    return found


class _Reader:
    """Resolves figures, batch by batch. ``unsure``: codes of rows that were refused, so what they say of their article is unknown."""

    def __init__(self, source: StockSource, as_of: datetime, now: datetime) -> None:
        self.as_of, self.now = as_of, now
        self.unsure: set[str] = set()
        self._places, self._resolver = Places(source), Resolver(source.organisation_id, strict=False)

    def take(self, found: Read, batch: Sequence[Figure]) -> None:
        """Add what the figures say to what was found."""
        items = [item for figure in batch if (item := self._item(found, figure)) is not None]
        counted: list[Counted] = []
        refused = self._resolver.resolve(items, counted)
        numbers = {problem.row for problem in refused}
        self.unsure.update(code for item in items if item.number in numbers for code in (item.code, item.gtin))
        found.problems += refused
        found.wanted += [
            Wanted(row.number, row.unit_id, row.location_id, row.on_hand, min(row.as_of or self.as_of, self.now)) for row in counted
        ]

    def _item(self, found: Read, figure: Figure) -> StockItem | None:
        try:
            place = self._places.find(figure.location)
        except KeyError:
            text = _("This place is not mapped: say on the source's mapping screen which of your places it is, or to leave it out.")
            found.problems.append(Problem(figure.row, "location", figure.location, text))
            found.blind = True
            return None
        if place is None:
            found.left_out += 1
            return None
        return StockItem(figure.row, figure.code.replace("\0", ""), figure.gtin.replace("\0", ""), place, figure.quantity, figure.as_of)


def missing(read_: Read, source: StockSource, as_of: datetime) -> list[Wanted]:
    """What is zero because the file does not have it: filled levels of the source's places that no row is about."""
    listed = {(row.unit_id, row.location_id) for row in read_.wanted}
    with connection.cursor() as cursor:
        there = queries.filled(cursor, source.organisation_id, Places(source).ids)
    return [Wanted(MISSING, unit, place, 0, as_of) for unit, place in there if (unit, place) not in listed and unit not in read_.protected]


def goal(mode: str, basis: str, wanted: int, standing: Standing) -> int:
    """What on hand shall be now; below zero where more has left since than the source had.

    A figure is about its own moment: what moved since then is added. A net one has our orders taken off: they are added back. A difference
    changes what is there.
    """
    if mode == SourceMode.DELTAS:
        return standing.on_hand + wanted
    return wanted + standing.since + (standing.reserved if basis == SourceBasis.NET else 0)


def gather(source: StockSource, wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, Standing]]:
    """Each row with what the ledger knows of it."""
    # Of free figures of 1C only what it has reserved for our orders is missing: whoever brings them has added it (ADR 0059).
    net = source.basis == SourceBasis.NET and source.kind != CORRECTED
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            units, places, times = [row.unit_id for row in part], [row.location_id for row in part], [row.at for row in part]
            yield from zip(part, queries.standing(cursor, units, places, times, net=net), strict=True)


Packed = tuple[int, str, str, str, int, datetime | None]


class Unread(msgspec.Struct, array_like=True):
    """A ``RowProblem`` in a body that was packed; earlier releases kept no ``words``."""

    row: int
    column: str
    value: str
    message: str
    code: str | None
    words: dict[str, object] | None = None

    def problem(self) -> RowProblem:
        return RowProblem(self.row, self.column, self.value, words.of_row(self.message, self.words), self.code)


def pack(rows: Sequence[Figure | RowProblem]) -> bytes:
    """Rows as bytes, to be kept while their run waits for a person."""
    figures: list[Packed] = [(f.row, f.code, f.gtin, f.location, f.quantity, f.as_of) for f in rows if isinstance(f, Figure)]
    refused = [row for row in rows if isinstance(row, RowProblem)]
    unread = [Unread(p.row, p.column, p.value, plain(p.message), p.code, words.kept(p.message)) for p in refused]
    return zlib.compress(msgspec.msgpack.encode((figures, unread)), 1)


def unpack(body: bytes) -> list[Figure | RowProblem]:
    """The rows again."""
    figures, unread = msgspec.msgpack.decode(zlib.decompress(body), type=tuple[list[Packed], list[Unread]])
    return [*(row.problem() for row in unread), *(Figure(*row) for row in figures)]
