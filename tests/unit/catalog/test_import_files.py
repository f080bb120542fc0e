"""Files as they come: recognised by their content, refused with what to do, and never able to exhaust the machine."""

import io
import socket
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stallkeeper.catalog.imports.files import open_table
from stallkeeper.catalog.imports.products import LAYOUT
from stallkeeper.stock.imports import LAYOUT as STOCK
from stallkit.tables import opening, texts, trial, workbooks
from stallkit.tables.cells import FileRefused, Hollow
from tests.tables import csv_file, with_part, xlsx

ROWS = [["sku", "title", "price"], ["MUG-1", "Blue mug", 12.5], ["MUG-2", "Cană roșie", 9.0]]
SHEET = "xl/worksheets/sheet1.xml"


def read(path, layout=LAYOUT, **named):
    table = open_table(path, layout, **named)
    return table, [(number, cells) for number, cells in table.rows()]


def refused(path, words, layout=LAYOUT, **named):
    with pytest.raises(FileRefused, match=words) as caught:
        read(path, layout, **named)
    return caught.value


def test_a_workbook_is_read_with_the_row_numbers_of_the_spreadsheet(tmp_path):
    table, rows = read(xlsx(tmp_path / "a.xlsx", [[], ["", "note"][:1], *ROWS]))
    assert table.positions == {"sku": 0, "title": 1, "price": 2}
    assert rows == [(4, ["MUG-1", "Blue mug", 12.5]), (5, ["MUG-2", "Cană roșie", 9.0])]
    assert table.total == 2


def test_empty_rows_and_columns_before_the_table_do_not_shift_anything(tmp_path):
    rows = [[None, *row] for row in (ROWS[0], [], ROWS[1], [], [], ROWS[2])]
    assert [number for number, _ in read(xlsx(tmp_path / "a.xlsx", rows))[1]] == [3, 6]


def test_the_first_visible_sheet_counts(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        hidden, shown = workbook.add_worksheet("Lists"), workbook.add_worksheet("Products")
        hidden.hide()
        shown.activate()
        shown.set_first_sheet()
        hidden.write(0, 0, "nothing")
        shown.write_row(0, 0, ["sku"])
        shown.write_row(1, 0, ["MUG-1"])
    assert read(tmp_path / "a.xlsx")[1] == [(2, ["MUG-1"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(tmp_path, delimiter):
    rows = [["sku", "title", "additional_codes"], ["MUG-1", "Blue, big; or | not", "A;B"]]
    assert read(csv_file(tmp_path / "a.csv", rows, delimiter))[1] == [(2, ["MUG-1", "Blue, big; or | not", "A;B"])]


def test_a_line_that_names_the_delimiter_is_not_a_row(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\r\nsku;title\r\nMUG-1;Blue\r\n")
    assert read(tmp_path / "a.csv")[1] == [(3, ["MUG-1", "Blue"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_encodings_are_read(tmp_path, encoding):
    assert read(csv_file(tmp_path / "a.csv", ROWS, encoding=encoding))[1][1][1][1] == "Cană roșie"


@pytest.mark.parametrize(
    ("encoding", "title"), [("windows-1250", "Żółty kubek"), ("windows-1251", "Синяя кружка"), ("latin-1", "Tasse für Özil")]
)
def test_other_encodings_are_named_and_read_when_said(tmp_path, encoding, title):
    path = csv_file(tmp_path / "a.csv", [["sku", "title"], ["MUG-1", "plain"], ["MUG-2", title]], encoding=encoding)
    error = refused(path, "is not UTF-8")
    assert "--encoding" in str(error)
    assert encoding in str(error)
    assert read(path, encoding=encoding)[1][1] == (3, ["MUG-2", title])


def test_utf_16_without_a_mark_is_guessed_and_asked_for(tmp_path):
    path = csv_file(tmp_path / "a.csv", ROWS, encoding="utf-16-le")
    refused(path, "UTF-16 without a mark.*--encoding utf-16-le")
    assert len(read(path, encoding="utf-16-le")[1]) == 2


def test_a_wrong_word_for_the_encoding_is_refused(tmp_path):
    path = csv_file(tmp_path / "a.csv", ROWS)
    for word in ("klingon", "base64", "idna-nonsense"):
        refused(path, "encoding .* is not known", encoding=word)
    refused(csv_file(tmp_path / "b.csv", [["sku", "title"], ["A", "Żółty"]]), "is not ASCII", encoding="ascii")


def test_a_quotation_mark_that_is_never_closed_refuses_the_file_before_any_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('sku,title\nMUG-1,Blue\nMUG-2,"Red\nMUG-3,Green\n')
    refused(path, "Row 3 of the file is broken: a quotation mark")
    path.write_text('sku,title\nMUG-1,"5" screen"\n')
    refused(path, "Row 2 of the file is broken")


def test_empty_files(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    refused(tmp_path / "a.csv", "0 bytes")
    (tmp_path / "b.csv").write_text("\n\n , ,\n")
    refused(tmp_path / "b.csv", "no header row")
    refused(xlsx(tmp_path / "c.xlsx", []), "no header row")


def test_headers_are_matched_by_their_names_in_any_order(tmp_path):
    rows = [["Price", "EAN", "# my note", " SKU* ", "Additional Codes"], ["1", "", "anything", "MUG-1", ""]]
    table, _ = read(csv_file(tmp_path / "a.csv", rows))
    assert table.positions == {"price": 0, "gtin": 1, "sku": 3, "additional_codes": 4}


def test_every_wrong_header_is_named(tmp_path):
    error = refused(csv_file(tmp_path / "a.csv", [["title", "titel", "Name", "colour"], ["x"]]), "header of the file does not fit")
    assert [(problem.row, problem.column) for problem in error.problems] == [(1, "titel"), (1, "title"), (1, "colour"), (1, "sku")]
    assert "Did you mean title?" in error.problems[0].message
    assert "is there twice" in error.problems[1].message
    assert "Column sku is missing" in error.problems[3].message
    assert "sku / gtin is missing" in str(refused(csv_file(tmp_path / "b.csv", [["location", "on_hand"], ["x"]]), "missing", STOCK))


def test_a_file_without_a_header_is_refused(tmp_path):
    refused(csv_file(tmp_path / "a.csv", [["MUG-1", "Blue mug"], ["MUG-2", "Red mug"]]), "Column 'MUG-1' is not known")


def test_cut_and_broken_workbooks(tmp_path):
    whole = xlsx(tmp_path / "a.xlsx", ROWS).read_bytes()
    broken = tmp_path / "b.xlsx"
    for body in (whole[: len(whole) // 2], whole[:100], b"PK\x03\x04 not really", whole[:-30]):
        broken.write_bytes(body)
        refused(broken, "damaged or was cut off.*save it as .xlsx")
    middle = bytearray(whole)
    for position in range(200, len(middle) // 2):
        middle[position] ^= 0x55
    broken.write_bytes(middle)
    refused(broken, "damaged|not an Excel workbook|password|OpenDocument")


def test_a_sheet_of_broken_xml_is_refused(tmp_path):
    source = xlsx(tmp_path / "a.xlsx", ROWS)
    refused(with_part(source, tmp_path / "b.xlsx", SHEET, lambda xml: xml[: len(xml) // 2]), "damaged|no header row|empty")


def test_other_formats_say_what_to_do(tmp_path):
    path = tmp_path / "a.xls"
    path.write_bytes(opening.OLE + b"\0" * 600)
    refused(path, "Excel 97-2003")
    path.write_bytes(opening.OLE + b"\0" * 512 + "EncryptedPackage".encode("utf-16-le"))
    refused(path, "protected by a password. Remove the password")
    for name, words in (("mimetype", "OpenDocument"), ("xl/workbook.bin", "xlsb"), ("readme.txt", "not an Excel workbook")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "x")
        refused(path, words)


def test_an_encrypted_archive_is_refused(tmp_path):
    body = bytearray(xlsx(tmp_path / "a.xlsx", ROWS).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := body.find(mark, start)) >= 0:
            struct.pack_into("<H", body, start + offset, struct.unpack_from("<H", body, start + offset)[0] | 1)
            start += 4
    (tmp_path / "b.xlsx").write_bytes(body)
    refused(tmp_path / "b.xlsx", "protected by a password")


def test_a_bomb_is_refused_before_anything_parses_it(tmp_path):
    """300 MB of zeros in 300 kB: refused in less than five seconds of work and a few megabytes (INVARIANTS 3.3)."""
    source, bomb = xlsx(tmp_path / "a.xlsx", ROWS), tmp_path / "b.xlsx"
    with_part(source, bomb, "xl/media/image1.png", lambda _: b"\0" * 300_000_000)
    tracemalloc.start()
    started = time.process_time()
    try:
        refused(bomb, "unpacks to far more than a table needs")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 5


def test_a_workbook_of_a_hundred_thousand_parts_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for number in range(1_500):
            archive.writestr(f"xl/{number}.xml", "")
    refused(tmp_path / "a.xlsx", "1,500 parts")


@pytest.mark.parametrize("corner", ["XFD1048576", "A1048576", "AAA2", "XFD1"])
def test_a_cell_in_the_last_corner_does_not_reserve_the_whole_sheet(tmp_path, corner):
    cell = f'<row r="9"><c r="{corner}"><v>1</v></c></row></sheetData>'.encode()
    for changed in (cell, cell.replace(b'"', b"'")):
        path = with_part(xlsx(tmp_path / "a.xlsx", ROWS), tmp_path / "b.xlsx", SHEET, lambda xml: xml.replace(b"</sheetData>", changed))  # noqa: B023
        refused(path, "beyond column ZZ or row 999,999")


def test_a_wide_and_long_sheet_is_refused(tmp_path):
    cell = b'<row r="999999"><c r="ZZ999999"><v>1</v></c></row></sheetData>'
    path = with_part(xlsx(tmp_path / "a.xlsx", ROWS), tmp_path / "b.xlsx", SHEET, lambda xml: xml.replace(b"</sheetData>", cell))
    refused(path, "999,999 rows and 702 columns. Split it")


def test_entities_are_not_expanded(tmp_path):
    """A billion laughs: refused or read as nothing, at once."""
    laughs = b"".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">'.encode() for n in range(10))
    doctype = b"<!DOCTYPE worksheet [" + laughs + b"]>"

    def change(xml):
        return xml.replace(b"<worksheet", doctype + b"<worksheet", 1).replace(b"<v>9</v>", b"<v>&l9;</v>")

    path = with_part(xlsx(tmp_path / "a.xlsx", ROWS), tmp_path / "b.xlsx", SHEET, change)
    started = time.process_time()
    try:
        _, rows = read(path)
    except FileRefused:
        rows = []
    assert time.process_time() - started < 2
    assert all(len(str(cell)) < 100 for _, cells in rows for cell in cells)


def test_errors_and_formulas_without_a_result_are_not_empty_cells(tmp_path):
    """Calamine shows both as empty; read as empty they would silently change nothing, or count as missing."""
    rows = [
        ["sku", "title", "price"],
        ["A", ("formula", "=1/0", "#DIV/0!"), ("formula", "=NA()", "#N/A")],
        ["B", ("formula", '=""', ""), 2],
        ["C", ("formula", "=1+1", 2), ""],
    ]
    _, found = read(xlsx(tmp_path / "a.xlsx", rows))
    assert [type(cell) is Hollow for _, cells in found for cell in cells] == [False, True, True, False, True, False, False, False, False]
    assert "formula with an error" in found[0][1][1]
    assert "without a saved result" in found[1][1][1]
    assert found[2][1][1] == 2.0


def test_a_formula_whose_result_is_an_empty_text_is_empty(tmp_path):
    source = xlsx(tmp_path / "a.xlsx", [["sku", "title"], ["A", ("formula", '=""', "x")]])
    path = with_part(source, tmp_path / "b.xlsx", SHEET, lambda xml: xml.replace(b"<v>x</v>", b"<v></v>"))
    assert b't="str"' in zipfile.ZipFile(path).read(SHEET)
    assert read(path)[1][0][1] == ["A", ""]


def test_texts_that_look_like_errors_are_texts(tmp_path):
    _, found = read(xlsx(tmp_path / "a.xlsx", [["sku", "title"], ["A", "#N/A"], ["B", ("formula", "=A1", "#hash")]]))
    assert [cells[1] for _, cells in found] == ["#N/A", "#hash"]


def test_columns_beyond_z_and_late_rows_are_measured(tmp_path):
    rows = [["sku", *[f"# {n}" for n in range(30)]], ["A", *["x"] * 30]]
    path = xlsx(tmp_path / "a.xlsx", rows)
    assert workbooks.look_through(path).wide == 31
    assert len(read(path)[1][0][1]) == 31


def test_rows_that_are_too_short_or_too_long(tmp_path):
    (tmp_path / "a.csv").write_text("sku,title\nA\nB,b,\nC,c,d\n")
    assert [len(cells) for _, cells in read(tmp_path / "a.csv")[1]] == [1, 3, 3]


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "MOST_BYTES", 10)
    refused(csv_file(tmp_path / "a.csv", ROWS), "Split it")


def test_a_ten_megabyte_cell_can_be_read(tmp_path):
    """The row is refused later, by its length; the file is not."""
    path = csv_file(tmp_path / "a.csv", [["sku", "title"], ["A", "x" * 10_000_000], ["B", "b"]])
    assert [len(cells[1]) for _, cells in read(path)[1]] == [10_000_000, 1]


@given(st.binary(max_size=300), st.sampled_from([None, "utf-16", "windows-1251", "utf-8"]))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory, body, encoding):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    for start in (b"", b"sku,title\n", b"PK\x03\x04"):
        path.write_bytes(start + body)
        with suppress(FileRefused):
            for number, cells in read(path, encoding=encoding)[1]:
                assert number > 1
                assert cells


PIECES = [
    b"<",
    b"/>",
    b'"',
    b"&#0;",
    b"9" * 20,
    b'<c r="A1">',
    b'r="ZZZ9"',
    b't="s"',
    b't="e"',
    b's="9999"',
    b"<v>1e999</v>",
    b"<!--",
    b'r="A0"',
    b"",
]


@given(st.integers(min_value=0), st.sampled_from(PIECES), st.integers(min_value=0, max_value=30))
@settings(deadline=None, max_examples=200)
def test_any_damage_to_a_sheet_is_read_or_refused(tmp_path_factory, position, piece, length):
    source, target = tmp_path_factory.getbasetemp() / "whole.xlsx", tmp_path_factory.getbasetemp() / "damaged.xlsx"
    if not source.exists():
        xlsx(source, [*ROWS, ["A", ("formula", "=1+1", 2), 1]])

    def damage(xml):
        at = position % len(xml)
        return xml[:at] + piece + xml[at + length :]

    with suppress(FileRefused):
        assert all(number > 1 for number, _ in read(with_part(source, target, SHEET, damage))[1])


# --- archives that lie ------------------------------------------------------------------------------------------------------------------


def lying(path, name, body, said):
    """An archive whose directory says that ``name`` ends after ``said`` bytes, with the checksum of just those."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    local = struct.unpack_from("<I", content, at + 42)[0]
    for where in (at + 16, local + 14):
        struct.pack_into("<I", content, where, zlib.crc32(body[:said]))
    for where in (at + 24, local + 22):
        struct.pack_into("<I", content, where, said)
    path.write_bytes(content)
    return path


def test_a_part_that_calls_itself_small_is_not_believed(tmp_path):
    """Python's reader stops where the directory says, and finds nothing wrong; calamine's would read on to the true end."""
    path = lying(xlsx(tmp_path / "a.xlsx", ROWS), "xl/extra.xml", b"<a/>" * 100_000, 40)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    refused(path, "damaged")


def test_two_parts_of_one_name_are_refused(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", ROWS)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read(SHEET)
    for name in (SHEET, SHEET.upper()):
        target = tmp_path / "b.xlsx"
        target.write_bytes(path.read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with zipfile.ZipFile(target, "a") as archive:
                archive.writestr(name, sheet.replace(b"<v>", b"<v>9"))
        refused(target, "two parts of the same name")


def test_a_million_parts_are_refused_before_the_list_of_them_is_read(tmp_path, monkeypatch):
    """The list alone has 50 MB, and reading it would take seconds and a gigabyte."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    body = entry * 1_000_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 16_960, 16_960, len(body), 4, 0)
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04" + body + end)
    monkeypatch.setattr(workbooks.zipfile, "ZipFile", lambda *_: pytest.fail("the list was read"))
    refused(tmp_path / "a.xlsx", "far more parts than a workbook")


def test_an_archive_inside_an_archive_is_not_opened(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 30_000_000)
    path = xlsx(tmp_path / "a.xlsx", ROWS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/embeddings/more.zip", inner.getvalue())
    assert len(read(path)[1]) == 2


@pytest.mark.parametrize(
    "name", ["../../outside.xml", "/etc/outside.xml", "C:\\outside.xml", "xl/../../outside.xml", "xl/\u202eoutside.xml"]
)
def test_names_that_climb_out_write_nothing(tmp_path, name):
    """Nothing is ever unpacked into a file; a symlink is a part like any other."""
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    path = xlsx(folder / "a.xlsx", ROWS)
    link = zipfile.ZipInfo(name)
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    before = sorted(tmp_path.rglob("*"))
    assert len(read(path)[1]) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_an_outer_document_is_never_fetched(tmp_path, monkeypatch):
    """An external DTD, an external entity, a picture at an address: nobody is asked, and no file is read."""
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda *where: asked.append(where))
    secret = tmp_path / "secret.txt"
    secret.write_text("canary of the disk")
    doctype = f'<!DOCTYPE worksheet SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()

    def change(xml):
        return xml.replace(b"<worksheet", doctype + b"<worksheet", 1).replace(b"</v>", b"&e;</v>")

    path = with_part(xlsx(tmp_path / "a.xlsx", ROWS), tmp_path / "b.xlsx", SHEET, change)
    with suppress(FileRefused):
        assert "canary" not in str(read(path)[1])
    assert asked == []


def test_a_picture_that_is_also_an_archive_is_taken_for_what_it_begins_with(tmp_path):
    """A polyglot: what is recognised is what is read, and never run as anything else."""
    archive = xlsx(tmp_path / "a.xlsx", ROWS).read_bytes()
    for start in (b"GIF89a", b"%PDF-1.7\n", b"#!/bin/sh\n", b"<html><script>", b"\x7fELF"):
        (tmp_path / "b.xlsx").write_bytes(start + archive)
        with pytest.raises(FileRefused):
            read(tmp_path / "b.xlsx")


@given(st.binary(max_size=40), st.integers(min_value=0), st.integers(min_value=0, max_value=60))
@settings(deadline=None, max_examples=300)
def test_any_damage_to_an_archive_is_read_or_refused(tmp_path_factory, piece, position, length):
    source, target = tmp_path_factory.getbasetemp() / "sound.xlsx", tmp_path_factory.getbasetemp() / "unsound.xlsx"
    if not source.exists():
        xlsx(source, ROWS)
    body = source.read_bytes()
    at = position % len(body)
    target.write_bytes(body[:at] + piece + body[at + length :])
    with suppress(FileRefused):
        assert all(number > 1 for number, _ in read(target)[1])


def test_a_large_workbook_is_tried_in_a_process_with_limits(tmp_path, monkeypatch):
    path = xlsx(tmp_path / "a.xlsx", ROWS)
    assert trial.survives(path)
    monkeypatch.setattr(workbooks, "SUSPICIOUS_BYTES", 1)
    monkeypatch.setattr(workbooks, "MOST_RATIO", 10_000)
    assert len(read(path)[1]) == 2
    hungry = tmp_path / "hungry.py"
    hungry.write_text(
        "import sys; sys.path[:0] = []\nimport resource\nresource.setrlimit(resource.RLIMIT_AS, (300_000_000,) * 2)\nx = 'a' * 10**9\n"
    )
    monkeypatch.setattr(trial, "__file__", str(hungry))
    refused(path, "cannot be read with the memory and time")


def test_the_child_gets_no_more_than_its_limits(tmp_path):
    """Whatever the parser would do, the system ends it."""
    program = "from stallkit.tables import trial\ntrial.limit()\n"
    written = tmp_path / "written"
    for greedy in ("x = bytearray(5_000_000_000)", f"open({str(written)!r}, 'w').write('x' * 99_999)"):
        done = subprocess.run([sys.executable, "-c", program + greedy], capture_output=True, check=False)
        assert done.returncode != 0
    assert written.stat().st_size == 0
