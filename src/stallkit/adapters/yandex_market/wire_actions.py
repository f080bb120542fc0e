"""What is told to the Market about an order: plans from the order as it was read, and the bodies to send. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from stallkit.adapters.yandex_market.wire import Paging
from stallkit.adapters.yandex_market.wire_orders import CANCELLED, PROCESSING, READY, WAITING, Order, units_of
from stallkit.types import CancelNotice, Rejected, ShipmentNotice

Json = Mapping[str, object]
READY_TO_SHIP: Json = {"order": {"status": PROCESSING, "substatus": "READY_TO_SHIP"}}
HANDED_OVER: Json = {"order": {"status": "DELIVERY", "substatus": "DELIVERY_SERVICE_RECEIVED"}}
CANCEL: Json = {"order": {"status": CANCELLED, "substatus": "SHOP_FAILED"}}
ACCEPT_CANCELLATION: Json = {"accepted": True}
OWN_SERVICE = ("собственная служба", "own delivery")


class ChangedOrder(Struct):
    id: int
    status: str
    substatus: str


class Changed(Struct):
    """Answer to a change of status: the order as it is now, of which only this much is needed."""

    order: ChangedOrder


class LaidItem(Struct, rename="camel"):
    id: int


class LaidBox(Struct):
    items: tuple[LaidItem, ...]


class Layout(Struct):
    boxes: tuple[LaidBox, ...]


class Laid(Struct):
    """Answer to boxes: the layout that was taken."""

    status: str
    result: Layout


class Service(Struct):
    id: int
    name: str


class Services(Struct, rename="camel"):
    delivery_service: tuple[Service, ...]


class ServiceAnswer(Struct):
    result: Services
    paging: Paging = field(default_factory=Paging)


def open_units(order: Order) -> dict[str, int]:
    """Units that are still here, by line."""
    return {str(item.id): units_of(order, item)[2] for item in order.items}


def build_boxes(units: Mapping[str, int], *, remove: bool = False) -> Json:
    """One box with everything. ``remove``: what is not in it leaves the order, for good."""
    items = [{"id": int(line), "fullCount": count} for line, count in units.items() if count]
    body: dict[str, object] = {"boxes": [{"items": items}]}
    return {**body, "allowRemove": True} if remove else body


def refuse_to_pack(order: Order) -> Rejected | None:
    """Why an order cannot be packed now; None if it can."""
    if order.status in WAITING:
        return Rejected("not_yet", f"order {order.order_id} is {order.words}: the Market has not released it yet")
    if order.status == CANCELLED:
        return Rejected("cancelled", f"order {order.order_id} was cancelled ({order.substatus})")
    return None


def refuse_to_ship(order: Order, notice: ShipmentNotice) -> Rejected | None:
    """Why this cannot leave; None if it can. An order leaves as a whole."""
    if refusal := refuse_to_pack(order):
        return refusal
    wanted: dict[str, int] = {}
    for line in notice.lines:
        wanted[line.line_id] = wanted.get(line.line_id, 0) + line.quantity
    here = {line: units for line, units in open_units(order).items() if units}
    if strange := {line for line, units in wanted.items() if units > here.get(line, 0)}:
        return Rejected("more_than_open", f"order {order.order_id} has not so many units left in line {', '.join(sorted(strange))}")
    if {line: units for line, units in wanted.items() if units} != here:
        return Rejected(
            "whole_order_only", f"order {order.order_id} leaves as a whole: ship all that is left of it, or cancel the rest first"
        )
    return None


def keeps(order: Order, notice: CancelNotice) -> dict[str, int] | Rejected:
    """Units that stay by line once the notice is carried out (all 0: the whole order is cancelled), or why it cannot be."""
    here = open_units(order)
    for line in notice.lines:
        if not 0 < line.quantity <= here.get(line.line_id, 0):
            return Rejected("more_than_open", f"order {order.order_id} has no {line.quantity} units left in line {line.line_id}")
        here[line.line_id] -= line.quantity
    if any(here.values()) and order.substatus in READY:
        text = (
            f"order {order.order_id} is ready to ship: the Market takes nothing out of it any more, only the whole order can be cancelled"
        )
        return Rejected("ready_to_ship", text)
    return here


def decline_cancellation(order: Order) -> Json:
    """The buyer's wish comes too late: the goods are with the carrier, or have arrived."""
    return {"accepted": False, "reason": "ORDER_IN_DELIVERY" if order.status == "DELIVERY" else "ORDER_DELIVERED"}


def service_of(services: Mapping[str, int], carrier: str, assigned: int) -> int:
    """The Market's number for a carrier, by the name that its list has; the service that the order was placed with for any other."""
    return services.get(carrier.strip().casefold(), assigned)
