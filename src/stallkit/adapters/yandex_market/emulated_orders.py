"""The emulated Market's orders on the wire: what the seller reads, and what he tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from stallkit.adapters.yandex_market.emulated_fate import Fate
from stallkit.adapters.yandex_market.emulated_stock import BUSINESS, DBS, FBS, number_of
from stallkit.adapters.yandex_market.replies import Json, SaidNo, answer, cut_page, objects, ok, read_json, texts, whole
from stallkit.testing.emulator import Fault, ShopLine, ShopOrder, WireReply, WireRequest
from stallkit.types import OrderState

MOSCOW = timedelta(hours=3)
SPAN = timedelta(days=30)
ON_THE_WAY = {"DELIVERY": "DELIVERY_SERVICE_RECEIVED", "PICKUP": "PICKUP_SERVICE_RECEIVED", "DELIVERED": "DELIVERY_SERVICE_DELIVERED"}
NEXT = {"": {"DELIVERY"}, "DELIVERY": {"PICKUP", "DELIVERED"}, "PICKUP": {"DELIVERED"}, "DELIVERED": set[str]()}
"""What a DBS seller may say next; anything else is an error."""
SERVICES = {51: "CDEK", 99: "Own service", 107: "PEK", 139: "DPD", 1_003_375: "DHL"}


class Orders(Fate):
    """Routes for the Market's emulator."""

    # --- reading ------------------------------------------------------------------------------------------------------------------------

    def list_orders(self, request: WireRequest, _: str) -> WireReply:
        """By number. Filters that are left out let everything pass, but for test orders."""
        body = read_json(request)
        rows = ((int(order.order_id), order) for order in self._in_time(body))
        page, paging = cut_page(rows, request, min(self.orders_per_page, 50), lambda order: self._wanted(order, body))
        spoil = self.fault is Fault.UNKNOWN_ENUM
        shown = [self.show_order(order, spoil=spoil and number == 0) for number, order in enumerate(page)]
        return answer({"orders": shown, "paging": paging})

    def _in_time(self, body: dict[str, object]) -> list[ShopOrder]:
        """Those that are named, else those that were placed and changed when the filter says."""
        if "orderIds" in body:
            return [self.orders[order_id] for order_id in texts(body["orderIds"]) if order_id in self.orders]
        dates = body.get("dates")
        read = dates if isinstance(dates, dict) else {}
        (begin, end), (first, last) = _span(read, self.clock()), _days(read, self.clock())
        return [order for order in self.orders.values() if begin <= order.modified_at <= end and first <= order.placed_at < last]

    def _wanted(self, order: ShopOrder, body: dict[str, object]) -> bool:
        told = {
            "campaignIds": str(self.campaign_of(order)),
            "programTypes": order.extra["model"],
            "sourcePlatforms": order.extra.get("source", "MARKET"),
            "statuses": words_of(order)[0],
            "substatuses": words_of(order)[1],
        }
        if any(name in body and told[name] not in texts(body[name]) for name in told):
            return False
        return bool(body.get("fake")) == ("fake" in order.extra)

    def campaign_of(self, order: ShopOrder) -> int:
        return DBS if order.extra["model"] == "DBS" else FBS

    def show_order(self, order: ShopOrder, *, spoil: bool = False) -> Json:
        """As the list of the cabinet shows it (v1)."""
        status, substatus = ("TELEPORTED", "STARTED") if spoil else words_of(order)
        return {
            "orderId": int(order.order_id),
            "campaignId": self.campaign_of(order),
            "programType": order.extra["model"],
            "status": status,
            "substatus": substatus,
            "creationDate": moscow(order.placed_at),
            "updateDate": moscow(order.modified_at),
            "paymentType": "PREPAID",
            "paymentMethod": "YANDEX",
            "fake": "fake" in order.extra,
            "items": [show_item(order, line) for line in order.lines],
            "prices": {"delivery": {"payment": rub(Decimal(149)), "vat": "VAT_22"}},
            "delivery": self._show_delivery(order),
            "buyerType": "PERSON",
            "cancelRequested": "cancel_asked" in order.extra,
            "sourcePlatform": order.extra.get("source", "MARKET"),
        }

    def product_total(self, line: ShopLine) -> Decimal:
        """The amount of the units that the order shows."""
        order = next(one for one in self.orders.values() if any(known is line for known in one.lines))
        return line.unit_price * left_of(order, line)

    def _show_delivery(self, order: ShopOrder) -> Json:
        day = (order.placed_at + MOSCOW + timedelta(days=1)).date().isoformat()
        express = {"shipmentTime": "18:30:00"} if order.extra["model"] == "EXPRESS" else {}
        told: dict[str, object] = {
            "type": "DELIVERY",
            "serviceName": "Market",
            "deliveryServiceId": 99 if order.extra["model"] == "DBS" else 106,
            "warehouseId": order.extra["warehouse"],
            "deliveryPartnerType": "SHOP" if order.extra["model"] == "DBS" else "YANDEX_MARKET",
            "dates": {"fromDate": day},
            "shipment": {"shipmentDate": day, **express},
            "courier": {"address": {"country": "Russia", "postcode": "125009", "city": "Moscow", "street": "Tverskaya", "house": "1"}},
        }
        if "boxes" in order.extra:
            items = [
                {"id": int(line.line_id), "fullCount": line.ordered - line.cancelled}
                for line in order.lines
                if line.ordered > line.cancelled
            ]
            told["boxesLayout"] = [{"boxId": int(order.order_id) + 1, "barcode": f"{order.order_id}-1", "items": items}] if items else None
        if any(line.tracking_number for line in order.lines):
            told["tracks"] = [{"trackCode": order.lines[0].tracking_number, "deliveryServiceId": int(order.extra["service"])}]
        return {name: value for name, value in told.items() if value is not None}

    # --- what the seller tells ----------------------------------------------------------------------------------------------------------

    def find(self, campaign: str, order_id: str) -> ShopOrder:
        order = self.orders.get(order_id)
        if order is None or str(self.campaign_of(order)) != campaign:
            raise SaidNo(404, "NOT_FOUND", f"Order {order_id} not found in shop {campaign}")
        return order

    def set_boxes(self, request: WireRequest, campaign: str, order_id: str) -> WireReply:
        """Boxes, as often as one likes until the order is ready to ship. With ``allowRemove`` what is not in them leaves the order."""
        order, body = self.find(campaign, order_id), read_json(request)
        if words_of(order) != ("PROCESSING", "STARTED"):
            raise SaidNo(400, "BAD_REQUEST", f"Order {order_id} is {'/'.join(words_of(order))}, its boxes cannot be changed")
        packed = _packed(body, order)
        missing = [(line, line.open - packed.get(line.line_id, 0)) for line in order.lines if line.open > packed.get(line.line_id, 0)]
        if missing:
            self._remove(order, missing, allowed=body.get("allowRemove") is True)
        if "boxes" not in order.extra or missing:
            order.extra["boxes"] = "1"
            order.modified_at = self.clock()
        order.acknowledged_at = order.acknowledged_at or self.clock()
        order.acknowledge_calls += not missing
        items = [{"id": int(line_id), "fullCount": units} for line_id, units in packed.items()]
        return ok({"boxes": [{"boxId": int(order_id) + 1, "items": items}]})

    def _remove(self, order: ShopOrder, missing: Sequence[tuple[ShopLine, int]], *, allowed: bool) -> None:
        """The contract's three cases in which nothing can be taken out of a product, and the order must be cancelled instead."""
        if not allowed:
            raise SaidNo(400, "BAD_REQUEST", "Some items are in no box; pass allowRemove to remove them from the order")
        left = [line for line in order.lines if line.open]
        total = sum((line.unit_price * line.open for line in left), Decimal(0))
        for line, _ in missing:
            if len(left) == 1:
                raise SaidNo(400, "BAD_REQUEST", f"Item {line.line_id} is the only one of the order and cannot be removed")
            if f"gift {line.line_id}" in order.extra:
                raise SaidNo(400, "BAD_REQUEST", f"Item {line.line_id} was added by a promotion and cannot be removed")
            if line.unit_price * line.open >= total * Decimal("0.99"):
                raise SaidNo(400, "BAD_REQUEST", f"Item {line.line_id} is 99% of the order's cost and cannot be removed")
        if "promised" in order.extra:
            raise SaidNo(400, "BAD_REQUEST", f"Order {order.order_id} has been promised to its buyer")
        order.cancel_calls += 1
        for line, units in missing:
            self.cancel_units(order, line, units)

    def set_status(self, request: WireRequest, campaign: str, order_id: str) -> WireReply:
        """The only steps that there are; all others are errors."""
        order, told = self.find(campaign, order_id), read_json(request).get("order")
        wanted = told if isinstance(told, dict) else {}
        status, substatus = str(wanted.get("status")), str(wanted.get("substatus"))
        was = words_of(order)
        if (status, substatus) == ("PROCESSING", "READY_TO_SHIP") and was == ("PROCESSING", "STARTED") and order.extra["model"] != "DBS":
            self._make_ready(order)
        elif status == "CANCELLED" and substatus == "SHOP_FAILED" and was in {("PROCESSING", "STARTED"), ("PROCESSING", "READY_TO_SHIP")}:
            self._cancel(order)
        elif ON_THE_WAY.get(status) == substatus and order.extra["model"] == "DBS" and status in NEXT.get(order.extra.get("stage", ""), ()):
            self._move_on(order, status, was)
        else:
            raise SaidNo(400, "STATUS_NOT_ALLOWED", f"Order {order_id} with status {'/'.join(was)} cannot become {status}/{substatus}")
        return answer({"order": show_changed(order)})

    def _make_ready(self, order: ShopOrder) -> None:
        if "boxes" not in order.extra:
            raise SaidNo(400, "BAD_REQUEST", f"Order {order.order_id} has no boxes")
        order.ship_calls += 1
        order.extra["ready"] = "yes"
        order.modified_at = self.clock()

    def _cancel(self, order: ShopOrder) -> None:
        if "promised" in order.extra:
            raise SaidNo(400, "BAD_REQUEST", f"Order {order.order_id} has been promised to its buyer: it must be sent")
        order.cancel_calls += 1
        self.cancel_order(order, "SHOP_FAILED")

    def _move_on(self, order: ShopOrder, status: str, was: tuple[str, str]) -> None:
        if was[0] not in {"PROCESSING", "DELIVERY", "PICKUP"}:
            raise SaidNo(400, "STATUS_NOT_ALLOWED", f"Order {order.order_id} is {'/'.join(was)}")
        if status == "DELIVERY":
            order.ship_calls += 1
        self.leave(order, status)

    def set_track(self, request: WireRequest, campaign: str, order_id: str) -> WireReply:
        order, body = self.find(campaign, order_id), read_json(request)
        service = whole(body.get("deliveryServiceId"), "deliveryServiceId", 1)
        if words_of(order)[0] not in {"PROCESSING", "DELIVERY", "PICKUP"} or service not in SERVICES:
            raise SaidNo(400, "BAD_REQUEST", f"Order {order_id} takes no track of service {service}")
        for line in order.lines:
            line.tracking_number, line.carrier = str(body.get("trackCode")), SERVICES[service]
        order.extra["service"] = str(service)
        order.modified_at = self.clock()
        return ok()

    def decide_cancellation(self, request: WireRequest, campaign: str, order_id: str) -> WireReply:
        order, body = self.find(campaign, order_id), read_json(request)
        if "cancel_asked" not in order.extra:
            raise SaidNo(400, "BAD_REQUEST", f"Nobody asked to cancel order {order_id}")
        if body.get("accepted") is True:
            order.cancel_calls += 1
            self.grant(order)
            return ok()
        if body.get("reason") not in {"ORDER_DELIVERED", "ORDER_IN_DELIVERY"}:
            raise SaidNo(400, "BAD_REQUEST", "A refusal needs its reason")
        del order.extra["cancel_asked"]
        order.extra["declined"] = str(body["reason"])
        order.modified_at = self.clock()
        return ok()

    def show_services(self, _request: WireRequest, _: str) -> WireReply:
        return answer({"result": {"deliveryService": [{"id": number, "name": name} for number, name in SERVICES.items()]}})

    def show_labels(self, request: WireRequest, campaign: str, order_id: str) -> WireReply:
        """One sticker per box, as one PDF."""
        order = self.find(campaign, order_id)
        if "boxes" not in order.extra or order.state is OrderState.CANCELLED:
            raise SaidNo(400, "BAD_REQUEST", f"Order {order_id} has no boxes to label")
        pdf = f"%PDF-1.4\n% label {request.param('format', 'A7')} of cabinet {BUSINESS}, order {order_id}, box 1 of 1\n%%EOF\n"
        return WireReply(200, pdf.encode(), (("Content-Type", "application/pdf"),))


def words_of(order: ShopOrder) -> tuple[str, str]:
    """Status and substatus."""
    stage = order.extra.get("stage", "")
    if stage == "CANCELLED" or order.state is OrderState.CANCELLED:
        return "CANCELLED", order.extra.get("why", "USER_CHANGED_MIND")
    if order.pending:
        return "UNPAID", "WAITING_USER_INPUT"
    if stage:
        return stage, ON_THE_WAY[stage]
    return "PROCESSING", "READY_TO_SHIP" if "ready" in order.extra else "STARTED"


def left_of(order: ShopOrder, line: ShopLine) -> int:
    """Units that the Market counts and charges: what was removed is not among them, a cancelled order shows all."""
    return line.ordered if order.state is OrderState.CANCELLED else line.ordered - line.cancelled


def show_item(order: ShopOrder, line: ShopLine) -> Json:
    """``count`` is what is left of the item; what was removed, and what has left, is told unit by unit."""
    whole_order = order.state is OrderState.CANCELLED
    left = left_of(order, line)
    told: dict[str, object] = {
        "id": int(line.line_id),
        "offerId": line.sku,
        "offerName": line.title,
        "count": left,
        "prices": {"payment": rub(line.unit_price * left), "subsidy": rub(Decimal(0)), "vat": "VAT_22"},
    }
    gone = "REJECTED" if order.extra.get("stage") == "CANCELLED" else "SHIPPED"
    units = [("CREATED", line.open), (gone, line.shipped), ("CANCELLED", line.cancelled)]
    if (line.cancelled and not whole_order) or order.extra.get("stage") == "CANCELLED":
        told["itemStatuses"] = [{"status": status, "count": count} for status, count in units if count]
    return told


def show_changed(order: ShopOrder) -> Json:
    """As the older calls answer with it: other names, and times of Moscow without a zone."""
    status, substatus = words_of(order)
    total = sum((line.unit_price * line.ordered for line in order.lines), Decimal(0))
    day = (order.placed_at + MOSCOW + timedelta(days=1)).strftime("%d-%m-%Y")
    items = [
        {
            "id": int(line.line_id),
            "offerId": line.sku,
            "offerName": line.title,
            "price": number_of(line.unit_price),
            "buyerPrice": number_of(line.unit_price),
            "buyerPriceBeforeDiscount": number_of(line.unit_price),
            "count": line.ordered - line.cancelled,
        }
        for line in order.lines
    ]
    return {
        "id": int(order.order_id),
        "status": status,
        "substatus": substatus,
        "creationDate": (order.placed_at + MOSCOW).strftime("%d-%m-%Y %H:%M:%S"),
        "currency": "RUR",
        "itemsTotal": number_of(total),
        "deliveryTotal": 149,
        "buyerItemsTotalBeforeDiscount": number_of(total),
        "paymentType": "PREPAID",
        "paymentMethod": "YANDEX",
        "fake": "fake" in order.extra,
        "items": items,
        "delivery": {
            "type": "DELIVERY",
            "serviceName": "Market",
            "deliveryPartnerType": "YANDEX_MARKET",
            "deliveryServiceId": 106,
            "dates": {"fromDate": day},
        },
        "buyer": {"type": "PERSON"},
        "taxSystem": "USN",
    }


def rub(amount: Decimal) -> Json:
    return {"value": number_of(amount), "currencyId": "RUR"}


def moscow(at: datetime) -> str:
    """The moment in Moscow's time, with its offset."""
    return (at.astimezone(UTC).replace(tzinfo=None) + MOSCOW).isoformat() + "+03:00"


def _span(dates: dict[str, object], now: datetime) -> tuple[datetime, datetime]:
    """The window of last changes; at most thirty days, and the last thirty if nothing is said."""
    try:
        end = datetime.fromisoformat(str(dates["updateDateTo"])) if "updateDateTo" in dates else now
        begin = datetime.fromisoformat(str(dates["updateDateFrom"])) if "updateDateFrom" in dates else end - SPAN
    except ValueError as error:
        raise SaidNo(400, "BAD_REQUEST", f"a date is not one: {error}") from error
    if end - begin > SPAN:
        raise SaidNo(400, "BAD_REQUEST", "The span of dates must not be longer than 30 days")
    return begin, end


def _days(dates: dict[str, object], now: datetime) -> tuple[datetime, datetime]:
    """Between which midnights of Moscow orders were placed: in the last thirty days if nothing is said."""
    today = (now + MOSCOW).date()
    try:
        last = date.fromisoformat(str(dates["creationDateTo"])) if "creationDateTo" in dates else today + timedelta(days=1)
        first = date.fromisoformat(str(dates["creationDateFrom"])) if "creationDateFrom" in dates else today - SPAN
    except ValueError as error:
        raise SaidNo(400, "BAD_REQUEST", f"a day is not one: {error}") from error
    if "creationDateFrom" in dates and last - first > SPAN:
        raise SaidNo(400, "BAD_REQUEST", "The span of days must not be longer than 30 days")
    return _midnight(first), _midnight(last)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC) - MOSCOW


def _packed(body: dict[str, object], order: ShopOrder) -> dict[str, int]:
    """Units in boxes by line."""
    units: dict[str, int] = {}
    known = {line.line_id: line for line in order.lines}
    for box in objects(body.get("boxes")):
        for item in objects(box.get("items")):
            line_id = str(item.get("id"))
            units[line_id] = units.get(line_id, 0) + whole(item.get("fullCount"), "fullCount", 1)
    if not units or any(line_id not in known or count > known[line_id].open for line_id, count in units.items()):
        raise SaidNo(400, "BAD_REQUEST", "The boxes hold items or units that the order does not have")
    return units
