"""What the hub's database says, as rows for the judge: the ledger, the orders, the shortages. No figure of the engine's own making."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stallkeeper.channels.models import Command, CommandState, Offer, OfferTodo
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.ops.demo.judge import Recipes, Supplied
from stallkeeper.orders.models import Order, OrderLine, Shortage
from stallkeeper.stock.models import Cause, Level, LocationOwner, Movement

MINE = LocationOwner.MINE


@dataclass(frozen=True, slots=True)
class Kept:
    """An order as the hub keeps it. ``lines``: by line id (ordered, cancelled, shipped); ``shipments``: how many left from here."""

    stall: str
    order_id: str
    state: str
    imported_at: datetime
    lines: Mapping[str, tuple[int, int, int]]
    shipments: int


def supplies() -> list[Supplied]:
    """Units that came in or went out otherwise than by shipping, by the ledger."""
    moves = Movement.objects.exclude(cause=Cause.SHIP).order_by("id")
    rows = moves.values_list("occurred_at", "stock_unit__sku", "quantity", "from_location__owner", "to_location__owner")
    return [Supplied(at, sku, quantity * ((target == MINE) - (origin == MINE))) for at, sku, quantity, origin, target in rows]


def free() -> dict[tuple[str, str], int]:
    """Free units by (SKU, place)."""
    rows = Level.objects.filter(location__owner=MINE).values_list("stock_unit__sku", "location__code", "on_hand", "allocated", "held")
    return {(sku, place): on_hand - allocated - held for sku, place, on_hand, allocated, held in rows}


def orders() -> list[Kept]:
    """All orders with their lines."""
    lines: dict[int, dict[str, tuple[int, int, int]]] = {}
    for order, line, *quantities in OrderLine.objects.values_list("order_id", "line_id", "ordered", "cancelled", "shipped"):
        lines.setdefault(order, {})[line] = (quantities[0], quantities[1], quantities[2])
    left = Counter(Shipment.objects.values_list("order_id", flat=True))
    rows = Order.objects.order_by("pk").values_list("pk", "connection__platform", "external_id", "state", "imported_at")
    return [Kept(stall, number, state, at, lines.get(pk, {}), left[pk]) for pk, stall, number, state, at in rows]


def short_now(recipes: Recipes) -> dict[str, int]:
    """Base units that open lines lack, by unit."""
    units: Counter[str] = Counter()
    rows = OrderLine.objects.filter(short__gt=0).values_list("order__connection__platform", "sku", "short")
    for stall, sku, short in rows:
        for unit, quantity in recipes[stall, sku].items():
            units[unit] += quantity * short
    return dict(units)


def ever_short(recipes: Recipes) -> set[str]:
    """Units of which a shortage was ever recorded."""
    rows = Shortage.objects.values_list("line__order__connection__platform", "line__sku")
    return {unit for stall, sku in rows for unit in recipes[stall, sku]}


def shortages() -> int:
    """How many shortages were ever recorded."""
    return Shortage.objects.count()


def beliefs() -> dict[tuple[str, str], int | None]:
    """What the hub believes of each offer: only to be compared with what the stall says."""
    rows = Offer.objects.values_list("channel__connection__platform", "sku", "believed_qty")
    return {(stall, sku): believed for stall, sku, believed in rows}


def glance() -> dict[str, int]:
    """Figures for the live table."""
    reserved = Level.objects.filter(allocated__gt=0).values_list("allocated", flat=True)
    return {
        "imported": Order.objects.count(),
        "acknowledged": Order.objects.filter(acknowledged_at__isnull=False).count(),
        "shipped": Order.objects.filter(state=Order.State.SHIPPED).count(),
        "cancelled": Order.objects.filter(state=Order.State.CANCELLED).count(),
        "reserved": sum(reserved),
        "short": OrderLine.objects.filter(short__gt=0).count(),
        "to_push": OfferTodo.objects.count(),
    }


def nothing_waits() -> bool:
    """Whether no offer is to be sent and no command is under way."""
    return not OfferTodo.objects.exists() and not Command.objects.filter(state__in=[CommandState.QUEUED, CommandState.SENT]).exists()
