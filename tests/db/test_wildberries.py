"""The hub's trade run against an emulated Wildberries account beside the dummy market: one pool for both."""

from __future__ import annotations

import httpx
import pytest

from stallkeeper.channels.models import Channel, Command, Connection, LaneKind, Offer, SentLog
from stallkeeper.core.models import Organisation
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.sync import adapters
from stallkit.adapters.wildberries.emulator import CONFIG, MAIN, Emulator
from stallkit.adapters.wildberries.published import Transport
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
