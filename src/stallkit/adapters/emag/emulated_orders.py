"""Orders of the emulated account: ``order/read|count|acknowledge|save`` and attachments, with the status matrix of section 5.3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import msgspec

from stallkit.adapters.emag.emulated import Refusal, counted, envelope, number, page
from stallkit.adapters.emag.times import text_of
from stallkit.testing.emulator import Fault, ShopLine, ShopOrder, WireReply
from stallkit.types import OrderState

if TYPE_CHECKING:
    from stallkit.adapters.emag.emulator import Emulator

CORRECTION = timedelta(hours=48)
MONTH = timedelta(days=31)
ALLOWED: dict[int, set[int]] = {0: {0, 2, 3, 4}, 1: set(), 2: {2, 3, 4, 0}, 3: {3, 4, 0}, 4: {4, 3, 0, 5}, 5: set()}
"""Status matrix of 5.3, from status to status. Corrections of 0 and 4 are allowed for 48 hours."""
VAT = Decimal("0.19")


def status_of(order: ShopOrder) -> int:
    """The platform's number for the state of an order of the shop."""
    if "returned" in order.extra:
        return 5
    if order.state is OrderState.CANCELLED:
        return 0
    if order.state is OrderState.SHIPPED:
        return 4
    if order.acknowledged_at is None:
        return 1
    return 3 if "prepared" in order.extra else 2


def type_of(order: ShopOrder) -> int:
    return int(order.extra.get("type", "3"))


# --- reads --------------------------------------------------------------------------------------------------------------------------------


def read(shop: Emulator, filters: Mapping[str, object]) -> WireReply:
    rows = page(_chosen(shop, filters), filters, lambda order: render(shop, order))
    if shop.fault is Fault.UNKNOWN_ENUM and rows:
        rows[0]["status"] = 9
    return envelope(rows)


def count(shop: Emulator, filters: Mapping[str, object]) -> WireReply:
    return counted(len(_chosen(shop, filters)), filters)


def _chosen(shop: Emulator, filters: Mapping[str, object]) -> list[ShopOrder]:
    """Newest first. Without a filter the last 100 only (5.3)."""
    if "id" in filters:
        found = shop.orders.get(str(filters["id"]))
        orders = [] if found is None else [found]
    else:
        orders = list(reversed(shop.orders.values()))
    wanted = number(filters, "type", 3)
    orders = [order for order in orders if type_of(order) == wanted]
    if "status" in filters:
        statuses = filters["status"] if isinstance(filters["status"], list) else [filters["status"]]
        known = {int(str(status)) for status in statuses}
        orders = [order for order in orders if status_of(order) in known]
    for kind in ("created", "modified"):
        orders = _between(orders, filters, kind)
    return orders if filters.keys() - {"currentPage", "itemsPerPage", "type"} else orders[:100]


def _between(orders: list[ShopOrder], filters: Mapping[str, object], kind: str) -> list[ShopOrder]:
    """``modifiedAfter`` and ``modifiedBefore`` compare texts of eMAG's clock, borders excluded, a month apart at most."""
    after, before = (filters.get(f"{kind}{side}") for side in ("After", "Before"))
    if after is None and before is None:
        return orders
    if after is None or before is None:
        raise Refusal(f"{kind}After can only be set if {kind}Before is present")
    try:
        start, end = datetime.fromisoformat(str(after)), datetime.fromisoformat(str(before))
    except ValueError as error:
        raise Refusal(f"{kind}After and {kind}Before must have the format YYYY-mm-dd HH:ii:ss") from error
    if end - start > MONTH:
        raise Refusal(f"Maximum 1 month difference between {kind}After and {kind}Before")
    moments = ((order, text_of(order.modified_at if kind == "modified" else order.placed_at)) for order in orders)
    return [order for order, text in moments if str(after) < text < str(before)]


def render(shop: Emulator, order: ShopOrder) -> dict[str, object]:
    """All fields of an order. Empty lists come in the shapes that they come in: ``[]``, ``""`` or nothing, turn by turn."""
    empty: object = ([], "", None)[int(order.order_id) % 3]
    status = status_of(order)
    return {
        "id": int(order.order_id),
        "vendor_name": "Demo SRL",
        "type": type_of(order),
        "date": text_of(order.placed_at),
        "created": text_of(order.placed_at),
        "modified": text_of(order.modified_at),
        "payment_mode": "CARD_ONLINE" if _by_card(order) else "RAMBURS",
        "payment_mode_id": 3 if _by_card(order) else 1,
        "detailed_payment_method": "",
        "delivery_mode": "courier",
        "observation": None,
        "status": status,
        "payment_status": int(_by_card(order) and not order.pending),
        "is_complete": int(not order.pending),
        "currency": "RON",
        "cashed_co": None,
        "cashed_cod": None,
        "is_storno": False,
        "cancellation_request": _request(order),
        "reason_cancellation": {"id": int(order.extra.get("reason", "23")), "name": "Demo"} if status == 0 else None,
        "has_editable_products": 1,
        "emag_club": 0,
        "late_shipment": 0,
        "maximum_date_for_shipment": text_of(order.placed_at + timedelta(days=2)),
        "finalization_date": order.extra.get("finalization_date"),
        "enforced_vendor_courier_accounts": None,
        "details": {"locker_id": "demo-1", "locker_name": "easybox Demo"} if empty == [] else empty,
        "shipping_tax": 14.99,
        "shipping_tax_voucher_split": empty,
        "vouchers": empty,
        "proforms": [],
        "attachments": shop.attachments.get(order.order_id, []),
        "flags": [],
        "customer": _customer(order),
        "products": [_product(shop, order, line, status) for line in order.lines],
    }


def _by_card(order: ShopOrder) -> bool:
    return order.pending or order.extra.get("payment") == "card"


def _request(order: ShopOrder) -> object:
    return {"status": 1} if any(line.cancel_requested for line in order.lines) else None


def _customer(order: ShopOrder) -> object:
    """An order without a name has no customer block at all."""
    if not order.buyer_name:
        return None
    return {
        "id": 1001,
        "mkt_id": 2002,
        "name": order.buyer_name,
        "email": "0a1b2c@emag.example",
        "company": order.buyer_name,
        "legal_entity": 0,
        "is_vat_payer": 0,
        "code": "",
        "phone_1": "0700000000",
        "billing_name": order.buyer_name,
        "billing_country": "RO",
        "billing_city": "Cluj-Napoca",
        "billing_street": "Str. Exemplu 1",
        "shipping_country": "RO",
        "shipping_suburb": "Cluj",
        "shipping_city": "Cluj-Napoca",
        "shipping_locality_id": "7",
        "shipping_street": "Str. Exemplu 1",
        "shipping_postal_code": "",
        "shipping_contact": order.buyer_name,
        "shipping_phone": "0700000000",
    }


def _product(shop: Emulator, order: ShopOrder, line: ShopLine, status: int) -> dict[str, object]:
    """A line. In a cancelled order, and when all of a line is taken out, the quantity stays as it was and a status says so."""
    offer = shop.offers[line.sku]
    gone = line.cancelled == line.ordered
    return {
        "id": int(line.line_id),
        "product_id": offer.external_id,
        "mkt_id": 5551,
        "name": line.title,
        "part_number": f"D{int(offer.external_id):07d}M",
        "ext_part_number": line.sku,
        "status": int(not gone or status == 0),
        "currency": "RON",
        "quantity": line.ordered if gone else line.ordered - line.cancelled,
        "initial_qty": line.ordered,
        "storno_qty": 0,
        "sale_price": f"{line.unit_price:.4f}",
        "original_price": f"{line.unit_price:.4f}",
        "vat": str(VAT),
        "created": text_of(order.placed_at),
        "modified": text_of(order.modified_at),
        "product_voucher_split": [],
        "recycle_warranties": [],
        "attachments": [],
        "details": [],
        "serial_numbers": None,
    }


# --- writes -------------------------------------------------------------------------------------------------------------------------------


def acknowledge(shop: Emulator, order_id: str) -> WireReply:
    order = _mine(shop, order_id)
    order.acknowledge_calls += order.state is not OrderState.CANCELLED  # of what is cancelled, nothing is heard
    if status_of(order) != 1:
        raise Refusal(f"Order {order_id} cannot be acknowledged, its status is {status_of(order)}")
    if order.pending:
        raise Refusal(f"Order {order_id} is not complete")
    shop.accept(order)
    order.modified_at = shop.clock()
    return envelope([])


def _mine(shop: Emulator, order_id: str) -> ShopOrder:
    order = shop.orders.get(order_id)
    if order is None:
        raise Refusal(f"Order {order_id} not found")
    if type_of(order) != 3:
        raise Refusal("You can edit only orders having type 3")
    return order


class Posted(msgspec.Struct):
    """What an update must hold of the fields that were read ("ALL the fields", 5.5): these stand for the rest."""

    id: int | str
    status: int
    type: int
    payment_mode_id: int
    date: str
    modified: str
    customer: object
    products: list[dict[str, object]]
    shipping_tax: object
    vouchers: object
    details: object
    reason_cancellation: int | str | None = None
    is_storno: bool = False


def save(shop: Emulator, rows: list[dict[str, object]]) -> WireReply:
    for row in rows:
        try:
            posted = msgspec.convert(row, Posted, strict=False)
        except msgspec.ValidationError as error:
            raise Refusal(f"When updating an order, send ALL the fields initially read: {error}") from error
        order = _mine(shop, str(posted.id))
        cuts = _check(shop, order, posted)
        _apply(shop, order, posted, cuts)
    return envelope([])


def _check(shop: Emulator, order: ShopOrder, posted: Posted) -> dict[str, int]:
    """Refusal for a step that the matrix forbids; otherwise the units to cancel by line."""
    old = status_of(order)
    if posted.status not in ALLOWED[old]:
        raise Refusal(f"Order status cannot be changed from {old} to {posted.status}")
    since = order.extra.get("cancelled_at" if old == 0 else "finalized_at", "")
    late = old in {0, 4} and posted.status != old and shop.clock() - datetime.fromisoformat(since) > CORRECTION
    if late and posted.status != 5:
        raise Refusal(f"Order status cannot be changed from {old} to {posted.status} after more than 48 hours")
    if posted.is_storno:
        raise Refusal("The request will be discarded, is_storno needs a finalized order and at least one changed quantity")
    cuts = {line.line_id: _cut(order, line, posted) for line in order.lines}
    if any(cuts.values()) and old not in {2, 3}:
        raise Refusal("Products can be changed only in status 2 or 3")
    if any(cuts.values()) and _by_card(order):
        raise Refusal("Removing products for orders with Online Card payment method is no longer possible")
    return cuts


def _cut(order: ShopOrder, line: ShopLine, posted: Posted) -> int:
    """How many units of the line the update takes away. A line that is not sent is removed."""
    rows = [row for row in posted.products if str(row.get("id")) == line.line_id]
    if line.cancelled == line.ordered:
        return 0
    if not rows or str(rows[0].get("status")) == "0":
        return line.ordered - line.cancelled
    try:
        wanted, price = int(str(rows[0]["quantity"])), Decimal(str(rows[0]["sale_price"]))
    except (KeyError, ValueError, InvalidOperation) as error:
        raise Refusal(f"Product {line.line_id} of order {order.order_id} is not complete") from error
    if price != line.unit_price:
        raise Refusal("Updating product prices is no longer available")
    left = line.ordered - line.cancelled
    if not 0 < wanted <= left:
        raise Refusal(f"Quantity of product {line.line_id} must be between 1 and {left}")
    return left - wanted


def _apply(shop: Emulator, order: ShopOrder, posted: Posted, cuts: Mapping[str, int]) -> None:
    old = status_of(order)
    if any(cuts.values()) or posted.status == 0:
        order.cancel_calls += 1
    for line in order.lines:
        shop.cancel_units(order, line, cuts[line.line_id])
    if posted.status != old:
        STEPS[posted.status](shop, order, posted)
    order.modified_at = shop.clock()


def _cancel(shop: Emulator, order: ShopOrder, posted: Posted) -> None:
    order.extra["reason"] = str(posted.reason_cancellation or 34)
    for line in order.lines:
        line.shipped = 0
        shop.cancel_units(order, line, line.open)


def _progress(shop: Emulator, order: ShopOrder, posted: Posted) -> None:
    """To 2 or 3, also back from 0 (the units are taken again) and from 4."""
    reopen(shop, order)
    if posted.status == 3:
        order.extra["prepared"] = "1"


def _finalize(shop: Emulator, order: ShopOrder, posted: Posted) -> None:  # noqa: ARG001 - one shape for all steps
    reopen(shop, order)
    finalize(shop, order)


def finalize(shop: Emulator, order: ShopOrder) -> None:
    """All that is left has gone out."""
    order.ship_calls += 1
    order.extra["finalized_at"] = shop.clock().isoformat()
    order.extra["finalization_date"] = text_of(shop.clock())
    order.modified_at = shop.clock()
    for line in order.lines:
        line.shipped = line.ordered - line.cancelled


def reopen(shop: Emulator, order: ShopOrder) -> None:
    """Back to "in progress"; units of a cancelled order are taken again."""
    was_cancelled = order.state is OrderState.CANCELLED
    order.acknowledged_at = order.acknowledged_at or shop.clock()
    order.extra.pop("prepared", None)
    for line in order.lines:
        line.shipped = 0
        if was_cancelled:
            shop.cancel_units(order, line, -line.cancelled)


def _return(shop: Emulator, order: ShopOrder, posted: Posted) -> None:  # noqa: ARG001 - one shape for all steps
    order.extra["returned"] = "1"


STEPS = {0: _cancel, 2: _progress, 3: _progress, 4: _finalize, 5: _return}


class PostedAttachment(msgspec.Struct):
    order_id: int
    order_type: int
    url: str
    name: str = ""
    type: int = 1
    force_download: int = 0


def attach(shop: Emulator, rows: list[dict[str, object]]) -> WireReply:
    """Section 5.1.3: PDF files only."""
    for row in rows:
        try:
            posted = msgspec.convert(row, PostedAttachment, strict=False)
        except msgspec.ValidationError as error:
            raise Refusal(f"Attachment is not valid: {error}") from error
        order = shop.orders.get(str(posted.order_id))
        if order is None or posted.order_type != type_of(order):
            raise Refusal(f"Order {posted.order_id} of type {posted.order_type} not found")
        if not posted.url.lower().split("?")[0].endswith(".pdf") or len(posted.name) > 60:
            raise Refusal("Only .pdf files are accepted, with names of up to 60 characters")
        kept = shop.attachments.setdefault(str(posted.order_id), [])
        kept.append({"name": posted.name, "url": posted.url, "type": posted.type})
    return envelope([])
