"""The traps of Yandex Market that its FACTS name: figures, warehouses, limits, prices. Orders have a file of their own."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from stallkit.adapters.yandex_market import wire
from stallkit.adapters.yandex_market.emulated_stock import GROUPED
from stallkit.adapters.yandex_market.emulator import CONFIG, LARGEST, WAREHOUSE, Emulator
from stallkit.adapters.yandex_market.manifest import MANIFEST
from stallkit.adapters.yandex_market.wire import ref_of
from stallkit.errors import NeedsReconnect, Refused, SlowDown
from stallkit.testing.emulator import Fault
from stallkit.testing.serving import call_wsgi
from stallkit.types import Accepted, Money, OfferRef, OfferStatus, PriceIntent, Rejected, StockIntent
from tests.contract.yandex_account import BLUE, RED, START, World

HEADERS = {"Api-Key": CONFIG["api_key"], "Content-Type": "application/json"}


# --- figures ------------------------------------------------------------------------------------------------------------------------------


def test_the_figure_is_net_and_the_market_subtracts_nothing_twice():
    """20 in stock, 2 ordered, push 18."""
    world = World()
    world.push(CUP_RED=20)
    world.order(("CUP-RED", 2))
    assert world.shown() == (18, 2)
    world.push(CUP_RED=18)
    assert world.shown() == (18, 2)


def test_the_reserve_tells_of_orders_before_they_are_read():
    world = World()
    world.order(("CUP-RED", 3))
    state = world.state()
    assert (state.quantity, state.reserved) == (7, 3)


def test_the_reserve_ends_when_the_goods_leave_not_when_they_are_ready():
    world = World()
    order_id = world.order()
    world.ship(order_id)
    assert world.state().reserved == 2
    world.shop.scan(order_id)
    assert (world.state().quantity, world.state().reserved) == (8, 0)


def test_a_cancelled_order_is_for_sale_again_by_itself_unless_it_was_packed():
    world = World()
    before, packed = world.order(), world.order()
    world.ship(packed)
    assert world.shop.buyer_cancels(before)
    assert world.shown() == (8, 2)
    assert world.shop.buyer_cancels(packed)
    assert world.shown() == (8, 0), "units of a packed order come back only by a push"


def test_acknowledging_is_not_packing():
    world = World()
    order_id = world.order()
    world.adapter.acknowledge(order_id)
    world.shop.buyer_cancels(order_id)
    assert world.shown() == (10, 0)


def test_every_figure_says_when_it_was_true():
    world = World()
    world.later(minutes=1)
    world.adapter.write_stock([world.intent(RED, 4, START), StockIntent(BLUE, 4, WAREHOUSE)])
    (body,) = world.bodies("/stocks/update")
    assert [item["updatedAt"] for item in body["skuItems"]] == ["2026-09-01T12:00:00+00:00", "2026-09-01T12:01:00+00:00"]


def test_a_figure_that_was_true_before_the_last_one_is_dropped_in_silence():
    world = World()
    world.later(minutes=1)
    world.push(CUP_RED=4)
    assert world.adapter.write_stock([world.intent(RED, 9, START)]) == {RED: Accepted()}
    assert world.shop.quantity_of("CUP-RED") == 4
    world.shop.drops_late_figures = False
    world.adapter.write_stock([world.intent(RED, 9, START)])
    assert world.shop.quantity_of("CUP-RED") == 9


def test_sold_out_is_sent_as_zero():
    world = World()
    world.push(CUP_RED=0)
    assert world.bodies("/stocks/update")[0]["skuItems"][0]["count"] == 0
    assert not world.can_buy("CUP-RED", 1)


def test_a_figure_shows_some_time_later_and_reading_the_old_one_is_no_refusal():
    world = World(visible_after=900)
    assert world.push(CUP_RED=4) == {RED: Accepted()}
    assert world.state().quantity == 10
    world.later(minutes=14)
    assert world.state().quantity == 10
    world.later(minutes=2)
    assert world.state().quantity == 4


def test_the_diary_says_since_when_a_figure_was_shown_not_when_somebody_looked():
    world = World(visible_after=2)
    world.push(CUP_RED=4)
    world.later(seconds=30)
    world.order(("CUP-RED", 3), force=True)
    assert world.shop.quantity_of("CUP-RED") == 1
    told = [(change.at, change.cause, change.before, change.after) for change in world.shop.diary]
    assert told == [(START + timedelta(seconds=2), "push", 10, 4), (START + timedelta(seconds=30), "sale", 4, 1)]


def test_a_cancellation_and_an_edit_find_what_is_due():
    world = World(visible_after=2)
    order_id = world.order(("CUP-RED", 3))
    world.push(CUP_RED=4)
    world.later(seconds=30)
    assert world.shop.buyer_cancels(order_id)
    world.push(CUP_RED=5)
    world.later(seconds=30)
    world.shop.edit_quantity("CUP-RED", 6)
    told = [(change.cause, change.before, change.after) for change in world.shop.diary]
    assert told == [("sale", 10, 7), ("push", 7, 4), ("cancel", 4, 7), ("push", 7, 5), ("edit", 5, 6)]


def test_orders_that_come_before_a_figure_shows_are_subtracted_from_it():
    world = World(visible_after=900)
    world.push(CUP_RED=4)
    world.order(("CUP-RED", 3))
    world.later(minutes=16)
    assert world.shown() == (1, 3)


def test_an_edit_in_the_cabinet_holds_against_a_figure_that_is_under_way():
    world = World(visible_after=900)
    world.push(CUP_RED=4)
    world.later(seconds=1)
    world.shop.edit_quantity("CUP-RED", 6)
    world.later(minutes=16)
    assert world.state().quantity == 6


def test_figures_that_are_left_out_follow_from_the_other_two_or_are_unknown():
    def state(**figures: int):
        stocks = tuple(wire.Stock(name, count) for name, count in figures.items())
        told = wire.parse_state(RED, wire.OfferStock("CUP-RED", stocks))
        return told.quantity, told.reserved

    assert state(FIT=5, FREEZE=2) == (3, 2)
    assert state(FIT=5, AVAILABLE=3) == (3, 2)
    assert state(AVAILABLE=3) == (3, None)
    assert state(FREEZE=2, DEFECT=7) == (None, 2)
    assert state() == (None, None)


def test_stock_that_is_left_open_is_unknown_and_not_zero():
    world = World()
    world.shop.fail_next(Fault.UNTOLD, path="/v3/businesses/900001/offers/stocks")
    assert (world.state().quantity, world.state().quantity) == (None, 10)


# --- batches ------------------------------------------------------------------------------------------------------------------------------


def test_a_sku_that_the_refusal_names_is_refused_and_the_others_go_out_without_it():
    world = World()
    gone = ref_of("NOT-THERE")
    outcomes = world.adapter.write_stock([world.intent(RED, 4), world.intent(gone, 4), world.intent(BLUE, 4)])
    assert outcomes[RED] == outcomes[BLUE] == Accepted()
    assert isinstance(outcomes[gone], Rejected)
    assert [len(body["skuItems"]) for body in world.bodies("/stocks/update")] == [3, 2]
    assert (world.shop.quantity_of("CUP-RED"), world.shop.quantity_of("CUP-BLUE")) == (4, 4)


def test_a_refusal_that_names_nobody_refuses_the_batch_for_the_caller_to_halve():
    world = World()
    world.shop.names_bad_skus = False
    gone = ref_of("NOT-THERE")
    with pytest.raises(Refused, match="Offer not found"):
        world.adapter.write_stock([world.intent(RED, 4), world.intent(gone, 4)])
    assert world.shop.quantity_of("CUP-RED") == 10
    (alone,) = world.adapter.write_stock([world.intent(gone, 4)]).values()
    assert isinstance(alone, Rejected)


def test_a_sku_is_not_blamed_for_one_that_it_is_part_of():
    refs = [ref_of("557722"), ref_of("0557722"), ref_of("CUP RED")]
    assert wire.named_in("BAD_REQUEST: 0557722 : Offer not found", refs) == [refs[1]]
    assert wire.named_in("BAD_REQUEST: «557722», wrong", refs) == [refs[0]]
    assert wire.named_in("BAD_REQUEST: CUP RED : Offer not found", refs) == [refs[2]]
    assert wire.named_in("BAD_REQUEST: something is wrong", refs) == []


def test_leading_zeros_make_another_product():
    world = World()
    for sku, quantity in (("557722", 3), ("0557722", 8)):
        world.shop.add_offer(sku, quantity=quantity)
    short, long = ref_of("557722"), ref_of("0557722")
    states = world.adapter.read_states([short, long], WAREHOUSE)
    assert (states[short].quantity, states[long].quantity) == (3, 8)
    world.adapter.write_stock([world.intent(short, 1)])
    assert (world.shop.quantity_of("557722"), world.shop.quantity_of("0557722")) == (1, 8)


def test_blanks_around_a_sku_are_cut_as_the_market_cuts_them():
    world = World()
    padded = OfferRef(" CUP-RED ", " CUP-RED ")
    assert world.adapter.write_stock([world.intent(padded, 4)]) == {padded: Accepted()}
    assert world.adapter.read_states([padded], WAREHOUSE)[padded].quantity == 4
    assert ref_of(" CUP-RED ") == RED


def test_the_largest_batch_fits_into_a_body():
    """512 KB, with the longest SKUs there can be in letters of two bytes, and the longest figures."""
    intents = [
        StockIntent(ref_of(f"{number:04d}" + "Щ" * 251), MANIFEST.quirks.max_quantity, WAREHOUSE, START + timedelta(microseconds=number))
        for number in range(MANIFEST.stock_batch)
    ]
    assert len(msgspec.json.encode(wire.build_stock(intents, 99_999_999_999, START))) < LARGEST
    prices = [PriceIntent(intent.ref, Money(Decimal("99999999.99"), "RUB")) for intent in intents]
    assert len(msgspec.json.encode(wire.build_prices(prices))) < LARGEST


# --- warehouses ---------------------------------------------------------------------------------------------------------------------------


def test_warehouses_are_told_with_what_is_wrong_with_them():
    told = {one.id: one for one in World().adapter.read_warehouses()}
    assert {number: (one.scheme, one.usable, one.note) for number, one in told.items()} == {
        "30001": ("fbs", True, ""),
        "30002": ("dbs", True, ""),
        "30003": ("fbs", False, "FBS DISABLED_BY_INACTIVITY"),
    }


def test_figures_are_kept_per_warehouse():
    world = World()
    world.adapter.write_stock([world.intent(RED, 4, warehouse="30002")])
    assert (world.state(warehouse="30002").quantity, world.state().quantity) == (4, 10)


def test_a_warehouse_that_the_cabinet_does_not_have_is_refused_before_anything_is_sent():
    world = World()
    with pytest.raises(Refused, match="30999"):
        world.adapter.write_stock([world.intent(RED, 4, warehouse="30999")])
    assert not world.calls("/stocks/update")


def grouped() -> World:
    world = World()
    world.shop.warehouses = GROUPED
    return world


def test_in_a_cabinet_with_groups_one_warehouse_stands_for_its_group():
    told = {one.id: one for one in grouped().adapter.read_warehouses()}
    assert [(number, one.usable) for number, one in told.items()] == [("30001", True), ("30002", False), ("30004", True)]
    assert "30001" in told["30002"].note


def test_in_a_cabinet_with_groups_figures_go_by_shop():
    world = grouped()
    assert world.push(CUP_RED=4) == {RED: Accepted()}
    (body,) = world.bodies("/v2/campaigns/21000001/offers/stocks")
    assert body == {"skus": [{"sku": "CUP-RED", "items": [{"count": 4, "updatedAt": "2026-09-01T12:00:00+00:00"}]}]}
    assert not world.calls("/stocks/update")
    world.order(("CUP-RED", 1))
    state = world.state()
    assert (state.quantity, state.reserved) == (3, 1)


def test_an_order_from_a_grouped_warehouse_belongs_to_the_one_that_stands_for_it():
    world = grouped()
    order_id = world.order()
    world.shop.orders[order_id].extra["warehouse"] = "30002"
    assert world.read(order_id).warehouse == "30001"


def test_an_order_from_a_warehouse_that_nobody_knows_is_from_none_in_particular():
    """It must be reserved all the same: the contract calls the number one "in the shop's system"."""
    world = World()
    order_id = world.order()
    assert world.read(order_id).warehouse == WAREHOUSE
    world.shop.orders[order_id].extra["warehouse"] = "MAIN"
    assert world.read(order_id).warehouse == ""


# --- limits and errors --------------------------------------------------------------------------------------------------------------------


def test_too_many_calls_are_http_420_until_a_date():
    world = World()
    for _ in range(50):
        world.push(CUP_RED=4)
        world.later(seconds=0.5)
    with pytest.raises(SlowDown) as caught:
        world.push(CUP_RED=4)
    assert caught.value.status == 420
    assert caught.value.retry_after == pytest.approx(35, abs=1)
    assert world.pacer.blocked == [("stock_write", caught.value.retry_after)]
    world.later(seconds=caught.value.retry_after + 1)
    world.push(CUP_RED=4)


def test_one_resource_that_is_used_up_leaves_the_others_open():
    world = World()
    for _ in range(50):
        world.push(CUP_RED=4)
    with pytest.raises(SlowDown):
        world.push(CUP_RED=4)
    assert world.state().quantity == 4


def test_our_own_buckets_stay_under_the_market_s_windows():
    """Capacity and refill together are at most what one window allows."""
    published = {"stock_write": 50, "stock_read": 500, "catalogue": 600, "prices": 20, "group_stock_write": 200, "group_stock_read": 200}
    hourly = {"orders": 100_000, "order_actions": 100_000, "cancel_decisions": 500, "returns": 10_000, "account": 1_000}
    for limit in MANIFEST.limits:
        window, allowed = (60, published[limit.bucket]) if limit.bucket in published else (3_600, hourly[limit.bucket])
        assert limit.capacity + limit.capacity * window / limit.per.total_seconds() <= allowed, limit.bucket


def test_a_third_call_at_the_same_time_is_refused():
    shop = Emulator(lambda: START)
    inside, go = threading.Barrier(3), threading.Event()

    def slow(_seconds: float) -> None:
        inside.wait(5)
        go.wait(5)

    shop.sleep, shop.dials = slow, type(shop.dials)(latency=1.0)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(call_wsgi(shop, "POST", "/v2/auth/token", HEADERS, b"{}")[0])) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    inside.wait(5)
    status, headers, _ = call_wsgi(shop, "POST", "/v2/auth/token", HEADERS, b"{}")
    go.set()
    for thread in threads:
        thread.join(5)
    assert status == 420
    assert "X-RateLimit-Resource-Until" in dict(headers)
    assert statuses == [200, 200]


def test_a_shop_for_which_a_method_is_locked_refuses_in_its_words():
    world = World(price_campaign_id="21000001")
    world.shop.prices_per_shop = False
    (refused,) = world.adapter.write_prices([PriceIntent(RED, Money(Decimal(90), "RUB"))]).values()
    assert refused == Rejected("LOCKED", "LOCKED: Shop 21000001 has no prices of its own, use the prices of the cabinet")


def test_access_that_is_denied_needs_a_person():
    world = World()
    world.shop.fail_next(Fault.IP_BLOCKED)
    with pytest.raises(NeedsReconnect, match="Access denied"):
        world.state()


def test_the_probe_names_the_rights_that_are_missing():
    world = World()
    world.shop.scopes = ["INVENTORY_AND_ORDER_PROCESSING", "PRICING_READ_ONLY"]
    info = world.adapter.probe()
    assert (info.account_id, info.name, info.credentials_expire_at) == ("900001", "Ada's cabinet", None)
    assert info.rights == ("INVENTORY_AND_ORDER_PROCESSING", "PRICING_READ_ONLY")
    assert [word for warning in info.warnings for word in warning.split() if word.startswith(("PRICING", "OFFERS"))] == [
        "OFFERS_AND_CARDS_MANAGEMENT,",
        "PRICING,",
    ]
    world.shop.scopes = ["ALL_METHODS"]
    assert world.adapter.probe().warnings == ()


def test_the_cabinet_is_found_by_its_key():
    world = World(business_id="")
    assert world.push(CUP_RED=4) == {RED: Accepted()}
    assert world.adapter.probe().account_id == "900001"


def test_a_cabinet_that_the_key_does_not_show_is_warned_about():
    world = World(business_id="900002")
    assert "900002" in world.adapter.probe().warnings[0]


# --- offers and prices --------------------------------------------------------------------------------------------------------------------


def test_prices_are_for_the_cabinet_or_for_the_shop_that_is_named():
    intents = [PriceIntent(RED, Money(Decimal("129.90"), "RUB"))]
    world = World()
    assert world.adapter.write_prices(intents) == {RED: Accepted()}
    (call,) = world.calls("/v2/businesses/900001/offer-prices/updates")
    assert b'"value":129.90,"currencyId":"RUR"' in call.request_body
    world = World(price_campaign_id="21000001")
    world.adapter.write_prices(intents)
    assert world.calls("/v2/campaigns/21000001/offer-prices/updates")
    assert world.shop.price_of("CUP-RED") == Decimal("129.90")


def test_a_currency_that_the_market_does_not_count_in_is_refused_here():
    world = World()
    (refused,) = world.adapter.write_prices([PriceIntent(RED, Money(Decimal(9), "EUR"))]).values()
    assert isinstance(refused, Rejected)
    assert not world.exchanges


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (["PUBLISHED", "REJECTED_BY_MARKET"], OfferStatus.LIVE),
        (["NO_STOCKS"], OfferStatus.LIVE),
        (["CHECKING", "DISABLED_BY_PARTNER"], OfferStatus.PENDING),
        (["DISABLED_BY_PARTNER"], OfferStatus.INACTIVE),
        (["NO_CARD", "DISABLED_AUTOMATICALLY"], OfferStatus.BLOCKED),
        (["TELEPORTED"], OfferStatus.UNKNOWN),
        ([], OfferStatus.UNKNOWN),
    ],
)
def test_an_offer_has_the_best_status_that_any_shop_gives_it(told, status):
    shops = tuple(wire.InCampaign(number, word) for number, word in enumerate(told, start=1))
    assert wire.status_of(wire.Offer("CUP-RED", campaigns=shops)) is status


def test_barcodes_that_are_none_are_codes():
    raw = b'{"offer":{"offerId":"A","barcodes":["4006381333931","A-17"],"vendorCode":"V1"},"mapping":{"marketSku":7}}'
    offer = wire.parse_offer(raw)
    assert (offer.gtins, offer.codes, offer.channel_ids) == (("4006381333931",), ("A-17", "V1"), {"market_sku": "7"})
