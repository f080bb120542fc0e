"""The emulated Market: the wire of its Partner API over an in-memory shop, from its documents (see README.md)."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from stallkit.adapters.yandex_market.emulated_orders import Orders, moscow
from stallkit.adapters.yandex_market.emulated_stock import BUSINESS, DBS, FBS
from stallkit.adapters.yandex_market.replies import Json, SaidNo, answer, cut_page, failure, ok
from stallkit.testing.emulator import Fault, ShopReturn, WireReply, WireRequest
from stallkit.types import ReturnState

API_KEY = "ACMA:emulated-market-key:0001"
CONFIG = {"api_key": API_KEY, "business_id": str(BUSINESS)}
"""Settings that this emulator accepts."""
WAREHOUSE = "30001"
"""The warehouse whose figures buyers see."""

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AT_ONCE = 2
LARGEST = 512 * 1024
HTML = b"<!doctype html><title>Technical works</title>"
RETURN_STATUS = {
    ReturnState.ASKED: "CREATED",
    ReturnState.COMING: "IN_TRANSIT",
    ReturnState.ARRIVED: "READY_FOR_PICKUP",
    ReturnState.CLOSED: "PICKED",
}
TOPICS = {
    "order": "ORDER_CREATED",
    "cancel": "ORDER_CANCELLED",
    "cancel_request": "ORDER_CANCELLATION_REQUEST",
    "return": "ORDER_RETURN_CREATED",
}
Handler = Callable[..., WireReply]


class Emulator(Orders):
    """``scopes`` are the rights of the key; ``warehouses`` may be ``GROUPED``."""

    platform = "yandex_market"
    returns_per_page = 4

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.scopes = ["ALL_METHODS"]
        self.shops = {FBS: "FBS", DBS: "DBS"}
        self._spent: dict[str, deque[datetime]] = {}
        self._gate, self._inside = threading.Lock(), 0
        business, order = rf"/businesses/{BUSINESS}", r"/v2/campaigns/(\d+)/orders/(\d+)"
        self._routes: list[tuple[str, re.Pattern[str], int, timedelta, Handler]] = [
            ("POST", re.compile(r"/v2/auth/(token)"), 1_000, HOUR, self._token),
            ("GET", re.compile(r"/v2/(campaigns)"), 1_000, HOUR, self._campaigns),
            ("POST", re.compile(rf"/v3{business}/(warehouses)"), 1_000, HOUR, self.show_warehouses),
            ("POST", re.compile(rf"/v2{business}/(warehouses)"), 1_000, HOUR, self.show_shop_warehouses),
            ("POST", re.compile(rf"/v2{business}/(offer-mappings)"), 600, MINUTE, self.show_offers),
            ("POST", re.compile(rf"/v3{business}/offers/(stocks)"), 500, MINUTE, self.show_stock),
            ("POST", re.compile(rf"/v3{business}/offers/stocks/(update)"), 50, MINUTE, self.take_stock),
            ("POST", re.compile(r"/v2/campaigns/(\d+)/offers/stocks"), 200, MINUTE, self.show_shop_stock),
            ("PUT", re.compile(r"/v2/campaigns/(\d+)/offers/stocks"), 200, MINUTE, self.take_shop_stock),
            ("POST", re.compile(rf"/v2{business}/offer-prices/(updates)"), 20, MINUTE, self.take_prices),
            ("POST", re.compile(r"/v2/campaigns/(\d+)/offer-prices/updates"), 20, MINUTE, self.take_shop_prices),
            ("POST", re.compile(rf"/v1{business}/(orders)"), 100_000, HOUR, self.list_orders),
            ("PUT", re.compile(rf"{order}/boxes"), 100_000, HOUR, self.set_boxes),
            ("PUT", re.compile(rf"{order}/status"), 100_000, HOUR, self.set_status),
            ("POST", re.compile(rf"{order}/delivery/track"), 100_000, HOUR, self.set_track),
            ("PUT", re.compile(rf"{order}/cancellation/accept"), 500, HOUR, self.decide_cancellation),
            ("GET", re.compile(rf"{order}/delivery/labels"), 100_000, HOUR, self.show_labels),
            ("GET", re.compile(r"/v2/delivery/(services)"), 1_000, HOUR, self.show_services),
            ("GET", re.compile(r"/v2/campaigns/(\d+)/returns"), 10_000, HOUR, self._returns),
        ]

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def handle(self, request: WireRequest) -> WireReply:
        """At most two calls of one login at a time: a third is refused at the door."""
        with self._gate:
            self._inside += 1
            crowded = self._inside > AT_ONCE
        try:
            return self._too_many("parallel requests", timedelta(seconds=1)) if crowded else super().handle(request)
        finally:
            with self._gate:
                self._inside -= 1

    def respond(self, request: WireRequest) -> WireReply:
        self.settle()
        for method, pattern, allowed, window, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                try:
                    self._check(request, pattern.pattern, allowed, window)
                    return handler(request, *match.groups())
                except SaidNo as no:
                    return no.reply
        return failure(404, "NOT_FOUND", f"{request.method} {request.path} is not found")

    def _check(self, request: WireRequest, resource: str, allowed: int, window: timedelta) -> None:
        if request.headers.get("api-key") != API_KEY:
            raise SaidNo(401, "UNAUTHORIZED", "Api-Key token is invalid")
        if len(request.body) > LARGEST:
            raise SaidNo(413, "BAD_REQUEST", "The body is larger than 512 KB")
        window, most = window * max(self.limits_scale, 1.0), round(allowed / min(self.limits_scale, 1.0))
        spent, now = self._spent.setdefault(f"{request.method} {resource}", deque()), self.clock()
        while spent and spent[0] <= now - window:
            spent.popleft()
        if len(spent) >= most:
            raise SaidNo(420, "LIMIT_EXCEEDED", f"Hit rate limit of {most} per {window}", *limit_headers(most, spent[0] + window))
        spent.append(now)

    def _too_many(self, what: str, pause: timedelta) -> WireReply:
        return failure(420, "LIMIT_EXCEEDED", f"Hit rate limit: {what}", *limit_headers(AT_ONCE, self.clock() + pause))

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:
        return {
            Fault.RATE_LIMIT: self._too_many("resource", timedelta(seconds=7)),
            Fault.RATE_LIMIT_SILENT: failure(420, "LIMIT_EXCEEDED", "Hit rate limit"),
            Fault.SERVER_ERROR: failure(500, "INTERNAL_ERROR", "Internal server error"),
            Fault.HTML: WireReply(200, HTML, (("Content-Type", "text/html"),)),
            Fault.TOKEN_EXPIRED: failure(401, "UNAUTHORIZED", "Api-Key token is invalid"),
            Fault.REVOKED: failure(401, "UNAUTHORIZED", f"Api-Key {request.headers.get('api-key', '')} was revoked"),
            Fault.IP_BLOCKED: failure(403, "FORBIDDEN", "Access denied"),
        }.get(fault)

    def seconds_away(self, reply: WireReply) -> float:
        """Until the moment in a header of its own."""
        until = next((parsedate_to_datetime(value) for name, value in reply.headers if name == "X-RateLimit-Resource-Until"), self.clock())
        return max((until - self.clock()).total_seconds(), 0.0)

    def callback(self, topic: str, order_id: str) -> WireRequest | None:
        """An API notification, as far as the topic is one that the Market tells about."""
        kind = TOPICS.get(topic, "ORDER_STATUS_UPDATED")
        told: dict[str, object] = {"notificationType": kind, "updatedAt": moscow(self.clock())}
        if order_id in self.orders:
            told |= {"campaignId": self.campaign_of(self.orders[order_id]), "orderId": int(order_id)}
        return WireRequest("POST", "/notification", (), "", {"content-type": "application/json"}, answer(told).body)

    # --- account ------------------------------------------------------------------------------------------------------------------------

    def _token(self, _request: WireRequest, _: str) -> WireReply:
        return ok({"apiKey": {"name": "Stallkeeper", "authScopes": self.scopes}})

    def _campaigns(self, request: WireRequest, _: str) -> WireReply:
        business = {"id": BUSINESS, "name": "Ada's cabinet"}
        rows: list[tuple[int, Json]] = [
            (number, {"id": number, "domain": f"Ada {model}", "business": business, "placementType": model, "apiAvailability": "AVAILABLE"})
            for number, model in self.shops.items()
        ]
        page, paging = cut_page(rows, request, 100)
        return answer({"campaigns": page, "paging": paging})

    # --- returns ------------------------------------------------------------------------------------------------------------------------

    def _returns(self, request: WireRequest, campaign: str) -> WireReply:
        if int(campaign) not in self.shops:
            raise SaidNo(404, "NOT_FOUND", f"Shop {campaign} not found")
        since = request.param("fromDate")
        rows = [
            (int(told.return_id.removeprefix("R")), told)
            for told in self.returns.values()
            if str(self.campaign_of(self.orders[told.order_id])) == campaign and moscow(told.modified_at)[:10] >= since
        ]
        page, paging = cut_page(rows, request, self.returns_per_page)
        return ok({"returns": [self._show_return(told) for told in page], "paging": paging})

    def _show_return(self, told: ShopReturn) -> Json:
        lines = {line.line_id: line for line in self.orders[told.order_id].lines}
        items = [
            {
                "shopSku": lines[line_id].sku,
                "count": units,
                "decisions": [{"returnItemId": 1, "reasonType": "DOES_NOT_FIT", "comment": told.reason}],
            }
            for line_id, units in told.units.items()
        ]
        return {
            "id": int(told.return_id.removeprefix("R")),
            "orderId": int(told.order_id),
            "creationDate": moscow(told.opened_at),
            "updateDate": moscow(told.modified_at),
            "returnType": "RETURN",
            "refundStatus": "WAITING_FOR_DECISION",
            "shipmentStatus": RETURN_STATUS[told.state],
            "items": items,
        }

    def open_return(self, order_id: str, lines: list[tuple[str, int]], reason: str = "does not fit") -> str:  # type: ignore[override]
        """The Market numbers returns."""
        made = super().open_return(order_id, lines, reason)
        with self.lock:
            told = self.returns.pop(made)
            told.return_id = str(len(self.returns) + 1)
            self.returns[told.return_id] = told
        return told.return_id


def limit_headers(allowed: int, until: datetime) -> tuple[tuple[str, str], ...]:
    """The Market's own headers; the moment is an RFC 822 date, rounded up to a second."""
    rounded = until.replace(microsecond=0) + timedelta(seconds=1 if until.microsecond else 0)
    return (
        ("X-RateLimit-Resource-Limit", str(allowed)),
        ("X-RateLimit-Resource-Remaining", "0"),
        ("X-RateLimit-Resource-Until", format_datetime(rounded)),
    )
