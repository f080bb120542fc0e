"""A model of what files mean, beside the hub: random days agree with it, and each planted bug is seen on one of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from stallkeeper.core import clock
from stallkeeper.orders import intake
from stallkeeper.stock import ledger, source_setup, sources
from stallkeeper.stock.models import SourceRun
from stallkit.sources.types import Figure, RowProblem
from tests.planted.plant import Bug, planted
from tests.planted.sources import ALL
from tests.shop import Shop, remote_order

SOLD, QUIET = ("A", "B"), ("C", "D")
"""Articles that are sold are in every file, with more than is promised; of the others nothing is promised, so they may go to zero."""
DAYS, STEPS = 6, 7


class Day:
    """A shop, its source, and what a person with pencil and paper would expect of them."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.shop, self.numbers = Shop.open(), 0
        self.units = {sku: self.shop.unit(sku, on_hand=100) for sku in SOLD + QUIET}
        self.channel = self.shop.channel()
        for sku in SOLD:
            self.shop.offer(self.channel, self.units[sku])
        self.mode = self.dice.choice(["listed", "all"])
        self.basis = self.dice.choice(["gross", "net"])
        limits = {"zero_limit": 100, "change_limit": 100, "least_rows": 0}
        with self.shop.use_case() as uc:
            terms = {"name": "file", "mode": self.mode, "basis": self.basis, **limits}
            self.source = source_setup.add(uc, self.shop.place, "upload", {}, {}, terms)
        self.moved: list[tuple[datetime, str, int]] = [(self.shop.at, sku, 100) for sku in self.units]
        self.promised: list[tuple[datetime, str, int]] = []
        self.last = self.shop.at

    def step(self) -> None:
        self.shop.later(minutes=10)
        self.numbers += 1
        self.dice.choice([self.sell, self.sell, self.move, self.file, self.file])()

    def sell(self) -> None:
        sku, quantity = self.dice.choice(SOLD), self.dice.randint(1, 3)
        with self.shop.use_case() as uc:
            order = remote_order(f"o{self.numbers}", [(sku, quantity)], at=self.shop.at)
            intake.accept(uc, self.channel.connection_id, [order], self.shop.at)
        self.promised.append((self.shop.at, sku, quantity))

    def move(self) -> None:
        sku, change = self.dice.choice(list(self.units)), self.dice.randint(1, 9)
        now = self.expected(sku)
        with self.shop.use_case() as uc:
            ledger.set_on_hand(uc, [ledger.Target(self.units[sku].pk, self.shop.place.pk, now + change, f"moved {self.numbers}")])
        self.moved.append((self.shop.at, sku, change))

    def expected(self, sku: str) -> int:
        return sum(change for _at, each, change in self.moved if each == sku)

    def file(self) -> None:
        """Written up to an hour ago; some of it cannot be read."""
        at = max(self.last, self.shop.at - timedelta(minutes=self.dice.choice([0, 15, 45])))
        self.last, whole = at, self.dice.random() < 0.6
        listed = {sku: self.dice.randint(60, 140) for sku in SOLD} | {
            sku: self.dice.randint(0, 9) for sku in QUIET if self.dice.random() < 0.4
        }
        unread = next((sku for sku in QUIET if sku not in listed and self.dice.random() < 0.5), "")
        rows: list[Figure | RowProblem] = [Figure(row, sku, "", "", number, None) for row, (sku, number) in enumerate(listed.items(), 2)]
        rows += [RowProblem(99, "qty", "many", "is not a number", unread)] if unread else []
        with self.shop.scope(), clock.using(lambda: self.shop.at):
            run = sources.take_in(self.source.pk, rows, as_of=at, reference=str(self.numbers), whole=whole, actor="user:1")
        assert run.state == SourceRun.State.DONE, run.problem
        for sku in self.units:
            figure = listed.get(sku, 0 if self.mode == "all" and whole and sku != unread else None)
            if figure is not None:
                self.judge(sku, figure, at)

    def judge(self, sku: str, figure: int, at: datetime) -> None:
        then = figure
        if self.basis == "net":
            then += sum(quantity for when, each, quantity in self.promised if each == sku and when <= at)
        since = sum(change for when, each, change in self.moved if each == sku and when > at)
        self.moved.append((at, sku, max(then + since, 0) - self.expected(sku)))

    def differences(self) -> list[tuple[str, int, int]]:
        found = [(sku, self.shop.level(unit)[0], self.expected(sku)) for sku, unit in self.units.items()]
        return [each for each in found if each[1] != each[2]]


def wrong_days(days: int) -> int | None:
    """The first day that differs from the model; None if all agree."""
    for seed in range(days):
        day = Day(seed)
        for _ in range(STEPS):
            day.step()
            if day.differences():
                return seed
    return None


def test_random_days_agree_with_the_model() -> None:
    assert wrong_days(DAYS) is None


@pytest.mark.parametrize("one", ALL, ids=[one.name for one in ALL])
def test_each_planted_bug_is_seen(one: Bug) -> None:
    with planted(one):
        assert wrong_days(DAYS) is not None
