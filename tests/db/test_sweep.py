"""The nightly look at every offer finds what no change told it, writes nothing else, and sees packs and open units (S3.42, C2)."""

from __future__ import annotations

import pytest

from stallkeeper.channels import refresh
from stallkeeper.channels.models import Offer
from stallkeeper.orders import intake
from tests.shop import Shop, remote_order


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


def test_a_sweep_of_a_true_shop_finds_nothing(shop: Shop) -> None:
    """Plain offers, packs, kits, offers left out, and offers with open orders where the channel wants gross figures."""
    channel, gross = shop.channel(), shop.channel("walmart", currency="USD")
    cup, saucer = shop.unit("CUP", 9), shop.unit("SAUCER", 20)
    for unit in (cup, saucer, shop.kit("SET", {cup: 1, saucer: 2})):
        shop.offer(channel, unit)
        shop.offer(gross, unit)
    shop.offer(channel, saucer, "SAUCER-6", pack_factor=6)
    shop.offer(channel, cup, "CUP-OUT", stock_excluded=True)
    with shop.use_case() as uc:
        intake.accept(uc, gross.connection_id, [remote_order("1", [("CUP", 2)])], shop.at)
    with shop.use_case() as uc:
        assert len(refresh.sweep(uc)) == 0


def test_a_sweep_puts_right_what_differs(shop: Shop) -> None:
    channel = shop.channel()
    units = [shop.unit(f"U{number}", number) for number in range(5)]
    offers = [shop.offer(channel, unit) for unit in units]
    with shop.scope():
        Offer.objects.filter(pk=offers[3].pk).update(intended_qty=77)
    with shop.use_case() as uc:
        found = list(refresh.sweep(uc).changes())
    assert [(change.offer_id, change.before, change.after) for change in found] == [(offers[3].pk, 77, 3)]
    assert shop.intended(offers[3]) == 3
