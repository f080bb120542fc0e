"""Cells that no spreadsheet takes for a formula, for everything that we write into files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from xlsxwriter.worksheet import Worksheet

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""For ``xlsxwriter.Workbook``: texts stay texts."""

Value = str | int | Decimal | bool | date | datetime | None


def safe(value: Value) -> Value:
    """The value as it may stand in a cell: a text that begins like a formula gets an apostrophe before it; the imports take it off again.

    Needed in XLSX too: the file may be saved as CSV, where a text is what it looks like.
    """
    if isinstance(value, str) and value.startswith(STARTS):
        return f"'{value}"
    return value


def write_row(sheet: Worksheet, row: int, values: Sequence[Value], style: object = None) -> None:
    """Write a row of safe cells; texts as texts, whatever they look like."""
    for column, value in enumerate(values):
        kept = safe(value)
        if isinstance(kept, str):
            sheet.write_string(row, column, kept[:32_767], style)
        elif kept is not None:
            sheet.write(row, column, kept, style)
