"""An Ozon account in memory, speaking the Seller API (README, Sources).

Stock: a write sets what is free for sale in a warehouse; an order moves units from there into Ozon's own reserve, whatever is written
afterwards; a cancellation moves them back, the hand-over takes them out. Orders are served from one warehouse, that of ``scheme``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from stallkit.adapters.ozon.emulated_papers import Papers
from stallkit.adapters.ozon.emulated_postings import SUBSTATUS
from stallkit.adapters.ozon.emulated_wire import CIRCLE, RATE_LIMIT, SaidNo, failure, moment
from stallkit.testing.emulator import Fault, WireReply, WireRequest
from stallkit.types import OrderState

CLIENT_ID, API_KEY = "1234567", "ozon-toy-api-key"
CONFIG = {"client_id": CLIENT_ID, "api_key": API_KEY}
"""Settings that this emulator accepts."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
PER_SECOND, STOCK_PER_MINUTE = 50, 80
Handler = Callable[[WireRequest], WireReply]


class Emulator(Papers):
    """See README.md. ``scheme`` says how its orders are served: "fbs" (Ozon scans what leaves) or "rfbs" (the seller tells)."""

    platform = "ozon"

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0, scheme: str = "fbs") -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.scheme = scheme
        self.key_ends = clock() + timedelta(days=180)
        self.methods = ["/v1", "/v2", "/v3", "/v4"]
        """What the key may do: beginnings of paths."""
        self._spent: dict[str, deque[datetime]] = {"all": deque(), "stock": deque()}
        self.routes: dict[str, Handler] = {
            "/v1/roles": self.show_roles,
            "/v1/seller/info": self.show_seller,
            **self.goods_routes(),
            **self.posting_routes(),
            **self.paper_routes(),
        }

    def state(self) -> object:
        return repr((super().state(), self.reserved, self.elsewhere, self.requests, self.packing))

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def respond(self, request: WireRequest) -> WireReply:
        self.settle()
        try:
            self._spend("all", PER_SECOND, SECOND)
            if request.path == "/v2/products/stocks":
                self._spend("stock", STOCK_PER_MINUTE, MINUTE)
            self._check_key(request)
            handler = self.routes.get(request.path)
            if handler is None or request.method != "POST":
                return WireReply(404, b"404 page not found", (("Content-Type", "text/plain"),))
            return handler(request)
        except SaidNo as no:
            return no.reply

    def _spend(self, kind: str, allowed: int, window: timedelta) -> None:
        """A window that slides: stricter than any that a gateway may use."""
        now, spent = self.clock(), self._spent[kind]
        while spent and spent[0] <= now - window * max(self.limits_scale, 1.0):
            spent.popleft()
        if len(spent) >= allowed / min(self.limits_scale, 1.0):
            raise SaidNo(429, RATE_LIMIT)
        spent.append(now)

    def _check_key(self, request: WireRequest) -> None:
        if not request.headers.get("client-id") or not request.headers.get("api-key"):
            raise SaidNo(401, "Client-Id and Api-Key headers are required")
        if request.headers["client-id"] != CLIENT_ID or request.headers["api-key"] != API_KEY or self.clock() >= self.key_ends:
            raise SaidNo(403, "Invalid Api-Key, please check the key and try again")
        if not any(request.path == one or request.path.startswith(f"{one}/") for one in ("/v1/roles", *self.methods)):
            raise SaidNo(403, "Api-Key is missing a required role for a method")

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:  # noqa: ARG002 - a hook
        """No document says how long to stay away, nor with which status a circle is open."""
        return {
            Fault.RATE_LIMIT: failure(429, RATE_LIMIT),
            Fault.RATE_LIMIT_SILENT: failure(429, CIRCLE),
            Fault.SERVER_ERROR: failure(500, "Internal error"),
            Fault.HTML: WireReply(200, b"<!doctype html><title>Ozon</title>", (("Content-Type", "text/html"),)),
            Fault.TOKEN_EXPIRED: failure(403, "Api-key is deactivated, use another one or generate a new one"),
            Fault.REVOKED: failure(403, "Api-key is deactivated, use another one or generate a new one"),
            Fault.IP_BLOCKED: failure(403, "Api-Key is restricted to specific IP addresses"),
        }.get(fault)

    def show_roles(self, _request: WireRequest) -> WireReply:
        roles = [{"name": "Admin", "methods": list(self.methods)}]
        return WireReply(200, msgspec.json.encode({"expires_at": moment(self.key_ends), "roles": roles}))

    def show_seller(self, _request: WireRequest) -> WireReply:
        company = {"name": "Ada's stall", "legal_name": "Ada LLC", "currency": "RUB", "country": "Russia", "inn": "7700000000"}
        return WireReply(200, msgspec.json.encode({"company": company, "ratings": []}))

    # --- notifications ------------------------------------------------------------------------------------------------------------------

    def callback(self, topic: str, order_id: str) -> WireRequest | None:  # noqa: ARG002 - the posting itself tells what has become of it
        """The notification about a posting. Nobody signs it."""
        order = self.orders.get(order_id)
        if order is None:
            return None
        cancelled = order.state is OrderState.CANCELLED
        changed = "TYPE_POSTING_CANCELLED" if cancelled else "TYPE_STATE_CHANGED"
        body = {
            "message_type": "TYPE_NEW_POSTING" if order.modified_at == order.placed_at else changed,
            "posting_number": order_id,
            "new_state": SUBSTATUS[self.status_of(order)],
            "changed_state_date": moment(order.modified_at),
            "warehouse_id": int(self.warehouse),
            "seller_id": int(CLIENT_ID),
        }
        return self.notification(body)

    def stocks_changed(self, sku: str) -> WireRequest:
        """The notification about a product's figures."""
        figures = {"warehouse_id": int(self.warehouse), "present": self.present(sku), "reserved": self.reserved.get(sku, 0)}
        item = {"product_id": self.product_ids[sku], "sku": self.numbers[sku], "updated_at": moment(self.clock()), "stocks": [figures]}
        return self.notification({"message_type": "TYPE_STOCKS_CHANGED", "seller_id": int(CLIENT_ID), "items": [item]})

    def notification(self, body: Mapping[str, object]) -> WireRequest:
        return WireRequest("POST", "/", (), "", {"content-type": "application/json"}, msgspec.json.encode(body))
