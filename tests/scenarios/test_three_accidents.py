"""The three accidents: everything to zero, prices to a tenth, the wrong column (issue 4, must show 4; C21).

Each comes in by the door that it uses in life, with two stalls trading. Nothing of it reaches a shelf before a person has confirmed it,
the plan says what would happen, and what went wrong is taken back without losing what was sold meanwhile.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from stallkeeper.catalog import prices
from stallkeeper.catalog.models import ImportRun, PriceList, StockUnit
from stallkeeper.channels import breaker, plans, rules, send_tasks
from stallkeeper.channels.models import Channel, OfferPrice, SendPlan, SendTask
from stallkeeper.channels.plans import Held
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.core import crash
from stallkeeper.stock.imports import run_import
from tests.market import Market, Stall, open_market
from tests.tables import csv_file

ACTOR = "user:1"
COUNT = 40


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch, db: None):
    with open_market(monkeypatch) as opened:
        yield opened


class Shop:
    """Forty products at 20.00, ten of each, on two stalls that show all of it."""

    def __init__(self, market: Market, folder: Path) -> None:
        self.market, self.shop, self.folder = market, market.shop, folder
        with self.shop.scope():
            self.price_list = PriceList.objects.create(organisation=self.shop.organisation, code="EUR", currency="EUR", tax_included=True)
        self.stalls = [market.stall(price_list=self.price_list, prices_enabled=True) for _ in range(2)]
        self.units = [self.shop.unit(f"U{number:03d}", 10) for number in range(COUNT)]
        self.price(Decimal("20.00"))
        for stall in self.stalls:
            for unit in self.units:
                stall.offer(unit, shown=10)
            with self.shop.use_case() as uc:
                rules.work_out_anew(uc, stall.channel)
        market.settle(2)
        assert self.shown() == [[10] * COUNT] * 2
        assert self.prices() == {Decimal("20.0000")}

    def price(self, amount: Decimal) -> None:
        with self.shop.use_case() as uc:
            prices.set_prices(uc, self.price_list.pk, {unit.pk: amount for unit in self.units})

    def shown(self) -> list[list[int]]:
        return [sorted(offer.quantity for offer in stall.emulator.offers.values()) for stall in self.stalls]

    def prices(self) -> set[Decimal | None]:
        """What the channels accepted."""
        with self.shop.scope():
            return set(OfferPrice.objects.values_list("accepted", flat=True))

    def bring(self, figures: dict[str, int], **how: bool) -> ImportRun:
        rows = [["sku", "location", "on_hand"], *([sku, "MAIN", figure] for sku, figure in figures.items())]
        return run_import("stock", csv_file(self.folder / "stock.csv", rows), self.shop.organisation.pk, ACTOR, **how)

    def plan(self, proposal: Proposal | None = None) -> SendPlan:
        with self.shop.scope():
            return plans.save(self.shop.organisation.pk, proposal or Proposal(), ACTOR)

    def send(self, plan: SendPlan, *, sure: bool = False) -> None:
        with self.shop.scope():
            plans.apply(self.shop.organisation.pk, plan.pk, plan.fingerprint, ACTOR, sure=sure)
        self.market.settle(3)

    def stopped(self) -> list[str]:
        with self.shop.scope():
            return list(Channel.objects.order_by("pk").values_list("stop_reason", flat=True))

    def take_back(self, run: ImportRun) -> SendPlan:
        with self.shop.scope():
            return plans.take_back_run(self.shop.organisation.pk, f"import:{run.pk}", ACTOR)


@pytest.fixture
def shop(market: Market, tmp_path: Path) -> Shop:
    return Shop(market, tmp_path)


def sell(stall: Stall, sku: str) -> None:
    stall.emulator.place_order([(sku, 1)])


def test_everything_to_zero_stops_at_the_file_at_the_plan_and_at_the_door(shop: Shop) -> None:
    everything = {unit.sku: 0 for unit in shop.units}
    assert shop.bring(everything).state == ImportRun.State.STOPPED, "the file"
    shop.market.settle(2)
    assert shop.shown() == [[10] * COUNT] * 2

    plan = shop.plan(Proposal(channels={stall.channel.pk: ChannelChange(rules={"share": "0"}) for stall in shop.stalls}))
    assert [counts.held for counts in plans.counts_of(plan)] == [(f"{COUNT} of {COUNT} live offers would go to zero at once",)] * 2
    with pytest.raises(Held):
        shop.send(plan)

    run = shop.bring(everything, allow_many_zeroings=True)
    assert run.state == ImportRun.State.DONE, "somebody let the file pass"
    shop.market.settle(3)
    assert shop.shown() == [[10] * COUNT] * 2, "the door"
    assert shop.stopped() == [f"{COUNT} of {COUNT} live offers would go to zero at once"] * 2
    assert [counts.held_items for counts in plans.counts_of(shop.plan())] == [COUNT] * 2, "the plan of what would be sent says so too"

    sell(shop.stalls[0], "U007")
    back = shop.take_back(run)
    assert [counts.to_zero for counts in plans.counts_of(back)] == [0, 0]
    shop.send(back)
    with shop.shop.use_case() as uc:
        for stall in shop.stalls:
            breaker.look_again(uc, stall.channel.pk)
    shop.market.settle(4)
    assert shop.shown() == [[9] + [10] * (COUNT - 1)] * 2, "what the file did is taken back; the unit sold meanwhile stays sold"
    assert shop.stopped() == ["", ""]


def test_prices_to_a_tenth_stop_at_the_plan_and_at_the_door(shop: Shop) -> None:
    by_rule = shop.plan(Proposal(channels={shop.stalls[0].channel.pk: ChannelChange(rules={"mark_up": "-90"})}))
    (counts,) = plans.counts_of(by_rule)
    assert (counts.price_falls, counts.deepest, counts.held_items) == (COUNT, "90.0", COUNT)
    with pytest.raises(Held, match="would fall by more than 50 %"):
        shop.send(by_rule)

    shop.price(Decimal("2.00"))
    shop.market.settle(3)
    assert shop.prices() == {Decimal("20.0000")}
    assert shop.stopped() == [f"the prices of {COUNT} offers would fall by more than 50 %"] * 2
    now = plans.counts_of(shop.plan())
    assert [(counts.price_falls, counts.deepest, counts.held_items) for counts in now] == [(COUNT, "90.0", COUNT)] * 2

    shop.price(Decimal("19.00"))
    with shop.shop.use_case() as uc:
        for stall in shop.stalls:
            breaker.look_again(uc, stall.channel.pk)
    shop.market.settle(3)
    assert shop.prices() == {Decimal("19.0000")}


def test_the_wrong_column_stops_at_the_plan_and_at_the_door(shop: Shop) -> None:
    """A column of article numbers taken for quantities: figures rise many times over, and would be sold."""
    run = shop.bring({unit.sku: 4_006_000 + number for number, unit in enumerate(shop.units)})
    assert run.state == ImportRun.State.DONE, "nothing falls, so the file itself passes"
    shop.market.settle(3)
    assert shop.shown() == [[10] * COUNT] * 2, "the door"
    assert shop.stopped() == [f"{COUNT} of {COUNT} live offers would show 10 times as much or more at once"] * 2
    plan = shop.plan()
    for counts in plans.counts_of(plan):
        assert (counts.rises, counts.held_items) == (COUNT, COUNT)
        assert "is that the right column?" in counts.held[0]
    with pytest.raises(Held):
        shop.send(plan)

    sell(shop.stalls[1], "U003")
    shop.market.settle(1)
    shop.send(shop.take_back(run))
    with shop.shop.use_case() as uc:
        for stall in shop.stalls:
            breaker.look_again(uc, stall.channel.pk)
    shop.market.settle(4)
    assert shop.shown() == [[9] + [10] * (COUNT - 1)] * 2
    with shop.shop.scope():
        assert StockUnit.objects.filter(levels__on_hand__gt=10).count() == 0


class Killed(BaseException):
    """The worker is gone."""


def test_a_plan_goes_on_by_itself_after_its_worker_was_killed(shop: Shop) -> None:
    """S3.38-S3.40: a send is a list to look at; offers are sent because they differ, whoever runs next."""
    plan = shop.plan(Proposal(channels={stall.channel.pk: ChannelChange(rules={"max_publish": 7}) for stall in shop.stalls}))
    with shop.shop.scope():
        plans.apply(shop.shop.organisation.pk, plan.pk, plan.fingerprint, ACTOR)

    def die(point: str) -> None:
        if point == "send:write_stock:after":
            raise Killed

    with crash.using(die), pytest.raises(Killed):
        shop.stalls[0].run()
    with shop.shop.scope():
        task = SendTask.objects.get()
        first = send_tasks.progress(task)[0]
        assert (first.accepted, first.waiting, first.done) == (0, COUNT, False), "written down as sent, and nobody knows what came of it"
    shop.market.clock.tick(60)
    shop.market.settle(6)
    assert shop.shown() == [[7] * COUNT] * 2
    with shop.shop.scope():
        assert [(each.accepted, each.done) for each in send_tasks.progress(task)] == [(COUNT, True)] * 2
