"""Counts from files: what the rows mean, what would differ from the ledger, and entering it. A file with a wrong row enters nothing.

A count says what lay at one place at one moment. Taken in twice it changes nothing: its reference is made of the file, the place and the
moment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from django.db import connection

from stallkeeper.catalog.imports import cells
from stallkeeper.catalog.imports.columns import Column, Layout
from stallkeeper.catalog.imports.files import Table, open_table
from stallkeeper.catalog.imports.products import EXAMPLE
from stallkeeper.catalog.imports.rows import RowPlan
from stallkeeper.catalog.models import StockUnit
from stallkeeper.stock import queries
from stallkeeper.stock.counts import CountError
from stallkeeper.stock.imports import Counted, Resolver, StockItem
from stallkeeper.stock.models import Level, Location, LocationOwner, StockCount
from stallkit.tables.cells import Cell, FileRefused, Problem
from stallkit.words import said as _

MOST_ROWS = 100_000
LAYOUT = Layout(
    kind="count",
    title="Count",
    columns=(
        Column(
            "sku", "Your code of the article, or the number under its barcode.", EXAMPLE, required=True, also=("code", "article", "gtin")
        ),
        Column(
            "counted", "What lay there, in whole units; 0 too.", "12", required=True, also=("on_hand", "quantity", "qty"), as_text=False
        ),
    ),
    needed=(("sku",), ("counted",)),
    notes=("Articles that are not in the file were not counted: they stay as they are.",),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One counted unit: what the ledger has for the moment of counting, what was counted, and what is there now."""

    unit_id: int
    sku: str
    then: int
    counted: int
    now: int

    @property
    def difference(self) -> int:
        return self.counted - self.then


@dataclass(frozen=True, slots=True)
class Preview:
    """What entering a count would do. With ``problems`` it cannot be entered; ``known`` is the same count, entered before."""

    location: Location
    as_of: datetime
    reference: str
    lines: list[Line] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    known: StockCount | None = None

    @property
    def counted(self) -> dict[int, int]:
        """Unit to number counted, as ``counts.record_count`` takes it."""
        return {line.unit_id: line.counted for line in self.lines}

    @property
    def differing(self) -> list[Line]:
        return [line for line in self.lines if line.difference]

    @property
    def found(self) -> int:
        """Units that were there and not in the ledger."""
        return sum(line.difference for line in self.lines if line.difference > 0)

    @property
    def missing(self) -> int:
        """Units that were in the ledger and not there."""
        return -sum(line.difference for line in self.lines if line.difference < 0)


def preview(organisation_id: int, file: Path, location: Location, as_of: datetime, now: datetime, encoding: str | None = None) -> Preview:
    """Read a file (columns ``sku`` and ``counted``, CSV or XLSX) and compare it with the ledger; changes nothing.

    FileRefused if the file cannot be read as a whole, CountError if the place or the moment cannot be; wrong rows are in ``problems``.
    """
    if location.owner == LocationOwner.VIRTUAL:
        raise CountError(_("location: {code} is no place where goods lie", code=location.code))
    if as_of > now:
        raise CountError(_("as_of: goods cannot have been counted in the future"))
    counted, problems = _read(organisation_id, open_table(file, LAYOUT, encoding), location.pk)
    lines = _compare(organisation_id, location, counted, as_of)
    problems += [_gone(row, line) for row, line in zip(counted, lines, strict=True) if line.now + line.difference < 0]
    reference = reference_of(file, location, as_of)
    known = StockCount.objects.filter(reference=reference).first()
    # What is entered already is in the ledger: to compare it once more would find what left since.
    return Preview(location, as_of, reference, lines, [] if known else sorted(problems, key=lambda one: one.row), known)


def reference_of(file: Path, location: Location, as_of: datetime) -> str:
    """What makes a count the same: the bytes of its file, its place and its moment."""
    digest = hashlib.sha256(file.read_bytes())
    digest.update(f"|{location.pk}|{as_of.timestamp()}".encode())
    return f"file:{digest.hexdigest()[:32]}"


class _Reader:
    """Checks rows without the database."""

    def __init__(self, table: Table, location_id: int) -> None:
        self.problems: list[Problem] = []
        self._location = location_id
        parsers = {"sku": lambda cell: cells.text("sku", cell), "counted": lambda cell: cells.count("counted", cell)}
        self._plan = RowPlan(table, parsers)

    def read(self, number: int, row: list[Cell]) -> StockItem | None:
        before = len(self.problems)
        values = self._plan.parse(number, row, self.problems)
        if len(self.problems) > before:
            return None
        sku, counted = cast(str, values[0]), cast("int | None", values[1])
        if sku == EXAMPLE:
            self.problems.append(Problem(number, "sku", sku, _("This is the example of the template; delete the row.")))
            return None
        empty = [name for name, given in (("sku", sku), ("counted", counted is not None)) if not given]
        self.problems += [Problem(number, name, "", _("{name} is empty; it must be given.", name=name)) for name in empty]
        return None if empty else StockItem(number, sku, "", self._location, cast(int, counted), None)


def _read(organisation_id: int, table: Table, location_id: int) -> tuple[list[Counted], list[Problem]]:
    """The rows whose article is known, and what is wrong with the others."""
    if table.total > MOST_ROWS:
        raise FileRefused(_("The file has about {total:,} rows; a count takes {most:,}. Split it.", total=table.total, most=MOST_ROWS))
    reader, counted = _Reader(table, location_id), list[Counted]()
    items = [item for number, row in table.rows() if (item := reader.read(number, row)) is not None]
    if not items and not reader.problems:
        raise FileRefused(_("The file has a header, but no rows below it. Nothing was changed."))
    found = Resolver(organisation_id).resolve(items, counted)
    return counted, reader.problems + [_in_our_words(problem) for problem in found]


def _in_our_words(problem: Problem) -> Problem:
    return Problem(problem.row, "counted", problem.value, problem.message) if problem.column == "on_hand" else problem


def _compare(organisation_id: int, location: Location, counted: list[Counted], as_of: datetime) -> list[Line]:
    units = sorted({row.unit_id for row in counted})
    with connection.cursor() as cursor:
        then = queries.on_hand_as_of(cursor, organisation_id, location.pk, units, as_of)
    now = dict(Level.objects.filter(stock_unit__in=units, location=location).values_list("stock_unit_id", "on_hand"))
    skus = dict(StockUnit.objects.filter(pk__in=units).values_list("pk", "sku"))
    return [Line(row.unit_id, skus[row.unit_id], int(then.get(row.unit_id, 0)), row.on_hand, now.get(row.unit_id, 0)) for row in counted]


def _gone(row: Counted, line: Line) -> Problem:
    left = line.then - line.now
    message = _(
        "{sku}: {counted} counted, but {left} have left since by the ledger. Look at its movements, then count it again.",
        sku=line.sku,
        counted=line.counted,
        left=left,
    )
    return Problem(row.number, "counted", str(line.counted), message)
