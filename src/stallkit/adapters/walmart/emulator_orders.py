"""Purchase orders of the emulated Walmart on the wire: how they look, which a query finds, what an action demands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from stallkit.adapters.walmart.carriers import CARRIERS
from stallkit.adapters.walmart.emulator_wire import Json, SaidNo
from stallkit.adapters.walmart.wire_actions import REASONS, CancelLine, ShipLine
from stallkit.adapters.walmart.wire_orders import Tracking
from stallkit.testing.emulator import ShopLine, ShopOrder, WireRequest

TAX_RATE = Decimal("0.08")
LEAVE_WITHIN = timedelta(days=2)
ARRIVE_WITHIN = timedelta(days=6)
VISIBLE = timedelta(days=180)
DEFAULT_WINDOW = timedelta(days=7)
"""What createdStartDate means when it is left out."""
METHODS = frozenset({"Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"})


@dataclass(frozen=True, slots=True)
class Parcel:
    """Units of a line that left together."""

    line_id: str
    quantity: int
    tracking: Tracking


@dataclass(frozen=True, slots=True)
class Look:
    """How orders are written. Each of these is something that Walmart does now and then."""

    single_as_object: bool = False
    """A list of one element is sent as that element."""
    email_after: timedelta = timedelta(0)
    """So long the e-mail address is a placeholder."""


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def show_order(order: ShopOrder, parcels: Sequence[Parcel], now: datetime, look: Look, *, strange: bool = False) -> Json:
    """An order as all operations answer it. ``strange`` gives its first line a status that no document lists."""
    lines = [show_line(order, line, parcels, look) for line in order.lines]
    if strange:
        lines[0]["orderLineStatuses"] = {"orderLineStatus": [{"status": "OnHold", "statusQuantity": units(order.lines[0].ordered)}]}
    ready = now >= order.placed_at + look.email_after
    relay = hashlib.sha256(order.order_id.encode()).hexdigest()[:32].upper()
    address: dict[str, object] = {
        "address1": "12 Sample Street",
        "city": "Springfield",
        "state": "CA",
        "postalCode": "90001",
        "country": "USA",
    }
    if order.buyer_name:
        address = {"name": order.buyer_name, **address, "addressType": "RESIDENTIAL"}
    return {
        "purchaseOrderId": order.order_id,
        "customerOrderId": "2000" + order.order_id[4:],
        "customerEmailId": f"{relay}@relay.walmart.example" if ready else "nocxemail@walmart.example",
        "orderDate": ms(order.placed_at),
        "shippingInfo": {
            "phone": "5550100100",
            "estimatedDeliveryDate": ms(order.placed_at + ARRIVE_WITHIN),
            "estimatedShipDate": ms(order.placed_at + LEAVE_WITHIN),
            "methodCode": "Value",
            "postalAddress": address,
        },
        "orderLines": {"orderLine": some(lines, look)},
        "shipNode": {"type": "SellerFulfilled", "name": "Main", "id": "1001"},
    }


def some(rows: list[dict[str, object]], look: Look) -> object:
    return rows[0] if look.single_as_object and len(rows) == 1 else rows


def show_line(order: ShopOrder, line: ShopLine, parcels: Sequence[Parcel], look: Look) -> dict[str, object]:
    amount = line.unit_price * line.ordered
    charge: dict[str, object] = {
        "chargeType": "PRODUCT",
        "chargeName": "ItemPrice",
        "chargeAmount": {"currency": "USD", "amount": amount},
        "tax": {"taxName": "Tax1", "taxAmount": {"currency": "USD", "amount": round(amount * TAX_RATE, 2)}},
    }
    body: dict[str, object] = {
        "lineNumber": line.line_id,
        "item": {"productName": line.title, "sku": line.sku},
        "charges": {"charge": some([charge], look)},
        "orderLineQuantity": units(line.ordered),
        "statusDate": ms(order.modified_at),
        "orderLineStatuses": {"orderLineStatus": some(show_statuses(order, line, parcels), look)},
    }
    if line.cancel_requested:
        body["intentToCancel"] = "true"
    return body


def units(quantity: int) -> dict[str, object]:
    return {"unitOfMeasurement": "EACH", "amount": str(quantity)}


def show_statuses(order: ShopOrder, line: ShopLine, parcels: Sequence[Parcel]) -> list[dict[str, object]]:
    """Open units, then cancelled ones, then each parcel: the quantities add up to the line's."""
    rows: list[dict[str, object]] = []
    if line.open:
        rows.append({"status": "Acknowledged" if order.acknowledged_at else "Created", "statusQuantity": units(line.open)})
    if line.cancelled:
        rows.append({"status": "Cancelled", "statusQuantity": units(line.cancelled)})
    for parcel in parcels:
        if parcel.line_id == line.line_id:
            rows.append({"status": "Shipped", "statusQuantity": units(parcel.quantity), "trackingInfo": parcel.tracking})
    return rows


# --- queries ----------------------------------------------------------------------------------------------------------------------------


def moment(text: str) -> datetime:
    """A time of a query string, with or without a clock time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", f"'{text}' is not a date or time") from error
    return at.replace(tzinfo=at.tzinfo or UTC)


def matcher(request: WireRequest, now: datetime) -> Callable[[ShopOrder], bool]:
    """Which orders a query means. Without createdStartDate only those of the last seven days, whatever else it says."""
    floor = now - VISIBLE
    start = moment(request.param("createdStartDate")) if request.param("createdStartDate") else now - DEFAULT_WINDOW
    end = moment(request.param("createdEndDate")) if request.param("createdEndDate") else now
    changed = moment(request.param("lastModifiedStartDate", "1970-01-01"))
    until = moment(request.param("lastModifiedEndDate", "9999-12-31"))
    status, sku, number = request.param("status"), request.param("sku"), request.param("purchaseOrderId")

    def means(order: ShopOrder) -> bool:
        if order.pending or not max(start, floor) <= order.placed_at <= end or not changed <= order.modified_at <= until:
            return False
        if (number and order.order_id != number) or (sku and all(line.sku != sku for line in order.lines)):
            return False
        return not status or any(row["status"] == status for line in order.lines for row in show_statuses(order, line, ()))

    return means if request.param("shipNodeType", "SellerFulfilled") == "SellerFulfilled" else lambda _: False


def next_cursor(request: WireRequest, now: datetime, total: int, reached: int, limit: int) -> str:
    """A complete query string: where to go on, and every filter of the first page with its times made firm."""
    moving = {
        "limit": str(limit),
        "hasMoreElements": "true",
        "soIndex": str(total),
        "poIndex": str(reached),
        "partnerId": "100009",
        "sellerId": "8",
    }
    firm = {"createdStartDate": (now - DEFAULT_WINDOW).isoformat(), "createdEndDate": now.isoformat()}
    kept = {name: value for name, value in request.query if name not in moving}
    return "?" + urlencode({**moving, **firm, **kept})


# --- actions ----------------------------------------------------------------------------------------------------------------------------


def refuse(text: str) -> SaidNo:
    return SaidNo(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", text)


def check_line(order: ShopOrder, line_id: str, asked: dict[str, int], quantity: int) -> ShopLine:
    """The line that an action names, if so many of its units are still open."""
    line = next((line for line in order.lines if line.line_id == line_id), None)
    if line is None:
        raise refuse(f"order {order.order_id} has no line {line_id}")
    asked[line_id] = asked.get(line_id, 0) + quantity
    if quantity < 1 or asked[line_id] > line.open:
        raise refuse(f"line {line_id} has {line.open} open units, not {asked[line_id]}")
    return line


def check_shipment(order: ShopOrder, lines: Sequence[ShipLine]) -> list[tuple[ShopLine, Parcel]]:
    """What a shipment would change; SaidNo if any part of it is wrong: then nothing of it happens."""
    if order.acknowledged_at is None:
        raise refuse(f"order {order.order_id} is not acknowledged")
    found: list[tuple[ShopLine, Parcel]] = []
    asked: dict[str, int] = {}
    for entry in lines:
        for status in entry.order_line_statuses.order_line_status:
            quantity = status.status_quantity.units
            line = check_line(order, entry.line_number, asked, quantity)
            if line.cancel_requested and not entry.intent_to_cancel_override:
                raise refuse(f"the buyer asked to cancel line {line.line_id}: set intentToCancelOverride")
            check_tracking(status.tracking_info)
            found.append((line, Parcel(line.line_id, quantity, status.tracking_info)))
    return found


def check_tracking(tracking: Tracking) -> None:
    name = tracking.carrier_name
    if name.carrier is not None and name.carrier not in CARRIERS:
        raise refuse(f"'{name.carrier}' is not a carrier of the list")
    if name.carrier is None and not (name.other_carrier and tracking.tracking_url):
        raise refuse("otherCarrier needs a trackingURL")
    if tracking.method_code not in METHODS or not tracking.tracking_number:
        raise refuse("methodCode and trackingNumber are compulsory")


def check_cancellation(order: ShopOrder, lines: Sequence[CancelLine]) -> list[tuple[ShopLine, int, str]]:
    """(line, units, reason) of a cancellation; SaidNo if any part of it is wrong."""
    found: list[tuple[ShopLine, int, str]] = []
    asked: dict[str, int] = {}
    for entry in lines:
        for status in entry.order_line_statuses.order_line_status:
            if status.cancellation_reason not in REASONS.values():
                raise refuse(f"'{status.cancellation_reason}' is not a cancellation reason")
            line = check_line(order, entry.line_number, asked, status.status_quantity.units)
            found.append((line, status.status_quantity.units, status.cancellation_reason))
    return found
