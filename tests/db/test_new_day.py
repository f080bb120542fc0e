"""A day begins: incoming goods come within reach of a channel that looks ahead, or are late. Nobody has to touch anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stallkeeper.core.models import Notification
from stallkeeper.stock import incoming
from stallkeeper.sync import nightly
from tests.market import Market, Stall


@pytest.mark.parametrize(("days", "shown"), [(0, 5), (2, 5), (3, 15), (10, 15), (11, 5), (40, 5)])
def test_incoming_goods_count_from_the_horizon_until_they_are_late(market: Market, stall: Stall, days: int, shown: int) -> None:
    """The nightly look takes this in, and does not mistake it for a change that got lost."""
    shop = market.shop
    unit = shop.unit("MUG", 5)
    with shop.scope():
        type(stall.channel).objects.filter(pk=stall.channel.pk).update(horizon_days=7)
    offer = stall.offer(unit, shown=5)
    with shop.use_case() as uc:
        incoming.set_incoming(uc, unit, shop.place, market.clock.at.date() + timedelta(days=10), 10)
    assert stall.reload(offer).intended_qty == 5
    market.clock.tick(days * 24 * 3600)
    assert nightly.check_offers(shop.organisation.pk) == 0
    assert stall.reload(offer).intended_qty == shown
    with shop.scope():
        assert not Notification.objects.filter(key=nightly.KEY).exists()
