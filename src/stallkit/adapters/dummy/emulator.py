"""The dummy market itself: its wire format over the in-memory shop, with every dial for chaos (``emulator.dials = Dials(...)``)."""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qs

import msgspec

from stallkit.adapters.dummy.adapter import sign
from stallkit.adapters.dummy.copy_behind import Copy
from stallkit.adapters.dummy.emulated_papers import Papers
from stallkit.adapters.dummy.manifest import API, MANIFEST, TASKS, TOKENS
from stallkit.adapters.dummy.replies import Json, SaidNo, answer, as_list, failure, read_json, read_place, show_place
from stallkit.adapters.dummy.wire import CARRIERS, REASON
from stallkit.manifest import Limit
from stallkit.pacing import Bucket, Priority, charged, stretched, take
from stallkit.testing.emulator import Fault, ShopLine, ShopOffer, ShopOrder, WireReply, WireRequest
from stallkit.types import OrderState

CLIENT_ID = "shop"
CLIENT_SECRET = "dummy-client-secret"  # noqa: S105 - opens nothing but this toy
CALLBACK_SECRET = "dummy-callback-secret"  # noqa: S105
CONFIG = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "callback_secret": CALLBACK_SECRET}
"""Settings that this emulator accepts."""

TOKEN_LIFE = timedelta(hours=1)
STATUS = {
    OrderState.PENDING: "waiting",
    OrderState.NEW: "new",
    OrderState.ACKNOWLEDGED: "accepted",
    OrderState.PART_SHIPPED: "part_sent",
    OrderState.SHIPPED: "sent",
    OrderState.CANCELLED: "cancelled",
}
Handler = Callable[[WireRequest, str], WireReply]


@dataclass(slots=True)
class Job:
    """A bulk submission: applied at once when it is due."""

    task_id: str
    kind: str
    created: datetime
    items: list[dict[str, object]]
    results: list[Json] | None = None


class Emulator(Papers):
    """See README.md for the wire. ``task_time`` is how long a bulk task stays open."""

    platform = "dummy"
    shipping = Decimal("4.90")
    """What every buyer pays for the way."""

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.task_time = timedelta(seconds=5)
        self.account_id = "A-1"
        self.tasks: dict[str, Job] = {}
        self._tokens: dict[str, datetime] = {}
        self._issued = 0
        self._buckets: dict[str, Bucket] = {}
        self._copy = Copy(self.random)
        self._routes: list[tuple[str, re.Pattern[str], Limit, Handler]] = [
            ("POST", re.compile(r"/oauth/token()"), TOKENS, self._token),
            ("GET", re.compile(r"/v1/account()"), API, self._account),
            ("GET", re.compile(r"/v1/offers()"), API, self._offers),
            ("POST", re.compile(r"/v1/offers/query()"), API, self._query_offers),
            ("GET", re.compile(r"/v1/orders()"), API, self._orders),
            ("GET", re.compile(r"/v1/orders/([^/]+)"), API, self._order),
            ("POST", re.compile(r"/v1/orders/([^/]+)/acceptance"), API, self._accept),
            ("POST", re.compile(r"/v1/orders/([^/]+)/shipments"), API, self._ship),
            ("POST", re.compile(r"/v1/orders/([^/]+)/cancellations"), API, self._cancel),
            ("PUT", re.compile(r"/v1/(stock)"), API, self._write),
            ("PUT", re.compile(r"/v1/(price)s"), API, self._write),
            ("GET", re.compile(r"/v1/warehouses()"), API, self.show_warehouses),
            ("POST", re.compile(r"/v1/labels()"), API, self.show_labels),
            ("GET", re.compile(r"/v1/returns()"), API, self.show_returns),
            ("POST", re.compile(r"/v1/tasks()"), TASKS, self._submit),
            ("GET", re.compile(r"/v1/tasks()"), TASKS, self._tasks),
            ("GET", re.compile(r"/v1/tasks/([^/]+)"), TASKS, self._task),
        ]

    def new_external_id(self, sku: str) -> str:  # noqa: ARG002 - this market numbers offers itself
        return f"D{len(self.offers) + 1:06d}"

    def state(self) -> object:
        return (super().state(), repr(self.tasks))

    def secrets(self) -> tuple[str, ...]:
        return tuple(self._tokens)

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def respond(self, request: WireRequest) -> WireReply:
        self.settle()
        for method, pattern, limit, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                try:
                    self._spend(limit)
                    if handler != self._token:
                        self._check_token(request)
                    return handler(request, match[1])
                except SaidNo as no:
                    self._charge(limit, no.reply)
                    return no.reply
        return failure(404, "no_route", f"{request.method} {request.path} is not part of this market")

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:
        if fault is Fault.TOKEN_EXPIRED and request.path != "/oauth/token":
            self._tokens.clear()
            return None
        return {
            Fault.RATE_LIMIT: failure(429, "too_fast", "slow down", ("Retry-After", "7")),
            Fault.RATE_LIMIT_SILENT: failure(429, "too_fast", "slow down"),
            Fault.SERVER_ERROR: failure(503, "busy", "the market is busy"),
            Fault.HTML: WireReply(200, b"<!doctype html><title>Maintenance</title>", (("Content-Type", "text/html"),)),
            Fault.REVOKED: failure(401, "revoked", f"access was withdrawn from {request.headers.get('authorization', 'you')}"),
            Fault.IP_BLOCKED: failure(403, "address_blocked", "calls from this address are not allowed"),
        }.get(fault)

    def _spend(self, limit: Limit) -> None:
        scaled = stretched(limit, self.limits_scale)
        now = self.clock()
        bucket = self._buckets.get(limit.bucket, Bucket(float(scaled.capacity), now))
        self._buckets[limit.bucket], wait = take(bucket, scaled, now, Priority.CUT)
        if wait:
            raise SaidNo(429, "too_fast", "slow down", ("Retry-After", str(math.ceil(wait))))

    def _charge(self, limit: Limit, refusal: WireReply) -> None:
        if refusal.status != 429:
            scaled = stretched(limit, self.limits_scale)
            self._buckets[limit.bucket] = charged(self._buckets[limit.bucket], scaled, self.clock(), limit.refusal_cost - 1)

    # --- account ------------------------------------------------------------------------------------------------------------------------

    def _token(self, request: WireRequest, _: str) -> WireReply:
        form = {key: values[0] for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        right = hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode())
        if form.get("client_id") != CLIENT_ID or not right:
            raise SaidNo(401, "invalid_client", "unknown client or wrong secret")
        self._issued += 1
        token = f"dummy-token-{self._issued:04d}-{self.random.getrandbits(64):016x}"
        self._tokens[token] = self.clock() + TOKEN_LIFE
        return answer({"access_token": token, "expires_in": int(TOKEN_LIFE.total_seconds())})

    def _check_token(self, request: WireRequest) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= self.clock():
            raise SaidNo(401, "token_expired", "the access token has expired")

    def _account(self, _request: WireRequest, _: str) -> WireReply:
        return answer({"id": self.account_id, "name": "Ada's dummy stall", "currency": "EUR", "rights": ["offers", "orders"]})

    # --- offers -------------------------------------------------------------------------------------------------------------------------

    def _offers(self, request: WireRequest, _: str) -> WireReply:
        known = sorted(self.offers.values(), key=lambda offer: offer.external_id)
        rest = [offer for offer in known if offer.external_id > request.param("after")]
        page = rest[: min(int(request.param("limit", "100")), self.offers_per_page)]
        spoil = self.fault is Fault.UNKNOWN_ENUM
        offers = [self._show_offer(offer, spoil=spoil and number == 0) for number, offer in enumerate(page)]
        return answer({"offers": offers, "next": page[-1].external_id if len(rest) > len(page) else None})

    def _query_offers(self, request: WireRequest, _: str) -> WireReply:
        skus = [str(sku) for sku in as_list(read_json(request).get("skus"))]
        spoil = self.fault is Fault.UNKNOWN_ENUM
        found = [self._show_offer(self.offers[sku], spoil=spoil) for sku in skus if sku in self.offers]
        return answer({"offers": found, "unknown": [sku for sku in skus if sku not in self.offers]})

    def _show_offer(self, offer: ShopOffer, *, spoil: bool) -> Json:
        return {
            "sku": offer.sku,
            "id": offer.external_id,
            "title": offer.title,
            "status": "hibernating" if spoil else "on_sale" if offer.live else "paused",
            "quantity": offer.quantity,
            "price": amount(offer.price),
            "gtins": [offer.gtin] if offer.gtin else [],
        }

    def _write(self, request: WireRequest, kind: str) -> WireReply:
        items = read_items(request, MANIFEST.stock_batch)
        return answer({"results": [self._apply(kind, item) for item in items]})

    def _apply(self, kind: str, item: dict[str, object]) -> Json:
        """Apply one item of a batch; the item's result."""
        sku, told = str(item.get("sku", "")), {"sku": item.get("sku"), "offer_id": item.get("offer_id")}
        offer = self.offers.get(sku)
        if offer is None:
            return {**told, "ok": False, "error": {"code": "unknown_offer", "message": f"there is no offer {sku}"}}
        expected = item.get("expected")
        if kind == "stock" and expected is not None and expected != offer.quantity:
            changed = {"code": "changed", "message": f"it shows {offer.quantity}, not {expected}"}
            return {**told, "ok": False, "error": changed, "shown": offer.quantity}
        refused = self._set_quantity(offer, item) if kind == "stock" else self._set_price(offer, item)
        return {**told, "ok": False, "error": {"code": "refused", "message": refused}} if refused else {**told, "ok": True}

    def _set_quantity(self, offer: ShopOffer, item: dict[str, object]) -> str:
        quantity = item.get("quantity")
        if not isinstance(quantity, int) or not 0 <= quantity <= MANIFEST.quirks.max_quantity:
            return f"quantity must be a whole number from 0 to {MANIFEST.quirks.max_quantity}"
        refused = self.refusal(offer.sku)
        if not refused:
            self.push_quantity(offer.sku, quantity)
        return refused

    def _set_price(self, offer: ShopOffer, item: dict[str, object]) -> str:
        price = item.get("price")
        try:
            value = Decimal(str(price["amount"])) if isinstance(price, dict) else Decimal("NaN")
        except (KeyError, InvalidOperation):
            value = Decimal("NaN")
        if not value.is_finite() or value <= 0:
            return "price must be a positive decimal text"
        if not offer.refuse_price:
            offer.price = value
        return offer.refuse_price

    # --- bulk tasks ---------------------------------------------------------------------------------------------------------------------

    def _submit(self, request: WireRequest, _: str) -> WireReply:
        kind = str(read_json(request).get("kind"))
        if kind not in {"stock", "price"}:
            raise SaidNo(422, "bad_kind", f"kind {kind!r} is neither stock nor price")
        job = Job(f"T{len(self.tasks) + 1:06d}", kind, self.clock(), read_items(request, MANIFEST.bulk_batch))
        self.tasks[job.task_id] = job
        return answer({"task": job.task_id}, 202)

    def settle(self) -> None:
        """Tasks that are due take effect, oldest first."""
        with self.lock:
            for job in self.tasks.values():
                if job.results is None and self.clock() >= job.created + self.task_time:
                    job.results = [self._apply(job.kind, item) for item in job.items]

    def _tasks(self, request: WireRequest, _: str) -> WireReply:
        since = datetime.fromisoformat(request.param("since"))
        found = [job.task_id for job in self.tasks.values() if job.kind == request.param("kind") and job.created >= since]
        return answer({"tasks": [{"task": task_id} for task_id in found]})

    def _task(self, _request: WireRequest, task_id: str) -> WireReply:
        job = self.tasks.get(task_id)
        if job is None:
            raise SaidNo(404, "unknown_task", f"there is no task {task_id}")
        return answer({"id": job.task_id, "state": "open" if job.results is None else "done", "results": job.results or []})

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def insist(self, order_id: str) -> None:
        """The market has promised the order to its buyer: from now on the seller's cancellations are refused."""
        with self.lock:
            self.orders[order_id].extra["promised"] = "yes"

    def send_by_hand(self, order_id: str) -> None:
        """Somebody at the seller's says in the market's own screen that all that is open of an accepted order has been sent."""
        with self.lock:
            order = self.orders[order_id]
            for line in order.lines:
                line.shipped += line.open
            order.sent_by_hand += 1
            order.modified_at = self.clock()
        self.tell("order", order_id)

    def _orders(self, request: WireRequest, _: str) -> WireReply:
        """Changed orders, oldest change first. The dials answer from a copy that is behind (read lag) and move page borders."""
        behind = self.dials.read_lag
        known = self._copy.at(self.orders.values(), self.clock(), behind) if behind else self.orders
        since, after = request.param("changed_since"), request.param("after")
        begin = datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC)
        rows = sorted((order.modified_at, order.order_id) for order in known.values() if order.modified_at >= begin)
        if after:
            rows = [row for row in rows if row > read_place(after)][self._shift() :]
        page = rows[: min(int(request.param("limit", "100")), self.orders_per_page)]
        spoil = self.fault is Fault.UNKNOWN_ENUM
        orders = [self._show_order(known[row[1]], spoil=spoil and number == 0) for number, row in enumerate(page)]
        following = show_place(page[-1]) if len(rows) > len(page) else None
        return answer({"orders": orders, "next": following, "as_of": self.clock().isoformat()})

    def _shift(self) -> int:
        return 1 if self.chance(self.dials.page_shift) else 0

    def _order(self, _request: WireRequest, order_id: str) -> WireReply:
        return answer(self._show_order(self._find(order_id), spoil=self.fault is Fault.UNKNOWN_ENUM))

    def _find(self, order_id: str) -> ShopOrder:
        order = self.orders.get(order_id)
        if order is None:
            raise SaidNo(404, "unknown_order", f"there is no order {order_id}")
        return order

    def _accept(self, _request: WireRequest, order_id: str) -> WireReply:
        order = self._find(order_id)
        if order.state in {OrderState.PENDING, OrderState.CANCELLED}:
            raise SaidNo(409, "not_open", f"order {order_id} is {STATUS[order.state]}")
        order.acknowledge_calls += 1
        if order.acknowledged_at is None:
            order.acknowledged_at = order.modified_at = self.clock()
        return answer(self._show_order(order, spoil=False))

    def _ship(self, request: WireRequest, order_id: str) -> WireReply:
        order, body = self._find(order_id), read_json(request)
        if order.acknowledged_at is None:
            raise SaidNo(409, "not_accepted", f"order {order_id} must be accepted first")
        wanted = self._lines(order, body)
        order.ship_calls += 1
        for line, quantity in wanted:
            line.shipped += quantity
            line.carrier = carrier_name(body.get("carrier"))
            line.tracking_number = str(body.get("tracking_number", ""))
        order.modified_at = self.clock()
        return answer(self._show_order(order, spoil=False))

    def _cancel(self, request: WireRequest, order_id: str) -> WireReply:
        order, body = self._find(order_id), read_json(request)
        if body.get("reason") not in REASON.values():
            raise SaidNo(422, "bad_reason", f"reason {body.get('reason')!r} is not in the list")
        if "promised" in order.extra:
            raise SaidNo(409, "promised", f"order {order_id} has been promised to its buyer: it must be sent")
        wanted = self._lines(order, body)
        order.cancel_calls += 1
        for line, quantity in wanted:
            self.cancel_units(order, line, quantity)
            line.cancel_requested = max(line.cancel_requested - quantity, 0)
        order.extra["cancel_reason"] = str(body["reason"])
        order.modified_at = self.clock()
        return answer(self._show_order(order, spoil=False))

    def _lines(self, order: ShopOrder, body: Json) -> list[tuple[ShopLine, int]]:
        """The lines and quantities that a shipment or cancellation names, all of them possible."""
        known = {line.line_id: line for line in order.lines}
        found: list[tuple[ShopLine, int]] = []
        for item in as_list(body.get("lines")):
            line = known.get(str(item.get("id"))) if isinstance(item, dict) else None
            quantity = item.get("quantity") if isinstance(item, dict) else None
            if line is None or not isinstance(quantity, int) or not 1 <= quantity <= line.open:
                raise SaidNo(422, "bad_line", f"order {order.order_id} has no {quantity} open units for {item}")
            found.append((line, quantity))
        return found

    def _show_order(self, order: ShopOrder, *, spoil: bool) -> Json:
        return {
            "id": order.order_id,
            "number": f"DM-{order.order_id}",
            "status": "teleported" if spoil else STATUS[order.state],
            "placed_at": order.placed_at.isoformat(),
            "changed_at": order.modified_at.isoformat(),
            "accept_by": (order.placed_at + timedelta(hours=24)).isoformat(),
            "send_by": (order.placed_at + timedelta(days=2)).isoformat(),
            "currency": "EUR",
            "shipping": amount(self.shipping),
            "lines": [self._show_line(line) for line in order.lines],
            "buyer": {
                "name": order.buyer_name or None,
                "email": f"buyer-{order.order_id}@example.com",
                "phone": "+49 30 000000",
                "street": "Musterweg 1",
                "postal_code": "10115",
                "city": "Berlin",
                "country": "DE",
            },
        }

    def _show_line(self, line: ShopLine) -> Json:
        return {
            "id": line.line_id,
            "sku": line.sku,
            "offer_id": self.offers[line.sku].external_id if line.sku in self.offers else "",
            "title": line.title,
            "ordered": line.ordered,
            "cancelled": line.cancelled,
            "sent": line.shipped,
            "cancel_asked": line.cancel_requested,
            "unit_price": amount(line.unit_price),
            "tax_rate": "0.19",
        }

    def callback(self, topic: str, order_id: str) -> WireRequest | None:
        body = msgspec.json.encode({"topic": topic, "order_id": order_id})
        headers = {"content-type": "application/json", "x-dummy-signature": sign(CALLBACK_SECRET, body)}
        return WireRequest("POST", "/", (), "", headers, body)


def amount(value: Decimal) -> Json:
    return {"amount": str(value), "currency": "EUR"}


def read_items(request: WireRequest, most: int) -> list[dict[str, object]]:
    """The items of a batch; the whole call is refused if there are too many."""
    items = [item for item in as_list(read_json(request).get("items")) if isinstance(item, dict)]
    if len(items) > most:
        raise SaidNo(413, "too_many", f"{len(items)} items; at most {most} are allowed")
    return items


def carrier_name(carrier: object) -> str:
    """What the market shows the buyer: its own carrier's name, or the free text."""
    if not isinstance(carrier, dict):
        raise SaidNo(422, "bad_carrier", "carrier must name a code or other")
    if carrier.get("other"):
        return str(carrier["other"])
    if carrier.get("code") not in CARRIERS.values():
        raise SaidNo(422, "bad_carrier", f"carrier {carrier.get('code')!r} is not in the list")
    return str(carrier["code"])
