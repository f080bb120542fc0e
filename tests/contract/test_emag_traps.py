"""Offers, figures of stock, the wire's own rules, limits: the traps of specs/emag/FACTS.md, adapter and emulated account together."""

from datetime import datetime
from decimal import Decimal

import httpx
import msgspec
import pytest

from stallkit.adapters.emag.adapter import Adapter
from stallkit.adapters.emag.emulator import CONFIG
from stallkit.adapters.emag.manifest import OTHER
from stallkit.errors import NeedsReconnect, Refused, SlowDown, Unintelligible
from stallkit.http import Door
from stallkit.testing.emulator import Fault, SoldOut
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import (
    Accepted,
    Money,
    OfferRef,
    PriceIntent,
    Rejected,
    StockIntent,
)
from tests.contract.emag_account import AUTH, BLUE, RED, Account


@pytest.fixture
def account():
    return Account()


# --- figures of stock (README, "Which figure is which") -----------------------------------------------------------------------------------


def test_an_order_waits_in_estimated_stock_and_leaves_general_stock_when_acknowledged(account):
    assert account.stock() == (10, 0, 10)
    order_id = account.shop.place_order([("RED", 3)])
    assert account.stock() == (10, 3, 7)
    account.adapter.acknowledge(order_id)
    assert account.stock() == (7, 0, 7)


def test_a_push_leaves_waiting_orders_subtracted(account):
    """Absolute overwrite of general_stock: an order that we do not know yet is still kept back, so the push cannot sell it again."""
    order_id = account.shop.place_order([("RED", 3)])
    assert account.adapter.write_stock([StockIntent(RED, 5)]) == {RED: Accepted()}
    assert account.stock() == (5, 3, 2)
    account.adapter.acknowledge(order_id)
    assert account.stock() == (2, 0, 2)


def test_a_push_below_what_waits_shows_zero_and_sells_nothing(account):
    account.shop.place_order([("RED", 3)])
    account.adapter.write_stock([StockIntent(RED, 1)])
    assert account.shop.quantity_of("RED") == 0
    with pytest.raises(SoldOut):
        account.shop.place_order([("RED", 1)])


def test_a_cancellation_gives_back_where_it_was_taken(account):
    before_ack = account.shop.place_order([("RED", 3)])
    assert account.shop.buyer_cancels(before_ack)
    assert account.stock() == (10, 0, 10)
    after_ack = account.acknowledged(("RED", 3))
    assert account.cancel(after_ack, ("1", 1)) == Accepted()
    assert account.stock() == (8, 0, 8)
    assert account.cancel(after_ack, ("1", 2)) == Accepted()
    assert account.stock() == (10, 0, 10)


def test_the_diary_tells_what_buyers_saw(account):
    account.acknowledged(("RED", 3))
    account.adapter.write_stock([StockIntent(RED, 9)])
    told = [(change.cause, change.before, change.after) for change in account.shop.diary]
    assert told == [("sale", 10, 7), ("push", 7, 9)]


# --- writes of offers ---------------------------------------------------------------------------------------------------------------------


def test_an_offer_in_a_campaign_is_refused_alone(account):
    message = "The offer is included in the active campaign BF, thus the stock has NOT been changed."
    account.shop.offers["RED"].refuse_stock = message
    outcomes = account.adapter.write_stock([StockIntent(RED, 1), StockIntent(BLUE, 2)])
    assert outcomes == {RED: Rejected("campaign", message), BLUE: Accepted()}
    assert (account.shop.quantity_of("RED"), account.shop.quantity_of("BLUE")) == (10, 2)


def test_a_bad_item_costs_no_call_and_no_neighbour(account):
    bad = OfferRef("X", "sku")
    outcomes = account.adapter.write_stock([StockIntent(bad, 1), StockIntent(RED, 65_536), StockIntent(BLUE, 2)])
    assert [outcomes[ref] == Accepted() for ref in (bad, RED, BLUE)] == [False, False, True]
    account.bodies.clear()
    assert isinstance(account.adapter.write_stock([StockIntent(bad, 1)])[bad], Rejected)
    assert account.bodies == []


def test_fifty_offers_are_one_call_and_fifty_one_are_a_mistake(account):
    intents = [StockIntent(OfferRef("X", str(number)), 1) for number in range(1, 52)]
    with pytest.raises(ValueError, match="50"):
        account.adapter.write_stock(intents)
    account.adapter.write_stock(intents[:50])
    assert len(account.bodies) == 1


def test_a_price_outside_its_limits_is_refused_alone(account):
    limits = Money(Decimal(40), "RON"), Money(Decimal(60), "RON")
    inside = PriceIntent(RED, Money(Decimal("45.1234"), "RON"), *limits)
    outside = PriceIntent(BLUE, Money(Decimal("60.0001"), "RON"), *limits)
    outcomes = account.adapter.write_prices([inside, outside])
    assert outcomes[RED] == Accepted()
    assert isinstance(outcomes[BLUE], Rejected)
    assert outcomes[BLUE].code == "max_sale_price"
    assert account.shop.price_of("RED") == Decimal("45.1234")
    assert account.stock(RED)[0] == 10, "a price changes no stock"


def test_the_switch_for_wrapped_bodies_reaches_every_save():
    account = Account(save_body="data")
    assert account.adapter.write_stock([StockIntent(RED, 5)]) == {RED: Accepted()}
    assert account.bodies[-1][1].startswith(b'{"data":[')
    order_id = account.acknowledged()
    assert account.cancel(order_id, ("1", 2)) == Accepted()
    assert account.bodies[-1][1].startswith(b'{"data":[')
    assert not account.bodies[-2][1].startswith(b'{"data"'), "reads never wrap their filters"


def test_offers_that_buyers_cannot_see_and_strange_words(account):
    account.shop.fail_next(Fault.UNKNOWN_ENUM)
    states = [offer.status for offer in account.adapter.read_offers("").items]
    assert states == ["unknown", "live"]


# --- the wire's own rules (emulator) ------------------------------------------------------------------------------------------------------


def test_filters_inside_data_are_ignored_and_everything_comes_back(account):
    assert len(account.post("/product_offer/read", {"data": {"id": 243409}})["results"]) == 2
    assert len(account.post("/product_offer/read", {"id": 243409})["results"]) == 1


def test_an_ignored_filter_is_noticed(account):
    """Should eMAG ever answer a read by id with something else, nothing is believed."""
    order_id = account.acknowledged()
    account.acknowledged()
    client = httpx.Client(transport=Unfiltered(account.shop))
    adapter = Adapter(CONFIG, Door(client, "http://emag.invalid/api-3", account.pacer, account.clock), account.clock)
    with pytest.raises(Unintelligible, match="offers"):
        adapter.read_states([RED])
    with pytest.raises(Unintelligible, match="orders"):
        adapter.read_order(order_id)


class Unfiltered(EmulatorTransport):
    """Drops the filter on its way."""

    def handle_request(self, request):
        return super().handle_request(httpx.Request(request.method, request.url, headers=AUTH, content=b"{}"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"id": 243409, "status": 1}, "Expected list of arrays"),
        ([{"id": number} for number in range(51)], "Maximum 50 entities"),
        ([{"id": 1, "stock": [{"warehouse_id": n, "value": 1} for n in range(2001)]}], "Maximum input vars of 4000 exceeded"),
    ],
)
def test_saves_that_emag_does_not_take_in(account, body, message):
    reply = account.post("/offer/save", body)
    assert reply["isError"] is True
    assert message in reply["messages"][0]


def test_a_page_holds_at_most_a_hundred_and_says_nothing(account):
    for number in range(120):
        account.shop.add_offer(f"MANY-{number}")
    assert len(account.post("/product_offer/read", {"itemsPerPage": 500})["results"]) == 100
    assert account.post("/product_offer/count", {})["results"] == {"noOfItems": "122", "noOfPages": "2", "itemsPerPage": "100"}


def test_orders_without_a_filter_are_the_last_hundred(account):
    account.adapter.write_stock([StockIntent(RED, 500)])
    for _ in range(130):
        account.shop.place_order([("RED", 1)])
    assert len(account.post("/order/read", {"currentPage": 2})["results"]) == 0
    assert len(account.post("/order/read", {"currentPage": 2, "status": [1]})["results"]) == 30
    assert account.post("/order/count", {"status": 1})["results"]["noOfItems"] == "130"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"modifiedAfter": "2026-01-01 00:00:00", "modifiedBefore": "2026-02-15 00:00:00"}, "1 month"),
        ({"modifiedAfter": "2026-01-01 00:00:00"}, "modifiedBefore is present"),
        ({"createdAfter": "yesterday", "createdBefore": "today"}, "format"),
    ],
)
def test_windows_that_emag_does_not_take(account, filters, message):
    assert message in account.post("/order/read", filters)["messages"][0]


@pytest.mark.parametrize(
    ("key", "body", "status", "message"),
    [
        ("243409", {"stock": 21}, 204, ""),
        ("999", {"stock": 21}, 404, "This offer does not exist"),
        ("243409", {"stock": "21"}, 400, "Invalid content"),
        ("243409", {"stock": 70_000}, 400, "Validation errors in your request"),
    ],
)
def test_the_single_stock_route_answers_without_envelope(account, key, body, status, message):
    """Section 3 and the example offer_stock. The adapter does not use it (README says why); other authors may."""
    reply = account.client.patch(f"/offer_stock/{key}", content=msgspec.json.encode(body), headers=AUTH)
    assert reply.status_code == status
    assert message in reply.text
    assert account.shop.quantity_of("RED") == (21 if status == 204 else 10)


def test_unknown_routes_and_methods_are_404(account):
    assert account.client.get("/order/read", headers=AUTH).status_code == 404
    assert account.client.post("/nothing/read", headers=AUTH).json() == {"message": "Invalid URL"}


# --- limits and access --------------------------------------------------------------------------------------------------------------------


def statuses(account, path, calls):
    return [account.client.post(path, content=b"{}", headers=AUTH) for _ in range(calls)]


def test_three_calls_a_second_for_all_that_is_no_order():
    account = Account(limits_scale=1.0)
    mixed = [*statuses(account, "/vat/read", 2), *statuses(account, "/product_offer/read", 2)]
    assert [reply.status_code for reply in mixed] == [200, 200, 200, 429]
    assert mixed[3].json() == {"message": "API rate limit exceeded"}
    assert mixed[3].headers["x-ratelimit-remaining-3second"] == "0"
    assert statuses(account, "/order/read", 1)[0].status_code == 200, "orders have their own budget"
    account.advance(seconds=1)
    assert statuses(account, "/vat/read", 1)[0].status_code == 200


def test_twelve_calls_a_second_for_orders_and_invalid_ones_count():
    account = Account(limits_scale=1.0)
    for _ in range(12):
        assert account.client.post("/order/save", content=b"nonsense", headers=AUTH).json()["isError"] is True
    assert statuses(account, "/order/read", 1)[0].status_code == 429


def test_a_hundred_and_eighty_calls_a_minute():
    """The emulated minute is no tighter than sixty emulated seconds, so it is filled by hand."""
    account = Account(limits_scale=1.0)
    account.shop._spent["other"][1].extend([account.now] * 180)
    account.advance(seconds=59)
    with pytest.raises(SlowDown) as caught:
        account.adapter.probe()
    assert caught.value.retry_after == 60.0
    account.advance(seconds=1)
    account.adapter.probe()


def test_the_scale_makes_limits_wider():
    account = Account(limits_scale=0.1)
    assert [reply.status_code for reply in statuses(account, "/vat/read", 31)] == [200] * 30 + [429]


def test_a_429_blocks_the_bucket_for_the_window_that_is_used_up():
    account = Account(limits_scale=1.0)
    statuses(account, "/vat/read", 3)
    with pytest.raises(SlowDown) as caught:
        account.adapter.probe()
    assert caught.value.retry_after == 3.0
    assert account.pacer.blocked == [(OTHER, 3.0)]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-minute": "0"}, 60.0),
        ({"x-ratelimit-remaining-second": "0"}, 1.0),
        ({"x-ratelimit-remaining-3second": "0", "retry-after": "7"}, 7.0),
        ({"x-ratelimit-remaining-3second": "2"}, 30.0),
        ({}, 30.0),
    ],
)
def test_how_long_a_429_asks_to_wait(account, headers, seconds):
    assert account.adapter._wait(headers) == seconds


@pytest.mark.parametrize("call", ["probe", "pull", "stock", "acknowledge", "read_offers"])
def test_an_address_that_is_not_on_the_list_needs_a_person(account, call):
    account.shop.ip_allowed = False
    calls = {
        "probe": account.adapter.probe,
        "pull": account.pull,
        "stock": lambda: account.adapter.write_stock([StockIntent(RED, 1)]),
        "acknowledge": lambda: account.adapter.acknowledge("10000001"),
        "read_offers": lambda: account.adapter.read_offers(""),
    }
    with pytest.raises(NeedsReconnect, match="allowed IPs"):
        calls[call]()


def test_a_wrong_password_needs_a_person():
    with pytest.raises(NeedsReconnect):
        Account(password="other").adapter.probe()


def test_no_rights_for_the_api_needs_a_person(account):
    account.shop.fail_next(Fault.REVOKED)
    with pytest.raises(NeedsReconnect, match="not allowed to use this API"):
        account.adapter.probe()


def test_a_gateway_that_fails_on_reading_offers_is_tried_later_by_the_caller(account):
    """500, 502 and 504 on product_offer/read do happen."""
    account.shop.fail_next(Fault.SERVER_ERROR, path="product_offer")
    with pytest.raises(Exception, match="502") as caught:
        account.adapter.read_offers("")
    assert type(caught.value).__name__ == "TryLater"


@pytest.mark.parametrize(
    ("site", "day", "currency"),
    [
        ("ro", "2026-03-02", "RON"),
        ("hu", "2026-03-02", "HUF"),
        ("bg", "2025-12-31", "BGN"),
        ("bg", "2026-01-01", "EUR"),
        ("fd-bg", "2026-03-02", "EUR"),
        ("fd-ro", "2026-03-02", "RON"),
    ],
)
def test_the_currency_of_a_site(site, day, currency):
    account = Account(site=site)
    account.now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    assert account.adapter.probe().currency == currency


def test_refused_calls_keep_emags_words(account):
    with pytest.raises(Refused, match="Maximum"):
        account.adapter._save("/offer/save", OTHER, [{"id": number} for number in range(60)])
