"""Import of products, end to end: good rows go in, bad ones are named by row and column, nothing is lost or deleted."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.utils import DataError

from stallkeeper.catalog import kits, products
from stallkeeper.catalog.imports import products_queries, runs
from stallkeeper.catalog.models import Identifier, ImportRun, KitComponent, Price, PriceList, Product, StockUnit, Variant
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.core import audit
from stallkeeper.core.models import AuditEntry
from stallkeeper.core.use_case import use_case

HEADER = ["sku", "title", "brand", "category", "description", "gtin", "additional_codes", "price", "currency", "kit_components", "active"]
MUG = ["MUG-1", "Blue mug", "Acme", "Kitchen/Mugs", "Stoneware\nsafe", "4006381333931", "OLD-1;4711", "12,50", "EUR", "", "yes"]


def counts(run):
    return run.state, run.rows_total, run.rows_done, run.rows_changed, run.rows_refused


@pytest.mark.parametrize("workbook", [False, True])
def test_everything_a_row_says_is_in(bring, workbook):
    run = bring("products", [HEADER, MUG], workbook=workbook)
    assert counts(run) == ("done", 1, 1, 1, 0)
    unit, product = StockUnit.objects.get(), Product.objects.get()
    assert (unit.sku, unit.title, unit.kind, unit.active, unit.stocked) == ("MUG-1", "Blue mug", "single", True, True)
    assert (product.title, product.brand, product.category, product.description) == ("Blue mug", "Acme", "Kitchen/Mugs", "Stoneware\nsafe")
    assert Variant.objects.get(product=product).stock_unit == unit
    assert set(Identifier.objects.values_list("kind", "value")) == {("gtin", "4006381333931"), ("code", "OLD-1"), ("code", "4711")}
    price = Price.objects.get()
    assert (price.amount, price.price_list.code, price.price_list.currency) == (Decimal("12.50"), "EUR", "EUR")


def test_the_same_file_again_changes_nothing(bring):
    bring("products", [HEADER, MUG])
    before = Product.objects.get().updated_at
    assert counts(bring("products", [HEADER, MUG])) == ("done", 1, 1, 0, 0)
    assert Product.objects.get().updated_at == before


def test_what_differs_is_changed_and_empty_cells_leave_what_is_there(bring, organisation):
    bring("products", [HEADER, MUG])
    run = bring("products", [HEADER, ["MUG-1", "Green mug", "", "", "", "04006381333931", "NEW", "13", "", "", "no"]])
    assert counts(run) == ("done", 1, 1, 1, 0)
    product, unit = Product.objects.get(), StockUnit.objects.get()
    assert (product.title, product.brand, product.description, unit.title, unit.active) == (
        "Green mug",
        "Acme",
        "Stoneware\nsafe",
        "Green mug",
        False,
    )
    assert Price.objects.get().amount == 13
    # the same GTIN with another zero in front is not added; the new code is
    assert Identifier.objects.filter(kind="gtin").count() == 1
    assert Identifier.objects.filter(kind="code").count() == 3


def test_a_file_with_a_few_columns_changes_only_those(bring):
    bring("products", [HEADER, MUG])
    assert counts(bring("products", [["SKU", "price"], ["MUG-1", "14"]])) == ("done", 1, 1, 1, 0)
    assert (Price.objects.get().amount, Product.objects.get().title) == (14, "Blue mug")


def test_each_bad_row_is_named_and_the_good_ones_go_in(bring):
    rows = [
        HEADER,
        MUG,
        ["MUG-1", "Again", *[""] * 9],
        ["", "No SKU", *[""] * 9],
        ["MUG-2", "", *[""] * 9],
        ["MUG-3", "Bad GTIN", "", "", "", "4006381333930", *[""] * 5],
        ["MUG-4", "Bad price", "", "", "", "", "", "1,234", "EUR", "", ""],
        ["MUG-5", "No currency", "", "", "", "", "", "5", "RUR?", "", "maybe"],
        ["MUG-6", "x" * 501, *[""] * 9],
        ["MUG-7", "bell \x07", *[""] * 9],
        ["EXAMPLE-1", "Blue mug", *[""] * 9],
        ["MUG-9", "Good", *[""] * 9],
        ["MUG-10", "too", *[""] * 9, "long"],
    ]
    run = bring("products", rows)
    assert counts(run) == ("done", 12, 12, 2, 10)
    assert set(StockUnit.objects.values_list("sku", flat=True)) == {"MUG-1", "MUG-9"}
    found = bring.problems(run)
    assert [row for row, _column, _message in found] == [3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 13]
    columns = ["sku", "sku", "title", "gtin", "price", "active", "currency", "title", "title", "sku", ""]
    assert [column for _row, column, _message in found] == columns
    for (_row, _column, message), words in zip(
        found,
        [
            "stands in row 2 already",
            "sku is empty",
            "title is empty, and MUG-2 is new",
            "by its other digits it would be 4006381333931",
            "'1,234' can mean 1234 or 1.234",
            "'maybe' is neither yes nor no",
            "'RUR?' is neither a price list nor a currency",
            "has 501 characters; at most 500",
            "control character (U+0007)",
            "example of the template",
            "stands under no column name",
        ],
        strict=True,
    ):
        assert words in message


def test_a_second_row_does_not_slip_in_for_a_refused_one(bring):
    run = bring("products", [["sku", "title", "gtin"], ["A", "first", "123"], ["A", "second", ""]])
    assert counts(run) == ("done", 2, 2, 0, 2)
    assert "sku A stands in row 2 already" in bring.problems(run)[1][2]


def test_all_problems_of_a_row_are_reported(bring):
    run = bring("products", [HEADER, ["MUG-1", "x" * 501, "", "", "", "123", "", "-5", "EUR", "CUP*0", "perhaps"]])
    assert sorted(column for _row, column, _message in bring.problems(run)) == ["active", "gtin", "kit_components", "price", "title"]
    assert run.rows_refused == 1


def test_a_price_needs_a_list_and_currencies_must_agree(bring, organisation):
    run = bring("products", [["sku", "title", "price", "currency"], ["A", "a", "5", ""], ["B", "b", "5 €", "RON"], ["C", "c", "5 €", ""]])
    assert [(row, column) for row, column, _ in bring.problems(run)] == [(2, "currency"), (3, "currency")]
    assert "write the code of a price list or currency: for instance EUR" in bring.problems(run)[0][2]
    assert list(PriceList.objects.values_list("code", flat=True)) == ["EUR"]


def test_kits_and_their_components_in_any_order(bring):
    rows = [
        ["sku", "title", "kit_components"],
        ["SET", "Set", "CUP*6;SAUCER"],
        ["CUP", "Cup", ""],
        ["SAUCER", "Saucer", ""],
        ["CUP-6", "Six cups", "CUP*6"],
    ]
    assert counts(bring("products", rows)) == ("done", 4, 4, 4, 0)
    assert set(KitComponent.objects.values_list("kit__sku", "component__sku", "quantity")) == {
        ("SET", "CUP", 6),
        ("SET", "SAUCER", 1),
        ("CUP-6", "CUP", 6),
    }
    assert counts(bring("products", rows)) == ("done", 4, 4, 0, 0)
    run = bring("products", [["sku", "kit_components"], ["SET", "CUP*4"]])
    assert counts(run) == ("done", 1, 1, 1, 0)
    assert list(KitComponent.objects.filter(kit__sku="SET").values_list("component__sku", "quantity")) == [("CUP", 4)]


@pytest.mark.parametrize("dry_run", [False, True])
def test_wrong_kits_are_named(bring, organisation, dry_run):
    with use_case("make.kit", organisation_id=organisation.pk) as uc:
        known = products.create_product(uc, "KNOWN", ProductFacts("Known"))
        kits.make_kit(uc, "OLD-KIT", "Old kit", {known.pk: 2})
    rows = [
        ["sku", "title", "kit_components"],
        ["CUP", "Cup", ""],
        ["BAD", "x" * 501, ""],
        ["K1", "Kit of an unknown", "NOWHERE*2"],
        ["K2", "Kit of a kit in the file", "K9*1"],
        ["K3", "Kit of a known kit", "OLD-KIT"],
        ["K4", "Kit of itself", "K4"],
        ["K5", "Kit of a refused row", "BAD*2"],
        ["K6", "Kit of nothing", "*2"],
        ["KNOWN", "A counted article", "CUP*2"],
        ["K9", "Good", "CUP*2;KNOWN"],
    ]
    run = bring("products", rows, dry_run=dry_run)
    assert counts(run) == ("done", 10, 10, 2, 8)
    messages = {row: message for row, column, message in bring.problems(run) if column == "kit_components"}
    for row, words in {
        4: "NOWHERE, which is not known; add a row",
        5: "K9, which is a kit; name its components",
        6: "OLD-KIT, which is a kit",
        7: "which is the kit itself",
        8: "BAD, whose row 3 was refused",
        9: "'*2' is not SKU*quantity",
        10: "KNOWN is counted itself and cannot become a kit",
    }.items():
        assert words in messages[row]
    assert StockUnit.objects.filter(sku="K9").exists() is not dry_run


def test_a_dry_run_says_the_same_and_changes_nothing(bring):
    bring("products", [HEADER, MUG])
    rows = [HEADER, [*MUG[:1], "Other title", *MUG[2:]], ["NEW", "New one", *[""] * 9], ["BAD", "", *[""] * 9]]
    dry = bring("products", rows, dry_run=True)
    assert (StockUnit.objects.count(), Product.objects.get().title) == (1, "Blue mug")
    real = bring("products", rows)
    assert counts(dry) == counts(real) == ("done", 3, 3, 2, 1)
    assert bring.problems(dry) == bring.problems(real)
    assert (dry.dry_run, real.dry_run) == (True, False)


def test_products_with_several_variants_keep_what_they_share(bring, organisation):
    with use_case("make.product", organisation_id=organisation.pk) as uc:
        products.create_product(uc, "TEE-S", ProductFacts("Tee", "Acme"))
        products.add_variant(uc, Product.objects.get().pk, "TEE-M", "M")
    run = bring("products", [["sku", "title", "brand"], ["TEE-S", "Tee, small", "Acme"], ["TEE-M", "Tee, medium", "Other"]])
    assert counts(run) == ("done", 2, 2, 1, 1)
    assert "TEE-M is one of several variants" in bring.problems(run)[0][2]
    assert (Product.objects.get().title, StockUnit.objects.get(sku="TEE-S").title) == ("Tee", "Tee, small")


def test_a_unit_without_a_product_gets_one(bring, organisation):
    with use_case("make.unit", organisation_id=organisation.pk) as uc:
        products.create_unit(uc, "BARE", "")
    assert bring("products", [["sku", "brand"], ["BARE", "Acme"]]).state == "done"
    assert (Product.objects.get().title, Product.objects.get().brand) == ("BARE", "Acme")


def test_backslashes_tabs_and_quotes_survive(bring):
    title = 'Back\\slash "quoted" \\N \\. Ünïcode 👍'
    bring("products", [["sku", "title", "description", "additional_codes"], ["A\\B", title, "tab\there\nnext \\n line", "C\\1;C'2"]])
    assert StockUnit.objects.get().sku == "A\\B"
    assert (Product.objects.get().title, Product.objects.get().description) == (title, "tab here\nnext \\n line")
    assert set(Identifier.objects.values_list("value", flat=True)) == {"C\\1", "C'2"}


def test_a_file_that_cannot_be_read_fails_and_says_why(bring, tmp_path):
    path = tmp_path / "rows.xlsx"
    path.write_bytes(b"PK\x03\x04 half a file")
    run = bring.file("products", path)
    assert (run.state, run.rows_done) == ("failed", 0)
    assert "cut off on its way" in run.problem
    assert bring.problems(run) == [(0, "", run.problem)]
    assert run.finished_at is not None


def test_wrong_headers_are_listed_one_by_one(bring):
    run = bring("products", [["titel", "colour"], ["x", "y"]])
    assert run.state == "failed"
    assert [(row, column) for row, column, _ in bring.problems(run)] == [(1, "titel"), (1, "colour"), (1, "sku")]


def test_a_header_without_rows_fails_and_changes_nothing(bring):
    run = bring("products", [HEADER])
    assert (run.state, run.problem) == ("failed", "The file has a header, but no rows below it. Nothing was changed.")


def test_progress_is_told_and_seen(bring, monkeypatch):
    monkeypatch.setattr(runs, "CHUNK", 10)
    monkeypatch.setattr(runs.chunks, "__defaults__", (10,))
    told = []
    rows = [["sku", "title", "kit_components"], *[[f"S{n}", "t", "S1*2" if n == 5 else ""] for n in range(25)]]
    run = bring("products", rows, progress=lambda done, total: told.append((done, total)))
    assert told == [(9, 25), (19, 25), (24, 25), (25, 25)]
    assert ImportRun.objects.get(pk=run.pk).rows_done == 25
    assert AuditEntry.objects.filter(action="import.products", subject_id=str(run.pk)).count() == 4
    assert audit.verify_chain(run.organisation_id) == []


def test_a_queued_run_is_taken_up(bring, organisation):
    queued = runs.queue_run("products", "/somewhere/Lista produse.xlsx", organisation.pk, "user:7")
    assert (queued.state, queued.file_name) == ("queued", "Lista produse.xlsx")
    run = bring("products", [HEADER, MUG], run=queued)
    assert (run.pk, run.state, run.actor, run.file_name) == (queued.pk, "done", "user:7", "Lista produse.xlsx")


def test_another_kind_is_a_programming_error(bring):
    with pytest.raises(ValueError, match="products, stock"):
        bring("orders", [HEADER])


def test_a_row_that_only_the_database_refuses_does_not_stop_the_others(bring, monkeypatch):
    """Whatever the checks missed: the chunk is halved until one row is left, and that one is named."""
    real = products_queries.insert_products

    def picky(cursor, organisation_id, at):
        cursor.execute("SELECT 1 / count(*) FILTER (WHERE sku <> 'S13') FROM import_product WHERE sku = 'S13' HAVING count(*) > 0")
        return real(cursor, organisation_id, at)

    monkeypatch.setattr(products_queries, "insert_products", picky)
    run = bring("products", [["sku", "title"], *[[f"S{n}", "t"] for n in range(40)]])
    assert counts(run) == ("done", 40, 40, 39, 1)
    ((row, _column, message),) = bring.problems(run)
    assert (row, message) == (15, "The row was refused: division by zero")


def test_an_unforeseen_error_marks_the_run_and_is_raised(bring, monkeypatch):
    monkeypatch.setattr(products_queries, "resolve_units", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bring("products", [HEADER, MUG])
    run = ImportRun.objects.get()
    assert run.state == "failed"
    assert "broke off (division by zero)" in run.problem


def test_an_error_while_reading_is_raised_and_leaves_no_thread(bring, monkeypatch):
    import threading

    from stallkeeper.catalog.imports.products import ProductReader

    def broken(self, number, row):
        raise DataError("reader")

    monkeypatch.setattr(ProductReader, "read", broken)
    with pytest.raises(DataError):
        bring("products", [HEADER, MUG])
    assert not [thread for thread in threading.enumerate() if thread.name == "import-reader"]


def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(bring, django_assert_max_num_queries):
    rows = [HEADER, *[[f"S{n}", f"Title {n}", "Acme", "", "", "", f"C{n}", "5", "EUR", "", ""] for n in range(900)]]
    bring("products", rows[:3])
    with django_assert_max_num_queries(40):
        assert bring("products", rows).rows_changed == 898


def test_a_run_whose_process_is_gone_is_closed_and_a_living_one_is_not(race_db, tmp_path):
    from stallkeeper.catalog.imports import runs_queries
    from stallkeeper.core import people
    from stallkeeper.core.tenancy import organisation_scope

    shop = people.create_organisation("Shop", "shop")
    gone, alive = (runs.queue_run("products", name, shop.pk) for name in ("gone.csv", "alive.csv"))
    with organisation_scope(shop.pk):
        ImportRun.objects.update(state="reading")
    with race_db.connect() as other:
        runs_queries.hold_run(other.cursor(), alive.pk)
        assert runs.close_interrupted(shop.pk) == 1
        assert runs.close_interrupted(shop.pk) == 0
    with organisation_scope(shop.pk):
        assert dict(ImportRun.objects.values_list("id", "state")) == {gone.pk: "failed", alive.pk: "reading"}
        assert runs.close_interrupted(shop.pk) == 1


def test_a_run_lets_go_when_it_ends(race_db, tmp_path):
    from stallkeeper.core import people
    from stallkeeper.stock import imports
    from tests.tables import csv_file

    shop = people.create_organisation("Shop", "shop")
    imports.run_import("products", csv_file(tmp_path / "a.csv", [HEADER, MUG]), shop.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone() == (0,)
