"""Cells that no spreadsheet takes for a formula, for everything that we write into files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "default_date_format": "yyyy-mm-dd hh:mm:ss"}

Value = str | int | Decimal | bool | date | datetime | None


def safe(value: Value) -> Value:
    """The value as it may stand in a cell: a text that begins like a formula gets an apostrophe before it; the imports take it off again.

    Needed in XLSX too: the file may be saved as CSV, where a text is what it looks like.
    """
    if isinstance(value, str) and value.startswith(STARTS):
        return f"'{value}"
    return value


def workbook(target: Path | io.BytesIO, *, small: bool = False) -> xlsxwriter.Workbook:
    """A workbook in which texts stay texts; fill it with ``write_row``. Rows in order and in constant memory, unless ``small``."""
    return xlsxwriter.Workbook(target, {**PLAIN, "in_memory": small, "constant_memory": not small})


def csv_text(rows: Iterable[Sequence[Value]]) -> str:
    """The rows as CSV, every cell safe."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerows([safe(value) for value in row] for row in rows)
    return target.getvalue()


def write_row(sheet: Worksheet, row: int, values: Sequence[Value], style: object = None) -> None:
    """Write a row of safe cells; texts as texts, whatever they look like."""
    for column, value in enumerate(values):
        kept = safe(value)
        if isinstance(kept, str):
            sheet.write_string(row, column, kept[:32_767], style)
        elif kept is not None:
            sheet.write(row, column, kept, style)
