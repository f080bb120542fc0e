"""The hub's trade run against an emulated Wildberries account beside the dummy market: one pool for both."""

from __future__ import annotations

import random

import httpx
import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Channel, Command, Connection, LaneKind, Offer, SentLog
from stallkeeper.core.models import Organisation
from stallkeeper.orders import cancel
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.sync import adapters
from stallkeeper.sync.runner import run_lane
from stallkit.adapters.wildberries.emulator import CONFIG, MAIN, Emulator
from stallkit.adapters.wildberries.published import Transport
from stallkit.testing.dials import Dials
from stallkit.testing.emulator import Fault
from stallkit.types import CancelReason
from tests.market import Market, Stall


@pytest.fixture
def wild(market: Market, monkeypatch: pytest.MonkeyPatch) -> Stall:
    """A stall on Wildberries; each call is checked against the published contracts."""
    channel = market.shop.channel("wildberries", currency="RUB", warehouse=str(MAIN))
    emulator = Emulator(market.clock, limits_scale=0.01)
    address = "http://wildberries.test"
    with market.shop.scope():
        Connection.objects.filter(pk=channel.connection_id).update(base_url=address, config={**CONFIG, adapters.SCALE: "0.01"})
    others = market.client

    def client(base_url: str) -> httpx.Client:
        return httpx.Client(transport=Transport(emulator)) if base_url == address else others(base_url)

    monkeypatch.setattr(adapters, "client", client)
    stall = Stall(market, channel, emulator)  # type: ignore[arg-type]
    market.stalls.append(stall)
    return stall


def settle(market: Market, *stalls: Stall, rounds: int = 3) -> None:
    for _ in range(rounds):
        market.clock.tick(6)
        for stall in stalls:
            stall.run()


def sold_three(market: Market, wild: Stall) -> tuple[StockUnit, Order]:
    """Three of ten mugs, in an order that the hub has."""
    unit = market.shop.unit("MUG", 10)
    wild.offer(unit, shown=10)
    settle(market, wild)
    wild.emulator.place_order([("MUG", 3)])
    settle(market, wild)
    with market.shop.scope():
        return unit, Order.objects.get()


def test_a_basket_becomes_one_order_lowers_the_other_stall_and_is_taken_on(market: Market, wild: Stall) -> None:
    unit = market.shop.unit("MUG", 10)
    other = market.stall()
    here, there = wild.offer(unit, shown=10), other.offer(unit, shown=10)
    settle(market, wild, other)
    order_id = wild.emulator.place_order([("MUG", 3)])
    settle(market, wild, other)

    with market.shop.scope():
        order = Order.objects.get()
        (line,) = OrderLine.objects.all()
    assert (order.external_id, line.ordered) == (order_id, 3)
    assert {unit.supplier for unit in wild.emulator.units.values()} == {"confirm"}  # type: ignore[attr-defined]
    assert (wild.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (7, 7)
    assert (wild.reload(here).believed_qty, other.reload(there).believed_qty) == (7, 7)
    with market.shop.scope():
        assert {command.state for command in Command.objects.all()} == {"done"}
        sent = SentLog.objects.filter(offer_id=here.pk)
        assert not sent.exists(), "its own sale has lowered the figure there already"


def test_a_cancellation_that_broke_off_between_two_units_goes_on_with_the_rest(market: Market, wild: Stall) -> None:
    """11: unit by unit; after a reply that says nothing the hub asks, and does not ask for the unit once more that is gone already."""
    _unit, order = sold_three(market, wild)
    cancel.cancel_lines(market.shop.organisation.pk, order.pk, None, reason=CancelReason.FRAUD, actor="user:1")
    wild.emulator.fail_next(Fault.RATE_LIMIT, path="/cancel", after=1)
    wild.run()
    with market.shop.scope():
        assert Command.objects.get(kind="cancel").state == "sent"
    assert [one.cancel_calls for one in wild.emulator.units.values()] == [0, 0, 1]  # type: ignore[attr-defined]
    settle(market, wild)
    with market.shop.scope():
        assert Command.objects.get(kind="cancel").state == "done"
        order.refresh_from_db()
        assert (order.state, order.lines.get().cancelled) == ("cancelled", 3)
    assert [one.cancel_calls for one in wild.emulator.units.values()] == [1, 1, 1]  # type: ignore[attr-defined]
    assert wild.emulator.quantity_of("MUG") == 10


def test_a_cancellation_that_the_limit_cuts_short_goes_on_in_another_process(
    market: Market, wild: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """11: a 429 in the middle; the worker that goes on knows nothing of the one that began, and cancels what is left, no unit more."""
    unit, order = sold_three(market, wild)
    with market.shop.scope():
        line = order.lines.get()
    cancel.cancel_lines(market.shop.organisation.pk, order.pk, {line.pk: 2}, reason=CancelReason.FRAUD, actor="user:1")
    wild.emulator.fail_next(Fault.RATE_LIMIT, path="/cancel", after=1)
    wild.run()
    assert sum(one.cancel_calls for one in wild.emulator.units.values()) == 1  # type: ignore[attr-defined]
    monkeypatch.setattr(adapters, "_sessions", {})  # as a process has that begins
    settle(market, wild)
    with market.shop.scope():
        assert Command.objects.get(kind="cancel").state == "done"
        assert order.lines.get().cancelled == 2
    assert sorted(one.cancel_calls for one in wild.emulator.units.values()) == [0, 1, 1]  # type: ignore[attr-defined]
    assert market.shop.level(unit)[1] == 1


def test_a_cut_reaches_wildberries_and_is_believed_when_it_is_read_back(market: Market, wild: Stall) -> None:
    unit = market.shop.unit("MUG", 10)
    offer = wild.offer(unit, shown=10)
    settle(market, wild)
    market.stock(unit, 4)
    settle(market, wild)
    assert wild.emulator.quantity_of("MUG") == 4
    market.clock.tick(3_600)
    wild.run(LaneKind.BACKGROUND)
    fresh = wild.reload(offer)
    assert (fresh.believed_qty, fresh.observed_qty) == (4, 4)


def test_a_buyers_cancellation_gives_the_units_back_to_everybody(market: Market, wild: Stall) -> None:
    """Wildberries itself does not put the units on show again, so they are sent."""
    unit = market.shop.unit("MUG", 10)
    wild.offer(unit, shown=10)
    settle(market, wild)
    order_id = wild.emulator.place_order([("MUG", 3)])
    assert wild.emulator.buyer_cancels(order_id)
    settle(market, wild)
    assert wild.emulator.quantity_of("MUG") == 10
    assert market.shop.level(unit) == (10, 0, 0)


def test_an_offer_that_wildberries_refuses_stands_with_its_reason(market: Market, wild: Stall) -> None:
    unit = market.shop.unit("MUG", 10)
    offer = wild.offer(unit, shown=10)
    settle(market, wild)
    wild.emulator.offers["MUG"].refuse_stock = "not in this warehouse"
    market.stock(unit, 4)
    settle(market, wild)
    with market.shop.scope():
        row = Offer.objects.get(pk=offer.pk)
        texts = " ".join(str(value) for value in vars(row).values())
    assert "not in this warehouse" in texts


def test_a_sale_that_is_not_listed_yet_is_held_everywhere_and_taken_over_by_its_order(market: Market, wild: Stall) -> None:
    """Wildberries shows one figure and no reserve: a fall that no order explains is a sale to come (S3.54-S3.56)."""
    other = market.stall()
    with market.shop.scope():
        Organisation.objects.filter(pk=market.shop.organisation.pk).update(balancer_enabled=True)
        Channel.objects.update(holds_enabled=True, holds_from=market.clock())
    unit = market.shop.unit("MUG", 10)
    wild.offer(unit, shown=10)
    other.offer(unit, shown=10)
    settle(market, wild, other)
    order_id = wild.emulator.place_order([("MUG", 2)], pending=True)
    settle(market, wild, other)
    assert market.shop.level(unit) == (10, 0, 2)
    assert (wild.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (8, 8)
    wild.emulator.confirm_payment(order_id)
    settle(market, wild, other)
    assert market.shop.level(unit) == (10, 2, 0), "one sale is reserved once"
    assert (wild.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (8, 8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_rough_day_everybody_agrees(market: Market, wild: Stall, seed: int) -> None:
    """Buyers, cancellations, scans, figures that are lost, 5xx and cut replies; then it is quiet, and all is as it should be."""
    chance = random.Random(seed)
    shop = wild.emulator
    unit = market.shop.unit("MUG", 60)
    offer = wild.offer(unit, shown=60)
    settle(market, wild)
    shop.dials = Dials(
        faults={Fault.SERVER_ERROR: 0.03, Fault.CUT_JSON: 0.03, Fault.DROP_AFTER: 0.03, Fault.RATE_LIMIT: 0.02}, not_applied=0.05
    )
    placed: list[str] = []
    for _ in range(40):
        market.clock.tick(chance.uniform(3, 20))
        if chance.random() < 0.4 and shop.quantity_of("MUG") > 3:
            placed.append(shop.place_order([("MUG", chance.randint(1, 3))]))
        if placed and chance.random() < 0.15:
            shop.buyer_cancels(chance.choice(placed))
        if placed and chance.random() < 0.2:
            shop.scan(chance.choice(placed))
        run_lane(wild.lane().pk, "w1")
    shop.dials = Dials()
    for _ in range(6):
        market.clock.tick(700)
        run_lane(wild.lane().pk, "w1")
        run_lane(wild.lane(LaneKind.BACKGROUND).pk, "w1")
    with market.shop.scope():
        ours = {order.external_id: order for order in Order.objects.all()}
        lines = {line.order.external_id: (line.ordered, line.cancelled) for line in OrderLine.objects.select_related("order")}
    assert ours.keys() == set(placed)
    assert lines == {name: (shop.orders[name].lines[0].ordered, shop.orders[name].lines[0].cancelled) for name in placed}
    open_units = sum(line.open for name in placed for line in shop.orders[name].lines)
    on_hand, allocated, _ = market.shop.level(unit)
    assert allocated == open_units
    assert shop.quantity_of("MUG") == on_hand - allocated == wild.reload(offer).believed_qty
