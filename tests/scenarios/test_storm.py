"""Thirty stormy days: buyers trade and change their minds while both platforms, the workers and the people misbehave; then calm.

STALLKEEPER_STORMS=1000 runs more of them. Every seed draws its own weather (INVARIANTS 3.2) with a random half of the faults switched
off. Afterwards: every order is in exactly once, as the platform tells it; commands were heard once; every stall shows exactly what the
rules say; every oversold unit is a shortage.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import connect, delivery
from stallkeeper.channels.models import Command, Offer
from stallkeeper.fulfilment import ship
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.fulfilment.ship import ShipError
from stallkeeper.orders.cancel import CancelError
from stallkeeper.orders.models import Order, OrderLine, Shortage
from stallkeeper.stock.models import Level
from stallkeeper.sync import adapters
from stallkit.errors import SlowDown
from stallkit.testing.emulator import Dials, SoldOut
from stallkit.testing.shop import Fault, ShopOrder
from stallkit.types import CancelReason, OrderState
from tests.scenarios.town import ACTOR, Stall, Town, assert_adds_up, assert_true, notices
from tests.shop import Shop

STORMS = int(os.environ.get("STALLKEEPER_STORMS", "30"))
SKUS = ("A", "B", "C", "D")
KIT = "SET"
WIRE_FAULTS = {
    Fault.RATE_LIMIT: 0.05,
    Fault.RATE_LIMIT_SILENT: 0.02,
    Fault.SERVER_ERROR: 0.15,
    Fault.SERVER_ERROR_AFTER: 0.08,
    Fault.DROP_BEFORE: 0.1,
    Fault.DROP_AFTER: 0.1,
    Fault.HTML: 0.05,
    Fault.CUT_JSON: 0.05,
    Fault.UNKNOWN_ENUM: 0.05,
}


@dataclass
class Day:
    """A seed's day: the stalls, the weather, and what was done."""

    town: Town
    firm: Shop
    stalls: list[Stall]
    units: dict[str, StockUnit]
    dice: random.Random
    placed: Counter[str] = field(default_factory=Counter)

    def weather(self) -> None:
        for stall in self.stalls:
            faults = {fault: self.dice.uniform(0, most) for fault, most in WIRE_FAULTS.items() if self.dice.random() < 0.5}
            stall.emulator.dials = Dials(
                faults=faults,
                late_push=self._half(0.05),
                late_by=timedelta(seconds=30),
                not_applied=self._half(0.02),
                item_refused=self._half(0.1),
            )
        self.town.deadly = self._half(0.01)

    def _half(self, most: float) -> float:
        return self.dice.uniform(0, most) if self.dice.random() < 0.5 else 0.0

    def trade(self, steps: int) -> None:
        acts = [self.buy] * 6 + [
            self.buyer_cancels,
            self.ask_to_cancel,
            self.ship,
            self.ship,
            self.cancel,
            self.restock,
            self.edit,
            self.revoke,
        ]
        for _ in range(steps):
            for _ in range(self.dice.randint(0, 3)):
                self.dice.choice(acts)(self.dice.choice(self.stalls))
            self.town.work(self.dice.uniform(1, 5))
            self.reconnect()

    def buy(self, stall: Stall) -> None:
        wanted = self.dice.sample([*SKUS, KIT], self.dice.choice((1, 1, 2)))
        pending = stall.platform == "emag" and self.dice.random() < 0.1
        try:
            order = stall.emulator.place_order([(sku, self.dice.choice((1, 1, 2))) for sku in wanted], pending=pending)
        except SoldOut:
            return
        self.placed[stall.platform] += 1
        if pending and self.dice.random() < 0.7:
            stall.emulator.confirm_payment(order)

    def _any(self, stall: Stall) -> ShopOrder | None:
        orders = [order for order in stall.emulator.orders.values() if order.state in {OrderState.NEW, OrderState.ACKNOWLEDGED}]
        return self.dice.choice(orders) if orders else None

    def buyer_cancels(self, stall: Stall) -> None:
        if order := self._any(stall):
            stall.emulator.buyer_cancels(order.order_id)

    def ask_to_cancel(self, stall: Stall) -> None:
        if order := self._any(stall):
            stall.emulator.request_cancel(order.order_id)

    def _ours(self, stall: Stall) -> Order | None:
        with self.firm.scope():
            orders = list(Order.objects.filter(connection_id=stall.connection_id, state="acknowledged").order_by("pk"))
        return self.dice.choice(orders) if orders else None

    def ship(self, stall: Stall) -> None:
        if order := self._ours(stall):
            with self.firm.scope():
                short = OrderLine.objects.filter(order=order, short__gt=0).exists()
            if not short:
                with suppress(ShipError):  # nothing is left of it, or the buyer asks to cancel it
                    stall.ship(order.external_id, tracking=f"T{order.pk}", although_asked=self.dice.random() < 0.5)

    def cancel(self, stall: Stall) -> None:
        if order := self._ours(stall):
            with suppress(CancelError):  # nothing is left of it
                stall.cancel(order.external_id, reason=self.dice.choice(list(CancelReason)))

    def restock(self, stall: Stall) -> None:
        self.town.stock(self.firm, self.units[self.dice.choice(SKUS)], self.dice.randint(0, 12))

    def lorry(self) -> None:
        """Much comes in at once."""
        for unit in self.units.values():
            self.town.stock(self.firm, unit, self.dice.randint(8, 20))

    def edit(self, stall: Stall) -> None:
        """A hand in the platform's own screen."""
        stall.emulator.edit_quantity(self.dice.choice(SKUS), self.dice.randint(0, 12))

    def revoke(self, stall: Stall) -> None:
        if self.dice.random() < 0.2:
            stall.emulator.fail_next(Fault.REVOKED)

    def reconnect(self) -> None:
        """A person enters the credentials again, sooner or later."""
        for stall in self.stalls:
            if stall.account.state == "needs_reconnect" and self.dice.random() < 0.5:
                self._enter(stall)

    def _enter(self, stall: Stall) -> None:
        dials, stall.emulator.dials = stall.emulator.dials, Dials()
        stall.emulator.clear_faults()
        deadly, self.town.deadly = self.town.deadly, 0.0
        try:
            account = stall.account
            with self.firm.scope():
                info = adapters.probe(stall.platform, stall.config, stall.address, adapters.budget_of(account))
        except SlowDown:
            info = None  # the person is told to wait, and tries again later
        if info is not None:
            with stall.use_case("connection.reconnect") as uc:
                connect.reconnect(uc, stall.connection_id, connect.check_settings(connect.manifest(stall.platform), stall.config), info)
        stall.emulator.dials, self.town.deadly = dials, deadly

    def calm(self) -> None:
        """The weather clears; people look at what was refused; time enough for every wait and one rotation of reading back."""
        self.town.deadly = 0.0
        for stall in self.stalls:
            stall.emulator.dials = Dials()
            stall.emulator.clear_faults()
            if stall.account.state == "needs_reconnect":
                self._enter(stall)
        for seconds in (60, 330, 960, 60):
            self.town.clock.tick(seconds)
            self.town.work(8)
            self.look_at_refusals()
        self.town.work(12)

    def look_at_refusals(self) -> None:
        for stall in self.stalls:
            with stall.use_case("offers.try_again") as uc:
                refused = list(Offer.objects.filter(channel=stall.channel, refused_at__isnull=False).values_list("pk", flat=True))
                delivery.try_again(uc, "quantity", refused)
            self.say_that_it_has_left(stall)

    def say_that_it_has_left(self, stall: Stall) -> None:
        """The buyer asked to cancel when the goods had left; the channel wants to hear that from a person."""
        with self.firm.scope():
            refused = Command.objects.filter(connection_id=stall.connection_id, kind="ship", state="refused").values_list("key", flat=True)
            shipments = list(Shipment.objects.filter(pk__in=[int(key.removeprefix("ship:")) for key in refused]))
        for shipment in shipments:
            ship.tell_again(self.firm.organisation.pk, shipment.pk, actor=ACTOR, although_asked=True)


def open_day(town: Town, firm: Shop, seed: int, **options: float) -> Day:
    dice = random.Random(seed)
    town.dice = dice
    units = {sku: firm.unit(sku, dice.randint(2, 12)) for sku in SKUS}
    firm.kit(KIT, {units["C"]: 1, units["D"]: 2})
    goods = dict.fromkeys((*SKUS, KIT), 0)
    stalls = [town.stall(firm, platform, goods=goods, seed=seed, **options) for platform in ("walmart", "emag")]
    town.work(12)
    return Day(town, firm, stalls, units, dice)


@pytest.mark.parametrize("seed", range(STORMS))
def test_after_the_storm(town: Town, firm: Shop, seed: int) -> None:
    day = open_day(town, firm, seed)
    day.weather()
    day.trade(20)
    day.calm()
    assert_true_day(day)


@pytest.mark.parametrize("seed", range(1000, 1000 + STORMS // 5))
def test_after_a_storm_of_feeds(town: Town, firm: Shop, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with Walmart's figures going out by feeds, three differences at a time, while cuts overtake them."""
    real = adapters.manifest_of
    monkeypatch.setattr(adapters, "manifest_of", lambda platform: replace(real(platform), bulk_from=3))
    day = open_day(town, firm, seed, limits_scale=0.1)
    for _ in range(2):
        day.weather()
        day.lorry()
        day.trade(10)
    day.calm()
    assert day.stalls[0].emulator.feeds.known, "figures went out by feed"
    assert_true_day(day)


def assert_true_day(day: Day) -> None:
    for stall in day.stalls:
        assert_orders(stall)
    assert_true(*day.stalls)
    assert_adds_up(day.firm, calm=True)
    assert_shortages(day)


def assert_orders(stall: Stall) -> None:
    """Invariants 5, 6, 11: our orders are the platform's, line by line; each intent was heard once."""
    theirs = {order.order_id: order for order in stall.emulator.orders.values() if stall.platform == "emag" or not order.pending}
    with stall.shop.scope():
        ours = {order.external_id: order for order in Order.objects.filter(connection_id=stall.connection_id)}
        assert ours.keys() == theirs.keys()
        for number, order in ours.items():
            remote = theirs[number]
            lines = [(line.line_id, line.ordered, line.cancelled, line.shipped) for line in order.lines.order_by("line_id")]
            told = [(line.line_id, line.ordered, line.cancelled, line.shipped) for line in remote.lines]
            if refused := Command.objects.filter(subject_id=order.pk, kind="ship", state="refused").first():
                assert f"command:{refused.pk}" in notices(stall.shop), "goods left for a buyer who had cancelled: a person is told"
                continue
            assert lines == told, f"{stall.name}: order {number} is {lines}, there it is {told}"
            if remote.state not in {OrderState.PENDING, OrderState.CANCELLED}:
                assert remote.acknowledged_at, f"{stall.name}: order {number} is not acknowledged"
            assert remote.acknowledge_calls <= 1
            done = Counter(Command.objects.filter(subject_id=order.pk, state="done").values_list("kind", flat=True))
            assert remote.ship_calls <= max(done["ship"], 1)
            assert remote.cancel_calls <= done["cancel"]


def assert_shortages(day: Day) -> None:
    """What is owed beyond what is there is short, unit by unit, with a row for each line (units of kits are left to ``check``)."""
    with day.firm.scope():
        for sku in ("A", "B"):
            unit = day.units[sku]
            lines = list(OrderLine.objects.filter(stock_unit=unit).exclude(order__state="pending"))
            held = sum(Level.objects.filter(stock_unit=unit).values_list("held", flat=True))
            owed, there = sum(line.open for line in lines), sum(Level.objects.filter(stock_unit=unit).values_list("on_hand", flat=True))
            short = sum(line.short for line in lines)
            assert short == max(owed - there, 0) or (held and short <= max(owed + held - there, 0))
            assert short == sum(Shortage.objects.filter(stock_unit=unit, resolved_at=None).values_list("quantity", flat=True))
