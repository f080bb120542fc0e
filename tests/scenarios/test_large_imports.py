"""100,000 rows: they go through, in bounded memory, without slowing down on the way; killed half-way and run again they are complete.

Work is told as a ratio to the least that any import must do (calamine, COPY, upsert into one table), both in processor time.
"""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest
import xlsxwriter
from stdnum import ean

from stallkeeper.core import people
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import imports, ledger, places
from stallkeeper.stock.ledger import Move
from tests.tables import csv_file

pytestmark = pytest.mark.timeout(900)
ROWS = 100_000
MEMORY_LIMIT = 300
"""Megabytes (PERFORMANCE.md, goal 15); the aim is 200."""
RATIO_LIMIT = 12
"""Twice the goal of 6 (PERFORMANCE.md, goal 14): processors that share a core slow each other down; the figure itself is printed."""
HEADER = ["sku", "title", "brand", "category", "description", "gtin", "additional_codes", "price", "currency", "active"]


def product(number):
    body = f"59400{number:07d}"
    return [
        f"SKU-{number:06d}",
        f"Product number {number} in a colour",
        f"Brand {number % 50}",
        f"Category/{number % 200}",
        f"A description of product {number} which says little",
        body + ean.calc_check_digit(body),
        f"ALT{number}",
        9.99 + number % 100,
        "EUR",
        "yes",
    ]


@pytest.fixture
def workbooks(tmp_path):
    made = {"products": tmp_path / "products.xlsx", "stock": tmp_path / "stock.xlsx"}
    write(made["products"], HEADER, map(product, range(ROWS)))
    write(made["stock"], ["sku", "location", "on_hand"], ([f"SKU-{n:06d}", "MAIN", n % 50 + 1] for n in range(ROWS)))
    return made


def write(path, header, rows):
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, header)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)


@pytest.fixture
def shop(race_db):
    made = people.create_organisation("Large Shop", "large")
    with use_case("make.places", organisation_id=made.pk) as uc:
        places.first_locations(uc)
    return made


def start(race_db, what, path):
    command = [sys.executable, "-m", "tests.scenarios.importing", what, str(path)]
    return subprocess.Popen(command, env=race_db.environment, stdout=subprocess.PIPE, text=True)


def finish(process):
    answer, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return json.loads(answer.splitlines()[-1])


def told(capsys, what, result, yardstick):
    ratio = result["seconds"] / yardstick["seconds"]
    with capsys.disabled():
        print(
            f"\n{what}: {result['seconds']:.1f} s, {ratio:.1f} x calamine + COPY + upsert ({yardstick['seconds']:.1f} s),"
            f" peak {result['megabytes']} MB (before: {result['base']} MB)"
        )
    return ratio


def pace(marks, start, end):
    """Rows per second between two shares of the import."""
    total = marks[-1][1]
    inside = [(at, done) for at, done in marks if start * total <= done <= end * total]
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


@pytest.mark.long(60)
def test_a_hundred_thousand_products_and_levels(race_db, shop, workbooks, capsys):
    """Goals 14 and 15: new rows, the same rows again, then stock; and no slower at the end than after the first chunks."""
    products, stock = workbooks["products"], workbooks["stock"]
    yardstick = finish(start(race_db, "yardstick", products))
    new = finish(start(race_db, "products", products))
    assert new["counts"] == ["done", ROWS, ROWS, 0]
    again = finish(start(race_db, "products", products))
    assert again["counts"] == ["done", ROWS, 0, 0]
    levels = finish(start(race_db, "stock", stock))
    assert levels["counts"] == ["done", ROWS, ROWS, 0]
    ratios = [
        told(capsys, what, result, yardstick) for what, result in (("new products", new), ("the same again", again), ("stock", levels))
    ]
    assert max(ratios) < RATIO_LIMIT
    assert max(new["megabytes"], again["megabytes"], levels["megabytes"]) < MEMORY_LIMIT
    assert pace(new["marks"], 0.8, 1) > 0.5 * pace(new["marks"], 0.1, 0.3), "the import slowed down on its way"
    with organisation_scope(shop.pk):
        from stallkeeper.catalog.models import Identifier, Price, Product, StockUnit
        from stallkeeper.stock.models import Level, Movement

        counts = [model.objects.count() for model in (StockUnit, Product, Price, Movement)]
        assert (counts, Identifier.objects.count()) == ([ROWS] * 4, 2 * ROWS)
        assert Level.objects.filter(organisation=shop, on_hand__gt=0).count() == ROWS


@pytest.mark.long(20)
def test_an_import_that_is_killed_can_be_run_again(race_db, shop, tmp_path):
    """What was committed stays and changes nothing the second time; no row is there twice or missing."""
    from stallkeeper.catalog.models import ImportRun, Price, Product, StockUnit

    number = 50_000
    file = csv_file(tmp_path / "products.csv", [HEADER, *map(product, range(number))])
    process = start(race_db, "products", file)
    with organisation_scope(shop.pk):
        wait_for(lambda: StockUnit.objects.count() > 5_000)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        half = StockUnit.objects.count()
        assert half < number
        assert Product.objects.count() == Price.objects.count() == half
        interrupted = ImportRun.objects.get()
        assert interrupted.state == "reading"
    run = imports.run_import("products", file, shop.pk)
    assert (run.state, run.rows_done, run.rows_refused) == ("done", number, 0)
    with organisation_scope(shop.pk):
        interrupted.refresh_from_db()
        assert (interrupted.state, interrupted.problem[:27]) == ("failed", "The import was interrupted.")
        assert StockUnit.objects.count() == Product.objects.count() == Price.objects.count() == number


def wait_for(happened, seconds=300):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_two_imports_of_the_same_products_at_once(race_db, shop, tmp_path):
    """Both end; each article is there once, with one product, one price and its codes."""
    from stallkeeper.catalog.models import Identifier, Price, Product, StockUnit, Variant

    rows = [HEADER, *map(product, range(12_000))]
    one, two = csv_file(tmp_path / "one.csv", rows), csv_file(tmp_path / "two.csv", [rows[0], *reversed(rows[1:])])
    runs = race_db.together(lambda: imports.run_import("products", one, shop.pk), lambda: imports.run_import("products", two, shop.pk))
    assert [(run.state, run.rows_done, run.rows_refused) for run in runs] == [("done", 12_000, 0)] * 2
    with organisation_scope(shop.pk):
        assert [model.objects.count() for model in (StockUnit, Variant, Price)] == [12_000] * 3
        assert Product.objects.filter(variants__isnull=False).count() == 12_000
        assert Identifier.objects.count() == 24_000


def test_stock_that_is_imported_while_goods_leave_adds_up(race_db, shop, tmp_path):
    """Invariant 1: after everything, each level is the sum of its movements, whatever came in between."""
    from django.db import connection

    from stallkeeper.catalog.models import StockUnit
    from stallkeeper.stock.models import Cause, Level, Location, VirtualRole

    imports.run_import("products", csv_file(tmp_path / "p.csv", [HEADER, *map(product, range(6_000))]), shop.pk)
    first = csv_file(tmp_path / "first.csv", [["sku", "location", "on_hand"], *[[f"SKU-{n:06d}", "MAIN", 100] for n in range(6_000)]])
    imports.run_import("stock", first, shop.pk)
    with organisation_scope(shop.pk):
        units = list(StockUnit.objects.order_by("id").values_list("id", flat=True)[:50])
        main = Location.objects.get(code="MAIN").pk
    finished = threading.Event()

    def leave():
        for number in range(10_000):
            with use_case("ship.some", organisation_id=shop.pk) as uc:
                away = places.virtual(uc, VirtualRole.CUSTOMER).pk
                ledger.post(uc, [Move(unit, 1, main, away, Cause.SHIP, f"ship:{number}:{unit}", uc.at) for unit in reversed(units)])
            if finished.is_set() or number == 40:
                return

    def bring():
        try:
            second = csv_file(
                tmp_path / "second.csv", [["sku", "location", "on_hand"], *[[f"SKU-{n:06d}", "MAIN", 90] for n in range(6_000)]]
            )
            return imports.run_import("stock", second, shop.pk)
        finally:
            finished.set()

    run = race_db.together(bring, leave)[0]
    assert (run.state, run.rows_refused) == ("done", 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM stock_level l WHERE l.on_hand <> (SELECT coalesce(sum(CASE WHEN m.to_location_id = l.location_id"
            " THEN m.quantity ELSE -m.quantity END), 0) FROM stock_movement m WHERE m.stock_unit_id = l.stock_unit_id"
            " AND l.location_id IN (m.from_location_id, m.to_location_id))"
        )
        assert cursor.fetchone() == (0,)
    with organisation_scope(shop.pk):
        untouched = Level.objects.filter(organisation=shop, location_id=main).exclude(stock_unit_id__in=units)
        assert set(untouched.values_list("on_hand", flat=True)) == {90}
