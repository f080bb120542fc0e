"""Figures of a source become movements, or wait for a person (S3.14-S3.20, C21): every mode and basis, late figures, limits, rubbish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import pytest

from stallkeeper.catalog.models import Identifier, IdentifierKind, StockUnit
from stallkeeper.channels.models import Channel
from stallkeeper.core import clock
from stallkeeper.core.models import Notification
from stallkeeper.orders import intake
from stallkeeper.stock import ledger, source_setup, sources
from stallkeeper.stock.models import Location, Movement, SourceRun, StockSource
from stallkeeper.stock.sources import SourceError
from stallkit.sources.types import Figure, FileRefused, RowProblem
from tests.db.sources.conftest import ten_of_each
from tests.shop import NOON, Shop, remote_order

State = SourceRun.State


class Desk:
    """A shop with a source of its main place, and a hand that lays files in."""

    def __init__(self) -> None:
        self.shop = Shop.open()
        self.units = ten_of_each(self.shop, 12)
        self.shop.later(hours=1)
        self.files = 0
        self.channels: dict[str, Channel] = {}
        self.source = self.open()

    def open(self, kind: str = "upload", place: Location | None = None, **terms: object) -> StockSource:
        settings = {"name": f"source {self.files}"} | terms
        with self.shop.use_case("test.source") as uc:
            made = source_setup.add(uc, place or self.shop.place, kind, {}, {}, settings)
            return source_setup.turn(uc, made.pk, True)

    def agree(self, **terms: object) -> None:
        with self.shop.use_case("test.source") as uc:
            self.source = source_setup.change(uc, self.source.pk, terms)

    def take(
        self, rows: Iterable[Figure | RowProblem] | dict[str, int], *, as_of: datetime | None = None, whole: bool = True, **more: object
    ) -> SourceRun:
        self.files += 1
        self.shop.later(minutes=1)
        if isinstance(rows, dict):
            rows = [Figure(row, code, "", "", quantity, None) for row, (code, quantity) in enumerate(rows.items(), 2)]
        more = {"reference": f"file {self.files}", "actor": "user:1"} | more
        with self.shop.scope(), clock.using(lambda: self.shop.at):
            return sources.take_in(self.source.pk, rows, as_of=as_of or self.shop.at, whole=whole, **more)

    def all(self, **different: int) -> dict[str, int]:
        """A whole file: ten of everything, but for what is named (``SKU_1=3``)."""
        return dict.fromkeys(self.units, 10) | {code.replace("_", "-"): quantity for code, quantity in different.items()}

    def there(self, *codes: str) -> list[int]:
        return [self.shop.level(self.units[code])[0] for code in codes]

    def figures(self) -> list[int]:
        return self.there(*self.units)

    def problems(self, run: SourceRun) -> list[tuple[int, str, str]]:
        with self.shop.scope():
            return [(each.row, each.column, each.message) for each in run.problems.order_by("row", "pk")]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_figures_become_movements_with_the_reference_of_their_source(desk: Desk) -> None:
    run = desk.take({"SKU-1": 7, "SKU-2": 10, "SKU-3": 12})
    assert (run.state, run.rows_total, run.rows_used, run.rows_changed, run.rows_refused) == (State.DONE, 3, 3, 2, 0)
    assert desk.there("SKU-1", "SKU-2", "SKU-3", "SKU-4") == [7, 10, 12, 10]
    with desk.shop.scope():
        rows = Movement.objects.filter(cause="source").order_by("pk").values_list("reference", "quantity", "actor", "reason")
        assert list(rows) == [
            (f"source:{desk.source.pk}:{run.pk}:2", 3, "user:1", desk.source.name),
            (f"source:{desk.source.pk}:{run.pk}:4", 2, "user:1", desk.source.name),
        ]


def test_the_same_figures_twice_are_one_run(desk: Desk) -> None:
    desk.agree(mode="deltas")
    first = desk.take({"SKU-1": -3}, reference="packet 1")
    again = desk.take({"SKU-1": -3}, reference="packet 1")
    assert (again.pk, again.state, desk.there("SKU-1")) == (first.pk, State.DONE, [7])


@pytest.mark.parametrize(
    ("mode", "basis", "whole", "expected"),
    [
        # On hand 10 each; of SKU-1, 2 are promised to an order. The file says SKU-1: 6, SKU-2: 8 and nothing of the others.
        ("listed", "gross", True, [6, 8, 10]),
        ("listed", "net", True, [8, 8, 10]),
        ("all", "gross", True, [6, 8, 0]),
        ("all", "net", True, [8, 8, 0]),
        ("all", "gross", False, [6, 8, 10]),
        ("deltas", "gross", True, [16, 18, 10]),
        ("deltas", "gross", False, [16, 18, 10]),
    ],
)
def test_every_mode_and_basis(desk: Desk, mode: str, basis: str, whole: bool, expected: list[int]) -> None:
    sell(desk, "SKU-1", 2)
    desk.agree(mode=mode, basis=basis, zero_limit=100, change_limit=100)
    run = desk.take({"SKU-1": 6, "SKU-2": 8}, whole=whole)
    assert run.state == State.DONE
    assert desk.there("SKU-1", "SKU-2", "SKU-3") == expected
    assert run.rows_missing == (10 if mode == "all" and whole else 0)


def test_differences_have_no_basis(desk: Desk) -> None:
    with pytest.raises(SourceError, match="basis: differences"):
        desk.agree(mode="deltas", basis="net")


def test_what_is_sold_after_the_moment_of_the_figures_stays_sold(desk: Desk) -> None:
    """The file was written at noon, sold and shipped since: 1 unit; received: 5. Net figures add what was promised at noon, not now."""
    desk.agree(basis="net")
    sell(desk, "SKU-1", 2)
    desk.shop.later(minutes=10)
    written = desk.shop.at
    desk.shop.later(minutes=10)
    sell(desk, "SKU-1", 1)
    move(desk, "SKU-1", 5)
    desk.take({"SKU-1": 8, "SKU-2": 10}, as_of=written)
    assert desk.there("SKU-1") == [15], "8 free + 2 promised then = 10, and 5 came in since"
    desk.agree(basis="gross")
    desk.take({"SKU-2": 4}, as_of=desk.shop.at)
    move(desk, "SKU-2", -4)
    run = desk.take({"SKU-2": 2}, as_of=desk.shop.at - timedelta(minutes=1, seconds=1))
    assert desk.there("SKU-2") == [0]
    assert run.rows_changed == 0, "4 left of 4; 2 before they left would be -2 now"
    assert [text for _row, column, text in desk.problems(run) if column == "quantity"] == []


def test_more_has_left_than_the_source_had(desk: Desk) -> None:
    """On hand never falls below zero; the row says so, and it is not kept back: too many on sale would be worse."""
    written = desk.shop.at
    desk.shop.later(minutes=5)
    move(desk, "SKU-1", -6)
    run = desk.take({"SKU-1": 5}, as_of=written)
    assert (run.state, desk.there("SKU-1")) == (State.DONE, [0])
    assert desk.problems(run)[0][:2] == (2, "quantity")
    desk.agree(mode="deltas")
    run = desk.take({"SKU-2": -12})
    assert (run.state, desk.there("SKU-2"), len(desk.problems(run))) == (State.DONE, [0], 1)


def test_older_figures_than_those_that_are_in_change_nothing(desk: Desk) -> None:
    written = desk.shop.at
    desk.take({"SKU-1": 4})
    run = desk.take({"SKU-1": 9}, as_of=written)
    assert (run.state, desk.there("SKU-1")) == (State.FAILED, [4])
    assert "older than" in run.problem


# --- limits -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "rows", "words"),
    [
        ("listed", dict.fromkeys((f"SKU-{n}" for n in range(1, 13)), 0), "12 of 12 articles in stock would go to zero"),
        ("listed", {f"SKU-{n}": 9 for n in range(1, 13)}, "12 of 12 articles in stock would get another number"),
        ("all", {f"SKU-{n}": 10 for n in range(1, 7)}, "It has 6 rows; the one before had 12"),
    ],
    ids=["all to zero", "another column", "half as long as yesterday"],
)
def test_too_much_at_once_waits_for_a_person(desk: Desk, mode: str, rows: dict[str, int], words: str) -> None:
    desk.agree(mode=mode)
    desk.take(desk.all())
    before = movements(desk)
    run = desk.take(rows)
    assert (run.state, movements(desk), desk.figures()) == (State.STOPPED, before, [10] * 12)
    assert words in run.problem
    with desk.shop.scope():
        assert Notification.objects.get(key=f"source:{desk.source.pk}:stopped").resolved_at is None

    with desk.shop.use_case() as uc:
        sources.let_through(uc, run.pk)
    with desk.shop.scope(), clock.using(lambda: desk.shop.at):
        done = sources.go_on(run.pk)
        assert (done.state, done.allowed_by, done.body) == (State.DONE, "system", None)
        assert Notification.objects.get(key=f"source:{desk.source.pk}:stopped").resolved_at is not None
    assert desk.figures() == [rows.get(sku, 0 if mode == "all" else 10) for sku in desk.units]


def test_a_stopped_run_is_dropped_or_replaced(desk: Desk) -> None:
    nothing = dict.fromkeys(desk.units, 0)
    first, second = desk.take(nothing), desk.take(nothing)
    desk.shop.reload(first)
    assert (first.state, first.body, second.state) == (State.REPLACED, None, State.STOPPED)
    with desk.shop.use_case() as uc:
        sources.drop(uc, second.pk)
    for act in (sources.drop, sources.let_through):
        with desk.shop.use_case() as uc, pytest.raises(SourceError, match="does not wait"):
            act(uc, second.pk)
    assert desk.figures() == [10] * 12


def test_changes_do_not_overtake_figures_that_wait(desk: Desk) -> None:
    """A list of changes after a whole file that was stopped waits as well, and they go through in their order."""
    whole = desk.take(dict.fromkeys(desk.units, 0))
    changes = desk.take({"SKU-1": 5}, whole=False)
    assert (whole.state, changes.state) == (State.STOPPED, State.STOPPED)
    with desk.shop.use_case() as uc, pytest.raises(SourceError, match=f"run {whole.pk} came before"):
        sources.let_through(uc, changes.pk)
    for run in (whole, changes):
        with desk.shop.use_case() as uc:
            sources.let_through(uc, run.pk)
        with desk.shop.scope(), clock.using(lambda: desk.shop.at):
            assert sources.go_on(run.pk).state == State.DONE
    assert desk.figures() == [5] + [0] * 11


# --- rubbish ------------------------------------------------------------------------------------------------------------------------------


def test_bad_rows_are_parked_and_the_others_go_on(desk: Desk) -> None:
    rows = [
        Figure(2, "SKU-1", "", "", 5, None),
        Figure(3, "NOBODY", "", "", 5, None),
        Figure(4, "SKU-1", "", "", 6, None),
        RowProblem(5, "Остаток", "много", "is not a whole number", "SKU-2"),
        Figure(6, "SKU-3", "", "Somewhere", 5, None),
        Figure(7, "SKU-4", "", "", 9, None),
    ]
    run = desk.take(rows)
    assert (run.state, run.rows_total, run.rows_changed, run.rows_refused) == (State.DONE, 6, 2, 4)
    assert [(row, column) for row, column, _ in desk.problems(run)] == [(3, "sku"), (4, "sku"), (5, "Остаток"), (6, "location")]
    assert desk.there("SKU-1", "SKU-2", "SKU-3", "SKU-4") == [5, 10, 10, 9]


def test_an_article_whose_row_cannot_be_read_is_not_missing(desk: Desk) -> None:
    desk.agree(mode="all", zero_limit=100, change_limit=100)
    rows = [Figure(2, "SKU-1", "", "", 5, None), RowProblem(3, "qty", "?", "is not a whole number", "SKU-2")]
    run = desk.take(rows)
    assert (run.rows_missing, desk.there("SKU-1", "SKU-2", "SKU-3")) == (10, [5, 10, 0])
    desk.take(desk.all(), allow=True)
    run = desk.take([Figure(2, "SKU-1", "", "", 5, None), RowProblem(3, "code", "4.7E+12", "has lost digits")], allow=True)
    assert (run.rows_missing, desk.there("SKU-1", "SKU-2", "SKU-3")) == (0, [5, 10, 10])
    assert "nothing that is missing was set to zero" in run.problem


def test_an_unknown_code_may_be_known_by_its_barcode_or_another_code(desk: Desk) -> None:
    with desk.shop.scope():
        for sku, kind, value in (("SKU-1", IdentifierKind.GTIN, "4006381333931"), ("SKU-2", IdentifierKind.CODE, "supplier-77")):
            unit = desk.units[sku]
            Identifier.objects.create(organisation=desk.shop.organisation, stock_unit=unit, kind=kind, value=value, pack_factor=2)
    desk.take([Figure(2, "theirs-1", "4006381333931", "", 3, None), Figure(3, "supplier-77", "", "", 4, None)])
    assert desk.there("SKU-1", "SKU-2") == [6, 8]


def test_words_of_the_file_are_places_of_ours(desk: Desk) -> None:
    far = desk.shop.add_place("FAR")
    with desk.shop.use_case() as uc:
        source_setup.map_columns(uc, desk.source.pk, {}, {"code": "a", "quantity": "b"}, {"Склад 2": "FAR", "Брак": None})
    rows = [Figure(row, "SKU-1", "", word, row, None) for row, word in enumerate(("", "склад 2", "Брак"), 2)]
    run = desk.take(rows)
    assert (run.rows_changed, run.rows_left_out, run.rows_refused) == (2, 1, 0)
    assert [desk.shop.level(desk.units["SKU-1"], place)[0] for place in (desk.shop.place, far)] == [2, 3]


def cut() -> Iterator[Figure | RowProblem]:
    yield Figure(2, "SKU-1", "", "", 0, None)
    raise FileRefused("The file ends in the middle of a row.")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (cut(), "ends in the middle"),
        (iter(()), "no row of figures"),
        ([Figure(row, f"X-{row}", "", "", 0, None) for row in range(2, 9)], "None of the 7 rows could be used"),
        ([RowProblem(row, "qty", "abc", "is not a whole number", "SKU-1") for row in range(2, 9)], "None of the 7 rows could be used"),
    ],
    ids=["cut", "empty", "another shop's", "text for numbers"],
)
def test_a_file_that_is_no_good_changes_nothing(desk: Desk, rows: Iterable[Figure | RowProblem], words: str) -> None:
    desk.agree(mode="all", zero_limit=100, change_limit=100)
    before = movements(desk)
    run = desk.take(rows)
    assert (run.state, movements(desk), desk.figures()) == (State.FAILED, before, [10] * 12)
    assert words in run.problem


def test_what_others_have_is_not_touched(desk: Desk) -> None:
    """A code of another organisation's article is unknown; its source cannot be named."""
    theirs = Desk()
    theirs.shop.unit("THEIRS-1", on_hand=3)
    run = desk.take({"THEIRS-1": 9, "SKU-1": 9})
    assert (run.rows_changed, run.rows_refused, theirs.figures()) == (1, 1, [10] * 12)
    with desk.shop.scope(), pytest.raises(StockSource.DoesNotExist):
        sources.take_in(theirs.source.pk, [], as_of=NOON, reference="x", whole=True, actor="user:1")


# --- in the middle ------------------------------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_is_finished_and_nothing_is_done_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.agree(mode="deltas")
    monkeypatch.setattr(sources.reading, "BATCH", 5)
    gone = [0]

    def guard() -> None:
        gone[0] += 1
        if gone[0] == 3:  # the run's row, the first part; the second one is not ours any more
            raise RuntimeError("taken over")

    rows = dict.fromkeys(desk.units, -4)
    with pytest.raises(RuntimeError, match="taken over"):
        desk.take(rows, reference="packet", guard=guard, allow=True)
    assert sorted(desk.figures()) == [6] * 5 + [10] * 7
    run = desk.take(rows, reference="packet", allow=True)
    assert (run.state, desk.figures()) == (State.DONE, [6] * 12)
    with desk.shop.scope():
        assert SourceRun.objects.count() == 1


def test_one_place_has_one_source_that_comes_by_itself(desk: Desk) -> None:
    desk.files += 1
    first = desk.open("url")
    desk.files += 1
    with pytest.raises(SourceError, match=f"come from {first.name} already"):
        desk.open("api")
    desk.open("api", desk.shop.add_place("FAR"))


def sell(desk: Desk, sku: str, quantity: int) -> None:
    """An order that is promised stock."""
    if sku not in desk.channels:
        desk.channels[sku] = desk.shop.channel()
        desk.shop.offer(desk.channels[sku], desk.units[sku])
    desk.files += 1
    with desk.shop.use_case() as uc:
        order = remote_order(f"o{desk.files}", [(sku, quantity)], at=desk.shop.at)
        intake.accept(uc, desk.channels[sku].connection_id, [order], desk.shop.at)


def move(desk: Desk, sku: str, quantity: int) -> None:
    """Goods come in or leave, by the ledger."""
    unit: StockUnit = desk.units[sku]
    desk.shop.later(seconds=1)
    now = desk.shop.level(unit)[0]
    desk.files += 1
    with desk.shop.use_case() as uc:
        ledger.set_on_hand(uc, [ledger.Target(unit.pk, desk.shop.place.pk, now + quantity, f"moved {desk.files}")])


def movements(desk: Desk) -> int:
    with desk.shop.scope():
        return Movement.objects.count()


def test_runs_of_a_source_that_fails_for_months_go_and_one_that_waits_stays(desk: Desk) -> None:
    """ADR 0058: counts for thirty days, however runs end; the rows of one that waits for a person as long as it waits."""
    waiting = desk.take(dict.fromkeys(desk.units, 0))
    failed = []
    for _ in range(3):
        failed.append(desk.take({}).pk)
        desk.shop.later(days=31)
    with desk.shop.scope():
        kept = dict(SourceRun.objects.values_list("pk", "state"))
        assert kept == {waiting.pk: State.STOPPED, failed[-1]: State.FAILED}
        assert SourceRun.objects.get(pk=waiting.pk).body


def test_a_file_that_was_refused_as_older_is_taken_in_once_it_is_not(desk: Desk) -> None:
    """A worker whose clock was ahead has brought figures "of the moment of fetching"; those of the others count again after that moment."""
    ahead = desk.shop.at + timedelta(minutes=10)
    now, desk.shop.at = desk.shop.at, ahead
    assert desk.take(desk.all(SKU_1=9)).state == State.DONE
    desk.shop.at = now
    refused = desk.take(desk.all(SKU_1=8), reference="next")
    assert (refused.state, desk.shop.level(desk.units["SKU-1"])[0]) == (State.FAILED, 9)
    desk.shop.later(minutes=15)
    again = desk.take(desk.all(SKU_1=8), reference="next")
    assert (again.pk, again.state, desk.shop.level(desk.units["SKU-1"])[0]) == (refused.pk, State.DONE, 8)
