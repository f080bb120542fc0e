"""Orders that the seller delivers himself: listed while they are new and once they are over, and refused inside a 200."""

from __future__ import annotations

import pytest

from stallkit.adapters.wildberries.dbs import Status
from stallkit.adapters.wildberries.emulator import BY_SELLER, MAIN
from stallkit.adapters.wildberries.wire import UnknownWord
from stallkit.adapters.wildberries.wire_orders import Fate
from stallkit.errors import Unintelligible
from stallkit.testing.emulator import Fault
from stallkit.types import Accepted, NotNow, OrderState, Rejected
from tests.contract.wildberries_account import Account


@pytest.fixture
def account() -> Account:
    made = Account(with_dbs="true")
    made.shop.elsewhere[BY_SELLER, "RED"] = 10
    return made


def test_their_warehouse_can_be_used_only_if_their_orders_are_read(account: Account) -> None:
    assert {one.id: one.usable for one in account.adapter.read_warehouses()}[str(BY_SELLER)]
    without = {one.id: one for one in Account().adapter.read_warehouses()}[str(BY_SELLER)]
    assert not without.usable
    assert "deliver yourself" in without.note


def test_without_the_setting_they_cost_no_call() -> None:
    account = Account()
    account.shop.place_dbs_order("RED")
    assert account.pull()[0] == {}
    assert not account.calls("/api/v3/dbs")


def test_each_unit_is_an_order_beside_the_others(account: Account) -> None:
    own = account.shop.place_dbs_order("RED", 2)
    other = account.shop.place_order([("RED", 2)])
    orders, parked, _ = account.pull()
    assert sorted(orders) == sorted([*own, other])
    assert not parked
    told = orders[own[0]]
    assert (told.state, told.scanned, told.warehouse, told.lines[0].ordered) == (OrderState.NEW, False, str(BY_SELLER), 1)
    assert told.buyer is not None
    assert (told.buyer.name, told.buyer.phone) == ("Иван Примеров", "79990000000")
    assert told.buyer.address
    assert orders[other].warehouse == str(MAIN)
    assert account.shown(warehouse=BY_SELLER) == 8


def test_from_new_to_the_buyer(account: Account) -> None:
    (order_id,) = account.shop.place_dbs_order("RED")
    _, _, cursor = account.pull()
    assert account.adapter.acknowledge(order_id) == Accepted()
    assert account.adapter.acknowledge(order_id) == Accepted()
    orders, _, cursor = account.pull(cursor)
    assert orders[order_id].state is OrderState.ACKNOWLEDGED, "under way it is in no list, and its state is asked for"
    assert account.ship(order_id, 1) == Accepted()
    assert account.ship(order_id, 1) == Accepted(), "told once, it needs nothing more"
    orders, _, cursor = account.pull(cursor)
    assert orders[order_id].state is OrderState.SHIPPED
    account.shop.receive(order_id)
    assert account.shop.orders[order_id].ship_calls == 1


def test_a_new_process_hears_of_an_order_again_once_it_is_over(account: Account) -> None:
    (order_id,) = account.shop.place_dbs_order("RED")
    _, _, cursor = account.pull()
    account.adapter.acknowledge(order_id)
    account.adapter = account.connect()
    account.advance(minutes=11)
    orders, _, cursor = account.pull(cursor)
    assert order_id not in orders
    with pytest.raises(Unintelligible, match="under way"):
        account.adapter.read_order(order_id)
    assert account.ship(order_id, 1) == Accepted(), "what is done to it needs no list"
    account.shop.refuse_at_door(order_id)
    account.advance(minutes=11)
    orders, _, _ = account.pull(cursor)
    assert orders[order_id].state is OrderState.SHIPPED, "it has left, and comes back as goods"


def test_a_buyer_who_cancels_is_heard(account: Account) -> None:
    (order_id,) = account.shop.place_dbs_order("RED")
    _, _, cursor = account.pull()
    assert account.shop.buyer_cancels(order_id)
    account.advance(seconds=5)
    orders, _, _ = account.pull(cursor)
    assert orders[order_id].state is OrderState.CANCELLED
    assert account.adapter.acknowledge(order_id) == Rejected("cancelled", f"order {order_id} is cancelled at Wildberries")


def test_a_refusal_inside_a_200_is_a_refusal(account: Account) -> None:
    (order_id,) = account.shop.place_dbs_order("RED")
    account.shop.insist(order_id)
    outcome = account.cancel(order_id, 1)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "StatusMismatch"
    assert account.exchanges[-1].status == 200


def test_the_seller_cancels_until_it_is_on_its_way(account: Account) -> None:
    first, second = account.shop.place_dbs_order("RED", 2)
    assert account.cancel(first, 1) == Accepted()
    assert account.cancel(first, 1) == Accepted(), "cancelled already"
    account.ship(second, 1)
    refused = account.cancel(second, 1)
    assert isinstance(refused, Rejected)
    assert refused.code == "not_open"


@pytest.mark.parametrize("order_id", ["dbs-4711", "dbs-", "dbs-x"])
def test_an_order_that_is_not_there(account: Account, order_id: str) -> None:
    assert account.adapter.read_order(order_id) is None
    refused = account.adapter.acknowledge(order_id)
    assert isinstance(refused, Rejected)
    assert refused.code == "unknown_order"


def test_there_is_no_label_for_what_the_seller_brings(account: Account) -> None:
    (own,), other = account.shop.place_dbs_order("RED"), account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(other)
    answers = account.adapter.read_labels([own, other])
    assert isinstance(answers[own], Rejected)
    assert isinstance(answers[other], tuple)
    assert not isinstance(answers[other], NotNow)


def test_a_strange_order_spares_the_others(account: Account) -> None:
    strange, good = account.shop.place_dbs_order("RED", 2)
    account.shop.fail_next(Fault.UNKNOWN_ENUM, path="/dbs/orders/new")
    orders, parked, _ = account.pull()
    assert list(orders) == [good]
    assert [(one.external_id, "teleport" in one.reason) for one in parked] == [(strange, True)]


def test_all_orders_that_are_over_come_a_page_with_each_pull(account: Account) -> None:
    account.shop.orders_per_page = 2
    over = account.shop.place_dbs_order("RED", 5)
    for order_id in over:
        account.shop.receive(order_id)
    seen: set[str] = set()
    cursor = ""
    for _ in range(3):
        orders, _, cursor = account.pull(cursor)
        seen |= set(orders)
        account.advance(seconds=5)
    assert seen == set(over)
    assert account.adapter.read_order(over[4]) is not None, "one order is looked for on every page"


def test_a_fault_in_their_part_fails_the_pull_and_nothing_is_lost(account: Account) -> None:
    (order_id,) = account.shop.place_dbs_order("RED")
    account.shop.fail_next(Fault.HTML, path="/dbs/orders/new")
    with pytest.raises(Unintelligible):
        account.adapter.pull_orders("")
    assert order_id in account.pull()[0]


@pytest.mark.parametrize(
    ("supplier", "wb", "fate"),
    [
        ("new", "waiting", Fate.NEW),
        ("confirm", "waiting", Fate.TAKEN),
        ("deliver", "waiting", Fate.GONE),
        ("reject", "canceled_by_client", Fate.GONE),
        ("new", "declined_by_client", Fate.CANCELLED),
        ("cancel_missed_call", "canceled_by_missed_call", Fate.CANCELLED),
        ("confirm", "canceled", Fate.CANCELLED),
    ],
)
def test_what_the_two_statuses_mean(supplier: str, wb: str, fate: Fate) -> None:
    assert Status(1, supplier, wb).fate is fate


def test_an_unknown_word_is_no_guess() -> None:
    with pytest.raises(UnknownWord):
        _ = Status(1, "beamed", "waiting").fate
