"""Chapters bulk_stock, bulk_prices and tickets: submissions that are decided later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from stallkit.errors import AdapterError, OutcomeUnknown
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import CannotShow, case
from stallkit.testing.contract.reading import must_be_value_error
from stallkit.testing.contract.writing import OWN_WORDS, answered, check_own_words
from stallkit.testing.emulator import Fault
from stallkit.types import Accepted, Money, OfferRef, Outcome, Outcomes, Pending, PriceIntent, Rejected

STOCK, PRICES, TICKETS = Capability.BULK_STOCK, Capability.BULK_PRICES, Capability.RESOLVE_TICKET


@dataclass(frozen=True, slots=True)
class Kind:
    """What the stock and the price side of the bulk path have in common."""

    name: str
    submit: Callable[[Bench, Sequence[tuple[OfferRef, int]]], Outcomes]
    shown: Callable[[Bench, str], int]


def submit_stock(bench: Bench, wanted: Sequence[tuple[OfferRef, int]]) -> Outcomes:
    intents = [bench.intent(ref, quantity) for ref, quantity in wanted]
    outcomes = bench.patiently(lambda: bench.adapter.submit_stock(intents))
    answered(outcomes, [ref for ref, _ in wanted])
    return outcomes


def submit_prices(bench: Bench, wanted: Sequence[tuple[OfferRef, int]]) -> Outcomes:
    intents = [PriceIntent(ref, bench.money(Decimal(whole) + Decimal("0.50"))) for ref, whole in wanted]
    outcomes = bench.patiently(lambda: bench.adapter.submit_prices(intents))
    answered(outcomes, [ref for ref, _ in wanted])
    return outcomes


STOCK_KIND = Kind("stock", submit_stock, lambda bench, sku: bench.emulator.quantity_of(sku))
PRICE_KIND = Kind("price", submit_prices, lambda bench, sku: int(bench.emulator.price_of(sku)))


def resolve(bench: Bench, outcomes: Outcomes) -> Outcomes:
    """Wait until every pending item is decided. Each ref must come back under the ref that went in."""
    decided: dict[OfferRef, Outcome] = {ref: outcome for ref, outcome in outcomes.items() if not isinstance(outcome, Pending)}
    tickets = {outcome.ticket for outcome in outcomes.values() if isinstance(outcome, Pending)}
    for ticket in sorted(tickets):
        decided.update(wait_for_ticket(bench, ticket))
    lost = [ref.sku for ref in outcomes if ref not in decided]
    assert not lost, f"the tickets are done and say nothing about {', '.join(lost[:5])} (asked under {next(iter(outcomes))})"
    return decided


def wait_for_ticket(bench: Bench, ticket: str) -> Mapping[OfferRef, Outcome]:
    bench.adapter = bench.fresh()  # a ticket outlives the process that got it

    def ask() -> Mapping[OfferRef, Outcome] | None:
        result = bench.adapter.resolve_ticket(ticket)
        undecided = [outcome for outcome in result.outcomes.values() if not isinstance(outcome, Accepted | Rejected)]
        assert not undecided, f"a ticket's outcomes are Accepted or Rejected, not {undecided[0]}"
        return result.outcomes if result.done else None

    return bench.wait_for(ask)


def takes_effect(bench: Bench, kind: Kind) -> None:
    bench.stock(CUP_RED=5, CUP_BLUE=5, CUP_GREEN=5)
    refs = bench.refs("CUP-RED", "CUP-BLUE", "CUP-GREEN")
    outcomes = resolve(bench, kind.submit(bench, [(ref, 21 + number) for number, ref in enumerate(refs)]))
    assert set(outcomes.values()) == {Accepted()}, f"outcomes {outcomes}"
    assert [kind.shown(bench, ref.sku) for ref in refs] == [21, 22, 23]


def one_refusal(bench: Bench, kind: Kind) -> None:
    bench.stock(CUP_RED=15, CUP_BLUE=15)
    red, blue = bench.refs("CUP-RED", "CUP-BLUE")
    bench.emulator.offers["CUP-BLUE"].refuse_stock = bench.emulator.offers["CUP-BLUE"].refuse_price = OWN_WORDS
    before = kind.shown(bench, "CUP-BLUE")
    outcomes = resolve(bench, kind.submit(bench, [(red, 22), (blue, 22)]))
    check_own_words(outcomes[blue])
    assert outcomes[red] == Accepted()
    assert (kind.shown(bench, "CUP-RED"), kind.shown(bench, "CUP-BLUE")) == (22, before)


def large_batch(bench: Bench, kind: Kind) -> None:
    size = min(bench.manifest.bulk_batch, 300)
    bench.stock_many(size)
    refs = bench.refs(*bench.emulator.offers)
    outcomes = resolve(bench, kind.submit(bench, [(ref, 30) for ref in refs]))
    assert set(outcomes.values()) == {Accepted()}
    assert {kind.shown(bench, ref.sku) for ref in refs} == {30}


@case("bulk_stock.takes_effect", STOCK, TICKETS)
def bulk_stock_takes_effect(bench: Bench) -> None:
    """A bulk submission is resolved by its ticket, also in a new process, and the shop shows every value."""
    takes_effect(bench, STOCK_KIND)


@case("bulk_stock.one_refusal_spares_the_others", STOCK, TICKETS)
def bulk_stock_one_refusal(bench: Bench) -> None:
    """A submission succeeds as a whole and fails per item: the refusal is told in the platform's words."""
    one_refusal(bench, STOCK_KIND)


@case("bulk_stock.large_batch", STOCK, TICKETS)
def bulk_stock_large_batch(bench: Bench) -> None:
    """Hundreds of items in one submission are all decided."""
    large_batch(bench, STOCK_KIND)


@case("bulk_stock.too_many_is_value_error", STOCK)
def bulk_stock_too_many(bench: Bench) -> None:
    """More than the declared batch is the caller's mistake: ValueError before any call."""
    intents = [bench.intent(OfferRef(f"S-{number}", str(number + 1)), 1) for number in range(bench.manifest.bulk_batch + 1)]
    must_be_value_error(bench, lambda: bench.adapter.submit_stock(intents))


@case("bulk_prices.take_effect", PRICES, TICKETS)
def bulk_prices_take_effect(bench: Bench) -> None:
    """Prices by the bulk path are resolved by their ticket and shown."""
    takes_effect(bench, PRICE_KIND)


@case("bulk_prices.one_refusal_spares_the_others", PRICES, TICKETS)
def bulk_prices_one_refusal(bench: Bench) -> None:
    """One refused price does not stop the others."""
    one_refusal(bench, PRICE_KIND)


@case("bulk_prices.too_many_is_value_error", PRICES)
def bulk_prices_too_many(bench: Bench) -> None:
    """More than the declared batch is the caller's mistake: ValueError before any call."""
    money = Money(Decimal("10.00"), bench.manifest.currencies[0])
    intents = [PriceIntent(OfferRef(f"S-{number}", str(number + 1)), money) for number in range(bench.manifest.bulk_batch + 1)]
    must_be_value_error(bench, lambda: bench.adapter.submit_prices(intents))


# --- tickets ------------------------------------------------------------------------------------------------------------------------------


def any_kind(bench: Bench) -> Kind:
    return STOCK_KIND if bench.has(STOCK) else PRICE_KIND


@case("tickets.open_then_done", TICKETS)
def tickets_open_then_done(bench: Bench) -> None:
    """A submission is open at first, and what is not decided is left out; later it is done."""
    bench.stock(CUP_RED=5, CUP_BLUE=5)
    refs = bench.refs("CUP-RED", "CUP-BLUE")
    outcomes = any_kind(bench).submit(bench, [(ref, 21) for ref in refs])
    tickets = {outcome.ticket for outcome in outcomes.values() if isinstance(outcome, Pending)}
    assert tickets, "nothing was pending"
    assert all(isinstance(ticket, str) and ticket for ticket in tickets)
    first = bench.patiently(lambda: bench.adapter.resolve_ticket(min(tickets)))
    if not first.done:
        assert len(first.outcomes) < len(refs), "everything is decided, yet the ticket is not done"
    assert set(resolve(bench, outcomes).values()) == {Accepted()}


@case("tickets.found_after_a_lost_reply", TICKETS)
def tickets_found_after_a_lost_reply(bench: Bench) -> None:
    """After a submission whose reply was lost, find_ticket finds it, and it resolves like any other."""
    kind = any_kind(bench)
    bench.stock(CUP_RED=5, CUP_BLUE=5)
    refs = bench.refs("CUP-RED", "CUP-BLUE")
    since = bench.clock()
    lose_the_reply(bench, kind, refs)
    bench.clock.advance(2)
    ticket = bench.wait_for(lambda: bench.adapter.find_ticket(kind.name, since), hours=1)
    outcomes = wait_for_ticket(bench, ticket)
    assert {ref.sku for ref in outcomes} == {ref.sku for ref in refs}, f"the found ticket tells of {[ref.sku for ref in outcomes]}"
    assert [kind.shown(bench, ref.sku) for ref in refs] == [21, 21]


def lose_the_reply(bench: Bench, kind: Kind, refs: Sequence[OfferRef]) -> None:
    """Submit so that the platform takes it in and the reply is dropped, at whichever of the adapter's calls that is."""
    for calls in range(4):
        bench.emulator.fail_next(Fault.DROP_AFTER, after=calls)
        try:
            kind.submit(bench, [(ref, 21) for ref in refs])
        except OutcomeUnknown:
            return
        except AdapterError:
            continue
        finally:
            bench.emulator.clear_faults()
    raise CannotShow("no dropped reply of a submission was reported as OutcomeUnknown")


@case("tickets.nothing_to_find", TICKETS)
def tickets_nothing_to_find(bench: Bench) -> None:
    """Without a submission since then, there is no ticket."""
    kind = any_kind(bench)
    assert bench.patiently(lambda: bench.adapter.find_ticket(kind.name, bench.clock())) is None
    bench.stock(CUP_RED=5)
    resolve(bench, kind.submit(bench, [(ref, 21) for ref in bench.refs("CUP-RED")]))
    bench.clock.advance(3_600)
    later = bench.clock() - timedelta(minutes=5)
    assert bench.patiently(lambda: bench.adapter.find_ticket(kind.name, later)) is None, "an old submission was taken for a new one"


@case("tickets.kinds_are_kept_apart", TICKETS, STOCK, PRICES)
def tickets_kinds(bench: Bench) -> None:
    """A price submission is not mistaken for a stock submission."""
    bench.stock(CUP_RED=5)
    since = bench.clock()
    outcomes = submit_prices(bench, [(ref, 21) for ref in bench.refs("CUP-RED")])
    if any(isinstance(outcome, Pending) for outcome in outcomes.values()):
        assert bench.patiently(lambda: bench.adapter.find_ticket("stock", since)) is None
