"""One good call per capability, for the cases that let it fail in every way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench, Full
from stallkit.testing.contract.coming_back import returned_order
from stallkit.testing.contract.fulfilling import cancellation, ready_order, shipment
from stallkit.types import Pending, PriceIntent

REST = 60.0
"""Seconds between preparation and the call that is tried, so that small budgets are full again."""

Call = Callable[[Full], object]


@dataclass(frozen=True, slots=True)
class Operation:
    """``prepare`` brings the shop into order, warms the adapter up (a token, say) and returns the call."""

    name: str
    capability: Capability
    writes: bool
    prepare: Callable[[Bench], Call]


def _probe(_: Bench) -> Call:
    return lambda adapter: adapter.probe()


def _read_offers(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    return lambda adapter: adapter.read_offers("")


def _read_states(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    refs = bench.refs("CUP-RED")
    return lambda adapter: adapter.read_states(refs, bench.subject.warehouse)


def _pull_orders(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    bench.order(("CUP-RED", 1))
    bench.clock.advance(5)
    return lambda adapter: adapter.pull_orders("")


def _read_order(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    order_id = bench.order(("CUP-RED", 1))
    return lambda adapter: adapter.read_order(order_id)


def _acknowledge(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    order_id = bench.order(("CUP-RED", 1))
    return lambda adapter: adapter.acknowledge(order_id)


def _write_stock(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    intents = [bench.intent(ref, 3) for ref in bench.refs("CUP-RED")]
    return lambda adapter: adapter.write_stock(intents)


def _submit_stock(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    intents = [bench.intent(ref, 3) for ref in bench.refs("CUP-RED")]
    return lambda adapter: adapter.submit_stock(intents)


def _prices(bench: Bench) -> list[PriceIntent]:
    bench.stock(CUP_RED=5)
    return [PriceIntent(ref, bench.money(Decimal("21.50"))) for ref in bench.refs("CUP-RED")]


def _write_prices(bench: Bench) -> Call:
    intents = _prices(bench)
    return lambda adapter: adapter.write_prices(intents)


def _submit_prices(bench: Bench) -> Call:
    intents = _prices(bench)
    return lambda adapter: adapter.submit_prices(intents)


def _resolve_ticket(bench: Bench) -> Call:
    submit = _submit_stock if bench.has(Capability.BULK_STOCK) else _submit_prices
    outcomes = bench.patiently(lambda: submit(bench)(bench.adapter))
    assert isinstance(outcomes, dict)
    ticket = next(outcome.ticket for outcome in outcomes.values() if isinstance(outcome, Pending))
    return lambda adapter: adapter.resolve_ticket(ticket)


def _find_ticket(bench: Bench) -> Call:
    since = bench.clock()
    kind = "stock" if bench.has(Capability.BULK_STOCK) else "price"
    return lambda adapter: adapter.find_ticket(kind, since)


def _confirm_shipment(bench: Bench) -> Call:
    notice = shipment(bench, ready_order(bench), ("CUP-RED", 2))
    return lambda adapter: adapter.confirm_shipment(notice)


def _cancel_lines(bench: Bench) -> Call:
    notice = cancellation(bench, ready_order(bench), ("CUP-RED", 2))
    return lambda adapter: adapter.cancel_lines(notice)


def _read_warehouses(_: Bench) -> Call:
    return lambda adapter: adapter.read_warehouses()


def _compare(bench: Bench) -> Call:
    bench.stock(CUP_RED=5)
    intents = [bench.intent(ref, 3, expected=5) for ref in bench.refs("CUP-RED")]
    return lambda adapter: adapter.write_stock(intents)


def _read_labels(bench: Bench) -> Call:
    order_id = ready_order(bench)
    return lambda adapter: adapter.read_labels([order_id])


def _read_returns(bench: Bench) -> Call:
    returned_order(bench)
    bench.clock.advance(5)
    return lambda adapter: adapter.read_returns("")


OPERATIONS = (
    Operation("probe", Capability.PROBE, False, _probe),
    Operation("read_offers", Capability.READ_OFFERS, False, _read_offers),
    Operation("read_states", Capability.READ_STATES, False, _read_states),
    Operation("pull_orders", Capability.PULL_ORDERS, False, _pull_orders),
    Operation("read_order", Capability.READ_ORDER, False, _read_order),
    Operation("acknowledge", Capability.ACKNOWLEDGE, True, _acknowledge),
    Operation("write_stock", Capability.WRITE_STOCK, True, _write_stock),
    Operation("submit_stock", Capability.BULK_STOCK, True, _submit_stock),
    Operation("write_prices", Capability.WRITE_PRICES, True, _write_prices),
    Operation("submit_prices", Capability.BULK_PRICES, True, _submit_prices),
    Operation("resolve_ticket", Capability.RESOLVE_TICKET, False, _resolve_ticket),
    Operation("find_ticket", Capability.RESOLVE_TICKET, False, _find_ticket),
    Operation("confirm_shipment", Capability.CONFIRM_SHIPMENT, True, _confirm_shipment),
    Operation("cancel_lines", Capability.CANCEL_LINES, True, _cancel_lines),
    Operation("read_warehouses", Capability.READ_WAREHOUSES, False, _read_warehouses),
    Operation("compare_and_set", Capability.COMPARE_AND_SET, True, _compare),
    Operation("read_labels", Capability.READ_LABELS, False, _read_labels),
    Operation("read_returns", Capability.READ_RETURNS, False, _read_returns),
)
