"""The shop of the emulated Walmart: two stock figures per offer, a reserve, and things that happen when their time has come.

``inputQty`` is what the seller last said he holds; ``reserved`` is what open orders here have taken. Buyers see the difference. An order
raises the reserve, a cancellation lowers it, a shipment lowers both.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from stallkit.adapters.walmart.emulator_feeds import Feed, FeedItem, Feeds
from stallkit.adapters.walmart.emulator_orders import LEAVE_WITHIN, Look, Parcel
from stallkit.testing.emulator import Emulator as Base
from stallkit.testing.emulator import QuantityChange, ShopLine, ShopOffer, ShopOrder

NODE = "1001"
"""The account's only ship node."""
SECOND_NODE = "1002"
"""With this one beside it nobody can say which figure our writes set."""


class Shop(Base):
    """Everything but the wire. Dials of its own are listed in README.md."""

    platform = "walmart"

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.look = Look()
        self.split_lines = False
        """Three of an item become three lines of one."""
        self.ship_lowers_input = True
        """False: a shipment frees the reserve and leaves inputQty, as Walmart's Canadian guide describes it."""
        self.stockout_cancel_empties = True
        """Cancelling as out of stock sets the item's stock to nothing (page "Cancel one or more order lines")."""
        self.system_errors = 0.0
        """Part of the items of a feed on which Walmart itself fails."""
        self.auto_cancel_after = timedelta(days=4)
        """After the estimated ship date (page "PO line auto-canceled event"; an older page says eight days)."""
        self.feeds = Feeds(self.random, limits_scale, self._apply)
        self.input: dict[str, int] = {}
        self.held: dict[str, int] = {}
        self.parcels: dict[str, list[Parcel]] = {}
        self.priced_at: dict[str, datetime] = {}
        self._abandoned: list[tuple[datetime, str]] = []
        self._moment: datetime | None = None

    # --- control ------------------------------------------------------------------------------------------------------------------------

    def add_offer(
        self, sku: str, *, quantity: int = 0, price: str = "10.00", title: str = "", gtin: str = "", external_id: str = ""
    ) -> ShopOffer:
        with self.lock:
            offer = super().add_offer(sku, quantity=quantity, price=price, title=title, gtin=gtin, external_id=external_id)
            self.input[sku], self.held[sku] = quantity, 0
            return offer

    def new_order_id(self) -> str:
        return str(1_796_277_000_001 + len(self.orders))

    def quantity_of(self, sku: str) -> int:
        with self.lock:
            self.settle()
            return super().quantity_of(sku)

    def price_of(self, sku: str) -> Decimal:
        with self.lock:
            self.settle()
            return super().price_of(sku)

    def edit_quantity(self, sku: str, quantity: int) -> None:
        with self.lock:
            self.settle()
            super().edit_quantity(sku, quantity)

    def place_order(
        self, lines: Sequence[tuple[str, int]], *, pending: bool = False, buyer_name: str = "Ada Example", force: bool = False
    ) -> str:
        self.settle()
        return super().place_order(lines, pending=pending, buyer_name=buyer_name, force=force)

    def buyer_cancels(self, order_id: str, lines: Sequence[tuple[str, int]] | None = None) -> bool:
        self.settle()
        return super().buyer_cancels(order_id, lines)

    def request_cancel(self, order_id: str) -> None:
        self.settle()
        super().request_cancel(order_id)

    def state(self) -> object:
        with self.lock:
            return (super().state(), repr((self.input, self.held, self.feeds.known)))

    def settle(self) -> None:
        """Finish feeds and give up abandoned orders, each at its own moment, up to now."""
        with self.lock:
            now = self.clock()
            while True:
                feed = self.feeds.next_due(now)
                order_due = self._abandoned[0][0] if self._abandoned else None
                if feed is not None and (order_due is None or feed.due_at <= order_due):
                    with self._at(feed.due_at):
                        self.feeds.finish(feed)
                elif order_due is not None and order_due <= now:
                    with self._at(order_due):
                        self._give_up(heapq.heappop(self._abandoned)[1])
                else:
                    return

    @contextmanager
    def _at(self, moment: datetime) -> Iterator[None]:
        """What happens inside happened at ``moment``: the diary says so."""
        self._moment = moment
        try:
            yield
        finally:
            self._moment = None

    def _now(self) -> datetime:
        return self._moment or self.clock()

    # --- stock --------------------------------------------------------------------------------------------------------------------------

    def _show(self, sku: str, cause: str, order_id: str = "") -> None:
        """Work out what buyers see and write it into the diary."""
        offer = self.offers[sku]
        before, offer.quantity = offer.quantity, max(self.input[sku] - self.held[sku], 0)
        self.diary.append(QuantityChange(self._now(), sku, before, offer.quantity, cause, order_id))

    def change_quantity(self, sku: str, delta: int, cause: str, order_id: str = "") -> None:
        """By so many more or fewer than buyers see now."""
        self.input[sku] = max(self.offers[sku].quantity + delta, 0) + self.held[sku]
        self._show(sku, cause, order_id)

    def _set_input(self, sku: str, quantity: int) -> None:
        self.input[sku] = quantity
        self._show(sku, "push")

    def push_quantity(self, sku: str, quantity: int) -> None:
        """The seller says what he holds."""
        if not self.mislays(sku, quantity):
            self._set_input(sku, quantity)

    def land(self, sku: str, quantity: int) -> None:
        self._set_input(sku, quantity)

    def order_placed(self, order: ShopOrder) -> None:
        """Units are reserved at once; the order is given up when it is not shipped in time."""
        if self.split_lines:
            singles = [line for line in order.lines for _ in range(line.ordered)]
            order.lines = [ShopLine(str(number), line.sku, line.title, 1, line.unit_price) for number, line in enumerate(singles, start=1)]
        for line in order.lines:
            self.held[line.sku] += line.ordered
            self._show(line.sku, "sale", order.order_id)
        heapq.heappush(self._abandoned, (order.placed_at + LEAVE_WITHIN + self.auto_cancel_after, order.order_id))

    def cancel_units(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:
        line.cancelled += quantity
        line.cancel_requested = min(line.cancel_requested, line.open)
        self.held[line.sku] -= quantity
        self._show(line.sku, "cancel", order.order_id)

    def _give_up(self, order_id: str) -> None:
        order = self.orders[order_id]
        for line in order.lines:
            if line.open:
                order.modified_at = self._now()
                self.cancel_units(order, line, line.open)

    def leave(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:
        """Shipped units are no longer reserved, and no longer held."""
        self.held[line.sku] -= quantity
        if self.ship_lowers_input:
            self.input[line.sku] = max(self.input[line.sku] - quantity, 0)
        if self.offers[line.sku].quantity != max(self.input[line.sku] - self.held[line.sku], 0):
            self._show(line.sku, "ship", order.order_id)

    # --- feeds ----------------------------------------------------------------------------------------------------------------------------

    def _apply(self, feed: Feed, item: FeedItem) -> tuple[str, str]:
        """Set one item of a feed that is due: over whatever came meanwhile, except for prices, where the later instruction stays."""
        offer = self.offers.get(item.sku)
        if offer is None:
            return "DATA_ERROR", f"there is no item {item.sku}"
        if self.chance(self.system_errors):
            return "SYSTEM_ERROR", "please submit this item again"
        if item.quantity is not None:
            refused = self.refusal(item.sku) or ("" if feed.node in {"", NODE} else "unknown ship node")
            if not refused:
                self.push_quantity(item.sku, item.quantity)
            return ("DATA_ERROR", refused) if refused else ("SUCCESS", "")
        return self._apply_price(feed, offer, item.price or Decimal(0))

    def _apply_price(self, feed: Feed, offer: ShopOffer, price: Decimal) -> tuple[str, str]:
        problem = offer.refuse_price or price_problem(price, "USD")
        if problem:
            return "DATA_ERROR", problem
        if self.priced_at.get(offer.sku, feed.submitted_at) <= feed.submitted_at:
            offer.price, self.priced_at[offer.sku] = price, feed.submitted_at
        return "SUCCESS", ""


def price_problem(amount: Decimal, currency: str) -> str:
    if currency != "USD":
        return "the currency must be USD"
    return "" if amount > 0 and amount == round(amount, 2) else "a price has at most two decimals and is above zero"
