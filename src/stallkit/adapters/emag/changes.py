"""What ``order/save`` is sent (sections 5.3, 5.5): the order exactly as it was read, with the few fields changed that must change. Pure.

eMAG wants ALL fields back, so unknown ones are carried as the bytes that came. Each builder returns the row to send, or the outcome when
nothing has to be sent or eMAG's rules already say no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from stallkit.adapters.emag.orders import CANCELLED, FINALIZED, NEW, RETURNED, Line, Order, lines_of
from stallkit.types import Accepted, CancelNotice, CancelReason, LineQuantity, Outcome, Rejected, ShipmentNotice

REASONS = {
    CancelReason.OUT_OF_STOCK: 1,
    CancelReason.BUYER_ASKED: 24,
    CancelReason.PRICING_ERROR: 31,
    CancelReason.FRAUD: 31,
    CancelReason.ADDRESS: 21,
}
"""Our reasons as codes of ``reason_cancellation`` (5.1): out of stock, by customer request, the partner requested it, others."""
AWB_ATTACHMENT = 10
Fields = dict[str, msgspec.Raw]
_fields = msgspec.json.Decoder(Fields)
_rows = msgspec.json.Decoder(list[Fields])


class _Reason(msgspec.Struct):
    id: int | str


class Attachment(msgspec.Struct):
    """One entity of ``order/attachments/save`` (5.1.3). ``url`` must lead to a PDF that eMAG can download."""

    order_id: int
    order_type: int
    name: str
    url: str
    type: int
    force_download: int = 0


def build_order(raw: bytes, status: int, quantities: Mapping[str, int], reason: int | None = None) -> msgspec.Raw:
    """The order as read, with this status, these quantities by line id (0 takes the line out) and, for a cancellation, its reason."""
    fields = _fields.decode(raw)
    fields["status"] = _raw(status)
    fields.setdefault("type", _raw(3))
    fields["reason_cancellation"] = _raw(reason) if reason is not None else _reason_to_send(fields)
    if quantities:
        fields["products"] = _raw([_product(row, quantities) for row in _products(fields["products"])])
    return _raw(fields)


def _reason_to_send(fields: Fields) -> msgspec.Raw:
    """The reason is read as ``{id, name}`` and sent as a number."""
    body = bytes(fields.get("reason_cancellation", _raw(None)))
    return _raw(msgspec.json.decode(body, type=_Reason).id) if body.startswith(b"{") and body != b"{}" else msgspec.Raw(body)


def _products(raw: msgspec.Raw) -> list[Fields]:
    body = bytes(raw)
    return list(msgspec.json.decode(body, type=dict[str, Fields]).values()) if body.startswith(b"{") else _rows.decode(body)


def _product(row: Fields, quantities: Mapping[str, int]) -> Fields:
    wanted = quantities.get(str(msgspec.json.decode(row["id"], type=int | str)))
    if wanted is None:
        return row
    return {**row, "status": _raw(0)} if wanted == 0 else {**row, "quantity": _raw(wanted)}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


# --- shipment -----------------------------------------------------------------------------------------------------------------------------


def plan_shipment(raw: bytes, order: Order, notice: ShipmentNotice) -> msgspec.Raw | Outcome:
    """Status 4 for the whole order. eMAG has no part shipments, and finalises by itself when the AWB was issued through it."""
    if order.status in {FINALIZED, RETURNED} and not order.by_marketplace:
        return Accepted()
    if order.status == CANCELLED:
        return Rejected("cancelled", f"order {order.id} is cancelled at eMAG")
    closed = _untouchable(order)
    if closed is not None:
        return closed
    told, left = _sum(notice.lines), {str(line.id): line.left for line in lines_of(order) if line.left}
    if told != left:
        text = f"eMAG finalises whole orders only: order {order.id} has {_words(left)} to ship, the notice has {_words(told)}"
        return Rejected("whole_order_only", f"{text}; cancel the rest first, or wait until all of it leaves")
    return build_order(raw, FINALIZED, {})


def build_awb_attachment(notice: ShipmentNotice) -> Attachment | None:
    """The AWB document of another courier, where the notice leads to a PDF; None otherwise (``order/save`` has no field for a number)."""
    parts = urlsplit(notice.tracking_url)
    if parts.scheme not in {"http", "https"} or not parts.path.lower().endswith(".pdf") or len(notice.tracking_url) > 1024:
        return None
    name = f"AWB {notice.carrier} {notice.tracking_number}"[:60]
    return Attachment(int(notice.order_id), 3, name, notice.tracking_url, AWB_ATTACHMENT)


# --- cancellation -------------------------------------------------------------------------------------------------------------------------


def plan_cancel(raw: bytes, order: Order, notice: CancelNotice) -> msgspec.Raw | Outcome:
    """Status 0 when nothing is left, else smaller quantities and lines taken out, which eMAG refuses for orders paid by card."""
    if order.status == CANCELLED:
        return Accepted()
    lines = {str(line.id): line for line in lines_of(order)}
    told = _sum(notice.lines)
    wrong = _untouchable(order) or _unfit(order, lines, told)
    if wrong is not None:
        return wrong
    if order.status == FINALIZED:
        return Rejected("finalized", f"order {order.id} is finalized: its goods have left and come back as a return, not as a cancellation")
    after = {number: line.left - told.get(number, 0) for number, line in lines.items()}
    if not any(after.values()):
        return build_order(raw, CANCELLED, {}, REASONS[notice.reason])
    if order.by_card:
        return Rejected("paid_by_card", f"order {order.id} was paid by card: eMAG takes a whole cancellation only, no smaller quantities")
    return build_order(raw, order.status, {number: after[number] for number in told})


def _unfit(order: Order, lines: Mapping[str, Line], told: Mapping[str, int]) -> Rejected | None:
    if not told:
        return Rejected("no_lines", f"the cancellation of order {order.id} names no quantity")
    for number, quantity in told.items():
        if number not in lines:
            return Rejected("unknown_line", f"order {order.id} has no line {number}")
        if quantity > lines[number].left:
            return Rejected("too_many", f"line {number} of order {order.id} has {lines[number].left} left, not {quantity}")
    return None


def _untouchable(order: Order) -> Rejected | None:
    """Why eMAG takes no change of the order now, if so."""
    if order.by_marketplace:
        return Rejected("fulfilled_by_marketplace", f"order {order.id} is fulfilled by eMAG: it cannot be changed from here")
    if order.status == NEW:
        return Rejected("acknowledge_first", f"order {order.id} is new: eMAG lets the seller change it only after it was acknowledged")
    if order.status == RETURNED:
        return Rejected("returned", f"order {order.id} is returned: nothing of it can be changed")
    return None


def _sum(lines: tuple[LineQuantity, ...]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for line in lines:
        total[line.line_id] += line.quantity
    return {number: quantity for number, quantity in total.items() if quantity > 0}


def _words(quantities: Mapping[str, int]) -> str:
    return ", ".join(f"{quantity} of line {number}" for number, quantity in sorted(quantities.items())) or "nothing"
