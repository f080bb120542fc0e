"""Wildberries' traps, second part: what is done to orders – supplies, cancellations unit by unit, stickers."""

from __future__ import annotations

import pytest

from stallkit.adapters.wildberries.supplies import Supplies
from stallkit.errors import OutcomeUnknown, SlowDown
from stallkit.testing.emulator import Fault
from stallkit.types import Accepted, OrderState, Rejected
from tests.contract.wildberries_account import Account


@pytest.fixture
def account() -> Account:
    return Account()


# --- supplies -----------------------------------------------------------------------------------------------------------------------------


def test_orders_of_one_kind_share_a_supply_and_others_get_their_own(account: Account) -> None:
    small, also_small, large = (account.shop.place_order([("RED", 2)]) for _ in range(3))
    for unit in account.shop.units.values():
        if unit.order_id == large:
            unit.cargo_type = 3
    assert [account.adapter.acknowledge(order_id) for order_id in (small, also_small, large)] == [Accepted()] * 3
    supplies = {unit.order_id: unit.supply for unit in account.shop.units.values()}
    assert supplies[small] == supplies[also_small] != supplies[large]
    assert {supply.name for supply in account.shop.supplies.values()} == {"Stallkeeper 507/1/0", "Stallkeeper 507/3/0"}


def test_a_buyer_who_cancels_at_that_moment_spares_the_rest_of_the_basket(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wildberries refuses the basket whole; what is left of it is taken on all the same."""
    order_id = account.shop.place_order([("RED", 3)])
    real = Supplies._open

    def late(supplies: Supplies, name: str) -> str:
        if not account.shop.orders[order_id].lines[0].cancelled:
            account.shop.buyer_cancels(order_id, [(account.ref().external_id, 1)])
        return real(supplies, name)

    monkeypatch.setattr(Supplies, "_open", late)
    assert account.adapter.acknowledge(order_id) == Accepted()
    told = account.order(order_id)
    assert (told.state, told.lines[0].cancelled) == (OrderState.ACKNOWLEDGED, 1)


def test_a_refusal_with_nothing_changed_is_not_tried_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = account.shop.place_order([("RED", 3)])
    monkeypatch.setattr(Supplies, "_open", lambda *_: "WB-GI-0")
    assert account.adapter.acknowledge(order_id) == Rejected("NotFound", "Not found")
    assert len([call for call in account.calls() if call.startswith("PATCH")]) == 1


def test_a_supply_that_people_have_made_is_left_alone(account: Account) -> None:
    account.raw("POST", "/api/v3/supplies", {"name": "Tuesday's lorry"})
    order_id = account.shop.place_order([("RED", 1)])
    assert account.adapter.acknowledge(order_id) == Accepted()
    (unit,) = account.shop.units.values()
    assert account.shop.supplies[unit.supply].name == "Stallkeeper 507/1/0"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_supply_that_is_closed_is_followed_by_a_new_one(account: Account, restarted: bool) -> None:
    first = account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(first)
    account.shop.scan(first)
    if restarted:
        account.adapter = account.connect()
    second = account.shop.place_order([("RED", 1)])
    assert account.adapter.acknowledge(second) == Accepted()
    assert len(account.shop.supplies) == 2


def test_a_supply_that_is_handed_over_at_that_moment_is_followed_by_a_new_one(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the call a courier scans the first parcel, which closes the supply: the order is not left alone for that."""
    first = account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(first)
    second = account.shop.place_order([("RED", 1)])
    real = Supplies._open

    def late(supplies: Supplies, name: str) -> str:
        found = real(supplies, name)
        account.shop.scan(first)
        return found

    monkeypatch.setattr(Supplies, "_open", late)
    assert account.adapter.acknowledge(second) == Accepted()
    assert account.order(second).state is OrderState.ACKNOWLEDGED
    assert len(account.shop.supplies) == 2


def test_a_supply_that_a_person_deleted_is_followed_by_a_new_one(account: Account) -> None:
    first = account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(first)
    assert account.cancel(first, 1) == Accepted()
    account.shop.supplies.clear()
    second = account.shop.place_order([("RED", 1)])
    assert account.adapter.acknowledge(second) == Accepted()


def test_a_lost_reply_does_not_make_a_second_supply(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    account.shop.fail_next(Fault.DROP_AFTER, path="/api/v3/supplies", after=1)
    with pytest.raises(OutcomeUnknown):
        account.adapter.acknowledge(order_id)
    assert len(account.shop.supplies) == 1
    outcome = account.connect().acknowledge(order_id)
    assert outcome == Accepted()
    assert len(account.shop.supplies) == 1


def test_a_supply_is_handed_over_only_if_it_holds_nothing_else(account: Account) -> None:
    first, second = account.shop.place_order([("RED", 1)]), account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(first)
    account.adapter.acknowledge(second)
    assert account.ship(first, 1) == Accepted()
    (supply,) = account.shop.supplies.values()
    assert supply.closed_at is None
    account.shop.scan(first)
    assert supply.closed_at is not None, "the first scan closes it"
    assert account.order(first).state is OrderState.SHIPPED
    assert account.order(second).state is OrderState.ACKNOWLEDGED


def test_an_order_that_leaves_alone_is_handed_over(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 2)])
    account.adapter.acknowledge(order_id)
    assert account.ship(order_id, 1) == Accepted()
    assert not account.calls("/api/v3/supplies/WB-GI-1234567/deliver"), "half of it stays here"
    assert account.ship(order_id, 2) == Accepted()
    told = account.order(order_id)
    assert (told.state, told.remote_state) == (OrderState.ACKNOWLEDGED, "complete, waiting"), "nobody has scanned it yet"
    account.shop.scan(order_id)
    assert account.order(order_id).state is OrderState.SHIPPED
    assert account.ship(order_id, 2) == Accepted(), "what has been scanned needs nothing more"


def test_a_shipment_takes_on_what_nobody_has_taken_on(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    assert account.ship(order_id, 1) == Accepted()
    account.shop.scan(order_id)
    assert account.order(order_id).state is OrderState.SHIPPED


def test_goods_without_their_marking_are_not_handed_over(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(order_id)
    account.shop.orders[order_id].extra["unmarked"] = "yes"
    assert account.ship(order_id, 1) == Rejected("MetaValidationFail", "Fix them to dispatch items")


# --- cancelling ---------------------------------------------------------------------------------------------------------------------------


def test_some_of_a_lines_units_are_cancelled_and_those_first_that_nobody_assembles(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 3)])
    taken = min(account.shop.units)
    supply_id = account.raw("POST", "/api/v3/supplies", {"name": "by hand"}).json()["id"]
    account.raw("PATCH", f"/api/marketplace/v3/supplies/{supply_id}/orders", {"orders": [taken]})
    assert account.cancel(order_id, 2) == Accepted()
    assert account.shop.units[taken].supplier == "confirm"
    (line,) = account.order(order_id).lines
    assert (line.ordered, line.cancelled) == (3, 2)


def test_a_cancellation_of_nothing_is_refused(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 1)])
    refused = account.cancel(order_id, 0)
    assert isinstance(refused, Rejected)
    assert refused.code == "no_lines"


def test_what_may_not_be_cancelled_is_not_tried(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 2)])
    account.shop.insist(order_id)
    outcome = account.cancel(order_id, 1)
    assert isinstance(outcome, Rejected)
    assert outcome.code == "not_cancellable"
    assert not [call for call in account.calls() if call.startswith("PATCH")], "a refused call would have counted as ten"


def test_a_cancellation_that_the_limit_cuts_short_is_not_told_as_one_that_did_nothing(account: Account) -> None:
    """The hub reads the order then and asks for what is left: with the same adapter, with another one, or tomorrow."""
    order_id = account.shop.place_order([("RED", 3)])
    account.shop.fail_next(Fault.RATE_LIMIT, path="/cancel", after=1)
    with pytest.raises(OutcomeUnknown, match="1 of 2 were cancelled"):
        account.cancel(order_id, 2)
    assert account.order(order_id).lines[0].cancelled == 1


def test_a_cancellation_that_the_limit_stops_before_its_first_unit_has_done_nothing(account: Account) -> None:
    order_id = account.shop.place_order([("RED", 3)])
    account.shop.fail_next(Fault.RATE_LIMIT, path="/cancel")
    with pytest.raises(SlowDown):
        account.cancel(order_id, 2)
    assert account.order(order_id).lines[0].cancelled == 0


def test_a_cancellation_of_which_nobody_knows_is_not_gone_on_with(account: Account) -> None:
    """The hub looks first then, and what it asks for afterwards is another cancellation."""
    order_id = account.shop.place_order([("RED", 5)])
    account.shop.fail_next(Fault.DROP_AFTER, path="/cancel", after=1)
    with pytest.raises(OutcomeUnknown):
        account.cancel(order_id, 2)
    assert account.order(order_id).lines[0].cancelled == 2
    assert account.cancel(order_id, 2) == Accepted()
    assert account.order(order_id).lines[0].cancelled == 4


# --- stickers -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "media"), [("png", "image/png"), ("zplv", "application/zpl"), ("svg", "image/svg+xml")])
def test_there_is_a_sticker_for_each_unit_once_it_is_in_a_supply(form: str, media: str) -> None:
    account = Account(label_format=form)
    order_id = account.shop.place_order([("RED", 2)])
    refused = account.adapter.read_labels([order_id])[order_id]
    assert isinstance(refused, Rejected)
    assert refused.code == "acknowledge_first"
    account.adapter.acknowledge(order_id)
    labels = account.adapter.read_labels([order_id])[order_id]
    assert isinstance(labels, tuple)
    assert {label.media_type for label in labels} == {media}
    assert [label.body for label in labels] == [f"{form} sticker of {unit}".encode() for unit in account.shop.units]


def test_a_parcel_without_its_customs_declaration_spares_the_others(account: Account) -> None:
    """One such unit has the whole call refused, so goods from abroad are asked for one by one."""
    home, abroad = account.shop.place_order([("RED", 1)]), account.shop.place_order([("RED", 1)])
    account.adapter.acknowledge(home)
    account.adapter.acknowledge(abroad)
    account.shop.orders[abroad].extra["undeclared"] = "yes"
    answers = account.adapter.read_labels([home, abroad])
    assert isinstance(answers[home], tuple)
    refused = answers[abroad]
    assert isinstance(refused, Rejected)
    assert "declaration" in refused.message
