"""Chapter orders, second part: strange orders. One that cannot be understood is parked and visible; the others go on (rule 4)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from stallkit.errors import Unintelligible
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import CannotShow, case
from stallkit.testing.contract.spoil import Kept, Spoiled, deletions, poisons, try_spoiled
from stallkit.testing.emulator import Fault
from stallkit.types import ChargeKind, Money, RemoteOrder

PULL, READ = Capability.PULL_ORDERS, Capability.READ_ORDER


class OrderFacts(NamedTuple):
    """What must never be guessed. A line is (id, SKU, ordered, cancelled, shipped)."""

    lines: tuple[tuple[str, str, int, int, int], ...]
    money: tuple[Money, ...]
    currency: str
    ordered_at: datetime


@case("orders.unknown_enum_is_parked", PULL)
def orders_unknown_enum_is_parked(bench: Bench) -> None:
    """An order with a word that no document lists is parked with its raw body; the page goes on, and so does the cursor."""
    bench.stock(CUP_RED=9)
    placed = [bench.order(("CUP-RED", 1)) for _ in range(3)]
    bench.clock.advance(5)
    calls = listing_call(bench, placed)
    fresh = bench.fresh()
    bench.emulator.fail_next(Fault.UNKNOWN_ENUM, after=calls)
    page = bench.patiently(lambda: fresh.pull_orders(""))
    came = {order.order_id for order in page.items}
    assert len(page.parked) == 1, f"{len(page.parked)} orders were parked, {len(came)} came; expected one of {len(placed)} to be parked"
    parked = page.parked[0]
    assert parked.external_id in placed, f"the parked order is called {parked.external_id!r}"
    assert parked.reason, "the reason is empty"
    assert parked.external_id.encode() in parked.raw, "the raw body was not kept"
    assert came == set(placed) - {parked.external_id}, "the page did not go on after the strange order"


def listing_call(bench: Bench, placed: list[str]) -> int:
    """How many wire calls a new adapter makes before the one whose reply lists the orders."""
    start = len(bench.wire.steps)
    adapter = bench.fresh()
    bench.patiently(lambda: adapter.pull_orders(""))
    for number, step in enumerate(bench.wire.steps[start:]):
        if all(order_id.encode() in step.reply for order_id in placed):
            return number
    raise CannotShow("no single reply lists three orders")


@case("orders.strange_value_spares_the_others", PULL)
def orders_strange_value(bench: Bench) -> None:
    """A strange text or number anywhere in one order does not crash the page nor hide the other orders."""
    bench.stock(CUP_RED=99)
    one, other = [bench.order(("CUP-RED", number)) for number in (2, 5)]
    bench.clock.advance(5)
    whole = try_spoiled(first_page, bench, None)
    assert isinstance(whole, Kept)
    for spoiled in poisons(first_page, bench, one):
        result = try_spoiled(first_page, bench, spoiled)
        if isinstance(result, Kept):
            assert result.facts.get(other) == whole.facts[other], f"{spoiled}: the other order suffered"
            assert len(result.facts) + result.parked >= 2, f"{spoiled}: the order vanished, neither taken in nor parked"
        else:
            assert not spoiled.same_type, f"{spoiled}: the whole page was lost ({result})"


@case("orders.missing_is_not_zero", PULL)
def orders_missing_is_not_zero(bench: Bench) -> None:
    """A missing field parks the order, or is Unintelligible, or does not matter. It never turns into another quantity, price or time."""
    bench.stock(CUP_RED=99)
    one, other = [bench.order(("CUP-RED", number)) for number in (3, 5)]
    bench.emulator.buyer_cancels(one, [(bench.line(one, "CUP-RED").line_id, 1)])
    bench.clock.advance(5)
    whole = try_spoiled(first_page, bench, None)
    assert isinstance(whole, Kept)
    for spoiled in deletions(first_page, bench, one):
        result = try_spoiled(first_page, bench, spoiled)
        if not isinstance(result, Kept):
            assert isinstance(result, Unintelligible), f"{spoiled}: {type(result).__name__}, expected Unintelligible"
            continue
        assert result.facts.get(other) == whole.facts[other], f"{spoiled}: the other order suffered"
        if one in result.facts:
            only_unknown(spoiled, whole.facts[one], result.facts[one])
        else:
            assert result.parked == 1, f"{spoiled}: the order vanished, neither taken in nor parked"


def only_unknown(spoiled: Spoiled, true: object, told: object) -> None:
    """Nothing became another value; a SKU may be empty and product money absent, for those are ways to say that it is not known."""
    assert isinstance(true, OrderFacts)
    assert isinstance(told, OrderFacts)
    lines = tuple((line[0], line[1] or was[1], *line[2:]) for line, was in zip(told.lines, true.lines, strict=False))
    known = told._replace(lines=lines, money=told.money or true.money)
    assert known == true, f"{spoiled}: {true} became {told}"


def first_page(bench: Bench) -> Kept:
    adapter = bench.fresh()
    page = bench.patiently(lambda: adapter.pull_orders(""))
    return Kept({order.order_id: order_facts(order) for order in page.items}, len(page.parked))


def order_facts(order: RemoteOrder) -> OrderFacts:
    lines = tuple((line.line_id, line.ref.sku, line.ordered, line.cancelled, line.shipped) for line in order.lines)
    money = tuple(charge.money for line in order.lines for charge in line.charges if charge.kind is ChargeKind.PRODUCT)
    return OrderFacts(lines, money, order.currency, order.ordered_at)


@case("order.missing_is_not_zero", READ)
def order_missing_is_not_zero(bench: Bench) -> None:
    """The same for reading one order: a missing field is Unintelligible or does not matter."""
    bench.stock(CUP_RED=99)
    one = bench.order(("CUP-RED", 3))
    bench.emulator.buyer_cancels(one, [(bench.line(one, "CUP-RED").line_id, 1)])

    def read(on: Bench) -> Kept:
        order = on.fresh().read_order(one)
        return Kept({one: order_facts(order)} if order else {}, 0)

    whole = try_spoiled(read, bench, None)
    assert isinstance(whole, Kept)
    for spoiled in deletions(read, bench, one):
        result = try_spoiled(read, bench, spoiled)
        if not isinstance(result, Kept):
            assert isinstance(result, Unintelligible), f"{spoiled}: {type(result).__name__}, expected Unintelligible"
        elif one in result.facts:
            only_unknown(spoiled, whole.facts[one], result.facts[one])
