"""Chapters acknowledge, stock and prices: the quick writes. A yes is not proof, so each case looks into the shop."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stallkit.errors import AdapterError, OutcomeUnknown, Refused, Unintelligible
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench, unknown_number
from stallkit.testing.contract.cases import case
from stallkit.testing.contract.reading import more_than_one, must_be_value_error
from stallkit.testing.contract.spoil import Kept, items, try_spoiled
from stallkit.types import Accepted, Money, OfferRef, Outcome, Outcomes, Pending, PriceIntent, Rejected, StockIntent

ACK, STOCK, PRICES = Capability.ACKNOWLEDGE, Capability.WRITE_STOCK, Capability.WRITE_PRICES
OWN_WORDS = "not while the moon is full"


def said_no(outcome: Outcome | AdapterError, what: str) -> None:
    """Refused as an item or as a whole; anything else means that the engine would believe that it worked."""
    assert isinstance(outcome, Rejected | Refused), f"{what} was answered with {outcome}"


def answer_of(bench: Bench, call: object) -> Outcome | AdapterError:
    """The outcome of a single action, or the error that it raised."""
    try:
        return bench.patiently(call)  # type: ignore[arg-type]
    except AdapterError as error:
        return error


# --- acknowledge --------------------------------------------------------------------------------------------------------------------------


@case("acknowledge.takes_effect", ACK)
def acknowledge_takes_effect(bench: Bench) -> None:
    """The platform knows afterwards that we have the order."""
    bench.stock(CUP_RED=9)
    order_id, other = bench.order(("CUP-RED", 1)), bench.order(("CUP-RED", 1))
    assert bench.patiently(lambda: bench.adapter.acknowledge(order_id)) == Accepted()
    assert bench.emulator.orders[order_id].acknowledged_at == bench.clock()
    assert bench.emulator.orders[other].acknowledged_at is None, "another order was acknowledged too"


@case("acknowledge.twice_is_accepted", ACK)
def acknowledge_twice(bench: Bench) -> None:
    """An order that is acknowledged already counts as Accepted: the engine may ask again after a lost reply."""
    bench.stock(CUP_RED=9)
    order_id = bench.order(("CUP-RED", 1))
    assert bench.patiently(lambda: bench.adapter.acknowledge(order_id)) == Accepted()
    first = bench.emulator.orders[order_id].acknowledged_at
    bench.clock.advance(60)
    assert bench.patiently(lambda: bench.adapter.acknowledge(order_id)) == Accepted()
    assert bench.emulator.orders[order_id].acknowledged_at == first, "the second call moved the time of acknowledgement"


@case("acknowledge.unknown_order_is_refused", ACK)
def acknowledge_unknown(bench: Bench) -> None:
    """An order that the platform does not have cannot be acknowledged."""
    bench.stock(CUP_RED=9)
    unknown = unknown_number(bench.order(("CUP-RED", 1)))
    said_no(answer_of(bench, lambda: bench.adapter.acknowledge(unknown)), "an unknown order")


# --- stock --------------------------------------------------------------------------------------------------------------------------------


def write_stock(bench: Bench, intents: Sequence[StockIntent]) -> Outcomes:
    outcomes = bench.patiently(lambda: bench.adapter.write_stock(intents))
    answered(outcomes, [intent.ref for intent in intents])
    return outcomes


def answered(outcomes: Outcomes, refs: Sequence[OfferRef]) -> None:
    """Every ref has its outcome, under the very ref that went in."""
    forgotten = [ref.sku for ref in refs if ref not in outcomes]
    assert not forgotten, f"no outcome for {', '.join(forgotten[:5])} ({len(forgotten)} of {len(refs)})"
    strange = set(outcomes) - set(refs)
    assert not strange, f"outcomes for refs that were not asked: {strange}"
    bad = [outcome for outcome in outcomes.values() if not isinstance(outcome, Accepted | Pending | Rejected)]
    assert not bad, f"not an outcome: {bad[0]!r}"


@case("stock.is_absolute", STOCK)
def stock_is_absolute(bench: Bench) -> None:
    """The shop shows exactly what was written, up or down, and twice the same is the same."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    for quantity in (7, 7, 3, 12):
        assert write_stock(bench, [bench.intent(ref, quantity)]) == {ref: Accepted()}
        shown = bench.emulator.quantity_of("CUP-RED")
        assert shown == quantity, f"wrote {quantity}, the shop shows {shown}"


@case("stock.zero", STOCK)
def stock_zero(bench: Bench) -> None:
    """Zero can be written, and nothing can be bought afterwards."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    assert write_stock(bench, [bench.intent(ref, 0)]) == {ref: Accepted()}
    assert bench.emulator.quantity_of("CUP-RED") == 0


@case("stock.back_from_zero", STOCK)
def stock_back_from_zero(bench: Bench) -> None:
    """An offer that was sold out can be bought again after a write."""
    bench.stock(CUP_RED=0)
    (ref,) = bench.refs("CUP-RED")
    assert write_stock(bench, [bench.intent(ref, 4)]) == {ref: Accepted()}
    bench.order(("CUP-RED", 4))


@case("stock.full_batch", STOCK)
def stock_full_batch(bench: Bench) -> None:
    """A batch of the declared size is written and answered whole."""
    size = bench.manifest.stock_batch
    bench.stock_many(size)
    refs = bench.refs(*bench.emulator.offers)
    outcomes = write_stock(bench, [bench.intent(ref, 20 + number) for number, ref in enumerate(refs)])
    assert set(outcomes.values()) == {Accepted()}
    wrong = [ref.sku for number, ref in enumerate(refs) if bench.emulator.quantity_of(ref.sku) != 20 + number]
    assert not wrong, f"accepted and not shown: {', '.join(wrong[:5])}"


@case("stock.nothing_to_write", STOCK)
def stock_nothing_to_write(bench: Bench) -> None:
    """An empty batch is an empty answer."""
    assert dict(bench.adapter.write_stock([])) == {}


@case("stock.too_many_is_value_error", STOCK)
def stock_too_many(bench: Bench) -> None:
    """More than the declared batch is the caller's mistake: ValueError before any call."""
    intents = [bench.intent(OfferRef(f"S-{number}", str(number + 1)), 1) for number in range(bench.manifest.stock_batch + 1)]
    must_be_value_error(bench, lambda: bench.adapter.write_stock(intents))


@case("stock.refusal_in_own_words", STOCK)
def stock_refusal(bench: Bench) -> None:
    """A refused item is Rejected with the platform's reason."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    bench.emulator.offers["CUP-RED"].refuse_stock = OWN_WORDS
    check_own_words(write_stock(bench, [bench.intent(ref, 1)])[ref])
    assert bench.emulator.quantity_of("CUP-RED") == 5


@case("stock.one_refusal_spares_the_others", STOCK)
def stock_one_refusal(bench: Bench) -> None:
    """One refused item of a batch does not stop the others."""
    more_than_one(bench.manifest.stock_batch, "write_stock")
    bench.stock(CUP_RED=5, CUP_BLUE=5, CUP_GREEN=5)
    refs = bench.refs("CUP-RED", "CUP-BLUE", "CUP-GREEN")
    bench.emulator.offers["CUP-BLUE"].refuse_stock = OWN_WORDS
    outcomes = write_stock(bench, [bench.intent(ref, 2) for ref in refs])
    check_own_words(outcomes[refs[1]])
    assert (outcomes[refs[0]], outcomes[refs[2]]) == (Accepted(), Accepted())
    assert [bench.emulator.quantity_of(ref.sku) for ref in refs] == [2, 5, 2]


@case("stock.unknown_offer_is_rejected", STOCK)
def stock_unknown_offer(bench: Bench) -> None:
    """An offer that the platform does not have is Rejected, alone."""
    bench.stock(CUP_RED=5, CUP_BLUE=5)
    red, gone = bench.refs("CUP-RED", "CUP-BLUE")
    bench.emulator.remove_offer("CUP-BLUE")
    batch = [red, gone] if bench.manifest.stock_batch > 1 else [gone]
    outcomes = write_stock(bench, [bench.intent(ref, 2) for ref in batch])
    assert isinstance(outcomes[gone], Rejected), f"an offer that is not there was answered with {outcomes[gone]}"
    if red in batch:
        assert outcomes[red] == Accepted()
        assert bench.emulator.quantity_of("CUP-RED") == 2


@case("stock.above_the_maximum", STOCK)
def stock_above_the_maximum(bench: Bench) -> None:
    """More than the declared maximum is Rejected, or shown as it is or as the maximum; a yes never hides another number."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    most = bench.manifest.quirks.max_quantity
    outcome = write_stock(bench, [bench.intent(ref, most + 1)])[ref]
    shown = bench.emulator.quantity_of("CUP-RED")
    assert (isinstance(outcome, Rejected) and shown == 5) or (outcome == Accepted() and shown in {most, most + 1}), (
        f"{outcome}, shown {shown}"
    )
    assert write_stock(bench, [bench.intent(ref, most)]) == {ref: Accepted()}
    assert bench.emulator.quantity_of("CUP-RED") == most


@case("stock.forgotten_item_is_an_error", STOCK)
def stock_forgotten_item(bench: Bench) -> None:
    """When the platform's answer leaves an item out, the call fails as unknown; it does not count as a yes."""
    more_than_one(bench.manifest.stock_batch, "write_stock")
    bench.stock(CUP_RED=5, CUP_BLUE=5)
    refs = bench.refs("CUP-RED", "CUP-BLUE")

    def write(on: Bench) -> Kept:
        adapter, intents = on.fresh(), [bench.intent(ref, 3) for ref in refs]
        outcomes = on.patiently(lambda: adapter.write_stock(intents))
        answered(outcomes, refs)
        return Kept({ref.sku: (outcome,) for ref, outcome in outcomes.items()}, 0)

    for spoiled in items(write, bench, "CUP-RED"):
        result = try_spoiled(write, bench, spoiled)
        assert isinstance(result, OutcomeUnknown | Unintelligible), f"{spoiled}: answered with {result}"


def check_own_words(outcome: Outcome) -> None:
    assert isinstance(outcome, Rejected), f"the platform refused, the adapter said {outcome}"
    assert OWN_WORDS in outcome.message, f"the platform said {OWN_WORDS!r}, the adapter {outcome.message!r}"


# --- prices -------------------------------------------------------------------------------------------------------------------------------


def write_prices(bench: Bench, prices: Sequence[tuple[OfferRef, str]]) -> Outcomes:
    currency = bench.manifest.currencies[0]
    intents = [PriceIntent(ref, Money(Decimal(price), currency)) for ref, price in prices]
    outcomes = bench.patiently(lambda: bench.adapter.write_prices(intents))
    answered(outcomes, [ref for ref, _ in prices])
    return outcomes


@case("prices.are_exact", PRICES)
def prices_are_exact(bench: Bench) -> None:
    """The shop shows exactly the price that was written."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    for price in ("24.99", "21.10", "19.01"):
        assert write_prices(bench, [(ref, price)]) == {ref: Accepted()}
        assert bench.emulator.price_of("CUP-RED") == Decimal(price), f"wrote {price}, the shop shows {bench.emulator.price_of('CUP-RED')}"
    assert bench.emulator.quantity_of("CUP-RED") == 5, "writing a price changed the quantity"


@case("prices.full_batch", PRICES)
def prices_full_batch(bench: Bench) -> None:
    """A batch of the declared size is written and answered whole."""
    bench.stock_many(bench.manifest.stock_batch)
    refs = bench.refs(*bench.emulator.offers)
    outcomes = write_prices(bench, [(ref, "21.50") for ref in refs])
    assert set(outcomes.values()) == {Accepted()}
    assert {bench.emulator.price_of(ref.sku) for ref in refs} == {Decimal("21.50")}


@case("prices.too_many_is_value_error", PRICES)
def prices_too_many(bench: Bench) -> None:
    """More than the declared batch is the caller's mistake: ValueError before any call."""
    money = Money(Decimal("10.00"), bench.manifest.currencies[0])
    intents = [PriceIntent(OfferRef(f"S-{number}", str(number + 1)), money) for number in range(bench.manifest.stock_batch + 1)]
    must_be_value_error(bench, lambda: bench.adapter.write_prices(intents))


@case("prices.refusal_in_own_words", PRICES)
def prices_refusal(bench: Bench) -> None:
    """A refused price is Rejected with the platform's reason, and the old one stays."""
    bench.stock(CUP_RED=5)
    (ref,) = bench.refs("CUP-RED")
    bench.emulator.offers["CUP-RED"].refuse_price = OWN_WORDS
    check_own_words(write_prices(bench, [(ref, "20.00")])[ref])
    assert bench.emulator.price_of("CUP-RED") == Decimal("19.99")


@case("prices.unknown_offer_is_rejected", PRICES)
def prices_unknown_offer(bench: Bench) -> None:
    """An offer that the platform does not have is Rejected."""
    bench.stock(CUP_RED=5, CUP_BLUE=5)
    _, gone = bench.refs("CUP-RED", "CUP-BLUE")
    bench.emulator.remove_offer("CUP-BLUE")
    outcome = write_prices(bench, [(gone, "20.00")])[gone]
    assert isinstance(outcome, Rejected), f"an offer that is not there was answered with {outcome}"
