"""Ozon beside another stall, one pool: postings are packed, leave, are cancelled in part and split, and every figure follows."""

from __future__ import annotations

import pytest

from stallkeeper.catalog.models import StockUnit
from stallkit.adapters.ozon.emulator import Emulator
from stallkit.types import CancelReason
from tests.scenarios.town import Stall, Town, assert_adds_up, assert_true
from tests.shop import Shop


@pytest.fixture
def mug(firm: Shop) -> StockUnit:
    return firm.unit("MUG", 10)


def open_both(town: Town, firm: Shop, scheme: str) -> tuple[Stall, Stall]:
    ozon, emag = town.stall(firm, "ozon", goods={"MUG": 10}, scheme=scheme), town.stall(firm, "emag", goods={"MUG": 10})
    town.work(40)
    assert_true(ozon, emag)
    return ozon, emag


@pytest.fixture
def stalls(town: Town, firm: Shop, mug: StockUnit) -> tuple[Stall, Stall]:
    return open_both(town, firm, "fbs")


@pytest.fixture
def own_courier(town: Town, firm: Shop, mug: StockUnit) -> tuple[Stall, Stall]:
    """rFBS: the seller tells what leaves, and decides on his buyers' wishes to cancel."""
    return open_both(town, firm, "rfbs")


def all_true(town: Town, firm: Shop, stalls: tuple[Stall, Stall], shown: int) -> None:
    """Everything has come to rest, and both show the same."""
    town.work(60)
    assert [stall.shown() for stall in stalls] == [{"MUG": shown}] * 2
    assert_true(*stalls)
    assert_adds_up(firm, calm=True)
    assert town.breaches == []


def shop_of(stall: Stall) -> Emulator:
    assert isinstance(stall.emulator, Emulator)
    return stall.emulator


def test_an_order_is_packed_ships_and_is_gone_with_the_scan(town: Town, firm: Shop, mug: StockUnit, stalls: tuple[Stall, Stall]) -> None:
    """What the seller says of it leaves the shelf at once; Ozon goes on showing the posting as packed until it is scanned."""
    ozon, _ = stalls
    order = ozon.emulator.place_order([("MUG", 3)])
    town.work(40)
    assert (ozon.order(order).state, ozon.command(order, "acknowledge").state) == ("acknowledged", "done")
    ozon.ship(order)
    town.work(40)
    assert ozon.command(order, "ship").state == "done"
    assert (ozon.order(order).state, firm.level(mug)) == ("shipped", (7, 0, 0))
    ozon.emulator.scan(order)
    all_true(town, firm, stalls, 7)
    assert ozon.order(order).state == "shipped"


def test_a_part_that_we_cancel_comes_back_once(town: Town, firm: Shop, mug: StockUnit, stalls: tuple[Stall, Stall]) -> None:
    """Ozon shows the posting without the cancelled unit from then on: it is not subtracted a second time."""
    ozon, _ = stalls
    order = ozon.emulator.place_order([("MUG", 3)])
    town.work(40)
    (line,) = ozon.lines(order)
    ozon.cancel(order, {line.line_id: 1}, CancelReason.OUT_OF_STOCK)
    all_true(town, firm, stalls, 8)
    assert ozon.command(order, "cancel").state == "done"
    assert [line.open for line in ozon.lines(order)] == [2]
    town.work(400)
    assert [line.open for line in ozon.lines(order)] == [2]
    all_true(town, firm, stalls, 8)


def test_a_whole_posting_that_we_cancel(town: Town, firm: Shop, stalls: tuple[Stall, Stall]) -> None:
    ozon, _ = stalls
    order = ozon.emulator.place_order([("MUG", 3)])
    town.work(40)
    ozon.cancel(order, reason=CancelReason.OUT_OF_STOCK)
    all_true(town, firm, stalls, 10)
    assert (ozon.order(order).state, ozon.emulator.orders[order].cancel_calls) == ("cancelled", 1)


def test_a_posting_that_is_split_up_is_sold_once(town: Town, firm: Shop, mug: StockUnit, stalls: tuple[Stall, Stall]) -> None:
    ozon, _ = stalls
    order = ozon.emulator.place_order([("MUG", 3)])
    town.work(40)
    parts = shop_of(ozon).split_posting(order, [[("MUG", 2)], [("MUG", 1)]])
    all_true(town, firm, stalls, 7)
    assert firm.level(mug) == (10, 3, 0)
    assert [ozon.order(part).state for part in parts] == ["acknowledged"] * 2
    assert ozon.order(order).state == "cancelled"


def test_the_seller_tells_what_leaves(town: Town, firm: Shop, mug: StockUnit, own_courier: tuple[Stall, Stall]) -> None:
    ozon, _ = own_courier
    order = ozon.emulator.place_order([("MUG", 2)])
    town.work(40)
    ozon.ship(order, tracking="TRACK-1")
    all_true(town, firm, own_courier, 8)
    assert (ozon.order(order).state, ozon.command(order, "ship").state, firm.level(mug)) == ("shipped", "done", (8, 0, 0))
    assert [(line.shipped, line.tracking_number) for line in ozon.emulator.orders[order].lines] == [(2, "TRACK-1")]
    assert ozon.emulator.orders[order].ship_calls == 1


def test_a_buyers_wish_is_shown_and_a_person_grants_it(town: Town, firm: Shop, own_courier: tuple[Stall, Stall]) -> None:
    ozon, _ = own_courier
    order = ozon.emulator.place_order([("MUG", 2)])
    town.work(40)
    ozon.emulator.request_cancel(order)
    town.work(310)
    assert [line.cancel_requested for line in ozon.lines(order)] == [2]
    ozon.cancel(order, reason=CancelReason.BUYER_ASKED)
    all_true(town, firm, own_courier, 10)
    assert (ozon.order(order).state, ozon.emulator.orders[order].cancel_calls) == ("cancelled", 1)


def test_a_person_declines_a_buyers_wish(town: Town, firm: Shop, own_courier: tuple[Stall, Stall]) -> None:
    ozon, _ = own_courier
    order = ozon.emulator.place_order([("MUG", 2)])
    town.work(40)
    ozon.emulator.request_cancel(order)
    town.work(310)
    ozon.ship(order, although_asked=True)
    all_true(town, firm, own_courier, 8)
    assert ozon.order(order).state == "shipped"
    assert shop_of(ozon).requests == {}
