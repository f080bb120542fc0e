"""What buyers, carriers and fate do with the emulated Market's orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from stallkit.adapters.yandex_market.emulated_stock import Stocks
from stallkit.testing.emulator import ShopLine, ShopOrder
from stallkit.types import OrderState

UNPAID_FOR = timedelta(minutes=30)
DECIDE_WITHIN = timedelta(hours=48)


class Fate(Stocks):
    """Controls and hooks of the Market's emulator. ``model`` is that of orders to come: FBS, EXPRESS or DBS."""

    model = "FBS"

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self._undecided: set[str] = set()

    def order_placed(self, order: ShopOrder) -> None:
        order.extra.setdefault("model", self.model)
        order.extra["warehouse"] = str(self.home.id)
        if order.pending:
            self._undecided.add(order.order_id)
        super().order_placed(order)

    def cancel_units(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:
        """Units leave the reserve. They are for sale again by themselves, unless the order was packed: then the seller must push."""
        if not quantity:
            return
        super().cancel_units(order, line, quantity)
        self.move_reserve(line.sku, -quantity)
        if "ready" not in order.extra:
            self.put_back(line.sku, quantity, order.order_id)

    def request_cancel(self, order_id: str) -> None:
        """While an order is processed the buyer's wish takes effect by itself; for a DBS order on its way the seller decides."""
        order = self.orders[order_id]
        if order.extra.get("model") != "DBS" or order.extra.get("stage", "") not in {"DELIVERY", "PICKUP"}:
            self.buyer_cancels(order_id)
            return
        with self.lock:
            order.extra["cancel_asked"] = self.clock().isoformat()
            self._undecided.add(order_id)
            order.modified_at = self.clock()
        self.tell("cancel_request", order_id)

    def scan(self, order_id: str) -> None:
        """The Market's own people take the goods over; for DBS nobody scans."""
        with self.lock:
            order = self.orders[order_id]
            if order.extra.get("model") == "DBS" or order.state in {OrderState.PENDING, OrderState.CANCELLED, OrderState.SHIPPED}:
                return
            self.leave(order, "DELIVERY")
        self.tell("order", order_id)

    def send_by_hand(self, order_id: str) -> None:
        """Somebody at the seller's says in the cabinet that the goods have been handed over."""
        with self.lock:
            order = self.orders[order_id]
            order.acknowledged_at = order.acknowledged_at or self.clock()
            self.leave(order, "DELIVERY")
            order.sent_by_hand += 1
        self.tell("order", order_id)

    def leave(self, order: ShopOrder, stage: str) -> None:
        """The goods are gone, and so is their reserve."""
        for line in order.lines:
            self.move_reserve(line.sku, -line.open)
            line.shipped += line.open
        order.extra["stage"] = stage
        order.modified_at = self.clock()

    def not_fetched(self, order_id: str, why: str = "PICKUP_EXPIRED") -> None:
        """Nobody came for the parcel: the order is cancelled after its goods had left."""
        with self.lock:
            order = self.orders[order_id]
            order.extra["stage"], order.extra["why"] = "CANCELLED", why
            order.modified_at = self.clock()
        self.tell("cancel", order_id)

    def insist(self, order_id: str) -> None:
        """The Market does not let the seller cancel this order any more."""
        with self.lock:
            self.orders[order_id].extra["promised"] = "yes"

    def give_away(self, order_id: str, line_id: str) -> None:
        """A line is a gift of a promotion: it cannot be taken out."""
        with self.lock:
            self.orders[order_id].extra[f"gift {line_id}"] = "yes"

    def placed_elsewhere(self, order_id: str, platform: str) -> None:
        """The order was placed on another platform and is only carried by the Market (OTHER, OZON, WILDBERRIES)."""
        with self.lock:
            self.orders[order_id].extra["source"] = platform

    def make_test(self, order_id: str) -> None:
        """The order is one that the cabinet's tool for tests made."""
        with self.lock:
            self.orders[order_id].extra["fake"] = "yes"

    def settle(self) -> None:
        """Prepaid orders that nobody pays die after half an hour, wishes to cancel that nobody answers come true after two days."""
        super().settle()
        with self.lock:
            for order_id in sorted(self._undecided & self.orders.keys()):
                if self._time_decides(self.orders[order_id]):
                    self._undecided.discard(order_id)

    def _time_decides(self, order: ShopOrder) -> bool:
        """Whether there is nothing left to wait for."""
        asked = order.extra.get("cancel_asked")
        if asked and self.clock() - datetime.fromisoformat(asked) >= DECIDE_WITHIN:
            self.grant(order)
        elif order.pending and self.clock() - order.placed_at >= UNPAID_FOR:
            order.pending = False
            self.cancel_order(order, "USER_NOT_PAID")
        return not order.pending and "cancel_asked" not in order.extra

    def cancel_order(self, order: ShopOrder, why: str) -> None:
        for line in order.lines:
            self.cancel_units(order, line, line.open)
        order.extra["why"] = why
        order.modified_at = self.clock()

    def grant(self, order: ShopOrder) -> None:
        """An order on its way is cancelled: what has left comes back some day."""
        order.extra.pop("cancel_asked", None)
        order.extra["stage"], order.extra["why"] = "CANCELLED", "USER_CHANGED_MIND"
        order.modified_at = self.clock()
