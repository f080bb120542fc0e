"""Files that we hand out: templates to fill in, and the report of what an import refused."""

from __future__ import annotations

import io

from xlsxwriter.worksheet import Worksheet

from stallkeeper.catalog.imports.columns import Layout
from stallkeeper.catalog.imports.safe_cells import csv_text, safe, workbook, write_row
from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.core.tenancy import organisation_scope


def template_xlsx(layout: Layout) -> bytes:
    """A workbook to fill in: the header (needed columns have a *), one example row, and a sheet of notes."""
    target = io.BytesIO()
    with workbook(target, small=True) as book:
        bold, wrap = book.add_format({"bold": True, "bg_color": "#E8EDF3"}), book.add_format({"text_wrap": True, "valign": "top"})
        as_text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(layout.title)
        write_row(sheet, 0, [_heading(column.name, column.required) for column in layout.columns], bold)
        for position, column in enumerate(layout.columns):
            sheet.set_column(position, position, 18, as_text if column.as_text else None)
            sheet.write_comment(0, position, column.help)
            if column.example and not column.as_text:
                sheet.write_number(1, position, float(column.example))
            elif column.example:
                sheet.write_string(1, position, str(safe(column.example)), as_text)
        sheet.freeze_panes(1, 1)
        _notes(book.add_worksheet("Notes"), layout, bold, wrap)
    return target.getvalue()


def template_csv(layout: Layout) -> bytes:
    """The same as CSV in UTF-8, with the mark that makes Excel read it so; without the notes."""
    rows = [[column.name for column in layout.columns], [column.example for column in layout.columns]]
    return csv_text(rows).encode("utf-8-sig")


def problems_xlsx(run: ImportRun) -> bytes:
    """What an import refused, by row and column, with what stood there and what to do."""
    target = io.BytesIO()
    with workbook(target) as book, organisation_scope(run.organisation_id):
        bold = book.add_format({"bold": True, "bg_color": "#E8EDF3"})
        sheet = book.add_worksheet("Problems")
        for position, width in enumerate((8, 18, 30, 100)):
            sheet.set_column(position, position, width)
        write_row(sheet, 0, ["row", "column", "value", "message"], bold)
        problems = ImportProblem.objects.filter(run=run).order_by("row", "id").values_list("row", "column", "value", "message")
        for number, (row, column, value, message) in enumerate(problems.iterator(chunk_size=5_000), start=1):
            write_row(sheet, number, [row or None, column, value, message])
        sheet.freeze_panes(1, 0)
    return target.getvalue()


def _heading(name: str, required: bool) -> str:
    return f"{name}*" if required else name


def _notes(sheet: Worksheet, layout: Layout, bold: object, wrap: object) -> None:
    for position, width in enumerate((22, 12, 70, 30)):
        sheet.set_column(position, position, width)
    write_row(sheet, 0, ["Column", "Needed", "Meaning", "Example"], bold)
    for row, column in enumerate(layout.columns, start=1):
        write_row(sheet, row, [column.name, "yes" if column.required else "", column.help, column.example], wrap)
    for row, note in enumerate(layout.notes, start=len(layout.columns) + 2):
        write_row(sheet, row, [note])
