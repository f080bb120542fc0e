"""Assembly orders that the seller delivers himself, of the emulated account (05)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from stallkit.adapters.wildberries import emulated_orders
from stallkit.adapters.wildberries.emulated_orders import MONTH, ShopUnit
from stallkit.adapters.wildberries.emulated_wire import Json, SaidNo, answer, as_numbers, instant, number, read_json
from stallkit.testing.emulator import Fault, ShopLine, ShopOrder, WireReply, WireRequest

if TYPE_CHECKING:
    from stallkit.adapters.wildberries.emulator import Emulator

Route = Callable[["Emulator", WireRequest, str], WireReply]
STEPS = {"confirm": {"new"}, "deliver": {"confirm"}, "cancel": {"new", "confirm"}}
"""From which ``supplierStatus`` each action leads to its own (05)."""
OVER = {"receive", "reject", "cancel", "cancel_missed_call"}


def place(shop: Emulator, sku: str, warehouse: int) -> str:
    """A buyer orders one unit."""
    offer = shop.offers[sku]
    number, size, price = 13_000_001 + len(shop.units), int(offer.external_id), int(offer.price * 100)
    unit = ShopUnit(number, "", sku, size, shop.clock(), price, warehouse, scheme="dbs")
    unit.order_id = f"dbs-{unit.id}"
    line = ShopLine(offer.external_id, sku, shop.card_of(sku).vendor_code, 1, offer.price)
    shop.orders[unit.order_id] = ShopOrder(unit.order_id, shop.clock(), shop.clock(), [line], "Иван Примеров")
    shop.add_unit(unit)
    shop.elsewhere[warehouse, sku] = max(shop.elsewhere.get((warehouse, sku), 0) - 1, 0)
    return unit.order_id


def end(shop: Emulator, order: ShopOrder, supplier: str, wb: str) -> None:
    for unit in emulated_orders.units_of(shop, order):
        unit.supplier, unit.wb = supplier, wb
    emulated_orders.recount(shop, order)


def _units(shop: Emulator) -> list[ShopUnit]:
    return [unit for unit in shop.units.values() if unit.scheme == "dbs"]


def _is_over(unit: ShopUnit) -> bool:
    return unit.supplier in OVER or unit.cancelled


def _show(shop: Emulator, unit: ShopUnit, *, spoil: bool = False) -> Json:
    card, order = shop.card_of(unit.sku), shop.orders[unit.order_id]
    return {
        "address": {"fullAddress": "Челябинск, ул. Примерная, д. 1", "longitude": 44.5, "latitude": 40.2},
        "deliveryType": "teleport" if spoil else "dbs",
        "options": {"isB2b": False},
        "orderUid": f"165918930_{unit.id}",
        "groupId": f"7a2c8810-1db2-4011-9682-{unit.id:012d}",
        "article": card.vendor_code,
        "colorCode": "",
        "rid": unit.rid,
        "createdAt": instant(order.placed_at),
        "skus": [],
        "id": unit.id,
        "warehouseId": unit.warehouse,
        "nmId": card.nm,
        "chrtId": unit.size,
        "price": unit.price,
        "convertedPrice": unit.price,
        "currencyCode": 643,
        "convertedCurrencyCode": 643,
        "cargoType": 1,
        "comment": "",
        "isZeroOrder": False,
        "wbStickerId": 0,
    }


def list_new(shop: Emulator, _request: WireRequest, __: str) -> WireReply:
    fresh = [unit for unit in _units(shop) if unit.supplier == "new" and not _is_over(unit)]
    spoil = shop.fault is Fault.UNKNOWN_ENUM
    return answer({"orders": [_show(shop, unit, spoil=spoil and place == 0) for place, unit in enumerate(fresh)]})


def list_over(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    """Orders that are over, by number. Those under way are in no list."""
    limit, after = number(request, "limit"), number(request, "next")
    start, end = number(request, "dateFrom"), number(request, "dateTo")
    if not 1 <= limit <= 1_000 or end - start > MONTH.total_seconds():
        raise SaidNo(400, "IncorrectParameter", "IncorrectParameter")
    units = [unit for unit in _units(shop) if _is_over(unit) and unit.id > after and start <= unit.created_at.timestamp() <= end]
    page = units[: min(limit, shop.orders_per_page)]
    return answer({"next": page[-1].id if len(units) > len(page) else 0, "orders": [_show(shop, unit) for unit in page]})


def list_statuses(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    wanted = as_numbers(read_json(request).get("ordersIds"))
    return answer({"orders": [_show_status(shop.units.get(one), one) for one in wanted]})


def _show_status(unit: ShopUnit | None, wanted: int) -> Json:
    if unit is None or unit.scheme != "dbs":
        return {"orderId": wanted, "supplierStatus": "", "wbStatus": "", "errors": [{"code": 404, "detail": "NotFound"}]}
    return {"orderId": wanted, "supplierStatus": unit.supplier, "wbStatus": unit.wb, "errors": []}


def act(shop: Emulator, request: WireRequest, action: str) -> WireReply:
    """Order by order: what does not go is said inside a 200."""
    wanted = as_numbers(read_json(request).get("ordersIds"))
    return answer({"requestId": "0" * 32, "results": [_act(shop, shop.units.get(one), one, action) for one in wanted]})


def _act(shop: Emulator, unit: ShopUnit | None, wanted: int, action: str) -> Json:
    if unit is None or unit.scheme != "dbs":
        return {"orderId": wanted, "isError": True, "errors": [{"code": 404, "detail": "NotFound"}]}
    order = shop.orders[unit.order_id]
    insists = action == "cancel" and "insists" in order.extra
    if unit.supplier not in STEPS[action] or unit.cancelled or insists:
        return {"orderId": wanted, "isError": True, "errors": [{"code": 409, "detail": "StatusMismatch"}]}
    order.acknowledge_calls += action == "confirm"
    order.ship_calls += action == "deliver"
    order.cancel_calls += action == "cancel"
    if action == "cancel":
        shop.seller_cancels(unit)
    else:
        unit.supplier = action
        emulated_orders.recount(shop, order)
    return {"orderId": wanted, "isError": False}


def list_clients(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    wanted = as_numbers(read_json(request).get("orders"))
    return answer({"orders": [_show_client(shop, shop.units[one]) for one in wanted if one in shop.units]})


def _show_client(shop: Emulator, unit: ShopUnit) -> Json:
    return {
        "replacementPhone": "79990000000",
        "firstName": "Иван",
        "fullName": shop.orders[unit.order_id].buyer_name,
        "orderID": unit.id,
        "phone": "+79990000001",
        "phoneCode": 1234567,
        "additionalPhoneCodes": [],
    }


ROUTES: tuple[tuple[str, re.Pattern[str], Route], ...] = (
    ("GET", re.compile(r"/api/v3/dbs/orders/new"), list_new),
    ("GET", re.compile(r"/api/v3/dbs/orders"), list_over),
    ("POST", re.compile(r"/api/v3/dbs/orders/client"), list_clients),
    ("POST", re.compile(r"/api/marketplace/v3/dbs/orders/status/info"), list_statuses),
    ("POST", re.compile(r"/api/marketplace/v3/dbs/orders/status/(confirm|deliver|cancel)"), act),
)
