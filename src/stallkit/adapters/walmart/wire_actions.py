"""Walmart's wire format for what we do to purchase orders: ship and cancel. Pure. Source: the orders contract of August 2023."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from stallkit.adapters.walmart.carriers import carrier_of
from stallkit.adapters.walmart.wire import instant
from stallkit.adapters.walmart.wire_orders import Carrier, Order, Quantity, Tracking
from stallkit.types import CancelNotice, CancelReason, ShipmentNotice


class ShipStatus(Struct, rename="camel"):
    status: str
    status_quantity: Quantity
    tracking_info: Tracking


class ShipStatuses(Struct, rename="camel"):
    order_line_status: list[ShipStatus]


class ShipLine(Struct, rename="camel"):
    line_number: str
    intent_to_cancel_override: bool
    seller_order_id: str
    order_line_statuses: ShipStatuses


class ShipLines(Struct, rename="camel"):
    order_line: list[ShipLine]


class OrderShipment(Struct, rename="camel"):
    order_lines: ShipLines


class ShipBody(Struct, rename="camel"):
    order_shipment: OrderShipment


class CancelStatus(Struct, rename="camel"):
    status: str
    cancellation_reason: str
    status_quantity: Quantity


class CancelStatuses(Struct, rename="camel"):
    order_line_status: list[CancelStatus]


class CancelLine(Struct, rename="camel"):
    line_number: str
    order_line_statuses: CancelStatuses


class CancelLines(Struct, rename="camel"):
    order_line: list[CancelLine]


class OrderCancellation(Struct, rename="camel"):
    order_lines: CancelLines


class CancelBody(Struct, rename="camel"):
    order_cancellation: OrderCancellation


REASONS: Mapping[CancelReason, str] = {
    CancelReason.OUT_OF_STOCK: "SELLER_CANCEL_OUT_OF_STOCK",
    CancelReason.BUYER_ASKED: "CUSTOMER_REQUESTED_SELLER_TO_CANCEL",
    CancelReason.PRICING_ERROR: "SELLER_CANCEL_PRICING_ERROR",
    CancelReason.FRAUD: "SELLER_CANCEL_FRAUD_STOP_SHIPMENT",
    CancelReason.ADDRESS: "SELLER_CANCEL_ADDRESS_NOT_SERVICEABLE",
}


def build_carrier(text: str) -> Carrier:
    """From Walmart's list, or in the free field, which demands a tracking URL beside it."""
    name = carrier_of(text)
    return Carrier(carrier=name) if name else Carrier(other_carrier=text)


def build_shipment(notice: ShipmentNotice, order: Order) -> bytes:
    """``order`` tells the method that the buyer paid for, and the lines that he asked to cancel: they leave only if a person said so."""
    tracking = Tracking(
        ship_date_time=int(notice.shipped_at.timestamp() * 1000),
        carrier_name=build_carrier(notice.carrier),
        method_code=order.shipping_info.method_code,
        tracking_number=notice.tracking_number,
        tracking_url=notice.tracking_url or None,
    )
    asked = {line.line_number for line in order.lines if line.asked_to_cancel} if notice.although_asked else set()
    lines = [
        ShipLine(
            line.line_id,
            line.line_id in asked,
            order.purchase_order_id,
            ShipStatuses([ShipStatus("Shipped", Quantity(str(line.quantity)), tracking)]),
        )
        for line in notice.lines
    ]
    return msgspec.json.encode(ShipBody(OrderShipment(ShipLines(lines))))


def build_cancellation(notice: CancelNotice) -> bytes:
    reason = REASONS[notice.reason]
    lines = [
        CancelLine(line.line_id, CancelStatuses([CancelStatus("Cancelled", reason, Quantity(str(line.quantity)))])) for line in notice.lines
    ]
    return msgspec.json.encode(CancelBody(OrderCancellation(CancelLines(lines))))


def reported(notice: ShipmentNotice, order: Order) -> bool:
    """Whether the order already shows all of this shipment, under its tracking number and its time of shipping.

    Not by the number alone: what goes into the same parcel later is another shipment, and would not be told.
    """
    shown: Counter[str] = Counter()
    for line in order.lines:
        for status in line.statuses:
            if status.tracking_info is not None and _is_of(notice, status.tracking_info):
                shown[line.line_number] += status.status_quantity.units
    return all(shown[line.line_id] >= line.quantity for line in notice.lines)


def _is_of(notice: ShipmentNotice, tracking: Tracking) -> bool:
    """To the second; a time that cannot be read is no proof."""
    try:
        at = int(instant(tracking.ship_date_time).timestamp())
    except ValueError:
        return False
    return tracking.tracking_number == notice.tracking_number and at == int(notice.shipped_at.timestamp())
