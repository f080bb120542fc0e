"""Files of stock figures: what they are is found out, what cannot be used is refused as a whole or by row, and nothing bursts (S3.4–S3.12,
INVARIANTS 3.3)."""

import gzip
import json
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stallkit.sources import records, unpacking
from stallkit.sources.files import figures, preview
from stallkit.sources.types import Columns, Figure, FileRefused, RowProblem, Shape
from stallkit.tables import texts
from tests.said import all_said, unsaid
from tests.tables import csv_file, with_part, xlsx

WARSAW = ZoneInfo("Europe/Warsaw")
CODES = Columns(code="sku", quantity="qty")
YML = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-11-22 10:00"><shop>
<categories><category id="1">Посуда</category><category id="2" parentId="1">Кружки</category></categories>
<offers>
<offer id="7" available="true"><vendorCode>MUG-1</vendorCode><name>Синяя кружка</name><price>10.50</price><count>1 234</count>
  <barcode>4601234567893</barcode><param name="Цвет">синий</param><param name="Артикул">СК-1</param>
  <outlets><outlet id="W1" instock="5"/></outlets></offer>
<offer id="8" available="true"><vendorCode>MUG-2</vendorCode><count>много</count><param name="Артикул">СК-2</param></offer>
<offer id="9" available="true"><vendorCode>MUG-3</vendorCode></offer>
</offers></shop></yml_catalog>"""


@pytest.fixture(autouse=True)
def _said():
    with all_said():
        yield


def put(folder, body, name="file"):
    path = folder / name
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    return path


def read(path, columns=None, shape=None, **named):
    """(figures as (code, gtin, location, quantity), problems as (row, column, value)) as a source without further settings reads them."""
    seen = preview(path, shape)
    rows = list(figures(path, seen.shape, columns or seen.guess, WARSAW, **named))
    assert [part for row in rows if isinstance(row, RowProblem) for part in unsaid(row.message)] == []
    good = [(row.code, row.gtin, row.location, row.quantity) for row in rows if isinstance(row, Figure)]
    return good, [(row.row, row.column, row.value) for row in rows if isinstance(row, RowProblem)]


def refused(path, words, columns=CODES, shape=None):
    """The file is refused at the call, before any row, for a preview or for its figures, and in reasonable words."""
    with pytest.raises(FileRefused, match=words) as caught:
        figures(path, shape or preview(path).shape, columns, WARSAW)
    assert len(str(caught.value)) < 600
    return str(caught.value)


# --- what files are, found out ------------------------------------------------------------------------------------------------------------

HEADERS = {
    "ru": ["Артикул", "Наименование", "Штрихкод", "Остаток, шт", "Склад", "Дата обновления"],
    "ru2": ["Код товара", "Название", "Штрих-код", "Кол-во", "Магазин", "Обновлено"],
    "pl": ["Symbol", "Nazwa", "EAN", "Ilość", "Magazyn", "Data aktualizacji"],
    "pl2": ["Kod produktu", "Nazwa", "Kod kreskowy", "Stan magazynowy", "Magazyn", "Data aktualizacji"],
    "ro": ["Cod produs", "Denumire", "Cod de bare", "Stoc", "Gestiune", "Data actualizarii"],
    "de": ["Artikelnummer", "Bezeichnung", "EAN", "Bestand", "Lager", "Aktualisiert"],
    "en": ["SKU", "Title", "Barcode", "Qty", "Warehouse", "Updated at"],
    "en2": ["Item code", "Name", "UPC", "Available quantity", "Store", "Last update"],
}
ROW = ["MUG-1", "x", "4601234567893", "1 234", "W1", "2026-05-01 18:30"]


@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_guessed_in_the_languages_of_our_users(tmp_path, language):
    path = csv_file(tmp_path / "a.csv", [HEADERS[language], ROW], ";")
    seen = preview(path)
    header = HEADERS[language]
    assert seen.guess == Columns(code=header[0], gtin=header[2], quantity=header[3], location=header[4], as_of=header[5])
    assert seen.rows == (tuple(ROW),)
    (figure,) = figures(path, seen.shape, seen.guess, WARSAW)
    assert figure == Figure(2, "MUG-1", "4601234567893", "W1", 1234, datetime(2026, 5, 1, 16, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("utf-8", "Остаток"), ("utf-8-sig", "Остаток"), ("utf-16", "Остаток"), ("utf-16-le", "Остаток"), ("utf-16-be", "Остаток"),
        ("windows-1251", "Остаток"), ("windows-1250", "Ilość"), ("utf-8", "Verfügbar"), ("windows-1252", "Verfügbar"),
    ],
)  # fmt: skip
def test_encodings_are_recognised(tmp_path, encoding, header):
    path = csv_file(tmp_path / "a.csv", [["sku", "title", header], ["A", "plain words", "5"]], encoding=encoding)
    seen = preview(path)
    assert (seen.guess.quantity, read(path)[0]) == (header, [("A", "", "", 5)])


def test_an_encoding_that_the_bytes_do_not_tell_is_not_guessed(tmp_path):
    """é is a letter in three of them; the choices are named, and the one chosen is used."""
    path = csv_file(tmp_path / "a.csv", [["sku", "title", "qty"], ["A", "Tasse à café pâle", "5"]], encoding="windows-1252")
    words = refused(path, "not UTF-8, and its letters do not tell")
    assert all(name in words for name in ("windows-1250", "windows-1251", "windows-1252", "utf-16"))
    assert read(path, shape=Shape(encoding="windows-1252"))[0] == [("A", "", "", 5)]
    refused(path, "encoding 'klingon' is not known", shape=Shape(encoding="klingon"))
    refused(path, "the text is not UTF-8", shape=Shape(encoding="utf-8"))


def test_titles_above_the_header_and_empty_rows_are_passed_over(tmp_path):
    rows = [["Остатки на 01.05.2026"], [], ["Артикул", "Цена", "Остаток"], ["A", "12,50", "7"], [], ["B", "1", "8"]]
    for path in (csv_file(tmp_path / "a.csv", rows, ";"), xlsx(tmp_path / "a.xlsx", rows)):
        assert preview(path).shape.header_row == 3
        assert [row.row for row in figures(path, Shape(), Columns(code="артикул", quantity="ОСТАТОК"), WARSAW)] == [4, 6]


def test_a_table_without_a_header_has_letters(tmp_path):
    path = csv_file(tmp_path / "a.csv", [["A-1", "Blue", "5"], ["A-2", "Red", "6"]])
    assert (preview(path).shape.header_row, preview(path).columns) == (0, ("A", "B", "C"))
    assert read(path, Columns(code="A", quantity="C"))[0] == [("A-1", "", "", 5), ("A-2", "", "", 6)]
    moved = xlsx(tmp_path / "a.xlsx", [[None, None, "A-1", 5]])
    assert preview(moved).columns == ("C", "D")


def test_a_name_that_is_there_twice_is_no_name(tmp_path):
    """Yesterday there was one column "qty": today nobody knows which of the two was meant."""
    path = csv_file(tmp_path / "a.csv", [["sku", "qty", "Qty"], ["A", "5", "6"]])
    refused(path, "Column 'qty' is not in the file. It has: sku, qty \\(1\\), Qty \\(2\\)")
    assert read(path, Columns(code="sku", quantity="Qty (2)"))[0] == [("A", "", "", 6)]


def test_the_named_sheet_is_read(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        for name, quantity in (("Old", 1), ("Stock & more", 2)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["sku", "qty"])
            sheet.write_row(1, 0, ["A", quantity])
        sheet.write_formula(2, 1, "=1/0", None, "#DIV/0!")
        sheet.write(2, 0, "B")
    assert read(tmp_path / "a.xlsx")[0] == [("A", "", "", 1)]
    assert read(tmp_path / "a.xlsx", shape=Shape(sheet="Stock & more")) == ([("A", "", "", 2)], [(3, "qty", "")])
    refused(tmp_path / "a.xlsx", "no sheet 'New'. It has: Old, Stock & more", shape=Shape(sheet="New"))


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "utf-16"])
def test_a_feed_of_yandex(tmp_path, encoding):
    path = put(tmp_path, YML.format(encoding=encoding).encode(encoding))
    seen = preview(path)
    assert seen.shape == Shape(format="xml", item="offer")
    assert (seen.guess.code, seen.guess.quantity, seen.guess.gtin) == ("vendorCode", "count", "barcode")
    assert read(path) == ([("MUG-1", "4601234567893", "", 1234)], [(2, "count", "много"), (3, "count", "")])
    assert {"@id", "param[Цвет]", "param[Артикул]", "outlets/outlet/@instock"} <= set(seen.columns)
    dated = Columns(code="param[Артикул]", quantity="outlets/outlet/@instock", location="outlets/outlet/@id", as_of="../../../@date")
    first = next(figures(path, seen.shape, dated, WARSAW))
    assert first == Figure(1, "СК-1", "", "W1", 5, datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


def test_several_places_in_one_offer(tmp_path):
    """The row is then the place; what stands around it and before it can be read."""
    feed = """<o><offer id="7"><code>A</code><outlets><outlet id="W1" instock="5"/><outlet id="W2" instock="0"/></outlets></offer>
              <offer id="8"><outlets><outlet id="W1" instock="9"/></outlets><code>B</code></offer></o>"""
    columns = Columns(code="../../code", quantity="@instock", location="@id")
    assert read(put(tmp_path, feed), columns, Shape(item="outlet")) == ([("A", "", "W1", 5), ("A", "", "W2", 0)], [(3, "../../code", "")])
    flat = "<o><offer><code>A</code><outlet id='W1' n='5'/><x/><outlet id='W2' n='6'/><outlet id='W3' n='7'/></offer></o>"
    assert [row[0] for row in read(put(tmp_path, flat), Columns(code="../code", quantity="@n"), Shape(item="outlet"))[0]] == ["A", "A", "A"]
    put(tmp_path, feed)
    beside = Columns(code="../../@id", quantity="@instock")
    assert [row[0] for row in read(put(tmp_path, feed), beside, Shape(item="outlet"))[0]] == ["7", "7", "8"]


def test_namespaces_do_not_matter(tmp_path):
    feed = '<r xmlns:g="urn:g" xmlns="urn:d"><item><g:id>A</g:id><g:quantity>5</g:quantity></item><item><g:id>B</g:id></item></r>'
    assert read(put(tmp_path, feed)) == ([("A", "", "", 5)], [(2, "quantity", "")])


@pytest.mark.parametrize(
    ("body", "item", "columns"),
    [
        ([{"sku": "A", "qty": 5}, {"sku": "B", "qty": "много"}], "", ("sku", "qty")),
        (
            {"page": 1, "data": {"items": [{"id": "A", "stock": {"free": 5}}, {"id": "B", "stock": {"free": 1.5}}]}},
            "data.items",
            ("id", "stock.free"),
        ),
        ({"A": 5, "B": None}, "", ("(key)", "(value)")),
        ({"A": {"qty": 5.0}, "B": {}}, "", ("(key)", "qty")),
        ([{"sku": "A", "stocks": [{"qty": 5}]}, {"sku": "B", "stocks": []}], "", ("sku", "stocks.0.qty")),
    ],
)  # fmt: skip
def test_json(tmp_path, body, item, columns):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = put(tmp_path, json.dumps(body, ensure_ascii=False).encode(encoding))
        seen = preview(path)
        assert (seen.shape.item, seen.guess.code, seen.guess.quantity) == (item, *columns)
        good, bad = read(path)
        assert good == [("A", "", "", 5)]
        assert [(row, column) for row, column, _ in bad] == [(2, columns[1])]


def test_a_path_that_is_not_there_is_refused(tmp_path):
    path = put(tmp_path, '{"data": {"rows": [{"sku": "A", "qty": 1}]}}')
    refused(path, "no 'items' where the rows should be \\(data.items\\). It has: rows", shape=Shape(item="data.items"))


@pytest.mark.parametrize("inner", ["csv", "xlsx", "xml", "json"])
def test_one_file_in_a_zip(tmp_path, inner):
    bodies = {
        "csv": csv_file(tmp_path / "a", [["sku", "qty"], ["A", "5"]]).read_bytes(),
        "xlsx": xlsx(tmp_path / "b", [["sku", "qty"], ["A", 5]]).read_bytes(),
        "xml": b'<r><i sku="A" qty="5"/></r>',
        "json": b'[{"sku": "A", "qty": 5}]',
    }
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        archive.writestr("folder/../../stock.dat", bodies[inner])
        archive.writestr("__MACOSX/._stock.dat", b"x")
    before = sorted(tmp_path.rglob("*"))
    assert preview(path).shape.format == inner
    assert read(path)[0] == [("A", "", "", 5)]
    assert sorted(tmp_path.rglob("*")) == before


# --- rows that cannot be used -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1 234", 1234),
        ("1\u00a0234", 1234),
        ("1234,00", 1234),
        ("10.0", 10),
        (" 7 ", 7),
        ("0", 0),
        ("007", 7),
        ("0,000", 0),
        ("1 234,000", 1234),
    ],
)  # fmt: skip
def test_numbers_that_are_whole(tmp_path, typed, number):
    assert read(csv_file(tmp_path / "a.csv", [["sku", "qty"], ["A", typed]], ";"))[0] == [("A", "", "", number)]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1,5", "not a whole number"), ("1.5", "not a whole number"), ("много", "not a number"), ("-3", "negative"),
        (">10", "not a number"),
        ("1,234", "two ways"), ("12.000", "two ways"), ("01.05.2026", "not a number"), ("2026-05-01", "not a number"),
        ("", "unknown is not zero"),
        ("9999999999", "too large"), ("nan", "not a number"), ("1e3", "not a number"), ("٣", "not a number"), ("#N/A", "not a number"),
    ],
)  # fmt: skip
def test_numbers_that_are_none_name_row_column_and_value(tmp_path, typed, words):
    path = csv_file(tmp_path / "a.csv", [["sku", "qty"], ["A", "1"], ["B", typed]], ";")
    good, problem = list(figures(path, Shape(), CODES, WARSAW))
    assert isinstance(good, Figure)
    assert isinstance(problem, RowProblem)
    assert (problem.row, problem.column, problem.value) == (3, "qty", typed)
    assert words in problem.message


@pytest.mark.parametrize(
    ("typed", "comma", "point"),
    [
        ("12,000", 12, 12_000), ("12.000", 12_000, 12), ("1.234,00", 1_234, None), ("1,234.00", None, 1_234), ("1 234,000", 1_234, None),
        ("12,5", None, None), ("1,23", None, None), ("7", 7, 7), ("1.234.567", 1_234_567, None), ("12.00", None, 12), ("-1,0", None, None),
    ],
)  # fmt: skip
def test_a_person_may_say_which_sign_begins_a_fraction(tmp_path, typed, comma, point):
    """1C writes twelve as 12,000, others write twelve thousand so: nobody can tell, but whoever knows the file."""
    path = csv_file(tmp_path / "a.csv", [["sku", "qty"], ["A", typed]], ";")
    for sign, number in ((",", comma), (".", point)):
        (row,) = figures(path, Shape(decimal=sign), CODES, WARSAW)
        assert (row.quantity if isinstance(row, Figure) else None) == number
    refused(path, "comma or a point", shape=Shape(decimal="x"))


def test_dates_and_formulas_in_workbooks_are_no_numbers(tmp_path):
    rows = [
        ["sku", "qty"],
        ["A", datetime(2026, 5, 1)],  # noqa: DTZ001 - as a spreadsheet has it
        ["B", ("formula", "=1/0", "#DIV/0!")],
        ["C", True],
        ["D", 1.5],
        [4601234567893.0, 5.0],
    ]
    good, bad = read(xlsx(tmp_path / "a.xlsx", rows), CODES)
    assert good == [("4601234567893", "", "", 5)]
    assert [(row, column) for row, column, _ in bad] == [(2, "qty"), (3, "qty"), (4, "qty"), (5, "qty")]


def test_changes_may_be_negative_where_they_are_asked_for(tmp_path):
    path = csv_file(tmp_path / "a.csv", [["sku", "qty"], ["A", "-3"], ["B", "4"]])
    assert read(path, CODES, signed=True)[0] == [("A", "", "", -3), ("B", "", "", 4)]


def test_rows_without_a_product_and_with_rubbish_in_it(tmp_path):
    rows = [
        ["sku", "qty", "as of"],
        ["", "5", ""],
        ["A" * 201, "5", ""],
        ["A\x00B", "5", ""],
        ["A", "5", "2026-05-01"],
        ["A", "5", "01.05.2026 18:30"],
    ]
    path = csv_file(tmp_path / "a.csv", rows)
    *bad, good = figures(path, Shape(), Columns("sku", "qty", as_of="as of"), WARSAW)
    assert [(each.row, each.column) for each in bad] == [(2, "sku"), (3, "sku"), (4, "sku"), (5, "as of")]
    assert all(each.value.isprintable() for each in bad)
    assert good.as_of == datetime(2026, 5, 1, 16, 30, tzinfo=UTC)


def gigabyte():
    """A ZIP of 1,000 MB of noughts, made of one packed piece that is repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = (packer.compress(b"0" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)) * 1_000 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    sizes = (0, len(stream), 1_000_000_000, 9)
    local = struct.pack("<4s5H4I", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes[:3], 0)[:26] + struct.pack("<2H", 9, 0) + b"stock.csv"
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes[:3], 9, 0, 0, 0, 0, 0, 0) + b"stock.csv"
    return local + stream + entry + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local) + len(stream), 0)


# --- files that are refused ---------------------------------------------------------------------------------------------------------------


def packed(folder, *bodies):
    path = folder / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, body in enumerate(bodies):
            archive.writestr(f"{number}.csv", body)
    return path


def test_cut_files_are_refused_before_any_row(tmp_path):
    workbook = xlsx(tmp_path / "a.xlsx", [["sku", "qty"], *[[f"A-{n}", n] for n in range(500)]]).read_bytes()
    archive = packed(tmp_path, "sku,qty\n" + "".join(f"A-{n},{n}\n" for n in range(500))).read_bytes()
    feed = "<r>" + "".join(f"<i><sku>A-{n}</sku><qty>{n}</qty></i>" for n in range(500)) + "</r>"
    objects = json.dumps([{"sku": f"A-{n}", "qty": n} for n in range(500)])
    for body, shape in ((workbook, "xlsx"), (archive, "csv"), (feed.encode(), "xml"), (objects.encode(), "json")):
        for keep in (0.5, 0.98):
            path = put(tmp_path, body[: int(len(body) * keep)])
            refused(path, "cut off on its way", shape=Shape(format=shape, item="i" if shape == "xml" else ""))
    refused(put(tmp_path, 'sku,qty\nA,1\n"B,2\n'), "quotation mark")


@pytest.mark.parametrize(
    "doctype",
    [
        "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10)),
        '<!ENTITY l9 SYSTEM "file:///etc/passwd">',
        '<!ENTITY l9 SYSTEM "http://127.0.0.1:9/x">',
        '<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;',
    ],
)
def test_entities_are_refused_at_once(tmp_path, doctype, monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("somebody was asked"))
    for place in ("<qty>&l9;</qty>", '<qty a="&l9;">1</qty>', "<qty>1</qty>"):
        feed = f"<!DOCTYPE r [{doctype}]><r><i><sku>A</sku>{place}</i></r>"
        started = time.process_time()
        with pytest.raises(FileRefused, match=r"entities|not built right") as caught:
            list(figures(put(tmp_path, feed), Shape(item="i"), CODES, WARSAW))
        assert time.process_time() - started < 2
        assert "root:" not in str(caught.value)


def test_a_gigabyte_in_a_megabyte_is_refused_in_little_memory(tmp_path):
    """In a ZIP, in a workbook, in a ZIP around a workbook."""
    bomb = put(tmp_path, gigabyte(), "bomb.zip")
    workbook = with_part(xlsx(tmp_path / "a.xlsx", [["sku", "qty"]]), tmp_path / "b.xlsx", "xl/media/i.png", lambda _: b"\0" * 120_000_000)
    tracemalloc.start()
    started = time.process_time()
    try:
        for path in (bomb, workbook, packed(tmp_path, workbook.read_bytes())):
            with pytest.raises(FileRefused, match="unpacks to far more than a table needs"):
                preview(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 20


def test_archives_that_are_not_one_file(tmp_path):
    refused(packed(tmp_path), "holds no file")
    refused(packed(tmp_path, "a", "b"), "holds 2 files \\(0.csv, 1.csv\\); it must hold exactly one")
    refused(packed(tmp_path, packed(tmp_path, "sku,qty\nA,1\n").read_bytes()), "not an Excel workbook")
    refused(put(tmp_path, gzip.compress(b"sku,qty\nA,1\n")), "gzip, 7z or RAR")
    body = bytearray(packed(tmp_path, "sku,qty\nA,1\n").read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.find(mark) + offset] |= 1
    refused(put(tmp_path, bytes(body)), "password")


def test_wrong_encodings_missing_columns_and_empty_files(tmp_path):
    feed = '<?xml version="1.0" encoding="UTF-8"?><r><i><sku>Кружка</sku><qty>1</qty></i></r>'.encode("windows-1251")
    assert "choose its encoding" in refused(put(tmp_path, feed), "not in the encoding", shape=Shape(item="i"))
    assert read(put(tmp_path, feed), CODES, Shape(item="i", encoding="windows-1251"))[0] == [("Кружка", "", "", 1)]
    for name in ("utf-8", "utf-8-sig"):
        assert read(put(tmp_path, "<r><i><sku>Ż</sku><qty>1</qty></i></r>"), CODES, Shape(item="i", encoding=name))[0] == [("Ż", "", "", 1)]
    refused(put(tmp_path, "<r/>"), "is not read; save it as UTF-8", shape=Shape(item="i", encoding="cp037"))
    refused(put(tmp_path, '[{"sku": "Кружка", "qty": 1}]'.encode("windows-1251")), "no whole JSON")
    for body in ("sku,price\nA,1\n", "<r><i><sku>A</sku><price>1</price></i></r>", '[{"sku": "A", "price": 1}]'):
        refused(put(tmp_path, body), "Column 'qty' is not in the file. It has: sku, price")
    for body in (b"", b"\xef\xbb\xbf", b"\n\n\n"):
        refused(put(tmp_path, body), "empty", shape=Shape())
    for body in ("sku,qty\n", "<r><i/></r>", "[]", "{}"):
        refused(put(tmp_path, body), r"no rows|is not in the file", shape=Shape(item="i" if body.startswith("<") else ""))
    refused(xlsx(tmp_path / "a.xlsx", []), "empty")


def test_what_is_no_table_says_what_it_is(tmp_path):
    refused(put(tmp_path, "<!DOCTYPE html><html><body>Sign in</body></html>"), "web page")
    refused(put(tmp_path, "\n<HTML><body>500</body>"), "web page")
    refused(put(tmp_path, b"%PDF-1.7 ..."), "PDF")
    refused(put(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), "Excel 97-2003")
    refused(put(tmp_path, "sku,qty\nA,1\n"), "The file is csv, and xml was expected", shape=Shape(format="xml"))
    refused(put(tmp_path, "sku,qty\nA,1\n"), "not said yet which column", columns=Columns(code="sku"))
    refused(put(tmp_path, "<r>plain</r>"), "no element that could be a row")


def test_deep_wide_and_many(tmp_path, monkeypatch):
    refused(put(tmp_path, "<i>" * 100_000), "not built right", shape=Shape(item="i"))
    refused(put(tmp_path, "[" * 100_000), "not built right|recursion")
    refused(put(tmp_path, '[{"sku": "A", "qty": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}]"), "not built right|recursion")
    refused(put(tmp_path, "<r>" + "<x/>" * 600_000 + "</r>"), "choose the element that is a row", shape=Shape(item="i"))
    refused(put(tmp_path, "[" + "1," * 5_000_001 + "1]"), "more than 5,000,000 values")
    monkeypatch.setattr(texts, "MOST_BYTES", 1_000)
    refused(put(tmp_path, "sku,qty\n" + "A,1\n" * 1_000), "Split it")
    monkeypatch.setattr(unpacking, "FEW_BYTES", 0)
    refused(packed(tmp_path, "sku,qty\n" + "A,1\n" * 1_000), "unpacks to far more")
    monkeypatch.setattr(records, "MOST_ROWS", 2)
    for body in (
        "sku,qty\nA,1\nB,1\n",
        '<r><i sku="A" qty="1"/><i sku="A" qty="1"/><i sku="A" qty="1"/></r>',
        '[{"sku":"A","qty":1},{},{}]',
    ):
        refused(put(tmp_path, body), "more than 2 rows", Columns("@sku", "@qty") if body[0] == "<" else CODES, Shape())


def test_a_table_in_json(tmp_path):
    path = put(tmp_path, '{"values": [["Stock"], ["sku", "qty"], ["A", 5], ["B", {"x": 1}]]}')
    assert read(path) == ([("A", "", "", 5)], [(4, "qty", "{'x': 1}")])
    refused(put(tmp_path, '[["sku", "qty"], ["A", 5], {"sku": "B"}]'), "not built right")


WHOLE = {
    "xml": b'<r><i id="1"><sku>A</sku><qty>5</qty></i><i id="2"><sku>B</sku><qty>6</qty></i></r>',
    "json": b'{"items": [{"sku": "A", "qty": 5}, {"sku": "B", "qty": 6}]}',
    "csv": b'"sku";"qty"\r\n"A";"5"\r\n"B";"6"\r\n',
}


@given(st.sampled_from(sorted(WHOLE)), st.integers(min_value=0), st.binary(max_size=12), st.integers(min_value=0, max_value=12))
@settings(deadline=None, max_examples=400)
def test_any_damage_is_read_or_refused_before_the_first_row(tmp_path_factory, name, position, piece, length):
    """What was refused was refused at the call; what was not runs to its end."""
    body = WHOLE[name]
    at = position % len(body)
    path = put(tmp_path_factory.getbasetemp(), body[:at] + piece + body[at + length :], "damaged")
    try:
        rows = figures(path, Shape(item={"xml": "i", "json": "items"}.get(name, "")), CODES, WARSAW)
    except FileRefused:
        return
    assert all(isinstance(row, Figure | RowProblem) for row in rows)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"sku,qty\n", b"PK\x03\x04", b"<r>", b"<?xml", b"[", b"{", b"\xff\xfe", b"\xef\xbb\xbf["]),
)
@settings(deadline=None, max_examples=400)
def test_any_bytes_are_read_or_refused(tmp_path_factory, body, start):
    path = put(tmp_path_factory.getbasetemp(), start + body, "any")
    with suppress(FileRefused):
        seen = preview(path)
        columns = Columns(code=seen.columns[0], quantity=seen.columns[-1])
        assert all(isinstance(row, Figure | RowProblem) for row in figures(path, seen.shape, columns, WARSAW))


def test_rows_are_read_in_bounded_memory(tmp_path):
    """In a process of its own, since lxml's memory is not Python's: no more than a piece of the file is held (of JSON, the file)."""
    count = 40_000
    filler = "x" * 300
    put(tmp_path, "sku;name;qty\n" + "".join(f"A-{n};{filler};{n % 90}\n" for n in range(count)), "csv")
    put(tmp_path, "<r>" + "".join(f"<i><sku>A-{n}</sku><b>{filler}</b><qty>{n % 90}</qty></i>" for n in range(count)) + "</r>", "xml")
    nested = "".join(f"<o><sku>A-{n}</sku><b>{filler}</b><s><i qty='{n % 90}'/></s></o>" for n in range(count))
    put(tmp_path, f"<r>{nested}</r>", "nested.xml")
    put(tmp_path, json.dumps([{"sku": f"A-{n}", "name": filler, "qty": n % 90} for n in range(count)]), "json")
    done = subprocess.run([sys.executable, "-c", READ_THROUGH, str(tmp_path)], capture_output=True, text=True, check=True)
    grown = json.loads(done.stdout)
    assert [total for total, _ in grown.values()] == [sum(n % 90 for n in range(count))] * 4
    assert grown["csv"][1] < 8_000
    assert grown["xml"][1] < 8_000
    assert grown["nested.xml"][1] < 8_000
    assert grown["json"][1] < 60_000


READ_THROUGH = """
import json, resource, sys, pathlib, zoneinfo
from stallkit.sources.files import figures
from stallkit.sources.types import Columns, Shape
zone, grown = zoneinfo.ZoneInfo("UTC"), {}
(pathlib.Path(sys.argv[1]) / "small").write_text("<r><i><sku>A</sku><qty>1</qty></i></r>")
list(figures(pathlib.Path(sys.argv[1]) / "small", Shape(item="i"), Columns("sku", "qty"), zone))
for name in ("csv", "xml", "nested.xml", "json"):
    columns = Columns("../../sku", "@qty") if name == "nested.xml" else Columns("sku", "qty")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = figures(pathlib.Path(sys.argv[1]) / name, Shape(item="i" if "xml" in name else ""), columns, zone)
    grown[name] = (sum(row.quantity for row in rows), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(json.dumps(grown))
"""
