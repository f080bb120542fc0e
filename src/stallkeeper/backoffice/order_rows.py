"""Orders as rows for the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q, prefetch_related_objects

from stallkeeper.orders.models import LEAVING, Order, OrderEvent, OrderLine

TONES = {
    Order.State.PENDING: "",
    Order.State.NEW: "info",
    Order.State.ACKNOWLEDGED: "info",
    Order.State.PART_SHIPPED: "warn",
    Order.State.SHIPPED: "ok",
    Order.State.CANCELLED: "",
}


@dataclass(frozen=True)
class OrderRow:
    """An order with sums over its lines, in sold units."""

    order: Order
    lines: tuple[OrderLine, ...]
    now: datetime
    by_hand: bool = False
    """A person has done something to it: shipped, cancelled, linked, told again (S2.18)."""

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


PEOPLE = ("user:", "console:", "key:")
"""How actors begin that are no machinery of ours."""
BY_PEOPLE = reduce(or_, (Q(actor__startswith=start) for start in PEOPLE))


def rows_of(orders: Sequence[Order], now: datetime) -> list[OrderRow]:
    """The rows of a page, in its order. Three statements, whatever their number."""
    prefetch_related_objects(orders, "channel", "lines")
    touched = set(OrderEvent.objects.filter(BY_PEOPLE, order__in=[order.pk for order in orders]).values_list("order_id", flat=True))
    return [order_row(order, now, by_hand=order.pk in touched) for order in orders]


def order_row(order: Order, now: datetime, *, by_hand: bool = False) -> OrderRow:
    """The row of an order whose lines have been fetched along."""
    return OrderRow(order, tuple(sorted(order.lines.all(), key=lambda line: line.pk)), now, by_hand)
