"""A day of bad luck by seed: two stalls, buyers, a warehouse, faults of every kind, workers that die. Afterwards everything is true.

Invariants 1-3, 5, 9-11 and 18 of the test plan, checked after the faults have stopped and everybody has had his turn.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from stallkeeper.channels import delivery
from stallkeeper.channels.models import Channel, Command, Connection, LaneKind, Offer
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.models import Level
from stallkeeper.sync import push, wake
from stallkeeper.sync.runner import run_lane
from stallkit.testing.dials import Dials
from stallkit.testing.shop import Fault, SoldOut
from tests.market import Market, Stall

FAULTS = [
    Fault.RATE_LIMIT,
    Fault.SERVER_ERROR,
    Fault.SERVER_ERROR_AFTER,
    Fault.DROP_BEFORE,
    Fault.DROP_AFTER,
    Fault.HTML,
    Fault.CUT_JSON,
    Fault.TOKEN_EXPIRED,
]


class Killed(BaseException):
    """kill -9."""


def dials(chance: random.Random) -> Dials:
    """A random half of the fault classes is off (test plan 3.1)."""

    def maybe(most: float) -> float:
        return chance.uniform(0, most) if chance.random() < 0.5 else 0.0

    return Dials(
        faults={fault: maybe(0.08) for fault in FAULTS},
        item_refused=maybe(0.1),
        not_applied=maybe(0.05),
        late_push=maybe(0.05),
        late_by=timedelta(seconds=90),
        read_lag=timedelta(seconds=maybe(60)),
        page_shift=maybe(0.1),
    )


class Day:
    """One seed's story."""

    def __init__(self, market: Market, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.market, self.chance, self.patch = market, random.Random(seed), monkeypatch
        self.stalls = [market.stall(zero_limit=1000), market.stall(zero_limit=1000)]
        self.units = [market.shop.unit(f"U{number}", self.chance.randint(0, 12)) for number in range(6)]
        for stall in self.stalls:
            stall.emulator.random = random.Random(seed)
            for unit in self.units:
                stall.offer(unit, shown=self.chance.randint(0, 12))

    def turn(self) -> None:
        self.market.clock.tick(self.chance.uniform(0, 12))
        stall = self.chance.choice(self.stalls)
        what = self.chance.choices(["order", "stock", "cancel", "edit", "die", "run", "background"], [4, 2, 1, 0.3, 0.3, 8, 2])[0]
        getattr(self, what)(stall)

    def order(self, stall: Stall) -> None:
        lines = [(f"U{number}", self.chance.randint(1, 2)) for number in self.chance.sample(range(6), self.chance.randint(1, 2))]
        try:
            stall.emulator.place_order(lines)
        except SoldOut:
            return

    def stock(self, stall: Stall) -> None:
        del stall
        self.market.stock(self.chance.choice(self.units), self.chance.randint(0, 12))

    def cancel(self, stall: Stall) -> None:
        if stall.emulator.orders:
            stall.emulator.buyer_cancels(self.chance.choice(sorted(stall.emulator.orders)))

    def edit(self, stall: Stall) -> None:
        stall.emulator.edit_quantity(f"U{self.chance.randrange(6)}", self.chance.randint(0, 20))

    def die(self, stall: Stall) -> None:
        """The worker dies in the middle of the next send, if there is one."""

        def dead(*_args, **_named):
            raise Killed

        with self.patch.context() as patch:
            patch.setattr(push, "_record" if self.chance.random() < 0.5 else "stock_intent", dead)
            try:
                self.run(stall)
            except Killed:
                self.market.clock.tick(11)

    def run(self, stall: Stall) -> None:
        run_lane(stall.lane().pk, "w1")

    def background(self, stall: Stall) -> None:
        run_lane(stall.lane(LaneKind.BACKGROUND).pk, "w1")

    def calm_down(self) -> None:
        for stall in self.stalls:
            stall.emulator.dials = Dials()
        self.a_person_looks_at_the_problems()
        for _ in range(40):
            self.market.clock.tick(45)
            for stall in self.stalls:
                self.run(stall)
                self.background(stall)

    def a_person_looks_at_the_problems(self) -> None:
        """Connects again what lost its access, and has refused values sent again: the two things that wait for a person."""
        with self.market.shop.use_case("test.person") as uc:
            Connection.objects.update(state=Connection.State.READY, state_reason="")
            refused = Offer.objects.exclude(refused_at=None).values_list("pk", flat=True)
            delivery.try_again(uc, "quantity", list(refused))
        for stall in self.stalls:
            wake.wake([stall.connection_id])
            wake.wake([stall.connection_id], LaneKind.BACKGROUND)


@pytest.mark.parametrize("seed", range(6))
def test_after_the_storm_everything_is_true(market: Market, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    play_and_judge(market, Day(market, seed, monkeypatch))


def play_and_judge(market: Market, day: Day) -> None:
    """A day with bad luck that changes; when it is calm, all is true."""
    for _ in range(120):
        if day.chance.random() < 0.1:
            day.chance.choice(day.stalls).emulator.dials = dials(day.chance)
        day.turn()
    day.calm_down()

    with market.shop.scope():
        for stall in day.stalls:
            check_stall(stall)
        check_levels()
        assert set(Command.objects.values_list("state", flat=True)) <= {"done", "refused"}
        assert not Channel.objects.exclude(stopped_at=None).exists()


def check_stall(stall: Stall) -> None:
    """The hub's orders are the stall's orders; the stall shows what it should; each order was acknowledged once."""
    orders = {order.external_id: order for order in Order.objects.filter(channel=stall.channel)}
    assert orders.keys() == stall.emulator.orders.keys()
    for external, theirs in stall.emulator.orders.items():
        lines = OrderLine.objects.filter(order=orders[external]).order_by("line_id")
        assert [(line.ordered, line.cancelled) for line in lines] == [(line.ordered, line.cancelled) for line in theirs.lines]
        assert theirs.acknowledge_calls <= 1
    for offer in Offer.objects.filter(channel=stall.channel):
        shown = stall.emulator.quantity_of(offer.sku)
        assert offer.intended_qty == offer.believed_qty == shown, (offer.sku, offer.intended_qty, offer.believed_qty, shown)


def check_levels() -> None:
    """What is allocated is what open lines were promised."""
    for level in Level.objects.all():
        promised = sum(line.allocated for line in OrderLine.objects.filter(stock_unit_id=level.stock_unit_id))
        assert 0 <= level.allocated == promised <= level.on_hand
