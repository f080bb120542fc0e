"""What the engine must not let pass unnoticed: a right that is missing, a price that somebody lowered."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from stallkeeper.catalog import prices
from stallkeeper.channels import switches
from stallkeeper.channels.models import Channel, Connection, Drift, OfferPrice
from stallkeeper.orders.models import Order
from tests.scenarios.town import Stall, Town, assert_true, notices
from tests.shop import Shop


def with_price(firm: Shop, stall: Stall, unit: int, amount: str) -> None:
    with stall.use_case() as uc:
        base = prices.price_list(uc, "base", stall.channel.currency, tax_included=False)
        prices.set_prices(uc, base.pk, {unit: Decimal(amount)})
        Channel.objects.filter(pk=stall.channel.pk).update(price_list=base)
        switches.set_channel(uc, stall.channel.pk, prices=True)
    stall.refresh()


def test_a_key_without_the_right_to_prices_still_trades(town: Town, firm: Shop) -> None:
    """Walmart answers 403 to prices alone: orders and stock go on, and the offer says what is missing."""
    unit = firm.unit("MUG", 3)
    walmart = town.stall(firm, "walmart", goods={"MUG": 3})
    walmart.emulator.scopes["price"] = "view_only"
    with_price(firm, walmart, unit.pk, "20.00")
    town.work(60)
    order = walmart.emulator.place_order([("MUG", 1)])
    town.work(60)
    assert walmart.account.state == Connection.State.READY
    with firm.scope():
        assert Order.objects.get(external_id=order).acknowledged_at is not None
        price = OfferPrice.objects.get(offer=walmart.offer("MUG"))
    assert "no right to this (price: view_only)" in price.refused_message
    assert_true(walmart)


@pytest.mark.parametrize("platform", ["walmart", "emag"])
def test_a_price_that_somebody_lowered_is_named_an_edit(town: Town, firm: Shop, platform: str) -> None:
    """No sale lowers a price: there is nothing to wait for."""
    unit = firm.unit("MUG", 3)
    stall = town.stall(firm, platform, goods={"MUG": 3})
    with_price(firm, stall, unit.pk, "20.00")
    town.work(120)
    assert stall.emulator.price_of("MUG") == Decimal("20.00")
    for _ in range(4):
        town.clock.tick(timedelta(minutes=40).total_seconds())
        town.work(60)
    stall.emulator.offers["MUG"].price = Decimal("19.00")
    for _ in range(4):
        town.clock.tick(timedelta(minutes=40).total_seconds())
        town.work(90)
    with firm.scope():
        assert list(Drift.objects.filter(kind="price").values_list("verdict", flat=True)) == ["edited_on_channel"]
    assert stall.emulator.price_of("MUG") == Decimal("20.00")
    assert not [key for key in notices(firm) if "price" in key]
