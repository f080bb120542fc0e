"""The judge of sources, on rows made by hand: what a file may move, when it must wait for a person, and when silence must be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from stallkeeper.ops.simulation.truth import source_rules
from stallkeeper.ops.simulation.truth.files import Books, FeedView, Said
from stallkeeper.ops.simulation.truth.rows import Kept, Level, Movement
from stallkeeper.ops.simulation.truth.source_rules import Feed, Run

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACE, OUT = 5, 1
UNITS = {1: "A", 2: "B", 3: "C", 4: "D"}
SAID = Said(b"file", NOON, {"A": 8, "B": 10, "C": 10}, frozenset("D"), 4)
KEY = "source:7:silent"


class Shop:
    """Ten of each at the place since the morning; one A was sold after noon, and two A were promised before it."""

    def __init__(self) -> None:
        self.movements: list[Movement] = []
        self.kept = [Kept(1, 1, PLACE, "line", 9, "allocated", 0, 2, NOON - timedelta(hours=1))]
        self.now = SimpleNamespace(movements=[], kept=[], notices=[])
        self.units = {number: SimpleNamespace(id=number, sku=sku) for number, sku in UNITS.items()}
        for unit in UNITS:
            self.move(unit, 10, "receipt", NOON - timedelta(hours=3))
        self.move(1, -1, "shipment", NOON + timedelta(minutes=1))
        self.now.movements = []

    def move(self, unit: int, change: int, cause: str, at: datetime, reference: str = "") -> None:
        ends = (OUT, PLACE) if change > 0 else (PLACE, OUT)
        made = Movement(len(self.movements) + 1, unit, abs(change), *ends, cause, reference or f"r{len(self.movements)}", at)
        self.movements.append(made)
        self.now.movements.append(made)

    @property
    def levels(self) -> dict[tuple[int, int], Level]:
        found = {}
        for unit in UNITS:
            on_hand = sum(source_rules.balance(self, (unit, PLACE), NOON))  # type: ignore[arg-type]
            found[unit, PLACE] = Level(unit, PLACE, on_hand, 0, 0, False)
        return found

    def sku(self, unit: int) -> str:
        return UNITS[unit]

    def spot(self, spot: tuple[int, int]) -> str:
        return UNITS[spot[0]]


def feed(said: Said = SAID, **different: object) -> Feed:
    terms: dict[str, object] = {"mode": "listed", "basis": "gross", "zero_limit": 100, "change_limit": 100, "least_rows": 0} | different
    books = Books(said, {"mark": said})
    return Feed(FeedView(7, PLACE, limits_from=2, silence=timedelta(minutes=3), by_file=True, enabled_at=NOON, books=books, **terms))  # type: ignore[arg-type]


def told(
    one: Feed, moves: Sequence[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, end: str = "done", *, in_step: bool = True
) -> list[str]:
    """What the judge says of a run that moved so many of these."""
    shop, found = Shop(), []
    for state in ("reading", end):
        shop.now.movements = []
        for unit, change in moves if state == end else ():
            shop.move(unit, change, "source", NOON, f"source:7:3:{unit}")
        monkeypatch.setattr(source_rules, "ask", lambda *_, state=state, **__: [Run(3, state, "mark:0", NOON)])
        found += [breach.text for breach in one.check(shop, in_step=in_step)]  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("terms", "moves", "words"),
    [
        ({}, [(1, -2)], ""),
        ({}, [(1, -1)], "says 8 as of"),
        ({}, [], "says 8 as of"),
        ({}, [(1, -2), (4, -10)], "does not say anything"),
        ({"basis": "net"}, [], ""),
        ({"basis": "net"}, [(1, -2)], "says 8 as of"),
        ({"mode": "deltas"}, [(1, 8), (2, 10), (3, 10)], ""),
        ({"mode": "deltas"}, [(1, 7)], "the difference in the file of run 3 is 8"),
        ({"change_limit": 20, "least_rows": 70}, [(1, -2)], ""),
    ],
)
def test_a_file_moves_what_it_says_and_nothing_else(
    terms: dict[str, object], moves: list[tuple[int, int]], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(feed(**terms), moves, monkeypatch)
    assert any(words in text for text in found) if words else not found, found


def test_a_file_that_changes_too_much_waits_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """In deltas all three of its articles change: three of four."""
    rows = [(1, 8), (2, 10), (3, 10)]
    assert told(feed(mode="deltas", change_limit=80), rows, monkeypatch) == []
    assert "nobody was asked" in told(feed(mode="deltas", change_limit=70), rows, monkeypatch)[0]
    assert told(feed(mode="deltas", change_limit=70), [], monkeypatch, "stopped") == []
    assert "waits for a person" in told(feed(), [], monkeypatch, "stopped")[0]
    assert "was dropped, and has moved" in told(feed(), [(1, -2)], monkeypatch, "dropped")[0]


@pytest.mark.parametrize(
    ("later", "in_step", "wrong"), [(0, True, False), (60, True, True), (-60, True, True), (60, False, False), (-60, False, True)]
)
def test_a_run_is_as_of_its_file_or_of_when_a_slow_clock_fetched_it(
    later: int, in_step: bool, wrong: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 65: the worker's clock was five minutes slow, and the file of this minute was of tomorrow to it (``bringing.time_of``)."""
    said = replace(SAID, changed=NOON + timedelta(seconds=later))
    assert [text for text in told(feed(said), [(1, -2)], monkeypatch, in_step=in_step) if "is as of" in text and "its file" in text] == (
        [f"run 3 is as of {NOON}, its file is of {said.changed}"] if wrong else []
    )


def test_a_list_of_changes_says_nothing_of_what_is_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what is missing is agreed to be gone: only a list of everything may empty it."""
    some = Said(b"file", NOON, {"A": 8, "B": 10}, rows=2)
    assert told(feed(some, mode="all"), [(1, -2), (3, -10), (4, -10)], monkeypatch) == []
    changes = replace(some, whole=False)
    assert told(feed(changes, mode="all", least_rows=70), [(1, -2)], monkeypatch) == []
    assert "does not say anything" in told(feed(changes, mode="all"), [(1, -2), (3, -10)], monkeypatch)[0]


def test_a_list_of_changes_waits_behind_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    one = feed(replace(SAID, whole=False))
    assert "waits for a person" in told(one, [], monkeypatch, "stopped")[0]
    one.runs = {2: Run(2, "stopped", "mark:0", NOON)}
    monkeypatch.setattr(source_rules, "ask", lambda *_, **__: [*one.runs.values(), Run(3, "reading", "mark:0", NOON)])
    assert [*one.check(Shop())] == []  # type: ignore[arg-type]
    monkeypatch.setattr(source_rules, "ask", lambda *_, **__: [Run(2, "stopped", "mark:0", NOON), Run(3, "stopped", "mark:0", NOON)])
    assert [*one.check(Shop())] == []  # type: ignore[arg-type]


def test_silence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    one, shop = feed(), Shop()
    assert not [*one.silent(shop, NOON + timedelta(minutes=3))]  # type: ignore[arg-type]
    assert [*one.silent(shop, NOON + timedelta(minutes=4))]  # type: ignore[arg-type]
    shop.now.notices = [KEY]
    assert not [*one.silent(shop, NOON + timedelta(minutes=4))]  # type: ignore[arg-type]
    assert told(one, [(1, -2)], monkeypatch) == []
    assert "is left" in [breach.text for breach in one.when_quiet(shop)][-1]  # type: ignore[arg-type]
