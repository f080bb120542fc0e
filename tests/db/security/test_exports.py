"""Everything that we write for spreadsheets: no cell is a formula, whatever stands in our rows (security floor: exports)."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest

from stallkeeper.catalog.imports import safe_cells
from stallkeeper.catalog.imports.products import LAYOUT as PRODUCTS
from stallkeeper.catalog.imports.sheets import problems_xlsx, template_csv, template_xlsx
from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.core import clock
from stallkeeper.stock.imports import LAYOUT as STOCK
from tests.shop import Shop

FORMULAS = ['=HYPERLINK("http://evil.example","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "＠x"]


def cells_of(book: bytes) -> list[str]:
    """Every text of every sheet; a formula in the XML is an error."""
    texts = []
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") or name == "xl/sharedStrings.xml":
                xml = archive.read(name).decode()
                assert "<f>" not in xml
                assert "<hyperlink " not in xml
                texts += re.findall(r"<t[^>]*>(.*?)</t>", xml, re.DOTALL)
    return texts


def test_the_report_of_refused_rows_repeats_no_formula():
    shop = Shop.open()
    with shop.scope():
        run = ImportRun.objects.create(organisation=shop.organisation, kind="products", file_name="a.xlsx", started_at=clock.now())
        ImportProblem.objects.bulk_create(
            ImportProblem(organisation=shop.organisation, run=run, row=row, column=text[:60], value=text, message=text)
            for row, text in enumerate(FORMULAS, start=2)
        )
    texts = cells_of(problems_xlsx(run))
    assert len(texts) > 3 * len(FORMULAS)
    assert not [text for text in texts if text.startswith(safe_cells.STARTS)]


@pytest.mark.parametrize("layout", [PRODUCTS, STOCK])
def test_templates_hold_no_formula(layout):
    assert not [text for text in cells_of(template_xlsx(layout)) if text.startswith(safe_cells.STARTS)]
    rows = csv.reader(io.StringIO(template_csv(layout).decode("utf-8-sig")))
    assert not [cell for row in rows for cell in row if cell.startswith(safe_cells.STARTS)]


def test_the_one_writer_neutralises_every_start():
    rows = list(csv.reader(io.StringIO(safe_cells.csv_text([[text] for text in FORMULAS]), newline="")))
    assert [row[0] for row in rows] == [f"'{text}" for text in FORMULAS]
    target = io.BytesIO()
    with safe_cells.workbook(target) as book:
        sheet = book.add_worksheet()
        for number, text in enumerate(FORMULAS):
            safe_cells.write_row(sheet, number, [text])
    assert not [text for text in cells_of(target.getvalue()) if text.startswith(safe_cells.STARTS)]
