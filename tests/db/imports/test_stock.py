"""Import of stock, end to end: levels follow the file, promises go short where they must, and no broken file empties the shop (C21)."""

from datetime import timedelta

import pytest

from stallkeeper.catalog import identifiers, kits, products
from stallkeeper.catalog.models import IdentifierKind, StockUnit
from stallkeeper.catalog.products import ProductFacts
from stallkeeper.core import clock
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Move, Target
from stallkeeper.stock.models import Cause, Level, Location, Movement, VirtualRole

pytestmark = pytest.mark.usefixtures("scope")

HEADER = ["sku", "location", "on_hand"]


@pytest.fixture
def units(organisation):
    """Sixty articles, fifty of them with ten pieces at MAIN."""
    with use_case("make.products", organisation_id=organisation.pk) as uc:
        made = [products.create_product(uc, f"S{n}", ProductFacts(f"Title {n}")) for n in range(60)]
        main = Location.objects.get(code="MAIN")
        ledger.set_on_hand(uc, [Target(unit.pk, main.pk, 10, f"first:{unit.sku}") for unit in made[:50]])
    return {unit.sku: unit for unit in made}


def on_hand(code="MAIN"):
    return dict(Level.objects.filter(location__code=code).values_list("stock_unit__sku", "on_hand"))


def counts(run):
    return run.state, run.rows_total, run.rows_done, run.rows_changed, run.rows_refused


@pytest.mark.parametrize("workbook", [False, True])
def test_levels_follow_the_file_and_the_rest_stays(bring, units, workbook):
    run = bring("stock", [HEADER, ["S1", "MAIN", 12], ["S2", "main", 10], ["S55", "MAIN", 3]], workbook=workbook)
    assert counts(run) == ("done", 3, 3, 2, 0)
    levels = on_hand()
    assert (levels["S1"], levels["S2"], levels["S3"], levels["S55"]) == (12, 10, 10, 3)
    moves = Movement.objects.filter(reference__startswith=f"import:{run.pk}:").order_by("reference")
    assert [(m.stock_unit.sku, m.quantity, m.cause, m.actor) for m in moves] == [
        ("S1", 2, "source", "user:1"),
        ("S55", 3, "source", "user:1"),
    ]


def test_the_same_file_again_moves_nothing(bring, units):
    rows = [HEADER, ["S1", "MAIN", 12]]
    bring("stock", rows)
    before = Movement.objects.count()
    assert counts(bring("stock", rows)) == ("done", 1, 1, 0, 0)
    assert Movement.objects.count() == before


def test_articles_are_found_by_gtin_and_boxes_are_multiplied(bring, units, organisation):
    with use_case("give.gtins", organisation_id=organisation.pk) as uc:
        identifiers.add_identifier(uc, units["S1"].pk, IdentifierKind.GTIN, "036000291452")
        identifiers.add_identifier(uc, units["S2"].pk, IdentifierKind.GTIN, "4006381333931", pack_factor=6)
        for sku in ("S3", "S4"):
            identifiers.add_identifier(uc, units[sku].pk, IdentifierKind.GTIN, "5901234123457")
    rows = [
        ["sku", "gtin", "location", "on_hand"],
        ["0036000291452", "", "MAIN", 7],
        ["", "4006381333931", "MAIN", 3],
        ["S5", "036000291452", "MAIN", 1],
        ["", "5901234123457", "MAIN", 1],
        ["", "96385074", "MAIN", 1],
    ]
    run = bring("stock", rows)
    assert (on_hand()["S1"], on_hand()["S2"], on_hand()["S5"]) == (7, 18, 10)
    found = bring.problems(run)
    assert [(row, column) for row, column, _ in found] == [(4, "gtin"), (5, "gtin"), (6, "gtin")]
    for (_, _, message), words in zip(
        found, ["belongs to another article than sku S5", "belongs to 2 articles", "is not known"], strict=True
    ):
        assert words in message


def test_each_bad_row_is_named_and_the_good_ones_go_in(bring, units, organisation):
    with use_case("make.kit", organisation_id=organisation.pk) as uc:
        kits.make_kit(uc, "KIT", "Kit", {units["S1"].pk: 2})
        products.create_product(uc, "SERVICE", ProductFacts("Service"), stocked=False)
        places.create_location(uc, code="SHOP", name="Shop")
        places.create_location(uc, code="OLD", name="Closed")
        Location.objects.filter(code="OLD").update(active=False)
    rows = [
        HEADER,
        ["S1", "MAIN", "11"],
        ["S1", "MAIN", "12"],
        ["S1", "SHOP", "4"],
        ["NOPE", "MAIN", "1"],
        ["S2", "ATTIC", "1"],
        ["S2", "OLD", "1"],
        ["S2", "MAIN", "-1"],
        ["S2", "MAIN", "1.5"],
        ["S2", "MAIN", "1.000"],
        ["S2", "MAIN", ""],
        ["S2", "", "1"],
        ["", "MAIN", "1"],
        ["KIT", "MAIN", "1"],
        ["SERVICE", "MAIN", "1"],
        ["EXAMPLE-1", "MAIN", "12"],
        ["S3", "~adjustment", "1"],
        ["S4", "MAIN", "13"],
    ]
    run = bring("stock", rows)
    assert counts(run) == ("done", 17, 17, 3, 14)
    assert (on_hand()["S1"], on_hand("SHOP")["S1"], on_hand()["S2"], on_hand()["S4"]) == (11, 4, 10, 13)
    expected = [
        (3, "sku", "stand in row 2 already"),
        (5, "sku", "NOPE is not known"),
        (6, "location", "'ATTIC' is not a place; known are MAIN, SHOP"),
        (7, "location", "'OLD' is not a place"),
        (8, "on_hand", "-1 is negative"),
        (9, "on_hand", "'1.5' is not a whole number"),
        (10, "on_hand", "can be read in two ways"),
        (11, "on_hand", "on_hand is empty"),
        (12, "location", "location is empty"),
        (13, "sku", "sku is empty"),
        (14, "sku", "KIT is a kit; its stock follows from its components"),
        (15, "sku", "SERVICE is an article that is not counted"),
        (16, "sku", "example of the template"),
        (17, "location", "'~adjustment' is not a place"),
    ]
    found = bring.problems(run)
    assert [(row, column) for row, column, _ in found] == [(row, column) for row, column, _ in expected]
    for (_, _, message), (_, _, words) in zip(found, expected, strict=True):
        assert words in message


def test_a_dry_run_says_the_same_and_changes_nothing(bring, units):
    rows = [HEADER, ["S1", "MAIN", 12], ["S2", "MAIN", 10], ["NOPE", "MAIN", 1]]
    dry = bring("stock", rows, dry_run=True)
    assert on_hand()["S1"] == 10
    real = bring("stock", rows)
    assert counts(dry) == counts(real) == ("done", 3, 3, 1, 1)


def test_an_empty_source_changes_nothing(bring, units):
    """C21: a file with headers only."""
    before = on_hand()
    run = bring("stock", [HEADER])
    assert (run.state, run.problem) == ("failed", "The file has a header, but no rows below it. Nothing was changed.")
    assert on_hand() == before


def test_a_source_with_half_of_the_rows_zeroes_nothing(bring, units):
    """C21: what is missing is unknown, and unknown is not zero."""
    run = bring("stock", [HEADER, *[[f"S{n}", "MAIN", 10] for n in range(25)]])
    assert counts(run) == ("done", 25, 25, 0, 0)
    assert all(number == 10 for number in on_hand().values())


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_source_of_zeros_stops_before_it_changes_anything(bring, units, dry_run):
    """C21: all zeros."""
    rows = [HEADER, ["NOPE", "MAIN", 1], *[[f"S{n}", "MAIN", 0] for n in range(50)]]
    run = bring("stock", rows, dry_run=dry_run)
    assert run.state == "stopped"
    assert "50 of 50 articles in stock would fall to zero (50) or by more than half (0). Nothing was changed." in run.problem
    assert set(on_hand().values()) == {10}
    assert len(bring.problems(run)) == 1


def test_a_person_can_allow_it(bring, units):
    run = bring("stock", [HEADER, *[[f"S{n}", "MAIN", 0] for n in range(50)]], allow_many_zeroings=True)
    assert counts(run) == ("done", 50, 50, 50, 0)
    assert set(on_hand().values()) == {0}


@pytest.mark.parametrize(
    ("rows", "level", "state"),
    [(20, 0, "done"), (21, 0, "stopped"), (21, 4, "stopped"), (50, 5, "done"), (21, 10, "done")],
)
def test_the_breaker_counts_levels_that_fall_to_zero_or_below_half(bring, units, rows, level, state):
    """More than 20 rows and more than 30 % of the filled levels: 20 zeroings pass, 21 do not; half is not below half."""
    assert bring("stock", [HEADER, *[[f"S{n}", "MAIN", level] for n in range(rows)]]).state == state


def test_one_emptied_place_among_full_ones_stops_too(bring, units, organisation):
    with use_case("make.places", organisation_id=organisation.pk) as uc:
        shop = places.create_location(uc, code="SHOP", name="Shop")
        ledger.set_on_hand(uc, [Target(units[f"S{n}"].pk, shop.pk, 5, f"shop:{n}") for n in range(25)])
    rows = [HEADER, *[[f"S{n}", "MAIN", 10] for n in range(50)], *[[f"S{n}", "SHOP", 0] for n in range(22)]]
    run = bring("stock", rows)
    assert run.state == "stopped"
    assert run.problem.startswith("At SHOP, 22 of 25 articles")


def test_what_was_counted_earlier_is_compared_with_that_moment(bring, units, organisation):
    """Goods that left after the counting are not counted away again."""
    counted_at = clock.now() - timedelta(hours=1)
    main = Location.objects.get(code="MAIN")
    with use_case("ship.some", organisation_id=organisation.pk) as uc:
        away = places.virtual(uc, VirtualRole.CUSTOMER)
        ledger.post(uc, [Move(units["S1"].pk, 3, main.pk, away.pk, Cause.SHIP, "ship:1", uc.at)])
    with use_case("first.stock", organisation_id=organisation.pk, at=counted_at - timedelta(days=1)) as uc:
        ledger.post(uc, [Move(units["S55"].pk, 20, away.pk, main.pk, Cause.RETURN, "return:1", uc.at)])
        ledger.post(uc, [Move(units["S56"].pk, 20, away.pk, main.pk, Cause.RETURN, "return:2", uc.at)])
    with use_case("ship.more", organisation_id=organisation.pk) as uc:
        ledger.post(uc, [Move(units["S55"].pk, 5, main.pk, away.pk, Cause.SHIP, "ship:2", uc.at)])
    stamp = counted_at.isoformat()
    rows = [
        [*HEADER, "as_of"],
        ["S55", "MAIN", 19, stamp],
        ["S56", "MAIN", 20, stamp],
        ["S2", "MAIN", 9, ""],
        ["S3", "MAIN", 9, "2999-01-01 10:00"],
    ]
    run = bring("stock", rows)
    assert counts(run) == ("done", 4, 4, 2, 1)
    assert (on_hand()["S55"], on_hand()["S56"], on_hand()["S2"], on_hand()["S3"]) == (14, 20, 9, 10)
    move = Movement.objects.get(reference=f"import:{run.pk}:2")
    assert (move.cause, move.quantity, move.occurred_at) == ("count", 1, counted_at)
    assert "is in the future" in bring.problems(run)[0][2]


def test_a_count_that_later_departures_contradict_is_refused_alone(bring, units, organisation):
    main = Location.objects.get(code="MAIN")
    with use_case("old.stock", organisation_id=organisation.pk, at=clock.now() - timedelta(days=2)) as uc:
        away = places.virtual(uc, VirtualRole.CUSTOMER)
        ledger.post(uc, [Move(units["S57"].pk, 20, away.pk, main.pk, Cause.RETURN, "return:1", uc.at)])
    with use_case("ship.more", organisation_id=organisation.pk) as uc:
        ledger.post(uc, [Move(units["S57"].pk, 15, main.pk, away.pk, Cause.SHIP, "ship:2", uc.at)])
    stamp = (clock.now() - timedelta(days=1)).isoformat()
    run = bring("stock", [[*HEADER, "as_of"], ["S57", "MAIN", 3, stamp], ["S2", "MAIN", 9, ""]])
    assert counts(run) == ("done", 2, 2, 1, 1)
    assert (on_hand()["S57"], on_hand()["S2"]) == (5, 9)
    assert "The row was refused" in bring.problems(run)[0][2]


def test_the_ledger_adds_up_afterwards(bring, units):
    bring("stock", [HEADER, *[[f"S{n}", "MAIN", 10 + n % 7] for n in range(60)]])
    for unit in StockUnit.objects.all():
        moves = Movement.objects.filter(stock_unit=unit)
        total = sum(m.quantity if m.to_location.code == "MAIN" else -m.quantity for m in moves)
        assert total == on_hand().get(unit.sku, 0)
    assert on_hand()["S7"] == 10


def test_another_organisations_articles_and_places_are_unknown(bring, units, tmp_path):
    from stallkeeper.core import people
    from stallkeeper.stock import imports
    from tests.tables import csv_file

    other = people.create_organisation("Other", "other")
    run = imports.run_import("stock", csv_file(tmp_path / "a.csv", [HEADER, ["S1", "MAIN", "5"]]), other.pk)
    assert (run.state, run.rows_refused) == ("done", 1)
    assert on_hand()["S1"] == 10
