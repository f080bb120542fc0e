"""Chapter returns: goods that buyers send back."""

from __future__ import annotations

from datetime import UTC

from stallkit.manifest import Capability
from stallkit.testing.contract.bench import MOST_PAGES, Bench, each_once
from stallkit.testing.contract.cases import case
from stallkit.testing.contract.fulfilling import ready_order, shipment
from stallkit.types import RemoteReturn, ReturnState

RETURNS = Capability.READ_RETURNS


def returned_order(bench: Bench, quantity: int = 2) -> tuple[str, str]:
    """An order that left, and of which units shall come back: (order, return)."""
    order_id = ready_order(bench, ("CUP-RED", quantity))
    if bench.has(Capability.CONFIRM_SHIPMENT):
        notice = shipment(bench, order_id, ("CUP-RED", quantity))
        bench.patiently(lambda: bench.adapter.confirm_shipment(notice))
    bench.emulator.scan(order_id)
    bench.clock.advance(3_600)
    return order_id, bench.emulator.open_return(order_id, [(bench.line(order_id, "CUP-RED").line_id, quantity)])


def read_all(bench: Bench, cursor: str = "") -> tuple[dict[str, RemoteReturn], str]:
    """Every return from the cursor on, and the next cursor; each page by a new adapter."""
    found: dict[str, RemoteReturn] = {}
    for _ in range(MOST_PAGES):
        page = bench.patiently(lambda at=cursor: bench.fresh().read_returns(at))  # type: ignore[misc]
        assert not page.parked, f"parked for no reason: {page.parked[0].reason}"
        found.update({one.return_id: one for one in page.items})
        cursor = page.cursor
        if page.done:
            return found, cursor
    raise AssertionError(f"read_returns is not done after {MOST_PAGES} pages")


@case("returns.are_complete", RETURNS)
def returns_are_complete(bench: Bench) -> None:
    """A return names its order, the offer, the units and when it was asked for."""
    order_id, return_id = returned_order(bench)
    bench.clock.advance(5)
    told = read_all(bench)[0][return_id]
    assert told.order_id == order_id, f"the return is of {order_id}, told {told.order_id!r}"
    assert [(line.ref.sku, line.quantity) for line in told.lines] == [("CUP-RED", 2)]
    assert told.opened_at.tzinfo is UTC, f"opened at {told.opened_at!r}"
    assert told.state is not ReturnState.UNKNOWN, f"{told.remote_state!r} is not understood"


@case("returns.every_one_comes", RETURNS)
def returns_every_one_comes(bench: Bench) -> None:
    """Over several pages, and later ones from the last cursor on."""
    made = [returned_order(bench, 1)[1] for _ in range(9)]
    bench.clock.advance(5)
    found, cursor = read_all(bench)
    each_once(list(found), made, "returns")
    bench.clock.advance(3_600)
    late = returned_order(bench, 1)[1]
    bench.clock.advance(5)
    assert late in read_all(bench, cursor)[0], "the later return did not come"


@case("returns.arrival_is_seen", RETURNS)
def returns_arrival_is_seen(bench: Bench) -> None:
    """A return that gets on comes again, as what it is by then."""
    _, return_id = returned_order(bench)
    bench.clock.advance(5)
    _, cursor = read_all(bench)
    bench.clock.advance(2 * 86_400)
    _, cursor = read_all(bench, cursor)
    bench.emulator.move_return(return_id, ReturnState.ARRIVED)
    bench.clock.advance(5)
    found, _ = read_all(bench, cursor)
    assert return_id in found, "the change did not come"
    assert found[return_id].state is ReturnState.ARRIVED, f"told as {found[return_id].state}"
