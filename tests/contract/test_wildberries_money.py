"""Wildberries' prices, which are worked on for a while and have rules of their own, and its claims, one for each unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest

from stallkit.adapters.wildberries import emulated_goods
from stallkit.adapters.wildberries.returns import ANSWER, GOODS, Claim, parse_claim
from stallkit.errors import OutcomeUnknown, Refused
from stallkit.types import Accepted, Money, OfferRef, Outcome, Pending, PriceIntent, Rejected, RemoteReturn, ReturnState
from tests.contract.wildberries_account import START, Account


@pytest.fixture
def account() -> Account:
    return Account()


def intent(account: Account, price: str, sku: str = "RED", currency: str = "RUB") -> PriceIntent:
    return PriceIntent(account.ref(sku), Money(Decimal(price), currency))


def submit(account: Account, *intents: PriceIntent) -> dict[OfferRef, Outcome]:
    return dict(account.adapter.submit_prices(intents))


def settled(account: Account, ticket: str) -> dict[OfferRef, Outcome]:
    account.advance(seconds=60)
    result = account.adapter.resolve_ticket(ticket)
    assert result.done
    return dict(result.outcomes)


# --- prices -------------------------------------------------------------------------------------------------------------------------------


def test_a_price_is_accepted_first_and_true_later(account: Account) -> None:
    outcome = submit(account, intent(account, "450"))[account.ref()]
    assert isinstance(outcome, Pending)
    assert (account.adapter.resolve_ticket(outcome.ticket).done, account.shop.price_of("RED")) == (False, 500)
    assert settled(account, outcome.ticket) == {account.ref(): Accepted()}
    assert account.shop.price_of("RED") == 450


def test_what_buyers_pay_is_sent_and_a_discount_ends(account: Account) -> None:
    """List price 500 with 20 % off is 400 for buyers; a price of 450 means 450."""
    card = account.shop.card_of("RED")
    card.discount, account.shop.offers["RED"].price = 20, Decimal(400)
    outcome = submit(account, intent(account, "450"))[account.ref()]
    assert isinstance(outcome, Pending)
    settled(account, outcome.ticket)
    assert (account.shop.price_of("RED"), card.discount) == (450, 0)


@pytest.mark.parametrize(
    ("price", "currency", "code"), [("450.50", "RUB", "whole_number"), ("0", "RUB", "whole_number"), ("450", "BYN", "currency")]
)
def test_a_price_that_they_would_not_take_is_not_sent(account: Account, price: str, currency: str, code: str) -> None:
    outcomes = submit(account, intent(account, price, currency=currency), intent(account, "300", "BLUE"))
    refused = outcomes[account.ref()]
    assert isinstance(refused, Rejected)
    assert refused.code == code
    assert isinstance(outcomes[account.ref("BLUE")], Pending), "the other one goes out"


def test_an_upload_of_nothing_new_would_be_refused_so_it_is_not_made(account: Account) -> None:
    assert submit(account, intent(account, "500")) == {account.ref(): Accepted()}
    assert not account.shop.uploads
    reply = account.raw("POST", "/api/v2/upload/task", {"data": [{"nmID": account.shop.card_of("RED").nm, "price": 500, "discount": 0}]})
    assert (reply.status_code, reply.json()["errorText"]) == (400, emulated_goods.ALREADY)


def test_the_same_upload_again_is_the_one_that_is_there(account: Account) -> None:
    """After a lost reply nothing lists uploads; sending again finds it (208)."""
    account.shop.drop_reply_after_applying(path="/upload/task")
    with pytest.raises(OutcomeUnknown):
        submit(account, intent(account, "450"))
    assert account.adapter.find_ticket("price", START) is None
    outcome = submit(account, intent(account, "450"))[account.ref()]
    assert isinstance(outcome, Pending)
    assert list(account.shop.uploads) == [int(outcome.ticket)]
    assert account.exchanges[-1].status == 208


def test_a_price_a_third_of_the_old_one_waits_in_quarantine(account: Account) -> None:
    outcomes = submit(account, intent(account, "100"), intent(account, "400", "BLUE"))
    outcome = outcomes[account.ref()]
    assert isinstance(outcome, Pending)
    settled_ones = settled(account, outcome.ticket)
    assert settled_ones == {account.ref(): Rejected("price", emulated_goods.QUARANTINE), account.ref("BLUE"): Accepted()}
    assert account.shop.price_of("RED") == 500


def test_all_sizes_of_a_card_have_one_price(account: Account) -> None:
    account.shop.add_card("SHIRT", {"S": 1, "M": 2}, price="300")
    small, medium = intent(account, "350", "SHIRT/S"), intent(account, "360", "SHIRT/M")
    assert {type(outcome) for outcome in submit(account, small, medium).values()} == {Rejected}
    outcome = submit(account, small)[small.ref]
    assert isinstance(outcome, Pending)
    assert settled(account, outcome.ticket) == {small.ref: Accepted(), medium.ref: Accepted()}
    assert account.shop.price_of("SHIRT/M") == 350


def test_a_card_that_is_gone_has_no_price(account: Account) -> None:
    gone = intent(account, "450")
    account.shop.remove_offer("RED")
    outcome = submit(account, gone)[gone.ref]
    assert isinstance(outcome, Rejected)
    assert outcome.code == "unknown_card"


def test_a_card_is_found_by_its_size_however_long_the_list_is(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices are kept by card, offers by size: the list of goods is read on, and what was read is remembered."""
    monkeypatch.setattr("stallkit.adapters.wildberries.prices.PAGE", 3)
    for number in range(8):
        account.shop.add_offer(f"MUG-{number}", price="500")
    submit(account, intent(account, "450", "MUG-2"))
    assert len(account.calls("/api/v2/list")) == 3, "two pages of the list, then the card"
    submit(account, intent(account, "450", "MUG-7"))
    assert len(account.calls("/api/v2/list")) == 6, "it goes on where it was"
    account.shop.add_offer("LATE", price="500")
    assert isinstance(submit(account, intent(account, "450", "LATE"))[account.ref("LATE")], Pending)


# --- claims -------------------------------------------------------------------------------------------------------------------------------


def returned(account: Account, quantity: int) -> tuple[str, str]:
    order_id = account.shop.place_order([("RED", quantity)])
    account.adapter.acknowledge(order_id)
    account.shop.scan(order_id)
    account.advance(days=5)
    return order_id, account.shop.open_return(order_id, [(account.shop.offers["RED"].external_id, quantity)])


def read(account: Account, *, fresh: bool = False) -> list[RemoteReturn]:
    adapter = account.connect() if fresh else account.adapter
    found, cursor = [], ""
    while True:
        page = adapter.read_returns(cursor)
        found += page.items
        cursor = page.cursor
        if page.done:
            return found


def test_two_units_that_come_back_are_two_returns(account: Account) -> None:
    order_id, return_id = returned(account, 2)
    told = read(account)
    assert [(one.order_id, one.lines[0].ref, one.lines[0].quantity) for one in told] == [(order_id, account.ref(), 1)] * 2
    assert told[0].return_id == return_id != told[1].return_id
    assert {one.state for one in told} == {ReturnState.ASKED}


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=3))])
def test_a_claim_finds_its_order_whichever_clock_its_time_is_of(account: Account, zone: timezone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process has to look for the assembly order around the time that the claim tells, whose zone no document names."""
    monkeypatch.setattr("stallkit.adapters.wildberries.emulated_wire.MOSCOW", zone)
    order_id, _ = returned(account, 1)
    assert [one.order_id for one in read(account, fresh=True)] == [order_id]


def test_times_of_claims_are_moscows(account: Account) -> None:
    returned(account, 1)
    (told,) = read(account)
    assert told.opened_at == account.now


def test_claims_under_review_and_in_the_archive_are_both_read(account: Account) -> None:
    _, return_id = returned(account, 1)
    account.shop.move_return(return_id, ReturnState.COMING)
    (told,) = read(account)
    assert (told.state, told.remote_state) == (ReturnState.COMING, "approved, on its way to the seller")


def test_a_claim_for_an_order_that_is_not_listed_any_more_names_none(account: Account) -> None:
    order_id, _ = returned(account, 1)
    account.shop.orders[order_id].placed_at = datetime(2026, 5, 1, tzinfo=UTC)
    (told,) = read(account, fresh=True)
    assert (told.order_id, told.lines[0].ref) == ("", OfferRef(""))


def test_words_of_claims_that_no_document_lists_are_unknown() -> None:
    claim = Claim("1", 2, 99, START, "s")
    assert parse_claim(claim, b"", "", OfferRef("")).state is ReturnState.UNKNOWN
    claim = Claim("1", 7, 10, START, "s")
    assert parse_claim(claim, b"", "", OfferRef("")).state is ReturnState.UNKNOWN
    assert {0, 1, 2} == ANSWER.keys()
    assert GOODS[5][0] is ReturnState.CLOSED


def test_the_sandbox_has_no_returns(account: Account) -> None:
    account.config["site"] = "sandbox"
    assert account.connect().read_returns("").items == ()
    assert not account.shop.calls


def test_a_cursor_of_somebody_else_is_refused(account: Account) -> None:
    with pytest.raises(Refused, match="cursor"):
        account.adapter.read_returns("page-2")


def test_a_claim_that_is_not_understood_spares_the_others(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    returned(account, 2)
    page = account.raw("GET", "/api/v1/claims?is_archive=false").json()
    del page["claims"][0]["srid"]
    monkeypatch.setattr("stallkit.http.read_limited", lambda *_: msgspec.json.encode(page))
    told = account.adapter.read_returns("")
    assert [one.return_id for one in told.items] == [page["claims"][1]["id"]]
    assert [one.external_id for one in told.parked] == [page["claims"][0]["id"]]
