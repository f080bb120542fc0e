"""The worked example of DOUBLE_RESERVATION.md, step by step, on the emulated Wildberries, Ozon and Yandex Market (S3.53-S3.59)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import balancer
from stallkeeper.channels.models import ObservedHold
from stallkeeper.fulfilment import ship
from stallkeeper.orders.models import Shortage
from stallkeeper.stock.models import Reservation
from stallkeeper.sync import lapses
from stallkit import registry
from stallkit.testing.emulator import SoldOut
from stallkit.types import Page, RemoteOrder
from tests.scenarios.town import ACTOR, Stall, Town
from tests.shop import Shop

PLATFORMS = ("wildberries", "ozon", "yandex_market")


@dataclass
class Three:
    """One pool of ten mugs, three stalls that show all of it; what each shows is what its buyers could buy."""

    town: Town
    shop: Shop
    stalls: dict[str, Stall]
    unit: StockUnit
    unlisted: set[str] = field(default_factory=set)
    """Orders that the platforms' lists do not show yet."""

    def shown(self) -> list[int]:
        return [self.stalls[name].emulator.quantity_of("MUG") for name in PLATFORMS]

    def pushes(self) -> dict[str, int]:
        """How often each has been written to."""
        return {name: sum(change.cause == "push" for change in stall.emulator.diary) for name, stall in self.stalls.items()}

    def level(self) -> tuple[int, int, int]:
        """(on hand, for orders, without an order)"""
        return self.shop.level(self.unit)

    def for_sale(self) -> int:
        on_hand, allocated, held = self.level()
        return on_hand - allocated - held

    def trade(self, seconds: float = 20) -> None:
        self.town.work(seconds)
        lapses.run()

    def sells(self, name: str) -> str:
        """A buyer buys one; the list of orders does not show it yet."""
        number = self.stalls[name].emulator.place_order([("MUG", 1)])
        self.unlisted.add(number)
        return number

    def never_twice(self) -> None:
        """No unit is in two reservations: what is promised is what was sold, as orders or as holds, and nothing else."""
        with self.shop.scope():
            owners = list(Reservation.objects.values_list("owner_type", "owner_id", "kind"))
        assert len(owners) == len(set(owners))


@pytest.fixture
def three(town: Town, monkeypatch: pytest.MonkeyPatch) -> Three:
    shop = town.firm()
    unit = shop.unit("MUG", 10)
    found = Three(town, shop, {name: town.stall(shop, name, goods={"MUG": 0}) for name in PLATFORMS}, unit)
    for name in PLATFORMS:
        late(monkeypatch, registry.adapter_class(name), found.unlisted)
    town.work(60)
    assert found.shown() == [10, 10, 10]
    with shop.use_case("test.balancer") as uc:
        balancer.set_company(uc, True)
        balancer.start(uc, [stall.channel for stall in found.stalls.values()], uc.at)
    town.work(40)
    return found


def late(monkeypatch: pytest.MonkeyPatch, adapter: Any, unlisted: set[str]) -> None:
    """The platform's list shows these orders later than its figures do."""
    real = adapter.pull_orders

    def pull(self: Any, cursor: str) -> Page[RemoteOrder]:
        page = real(self, cursor)
        return replace(page, items=tuple(order for order in page.items if order.order_id not in unlisted))

    monkeypatch.setattr(adapter, "pull_orders", pull)


def test_the_worked_example_step_by_step(three: Three) -> None:
    wildberries, ozon, _yandex = (three.stalls[name] for name in PLATFORMS)

    # 1. Wildberries' figure reads 9, no order yet: 9 everywhere, and Wildberries is not sent 9 again.
    before = three.pushes()
    first = three.sells("wildberries")
    three.trade()
    assert (three.level(), three.shown()) == ((10, 0, 1), [9, 9, 9])
    assert three.pushes()["wildberries"] == before["wildberries"]

    # 2. Ozon's reserve goes from 0 to 2, one posting is listed: for sale 7; Ozon has 7 free already.
    before = three.pushes()
    three.unlisted.discard(three.sells("ozon"))
    second = three.sells("ozon")
    three.trade(40)
    assert (three.level(), three.for_sale(), three.shown()) == ((10, 1, 2), 7, [7, 7, 7])
    assert three.pushes()["ozon"] == before["ozon"]

    # 3. The assembly order of step 1 comes: it takes over the unit that is held, and nothing is sent.
    before = three.pushes()
    three.unlisted.discard(first)
    three.trade()
    assert (three.level(), three.shown(), three.pushes()) == ((10, 2, 1), [7, 7, 7], before)
    three.never_twice()

    # 4. Ozon's second unit has no posting, and its reserve is back to 1: for sale 8; Ozon shows 8 by itself.
    before = three.pushes()
    three.town.clock.tick(timedelta(minutes=30).total_seconds())
    assert ozon.emulator.buyer_cancels(second)
    three.trade(40)
    assert (three.level(), three.for_sale(), three.shown()) == ((10, 2, 0), 8, [8, 8, 8])
    assert three.pushes()["ozon"] == before["ozon"]

    # 5. Both orders are handed over: on hand 8, nothing reserved, for sale stays 8, nothing is sent.
    before = three.pushes()
    for stall in (wildberries, ozon):
        (number,) = set(stall.emulator.orders) - three.unlisted
        ship.ship(three.shop.organisation.pk, stall.order(number).pk, None, carrier="own", tracking_number="", actor=ACTOR)
    three.trade(40)
    for stall in (wildberries, ozon):
        for number in set(stall.emulator.orders) - three.unlisted:
            stall.emulator.scan(number)
    three.trade(40)
    assert (three.level(), three.for_sale(), three.shown()) == ((8, 0, 0), 8, [8, 8, 8])
    assert three.pushes() == before
    with three.shop.scope():
        ended = ObservedHold.objects.order_by("id").values_list("cause", "taken_over", "withdrawn", "quantity")
        assert list(ended) == [("10 -> 9", 1, 0, 0), ("reserve 0 -> 2", 0, 1, 0)]


@pytest.mark.parametrize("holds", [True, False])
def test_a_list_that_lags_ten_minutes_oversells_only_without_holds(town: Town, monkeypatch: pytest.MonkeyPatch, holds: bool) -> None:
    """The same story twice (S3.54): buyers of all three stalls rush six mugs while the lists of orders are ten minutes late."""
    shop = town.firm()
    unit = shop.unit("MUG", 6)
    found = Three(town, shop, {name: town.stall(shop, name, goods={"MUG": 0}) for name in PLATFORMS}, unit)
    for name in PLATFORMS:
        late(monkeypatch, registry.adapter_class(name), found.unlisted)
    town.work(60)
    with shop.use_case("test.balancer") as uc:
        balancer.set_company(uc, holds)
        balancer.start(uc, [stall.channel for stall in found.stalls.values()], uc.at)
    found.trade(40)
    sold = 0
    for number in range(9):
        try:
            found.sells(PLATFORMS[number % 3])
        except SoldOut:
            continue
        sold += 1
        found.trade(45)
    town.clock.tick(600)
    found.unlisted.clear()
    found.trade(60)
    with shop.scope():
        short = Shortage.objects.count()
    assert (sold, short) == ((6, 0) if holds else (9, 3))
    assert found.level() == (6, 6, 0)
