"""Chapters shipment, cancel and hints: what goes back to the platform about an order, and what it whispers."""

from __future__ import annotations

from stallkit.errors import AdapterError
from stallkit.manifest import Capability
from stallkit.testing.contract.bench import Bench
from stallkit.testing.contract.cases import NotApplicable, case
from stallkit.testing.contract.writing import answer_of, said_no
from stallkit.types import Accepted, CancelNotice, CancelReason, Hint, LineQuantity, OrderState, ShipmentNotice

SHIP, CANCEL, HINTS = Capability.CONFIRM_SHIPMENT, Capability.CANCEL_LINES, Capability.HINTS


FIRST_NUMBER, SECOND_NUMBER = "00340434161094000001", "00340434161094000002"


def ready_order(bench: Bench, *lines: tuple[str, int]) -> str:
    """An order that may be shipped: placed, acknowledged where that is possible."""
    bench.stock(**{name: 50 for name in ("CUP_RED", "CUP_BLUE") if name.replace("_", "-") not in bench.emulator.offers})
    order_id = bench.order(*(lines or (("CUP-RED", 2),)))
    bench.clock.advance(5)
    bench.acknowledge(order_id)
    bench.clock.advance(5)
    return order_id


def shipment(bench: Bench, order_id: str, *lines: tuple[str, int], carrier: str = "DHL", number: str = FIRST_NUMBER) -> ShipmentNotice:
    parts = tuple(LineQuantity(bench.line(order_id, sku).line_id, quantity) for sku, quantity in lines)
    return ShipmentNotice(order_id, parts, carrier, number, bench.clock(), "https://tracking.example.com/1")


def cancellation(bench: Bench, order_id: str, *lines: tuple[str, int], reason: CancelReason = CancelReason.OUT_OF_STOCK) -> CancelNotice:
    parts = tuple(LineQuantity(bench.line(order_id, sku).line_id, quantity) for sku, quantity in lines)
    return CancelNotice(order_id, parts, reason)


# --- shipment -----------------------------------------------------------------------------------------------------------------------------


@case("shipment.whole_order", SHIP)
def shipment_whole_order(bench: Bench) -> None:
    """Everything left: the platform shows the order as shipped, with the tracking number."""
    order_id = ready_order(bench, ("CUP-RED", 2), ("CUP-BLUE", 1))
    notice = shipment(bench, order_id, ("CUP-RED", 2), ("CUP-BLUE", 1))
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(notice)) == Accepted()
    bench.emulator.scan(order_id)
    order = bench.emulator.orders[order_id]
    assert order.state is OrderState.SHIPPED, f"the shop shows {order.state}"
    assert order.ship_calls == 1, f"the platform was told {order.ship_calls} times"
    told = {line.tracking_number for line in order.lines}
    assert told == {notice.tracking_number}, f"tracking numbers {told}, expected {notice.tracking_number}"


@case("shipment.partial_lines", SHIP)
def shipment_partial_lines(bench: Bench) -> None:
    """Of two lines a part of one leaves: exactly that is shipped, the rest stays open and can follow."""
    order_id = ready_order(bench, ("CUP-RED", 3), ("CUP-BLUE", 1))
    first = shipment(bench, order_id, ("CUP-RED", 2))
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(first)) == Accepted()
    shipped = (bench.line(order_id, "CUP-RED").shipped, bench.line(order_id, "CUP-BLUE").shipped)
    assert shipped == (2, 0), f"shipped 2 of 3 and 0 of 1, the shop shows {shipped}"
    assert bench.emulator.orders[order_id].state is OrderState.PART_SHIPPED
    bench.clock.advance(3_600)
    second = shipment(bench, order_id, ("CUP-RED", 1), ("CUP-BLUE", 1), number=SECOND_NUMBER)
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(second)) == Accepted()
    assert bench.emulator.orders[order_id].state is OrderState.SHIPPED


@case("shipment.known_carrier", SHIP)
def shipment_known_carrier(bench: Bench) -> None:
    """A carrier that the platform knows arrives as that carrier."""
    order_id = ready_order(bench)
    notice = shipment(bench, order_id, ("CUP-RED", 2), carrier="DHL")
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(notice)) == Accepted()
    assert "dhl" in bench.line(order_id, "CUP-RED").carrier.lower(), f"carrier {bench.line(order_id, 'CUP-RED').carrier!r}"


@case("shipment.unknown_carrier", SHIP)
def shipment_unknown_carrier(bench: Bench) -> None:
    """A carrier that the platform does not know goes into its field for others, in our words."""
    order_id = ready_order(bench)
    notice = shipment(bench, order_id, ("CUP-RED", 2), carrier="Fahrrad Müller")
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(notice)) == Accepted()
    told = bench.line(order_id, "CUP-RED").carrier
    assert "Fahrrad Müller" in told, f"the shop names the carrier {told!r}"


@case("shipment.seen_when_read", SHIP, Capability.PULL_ORDERS)
def shipment_seen_when_read(bench: Bench) -> None:
    """What was shipped is read back as shipped: the engine looks before it repeats."""
    order_id = ready_order(bench)
    cursor = bench.pull().cursor
    bench.clock.advance(5)
    notice = shipment(bench, order_id, ("CUP-RED", 2))
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(notice)) == Accepted()
    bench.emulator.scan(order_id)
    bench.clock.advance(5)
    order = bench.pull(cursor).orders[order_id]
    assert order.state is OrderState.SHIPPED, f"read back as {order.state}"
    assert [line.shipped for line in order.lines] == [2]


@case("shipment.more_than_open_is_refused", SHIP)
def shipment_more_than_open(bench: Bench) -> None:
    """More than what is open cannot be shipped, and then nothing is."""
    order_id = ready_order(bench)
    notice = shipment(bench, order_id, ("CUP-RED", 3))
    said_no(answer_of(bench, lambda: bench.adapter.confirm_shipment(notice)), "shipping 3 of 2 units")
    assert bench.line(order_id, "CUP-RED").shipped == 0


@case("shipment.cancelled_order_is_refused", SHIP)
def shipment_cancelled_order(bench: Bench) -> None:
    """A cancelled order cannot be shipped."""
    bench.stock(CUP_RED=50)
    order_id = bench.order(("CUP-RED", 2))
    assert bench.emulator.buyer_cancels(order_id)
    notice = shipment(bench, order_id, ("CUP-RED", 2))
    said_no(answer_of(bench, lambda: bench.adapter.confirm_shipment(notice)), "shipping a cancelled order")


# --- cancel -------------------------------------------------------------------------------------------------------------------------------


@case("cancel.whole_order", CANCEL)
def cancel_whole_order(bench: Bench) -> None:
    """Every unit of every line is cancelled: the platform shows the order as cancelled."""
    order_id = ready_order(bench, ("CUP-RED", 2), ("CUP-BLUE", 1))
    notice = cancellation(bench, order_id, ("CUP-RED", 2), ("CUP-BLUE", 1))
    assert bench.patiently(lambda: bench.adapter.cancel_lines(notice)) == Accepted()
    order = bench.emulator.orders[order_id]
    assert order.state is OrderState.CANCELLED, f"the shop shows {order.state}"
    assert order.cancel_calls == 1, f"the platform was told {order.cancel_calls} times"


@case("cancel.whole_line", CANCEL)
def cancel_whole_line(bench: Bench) -> None:
    """One line is cancelled, the other goes on."""
    order_id = ready_order(bench, ("CUP-RED", 2), ("CUP-BLUE", 1))
    notice = cancellation(bench, order_id, ("CUP-RED", 2))
    assert bench.patiently(lambda: bench.adapter.cancel_lines(notice)) == Accepted()
    assert (bench.line(order_id, "CUP-RED").cancelled, bench.line(order_id, "CUP-BLUE").cancelled) == (2, 0)


@case("cancel.part_of_a_line", CANCEL)
def cancel_part_of_a_line(bench: Bench) -> None:
    """Of three units one is cancelled, where the manifest says that this is possible; elsewhere it is refused and never rounded up."""
    order_id = ready_order(bench, ("CUP-RED", 3))
    notice = cancellation(bench, order_id, ("CUP-RED", 1))
    outcome = answer_of(bench, lambda: bench.adapter.cancel_lines(notice))
    if not bench.manifest.quirks.partial_line_cancel:
        said_no(outcome, "cancelling a part of a line")
        assert bench.line(order_id, "CUP-RED").cancelled == 0
        return
    assert outcome == Accepted(), f"cancelling one of three was answered with {outcome}"
    assert bench.line(order_id, "CUP-RED").cancelled == 1
    bench.clock.advance(5)
    if bench.has(Capability.READ_ORDER):
        order = bench.patiently(lambda: bench.adapter.read_order(order_id))
        assert order is not None
        assert [(line.ordered, line.cancelled) for line in order.lines] == [(3, 1)]


@case("cancel.every_reason", CANCEL)
def cancel_every_reason(bench: Bench) -> None:
    """Each of our reasons has a word in the platform's list."""
    for reason in CancelReason:
        if bench.emulator.offers:  # a cancellation for want of stock may have emptied the offer
            bench.emulator.edit_quantity("CUP-RED", 50)
        order_id = ready_order(bench)
        notice = cancellation(bench, order_id, ("CUP-RED", 2), reason=reason)
        outcome = answer_of(bench, lambda told=notice: bench.adapter.cancel_lines(told))
        assert outcome == Accepted(), f"{reason}: {outcome}"


@case("cancel.shipped_line_is_refused", CANCEL, SHIP)
def cancel_shipped_line(bench: Bench) -> None:
    """What has left cannot be cancelled."""
    order_id = ready_order(bench)
    notice = shipment(bench, order_id, ("CUP-RED", 2))
    assert bench.patiently(lambda: bench.adapter.confirm_shipment(notice)) == Accepted()
    bench.emulator.scan(order_id)
    cancel = cancellation(bench, order_id, ("CUP-RED", 2))
    said_no(answer_of(bench, lambda: bench.adapter.cancel_lines(cancel)), "cancelling shipped units")
    assert bench.line(order_id, "CUP-RED").cancelled == 0


# --- hints --------------------------------------------------------------------------------------------------------------------------------

GARBAGE: tuple[tuple[str, str, str, dict[str, str], bytes], ...] = (
    ("GET", "/", "", {}, b""),
    ("POST", "/", "", {}, b""),
    ("POST", "/", "", {"content-type": "application/json"}, b"{"),
    ("POST", "/", "", {"content-type": "application/json"}, b"[]"),
    ("POST", "/", "", {"content-type": "application/json"}, b'{"a":null}'),
    ("POST", "/", "x=1", {"authorization": "Basic ?"}, b"\xff\xfe\x00"),
    ("POST", "/", "", {"content-type": "application/json", "x-signature": "\u00e4"}, b'{"topic":1,"order_id":[]}'),
    ("PUT", "/../..", "a=%00%ff", {}, b"<xml/>"),
    ("POST", "/", "", {"content-type": "application/json"}, b"[" * 100_000),
    ("POST", "/", "", {"content-type": "application/json"}, b'"' + b"A" * 1_000_000 + b'"'),
)


@case("hints.garbage_is_none", HINTS)
def hints_garbage(bench: Bench) -> None:
    """Whatever a stranger sends, the answer is None: no crash, no hint, no call."""
    before = len(bench.wire.steps)
    for method, path, query, headers, body in GARBAGE:
        try:
            hint = bench.adapter.read_hint(method, path, query, headers, body)
        except (Exception, AdapterError) as error:
            raise AssertionError(f"{method} {body[:30]!r} crashed with {type(error).__name__}: {error}") from error
        assert hint is None, f"{method} {body[:30]!r} was taken for {hint}"
    assert len(bench.wire.steps) == before, "reading a hint called the platform"


@case("hints.own_callback_is_read", HINTS)
def hints_own_callback(bench: Bench) -> None:
    """The platform's callback is a hint to look, at the right order if it names one."""
    bench.stock(CUP_RED=5)
    order_id = bench.order(("CUP-RED", 1))
    hint = bench.adapter.read_hint(*bench.callback("order", order_id))
    assert isinstance(hint, Hint), f"the platform's own callback was taken for {hint}"
    assert hint.order_id in {"", order_id}, f"the callback is about {order_id}, the hint about {hint.order_id}"


@case("hints.changed_body_is_none", HINTS)
def hints_changed_body(bench: Bench) -> None:
    """Where callbacks are signed, one changed byte makes them worthless."""
    bench.stock(CUP_RED=5)
    order_id = bench.order(("CUP-RED", 1))
    method, path, query, headers, body = bench.callback("order", order_id)
    signed = {name for name in headers if "sig" in name.lower() or name.lower() == "authorization"}
    if not signed:
        raise NotApplicable("this platform does not sign its callbacks")
    changed = body.replace(order_id.encode(), str(int(order_id) + 1).encode()) if order_id.encode() in body else body + b" "
    assert bench.adapter.read_hint(method, path, query, headers, changed) is None, "a changed body passed the signature"
    bare = {name: value for name, value in headers.items() if name not in signed}
    assert bench.adapter.read_hint(method, path, query, bare, body) is None, "an unsigned callback passed"
