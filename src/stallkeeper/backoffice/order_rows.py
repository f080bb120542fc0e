"""Orders as rows for the list, and the filters of the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from stallkeeper.catalog.models import StockUnit
from stallkeeper.orders.models import Order, OrderLine

TONES = {
    Order.State.PENDING: "",
    Order.State.NEW: "info",
    Order.State.ACKNOWLEDGED: "info",
    Order.State.PART_SHIPPED: "warn",
    Order.State.SHIPPED: "ok",
    Order.State.CANCELLED: "",
}
LEAVING = (Order.State.NEW, Order.State.ACKNOWLEDGED, Order.State.PART_SHIPPED)
"""States in which somebody still has to do something."""


@dataclass(frozen=True)
class OrderRow:
    """An order with sums over its lines, in sold units."""

    order: Order
    lines: tuple[OrderLine, ...]
    now: datetime

    @property
    def tone(self) -> str:
        return TONES.get(Order.State(self.order.state), "")

    @property
    def units(self) -> int:
        return sum(line.ordered - line.cancelled for line in self.lines)

    @property
    def short(self) -> int:
        return sum(line.short for line in self.lines)

    @property
    def unmapped(self) -> int:
        return sum(1 for line in self.lines if line.stock_unit_id is None and line.open > 0)

    @property
    def cancel_requested(self) -> int:
        return sum(line.cancel_requested for line in self.lines)

    @property
    def skus(self) -> str:
        return ", ".join(line.sku for line in self.lines)

    @property
    def late(self) -> bool:
        """It should have left by now."""
        return bool(self.order.state in LEAVING and self.order.dispatch_by and self.order.dispatch_by < self.now)

    @property
    def to_acknowledge(self) -> bool:
        """The channel waits for our acknowledgement."""
        return self.order.state == Order.State.NEW and self.order.acknowledge_by is not None and self.order.acknowledged_at is None

    @property
    def open(self) -> bool:
        """Something of it still has to leave."""
        return self.order.state in LEAVING


def order_row(order: Order, now: datetime) -> OrderRow:
    """The row of an order whose lines have been fetched along."""
    return OrderRow(order, tuple(sorted(order.lines.all(), key=lambda line: line.pk)), now)


def orders_with(filters: Mapping[str, str]) -> QuerySet[Order]:
    """The orders in scope that fit ``channel``, ``state``, ``short``, ``unmapped`` and ``q``, ready for the list."""
    orders = Order.objects.select_related("channel").prefetch_related("lines")
    if (channel := filters.get("channel", "")).isdecimal():
        orders = orders.filter(channel_id=int(channel))
    if (state := filters.get("state", "")) in Order.State.values:
        orders = orders.filter(state=state)
    elif state == "leaving":
        orders = orders.filter(state__in=LEAVING)
    if filters.get("short"):
        orders = orders.filter(pk__in=OrderLine.objects.order_by().filter(short__gt=0).values("order_id"))
    if filters.get("unmapped"):
        orders = orders.filter(pk__in=OrderLine.objects.order_by().filter(stock_unit=None).values("order_id"))
    if text := filters.get("q", "").strip():
        orders = orders.filter(_matches(text))
    return orders


def _matches(text: str) -> Q:
    """Number (from its beginning), the channel's own number, or the SKU of a line."""
    units = list(StockUnit.objects.filter(sku__iexact=text).values_list("id", flat=True)[:10])
    with_unit = OrderLine.objects.order_by().filter(stock_unit__in=units).values("order_id")
    unmapped = OrderLine.objects.order_by().filter(stock_unit=None, sku=text).values("order_id")
    return Q(number__startswith=text) | Q(external_id=text) | Q(pk__in=with_unit) | Q(pk__in=unmapped)
