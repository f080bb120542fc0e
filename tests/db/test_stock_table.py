"""The stock table: figures typed in place, many at once, and the report that comes back (S3.21, S3.22)."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from zipfile import ZipFile

import pytest

from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.core.models import AuditEntry
from stallkeeper.stock import imports, table_files, taking_back
from stallkeeper.stock.editing import Edit, EditError, edit
from stallkeeper.stock.models import Movement
from stallkit.tables.opening import open_rows
from tests.shop import Shop


@pytest.fixture
def shop() -> Shop:
    opened = Shop.open()
    opened.add_place("SHOP", priority=1)
    return opened


def on_hand(shop: Shop) -> dict[str, tuple[int, ...]]:
    """By SKU, at the places of the table."""
    with shop.scope():
        return {str(sku): tuple(figures[: len(figures) // 2]) for sku, _title, *figures in rows(shop)}


def rows(shop: Shop) -> list[list[object]]:
    return [list(row) for row in table_files.report_rows(table_files.counted_units(), table_files.editable_places())]


def report(shop: Shop, folder: Path) -> list[list[object]]:
    """The report as a spreadsheet shows it, hidden columns included."""
    path = folder / "report.xlsx"
    with shop.scope():
        table_files.write_report(path, table_files.counted_units(), table_files.editable_places())
    assert b'<col min="5" max="6"' in (sheet := ZipFile(path).read("xl/worksheets/sheet1.xml"))
    assert b'hidden="1"' in sheet
    return [list(cells) for _number, cells in open_rows(path, {"sku"}, "").rows()]


def bring(shop: Shop, folder: Path, table: list[list[object]], **named: object) -> ImportRun:
    path, text = folder / "back.csv", io.StringIO()
    csv.writer(text).writerows(table)
    path.write_text(text.getvalue(), encoding="utf-8")
    return imports.run_import(table_files.KIND, path, shop.organisation.pk, "user:1", file_name="report.xlsx", **named)


def refused(shop: Shop, run: ImportRun) -> list[str]:
    with shop.scope():
        return list(ImportProblem.objects.filter(run=run).order_by("row", "id").values_list("message", flat=True))


def test_only_what_a_person_changed_is_taken_in_and_only_once(shop: Shop, tmp_path: Path) -> None:
    """S3.22: what moved since the report stays moved; the same file again, or changed further, brings only what is new."""
    cup, bowl = shop.unit("=CUP", {"MAIN": 10, "SHOP": 3}), shop.unit("BOWL", {"MAIN": 4})
    shop.unit("VASE", 0)
    shop.kit("SET", {cup: 1})
    table = report(shop, tmp_path)
    assert table[0][:4] == ["sku", "title", "SHOP", "MAIN"]
    assert [row[0] for row in table[1:]] == ["'=CUP", "BOWL", "VASE"]
    shop.stock(cup, {"MAIN": 8})
    cup_row, bowl_row = table[1], table[2]
    cup_row[3], bowl_row[2] = 12, 6
    tried = bring(shop, tmp_path, table, dry_run=True)
    assert (tried.state, tried.rows_changed, on_hand(shop)["=CUP"]) == ("done", 2, (3, 8))
    run = bring(shop, tmp_path, table)
    assert (run.state, run.rows_changed, run.rows_refused, refused(shop, run)) == ("done", 2, 0, [])
    assert on_hand(shop) == {"=CUP": (3, 10), "BOWL": (6, 4), "VASE": (0, 0)}
    assert bring(shop, tmp_path, table).rows_changed == 0
    cup_row[3] = 13
    assert bring(shop, tmp_path, table).rows_changed == 1
    cup_row[3] = 12
    assert bring(shop, tmp_path, table).rows_changed == 1
    assert on_hand(shop) == {"=CUP": (3, 10), "BOWL": (6, 4), "VASE": (0, 0)}
    number = str(table[0][4]).rpartition(" ")[2]
    with shop.use_case() as uc:
        taking_back.take_back(uc, [f"table:{number}"])
    assert on_hand(shop)["=CUP"] == (3, 8)
    assert bring(shop, tmp_path, table).rows_changed == 2
    assert on_hand(shop) == {"=CUP": (3, 10), "BOWL": (6, 4), "VASE": (0, 0)}
    with shop.scope():
        assert "report.xlsx" in Movement.objects.filter(stock_unit=bowl).order_by("pk").last().reason


def test_rubbish_is_named_by_row_and_stops_nothing_else(shop: Shop, tmp_path: Path) -> None:
    cup = shop.unit("CUP", {"MAIN": 10})
    shop.unit("BOWL", {"MAIN": 4})
    good = report(shop, tmp_path)
    table = [list(row) for row in good]
    table[1][3] = "many"
    table[2][3] = 20
    table += [["NO-SUCH", "", 1, 1, 0, 0], ["CUP", "", 0, "", 0, 10], ["CUP", "", 0, 11, 0, ""], ["", "", 0, 1, 0, 0], list(table[2])]
    run = bring(shop, tmp_path, table)
    assert (run.state, run.rows_changed, run.rows_refused) == ("done", 1, 6)
    said = " ".join(refused(shop, run))
    for words in (
        "'many'",
        "NO-SUCH is not known",
        "type 0 if nothing is there",
        "what the report said is gone",
        "sku is empty",
        "row 3 already",
    ):
        assert words in said, words
    for header, why in (
        (["sku", "title", "SHOP", "MAIN"], "take a new report"),
        ([*good[0][:4], good[0][4], "MAIN in report 0123456789ab"], "different reports"),
        (["sku", "title", "NOWHERE", *good[0][3:]], "is no place"),
        (["title", *good[0][1:]], "Column sku is missing"),
    ):
        failed = bring(shop, tmp_path, [header, *good[1:]])
        assert (failed.state, why in failed.problem) == ("failed", True), failed.problem
    shop.stock(cup, {"MAIN": 1})
    cut = [list(row) for row in good]
    cut[2][3] = 2
    below = bring(shop, tmp_path, cut)
    assert (below.rows_changed, below.rows_refused, "count it first" in refused(shop, below)[0]) == (0, 1, True)
    assert on_hand(shop)["CUP"] == (0, 1)


def test_a_report_that_would_empty_the_shelf_is_stopped(shop: Shop, tmp_path: Path) -> None:
    """C21: the limits of every import."""
    for number in range(30):
        shop.unit(f"S{number:02d}", {"MAIN": 5})
    table = report(shop, tmp_path)
    for row in table[1:]:
        row[3] = 0
    assert bring(shop, tmp_path, table).state == "stopped"
    assert on_hand(shop)["S00"] == (0, 5)
    assert bring(shop, tmp_path, table, allow_many_zeroings=True).rows_changed == 30
    assert on_hand(shop)["S00"] == (0, 0)


def test_nobody_overwrites_what_he_has_not_seen(shop: Shop) -> None:
    cup, bowl = shop.unit("CUP", {"MAIN": 10}), shop.unit("BOWL", {"MAIN": 4})
    main = shop.place.pk
    with shop.use_case() as uc, pytest.raises(EditError, match="reason"):
        edit(uc, [Edit(cup.pk, main, 10, 9)], " ")
    edits = [Edit(cup.pk, main, 11, 9), Edit(bowl.pk, main, 4, 7), Edit(bowl.pk, shop.place.pk + 1, 0, 2)]
    with shop.use_case() as uc:
        done = edit(uc, edits, "counted the shelf")
    assert done.stale == [(edits[0], 10)]
    assert done.changed == 2
    assert on_hand(shop)["CUP"][1] == 10
    assert on_hand(shop)["BOWL"][1] == 7
    with shop.scope():
        assert AuditEntry.objects.filter(action="edit.stock").count() == 2
        assert Movement.objects.filter(stock_unit=bowl).order_by("pk").last().reason == "counted the shelf"
