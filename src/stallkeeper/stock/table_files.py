"""The stock table as a file: the report (S3.22), and the same file taken in again with what a person changed in it.

Beside each place's figures a hidden column keeps what the report said. Taken in, only cells that differ from it count, and they count by
the difference: what was sold or moved meanwhile is not undone. The report has a number of its own, so the same file taken in twice changes
nothing, and a file that was changed further and taken in again brings only what is new in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast
from uuid import uuid4

from django.db import connection
from django.db.models import QuerySet

from stallkeeper.catalog.imports import cells
from stallkeeper.catalog.imports.columns import Column, Layout
from stallkeeper.catalog.imports.files import Table
from stallkeeper.catalog.imports.rows import Parse, RowPlan
from stallkeeper.catalog.imports.runs import CHUNK, Chunk, Job, Outcome, ahead, chunks, take_in
from stallkeeper.catalog.imports.safe_cells import Value, csv_text, workbook, write_row
from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import ledger, table_queries
from stallkeeper.stock.imports_queries import units_by_sku
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, Location, LocationOwner, VirtualRole
from stallkeeper.stock.places import virtual
from stallkit.tables.cells import Cell, FileRefused, Problem, normal
from stallkit.words import joined
from stallkit.words import said as _

KIND = "stock_table"
TABLES = ("stock_level", "stock_movement")
ROWS_AT_ONCE = 2_000
MARK = " in report "
"""Between a place's code and the report's number, in the header of a hidden column."""


def editable_places() -> list[Location]:
    """The places of the table: all whose figures are ours to say, by priority."""
    places = Location.objects.filter(active=True).exclude(owner__in=[LocationOwner.VIRTUAL, LocationOwner.MARKETPLACE])
    return list(places.order_by("priority", "id"))


def counted_units() -> QuerySet[StockUnit]:
    """The rows of the table: what is counted by itself."""
    return StockUnit.objects.filter(kind=UnitKind.SINGLE, stocked=True)


# --- the report ---------------------------------------------------------------------------------------------------------------------------


def write_report(target: Path, units: QuerySet[StockUnit], places: Sequence[Location]) -> int:
    """Write the table of these units as XLSX, in constant memory; returns the number of rows. Call it inside a scope."""
    number, count = uuid4().hex[:12], 0
    with workbook(target) as book:
        bold, grey = book.add_format({"bold": True, "bg_color": "#E8EDF3"}), book.add_format({"font_color": "#808080"})
        sheet = book.add_worksheet("Stock")
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 50)
        sheet.set_column(2, 1 + len(places), 12)
        sheet.set_column(2 + len(places), 1 + 2 * len(places), 12, grey, {"hidden": True})
        write_row(sheet, 0, header(places, number), bold)
        for count, row in enumerate(report_rows(units, places), start=1):
            write_row(sheet, count, row)
        sheet.freeze_panes(1, 1)
    return count


def header(places: Sequence[Location], number: str) -> list[str]:
    """SKU, title, a column per place, and what the report says of each, under its number."""
    return ["sku", "title", *(place.code for place in places), *(f"{place.code}{MARK}{number}" for place in places)]


def report_rows(units: QuerySet[StockUnit], places: Sequence[Location]) -> Iterator[list[Value]]:
    """By SKU, some thousands at a time, each time from where the last ended."""
    ids, after = [place.pk for place in places], ""
    while True:
        some = list(units.filter(sku__gt=after).order_by("sku").values_list("pk", "sku", "title")[:ROWS_AT_ONCE])
        with connection.cursor() as cursor:
            levels = table_queries.on_hand(cursor, [pk for pk, _sku, _title in some], ids)
        for pk, sku, title in some:
            figures = [levels.get((pk, place), 0) for place in ids]
            yield [sku, title, *figures, *figures]
        if len(some) < ROWS_AT_ONCE:
            return
        after = some[-1][1]


def write_changes(target: Path, place: Location, number: str, changes: Iterable[tuple[str, int, int]]) -> None:
    """The same as CSV, of one place, where (SKU, figure, what it shall be) are known already: for edits of many at once."""
    with target.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text([["sku", place.code, f"{place.code}{MARK}{number}"]]))
        for sku, before, after in changes:
            file.write(csv_text([[sku, after, before]]))


# --- taking it in -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableLayout(Layout):
    """Columns by the codes of places; each with its hidden one. ``numbers`` gets the report's number when the header is matched."""

    places: Mapping[str, int] | None = None
    numbers: set[str] | None = None

    def match(self, header: Sequence[Cell], row: int) -> dict[str, int]:
        found: dict[str, int] = {}
        problems: list[Problem] = []
        for position, cell in enumerate(header):
            typed = "" if cell is None else str(cell).strip().removeprefix("'")
            if not typed or typed.startswith("#") or normal(typed) == "title":
                continue
            name = self._name(typed)
            if name is None:
                known = ", ".join(sorted(self.places or ())[:10])
                said = _(
                    "Column {name!r} is no place; known are {known}. Remove it, or put # before its name to leave it out.",
                    name=typed[:60],
                    known=known,
                )
                problems.append(Problem(row, typed[:60], typed[:200], said))
            elif name in found:
                problems.append(Problem(row, name, typed[:200], _("Column {name} is there twice; remove one.", name=name)))
            else:
                found[name] = position
        problems += self._incomplete(found, row)
        if problems:
            raise FileRefused(joined([_("The header of the file does not fit:"), *(problem.message for problem in problems[:5])]), problems)
        return found

    def _name(self, typed: str) -> str | None:
        if normal(typed) == "sku":
            return "sku"
        code, mark, number = typed.rpartition(MARK)
        if mark and self.numbers is not None:
            self.numbers.add(number.strip())
            return f"{code}{MARK}".strip() if code in (self.places or ()) else None
        return typed if typed in (self.places or ()) else None

    def _incomplete(self, found: Mapping[str, int], row: int) -> list[Problem]:
        codes = [name for name in found if name in (self.places or ())]
        wrong = [] if "sku" in found else [Problem(row, "sku", "", _("Column sku is missing; add it to the header row."))]
        if not codes:
            wrong.append(Problem(row, "", "", _("There is no column of a place. Take a report, and change figures in it.")))
        hint = _("it holds what the report said. It is hidden, not superfluous: take a new report.")
        for code in codes:
            if f"{code}{MARK}".strip() not in found:
                wrong.append(
                    Problem(
                        row,
                        code,
                        "",
                        _("Beside column {code} the column {code}{mark}… is missing; {hint}", code=code, mark=MARK, hint=hint),
                    )
                )
        if len(self.numbers or ()) > 1:
            wrong.append(Problem(row, "", "", _("The columns are of different reports. Take them in one by one.")))
        return wrong


class Change(NamedTuple):
    """A cell that a person changed. ``before`` is what the report said."""

    location_id: int
    before: int
    after: int


class TableItem(NamedTuple):
    """A row with changed cells."""

    number: int
    sku: str
    changes: tuple[Change, ...]
    unit_id: int = 0


class _Reader:
    """Checks rows without the database; rows in which nothing was changed are passed over."""

    def __init__(self, table: Table, places: Mapping[str, int]) -> None:
        self.problems: list[Problem] = []
        self._places = [(code, place) for code, place in places.items() if code in table.positions]
        parsers: dict[str, Parse] = {"sku": lambda cell: cells.text("sku", cell)}
        for code, _place in self._places:
            for name in (code, f"{code}{MARK}".strip()):
                parsers[name] = partial(cells.count, name)
        self._plan = RowPlan(table, parsers)

    def read(self, number: int, row: list[Cell]) -> TableItem | None:
        known = len(self.problems)
        sku, *figures = self._plan.parse(number, row, self.problems)
        changes = []
        for (code, place), after, before in zip(self._places, figures[::2], figures[1::2], strict=True):
            if len(self.problems) == known and (after is None or before is None):
                said = (
                    _("{code} is empty; type 0 if nothing is there.", code=code)
                    if after is None
                    else _("{code}: what the report said is gone from the row.", code=code)
                )
                self.problems.append(Problem(number, code, "", said))
            elif after != before:
                changes.append(Change(place, cast(int, before), cast(int, after)))
        if not sku:
            self.problems.append(Problem(number, "sku", "", _("sku is empty; it must be given.")))
        return TableItem(number, cast(str, sku), tuple(changes)) if changes and len(self.problems) == known else None


Judge = Callable[[Sequence[TableItem]], None]
"""Raises Stopped where too much would fall."""


def layout(places: Mapping[str, int]) -> TableLayout:
    """What the header of a report may be, with these places by code."""
    columns = (Column("sku", "", "", required=True), *(Column(code, "", "") for code in places))
    return TableLayout(KIND, "Stock", columns, (("sku",),), places=dict(places), numbers=set())


def places_by_code(organisation_id: int) -> dict[str, int]:
    """The places that a report of the organisation can have."""
    with organisation_scope(organisation_id):
        return {place.code: place.pk for place in editable_places()}


def work(job: Job, table: Table, chosen: TableLayout, judge: Judge) -> None:
    """Take in what was changed. ``judge`` stops the run where too much would fall."""
    places, items = dict(chosen.places or {}), list[TableItem]()
    seen: dict[int, int] = {}
    rows = 0
    for chunk in ahead(chunks(table, _Reader(table, places))):
        problems = chunk.problems + _resolve(job.run.organisation_id, chunk.items, items, seen)
        rows += chunk.rows
        job.note(problems)
    job.advance(rows - len(items), 0)
    judge(items)
    (number,) = chosen.numbers or {""}
    items.sort(key=lambda item: item.unit_id)
    parts = (Chunk(items[start : start + CHUNK], [], len(items[start : start + CHUNK])) for start in range(0, len(items), CHUNK))
    reason = f"{job.run.file_name} (import {job.run.pk})"[-300:]
    take_in(job, parts, lambda uc, some: _apply(uc, some, number, reason), TABLES, (ledger.NotEnough,))


def _resolve(organisation_id: int, read: Sequence[TableItem], known: list[TableItem], seen: dict[int, int]) -> list[Problem]:
    """Append rows whose unit is known to ``known``; what is wrong with the others."""
    with connection.cursor() as cursor:
        units = {row[0]: row for row in units_by_sku(cursor, organisation_id, sorted({item.sku for item in read}))}
    problems = []
    for item in read:
        _sku, unit, kind, stocked = units.get(item.sku, ("", 0, "", False))
        why = (
            _("{sku} is not known; its product was removed or has another SKU now.", sku=item.sku)
            if not unit
            else _("{sku} is not counted by itself; leave it as it is.", sku=item.sku)
            if kind == UnitKind.KIT or not stocked
            else _("{sku} stands in row {first} already; that row counts.", sku=item.sku, first=seen[unit])
            if unit in seen
            else ""
        )
        if why:
            problems.append(Problem(item.number, "sku", item.sku, why))
        else:
            seen[unit] = item.number
            known.append(item._replace(unit_id=unit))
    return problems


def _apply(uc: UseCase, items: Sequence[TableItem], number: str, reason: str) -> Outcome:
    """Movements for what each cell changes beyond what the same report has brought before; the levels are locked while that is asked."""
    spots = [(item.unit_id, change.location_id) for item in items for change in item.changes]
    adjustment = virtual(uc, VirtualRole.ADJUSTMENT).pk
    with connection.cursor() as cursor:
        held = ledger.hold(uc, cursor, spots)
        brought = table_queries.brought(cursor, uc.organisation_id, f"table:{number}:", [unit for unit, _place in spots])
    moves = []
    for item in items:
        for change in item.changes:
            so_far, times = brought.get((item.unit_id, change.location_id), (0, 0))
            delta = change.after - change.before - so_far
            source, target = (adjustment, change.location_id) if delta > 0 else (change.location_id, adjustment)
            reference = f"table:{number}:{item.unit_id}-{change.location_id}-{times}"
            if delta:
                moves.append(Move(item.unit_id, abs(delta), source, target, Cause.SOURCE, reference, uc.at, reason))
    new = set(ledger.post(uc, moves, held))
    return Outcome(len({move.unit_id for move in moves if move.reference in new}))
