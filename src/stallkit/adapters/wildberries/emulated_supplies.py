"""Supplies of the emulated account: what the seller hands over together (03)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from stallkit.adapters.wildberries import emulated_orders
from stallkit.adapters.wildberries.emulated_orders import ShopUnit
from stallkit.adapters.wildberries.emulated_wire import Json, SaidNo, answer, as_numbers, instant, nothing, number, read_json
from stallkit.testing.emulator import WireReply, WireRequest

if TYPE_CHECKING:
    from stallkit.adapters.wildberries.emulator import Emulator

Route = Callable[["Emulator", WireRequest, str], WireReply]


@dataclass
class Supply:
    id: str
    name: str
    created_at: datetime
    closed_at: datetime | None = None

    def close(self, now: datetime) -> None:
        self.closed_at = self.closed_at or now


def create(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    name = read_json(request).get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 128:
        raise SaidNo(400, "IncorrectRequestBody", "Incorrect required body")
    made = Supply(f"WB-GI-{1_234_567 + len(shop.supplies)}", name, shop.clock())
    shop.supplies[made.id] = made
    return answer({"id": made.id}, 201)


def list_supplies(shop: Emulator, request: WireRequest, _: str) -> WireReply:
    limit, after = number(request, "limit"), number(request, "next")
    if not 1 <= limit <= 1_000:
        raise SaidNo(400, "IncorrectParameter", "IncorrectParameter")
    known = list(shop.supplies.values())
    page = known[after : after + limit]
    following = after + len(page) if page and (after + len(page) < len(known) or not shop.list_ends_with_zero) else 0
    return answer({"next": following, "supplies": [_show(shop, one) for one in page]})


def _units(shop: Emulator, supply: Supply) -> list[ShopUnit]:
    return [unit for unit in shop.units.values() if unit.supply == supply.id]


def _show(shop: Emulator, supply: Supply) -> Json:
    units = _units(shop, supply)
    kinds = {"cargoType": units[0].cargo_type, "crossBorderType": 0} if units else {"cargoType": 0}
    return {
        **kinds,
        "id": supply.id,
        "isB2b": False if units else None,
        "isPickupPointShipmentAllowed": True,
        "done": supply.closed_at is not None,
        "createdAt": instant(supply.created_at),
        "closedAt": instant(supply.closed_at) if supply.closed_at else None,
        "scanDt": None,
        "name": supply.name,
        "destinationOfficeId": None,
        "recommendedWhId": 0,
    }


def _find(shop: Emulator, supply_id: str) -> Supply:
    if supply_id not in shop.supplies:
        raise SaidNo(404, "NotFound", "Not found")
    return shop.supplies[supply_id]


def show(shop: Emulator, _request: WireRequest, supply_id: str) -> WireReply:
    return answer(_show(shop, _find(shop, supply_id)))


def show_units(shop: Emulator, _request: WireRequest, supply_id: str) -> WireReply:
    return answer({"orderIds": [unit.id for unit in _units(shop, _find(shop, supply_id))]})


def add_units(shop: Emulator, request: WireRequest, supply_id: str) -> WireReply:
    """All of them or none: of one warehouse and cargo type, open, in a supply that is open. New ones are being assembled from now on."""
    supply, wanted = _find(shop, supply_id), as_numbers(read_json(request).get("orders"))
    if not 1 <= len(wanted) <= 100:
        raise SaidNo(400, "IncorrectParameter", "IncorrectParameter")
    units = [shop.units[one] for one in wanted if one in shop.units]
    kinds = {(unit.warehouse, unit.cargo_type) for unit in [*_units(shop, supply), *units]}
    fit = all(unit.open and unit.supplier in {"new", "confirm"} for unit in units)
    if supply.closed_at is not None or len(kinds) != 1 or not fit or len(units) != len(wanted):
        raise SaidNo(
            409, "FailedToAddSupplyOrder", "Failed to add the assembly order to the supply. Make sure both meet all the requirements."
        )
    for unit in units:
        unit.supplier, unit.supply = "confirm", supply.id
    for order_id in {unit.order_id for unit in units}:
        order = shop.orders[order_id]
        order.acknowledge_calls += 1
        emulated_orders.recount(shop, order)
    return nothing()


def deliver(shop: Emulator, _request: WireRequest, supply_id: str) -> WireReply:
    supply = _find(shop, supply_id)
    units = _units(shop, supply)
    if not units:
        raise SaidNo(409, "SupplyHasZeroOrders", "Make sure there is at least one assembly order in the supply")
    unmarked = [unit for unit in units if "unmarked" in shop.orders[unit.order_id].extra]
    if unmarked:
        missing = [{"key": "sgtin", "value": "", "decision": "required"}]
        raise SaidNo(
            409,
            "MetaValidationFail",
            "Fix them to dispatch items",
            {"orders": [{"id": unit.id, "metaDetails": missing} for unit in unmarked]},
        )
    supply.close(shop.clock())
    for unit in units:
        unit.supplier = "complete"
    for order_id in {unit.order_id for unit in units}:
        shop.orders[order_id].ship_calls += 1
        shop.orders[order_id].modified_at = shop.clock()
    return nothing()


ROUTES: tuple[tuple[str, re.Pattern[str], Route], ...] = (
    ("POST", re.compile(r"/api/v3/supplies"), create),
    ("GET", re.compile(r"/api/v3/supplies"), list_supplies),
    ("GET", re.compile(r"/api/v3/supplies/([^/]+)"), show),
    ("GET", re.compile(r"/api/marketplace/v3/supplies/([^/]+)/order-ids"), show_units),
    ("PATCH", re.compile(r"/api/marketplace/v3/supplies/([^/]+)/orders"), add_units),
    ("PATCH", re.compile(r"/api/v3/supplies/([^/]+)/deliver"), deliver),
)
