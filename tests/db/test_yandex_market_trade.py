"""Yandex Market in the running hub's machinery: orders in, boxes and figures out, and the Market's reserve as a sign of sales."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from stallkeeper.channels import switches
from stallkeeper.channels.models import Channel, Command, Connection, ObservedHold, Offer, RateBudget, SentLog
from stallkeeper.core.models import Organisation
from stallkeeper.core.use_case import use_case
from stallkeeper.orders import cancel
from stallkeeper.orders.models import Order, OrderLine
from stallkit.adapters.yandex_market.emulator import CONFIG, WAREHOUSE, Emulator
from stallkit.types import CancelReason, OrderState
from tests.db.test_sync_chaos import Day, play_and_judge
from tests.market import Market, Stall


def open_stall(market: Market, visible_after: float = 0, **fields: object) -> Stall:
    channel = market.shop.channel(platform="yandex_market", currency="RUB", warehouse=WAREHOUSE, **fields)
    emulator = Emulator(market.clock)
    emulator.sleep = lambda _seconds: None
    emulator.visible_after = timedelta(seconds=visible_after)
    with market.shop.scope():
        Connection.objects.filter(pk=channel.connection_id).update(base_url=f"http://stall-{channel.pk}.test", config=dict(CONFIG))
    stall = Stall(market, channel, emulator)
    market.stalls.append(stall)
    return stall


@pytest.fixture
def yandex(market: Market) -> Stall:
    return open_stall(market)


def begin(market: Market, *stalls: Stall, on_hand: int = 10) -> list[Offer]:
    mug = market.shop.unit("MUG", on_hand)
    offers = [stall.offer(mug, shown=on_hand) for stall in stalls]
    market.settle(3)
    return offers


def switch_stock(market: Market, stall: Stall, *, on: bool) -> None:
    with use_case("channel.switch", organisation_id=market.shop.organisation.pk, actor="user:1") as uc:
        switches.set_channel(uc, stall.channel.pk, stock=on)


def calls(stall: Stall, end: str) -> int:
    return sum(call.path.endswith(end) and call.status == 200 for call in stall.emulator.calls)


def holds(market: Market) -> list[tuple[int, int]]:
    """(open, taken over) of every observed hold."""
    with market.shop.scope():
        return [(row.quantity, row.taken_over) for row in ObservedHold.objects.order_by("id")]


def test_an_order_is_packed_there_and_lowers_the_other_stall(market: Market, yandex: Stall, stall: Stall) -> None:
    here, there = begin(market, yandex, stall)
    order = yandex.emulator.place_order([("MUG", 3)])
    market.settle(2)
    assert yandex.emulator.orders[order].acknowledge_calls == 1
    assert (calls(yandex, "/boxes"), calls(yandex, "/status")) == (1, 0)
    assert yandex.emulator.quantity_of("MUG") == stall.emulator.quantity_of("MUG") == 7
    assert (yandex.reload(here).believed_qty, stall.reload(there).believed_qty) == (7, 7)
    assert calls(yandex, "/stocks/update") == 0, "the Market has lowered the figure itself"
    with market.shop.scope():
        assert {command.state for command in Command.objects.all()} == {"done"}


def test_a_sale_elsewhere_lowers_the_market_s_figure_and_the_read_back_is_believed(market: Market, yandex: Stall, stall: Stall) -> None:
    here, _ = begin(market, yandex, stall)
    stall.emulator.place_order([("MUG", 4)])
    market.settle(2)
    assert yandex.emulator.quantity_of("MUG") == 6
    market.clock.tick(3_600)
    yandex.run("background")
    offer = yandex.reload(here)
    assert (offer.believed_qty, offer.observed_qty) == (6, 6)
    with market.shop.scope():
        assert [int(row.value) for row in SentLog.objects.filter(offer_id=here.pk)] == [6]


def test_a_figure_that_shows_later_is_sent_once_and_is_no_refusal(market: Market, stall: Stall) -> None:
    slow = open_stall(market, visible_after=300)
    here, _ = begin(market, slow, stall)
    stall.emulator.place_order([("MUG", 4)])
    market.settle(2)
    assert slow.emulator.offers["MUG"].quantity == 10, "the window still shows the old figure"
    market.clock.tick(400)
    market.settle(2)
    assert slow.emulator.quantity_of("MUG") == 6
    assert slow.reload(here).believed_qty == 6
    assert calls(slow, "/stocks/update") == 1


def test_a_read_that_shows_the_figure_of_before_is_not_believed(market: Market, stall: Stall) -> None:
    """The window changes within a quarter of an hour: until then what it shows may be older than what was taken. After that it counts."""
    slow = open_stall(market, visible_after=300)
    here, _ = begin(market, slow, stall)
    with market.shop.scope():
        Organisation.objects.filter(pk=market.shop.organisation.pk).update(balancer_enabled=True)
        Channel.objects.update(holds_enabled=True, holds_from=market.clock())
    stall.emulator.place_order([("MUG", 4)])
    market.settle(12)
    assert calls(slow, "/stocks") > 1, "it was read meanwhile"
    assert (slow.emulator.quantity_of("MUG"), slow.reload(here).believed_qty, calls(slow, "/stocks/update")) == (10, 6, 1)
    slow.emulator.edit_quantity("MUG", 9)
    market.clock.tick(1_000)
    market.settle(3)
    slow.run("background")
    market.settle(3)
    assert (slow.emulator.kept_of("MUG"), slow.reload(here).believed_qty) == (6, 6)


def test_a_raise_that_may_not_spend_the_reserve_holds_up_no_cut(market: Market, yandex: Stall) -> None:
    """C8: fifty writes a minute. What is left of them is kept for cuts, so those go out while raises wait for the next ones."""
    mug, cup = market.shop.unit("MUG", 10), market.shop.unit("CUP", 10)
    for unit in (mug, cup):
        yandex.offer(unit, shown=10)
    market.settle(3)
    with market.shop.scope():
        budget = RateBudget.objects.create(connection_id=yandex.connection_id, bucket="stock_write", tokens=1.2, at=market.clock())
    market.stock(mug, 12)
    ended = yandex.run()
    assert calls(yandex, "/stocks/update") == 0, "the reserve is not for raises"
    assert ended.due_at is not None
    assert timedelta(0) < ended.due_at - market.clock() < timedelta(seconds=2), "tried again as soon as there is enough"
    market.stock(cup, 4)
    yandex.run()
    assert (yandex.emulator.quantity_of("MUG"), yandex.emulator.quantity_of("CUP")) == (10, 4)
    market.clock.tick(6)
    yandex.run()
    assert yandex.emulator.quantity_of("MUG") == 12
    with market.shop.scope():
        budget.refresh_from_db()
        assert budget.spent == 2


def test_a_sku_that_is_refused_holds_up_no_other(market: Market, yandex: Stall) -> None:
    mug, cup = market.shop.unit("MUG", 10), market.shop.unit("CUP", 10)
    offers = [yandex.offer(unit, shown=10) for unit in (mug, cup)]
    market.settle(2)
    for names in (True, False):
        yandex.emulator.names_bad_skus = names
        yandex.emulator.offers["MUG"].refuse_stock = "no figures for this one"
        for unit in (mug, cup):
            market.stock(unit, 8 if names else 5)
        market.settle(2)
        assert yandex.emulator.quantity_of("CUP") == (8 if names else 5)
    assert yandex.emulator.quantity_of("MUG") == 10
    with market.shop.scope():
        refusals = SentLog.objects.filter(offer_id=offers[0].pk).values_list("outcome", "detail")
        assert all("no figures for this one" in detail for outcome, detail in refusals if outcome == "rejected")
        assert "rejected" in {outcome for outcome, _ in refusals}


def test_a_sale_that_only_the_reserve_shows_is_kept_back_everywhere(market: Market, yandex: Stall, stall: Stall) -> None:
    """DOUBLE_RESERVATION.md, step 2: FREEZE is above the units of the orders that we know."""
    begin(market, yandex, stall)
    with market.shop.scope():
        Organisation.objects.filter(pk=market.shop.organisation.pk).update(balancer_enabled=True)
        Channel.objects.update(holds_enabled=True, holds_from=market.clock())
    number = yandex.emulator.place_order([("MUG", 2)])
    late = yandex.emulator.orders.pop(number)
    market.settle(3)
    assert holds(market) == [(2, 0)]
    assert stall.emulator.quantity_of("MUG") == 8
    assert yandex.emulator.quantity_of("MUG") == 8
    late.modified_at = market.clock()
    yandex.emulator.orders[number] = late
    market.settle(3)
    assert holds(market) == [(0, 2)]
    assert [each.emulator.quantity_of("MUG") for each in (yandex, stall)] == [8, 8]


def test_goods_that_the_market_has_scanned_have_left_here_too(market: Market, yandex: Stall) -> None:
    begin(market, yandex)
    number = yandex.emulator.place_order([("MUG", 2)])
    market.settle(2)
    yandex.emulator.scan(number)
    market.settle(2)
    with market.shop.scope():
        order = Order.objects.get(external_id=number)
        assert order.state == OrderState.SHIPPED
        assert [line.shipped for line in OrderLine.objects.filter(order=order)] == [2]
    assert yandex.emulator.quantity_of("MUG") == 8


def test_a_buyer_s_cancellation_puts_the_units_back_everywhere(market: Market, yandex: Stall, stall: Stall) -> None:
    begin(market, yandex, stall)
    number = yandex.emulator.place_order([("MUG", 2)])
    market.settle(2)
    assert yandex.emulator.buyer_cancels(number)
    market.settle(3)
    assert [each.emulator.quantity_of("MUG") for each in (yandex, stall)] == [10, 10]


def test_what_a_buyer_cancelled_before_our_cancellation_came_is_read(market: Market, yandex: Stall, stall: Stall) -> None:
    """9: the Market gives the units back for the buyer's cancellation and refuses ours, which had counted them here: belief is not kept."""
    here, _ = begin(market, yandex, stall)
    number = yandex.emulator.place_order([("MUG", 2)])
    market.settle(2)
    with market.shop.scope():
        order = Order.objects.get(external_id=number)
    cancel.cancel_lines(market.shop.organisation.pk, order.pk, None, reason=CancelReason.FRAUD, actor="user:1")
    assert yandex.emulator.buyer_cancels(number)
    market.clock.tick(10)
    switch_stock(market, yandex, on=False)
    yandex.run()
    with market.shop.scope():
        assert Command.objects.get(kind="cancel").state == "refused"
    assert (yandex.emulator.quantity_of("MUG"), yandex.reload(here).believed_qty) == (10, None)
    switch_stock(market, yandex, on=True)
    market.settle(3)
    assert (yandex.emulator.quantity_of("MUG"), yandex.reload(here).believed_qty) == (10, 10)


class DayAtTheMarket(Day):
    """The same bad luck, with Yandex Market for one of the two stalls."""

    def __init__(self, market: Market, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(market, seed, monkeypatch)
        market.stalls.remove(self.stalls[0])
        with market.shop.scope():
            Offer.objects.filter(channel=self.stalls[0].channel).delete()
        self.stalls[0] = open_stall(market, visible_after=2, zero_limit=1000)
        self.stalls[0].emulator.random = random.Random(seed)
        for unit in self.units:
            self.stalls[0].offer(unit, shown=self.chance.randint(0, 12))


@pytest.mark.parametrize("seed", range(4))
def test_after_the_storm_the_market_shows_what_is_true(market: Market, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    day = DayAtTheMarket(market, seed, monkeypatch)
    play_and_judge(market, day)
    assert day.stalls[0].emulator.orders, "nobody bought anything"
