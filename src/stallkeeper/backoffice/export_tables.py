"""Tables as files: XLSX and CSV of any length, in constant memory, every cell safe from spreadsheets (``safe_cells``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from xlsxwriter.worksheet import Worksheet

from stallkeeper.backoffice.paging import all_rows
from stallkeeper.catalog.imports.safe_cells import Value, csv_text, workbook, write_row

M = TypeVar("M", bound=Model)
Row = Sequence[Value]

FORMS = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}
AT_ONCE = 1_000
SHEET_ROWS = 1_048_575
"""Below its head a sheet holds no more; the rest goes into a second one."""
WIDTH = 18
NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")
"""Of sheets."""


@dataclass(frozen=True)
class Table(Generic[M]):
    """Rows in the order of ``keys`` (``paging.page``), and what stands in the file of some of them."""

    headers: Sequence[str]
    rows: QuerySet[M]
    keys: Sequence[str]
    cells: Callable[[Sequence[M]], Iterable[Row]]


def moment(value: datetime | None) -> datetime | None:
    """An instant as a cell: in the zone of whoever asked, which spreadsheets do not know, to the second."""
    return timezone.localtime(value).replace(tzinfo=None, microsecond=0) if value else None


def write(target: Path, table: Table[M], title: str, form: str, beat: Callable[[int], None]) -> int:
    """Write the whole table; ``beat`` is told now and then how many rows there are. Returns their number."""
    return {"xlsx": _write_xlsx, "csv": _write_csv}[form](target, table, title, beat)


def _pieces(table: Table[M], beat: Callable[[int], None]) -> Iterator[list[Row]]:
    done = 0
    for rows in all_rows(table.rows, table.keys, AT_ONCE):
        piece = list(table.cells(rows))
        yield piece
        done += len(piece)
        beat(done)


def _write_csv(target: Path, table: Table[M], _title: str, beat: Callable[[int], None]) -> int:
    count = 0
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(csv_text([table.headers]))
        for piece in _pieces(table, beat):
            file.write(csv_text(piece))
            count += len(piece)
    return count


def _write_xlsx(target: Path, table: Table[M], title: str, beat: Callable[[int], None]) -> int:
    count = 0
    with workbook(target) as book:
        bold = book.add_format({"bold": True, "bg_color": "#E8EDF3"})

        def begin() -> Worksheet:
            name = NOT_IN_NAMES.sub(" ", title)[:25]
            sheet = book.add_worksheet(name if not count else f"{name} {count // SHEET_ROWS + 1}")
            sheet.set_column(0, len(table.headers) - 1, WIDTH)
            sheet.freeze_panes(1, 0)
            write_row(sheet, 0, table.headers, bold)
            return sheet

        sheet = begin()
        for piece in _pieces(table, beat):
            for row in piece:
                if count and not count % SHEET_ROWS:
                    sheet = begin()
                write_row(sheet, count % SHEET_ROWS + 1, row)
                count += 1
    return count
