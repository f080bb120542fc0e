"""What people change while both stalls trade: switches, holds, kits, places, exclusions, links. Every stall follows, nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from stallkeeper.catalog import kits, prices
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import links, reading, switches
from stallkeeper.channels.models import Channel, Drift, Offer, OfferPrice, OfferTodo
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock import holds, places
from stallkeeper.sync import lapses
from stallkit.testing.shop import Fault
from stallkit.types import Money, OfferRef, OfferStatus, RemoteOffer
from tests.scenarios.town import ACTOR, Stall, Town, assert_adds_up, assert_true, notices
from tests.shop import Shop

PLATFORMS = ["walmart", "emag"]


@pytest.fixture
def mug(firm: Shop) -> StockUnit:
    return firm.unit("MUG", 10)


@pytest.fixture
def stalls(town: Town, firm: Shop, mug: StockUnit) -> dict[str, Stall]:
    opened = {platform: town.stall(firm, platform, goods={"MUG": 10}) for platform in PLATFORMS}
    town.work(15)
    assert_true(*opened.values())
    return opened


def act(firm: Shop, name: str = "test.act"):
    return use_case(name, organisation_id=firm.organisation.pk, actor=ACTOR)


def turn(stall: Stall, **wanted: bool) -> None:
    with stall.use_case() as uc:
        switches.set_channel(uc, stall.channel.pk, **wanted)


def all_show(stalls: dict[str, Stall], **shown: int) -> None:
    assert {name: stall.shown() for name, stall in stalls.items()} == dict.fromkeys(stalls, shown)


# --- switches ---------------------------------------------------------------------------------------------------------------------------


def test_the_company_switch_holds_everything_back_and_lets_it_go(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """S3.29: orders keep coming in; acknowledgements, cancellations and numbers wait; then all of it goes out."""
    with act(firm) as uc:
        switches.set_company(uc, False)
    before = {name: len([call for call in stall.emulator.calls if call.method in {"PUT"}]) for name, stall in stalls.items()}
    orders = {name: stall.emulator.place_order([("MUG", 2)]) for name, stall in stalls.items()}
    town.work(30)
    for name, stall in stalls.items():
        assert stall.order(orders[name]).state == "new"
        assert stall.emulator.orders[orders[name]].acknowledge_calls == 0
        assert stall.shown() == {"MUG": 8}, "each platform subtracts its own sale only"
    assert before == {name: len([call for call in stall.emulator.calls if call.method in {"PUT"}]) for name, stall in stalls.items()}
    with act(firm) as uc:
        switches.set_company(uc, True)
    town.work(30)
    all_show(stalls, MUG=6)
    for name, stall in stalls.items():
        assert stall.emulator.orders[orders[name]].acknowledge_calls == 1
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_account_that_may_not_be_written_to_holds_its_own_part_back(
    town: Town, firm: Shop, stalls: dict[str, Stall], platform: str
) -> None:
    stall = stalls[platform]
    with stall.use_case() as uc:
        switches.set_writes(uc, stall.connection_id, False)
    order = stall.emulator.place_order([("MUG", 2)])
    writes = stall.writes()
    town.work(20)
    assert stall.order(order).state == "new"
    assert stall.emulator.orders[order].acknowledge_calls == 0
    assert stall.writes() == writes
    assert {name: each.shown() for name, each in stalls.items()} == {"walmart": {"MUG": 8}, "emag": {"MUG": 8}}
    with stall.use_case() as uc:
        switches.set_writes(uc, stall.connection_id, True)
    town.work(20)
    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert_true(*stalls.values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_acknowledging_that_is_switched_on_later_covers_the_orders_that_wait(
    town: Town, firm: Shop, stalls: dict[str, Stall], platform: str
) -> None:
    """S1.9: an order that came in while acknowledging was off is owed its answer as well."""
    stall = stalls[platform]
    turn(stall, acknowledge=False)
    order = stall.emulator.place_order([("MUG", 2)])
    gone = stall.emulator.place_order([("MUG", 1)])
    town.work(15)
    stall.emulator.buyer_cancels(gone)
    town.work(15)
    assert stall.emulator.orders[order].acknowledge_calls == 0
    turn(stall, acknowledge=True)
    town.work(15)
    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert stall.emulator.orders[gone].acknowledge_calls == 0
    assert_true(*stalls.values())
    assert not notices(firm)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_channel_without_orders_still_gets_its_numbers(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str
) -> None:
    """Somebody else takes this account's orders: there is nothing to wait for, and no alarm of silence."""
    stall = stalls[platform]
    with pytest.raises(switches.Unwatched, match="no orders of this account are taken"):
        turn(stall, orders=False)
    turn(stall, orders=False, without_orders=True)
    town.stock(firm, mug, 15)
    town.work(20)
    all_show(stalls, MUG=15)
    town.clock.tick(3600)
    town.work(20)
    assert list(notices(firm).values()) == [f"{stall.account.name}: stock is sent, and no orders are taken"], "it stands while it is so"
    turn(stall, orders=True)
    assert not notices(firm)
    turn(stall, stock=False)
    turn(stall, orders=False)
    assert not notices(firm)
    with pytest.raises(switches.Unwatched, match="no orders of this account are taken"):
        turn(stall, stock=True)


def test_a_channel_that_is_switched_off_keeps_its_figure_and_catches_up(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]
) -> None:
    emag = stalls["emag"]
    turn(emag, stock=False)
    town.stock(firm, mug, 4)
    town.work(30)
    assert (emag.shown(), stalls["walmart"].shown()) == ({"MUG": 10}, {"MUG": 4})
    assert emag.todo() == []
    turn(emag, stock=True)
    town.work(20)
    all_show(stalls, MUG=4)
    assert_true(*stalls.values())


# --- stock ------------------------------------------------------------------------------------------------------------------------------


def test_a_hold_by_hand_is_kept_from_every_stall_until_it_ends(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    with act(firm) as uc:
        holds.set_hold(uc, 1, mug.pk, firm.place.pk, 4, reason="fair", expires_at=town.clock.at + timedelta(minutes=10))
    town.work(15)
    all_show(stalls, MUG=6)
    town.clock.tick(601)
    assert lapses.run() == 1
    town.work(15)
    all_show(stalls, MUG=10)
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


def test_a_pending_order_that_is_never_paid_gives_its_units_back(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """C28: the hold ends after a day. Paid after all, the order is served from what is there, the rest is short."""
    emag = stalls["emag"]
    order = emag.emulator.place_order([("MUG", 4)], pending=True)
    town.work(15)
    all_show(stalls, MUG=6)
    town.clock.tick(24 * 3600 + 60)
    assert lapses.run() == 1
    town.work(30)
    assert stalls["walmart"].shown() == {"MUG": 10}
    assert emag.shown() == {"MUG": 10}, "eMAG goes on subtracting the four, so four more are told"
    stalls["walmart"].emulator.place_order([("MUG", 9)])
    town.work(15)
    emag.emulator.confirm_payment(order)
    town.work(30)
    assert [(line.allocated, line.short) for line in emag.lines(order)] == [(1, 3)]
    all_show(stalls, MUG=0)
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


def test_a_kit_that_is_made_of_other_parts_now(town: Town, firm: Shop) -> None:
    mug, lamp = firm.unit("MUG", 10), firm.unit("LAMP", 3)
    kit = firm.kit("SET", {mug: 2})
    stalls = {platform: town.stall(firm, platform, goods={"SET": 0}) for platform in PLATFORMS}
    town.work(15)
    all_show(stalls, SET=5)
    with act(firm) as uc:
        kits.set_components(uc, kit.pk, {mug.pk: 1, lamp.pk: 1})
    town.work(15)
    all_show(stalls, SET=3)
    assert_true(*stalls.values())


@pytest.mark.parametrize("change", [{"active": False}, {"sellable": False}], ids=["closed", "not for sale"])
def test_a_place_that_no_longer_sells(town: Town, firm: Shop, change: dict[str, bool]) -> None:
    """The stalls follow at once; what is promised there stays promised."""
    east = firm.add_place("EAST")
    firm.unit("MUG", {"MAIN": 4, "EAST": 6})
    stalls = {platform: town.stall(firm, platform, goods={"MUG": 0}) for platform in PLATFORMS}
    town.work(15)
    all_show(stalls, MUG=10)
    with act(firm) as uc:
        places.change(uc, east.pk, change)
    town.work(15)
    all_show(stalls, MUG=4)


def test_two_lines_of_one_unit_in_one_order(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """C2: summed per unit before anything is promised; shipped and cancelled line by line."""
    walmart = stalls["walmart"]
    walmart.emulator.split_lines = True
    order = walmart.emulator.place_order([("MUG", 3)])
    town.work(15)
    assert [(line.line_id, line.allocated) for line in walmart.lines(order)] == [("1", 1), ("2", 1), ("3", 1)]
    walmart.ship(order, {"1": 1}, tracking="T1")
    walmart.cancel(order, {"2": 1})
    town.work(30)
    assert [(line.shipped, line.cancelled) for line in walmart.emulator.orders[order].lines] == [(1, 0), (0, 1), (0, 0)]
    assert firm.level(mug) == (9, 1, 0)
    all_show(stalls, MUG=8)
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


# --- offers -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_offer_that_is_left_out_keeps_its_figure(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str
) -> None:
    """S4.36: nothing is sent for it; its orders are served all the same; taken in again it is put right."""
    stall = stalls[platform]
    with stall.use_case() as uc:
        links.exclude(uc, [stall.offer("MUG").pk], stock=True)
    writes = stall.writes()
    town.stock(firm, mug, 5)
    order = stall.emulator.place_order([("MUG", 1)])
    town.work(20)
    assert stall.writes() == writes
    assert stall.lines(order)[0].allocated == 1
    with stall.use_case() as uc:
        links.exclude(uc, [stall.offer("MUG").pk], stock=False)
    town.work(30)
    all_show(stalls, MUG=4)
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_link_that_was_wrong(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str) -> None:
    """Unlinked with an open order on it, then linked to the right unit: the next order takes from that one."""
    stall = stalls[platform]
    cup = firm.unit("CUP", 3)
    order = stall.emulator.place_order([("MUG", 1)])
    town.work(15)
    with stall.use_case() as uc:
        assert links.unlink(uc, [stall.offer("MUG").pk]) == 1
    town.work(10)
    with firm.scope():
        listing = stall.channel.listings.get(sku="MUG")
    with stall.use_case() as uc:
        links.choose(uc, listing.pk, cup.pk)
    town.work(30)
    assert stall.shown() == {"MUG": 3}
    later = stall.emulator.place_order([("MUG", 2)])
    town.work(15)
    assert (firm.level(mug), firm.level(cup)) == ((10, 1, 0), (3, 2, 0))
    assert stall.shown() == {"MUG": 1}
    stall.ship(order)
    stall.ship(later)
    town.work(60)
    assert (firm.level(mug), firm.level(cup)) == ((9, 0, 0), (1, 0, 0))
    assert stall.shown() == {"MUG": 1}
    assert_true(stall)
    assert_adds_up(firm, calm=True)


# --- prices -----------------------------------------------------------------------------------------------------------------------------


def sell_at(stall: Stall, unit: StockUnit, price: str) -> int:
    with stall.use_case() as uc:
        base = prices.price_list(uc, f"base-{stall.platform}", stall.channel.currency, tax_included=False)
        prices.set_prices(uc, base.pk, {unit.pk: Decimal(price)})
    with stall.use_case() as uc:
        Channel.objects.filter(pk=stall.channel.pk).update(price_list=base)
    turn(stall, prices=True)
    return base.pk


@pytest.mark.parametrize("fault", [None, Fault.DROP_AFTER, Fault.SERVER_ERROR_AFTER, Fault.DROP_BEFORE, Fault.HTML, Fault.RATE_LIMIT])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_price_goes_out(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str, fault: Fault | None) -> None:
    """Also after a lost reply; on Walmart nobody can read a price, so there it is sent again, which is harmless."""
    stall = stalls[platform]
    base = sell_at(stall, mug, "10.00")
    town.work(15)
    if fault:
        stall.emulator.fail_next(fault, path={"walmart": "/v3/price", "emag": "/offer/save"}[platform])
    with stall.use_case() as uc:
        prices.set_prices(uc, base, {mug.pk: Decimal("11.50")})
    town.work(60)
    assert stall.emulator.price_of("MUG") == Decimal("11.50")
    with firm.scope():
        price = OfferPrice.objects.get(offer=stall.offer("MUG"))
        assert (price.intended, price.believed) == (Decimal("11.50"), Decimal("11.50"))
    assert_true(*stalls.values())
    assert not notices(firm)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_price_that_somebody_changed_there_is_seen_and_put_right(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str
) -> None:
    """Walmart tells prices only in its catalogue, so that is where the difference must be found."""
    stall = stalls[platform]
    sell_at(stall, mug, "10.00")
    town.work(15)
    stall.emulator.offers["MUG"].price = Decimal("1.00")
    town.clock.tick(3 * 3600)
    town.work(60)
    assert stall.emulator.price_of("MUG") == Decimal("10.00")
    with firm.scope():
        assert list(Drift.objects.filter(kind="price").values_list("believed", "observed")) == [(Decimal("10.00"), Decimal("1.00"))]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_price_that_went_out_a_moment_ago_is_not_doubted(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str
) -> None:
    """Catalogues lag: one that still shows the old price says nothing."""
    stall = stalls[platform]
    base = sell_at(stall, mug, "10.00")
    town.clock.tick(3 * 3600)
    town.work(60)
    with stall.use_case() as uc:
        prices.set_prices(uc, base, {mug.pk: Decimal("12.00")})
    town.work(20)
    with stall.use_case() as uc:
        old = Money(Decimal("10.00"), stall.channel.currency)
        listing = RemoteOffer(OfferRef("MUG", stall.offer("MUG").external_id), "Mug", OfferStatus.LIVE, price=old)
        assert reading.write_listed(uc, stall.channel.pk, [listing], town.clock.at) == 0
    with firm.scope():
        assert OfferPrice.objects.get(offer=stall.offer("MUG")).believed == Decimal("12.00")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_refused_price_does_not_hold_up_the_quantity(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall], platform: str
) -> None:
    stall = stalls[platform]
    base = sell_at(stall, mug, "10.00")
    town.work(15)
    stall.emulator.offers["MUG"].refuse_price = "sale_price is lower than min_sale_price"
    with stall.use_case() as uc:
        prices.set_prices(uc, base, {mug.pk: Decimal("8.00")})
    town.stock(firm, mug, 7)
    town.work(30)
    with firm.scope():
        price = OfferPrice.objects.get(offer=stall.offer("MUG"))
        assert "lower than min_sale_price" in price.refused_message
    assert stall.emulator.price_of("MUG") == Decimal("10.00")
    all_show(stalls, MUG=7)


def test_a_price_that_is_left_out_waits_no_longer(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """What waits to be sent is what will be sent; taken in again, it waits again."""
    stall = stalls["walmart"]
    sell_at(stall, mug, "12.00")
    offer = stall.offer("MUG")

    def waits(**out: bool) -> list[str]:
        with stall.use_case() as uc:
            links.exclude(uc, [offer.pk], **out)
        assert_adds_up(firm)
        with firm.scope():
            return list(OfferTodo.objects.filter(offer=offer).values_list("kind", flat=True))

    assert waits(prices=False) == ["price"]
    assert waits(prices=True) == []
    assert waits(prices=False) == ["price"]


def test_seventy_prices_go_out_as_one_feed(town: Town, firm: Shop) -> None:
    """Walmart takes a hundred single prices an hour; many go by feed."""
    skus = [f"U{number:02d}" for number in range(70)]
    units = [firm.unit(sku, 1) for sku in skus]
    walmart = town.stall(firm, "walmart", goods=dict.fromkeys(skus, 1))
    with walmart.use_case() as uc:
        base = prices.price_list(uc, "base", "USD", tax_included=False)
        prices.set_prices(uc, base.pk, {unit.pk: Decimal("10.00") for unit in units})
        Channel.objects.filter(pk=walmart.channel.pk).update(price_list=base)
    turn(walmart, prices=True)
    town.work(15)
    with walmart.use_case() as uc:
        prices.set_prices(uc, base.pk, {unit.pk: Decimal("12.00") for unit in units})
    for _ in range(12):
        town.work(4)
        town.clock.tick(60)
    assert {walmart.emulator.price_of(sku) for sku in skus} == {Decimal("12.00")}
    assert sum(call.path == "/v3/price" for call in walmart.emulator.calls) == 0
    with firm.scope():
        assert set(OfferPrice.objects.values_list("believed", flat=True)) == {Decimal("12.0000")}
        assert Offer.objects.count() == 70
        assert not Order.objects.exists()
        assert not OrderLine.objects.exists()
