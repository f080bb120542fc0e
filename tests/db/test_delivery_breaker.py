"""The accident: everything to zero, or prices cut (C21, B plan with counts)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stallkeeper.channels import breaker, delivery, delivery_queries
from stallkeeper.channels.breaker import NotThatPlan, too_many
from stallkeeper.channels.models import Channel, OfferPrice
from stallkeeper.core.models import Notification
from stallkit.testing.shop import Fault
from tests.market import Market, Stall


def stocked(market: Market, stall: Stall, count: int):
    units = [market.shop.unit(f"U{number:03d}", 5) for number in range(count)]
    for unit in units:
        stall.offer(unit, shown=5)
    stall.run()
    return units


def channel(stall: Stall) -> Channel:
    with stall.market.shop.scope():
        return Channel.objects.get(pk=stall.channel.pk)


def sum_shown(stall: Stall) -> int:
    return sum(offer.quantity for offer in stall.emulator.offers.values())


@pytest.mark.parametrize(
    ("zeroings", "live", "stops"),
    [
        (10, 10, False),
        (11, 12, True),
        (12, 200, False),
        (51, 200, False),
        (61, 200, True),
        (50, 100, False),
        (51, 100, True),
        (400, 9000, False),
    ],
)
def test_what_is_too_many(zeroings: int, live: int, stops: bool) -> None:
    assert too_many(zeroings, live, limit=50, share=30) is stops


def test_a_source_of_zeros_leaves_the_shelves_of_the_market_alone(market: Market, stall: Stall) -> None:
    """C21: an empty source file; nothing leaves the house, and somebody is told."""
    units = stocked(market, stall, 30)
    for unit in units[1:]:
        market.stock(unit, 0)
    market.stock(units[0], 3)
    stall.run()

    stopped = channel(stall)
    assert stopped.stop_reason == "29 of 30 live offers would go to zero at once"
    assert stopped.stop_detail["zeroings"] == 29
    assert len(stopped.stop_detail["examples"]) == 10
    assert sum_shown(stall) == 29 * 5 + 3, "a cut to a figure above zero keeps flowing"
    with market.shop.scope():
        assert Notification.objects.filter(key=f"channel:{stopped.pk}:stopped", resolved_at=None).exists()

    market.settle(3)
    assert sum_shown(stall) == 29 * 5 + 3


def test_a_stopped_channel_finds_cuts_behind_any_number_of_zeroings(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """What must wait is not looked at: it would fill every window, and the cut behind it would be sold over."""
    monkeypatch.setattr(delivery, "WINDOW", 4)
    units = stocked(market, stall, 60)
    for unit in units[1:]:
        market.stock(unit, 0)
    stall.run()
    assert channel(stall).stopped_at is not None
    market.stock(units[0], 2)
    stall.run()
    assert sum_shown(stall) == 59 * 5 + 2


def test_a_stopped_channel_that_goes_blind_still_zeroes_nothing(market: Market, stall: Stall) -> None:
    units = stocked(market, stall, 30)
    for unit in units[1:]:
        market.stock(unit, 0)
    stall.run()
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=10_000, path="/v1/orders")
    market.clock.tick(60)
    market.stock(units[0], 3)
    stall.run(outcome="error")
    assert sum_shown(stall) == 29 * 5 + 3


def test_a_person_lets_the_plan_pass(market: Market, stall: Stall) -> None:
    units = stocked(market, stall, 20)
    for unit in units:
        market.stock(unit, 0)
    stall.run()
    stopped = channel(stall)
    with pytest.raises(NotThatPlan):
        breaker.release(market.shop.organisation.pk, stopped.pk, "another plan", "user:1")
    breaker.release(market.shop.organisation.pk, stopped.pk, stopped.stop_detail["fingerprint"], "user:1")
    stall.run()
    assert sum_shown(stall) == 0
    assert channel(stall).stopped_at is None
    with market.shop.scope():
        assert not Notification.objects.filter(key=f"channel:{stopped.pk}:stopped", resolved_at=None).exists()


def test_corrected_figures_start_the_channel_again(market: Market, stall: Stall) -> None:
    units = stocked(market, stall, 20)
    for unit in units:
        market.stock(unit, 0)
    stall.run()
    for unit in units:
        market.stock(unit, 4)
    with market.shop.use_case() as uc:
        assert breaker.look_again(uc, stall.channel.pk)
    stall.run()
    assert sum_shown(stall) == 80
    assert channel(stall).stopped_at is None


def test_selling_out_one_by_one_never_stops_a_channel(market: Market, stall: Stall) -> None:
    units = stocked(market, stall, 20)
    for unit in units:
        market.stock(unit, 0)
        stall.run()
    assert sum_shown(stall) == 0
    assert channel(stall).stopped_at is None


# --- prices -------------------------------------------------------------------------------------------------------------------------------


def priced(market: Market, stall: Stall, sku: str, intended: str) -> OfferPrice:
    """An offer of 10.00 on the market whose price is to be another."""
    offer = stall.offer(market.shop.unit(sku, 5), shown=5)
    with market.shop.use_case() as uc:
        Channel.objects.filter(pk=stall.channel.pk).update(prices_enabled=True)
        price = OfferPrice.objects.create(organisation_id=uc.organisation_id, offer=offer, currency="EUR", intended=Decimal(intended))
        settle(uc, offer.pk)
    return price


def settle(uc, offer: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        delivery_queries.settle(cursor, delivery_queries.PRICE, [offer], uc.at)


def test_a_price_edit_is_read_first_and_sent(market: Market, stall: Stall) -> None:
    """S4.38."""
    price = priced(market, stall, "MUG", "12.50")
    stall.run()
    assert stall.emulator.price_of("MUG") == Decimal("12.50")
    with market.shop.scope():
        price.refresh_from_db()
    assert (price.observed, price.sent, price.accepted, price.believed) == (Decimal(10), Decimal("12.5"), Decimal("12.5"), Decimal("12.5"))
    calls = len(stall.emulator.calls)
    stall.run()
    assert len(stall.emulator.calls) == calls


def test_a_refused_price_is_listed(market: Market, stall: Stall) -> None:
    price = priced(market, stall, "MUG", "12.50")
    stall.emulator.offers["MUG"].refuse_price = "above the ceiling"
    stall.run()
    with market.shop.scope():
        price.refresh_from_db()
    assert (price.refused, price.refused_message, price.believed) == (Decimal("12.5"), "above the ceiling", Decimal(10))


def test_a_deep_price_cut_stops_prices_but_not_quantities(market: Market, stall: Stall) -> None:
    """A price of one cent is a slip of the finger more often than a plan."""
    priced(market, stall, "MUG", "0.10")
    unit = market.shop.unit("CUP", 5)
    stall.offer(unit, shown=9)
    stall.run()
    assert stall.emulator.price_of("MUG") == Decimal("10.00")
    assert stall.emulator.quantity_of("CUP") == 5
    assert channel(stall).stop_reason == "the prices of 1 offers would fall by more than 50 %"
    market.stock(unit, 3)
    stall.run()
    assert stall.emulator.quantity_of("CUP") == 3
