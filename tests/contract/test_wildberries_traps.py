"""Wildberries' traps: each a fact of its contracts that costs stock or money when it is overlooked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from stallkit.adapters.wildberries.calls import Failure, failure_of
from stallkit.adapters.wildberries.emulator import ALL_RIGHTS, BY_SELLER, MAIN, SELLER_ID, WORKED_ON, make_token
from stallkit.adapters.wildberries.manifest import MANIFEST
from stallkit.adapters.wildberries.published import contracts
from stallkit.errors import NeedsReconnect, Refused, SlowDown, Unintelligible
from stallkit.http import Reply
from stallkit.testing.emulator import Fault
from stallkit.types import Accepted, NotNow, OfferRef, OrderState, Rejected, StockIntent
from tests.contract.wildberries_account import Account


@pytest.fixture
def account() -> Account:
    return Account()


# --- addresses, token, refusals -----------------------------------------------------------------------------------------------------------


def test_the_contracts_were_there_and_every_exchange_was_checked(account: Account) -> None:
    for contract in contracts():
        contract.require()
    account.adapter.probe()
    account.adapter.read_offers("")
    checked = {key for contract in contracts() for key in contract.checked}
    assert {("GET", "/api/v3/warehouses", 200), ("POST", "/content/v2/get/cards/list", 200), ("GET", "/api/v1/seller-info", 200)} <= checked


@pytest.mark.parametrize(("site", "sandboxed"), [("ru", False), ("sandbox", True)])
def test_each_category_has_a_host_of_its_own(account: Account, site: str, sandboxed: bool) -> None:
    account.config["site"] = site
    adapter = account.connect(MANIFEST.hosts_of(site))
    adapter.read_offers("")
    adapter.read_warehouses()
    hosts = [exchange.url.split("/")[2] for exchange in account.exchanges]
    assert hosts[0] == ("content-api-sandbox" if sandboxed else "content-api") + ".wildberries.ru"
    assert dict(MANIFEST.hosts)[site].startswith(f"https://marketplace-api{'-sandbox' if sandboxed else ''}.")


def test_the_sandbox_allows_a_call_a_second_in_each_category(account: Account) -> None:
    account.config["site"] = "sandbox"
    adapter = account.connect()
    adapter.read_offers("")
    adapter.pull_orders("")
    assert set(account.pacer.spent) == {"sandbox_content", "sandbox_marketplace"}


def test_the_token_tells_the_account_its_rights_and_its_end(account: Account) -> None:
    told = account.adapter.probe()
    assert (told.account_id, told.name, told.warnings) == (SELLER_ID, "Toy Store", ())
    assert set(told.rights) == {"Content", "Prices", "Marketplace", "Statistics", "Returns"}
    assert told.credentials_expire_at == datetime.fromtimestamp(1_798_761_600, UTC)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"rights": ALL_RIGHTS & ~(1 << 3)}, "lacks the right Prices: prices cannot be sent"),
        ({"rights": ALL_RIGHTS & ~(1 << 1)}, "lacks the right Content"),
        ({"rights": ALL_RIGHTS & ~(1 << 11)}, "lacks the right Returns"),
        ({"rights": ALL_RIGHTS | 1 << 30}, "read-only"),
        ({"acc": 1}, "base token"),
        ({"acc": 2}, "test token"),
    ],
)
def test_what_a_token_lacks_is_said_when_it_is_connected(account: Account, made: dict[str, int], said: str) -> None:
    account.shop.token = account.config["token"] = make_token(**made)
    (warning,) = account.connect().probe().warnings
    assert said in warning


def test_a_token_without_marketplace_is_refused_before_any_call(account: Account) -> None:
    account.config["token"] = make_token(rights=ALL_RIGHTS & ~(1 << 4))
    with pytest.raises(NeedsReconnect, match="lacks the right Marketplace"):
        account.connect().probe()
    assert not account.shop.calls


def test_a_refused_call_counts_as_ten() -> None:
    account = Account(scale=1.0)
    gone = OfferRef("GONE", "999")
    assert isinstance(account.adapter.write_stock([StockIntent(gone, 1, str(MAIN))])[gone], Rejected)
    assert account.pacer.charged == [("stocks", 9.0)]
    left = [account.raw("POST", f"/api/v3/stocks/{MAIN}", {"chrtIds": [1]}) for _ in range(11)]
    assert [reply.status_code for reply in left] == [200] * 10 + [429]
    assert left[9].headers["X-Ratelimit-Remaining"] == "0"


def test_a_429_says_in_headers_of_its_own_how_long_to_wait() -> None:
    account = Account(scale=100.0)
    for _ in range(5):
        account.adapter.read_offers("")
    with pytest.raises(SlowDown) as slow:
        account.adapter.read_offers("")
    assert slow.value.retry_after == pytest.approx(60.0)
    assert account.pacer.blocked == [("cards", pytest.approx(60.0))]


@pytest.mark.parametrize(
    ("body", "word", "text"),
    [
        (b'{"code":"StatusMismatch","message":"mismatch","data":null}', "StatusMismatch", "mismatch"),
        (b'{"title":"unauthorized","detail":"token problem","status":401}', "unauthorized", "token problem"),
        (b'{"data":null,"error":true,"errorText":"Empty data"}', "Empty data", "Empty data"),
        (b'{"title":"IncorrectRequest","detail":{},"requestId":"1"}', "IncorrectRequest", "IncorrectRequest"),
    ],
)
def test_refusals_come_in_several_forms(body: bytes, word: str, text: str) -> None:
    told = failure_of(Reply(400, {}, body))
    assert told is not None
    assert (told.word, told.text) == (word, text)


def test_a_body_in_no_known_form_is_left_to_the_status() -> None:
    assert failure_of(Reply(400, {}, b"[]")) is None
    assert failure_of(Reply(502, {}, b"<html>")) is None
    assert Failure().text == "refused"


# --- stock --------------------------------------------------------------------------------------------------------------------------------


def test_the_figure_falls_with_the_order_and_does_not_come_back_with_the_cancellation(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 3)])
    assert account.shown() == 7
    assert account.shop.buyer_cancels(order_id)
    assert account.shown() == 7
    assert account.write(10) == Accepted()
    assert account.shown() == 10


def test_wrong_field_names_are_answered_with_yes_and_change_nothing(account: Account) -> None:
    size = int(account.ref().external_id)
    reply = account.raw("PUT", f"/api/v3/stocks/{MAIN}", {"stocks": [{"chrtID": size, "quantity": 1}]})
    assert (reply.status_code, account.shop.quantity_of("RED")) == (204, 10)
    assert account.write(1) == Accepted()
    assert account.shop.quantity_of("RED") == 1, "the adapter uses the right names"


def test_the_key_is_the_size_and_no_longer_the_barcode(account: Account) -> None:
    reply = account.raw("PUT", f"/api/v3/stocks/{MAIN}", {"stocks": [{"sku": "4006381333931", "amount": 1}]})
    assert (reply.status_code, reply.json()["code"]) == (400, "SKUUploadDisabled")


def test_a_refused_item_takes_nothing_with_it(account: Account) -> None:
    """No figure of a refused call has changed, so the others go out again."""
    account.shop.offers["BLUE"].refuse_stock = "not in this warehouse"
    red, blue, gone = account.ref("RED"), account.ref("BLUE"), OfferRef("GONE", "999")
    outcomes = account.adapter.write_stock([StockIntent(ref, 4, str(MAIN)) for ref in (red, blue, gone)])
    assert outcomes[red] == Accepted()
    assert outcomes[blue] == Rejected("CargoWarehouseRestrictionMGT", "not in this warehouse")
    assert outcomes[gone] == Rejected("NotFound", "Not found")
    assert (account.shop.quantity_of("RED"), account.shop.quantity_of("BLUE")) == (4, 10)


@pytest.mark.parametrize(("warehouse", "quantity", "code"), [("", 1, "no_warehouse"), (str(MAIN), 100_001, "amount")])
def test_what_cannot_be_sent_is_refused_without_a_call(account: Account, warehouse: str, quantity: int, code: str) -> None:
    """One such item would have the whole batch refused, at ten times the price."""
    outcome = account.adapter.write_stock([StockIntent(account.ref(), quantity, warehouse)])[account.ref()]
    assert isinstance(outcome, Rejected)
    assert outcome.code == code
    assert not account.shop.calls


def test_a_warehouse_that_is_worked_on_takes_no_figures_for_now(account: Account) -> None:
    usable = {one.id: one.usable for one in account.adapter.read_warehouses()}
    assert usable == {str(MAIN): True, str(WORKED_ON): False, str(BY_SELLER): False}
    outcome = account.write(3, warehouse=WORKED_ON)
    assert isinstance(outcome, NotNow)
    assert "StoreIsProcessing" in outcome.message


def test_a_warehouse_that_is_not_there_refuses_every_item(account: Account) -> None:
    assert account.write(3, warehouse=1) == Rejected("NotFound", "Not found")


def test_each_warehouse_has_figures_of_its_own(account: Account) -> None:
    account.shop.warehouses[WORKED_ON].processing = False
    assert account.write(3, warehouse=WORKED_ON) == Accepted()
    assert (account.shown(), account.shown(warehouse=WORKED_ON)) == (10, 3)


def test_a_size_that_was_never_on_sale_in_a_warehouse_shows_nothing(account: Account) -> None:
    assert account.shown(warehouse=WORKED_ON) == 0


@pytest.mark.parametrize("lost", ["chrtId", "amount"])
def test_a_figure_that_has_lost_a_field_is_an_error_and_no_zero(account: Account, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    row = {"chrtId": int(account.ref().external_id), "amount": 10}
    del row[lost]
    body = msgspec.json.encode({"stocks": [row]})
    monkeypatch.setattr("stallkit.http.read_limited", lambda *_: body)
    with pytest.raises(Unintelligible):
        account.shown()


# --- cards --------------------------------------------------------------------------------------------------------------------------------


def test_a_card_with_several_sizes_is_several_offers(account: Account) -> None:
    account.shop.add_card("SHIRT", {"S": 1, "M": 2})
    offers = {offer.ref.sku: offer for offer in account.adapter.read_offers("").items}
    assert {"SHIRT/S", "SHIRT/M", "RED"} <= offers.keys()
    assert offers["SHIRT/S"].channel_ids["nmID"] == offers["SHIRT/M"].channel_ids["nmID"]
    assert offers["SHIRT/S"].codes == ("SHIRT",)
    order_id = account.shop.place_order([("SHIRT/S", 1), ("SHIRT/M", 2)])
    lines = {line.ref.external_id: line.ordered for line in account.order(order_id).lines}
    assert lines == {offers["SHIRT/S"].ref.external_id: 1, offers["SHIRT/M"].ref.external_id: 2}


# --- orders -------------------------------------------------------------------------------------------------------------------------------


def test_every_unit_is_an_assembly_order_and_a_basket_is_one_order(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 3), ("BLUE", 1)])
    orders, _, _ = account.pull()
    (order,) = orders.values()
    assert order.order_id == order_id
    assert [(line.ordered, len(line.unit_ids)) for line in order.lines] == [(3, 3), (1, 1)]
    assert (order.scanned, order.warehouse) == (True, str(MAIN))
    units = {unit for line in order.lines for unit in line.unit_ids}
    assert units == {str(unit.id) for unit in account.shop.units.values()}


def test_an_assembly_order_without_a_basket_stands_for_itself(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 2)])
    account.shop.orders[order_id].extra["no_uid"] = "yes"
    orders, _, _ = account.pull()
    assert sorted(orders) == sorted(str(unit.id) for unit in account.shop.units.values())


def test_a_basket_from_two_warehouses_is_an_order_for_each(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 2), ("BLUE", 1)])
    blue = next(unit for unit in account.shop.units.values() if unit.sku == "BLUE")
    blue.warehouse = 510
    orders, _, _ = account.pull()
    assert {name: order.warehouse for name, order in orders.items()} == {order_id: str(MAIN), f"{order_id}/510": "510"}
    assert account.adapter.acknowledge(f"{order_id}/510") == Accepted()
    assert (blue.supplier, {unit.supplier for unit in account.shop.units.values() if unit is not blue}) == ("confirm", {"new"})


@pytest.mark.parametrize("ends_with_zero", [True, False])
@pytest.mark.parametrize("size", range(1, 9))
def test_no_border_between_pages_cuts_a_basket(account: Account, size: int, ends_with_zero: bool) -> None:
    """Whatever the size of a page, and however a list ends, each basket comes with all its units, also in each page by itself."""
    account.shop.orders_per_page, account.shop.list_ends_with_zero = size, ends_with_zero
    account.shop.edit_quantity("RED", 500)
    whole = {}
    for number in range(25):
        wanted = 1 + number * 7 % 5
        whole[account.shop.place_order([("RED", wanted)])] = wanted
        account.advance(seconds=number % 3)
    cursor, came = "", []
    while True:
        page = account.connect().pull_orders(cursor)
        came += [order.order_id for order in page.items]
        assert {order.order_id: order.lines[0].ordered for order in page.items}.items() <= whole.items(), "a basket was cut"
        assert len(page.cursor) < 4_000
        cursor = page.cursor
        if page.done:
            break
    assert sorted(came) == sorted(whole), "a basket was left out, or came twice"


def test_the_start_of_the_period_cuts_no_basket(account: Account) -> None:
    """A basket whose units were made around the start of the period that a pull looks at is left to the look at a month."""
    order_id = account.shop.place_order([("RED", 2)])
    _, _, cursor = account.pull()
    for minutes in range(85, 130):
        account.now = account.shop.orders[order_id].placed_at + timedelta(minutes=minutes)
        late = account.adapter.pull_orders(cursor)
        assert all(order.lines[0].ordered == 2 for order in late.items)


def test_a_list_without_statuses_is_never_told_without_them(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    account.shop.fail_next(Fault.UNKNOWN_ENUM, path="/status")
    orders, parked, cursor = account.pull()
    assert not orders
    assert [one.external_id for one in parked] == [order_id]
    assert "teleported" in parked[0].reason
    assert order_id in account.pull(cursor)[0]


@pytest.mark.parametrize(
    ("supplier", "wb", "received", "state"),
    [
        ("new", "waiting", False, OrderState.NEW),
        ("confirm", "waiting", False, OrderState.ACKNOWLEDGED),
        ("complete", "waiting", False, OrderState.ACKNOWLEDGED),
        ("complete", "waiting", True, OrderState.SHIPPED),
        ("complete", "sorted", True, OrderState.SHIPPED),
        ("complete", "ready_for_pickup", False, OrderState.SHIPPED),
        ("complete", "sold", False, OrderState.SHIPPED),
        ("complete", "canceled_by_client", False, OrderState.SHIPPED),
        ("complete", "canceled", False, OrderState.CANCELLED),
        ("complete", "canceled", True, OrderState.SHIPPED),
        ("confirm", "postponed_delivery", False, OrderState.ACKNOWLEDGED),
        ("new", "declined_by_client", False, OrderState.CANCELLED),
        ("cancel", "canceled", False, OrderState.CANCELLED),
    ],
)
def test_what_the_two_statuses_mean(account: Account, supplier: str, wb: str, received: bool, state: OrderState) -> None:
    """Whether goods have left is a matter of Wildberries' scan: a supply that was handed over is not enough, a refusal at pick-up is."""
    order_id = account.shop.place_order([("RED", 1)])
    (unit,) = account.shop.units.values()
    unit.supplier, unit.wb, unit.scan_price = supplier, wb, 1_500 if received else None
    told = account.order(order_id)
    assert (told.state, told.remote_state) == (state, f"{supplier}, {wb}")


def test_refused_at_the_pick_up_point_has_left_all_the_same(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(order_id)
    account.shop.scan(order_id)
    account.shop.refuse_at_pickup(order_id)
    assert account.order(order_id).state is OrderState.SHIPPED


def test_the_buyer_has_an_hour_that_ends_when_the_order_is_taken_on(account: Account) -> None:
    first, second, third = (account.shop.place_order([("RED", 1)]) for _ in range(3))
    assert account.adapter.acknowledge(first) == Accepted()
    assert not account.shop.buyer_cancels(first)
    assert account.shop.buyer_cancels(second)
    account.advance(hours=1)
    assert not account.shop.buyer_cancels(third)


def test_an_order_sold_at_zero_stock_says_so(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 11)], force=True)
    assert account.order(order_id).remote_state == "new, waiting; sold at zero stock"


def test_a_change_weeks_later_is_found_by_the_look_at_a_month(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(order_id)
    _, _, cursor = account.pull()
    account.advance(days=20)
    _, _, cursor = account.pull(cursor)
    account.shop.scan(order_id)
    account.advance(seconds=5)
    orders, _, cursor = account.pull(cursor)
    assert order_id not in orders, "the month is looked at every ten minutes only"
    account.advance(minutes=10)
    orders, _, _ = account.pull(cursor)
    assert orders[order_id].state is OrderState.SHIPPED


def test_the_look_at_a_month_takes_a_page_with_each_pull(account: Account) -> None:
    """However many orders there are, a pull stays short: what is new must not wait for what is old."""
    account.shop.orders_per_page = 10
    account.shop.edit_quantity("RED", 500)
    old = {account.shop.place_order([("RED", 1)]) for _ in range(35)}
    _, _, cursor = account.pull()
    account.advance(days=2)
    _, _, cursor = account.pull(cursor)  # the two days of silence, and the first page of the month
    account.advance(seconds=5)
    seen: list[set[str]] = []
    for _ in range(5):
        orders, _, cursor = account.pull(cursor)
        seen.append(set(orders))
        account.advance(seconds=5)
    assert [len(page) for page in seen] == [10, 10, 5, 0, 0]
    assert set().union(*seen) < old
    account.advance(minutes=10)
    assert len(account.pull(cursor)[0]) == 10, "ten minutes later it begins anew"


def test_a_pull_after_a_long_silence_looks_back_over_all_of_it(account: Account) -> None:
    _, _, cursor = account.pull()
    account.advance(days=1)
    order_id = account.shop.place_order([("RED", 1)])
    account.advance(days=4)
    assert order_id in account.pull(cursor)[0]


@pytest.mark.parametrize("days", [2, 20, 29, 31, 58, 80])
def test_a_new_process_finds_an_order_of_weeks_ago(account: Account, days: int) -> None:
    order_id = account.shop.place_order([("RED", 2)])
    account.advance(days=days)
    account.shop.place_order([("RED", 1)])
    told = account.connect().read_order(order_id)
    assert told is not None
    assert told.lines[0].ordered == 2


@pytest.mark.parametrize("minutes", range(0, 25, 4))
def test_an_order_at_the_edge_of_a_look_is_found_whole(account: Account, minutes: int) -> None:
    order_id = account.shop.place_order([("RED", 2)])
    account.advance(days=1, minutes=minutes - 12)
    told = account.connect().read_order(order_id)
    assert told is not None
    assert told.lines[0].ordered == 2


def test_a_cursor_of_somebody_else_is_refused(account: Account) -> None:
    with pytest.raises(Refused, match="cursor"):
        account.adapter.pull_orders("page-2")
