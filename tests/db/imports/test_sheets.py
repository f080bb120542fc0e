"""Templates and reports: what we hand out can be brought back, and holds nothing that a spreadsheet would run."""

import csv
import io

import pytest
from python_calamine import CalamineWorkbook

from stallkeeper.catalog.imports import sheets
from stallkeeper.catalog.models import StockUnit
from stallkeeper.stock.imports import LAYOUTS

pytestmark = pytest.mark.usefixtures("scope")


def rows_of(body, sheet=0):
    return CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(sheet).to_python()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_template_has_header_example_and_notes(layout):
    body = sheets.template_xlsx(layout)
    header, example = rows_of(body)
    assert [name.rstrip("*") for name in header] == [column.name for column in layout.columns]
    assert [name.endswith("*") for name in header] == [column.required for column in layout.columns]
    assert example[0] == "EXAMPLE-1"
    notes = rows_of(body, 1)
    assert [row[0] for row in notes[1 : len(layout.columns) + 1]] == [column.name for column in layout.columns]
    assert all(note in [row[0] for row in notes] for note in layout.notes)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("make", [sheets.template_xlsx, sheets.template_csv])
def test_a_template_can_be_brought_back_and_its_example_is_left_out(bring, tmp_path, layout, make):
    path = tmp_path / "template"
    path.write_bytes(make(layout))
    run = bring.file(layout.kind, path)
    assert (run.state, run.rows_done, run.rows_refused) == ("done", 1, 1)
    assert "example of the template" in bring.problems(run)[0][2]
    assert not StockUnit.objects.exists()


def test_a_csv_template_opens_in_excel_with_the_right_letters():
    body = sheets.template_csv(LAYOUTS["products"])
    assert body.startswith(b"\xef\xbb\xbf")
    assert next(csv.reader(io.StringIO(body.decode("utf-8-sig")))) == [column.name for column in LAYOUTS["products"].columns]


def test_the_report_names_row_column_value_and_what_to_do(bring):
    run = bring("products", [["sku", "title", "gtin"], ["A", "a", "4006381333930"], ["=cmd()", "x" * 501, ""], ["", "b", ""]])
    header, *found = rows_of(sheets.problems_xlsx(run))
    assert header == ["row", "column", "value", "message"]
    assert [(row[0], row[1], row[2][:6]) for row in found] == [(2.0, "gtin", "400638"), (3.0, "title", "xxxxxx"), (4.0, "sku", "")]
    assert "4006381333931" in found[0][3]


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://127.0.0.1","x")'])
def test_the_report_holds_no_formulas(bring, typed):
    """INVARIANTS 3.3: cells that begin like formulas are neutralised, whatever the seller's file said."""
    run = bring("products", [["sku", "title", "gtin"], ["A", "a", typed]])
    body = sheets.problems_xlsx(run)
    assert rows_of(body)[1][2] == f"'{typed}"
    import zipfile

    sheet = zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"hyperlink" not in sheet


def test_a_report_of_a_file_that_could_not_be_read(bring, tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04")
    run = bring.file("stock", path)
    assert rows_of(sheets.problems_xlsx(run))[1] == ["", "", "", run.problem]
