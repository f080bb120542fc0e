"""An eMAG account in memory, speaking the wire of the vendor's document 4.4.9.

Stock (2.8): ``general_stock`` is what the seller saved; a new order is only subtracted from ``estimated_stock``, which is what buyers can
buy; acknowledging takes it out of ``general_stock`` too; cancelling puts it back where it was taken from. A save overwrites
``general_stock`` and leaves the subtraction of waiting orders alone.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from stallkit.adapters.emag import emulated_offers, emulated_orders
from stallkit.adapters.emag.emulated import LIMITED, Refusal, as_list, envelope, plain
from stallkit.testing.emulator import Emulator as Base
from stallkit.testing.emulator import Fault, ShopLine, ShopOffer, ShopOrder, WireReply, WireRequest
from stallkit.types import OrderState

USER, PASSWORD = "seller@shop.example", "emag-toy-password"
CONFIG = {"site": "ro", "user": USER, "password": PASSWORD, "warehouse_id": "1", "callback_token": "emag-toy-callback"}
"""Settings that this emulator accepts."""
WINDOWS = {
    "order": ((12, timedelta(seconds=1)), (720, timedelta(minutes=1))),
    "other": ((3, timedelta(seconds=1)), (180, timedelta(minutes=1))),
}
HTML = b"<html><body><h1>Ne pare rau, lucram la platforma</h1></body></html>"


class Emulator(Base):
    platform = "emag"
    orders_per_page = 100
    offers_per_page = 100

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.ip_allowed = True
        """False: our address is not on the account's list."""
        self.general: dict[str, int] = {}
        self.waiting: dict[str, int] = {}
        """Units in orders that are not acknowledged, by SKU."""
        self.prices: dict[str, tuple[Decimal | None, Decimal | None]] = {}
        """Minimum and maximum price by SKU."""
        self._by_id: dict[int, str] = {}
        self.attachments: dict[str, list[dict[str, object]]] = {}
        self._spent: dict[str, tuple[deque[datetime], ...]] = {kind: (deque(), deque()) for kind in WINDOWS}

    # --- stock --------------------------------------------------------------------------------------------------------------------------

    def new_external_id(self, sku: str) -> str:  # noqa: ARG002 - eMAG's key says nothing about the SKU
        return str(243_409 + len(self.offers))

    def add_offer(
        self, sku: str, *, quantity: int = 0, price: str = "10.00", title: str = "", gtin: str = "", external_id: str = ""
    ) -> ShopOffer:
        with self.lock:
            offer = super().add_offer(sku, quantity=quantity, price=price, title=title, gtin=gtin, external_id=external_id)
            self.general[sku], self.waiting[sku] = quantity, 0
            self.prices.setdefault(sku, (None, None))
            self._by_id[int(offer.external_id)] = sku
            return offer

    def sku_of(self, number: int) -> str | None:
        """The offer with this key; None if there is none (any more)."""
        sku = self._by_id.get(number)
        return sku if sku in self.offers else None

    def change_quantity(self, sku: str, delta: int, cause: str, order_id: str = "") -> None:
        """Saves and edits set the general stock (they arrive as a difference to what is shown); the rest only shows the new estimate."""
        shown = self.offers[sku].quantity
        if cause in {"push", "edit"}:
            self.general[sku] = shown + delta
        estimate = max(self.general[sku] - self.waiting[sku], 0)
        super().change_quantity(sku, estimate - shown, cause, order_id)

    def order_placed(self, order: ShopOrder) -> None:
        for line in order.lines:
            self.waiting[line.sku] += line.ordered
            self.change_quantity(line.sku, 0, "sale", order.order_id)

    def cancel_units(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:
        if not quantity:
            return
        super().cancel_units(order, line, quantity)
        if order.acknowledged_at is None:
            self.waiting[line.sku] -= quantity
        else:
            self.general[line.sku] = max(self.general[line.sku] + quantity, 0)
        self.change_quantity(line.sku, 0, "cancel", order.order_id)
        if order.state is OrderState.CANCELLED:
            order.extra["cancelled_at"] = self.clock().isoformat()

    def accept(self, order: ShopOrder) -> None:
        """The order was acknowledged: its units leave the general stock instead of waiting."""
        order.acknowledged_at = self.clock()
        for line in order.lines:
            self.waiting[line.sku] -= line.open
            self.general[line.sku] = max(self.general[line.sku] - line.open, 0)

    def buyer_may_cancel(self, order: ShopOrder) -> bool:
        """Section 5.2: eMAG cancels for a client only while the order is not acknowledged."""
        return order.state in {OrderState.PENDING, OrderState.NEW}

    def issue_awb(self, order_id: str) -> None:
        """The seller issues an AWB through eMAG: the first one finalises the order (5.3)."""
        with self.lock:
            emulated_orders.finalize(self, self.orders[order_id])
        self.tell("awb", order_id)

    def take_back(self, order_id: str) -> None:
        """Somebody at the seller's puts a finalised order back to "in progress" in eMAG's own screen: nothing has left (5.3)."""
        with self.lock:
            order = self.orders[order_id]
            emulated_orders.reopen(self, order)
            order.taken_back += 1
            order.modified_at = self.clock()
        self.tell("order", order_id)

    def cancel_by_hand(self, order_id: str) -> None:
        """Somebody at the seller's cancels an order in eMAG's own screen, which allows it while it is in progress (5.3)."""
        with self.lock:
            order = self.orders[order_id]
            for line in order.lines:
                self.cancel_units(order, line, line.open)
            order.modified_at = self.clock()
        self.tell("cancel", order_id)

    def fulfil_by_emag(self, order_id: str) -> None:
        """The order is one of type 2: its goods come from eMAG's own stock, not from the offer's."""
        with self.lock:
            order = self.orders[order_id]
            order.extra["type"] = "2"
            for line in order.lines:
                self.waiting[line.sku] -= line.open
                self.change_quantity(line.sku, 0, "cancel", order_id)

    def state(self) -> object:
        return repr((super().state(), self.general, self.prices, self.attachments))

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def callback(self, topic: str, order_id: str) -> WireRequest | None:  # noqa: ARG002 - new and cancelled orders look the same
        """Section 5.2: an unsigned GET, to the address that the seller entered, with the order's number."""
        query = f"order_id={order_id}"
        return WireRequest("GET", f"/emag/{CONFIG['callback_token']}", (("order_id", order_id),), query, {}, b"")

    def respond(self, request: WireRequest) -> WireReply:
        path = request.path.removeprefix("/api-3")
        limited = self._limit("order" if path.startswith("/order/") else "other")
        if limited is not None:
            return limited
        if not self._known(request.headers.get("authorization", "")):
            return plain(401, "Unauthorized")
        if not self.ip_allowed:
            return envelope([], ["Invalid vendor ip 127.0.0.1"], error=True)
        try:
            return self._route(request, path)
        except Refusal as refusal:
            return envelope([], [str(refusal)], error=True)

    def _route(self, request: WireRequest, path: str) -> WireReply:
        if request.method == "PATCH" and path.startswith("/offer_stock/"):
            return emulated_offers.patch_stock(self, path.removeprefix("/offer_stock/"), request.body)
        if request.method != "POST":
            return plain(404, "Invalid URL")
        if path.startswith("/order/acknowledge/"):
            return emulated_orders.acknowledge(self, path.removeprefix("/order/acknowledge/"))
        if path in READS:
            return READS[path](self, _filters(request.body))
        if path in SAVES:
            return SAVES[path](self, as_list(request.body))
        return plain(404, "Invalid URL")

    def _known(self, header: str) -> bool:
        try:
            return base64.b64decode(header.removeprefix("Basic ")) == f"{USER}:{PASSWORD}".encode()
        except binascii.Error:
            return False

    def _limit(self, kind: str) -> WireReply | None:
        """Windows that slide: stricter than any that a gateway may use. Refused calls count no further, wrong calls do."""
        now = self.clock()
        for (allowed, window), spent in zip(WINDOWS[kind], self._spent[kind], strict=True):
            while spent and spent[0] <= now - window * max(self.limits_scale, 1.0):
                spent.popleft()
            if len(spent) >= allowed / min(self.limits_scale, 1.0):
                return _too_many(allowed, "3second" if window.total_seconds() == 1 else "minute")
        for spent in self._spent[kind]:
            spent.append(now)
        return None

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:  # noqa: ARG002 - a hook
        """eMAG has no token that could expire: a changed password is its 401."""
        replies = {
            Fault.RATE_LIMIT: _too_many(3, "3second"),
            Fault.RATE_LIMIT_SILENT: WireReply(429, LIMITED),
            Fault.SERVER_ERROR: WireReply(502, HTML, (("Content-Type", "text/html"),)),
            Fault.HTML: WireReply(200, HTML, (("Content-Type", "text/html; charset=utf-8"),)),
            Fault.TOKEN_EXPIRED: plain(401, "Unauthorized"),
            Fault.REVOKED: envelope([], ["You are not allowed to use this API."], error=True, status=403),
            Fault.IP_BLOCKED: envelope([], ["Invalid vendor ip 127.0.0.1"], error=True),
        }
        return replies.get(fault)


def _too_many(allowed: int, unit: str) -> WireReply:
    headers = (
        ("Content-Type", "application/json; charset=utf-8"),
        (f"X-RateLimit-Limit-{unit}", str(allowed)),
        (f"X-RateLimit-Remaining-{unit}", "0"),
    )
    return WireReply(429, LIMITED, headers)


def _filters(body: bytes) -> Mapping[str, object]:
    """Filters count at top level only; what stands inside ``data`` is ignored."""
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, object])
    except msgspec.DecodeError as error:
        raise Refusal("Invalid content") from error


def read_vat(shop: Emulator, filters: Mapping[str, object]) -> WireReply:  # noqa: ARG001 - one shape for all reads
    return envelope([{"vat_id": 1, "vat_rate": 0.19, "is_default": 1}, {"vat_id": 2, "vat_rate": 0.09, "is_default": 0}])


READS: dict[str, Callable[[Emulator, Mapping[str, object]], WireReply]] = {
    "/vat/read": read_vat,
    "/product_offer/read": emulated_offers.read,
    "/product_offer/count": emulated_offers.count,
    "/order/read": emulated_orders.read,
    "/order/count": emulated_orders.count,
}
SAVES: dict[str, Callable[[Emulator, list[dict[str, object]]], WireReply]] = {
    "/offer/save": emulated_offers.save,
    "/order/save": emulated_orders.save,
    "/order/attachments/save": emulated_orders.attach,
}
