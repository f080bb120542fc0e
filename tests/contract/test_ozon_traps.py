"""Keys, limits, warehouses, figures, prices, notifications: the traps of specs/ozon/FACTS.md, adapter and emulated account together."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from stallkit.adapters.ozon.emulated_goods import CLOSED, FBS, RFBS
from stallkit.adapters.ozon.emulator import API_KEY
from stallkit.adapters.ozon.manifest import LABELS, MANIFEST, ORDERS, OTHER, STOCK
from stallkit.adapters.ozon.published import contract
from stallkit.errors import NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.http import Exchange
from stallkit.testing.emulator import Fault
from stallkit.types import Accepted, Money, NotNow, OfferRef, OfferStatus, PriceIntent, Rejected, StockIntent
from tests.contract.ozon_account import BLUE, RED, Account


@pytest.fixture
def account():
    return Account()


# --- keys ---------------------------------------------------------------------------------------------------------------------------------


def test_a_key_lives_for_six_months_and_its_end_is_told(account):
    info = account.adapter.probe()
    assert (info.account_id, info.name, info.currency, info.rights) == ("1234567", "Ada's stall", "RUB", ("Admin",))
    assert info.credentials_expire_at == datetime(2026, 8, 29, 10, 0, tzinfo=UTC)
    assert info.warnings == ()
    account.advance(days=151)
    assert "ends on 2026-08-29" in account.adapter.probe().warnings[0]
    account.advance(days=30)
    with pytest.raises(NeedsReconnect, match="Invalid Api-Key"):
        account.adapter.probe()


def test_methods_that_the_key_may_not_call_are_told_when_it_is_probed(account):
    account.shop.methods = ["/v1/product", "/v2", "/v3", "/v4/posting/fbs/list", "/v4/posting/fbs/unfulfilled"]
    (warning,) = account.adapter.probe().warnings
    assert warning == "This API key may not: pack orders, read returns. Give it those roles in the seller account."
    assert "/v1/seller/info" not in account.paths(), "a call that the key may not make is not made"


def test_a_missing_role_refuses_the_call_and_not_the_account(account):
    account.shop.methods = ["/v2"]
    with pytest.raises(Refused) as refused:
        account.adapter.read_returns("")
    assert refused.value.code == "missing_role"
    assert account.write(3) == Accepted()


def test_a_wrong_key_does_not_show_in_the_error():
    account = Account(api_key="a-wrong-key-of-ours")
    with pytest.raises(NeedsReconnect) as refused:
        account.adapter.probe()
    assert "a-wrong-key-of-ours" not in str(refused.value)


def test_two_headers_go_with_every_call():
    account = Account(checked=False)
    bare = account.client.post("/v1/roles", json={})
    assert (bare.status_code, bare.json()["message"]) == (401, "Client-Id and Api-Key headers are required")
    right = account.client.post("/v1/roles", json={}, headers={"Client-Id": "1234567", "Api-Key": API_KEY})
    assert right.status_code == 200


# --- limits -------------------------------------------------------------------------------------------------------------------------------


def test_fifty_calls_a_second_and_the_next_one_is_told_to_slow_down(account):
    for _ in range(50):
        account.adapter.read_order("1-1-1")
    with pytest.raises(SlowDown, match="request rate limit per second") as told:
        account.adapter.read_order("1-1-1")
    assert told.value.retry_after == 2.0
    account.advance(seconds=1)
    assert account.adapter.read_order("1-1-1") is None


def test_eighty_stock_calls_a_minute(account):
    offers = [account.shop.add_offer(f"S-{number}") for number in range(81)]
    intents = [StockIntent(OfferRef(offer.sku), 1, FBS) for offer in offers]
    for number, intent in enumerate(intents[:80]):
        account.adapter.write_stock([intent])
        account.advance(milliseconds=100 * (number % 2))
    with pytest.raises(SlowDown):
        account.adapter.write_stock([intents[80]])
    account.advance(minutes=1)
    assert account.adapter.write_stock([intents[80]]) == {intents[80].ref: Accepted()}


@pytest.mark.parametrize("capacity", [50])
def test_all_our_budgets_together_stay_under_ozons(capacity):
    """In any second a token bucket lets its capacity and a second's refill through; that of stock stays under 80 in any minute, too."""
    second = sum(limit.capacity * (1 + timedelta(seconds=1) / limit.per) for limit in (ORDERS, STOCK, LABELS, OTHER))
    assert second <= capacity
    assert STOCK.capacity * (1 + timedelta(minutes=1) / STOCK.per) <= 80


def test_an_open_circle_shuts_its_method_for_minutes_and_no_other(account):
    account.shop.fail_next(Fault.RATE_LIMIT_SILENT)
    with pytest.raises(SlowDown, match="Circle is open") as told:
        account.write(3)
    assert told.value.retry_after >= 60
    assert [limit.bucket for limit, _ in account.pacer.blocked] == ["stock"]


def test_internal_errors_say_nothing_about_a_write(account):
    account.shop.fail_next(Fault.SERVER_ERROR)
    with pytest.raises(OutcomeUnknown):
        account.write(3)
    account.shop.fail_next(Fault.SERVER_ERROR)
    with pytest.raises(TryLater):
        account.figures()


# --- warehouses ---------------------------------------------------------------------------------------------------------------------------


def test_warehouses_come_page_by_page_and_a_paused_one_says_so(account):
    told = {one.id: one for one in account.adapter.read_warehouses()}
    assert [told[one].scheme for one in (FBS, RFBS, CLOSED)] == ["fbs", "rfbs", "fbs"]
    assert [told[one].usable for one in (FBS, RFBS, CLOSED)] == [True, True, False]
    assert told[CLOSED].note == "it is paused"
    assert account.paths() == ["/v2/warehouse/list"] * 2


def test_figures_belong_to_their_warehouse(account):
    assert account.write(4) == Accepted()
    assert account.write(7, warehouse=RFBS) == Accepted()
    assert (account.figures(), account.shop.elsewhere) == ((4, 0), {("RED", RFBS): 7})
    assert account.adapter.read_states([RED], RFBS)[RED].quantity == 7


def test_where_nothing_was_ever_put_stands_zero_and_a_product_that_is_gone_is_gone(account):
    states = account.adapter.read_states([RED, BLUE], RFBS)
    assert [(state.quantity, state.reserved) for state in states.values()] == [(0, 0), (0, 0)]
    account.shop.remove_offer("BLUE")
    assert account.adapter.read_states([BLUE], RFBS) == {BLUE: None}


def test_a_channel_without_a_warehouse_is_refused_before_any_call(account):
    outcome = account.adapter.write_stock([StockIntent(RED, 3)])[RED]
    assert isinstance(outcome, Rejected)
    assert outcome.code == "warehouse"
    assert account.sent == []
    assert account.write(3, warehouse=CLOSED) == Rejected("WAREHOUSE_NOT_FOUND", f"warehouse {CLOSED} is not active")


# --- figures of stock (README, "Which figure is which") -----------------------------------------------------------------------------------


def test_an_order_moves_units_from_free_to_reserved(account):
    assert account.figures() == (10, 0)
    order_id = account.shop.place_order([("RED", 3)])
    assert account.figures() == (7, 3)
    assert account.shop.present("RED") == 10
    account.shop.buyer_cancels(order_id)
    assert account.figures() == (10, 0)


def test_a_push_sets_what_is_free_and_leaves_the_reserve_alone(account):
    """So what is read back is what was written, and a sale whose posting nobody has read is still in the reserve."""
    account.shop.place_order([("RED", 3)])
    assert account.write(5) == Accepted()
    assert account.figures() == (5, 3)
    assert account.shop.present("RED") == 8


def test_the_hand_over_takes_units_out_of_the_reserve_and_frees_none(account):
    order_id = account.packed(("RED", 3))
    assert account.figures() == (7, 3)
    account.shop.scan(order_id)
    assert account.figures() == (7, 0)
    assert account.shop.present("RED") == 7


def test_a_company_reserves_before_it_pays_and_there_is_no_posting(account):
    account.shop.reserve_for_company("RED", 4)
    assert account.figures() == (6, 4)
    assert account.pull()[0] == {}
    account.shop.release_for_company("RED", 4)
    assert account.figures() == (10, 0)


def test_one_pair_once_in_thirty_seconds(account):
    """The refusal stands inside a 200, and only for the pair: nothing happened, and the same may go out again."""
    assert account.write(5) == Accepted()
    account.advance(seconds=10)
    outcomes = account.adapter.write_stock([StockIntent(RED, 4, FBS), StockIntent(BLUE, 4, FBS)])
    assert outcomes == {RED: NotNow(30.0, "Stock is updated too frequently"), BLUE: Accepted()}
    assert account.shop.quantity_of("RED") == 5
    assert account.write(4, warehouse=RFBS) == Accepted(), "another pair"
    account.advance(seconds=20)
    assert account.write(4) == Accepted()
    assert MANIFEST.quirks.rewrite_after == timedelta(seconds=30)


def test_a_hundred_pairs_are_one_call_and_one_more_is_a_mistake(account):
    intents = [StockIntent(OfferRef(f"S-{number}"), 1, FBS) for number in range(101)]
    with pytest.raises(ValueError, match="100"):
        account.adapter.write_stock(intents)
    account.adapter.write_stock(intents[:100])
    assert account.paths() == ["/v2/products/stocks"]


def test_a_write_names_the_product_once(account):
    """With offer_id and product_id side by side Ozon warns of ambiguity; the contract's demand for product_id is mended."""
    account.write(3)
    assert account.sent == [("/v2/products/stocks", {"stocks": [{"offer_id": "RED", "stock": 3, "warehouse_id": int(FBS)}]})]


def test_a_million_is_too_many(account):
    outcome = account.write(1_000_000)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "STOCK_TOO_BIG"


# --- products and prices ------------------------------------------------------------------------------------------------------------------


def test_a_product_has_three_numbers(account):
    account.shop.offers["RED"].gtin = "4006381333931"
    red = next(offer for offer in account.adapter.read_offers("").items if offer.ref.sku == "RED")
    assert red.ref == RED
    assert red.channel_ids == {"product_id": "397917680", "sku": RED.external_id}
    assert red.gtins == ("4006381333931",)
    assert set(red.codes) == {RED.external_id, "397917680", f"OZN{RED.external_id}"}
    assert (red.quantity, red.price) == (None, Money(Decimal("100.00"), "RUB"))


def test_the_last_page_of_products_names_a_next_place_all_the_same(account):
    first = account.adapter.read_offers("")
    assert (len(first.items), first.done) == (2, False)
    assert account.adapter.read_offers(first.cursor).done


def test_only_price_sent_is_on_sale(account):
    account.shop.offers["BLUE"].live = False
    account.shop.fail_next(Fault.UNKNOWN_ENUM, path="info/list")
    told = {offer.ref.sku: offer.status for offer in account.adapter.read_offers("").items}
    assert told == {"RED": OfferStatus.UNKNOWN, "BLUE": OfferStatus.INACTIVE}


def price(account, text, ref=RED):
    return account.adapter.write_prices([PriceIntent(ref, Money(Decimal(text), "RUB"))])[ref]


def test_a_price_changes_ten_times_an_hour(account):
    assert [price(account, f"{100 + number}.50") for number in range(10)] == [Accepted()] * 10
    eleventh = price(account, "200.00")
    assert isinstance(eleventh, NotNow)
    assert account.shop.price_of("RED") == Decimal("109.50")
    assert price(account, "200.00", BLUE) == Accepted()
    account.advance(hours=1)
    assert price(account, "200.00") == Accepted()


def test_prices_are_texts_and_leave_the_discount_alone(account):
    price(account, "99.90")
    (body,) = [body for path, body in account.sent if path == "/v1/product/import/prices"]
    assert body == {"prices": [{"offer_id": "RED", "price": "99.90", "currency_code": "RUB"}]}


# --- notifications ------------------------------------------------------------------------------------------------------------------------


def notified(account, body, method="POST"):
    return account.adapter.read_hint(method, "/", "", {"content-type": "application/json"}, msgspec.json.encode(body))


def test_a_ping_is_answered_with_who_we_are_and_when(account):
    hint = notified(account, {"message_type": "TYPE_PING", "time": "2026-03-02T10:00:00Z"})
    assert (hint.topic, hint.calls_for_a_look) == ("TYPE_PING", False)
    assert msgspec.json.decode(hint.answer) == {"version": "1", "name": "stallkeeper", "time": "2026-03-02T10:00:00Z"}


def test_a_new_posting_is_a_reason_to_look_at_it(account):
    order_id = account.shop.place_order([("RED", 1)])
    made = account.shop.callback("order", order_id)
    hint = account.adapter.read_hint(made.method, made.path, made.query_string, made.headers, made.body)
    assert (hint.order_id, hint.topic, hint.calls_for_a_look, hint.answer) == (order_id, "TYPE_NEW_POSTING", True, b'{"result":true}')


def test_notifications_name_states_in_words_of_their_own(account):
    order_id = account.packed(("RED", 1))
    told = msgspec.json.decode(account.shop.callback("order", order_id).body)
    assert (told["message_type"], told["new_state"]) == ("TYPE_STATE_CHANGED", "posting_transferring_to_delivery")
    account.shop.buyer_cancels(order_id)
    told = msgspec.json.decode(account.shop.callback("cancel", order_id).body)
    assert (told["message_type"], told["new_state"]) == ("TYPE_POSTING_CANCELLED", "posting_canceled")
    assert notified(account, told).order_id == order_id


def test_changed_figures_are_a_reason_to_look_and_no_figures(account):
    made = account.shop.stocks_changed("RED")
    hint = account.adapter.read_hint(made.method, made.path, made.query_string, made.headers, made.body)
    assert (hint.order_id, hint.topic, hint.calls_for_a_look) == ("", "TYPE_STOCKS_CHANGED", True)


def test_what_we_do_not_follow_is_accepted_all_the_same(account):
    """Refusals are repeated, and then all notifications are suspended."""
    hint = notified(account, {"message_type": "TYPE_NEW_MESSAGE", "chat_id": "1"})
    assert (hint.calls_for_a_look, hint.answer) == (False, b'{"result":true}')


def test_notifications_come_by_post_from_ozons_networks(account):
    assert notified(account, {"message_type": "TYPE_PING"}, method="GET") is None
    assert notified(account, {"message_type": "PING"}) is None
    assert MANIFEST.hint_networks == ("195.34.21.0/24", "185.73.192.0/22", "91.223.93.0/24")


# --- the published contract ---------------------------------------------------------------------------------------------------------------


def exchange(path, body, status=None):
    headers = {"content-type": "application/json", "Client-Id": "1234567", "Api-Key": API_KEY}
    return Exchange("POST", f"http://ozon.invalid{path}", headers, msgspec.json.encode(body), status, {}, b"", 0.0)


def test_the_contract_was_there_and_knows_right_from_wrong():
    """FACTS, "Using the spec": unmended, a right write is refused; a list of a thousand postings is too long."""
    published = contract()
    published.require()
    published.check(exchange("/v2/products/stocks", {"stocks": [{"offer_id": "RED", "stock": 3, "warehouse_id": 1}]}))
    with pytest.raises(AssertionError, match="stock"):
        published.check(exchange("/v2/products/stocks", {"stocks": [{"offer_id": "RED", "warehouse_id": 1}]}))
    with pytest.raises(AssertionError, match="100"):
        published.check(exchange("/v4/posting/fbs/unfulfilled/list", {"limit": 1_000, "filter": {}}))


def test_replies_are_checked_as_well(account):
    published = contract()
    published.require()
    before = published.checked["POST", "/v2/products/stocks", 200]
    account.write(3)
    assert published.checked["POST", "/v2/products/stocks", 200] == before + 1


def test_a_404_that_is_not_ozons_own_says_nothing_about_postings():
    """A method that was switched off answers 404, too."""
    account = Account(checked=False)
    account.shop.routes.pop("/v3/posting/fbs/get")
    with pytest.raises(Unintelligible):
        account.adapter.read_order("10000001-0001-1")
