"""The exposure of shared mode: what was at risk, how long, what it cost; by channel and day (issue 4, guarded mode)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import connection

from stallkeeper.backoffice.today_queries import lag_cut_accepted
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import fences, guarding
from stallkeeper.core import clock
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.orders import exposure
from stallkeeper.orders.exposure import Day
from stallkeeper.orders.models import Exposure, Order
from stallkeeper.sync import exposures
from tests.market import Market, Stall
from tests.shop import Shop


def opened(market: Market, on_hand: int, *rules: dict) -> list[Stall]:
    """Stalls with these rules that show what there is, confirmed, for some hours."""
    stalls = [market.stall(**rule) for rule in rules]
    mug = market.shop.unit("MUG", on_hand)
    for stall in stalls:
        stall.offer(mug, shown=0)
    market.settle(4)
    market.clock.tick(3 * 3600)
    return stalls


def measured(market: Market) -> dict[str, Day]:
    exposures.run()
    with market.shop.scope():
        found = exposure.days(market.shop.organisation, clock.now() - timedelta(days=1))
    return {day.channel_code: day for day in found}


def test_units_shown_beyond_what_was_there_count_until_the_cut_is_accepted(market: Market) -> None:
    """Two of three are sold on the first: the second showed two too many. A channel that keeps two back was never at risk."""
    first, second, careful = opened(market, 3, {}, {}, {"buffer": 2})
    order = first.emulator.place_order([("MUG", 2)])
    market.clock.tick(40)
    market.settle(3)
    assert [stall.emulator.quantity_of("MUG") for stall in (second, careful)] == [1, 0]
    days = measured(market)
    assert set(days) == {second.channel.code}
    day = days[second.channel.code]
    with market.shop.scope():
        sold = Order.objects.get(external_id=order).ordered_at
        accepted = second.channel.offers.get().accepted_at
    waited = (accepted - sold).total_seconds()
    assert (day.cuts, day.units, day.worst, day.oversold) == (1, 2, 2, 0)
    assert abs(day.seconds - waited) < 0.01
    assert abs(day.unit_seconds - 2 * waited) < 0.01
    assert measured(market) == days, "measured again, it is the same"


def test_what_is_kept_for_one_channel_is_there_for_the_count(market: Market) -> None:
    """Two of five are kept for the first, which sells four: the second showed three, and one was left. Two were at risk, not three."""
    first, second = [market.stall() for _ in range(2)]
    mug = market.shop.unit("MUG", 5)
    for stall in (first, second):
        stall.offer(mug, shown=0)
    with market.shop.use_case("set.fence") as uc:
        fences.set_fence(uc, first.channel, mug, 2)
    market.settle(4)
    assert [stall.emulator.quantity_of("MUG") for stall in (first, second)] == [5, 3]
    market.clock.tick(3 * 3600)
    first.emulator.place_order([("MUG", 4)])
    market.settle(3)
    assert [stall.emulator.quantity_of("MUG") for stall in (first, second)] == [1, 0]
    assert [(code, day.cuts, day.units) for code, day in measured(market).items()] == [(second.channel.code, 1, 2)]


def test_guarded_units_are_at_no_risk(market: Market) -> None:
    """Cut because units went elsewhere, or because some are kept for another channel: nobody ever showed what was not there."""
    stalls = [market.stall() for _ in range(2)]
    mug = market.shop.unit("MUG", 6)
    with market.shop.use_case("set.guard") as uc:
        guarding.set_unit(uc, mug, True)
    for stall in stalls:
        stall.offer(mug, shown=0)
    with market.shop.use_case("offers.refresh") as uc:
        guarding.refresh.drain_stale(uc)
    market.settle(4)
    market.clock.tick(3 * 3600)
    with market.shop.use_case("set.fence") as uc:
        fences.set_fence(uc, stalls[0].channel, mug, 5)
    market.settle(3)
    assert [stall.emulator.quantity_of("MUG") for stall in stalls] == [5, 1]
    stalls[0].emulator.place_order([("MUG", 5)])
    market.settle(3)
    assert measured(market) == {}


def test_what_was_sold_beyond_has_its_price(market: Market) -> None:
    first, second = opened(market, 1, {}, {})
    first.emulator.place_order([("MUG", 1)])
    second.emulator.place_order([("MUG", 1)])
    market.settle(4)
    days = measured(market)
    oversold = [day for day in days.values() if day.oversold]
    assert [(day.lines, day.oversold) for day in oversold] == [(1, 1)]
    ((currency, worth),) = oversold[0].cost
    assert currency == "EUR"
    assert worth > Decimal(0)


def test_other_firms_see_nothing_and_what_is_no_longer_so_goes(market: Market) -> None:
    first, _second = opened(market, 3, {}, {})
    first.emulator.place_order([("MUG", 1)])
    market.settle(3)
    assert measured(market)
    other = Shop.open()
    with organisation_scope(other.organisation.pk):
        assert exposure.days(other.organisation, clock.now() - timedelta(days=1)) == []
    with market.shop.scope():
        Exposure.objects.update(hour=clock.now().replace(minute=0, second=0, microsecond=0), units=77)
    exposures.run()
    with market.shop.scope():
        assert 77 not in Exposure.objects.values_list("units", flat=True)


def test_only_a_cut_that_an_order_asked_for_counts_as_its_cut(market: Market) -> None:
    """S1.20: the first sells all three, the second one of them once more. The second is cut at once; of its own order nothing is left to
    cut elsewhere, and the raise of the first, when goods come five minutes later, is no cut that took five minutes."""
    first, second = opened(market, 3, {}, {})
    since = market.clock()
    first.emulator.place_order([("MUG", 3)])
    second.emulator.place_order([("MUG", 1)])
    market.settle(3)
    market.clock.tick(300)
    with market.shop.scope():
        market.stock(StockUnit.objects.get(sku="MUG"), 10)
    market.settle(3)
    assert first.emulator.quantity_of("MUG") == 6
    with market.shop.scope(), connection.cursor() as cursor:
        ((_minute, half, most),) = lag_cut_accepted(cursor, market.shop.organisation.pk, since)
    assert 0 < half == most < 60
