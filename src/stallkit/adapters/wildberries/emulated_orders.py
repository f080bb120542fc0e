"""Assembly orders of the emulated account, their stickers, and buyers' claims (03, 09)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from stallkit.adapters.wildberries.emulated_wire import (
    Json,
    SaidNo,
    answer,
    as_numbers,
    instant,
    moscow,
    nothing,
    number,
    problem,
    read_json,
)
from stallkit.testing.emulator import Fault, ShopLine, ShopOrder, ShopReturn, WireReply, WireRequest
from stallkit.types import ReturnState

if TYPE_CHECKING:
    from stallkit.adapters.wildberries.emulator import Emulator

Route = Callable[["Emulator", WireRequest, str], WireReply]
MONTH = timedelta(days=30)
FORTNIGHT = timedelta(days=14)
CANCELLED = {"canceled", "declined_by_client", "defect"}


@dataclass
class ShopUnit:
    """``supplier`` and ``wb`` are the two statuses; ``scan_price`` is set once it was received."""

    id: int
    order_id: str
    sku: str
    size: int
    created_at: datetime
    price: int
    warehouse: int = 507
    supplier: str = "new"
    wb: str = "waiting"
    supply: str = ""
    scan_price: int | None = None
    cargo_type: int = 1
    cancel_calls: int = 0
    scheme: str = "fbs"

    @property
    def rid(self) -> str:
        """What other categories know the unit by (``srid``)."""
        return f"f884001e44e511edb87802{self.id:010d}"

    @property
    def cancelled(self) -> bool:
        return self.supplier == "cancel" or self.wb in CANCELLED

    @property
    def gone(self) -> bool:
        return self.scan_price is not None or self.supplier in {"deliver", "receive", "reject"}

    @property
    def open(self) -> bool:
        return not self.cancelled and not self.gone


# --- what happens there -------------------------------------------------------------------------------------------------------------------


def assemble(shop: Emulator, order: ShopOrder) -> None:
    """The basket is paid: an assembly order for each unit."""
    for line in order.lines:
        for _ in range(line.ordered - line.cancelled):
            unit = ShopUnit(
                13_000_001 + len(shop.units), order.order_id, line.sku, int(line.line_id), shop.clock(), int(line.unit_price * 100)
            )
            shop.add_unit(unit)


def units_of(shop: Emulator, order: ShopOrder, line: ShopLine | None = None) -> list[ShopUnit]:
    units = shop.units_by_order.get(order.order_id, [])
    return [unit for unit in units if line is None or str(unit.size) == line.line_id]


def recount(shop: Emulator, order: ShopOrder) -> None:
    """The lines' totals follow their units; a basket is taken on once none of its open units is new."""
    for line in order.lines:
        units = units_of(shop, order, line)
        line.cancelled = sum(unit.cancelled for unit in units)
        line.shipped = sum(unit.gone for unit in units)
    left = [unit for unit in units_of(shop, order) if unit.open]
    if order.acknowledged_at is None and left and all(unit.supplier != "new" for unit in left):
        order.acknowledged_at = shop.clock()
    order.modified_at = shop.clock()


def decline(shop: Emulator, order: ShopOrder, line: ShopLine, quantity: int) -> None:
    """The buyer changes his mind about units that are not being assembled. Not paid for: there are no assembly orders yet."""
    units = [unit for unit in units_of(shop, order, line) if unit.open and unit.supplier == "new"]
    if order.pending:
        line.cancelled += quantity
        return
    for unit in units[:quantity]:
        unit.wb = "declined_by_client"
    if quantity:
        recount(shop, order)


def cancel_unit(shop: Emulator, unit: ShopUnit) -> None:
    """The seller cancels; the unit leaves its supply by itself (03, POST /api/v3/supplies)."""
    unit.supplier, unit.wb, unit.supply = "cancel", "canceled", ""
    recount(shop, shop.orders[unit.order_id])


def scan(shop: Emulator, order: ShopOrder) -> None:
    """Reception takes what lies in supplies; the first scan closes a supply (03, PATCH deliver)."""
    for unit in units_of(shop, order):
        if unit.open and unit.supply:
            shop.supplies[unit.supply].close(shop.clock())
            unit.supplier, unit.wb, unit.scan_price = "complete", "sorted", 1_500
    recount(shop, order)


def set_word(shop: Emulator, order: ShopOrder, word: str) -> None:
    """Wildberries moves on with what it has received."""
    for unit in units_of(shop, order):
        if unit.gone:
            unit.wb = word
    recount(shop, order)


# --- lists --------------------------------------------------------------------------------------------------------------------------------


def list_new(shop: Emulator, _request: WireRequest, __: str) -> WireReply:
    fresh = [unit for unit in shop.units.values() if unit.scheme == "fbs" and unit.supplier == "new" and unit.open]
    return answer({"orders": [{**_show(shop, unit), "ddate": "", "isPickupPointShipmentAllowed": True} for unit in fresh]})


def list_orders(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    """By number, created in the period, without statuses."""
    limit, after = number(request, "limit"), number(request, "next")
    now = int(shop.clock().timestamp())
    start, end = number(request, "dateFrom", now - int(MONTH.total_seconds())), number(request, "dateTo", now + 1)
    if not 1 <= limit <= 1_000 or end - start > MONTH.total_seconds() + 1:
        raise SaidNo(400, "IncorrectParameter", "IncorrectParameter")
    units = [
        unit
        for unit in shop.units.values()
        if unit.scheme == "fbs" and unit.id > after and start <= _created(shop, unit).timestamp() <= end
    ]
    page = sorted(units, key=lambda unit: unit.id)[: min(limit, shop.orders_per_page)]
    following = page[-1].id if page and (len(units) > len(page) or not shop.list_ends_with_zero) else 0
    spoil = shop.fault is Fault.UNKNOWN_ENUM
    orders = [_show(shop, unit, spoil=spoil and place == 0) for place, unit in enumerate(page)]
    return answer({"next": following, "orders": orders})


def _created(shop: Emulator, unit: ShopUnit) -> datetime:
    """A basket's units are created when it is paid for."""
    order = shop.orders[unit.order_id]
    return datetime.fromisoformat(order.extra["assembled_at"]) if "assembled_at" in order.extra else order.placed_at


def _show(shop: Emulator, unit: ShopUnit, *, spoil: bool = False) -> Json:
    card = shop.card_of(unit.sku)
    order = shop.orders[unit.order_id]
    offer = shop.offers.get(unit.sku)
    told: dict[str, object] = {
        "address": None,
        "scanPrice": unit.scan_price,
        "deliveryType": "teleport" if spoil else "fbs",
        "article": card.vendor_code,
        "colorCode": "",
        "rid": unit.rid,
        "createdAt": instant(_created(shop, unit)),
        "offices": ["Калуга"],
        "skus": [offer.gtin] if offer is not None and offer.gtin else [],
        "id": unit.id,
        "warehouseId": unit.warehouse,
        "officeId": 15,
        "nmId": card.nm,
        "chrtId": unit.size,
        "price": unit.price,
        "convertedPrice": unit.price,
        "currencyCode": 643,
        "convertedCurrencyCode": 643,
        "cargoType": unit.cargo_type,
        "crossBorderType": 1 if "undeclared" in order.extra else 0,
        "comment": "",
        "isZeroOrder": "zero" in order.extra,
        "options": {"isB2B": False},
    }
    if "no_uid" not in order.extra:
        told["orderUid"] = unit.order_id
    return {**told, "supplyId": unit.supply} if unit.supply else told


def list_statuses(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    wanted = as_numbers(read_json(request).get("orders"))
    if not 1 <= len(wanted) <= 1_000:
        raise SaidNo(400, "IncorrectRequest", "Incorrect request")
    spoil = shop.fault is Fault.UNKNOWN_ENUM
    known = [shop.units[one] for one in wanted if one in shop.units and shop.units[one].scheme == "fbs"]
    return answer({"orders": [_show_status(shop, unit, spoil=spoil and place == 0) for place, unit in enumerate(known)]})


def _show_status(shop: Emulator, unit: ShopUnit, *, spoil: bool) -> Json:
    return {
        "id": unit.id,
        "isCancellable": cancellable(shop, unit),
        "supplierStatus": "teleported" if spoil else unit.supplier,
        "wbStatus": unit.wb,
    }


def cancellable(shop: Emulator, unit: ShopUnit) -> bool:
    return unit.open and unit.supplier in {"new", "confirm"} and "insists" not in shop.orders[unit.order_id].extra


def cancel(shop: Emulator, _request: WireRequest, text: str) -> WireReply:
    unit = shop.units.get(int(text)) if text.isdigit() else None
    if unit is None:
        raise SaidNo(404, "NotFound", "Not found")
    if "insists" in shop.orders[unit.order_id].extra and unit.open:
        raise SaidNo(409, "StatusChangeNotAllowed", "The order is finished by the scan at the pick-up point")
    if not cancellable(shop, unit):
        raise SaidNo(409, "StatusMismatch", "Status mismatch, check the statuses")
    unit.cancel_calls += 1
    order = shop.orders[unit.order_id]
    order.cancel_calls = max(one.cancel_calls for one in units_of(shop, order))
    shop.seller_cancels(unit)
    return nothing()


def stickers(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    """Units that are being assembled or on their way; others are left out."""
    wanted = as_numbers(read_json(request).get("orders"))
    kind, size = request.param("type"), (request.param("width"), request.param("height"))
    if not 1 <= len(wanted) <= 100 or kind not in {"svg", "zplv", "zplh", "png"} or size not in {("58", "40"), ("40", "30")}:
        raise SaidNo(400, "IncorrectParameter", "IncorrectParameter")
    if any(one in shop.units and "undeclared" in shop.orders[shop.units[one].order_id].extra for one in wanted):
        raise SaidNo(409, "CustomsDeclarationIsRequired", "Customs declaration is required")
    fit = [shop.units[one] for one in wanted if one in shop.units and shop.units[one].supplier in {"confirm", "complete"}]
    return answer({"stickers": [_sticker(unit, kind) for unit in fit]})


def _sticker(unit: ShopUnit, kind: str) -> Json:
    file = b64encode(f"{kind} sticker of {unit.id}".encode()).decode()
    return {"orderId": unit.id, "partA": str(unit.id)[:4], "partB": str(unit.id)[4:], "barcode": f"!{unit.id}", "file": file}


# --- claims -------------------------------------------------------------------------------------------------------------------------------

CLAIM = {
    ReturnState.ASKED: (0, 0, False),
    ReturnState.COMING: (2, 10, True),
    ReturnState.ARRIVED: (2, 10, True),
    ReturnState.CLOSED: (1, 1, True),
}
"""``status``, ``status_ex``, in the archive. That goods are back is not told."""


def list_claims(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    """Claims of the last fortnight, one for each unit."""
    archive = request.param("is_archive")
    limit, offset = int(request.param("limit", "50")), int(request.param("offset", "0"))
    if archive not in {"true", "false"} or not 1 <= limit <= 200:
        return problem(400, "Invalid query params", "Failed to deserialize query string", "application/problem+json")
    since = shop.clock() - FORTNIGHT
    fresh = [one for one in shop.returns.values() if one.opened_at >= since and CLAIM[one.state][2] is (archive == "true")]
    claims = [claim for one in fresh for claim in _claims(shop, one)]
    return answer({"claims": claims[offset : offset + limit], "total": len(claims)})


def _claims(shop: Emulator, told: ShopReturn) -> Iterable[Json]:
    """The first unit's claim has the number of the return, the others count on."""
    order = shop.orders[told.order_id]
    lines = {line.line_id: line for line in order.lines}
    units = [unit for line_id, count in told.units.items() for unit in units_of(shop, order, lines[line_id])[:count]]
    status, goods, _ = CLAIM[told.state]
    for place, unit in enumerate(units):
        yield {
            "id": told.return_id[:-2] + f"{place:02d}",
            "claim_type": 1,
            "status": status,
            "status_ex": goods,
            "nm_id": shop.card_of(unit.sku).nm,
            "user_comment": told.reason,
            "wb_comment": None,
            "dt": moscow(told.opened_at),
            "imt_name": unit.sku,
            "order_dt": moscow(order.placed_at)[:19],
            "dt_update": moscow(told.modified_at),
            "photos": [],
            "video_paths": [],
            "actions": ["approve1", "approve2", "reject1"] if status == 0 else [],
            "price": unit.price / 100,
            "currency_code": "643",
            "srid": unit.rid,
        }


def claim_number(count: int) -> str:
    return f"fe3e9337-e9f9-423c-8930-{count:010d}00"


ROUTES: tuple[tuple[str, re.Pattern[str], Route], ...] = (
    ("GET", re.compile(r"/api/v3/orders/new"), list_new),
    ("GET", re.compile(r"/api/v3/orders"), list_orders),
    ("POST", re.compile(r"/api/v3/orders/status"), list_statuses),
    ("PATCH", re.compile(r"/api/v3/orders/([^/]+)/cancel"), cancel),
    ("POST", re.compile(r"/api/v3/orders/stickers"), stickers),
    ("GET", re.compile(r"/api/v1/claims"), list_claims),
)
