"""Places, adjustments, holds and counts from the command line, and what follows from them (C3, S3.10, S4.33)."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter

from stallkeeper.__main__ import run
from stallkeeper.catalog import prices
from stallkeeper.catalog.models import Price, StockUnit
from stallkeeper.channels import fences
from stallkeeper.channels.fences import FenceError
from stallkeeper.channels.models import Channel, OfferPrice
from stallkeeper.core import clock, correlation, logs
from stallkeeper.core.audit import verify_chain
from stallkeeper.orders import intake
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import holds, incoming, places
from stallkeeper.stock.holds import HoldError
from stallkeeper.stock.incoming import IncomingError
from stallkeeper.stock.models import Incoming, Level, Location, ManualHold, Movement, Reservation, StockCount
from stallkeeper.stock.places import PlaceError
from tests.shop import NOON, Shop, remote_order


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


@pytest.fixture
def cli(shop: Shop, capsys: pytest.CaptureFixture[str]):
    """Run a command at the shop's time; gives exit code, output, errors."""

    def call(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with clock.using(lambda: shop.at):
            code = run([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_the_id_of_a_command_ends_with_it(cli):
    """Two commands of one process are two events, and what comes after them goes back to neither."""
    assert cli("location", "--json")[0] == 0
    assert correlation.to_hand_on() == ()
    assert "correlation" not in logs.fields()


def as_json(said: tuple[int, str, str]):
    assert said[0] == 0, said
    return json.loads(said[1])


def file(path: Path, *rows: tuple[str, object]) -> Path:
    path.write_text("\n".join(f"{sku};{number}" for sku, number in [("sku", "counted"), *rows]) + "\n")
    return path


# --- places -------------------------------------------------------------------------------------------------------------------------------


def test_a_place_is_made_changed_and_listed(shop: Shop, cli) -> None:
    made = as_json(cli("location", "SHOP", "--name", "High Street", "--priority", 50, "--owner", "supplier", "--json"))
    assert made == [
        {"code": "SHOP", "name": "High Street", "owner": "supplier", "priority": 50, "sellable": True, "backorder": False, "active": True}
    ]
    changed = as_json(cli("location", "shop", "--not-sellable", "--inactive", "--json"))[0]
    assert (changed["code"], changed["sellable"], changed["active"], changed["priority"]) == ("SHOP", False, False, 50)
    assert {place["code"] for place in as_json(cli("location", "--json"))} == {"MAIN", "SHOP"}
    assert verify_chain(shop.organisation.pk) == []


def test_a_typing_error_does_not_make_a_place(shop: Shop, cli) -> None:
    code, _out, err = cli("location", "MIAN", "--priority", 5)
    assert code == 1
    assert "There is no place 'MIAN'" in err
    with shop.scope():
        assert not Location.objects.filter(code="MIAN").exists()


def test_levels_follow_the_word_of_their_place_on_backorder(shop: Shop, cli) -> None:
    """Level.backorder is a copy; without backorder, promises beyond what is there go short, latest dispatch date first."""
    unit = shop.unit("MUG", 1)
    channel = shop.channel()
    shop.offer(channel, unit)
    cli("location", "MAIN", "--backorder")
    with shop.use_case():
        assert Level.objects.get(stock_unit=unit).backorder
    for number, days in (("1", 3), ("2", 1)):
        accept(shop, channel, remote_order(number, [("MUG", 1)], dispatch_by=NOON + timedelta(days=days)))
    with shop.scope():
        assert shop.level(unit) == (1, 2, 0)
    assert cli("location", "MAIN", "--no-backorder")[0] == 0
    with shop.scope():
        assert shop.level(unit) == (1, 1, 0)
        assert not Level.objects.get(stock_unit=unit).backorder
        assert dict(OrderLine.objects.values_list("order__external_id", "short")) == {"1": 1, "2": 0}
    cli("location", "MAIN", "--backorder")
    with shop.scope():
        assert set(OrderLine.objects.values_list("short", flat=True)) == {0}, "a shortage is refilled as soon as the place may promise more"


def accept(shop: Shop, channel, order) -> None:
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [order], shop.at)


def test_what_is_not_for_sale_is_offered_nowhere(shop: Shop, cli) -> None:
    unit = shop.unit("MUG", 5)
    offer = shop.offer(shop.channel(), unit)
    assert shop.intended(offer) == 5
    status, _, err = cli("location", "MAIN", "--not-sellable")
    assert (status, shop.intended(offer)) == (1, 5), "what changes figures asks first"
    assert "0 of 1 offers would rise" in err
    cli("location", "MAIN", "--not-sellable", "--yes")
    assert shop.intended(offer) == 0
    cli("location", "MAIN", "--sellable", "--yes")
    assert shop.intended(offer) == 5


def test_virtual_places_cannot_be_changed(shop: Shop) -> None:
    with shop.use_case() as uc:
        virtual = Location.objects.get(code="~customer")
        with pytest.raises(PlaceError, match="virtual places are Stallkeeper's own"):
            places.change(uc, virtual.pk, {"name": "mine now"})


# --- adjustments --------------------------------------------------------------------------------------------------------------------------


def test_an_adjustment_is_a_movement_with_a_reason(shop: Shop, cli) -> None:
    unit = shop.unit("MUG", 5)
    assert "MUG at MAIN: 3 on hand now" in cli("adjust", "mug", "--location", "main", "--on-hand", 3, "--reason", "two broke")[1]
    assert "it was 3 already" in cli("adjust", "MUG", "--location", "MAIN", "--on-hand", 3, "--reason", "again")[1]
    with shop.scope():
        movement = Movement.objects.order_by("-pk").first()
        assert (movement.quantity, movement.cause, movement.reason, movement.actor[:8]) == (2, "adjust", "two broke", "console:")
        assert shop.level(unit) == (3, 0, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("MUG", "--location", "NOWHERE"), "There is no place 'NOWHERE'. There are: MAIN."),
        (("MUG", "--location", "~customer"), "There is no place"),
        (("NOPE", "--location", "MAIN"), "There is no stock unit 'NOPE'"),
        (("SET", "--location", "MAIN"), "is a kit"),
    ],
)
def test_an_adjustment_of_what_does_not_exist_is_refused(shop: Shop, cli, words: tuple[str, ...], said: str) -> None:
    shop.kit("SET", {shop.unit("MUG", 5): 2})
    code, _out, err = cli("adjust", *words, "--on-hand", 1, "--reason", "x")
    assert code == 1
    assert said in err


# --- prices -------------------------------------------------------------------------------------------------------------------------------


def test_a_price_is_shown_set_and_taken_away(shop: Shop, cli) -> None:
    """S4.38: and the offers that follow the list with it."""
    offer = shop.offer(shop.channel(), shop.unit("MUG"))
    assert "no price list yet" in cli("price", "MUG", "12.50")[2]
    with shop.use_case() as uc:
        base = prices.price_list(uc, "base", "EUR")
        Channel.objects.filter(pk=offer.channel_id).update(price_list=base, prices_enabled=True)
    status, printed, _ = cli("price", "mug", "12,50 EUR")
    assert (status, "12.5" in printed) == (0, True)
    [row] = as_json(cli("price", "MUG", "--json"))
    assert (row["sku"], row["list"], row["amount"], row["currency"]) == ("MUG", "base", "12.5000", "EUR")
    with shop.scope():
        assert OfferPrice.objects.get(offer=offer).intended == Decimal("12.50")
    assert "There is no price of MUG" in cli("price", "MUG", "--remove")[1]
    with shop.scope():
        assert OfferPrice.objects.get(offer=offer).intended is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("MUG", "-3"), "no such option|negative"),
        (("MUG", "12.50 USD"), "price list base is in EUR, not in USD"),
        (("MUG", "cheap"), "is not an amount"),
        (("NONE", "1"), "There is no stock unit 'NONE'"),
        (("MUG", "1", "--list", "outlet"), "Say which price list with --list: base"),
        (("MUG", "1", "--remove"), "not both"),
    ],
)
def test_a_price_that_cannot_be_set_says_why(shop: Shop, cli, arguments: tuple[str, ...], said: str) -> None:
    shop.unit("MUG")
    with shop.use_case() as uc:
        prices.price_list(uc, "base", "EUR", tax_included=False)
    status, _, told = cli("price", *arguments)
    assert status in {1, 2}
    assert re.search(said, told, re.IGNORECASE)
    with shop.scope():
        assert not Price.objects.exists()


# --- holds --------------------------------------------------------------------------------------------------------------------------------


def test_a_hold_is_set_listed_set_anew_and_lifted(shop: Shop, cli) -> None:
    unit = shop.unit("MUG", 5)
    offer = shop.offer(shop.channel(), unit)
    hold = ("hold", "MUG", "--location", "MAIN", "--reason", "photo shoot", "--units")
    assert "photo shoot" in cli(*hold, 2)[1]
    assert (shop.intended(offer), cli(*hold, 3, "--until", "2026-03-04")[0], shop.intended(offer)) == (3, 0, 2)
    [row] = as_json(cli("hold", "--json"))
    assert (row["sku"], row["location"], row["units"], row["kept"], row["until"]) == ("MUG", "MAIN", 3, 3, "2026-03-05T00:00:00+00:00")
    with shop.scope():
        assert Reservation.objects.get().owner_id == ManualHold.objects.get().pk
    assert "Nothing is kept back" in cli(*hold, 0)[1]
    with shop.scope():
        assert (shop.intended(offer), shop.level(unit), ManualHold.objects.count()) == (5, (5, 0, 0), 0)
    assert "nothing is kept back at MAIN" in cli(*hold, 0)[2]


def test_a_hold_takes_what_is_free_and_says_how_much(shop: Shop, cli) -> None:
    shop.unit("MUG", 5)
    shop.unit("CUP", 0)
    assert "Only 5 of 8 were free" in cli("hold", "MUG", "--location", "MAIN", "--units", 8, "--reason", "fair")[1]
    code, _out, err = cli("hold", "CUP", "--location", "MAIN", "--units", 1, "--reason", "fair")
    assert (code, "nothing is free at MAIN" in err) == (1, True)
    with shop.scope():
        assert list(ManualHold.objects.values_list("stock_unit__sku", "quantity")) == [("MUG", 8)]


def test_holds_stand_side_by_side_and_one_article_has_one_per_place(shop: Shop) -> None:
    """Said again for the same article and place, it replaces what was said before; it never touches another hold."""
    mug, cup, attic = shop.unit("MUG", 5), shop.unit("CUP", 5), shop.add_place("ATTIC")
    shop.stock(mug, {"MAIN": 5, "ATTIC": 5})

    def kept(*holding: tuple[StockUnit, Location, int]) -> list[tuple[str, str, int, int]]:
        for unit, place, number in holding:
            with shop.use_case() as uc:
                holds.keep_back(uc, unit, place, number, reason="fair")
        with shop.scope():
            return [(hold.stock_unit.sku, hold.location.code, hold.quantity, kept) for hold, kept in holds.kept_back()]

    three = [("CUP", "MAIN", 3, 3), ("MUG", "MAIN", 1, 1), ("MUG", "ATTIC", 2, 2)]
    assert kept((mug, shop.place, 1), (mug, attic, 2), (cup, shop.place, 3)) == three
    assert kept((mug, shop.place, 4)) == [three[0], ("MUG", "MAIN", 4, 4), three[2]]
    assert kept((mug, attic, 0)) == [three[0], ("MUG", "MAIN", 4, 4)]
    with shop.scope():
        assert (shop.level(mug)[2], shop.level(cup)[2]) == (4, 3)


def test_holds_end_by_themselves_with_their_rows(shop: Shop) -> None:
    unit, other = shop.unit("MUG", 5), shop.unit("CUP", 5)
    with shop.use_case() as uc:
        for each, hours in ((unit, 1), (other, 9)):
            holds.keep_back(uc, each, shop.place, 2, reason="basket", expires_at=shop.at + timedelta(hours=hours))
    shop.later(hours=2)
    with shop.use_case() as uc:
        assert holds.lapse(uc) == 1
    with shop.scope():
        assert (shop.level(unit), shop.level(other)) == ((5, 0, 0), (5, 0, 2))
        assert [hold.stock_unit_id for hold, _kept in holds.kept_back()] == [other.pk]


@pytest.mark.parametrize(
    ("sku", "reason", "said"), [("SET", "x", "is a kit"), ("WORK", "x", "is not counted"), ("MUG", " ", "reason: say why")]
)
def test_what_cannot_be_held_is_refused(shop: Shop, sku: str, reason: str, said: str) -> None:
    units = {"MUG": shop.unit("MUG", 5), "WORK": shop.unit("WORK", stocked=False)}
    units["SET"] = shop.kit("SET", {units["MUG"]: 2})
    with shop.use_case() as uc, pytest.raises(HoldError, match=said):
        holds.keep_back(uc, units[sku], shop.place, 1, reason=reason)


# --- counts -------------------------------------------------------------------------------------------------------------------------------


def test_a_count_is_tried_entered_once_and_audited(shop: Shop, cli, tmp_path: Path) -> None:
    mug, cup = shop.unit("MUG", 5), shop.unit("CUP", 3)
    shop.later(hours=1)
    words = ("count", file(tmp_path / "count.csv", ("MUG", 4), ("CUP", 3)), "--location", "MAIN", "--as-of", "2026-03-02 12:30")
    tried = cli(*words, "--dry-run")
    assert "2 articles counted, 1 would differ: 0 units more, 1 fewer." in tried[1]
    assert "Nothing was changed." in tried[1]
    with shop.scope():
        assert (shop.level(mug), StockCount.objects.count()) == ((5, 0, 0), 0)
    assert "1 differed" in cli(*words)[1]
    assert "was entered already" in cli(*words)[1]
    with shop.scope():
        assert (shop.level(mug), shop.level(cup)) == ((4, 0, 0), (3, 0, 0))
        count = StockCount.objects.get()
        assert (count.lines_total, count.lines_differing, count.actor[:8]) == (2, 1, "console:")
        assert Movement.objects.get(cause="count").occurred_at.astimezone(UTC).hour == 12


def test_a_count_sees_the_moment_of_counting_not_the_present(shop: Shop, cli, tmp_path: Path) -> None:
    """Goods that left after the count are not missing; a later repeat of the same figures is another count."""
    mug = shop.unit("MUG", 5)
    shop.later(hours=2)
    shop.stock(mug, 2)
    counted = file(tmp_path / "count.csv", ("MUG", 5))
    assert "0 differed" in cli("count", counted, "--location", "MAIN", "--as-of", "2026-03-02T13:00:00+00:00")[1]
    with shop.scope():
        assert shop.level(mug) == (2, 0, 0)
    assert "1 differed: 3 units more" in cli("count", counted, "--location", "MAIN", "--as-of", "2026-03-02 14:00")[1]
    with shop.scope():
        assert (shop.level(mug), StockCount.objects.count()) == ((5, 0, 0), 2)


def test_one_wrong_row_and_nothing_is_entered(shop: Shop, cli, tmp_path: Path) -> None:
    mug = shop.unit("MUG", 5)
    shop.kit("SET", {mug: 2})
    wrong = file(tmp_path / "count.csv", ("MUG", 4), ("NOPE", 1), ("SET", 1), ("MUG", 4), ("CUP", "many"))
    code, out, _err = cli("count", wrong, "--location", "MAIN", "--as-of", "2026-03-02 12:00", "--json")
    problems = {each["row"]: each["message"] for each in json.loads(out)["problems"]}
    assert code == 1
    assert sorted(problems) == [3, 4, 5, 6]
    assert "NOPE is not known" in problems[3]
    assert "is a kit" in problems[4]
    assert "stand in row 2 already" in problems[5]
    assert "'many' is not a number" in problems[6]
    assert "4 problems; nothing was entered" in cli("count", wrong, "--location", "MAIN", "--as-of", "2026-03-02 12:00")[2]
    with shop.scope():
        assert (shop.level(mug), StockCount.objects.count()) == ((5, 0, 0), 0)


def test_a_count_below_what_has_left_since_names_the_row(shop: Shop, cli, tmp_path: Path) -> None:
    mug = shop.unit("MUG", 5)
    shop.later(hours=2)
    shop.stock(mug, 1)
    said = cli("count", file(tmp_path / "count.csv", ("MUG", 2)), "--location", "MAIN", "--as-of", "2026-03-02 13:00", "--json")
    assert (said[0], "2 counted, but 4 have left since" in said[1]) == (1, True)


@pytest.mark.parametrize(
    ("as_of", "said"), [("2026-03-03 12:00", "in the future"), ("2026-03-02", "the time of day is missing"), ("noon", "not a date")]
)
def test_a_moment_that_cannot_be_is_refused(shop: Shop, cli, tmp_path: Path, as_of: str, said: str) -> None:
    shop.unit("MUG", 5)
    code, _out, err = cli("count", file(tmp_path / "count.csv", ("MUG", 2)), "--location", "MAIN", "--as-of", as_of)
    assert code == 1
    assert said in err


def test_a_count_from_a_workbook(shop: Shop, cli, tmp_path: Path) -> None:
    shop.unit("MUG", 5)
    with xlsxwriter.Workbook(str(tmp_path / "count.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["SKU", "Counted"])
        sheet.write_row(1, 0, ["MUG", 7])
    said = as_json(cli("count", tmp_path / "count.xlsx", "--location", "MAIN", "--as-of", "2026-03-02 12:00", "--json"))
    assert said["differing"] == [{"sku": "MUG", "then": 5, "counted": 7, "difference": 2}]


# --- ring-fences and incoming goods -------------------------------------------------------------------------------------------------------


def test_a_fence_takes_units_from_the_other_channels(shop: Shop) -> None:
    unit = shop.unit("MUG", 5)
    near, far = shop.channel(), shop.channel()
    ours, theirs = shop.offer(near, unit), shop.offer(far, unit)
    with shop.use_case() as uc:
        assert fences.set_fence(uc, near, unit, 2) == 0
    assert (shop.intended(ours), shop.intended(theirs)) == (5, 3)
    with shop.use_case() as uc:
        assert fences.set_fence(uc, near, unit, 0) == 2
    assert (shop.intended(ours), shop.intended(theirs)) == (5, 5)
    with shop.use_case() as uc, pytest.raises(FenceError, match="not counted by itself"):
        fences.set_fence(uc, near, shop.kit("SET", {unit: 2}), 1)
    assert verify_chain(shop.organisation.pk) == []


def test_incoming_goods_count_within_the_horizon(shop: Shop) -> None:
    """Where a unit never lay, too."""
    unit = shop.unit("MUG")
    second = shop.add_place("SECOND")
    channel = shop.channel(horizon_days=7, locations=[shop.place, second])
    offer = shop.offer(channel, unit)
    soon, late = shop.at.date() + timedelta(days=5), shop.at.date() + timedelta(days=9)
    for day, quantity in ((soon, 4), (late, 8), (soon, 3)):
        with shop.use_case() as uc:
            incoming.set_incoming(uc, unit, second, day, quantity)
    assert shop.intended(offer) == 3
    with shop.use_case() as uc:
        assert incoming.set_incoming(uc, unit, second, soon, 0) == 3
        assert list(Incoming.objects.values_list("expected_on", "quantity")) == [(late, 8)]
    assert shop.intended(offer) == 0
    with shop.use_case() as uc, pytest.raises(IncomingError, match="no place where goods lie"):
        incoming.set_incoming(uc, unit, Location.objects.get(code="~customer"), date(2026, 4, 1), 1)


# --- at the same time ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", [True, False], ids=["with the lock", "without it"])
def test_a_level_made_meanwhile_has_the_places_new_word(race_db, monkeypatch: pytest.MonkeyPatch, locked: bool) -> None:
    """A level copies its place's word when it is made. Without the lock, one that is being made keeps the old word."""
    if not locked:
        monkeypatch.setattr("stallkeeper.stock.places_queries.lock_all_levels", lambda cursor: None)
    shop = Shop.open()
    unit = shop.unit("MUG")
    made, changed, pause = threading.Event(), threading.Event(), threading.Event()

    waiting = """SELECT EXISTS (
        SELECT FROM pg_locks WHERE NOT granted AND relation = 'stock_level'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""

    def somebody_waits(other) -> bool:
        return other.execute(waiting).fetchone()[0]

    def make() -> None:
        with race_db.connect() as other:
            other.execute(
                "INSERT INTO stock_level (organisation_id, stock_unit_id, location_id, on_hand, allocated, held, backorder) "
                "SELECT organisation_id, %s, id, 0, 0, 0, allows_backorder FROM stock_location WHERE id = %s",
                [unit.pk, shop.place.pk],
            )
            made.set()
            while not changed.is_set() and not somebody_waits(other):
                pause.wait(0.02)

    def change() -> None:
        assert made.wait(60)
        try:
            with shop.use_case() as uc:
                places.change(uc, shop.place.pk, {"allows_backorder": True})
        finally:
            changed.set()

    with shop.scope():
        Level.objects.all().delete()
    race_db.together(make, change)
    with shop.scope():
        assert Level.objects.get(stock_unit=unit).backorder is locked
