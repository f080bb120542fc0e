"""Ozon's adapter and emulated account in the running hub: orders in, packed, stock out, its reserve understood, other stalls true."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from stallkeeper.channels import delivery_queries
from stallkeeper.channels.models import Channel, Command, Connection, ObservedHold, Offer, OfferPrice
from stallkeeper.core.models import Organisation
from stallkeeper.orders.models import Order
from stallkit.adapters.ozon.emulated_goods import FBS
from stallkit.adapters.ozon.emulator import CONFIG, Emulator
from tests.market import Market, Stall


@pytest.fixture
def ozon(market: Market) -> Stall:
    """A stall on Ozon that keeps the figures of the warehouse that Ozon fetches from."""
    channel = market.shop.channel("ozon", currency="RUB")
    emulator = Emulator(market.clock)
    emulator.sleep = lambda _seconds: None
    with market.shop.scope():
        Connection.objects.filter(pk=channel.connection_id).update(base_url=f"http://stall-{channel.pk}.test", config=dict(CONFIG))
        Channel.objects.filter(pk=channel.pk).update(warehouse=FBS)
        channel.refresh_from_db()
    stall = Stall(market, channel, emulator)  # type: ignore[arg-type]
    market.stalls.append(stall)
    return stall


@pytest.fixture
def mugs(market: Market, ozon: Stall) -> tuple[Stall, Offer, Offer]:
    """Ten mugs for Ozon and another stall, both showing ten, everything at rest."""
    other = market.stall()
    mug = market.shop.unit("MUG", 10)
    here, there = ozon.offer(mug, shown=10), other.offer(mug, shown=10)
    market.settle(3)
    return other, here, there


def test_an_order_is_packed_and_lowers_the_other_stall(market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]) -> None:
    """The order moves its units into Ozon's reserve: nothing is written there, and the command waits for the packing without failing."""
    other, here, there = mugs
    number = ozon.emulator.place_order([("MUG", 3)])
    market.settle(4)
    with market.shop.scope():
        order = Order.objects.get(external_id=number)
        assert (order.state, order.remote_state) == ("acknowledged", "awaiting_deliver")
        assert Command.objects.get().state == "done"
    assert ozon.emulator.orders[number].acknowledge_calls == 1
    assert (ozon.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (7, 7)
    assert (ozon.reload(here).believed_qty, other.reload(there).believed_qty) == (7, 7)
    assert not [change for change in ozon.emulator.diary if change.cause == "push"], "its own sale has lowered the figure already"


def test_a_figure_waits_its_half_minute_and_is_right_then(market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]) -> None:
    """Two sales elsewhere within seconds: the second figure goes out once the pair may be written again, and is read back as written."""
    other, here, _ = mugs
    for _ in range(2):
        other.emulator.place_order([("MUG", 1)])
        market.settle(1)
    assert ozon.emulator.quantity_of("MUG") == 9
    market.settle(7)
    assert ozon.emulator.quantity_of("MUG") == 8
    assert ozon.reload(here).believed_qty == 8
    refused = [call for call in ozon.emulator.calls if call.status == 429]
    assert not refused


def test_the_scan_takes_the_units_and_frees_none(market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]) -> None:
    other, here, _ = mugs
    number = ozon.emulator.place_order([("MUG", 3)])
    market.settle(4)
    ozon.emulator.scan(number)
    market.settle(4)
    with market.shop.scope():
        assert Order.objects.get(external_id=number).state == "shipped"
        unit = Offer.objects.get(pk=here.pk).stock_unit
    assert market.shop.level(unit) == (7, 0, 0)
    assert (ozon.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (7, 7)


def test_a_cancelled_order_gives_its_units_back_everywhere(market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]) -> None:
    other, _, _ = mugs
    number = ozon.emulator.place_order([("MUG", 3)])
    market.settle(4)
    assert ozon.emulator.buyer_cancels(number)
    market.settle(8)
    with market.shop.scope():
        assert Order.objects.get(external_id=number).state == "cancelled"
    assert (ozon.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (10, 10)


def test_units_reserved_without_a_posting_are_held_everywhere(market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]) -> None:
    """A company has ordered and not paid (the second mode of observed holds): what Ozon reserves beyond our postings is kept back."""
    other, here, _ = mugs
    with market.shop.scope():
        Organisation.objects.filter(pk=market.shop.organisation.pk).update(balancer_enabled=True)
        Channel.objects.filter(pk=ozon.channel.pk).update(holds_enabled=True, holds_from=market.clock())
    ozon.emulator.reserve_for_company("MUG", 4)
    number = ozon.emulator.place_order([("MUG", 1)])
    market.settle(8)
    with market.shop.scope():
        assert [hold.quantity for hold in ObservedHold.objects.filter(quantity__gt=0)] == [4]
        unit = Offer.objects.get(pk=here.pk).stock_unit
        assert Order.objects.get(external_id=number).state == "acknowledged"
    assert market.shop.level(unit)[0] == 10
    assert (ozon.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (5, 5)
    ozon.emulator.release_for_company("MUG", 4)
    market.settle(10)
    assert (ozon.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (9, 9)


def priced(market: Market, ozon: Stall, here: Offer, amount: str) -> None:
    with market.shop.use_case() as uc:
        OfferPrice.objects.update_or_create(
            organisation_id=uc.organisation_id, offer=here, defaults={"currency": "RUB", "intended": Decimal(amount)}
        )
        with connection.cursor() as cursor:
            delivery_queries.settle(cursor, delivery_queries.PRICE, [here.pk], uc.at)


def test_the_eleventh_price_of_an_hour_waits_and_asks_seldom(market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]) -> None:
    """Ozon takes ten: the next one is put off, neither refused nor sent again and again, and goes out when the hour is over."""
    _, here, _ = mugs
    with market.shop.scope():
        Channel.objects.filter(pk=ozon.channel.pk).update(prices_enabled=True)
    for number in range(11):
        priced(market, ozon, here, f"{100 + number}.00")
        market.settle(2)
    assert ozon.emulator.price_of("MUG") == Decimal("109.00")
    calls = [call for call in ozon.emulator.calls if call.path == "/v1/product/import/prices"]
    assert len(calls) == 11
    market.settle(9)
    assert len([call for call in ozon.emulator.calls if call.path == "/v1/product/import/prices"]) == 11
    market.settle(6, 700)
    assert ozon.emulator.price_of("MUG") == Decimal("110.00")
    with market.shop.scope():
        assert OfferPrice.objects.get(offer=here).refused is None


def test_a_cancellation_whose_moment_nobody_tells_is_not_counted_twice(
    market: Market, ozon: Stall, mugs: tuple[Stall, Offer, Offer]
) -> None:
    """A read may have shown the units again before a list told why: then they are no news. No posting says when it changed."""
    other, here, _ = mugs
    number = ozon.emulator.place_order([("MUG", 3)])
    market.settle(4)
    assert ozon.emulator.buyer_cancels(number)
    market.clock.tick(3_600)
    ozon.run("background")
    assert ozon.reload(here).observed_qty == 10
    market.clock.tick(200)
    market.settle(8)
    assert (ozon.emulator.quantity_of("MUG"), other.emulator.quantity_of("MUG")) == (10, 10)
    assert ozon.reload(here).believed_qty == 10
    assert not [change for change in ozon.emulator.diary if change.cause == "push"], "it was right all the time"
