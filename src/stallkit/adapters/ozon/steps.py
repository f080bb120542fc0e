"""What may be done to a posting, and with which body: decided from what Ozon offers (``available_actions``), not by our own table.

Each plan is the body to send, or the outcome where nothing has to be sent or Ozon would say no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from stallkit.adapters.ozon.wire_orders import SHIP_FAILED, Posting
from stallkit.types import Accepted, CancelNotice, CancelReason, LineQuantity, NotNow, OrderState, Outcome, Rejected, ShipmentNotice

Body = dict[str, object]
PACKING_PAUSE = 3.0
"""Seconds until a posting that is being packed is looked at again (the pause is ours: Ozon names none)."""
UNDECIDED_PAUSE = 60.0
OUT_OF_STOCK, OTHER = 352, 402
REASONS = {
    CancelReason.OUT_OF_STOCK: (OUT_OF_STOCK, "The goods have run out"),
    CancelReason.BUYER_ASKED: (OTHER, "The buyer asked to cancel"),
    CancelReason.PRICING_ERROR: (OTHER, "The price was wrong"),
    CancelReason.FRAUD: (OTHER, "The order looks fraudulent"),
    CancelReason.ADDRESS: (OTHER, "The address cannot be delivered to"),
}
"""Our reasons as ``cancel_reason_id`` and the text that 402 (other) demands."""


def plan_packing(posting: Posting) -> Body | Outcome:
    """``/v4/posting/fbs/ship`` of everything in one package; Accepted where that is done already."""
    state = posting.state
    if state is OrderState.CANCELLED:
        return Rejected("cancelled", f"posting {posting.posting_number} is cancelled at Ozon")
    if state in {OrderState.ACKNOWLEDGED, OrderState.SHIPPED}:
        return Accepted()
    if posting.may("ship_async_in_process"):
        return NotNow(PACKING_PAUSE, "Ozon is packing it")
    if posting.may("ship", "ship_async", "ship_async_retry") or posting.substatus == SHIP_FAILED:
        return build_packing(posting)
    if posting.status != "awaiting_packaging":
        return NotNow(UNDECIDED_PAUSE, f"Ozon calls it {posting.status}: it cannot be packed yet")
    return Rejected("not_packable", f"Ozon does not let posting {posting.posting_number} be packed now{_lacking(posting)}")


def build_packing(posting: Posting) -> Body:
    products = [{"product_id": int(sku), "quantity": quantity} for sku, quantity in posting.units().items()]
    return {"posting_number": posting.posting_number, "packages": [{"products": products}]}


def _lacking(posting: Posting) -> str:
    """What Ozon wants to be told of the goods before they are packed."""
    wanted = sorted(name.removeprefix("products_requiring_") for name, skus in (posting.requirements or {}).items() if skus)
    return f": it wants {', '.join(wanted)} of the goods first; enter them in the seller account" if wanted else ""


def plan_shipment(posting: Posting, notice: ShipmentNotice) -> Outcome | None:
    """Why the notice cannot be passed on; None if it can. A posting leaves as a whole."""
    if posting.state is OrderState.CANCELLED:
        return Rejected("cancelled", f"posting {posting.posting_number} is cancelled at Ozon")
    told, units = total(notice.lines), posting.units()
    if told != units:
        text = f"posting {posting.posting_number} holds {words(units)}, the notice has {words(told)}"
        return Rejected("whole_posting_only", f"{text}; it leaves as a whole: cancel the rest, or split it in the seller account")
    return None


def plan_cancel(posting: Posting, notice: CancelNotice) -> tuple[str, Body] | Outcome:
    """(path, body): ``/cancel`` for everything, ``/product/cancel`` for some units."""
    number, told, units = posting.posting_number, total(notice.lines), posting.units()
    if posting.state is OrderState.CANCELLED:
        return Accepted()
    if unfit := _unfit(posting, told):
        return unfit
    if posting.may("ship_async_in_process"):
        return NotNow(PACKING_PAUSE, "Ozon is packing it")
    if not posting.may("cancel" if told == units else "product_cancel"):
        what = "cancelled" if told == units else "cancelled in part"
        return Rejected("not_allowed", f"Ozon does not let posting {number} be {what} now (it is {posting.status})")
    return build_cancel(number, notice.reason, {} if told == units else told)


def build_cancel(number: str, why: CancelReason, units: Mapping[str, int]) -> tuple[str, Body]:
    """(path, body) of the cancellation of these units; of everything where none are named."""
    reason, message = REASONS[why]
    body: Body = {"posting_number": number, "cancel_reason_id": reason, "cancel_reason_message": message}
    if not units:
        return "/v2/posting/fbs/cancel", body
    items = [{"sku": int(sku), "quantity": quantity} for sku, quantity in units.items()]
    return "/v2/posting/fbs/product/cancel", {**body, "items": items}


def covers_all(posting: Posting, lines: Sequence[LineQuantity]) -> bool:
    return total(lines) == posting.units()


def _unfit(posting: Posting, told: Mapping[str, int]) -> Rejected | None:
    number, units = posting.posting_number, posting.units()
    if posting.state is OrderState.SHIPPED:
        return Rejected("shipped", f"posting {number} has left: it comes back as a return, not as a cancellation")
    if not told:
        return Rejected("no_lines", f"the cancellation of posting {number} names no quantity")
    for line, quantity in told.items():
        if quantity > units.get(line, 0):
            return Rejected("too_many", f"line {line} of posting {number} has {units.get(line, 0)} units, not {quantity}")
    return None


def total(lines: Sequence[LineQuantity]) -> dict[str, int]:
    """Units by line, without lines of which none is named."""
    found: Counter[str] = Counter()
    for line in lines:
        found[line.line_id] += line.quantity
    return {number: quantity for number, quantity in found.items() if quantity > 0}


def words(units: Mapping[str, int]) -> str:
    return ", ".join(f"{quantity} of {number}" for number, quantity in sorted(units.items())) or "nothing"
