"""An emulated Walmart: one seller's shop with Walmart's wire format, its delays, its limits and its traps. See README.md, "Emulator"."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import msgspec

from stallkit.adapters.walmart import emulator_orders as po
from stallkit.adapters.walmart.emulator_feeds import MOST_BYTES, TIMES
from stallkit.adapters.walmart.emulator_shop import NODE, SECOND_NODE, Shop, price_problem
from stallkit.adapters.walmart.emulator_wire import Headers, Json, Rates, SaidNo, answer, failure, feed_file, page_of, read
from stallkit.adapters.walmart.hints import Callback, sign
from stallkit.adapters.walmart.wire import Price, Stock
from stallkit.adapters.walmart.wire_actions import CancelBody, ShipBody
from stallkit.testing.emulator import Fault, ShopOffer, ShopOrder, WireReply, WireRequest
from stallkit.types import OrderState

CLIENT_ID = "walmart-client-id"
CLIENT_SECRET = "walmart-client-secret"  # noqa: S105 - opens nothing but this toy
WEBHOOK_SECRET = "walmart-webhook-secret"  # noqa: S105
CONFIG = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "webhook_secret": WEBHOOK_SECRET}
"""Settings that this emulator accepts."""

TOKEN_LIFE = timedelta(seconds=900)
ITEM_CURSOR_LIFE = timedelta(minutes=2)
MOST_ORDERS = 20_000
AREAS = ("content", "feeds", "inventory", "item", "lagtime", "orders", "price", "reports", "returns", "rules", "shipping")
AREA_OF = {"orders": "orders", "inventory": "inventory", "inventories": "inventory", "price": "price", "items": "item", "feeds": "feeds"}
AREA_OF_FEED = {"inventory": "inventory", "PRICE_AND_PROMOTION": "price"}
TOPICS = {"order": "PO_CREATED", "cancel": "PO_LINE_AUTOCANCELLED", "cancel_request": "INTENT_TO_CANCEL"}
Handler = Callable[[WireRequest, str], object]


def areas(request: WireRequest) -> list[str]:
    """The areas of a key's rights that a call touches. How Walmart words the refusal is not documented; the status is."""
    wanted = (AREA_OF.get(request.path.split("/")[2]), AREA_OF_FEED.get(request.param("feedType")))
    return [area for area in wanted if area]


class Emulator(Shop):
    """``limits_scale`` stretches rate limits and feed times alike: 0.1 refills ten times faster and finishes feeds ten times sooner."""

    orders_per_page = 200
    offers_per_page = 200

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        seed: int = 0,
        limits_scale: float = 1.0,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        """``credentials`` are the client ids that are known, with their secrets."""
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.credentials = dict(credentials if credentials is not None else {CLIENT_ID: CLIENT_SECRET})
        self.webhook_secret = WEBHOOK_SECRET
        self.rates = Rates(limits_scale)
        self.scopes = dict.fromkeys(AREAS, "full_access")
        """What the key may do, by area: full_access, view_only or no_access."""
        self.correlation_ids: list[str] = []
        self._revoked = False
        self._tokens: dict[str, datetime] = {}
        self._given_out: list[str] = []
        self._item_cursors: dict[str, datetime] = {}
        self._routes = [(method, re.compile(pattern), bucket, handler) for method, pattern, bucket, handler in self._table()]

    def _table(self) -> Iterator[tuple[str, str, str, Handler]]:
        yield "POST", r"/v3/token()", "token", self._token
        yield "GET", r"/v3/token/detail()", "probe", self._token_detail
        yield "GET", r"/v3/settings/partnerprofile()", "probe", self._partner
        yield "GET", r"/v3/orders()", "orders", self._orders
        yield "GET", r"/v3/orders/released()", "released", self._released
        yield "GET", r"/v3/orders/([^/]+)", "order", self._order
        yield "POST", r"/v3/orders/([^/]+)/acknowledge", "acknowledge", self._acknowledge
        yield "POST", r"/v3/orders/([^/]+)/shipping", "shipping", self._ship
        yield "POST", r"/v3/orders/([^/]+)/cancel", "cancel", self._cancel
        yield "GET", r"/v3/inventory()", "inventory", self._inventory
        yield "PUT", r"/v3/inventory()", "inventory_write", self._set_inventory
        yield "GET", r"/v3/inventories()", "inventories", self._inventories
        yield "GET", r"/v3/inventories/(.+)", "inventory_nodes", self._nodes
        yield "PUT", r"/v3/price()", "price", self._set_price
        yield "GET", r"/v3/items()", "items", self._items
        yield "GET", r"/v3/items/(.+)", "item", self._item
        yield "POST", r"/v3/feeds()", "", self._submit
        yield "GET", r"/v3/feeds()", "feeds", self._list_feeds
        yield "GET", r"/v3/feeds/(.+)", "feeds", self._feed

    def revoke(self) -> None:
        """The seller deletes the keys: no token works and none is given."""
        with self.lock:
            self._revoked = True
            self._tokens.clear()

    def restore(self) -> None:
        """The same keys are accepted again."""
        with self.lock:
            self._revoked = False

    def secrets(self) -> tuple[str, ...]:
        return tuple(self._given_out)

    def clear_faults(self) -> None:
        super().clear_faults()
        self.restore()

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def respond(self, request: WireRequest) -> WireReply:
        self.settle()
        for method, pattern, bucket, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                try:
                    headers = self._admit(request, bucket, with_token=bucket != "token")
                    return answer(handler(request, match[1]), *headers)
                except SaidNo as no:
                    return no.reply
        return failure(404, "CONTENT_NOT_FOUND.GMP_GATEWAY_API", f"{request.method} {request.path} is not part of this API", gateway=True)

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:  # noqa: ARG002 - one spelling for all calls
        if fault is Fault.TOKEN_EXPIRED:
            self._tokens.clear()
        if fault is Fault.REVOKED:
            self.revoke()
        slow = "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API"
        return {
            Fault.RATE_LIMIT: failure(429, slow, "slow down", ("Retry-After", "7"), gateway=True),
            Fault.RATE_LIMIT_SILENT: failure(429, slow, "slow down", gateway=True),
            Fault.SERVER_ERROR: failure(500, "SYSTEM_ERROR.GMP_GATEWAY_API", "internal error", gateway=True),
            Fault.HTML: WireReply(200, b"<!doctype html><title>We are sorry</title>", (("Content-Type", "text/html"),)),
            Fault.IP_BLOCKED: WireReply(403, b"<html><h1>Access Denied</h1></html>", (("Content-Type", "text/html"),)),
        }.get(fault)

    def _admit(self, request: WireRequest, bucket: str, *, with_token: bool) -> Headers:
        """Headers, token and rate: the gateway's business."""
        correlation = request.headers.get("wm-qos.correlation-id", "")
        if not correlation or not request.headers.get("wm-svc.name"):
            raise SaidNo(400, "INVALID_REQUEST_HEADER.GMP_GATEWAY_API", "WM_QOS.CORRELATION_ID and WM_SVC.NAME are required", gateway=True)
        self.correlation_ids.append(correlation)
        until = self._tokens.get(request.headers.get("wm-sec.access-token", ""))
        if with_token and (until is None or until <= self.clock()):
            raise SaidNo(401, "UNAUTHORIZED.GMP_GATEWAY_API", "Unauthorized token or incorrect authorization header", gateway=True)
        for area in areas(request):
            level = self.scopes.get(area, "no_access")
            if level == "no_access" or (level == "view_only" and request.method != "GET"):
                raise SaidNo(403, "FORBIDDEN.GMP_GATEWAY_API", f"no permission for {area}", gateway=True)
        return self.rates.spend(bucket, self.clock()) if bucket else ()

    def _token(self, request: WireRequest, _: str) -> Json:
        form = parse_qs(request.body.decode("utf-8", "replace"))
        pair = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ") or "").decode("utf-8", "replace")
        client, _, secret = pair.partition(":")
        if self._revoked or not secret or self.credentials.get(client) != secret:
            raise SaidNo(401, "UNAUTHORIZED.GMP_GATEWAY_API", "invalid client id or secret", gateway=True)
        if form.get("grant_type") != ["client_credentials"]:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "grant_type must be client_credentials", gateway=True)
        token = f"eyJ{self.random.getrandbits(256):064x}"
        self._tokens[token] = self.clock() + TOKEN_LIFE
        self._given_out.append(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(TOKEN_LIFE.total_seconds())}

    def _token_detail(self, request: WireRequest, _: str) -> Json:
        until = po.ms(self._tokens[request.headers["wm-sec.access-token"]])
        return {
            "expire_at": str(until),
            "issued_at": str(until - 900_000),
            "is_valid": True,
            "is_channel_match": True,
            "scopes": self.scopes,
        }

    def _partner(self, _request: WireRequest, _: str) -> Json:
        return {
            "partner": {"partnerId": "100009", "partnerName": "Ada Example LLC", "partnerDisplayName": "Ada's Stall"},
            "configurations": [],
        }

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def _orders(self, request: WireRequest, _: str) -> Json:
        """Newest first. A cursor is taken only whole, as it was given."""
        now, limit = self.clock(), int(request.param("limit", "100"))
        if not 0 < limit <= 200:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", "limit must be from 1 to 200")
        if any(request.param(name) for name in ("soIndex", "poIndex")) and not all(
            request.param(name) for name in ("soIndex", "poIndex", "hasMoreElements", "partnerId", "sellerId", "createdEndDate")
        ):
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", "the cursor is not complete")
        found = sorted(
            filter(po.matcher(request, now), self.orders.values()), key=lambda order: (order.placed_at, order.order_id), reverse=True
        )
        if len(found) > MOST_ORDERS:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", f"a query may hold at most {MOST_ORDERS} orders, not {len(found)}")
        offset, limit = int(request.param("poIndex", "0")), min(limit, self.orders_per_page)
        page = found[offset : offset + limit]
        if not page:
            raise SaidNo(404, "CONTENT_NOT_FOUND.GMP_ORDER_API", "No orders found for the given search parameters")
        reached = offset + len(page)
        meta: dict[str, object] = {"totalCount": len(found), "limit": limit}
        if reached < len(found):
            meta["nextCursor"] = po.next_cursor(request, now, len(found), reached, limit)
        shown = [
            dict(self._show_order(order, strange=self.fault is Fault.UNKNOWN_ENUM and number == 0)) for number, order in enumerate(page)
        ]
        return {"list": {"meta": meta, "elements": {"order": po.some(shown, self.look)}}}

    def _released(self, request: WireRequest, _: str) -> Json:
        return self._orders(_with(request, status="Created"), "")

    def _show_order(self, order: ShopOrder, *, strange: bool = False) -> Json:
        return po.show_order(order, self.parcels.get(order.order_id, ()), self.clock(), self.look, strange=strange)

    def _find(self, order_id: str) -> ShopOrder:
        order = self.orders.get(order_id)
        if order is None or order.pending or order.placed_at < self.clock() - po.VISIBLE:
            raise SaidNo(404, "CONTENT_NOT_FOUND.GMP_ORDER_API", f"there is no order {order_id}")
        return order

    def _order(self, _request: WireRequest, order_id: str) -> Json:
        return {"order": self._show_order(self._find(order_id), strange=self.fault is Fault.UNKNOWN_ENUM)}

    def _changed(self, order: ShopOrder) -> Json:
        order.modified_at = self.clock()
        return {"order": self._show_order(order)}

    def _acknowledge(self, request: WireRequest, order_id: str) -> Json:
        order = self._find(order_id)
        if request.body:
            raise po.refuse("acknowledge takes no body")
        if order.state not in {OrderState.NEW, OrderState.ACKNOWLEDGED}:
            raise po.refuse(f"order {order_id} is shipped or cancelled")
        order.acknowledge_calls += 1
        order.acknowledged_at = order.acknowledged_at or self.clock()
        return self._changed(order)

    def _ship(self, request: WireRequest, order_id: str) -> Json:
        order = self._find(order_id)
        body = read(request.body, ShipBody)
        changes = po.check_shipment(order, body.order_shipment.order_lines.order_line)
        order.ship_calls += 1
        for line, parcel in changes:
            line.shipped += parcel.quantity
            name = parcel.tracking.carrier_name
            line.carrier, line.tracking_number = name.carrier or name.other_carrier or "", parcel.tracking.tracking_number
            line.cancel_requested = min(line.cancel_requested, line.open)
            self.parcels.setdefault(order_id, []).append(parcel)
            self.leave(order, line, parcel.quantity)
        return self._changed(order)

    def _cancel(self, request: WireRequest, order_id: str) -> Json:
        order = self._find(order_id)
        body = read(request.body, CancelBody)
        changes = po.check_cancellation(order, body.order_cancellation.order_lines.order_line)
        order.cancel_calls += 1
        for line, quantity, reason in changes:
            self.cancel_units(order, line, quantity)
            if self.stockout_cancel_empties and reason == "SELLER_CANCEL_OUT_OF_STOCK":
                self.input[line.sku] = 0
                self._show(line.sku, "cancel", order_id)
        return self._changed(order)

    # --- stock and prices ---------------------------------------------------------------------------------------------------------------

    def _offer(self, sku: str) -> ShopOffer:
        offer = self.offers.get(sku)
        if offer is None:
            raise SaidNo(404, "CONTENT_NOT_FOUND.GMP_ITEM_INVENTORY_API", f"there is no item {sku}")
        return offer

    def _inventory(self, request: WireRequest, _: str) -> object:
        sku = self._offer(request.param("sku")).sku
        return {"sku": sku, "quantity": each(self.input[sku])}

    def _set_inventory(self, request: WireRequest, _: str) -> object:
        wish = read(request.body, Stock)
        if request.param("sku") != wish.sku or wish.quantity.unit != "EACH" or wish.quantity.amount < 0:
            raise SaidNo(400, "INVALID_REQUEST_CONTENT.GMP_ITEM_INVENTORY_API", "sku, unit or amount is wrong")
        refused = self.refusal(self._offer(wish.sku).sku)
        if refused or request.param("shipNode", NODE) != NODE:
            raise SaidNo(400, "INVALID_REQUEST_CONTENT.GMP_ITEM_INVENTORY_API", refused or "unknown ship node")
        self.push_quantity(wish.sku, wish.quantity.amount)
        return wish

    def _show_nodes(self, sku: str) -> Json:
        shown = {"availToSellQty": each(self.offers[sku].quantity), "reservedQty": each(self.held[sku])}
        nodes = (NODE, SECOND_NODE) if self.fault is Fault.UNTOLD else (NODE,)
        return {"sku": sku, "nodes": [{"shipNode": node, "inputQty": each(self.input[sku]), **shown} for node in nodes]}

    def _nodes(self, _request: WireRequest, sku: str) -> object:
        return self._show_nodes(self._offer(sku).sku)

    def _inventories(self, request: WireRequest, _: str) -> object:
        skus, offset = sorted(self.offers), int(request.param("nextCursor", "0") or 0)
        limit = int(request.param("limit", "10"))
        if limit > 50:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ITEM_INVENTORY_API", "limit must not be above 50")
        page = skus[offset : offset + limit]
        onward = {"nextCursor": str(offset + limit)} if offset + limit < len(skus) else {}
        return {"meta": {"totalCount": len(skus), **onward}, "elements": {"inventories": [self._show_nodes(sku) for sku in page]}}

    def _set_price(self, request: WireRequest, _: str) -> object:
        wish = read(request.body, Price)
        offer = self._offer(wish.sku)
        price = wish.pricing[0].current_price
        problem = offer.refuse_price or price_problem(price.amount, price.currency)
        if problem:
            raise SaidNo(400, "INVALID_REQUEST_CONTENT.GMP_ITEM_PRICE_API", problem)
        offer.price, self.priced_at[offer.sku] = price.amount, self.clock()
        text = "Thank you. Your price has been updated. Please allow up to five minutes for this change to be reflected on the site."
        return {"ItemPriceResponse": {"mart": "WALMART_US", "sku": offer.sku, "message": text}}

    # --- items --------------------------------------------------------------------------------------------------------------------------

    def _show_item(self, offer: ShopOffer, *, strange: bool) -> Json:
        status = "QUANTUM" if strange else "PUBLISHED" if offer.live else "UNPUBLISHED"
        codes = {"gtin": offer.gtin} if offer.gtin else {}
        known = {
            "mart": "WALMART_US",
            "sku": offer.sku,
            "wpid": hashlib.sha256(offer.sku.encode()).hexdigest()[:12].upper(),
            **codes,
            "productName": offer.title,
        }
        return {**known, "price": {"currency": "USD", "amount": offer.price}, "publishedStatus": status, "lifecycleStatus": "ACTIVE"}

    def _items(self, request: WireRequest, _: str) -> object:
        """The cursor stays the same, the offset moves, and the cursor dies after two minutes."""
        now, anchor = self.clock(), request.param("nextCursor", "*")
        if anchor != "*" and self._item_cursors.get(anchor, now) <= now:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ITEM_QUERY_API", "Invalid Cursor")
        if anchor == "*":
            anchor = f"AoE{self.random.getrandbits(96):024x}"
            self._item_cursors[anchor] = now + ITEM_CURSOR_LIFE
        known = sorted(self.offers.values(), key=lambda offer: offer.sku)
        page, offset, _limit = page_of(known, request, 1000, 20)
        page = page[: self.offers_per_page]
        if offset > 10_000:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_ITEM_QUERY_API", "offset must not be above 10000")
        if not page:
            raise SaidNo(404, "CONTENT_NOT_FOUND.GMP_ITEM_QUERY_API", "No items found")
        spoil = self.fault is Fault.UNKNOWN_ENUM
        shown = [self._show_item(offer, strange=spoil and number == 0) for number, offer in enumerate(page)]
        return {"ItemResponse": shown, "totalItems": len(known), "nextCursor": anchor}

    def _item(self, _request: WireRequest, sku: str) -> object:
        return {"ItemResponse": [self._show_item(self._offer(sku), strange=False)], "totalItems": 1}

    # --- feeds --------------------------------------------------------------------------------------------------------------------------

    def _submit(self, request: WireRequest, _: str) -> object:
        feed_type, body = request.param("feedType"), feed_file(request)
        if feed_type not in TIMES:
            raise SaidNo(400, "INVALID_REQUEST_PARAM.GMP_FEED_API", f"feed type '{feed_type}' is not known")
        self.rates.spend(f"feed {feed_type}", self.clock())
        if len(body) > MOST_BYTES:
            raise SaidNo(413, "CONTENT_TOO_LARGE.GMP_FEED_API", f"a feed holds at most {MOST_BYTES} bytes")
        return {"feedId": self.feeds.submit(feed_type, body, request.param("shipNode"), self.clock()).feed_id}

    def _list_feeds(self, request: WireRequest, _: str) -> object:
        wanted = request.param("feedId")
        newest = [feed.summary() for feed in reversed(self.feeds.known.values()) if wanted in {"", feed.feed_id}]
        page, offset, limit = page_of(newest, request, 50, 50)
        return {"totalResults": len(newest), "offset": offset, "limit": limit, "results": {"feed": page}}

    def _feed(self, request: WireRequest, feed_id: str) -> object:
        feed = self.feeds.known.get(feed_id)
        if feed is None:
            raise SaidNo(404, "CONTENT_NOT_FOUND.GMP_FEED_API", f"there is no feed {feed_id}")
        _rows, offset, limit = page_of(feed.items, request, 50, 50)
        return feed.detail(offset, limit, with_items=request.param("includeDetails") == "true")

    # --- callbacks ----------------------------------------------------------------------------------------------------------------------

    def callback(self, topic: str, order_id: str) -> WireRequest | None:
        """ORDER_UPDATES with its sub-event, signed when a webhook secret is set."""
        if topic not in TOPICS:
            return None
        event_id = f"{self.random.getrandbits(128):032x}"
        source = {"eventType": "ORDER_UPDATES", "eventTime": self.clock().isoformat(), "eventId": event_id}
        payload = {"subEventType": TOPICS[topic], "order": {"partnerId": "100009", "purchaseOrderId": order_id}}
        body = msgspec.json.encode({"source": source, "payload": payload})
        stamp = str(po.ms(self.clock()))
        path = "/hooks/walmart"
        signature = sign(self.webhook_secret, Callback.of("POST", path, "", {}, body), stamp)
        signed = {"wm-sec.signature": signature, "wm-sec.timestamp": stamp} if self.webhook_secret else {}
        return WireRequest("POST", path, (), "", {"content-type": "application/json", **signed}, body)


def each(amount: int) -> Json:
    return {"unit": "EACH", "amount": amount}


def _with(request: WireRequest, **params: str) -> WireRequest:
    """The same request with further parameters."""
    query: Sequence[tuple[str, str]] = [*(pair for pair in request.query if pair[0] not in params), *params.items()]
    return WireRequest(request.method, request.path, tuple(query), request.query_string, request.headers, request.body)
