"""A Wildberries account in memory, written from the contracts on dev.wildberries.ru (18.08.2026; numbers of files as in ``manifest``).

The figure of a size falls when an order is placed and does not come back when it is cancelled; a write overwrites it. Every unit of a
basket is an assembly order of its own. ``offers`` are sizes, ``orders`` are baskets, ``units`` are assembly orders.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from stallkit.adapters.wildberries import emulated_dbs, emulated_goods, emulated_orders, emulated_supplies
from stallkit.adapters.wildberries.emulated_goods import Card, Upload
from stallkit.adapters.wildberries.emulated_orders import ShopUnit
from stallkit.adapters.wildberries.emulated_supplies import Supply
from stallkit.adapters.wildberries.emulated_wire import PLAIN, PROBLEM, Bucket, SaidNo, answer, priced, problem, refusal
from stallkit.testing.emulator import Emulator as Base
from stallkit.testing.emulator import Fault, ShopLine, ShopOffer, ShopOrder, WireReply, WireRequest
from stallkit.types import OrderState

SELLER_ID = "e8923014-0000-4000-8000-3cc86d67ea61"
ALL_RIGHTS = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 11


def make_token(*, acc: int = 3, rights: int = ALL_RIGHTS, expires: int = 1_798_761_600, seller: str = SELLER_ID) -> str:
    """A token as the portal gives it out; its signature is made up."""
    parts = ({"alg": "ES256", "kid": "toy", "typ": "JWT"}, {"acc": acc, "exp": expires, "s": rights, "sid": seller, "oid": 4_711})
    texts = [base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts]
    return ".".join([*texts, "wildberries-toy-signature"])


TOKEN = make_token()
CONFIG = {"site": "ru", "token": TOKEN}
"""Settings that this emulator accepts."""
MAIN, WORKED_ON, BY_SELLER = 507, 508, 509
"""Warehouses: one that goods are sold from, one that Wildberries works on, one whose goods the seller delivers (DBS)."""
LIMITS: Mapping[str, tuple[int, float, int]] = {
    "cancel": (20, 0.6, 10),
    "orders": (20, 0.2, 10),
    "stocks": (20, 0.2, 10),
    "stocks_delete": (2, 6.0, 10),
    "warehouses": (20, 0.2, 10),
    "cards": (5, 0.6, 1),
    "prices": (5, 0.6, 1),
    "claims": (10, 3.0, 1),
    "seller": (10, 60.0, 1),
    "dbs": (20, 0.2, 10),
    "dbs_actions": (10, 1.0, 10),
}
"""Burst, seconds between calls after it, what a 4XX counts for: personal token."""


@dataclass
class Warehouse:
    id: int
    name: str
    delivery_type: int = 1
    processing: bool = False
    deleting: bool = False
    cargo_type: int = 1


class Emulator(Base):
    platform = "wildberries"
    orders_per_page = 1_000
    """Assembly orders per page at most; the contract suite makes it small."""
    offers_per_page = 100

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.token = TOKEN
        self.warehouses = {
            MAIN: Warehouse(MAIN, "Подольск"),
            WORKED_ON: Warehouse(WORKED_ON, "Казань", processing=True),
            BY_SELLER: Warehouse(BY_SELLER, "Сам везу", delivery_type=2),
        }
        self.buyers_hour = timedelta(hours=1)
        """How long buyers may cancel an order that is not being assembled (03, declined_by_client)."""
        self.list_ends_with_zero = True
        """Whether the last page of a list says ``next: 0``; the contract does not tell."""
        self.cards: dict[int, Card] = {}
        self.sizes: dict[int, str] = {}
        """SKU of every size that there ever was."""
        self.card_numbers: dict[str, int] = {}
        self.elsewhere: dict[tuple[int, str], int] = {}
        """Figures of other warehouses than the main one."""
        self.units: dict[int, ShopUnit] = {}
        self.units_by_order: dict[str, list[ShopUnit]] = {}
        self.supplies: dict[str, Supply] = {}
        self.uploads: dict[int, Upload] = {}
        self._named: ShopUnit | None = None
        """The unit that the seller's cancellation is about, while it is worked on."""
        self._buckets = {name: Bucket.make(*told, limits_scale, clock()) for name, told in LIMITS.items()}

    # --- goods --------------------------------------------------------------------------------------------------------------------------

    def new_external_id(self, sku: str) -> str:  # noqa: ARG002 - a size number says nothing about the SKU
        return str(987_000_001 + len(self.sizes))

    def add_offer(
        self, sku: str, *, quantity: int = 0, price: str = "10", title: str = "", gtin: str = "", external_id: str = ""
    ) -> ShopOffer:
        """A card with one size."""
        return self.add_size(emulated_goods.new_card(self, sku), "0", sku, quantity, price, title, gtin, external_id)

    def add_card(self, vendor_code: str, sizes: Mapping[str, int], price: str = "100") -> list[ShopOffer]:
        """A card with several sizes and their figures; its offers are called ARTICLE/SIZE."""
        card = emulated_goods.new_card(self, vendor_code)
        return [self.add_size(card, size, f"{vendor_code}/{size}", quantity, price) for size, quantity in sizes.items()]

    def add_size(
        self, card: Card, size: str, sku: str, quantity: int, price: str, title: str = "", gtin: str = "", external_id: str = ""
    ) -> ShopOffer:
        with self.lock:
            offer = super().add_offer(sku, quantity=quantity, price=price, title=title, gtin=gtin, external_id=external_id)
            card.sizes[int(offer.external_id)] = size
            self.sizes[int(offer.external_id)] = sku
            self.card_numbers[sku] = card.nm
            return offer

    def put_elsewhere(self, sku: str, quantity: int) -> None:
        self.elsewhere[BY_SELLER, sku] = quantity

    def sku_of(self, size: object) -> str | None:
        """The size with this number, if it is (still) there."""
        sku = self.sizes.get(size) if isinstance(size, int) else None
        return sku if sku in self.offers else None

    def card_of(self, sku: str) -> Card:
        return self.cards[self.card_numbers[sku]]

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def new_order_id(self) -> str:
        """A basket's ``orderUid``: buyer and transaction."""
        return f"165918930_{629_000_000_001 + len(self.orders)}"

    def new_lines(self, lines: Sequence[tuple[str, int]]) -> list[ShopLine]:
        """A line per size, whatever the basket looked like."""
        wanted: dict[str, int] = {}
        for sku, quantity in lines:
            wanted[sku] = wanted.get(sku, 0) + quantity
        return [
            ShopLine(self.offers[sku].external_id, sku, self.card_of(sku).vendor_code, quantity, self.offers[sku].price)
            for sku, quantity in wanted.items()
        ]

    def order_placed(self, order: ShopOrder) -> None:
        if any(line.ordered > self.offers[line.sku].quantity for line in order.lines):
            order.extra["zero"] = "yes"
        super().order_placed(order)
        if not order.pending:
            emulated_orders.assemble(self, order)

    def confirm_payment(self, order_id: str) -> None:
        with self.lock:
            order = self.orders[order_id]
            order.extra["assembled_at"] = self.clock().isoformat()
            emulated_orders.assemble(self, order)
        super().confirm_payment(order_id)

    def buyer_may_cancel(self, order: ShopOrder) -> bool:
        return order.state in {OrderState.PENDING, OrderState.NEW} and self.clock() - order.placed_at < self.buyers_hour

    def cancel_units(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:
        """By the buyer, unless the seller has named the unit. The figure stays as it is."""
        named, self._named = self._named, None
        if named is not None:
            emulated_orders.cancel_unit(self, named)
        else:
            emulated_orders.decline(self, order, line, quantity)

    def seller_cancels(self, unit: ShopUnit) -> None:
        order = self.orders[unit.order_id]
        self._named = unit
        self.cancel_units(order, next(line for line in order.lines if line.line_id == str(unit.size)), 1)

    def scan(self, order_id: str) -> None:
        """Reception: Wildberries' people scan every unit of the basket that lies in a supply."""
        with self.lock:
            emulated_orders.scan(self, self.orders[order_id])
        self.tell("order", order_id)

    def send_by_hand(self, order_id: str) -> None:
        """Somebody at the seller's hands over what is open of a basket, without our knowing; reception scans it."""
        with self.lock:
            order = self.orders[order_id]
            order.sent_by_hand += 1
            emulated_orders.scan(self, order)
        self.tell("order", order_id)

    def refuse_at_pickup(self, order_id: str) -> None:
        """The buyer does not take what has come to the pick-up point."""
        with self.lock:
            emulated_orders.set_word(self, self.orders[order_id], "canceled_by_client")
        self.tell("order", order_id)

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str = "does not fit") -> str:
        """A claim for each unit; the number is that of the first one."""
        return_id = super().open_return(order_id, lines, reason)
        with self.lock:
            opened = self.returns.pop(return_id)
            opened.return_id = emulated_orders.claim_number(len(self.returns) + 1)
            self.returns[opened.return_id] = opened
        return opened.return_id

    def place_dbs_order(self, sku: str, quantity: int = 1) -> list[str]:
        """A buyer orders from the warehouse whose goods the seller delivers: an order for each unit. Returns their numbers."""
        with self.lock:
            placed = [emulated_dbs.place(self, sku, BY_SELLER) for _ in range(quantity)]
        for order_id in placed:
            self.tell("order", order_id)
        return placed

    def receive(self, order_id: str) -> None:
        """The buyer has what the seller brought, and gave his code."""
        with self.lock:
            emulated_dbs.end(self, self.orders[order_id], "receive", "sold")
        self.tell("order", order_id)

    def refuse_at_door(self, order_id: str) -> None:
        """The buyer does not take what the seller brought."""
        with self.lock:
            emulated_dbs.end(self, self.orders[order_id], "reject", "canceled_by_client")
        self.tell("order", order_id)

    def insist(self, order_id: str) -> None:
        """From now on Wildberries takes no cancellation of the basket from the seller."""
        with self.lock:
            self.orders[order_id].extra["insists"] = "yes"

    def add_unit(self, unit: ShopUnit) -> None:
        self.units[unit.id] = unit
        self.units_by_order.setdefault(unit.order_id, []).append(unit)

    def state(self) -> object:
        return repr((super().state(), self.units, self.supplies, self.uploads, self.elsewhere))

    def settle(self) -> None:
        """Uploads of prices are worked off after some seconds."""
        with self.lock:
            emulated_goods.work_off(self)

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def respond(self, request: WireRequest) -> WireReply:
        emulated_goods.work_off(self)
        bucket = self._buckets[bucket_of(request.method, request.path)]
        wait = bucket.take(self.clock())
        if wait:
            return problem(429, "too many requests", "limited by the toy", gateway_kind(request.path), *bucket.headers(wait))
        try:
            reply = self._route(request)
        except SaidNo as no:
            reply = no.reply
        if 400 <= reply.status < 500:
            bucket.charge()
        return WireReply(reply.status, reply.body, (*reply.headers, ("X-Ratelimit-Remaining", str(max(int(bucket.tokens), 0)))))

    def _route(self, request: WireRequest) -> WireReply:
        if request.headers.get("authorization", "") != self.token:
            return problem(401, "unauthorized", "token problem; token is malformed", gateway_kind(request.path))
        for routes in (emulated_dbs.ROUTES, emulated_goods.ROUTES, emulated_orders.ROUTES, emulated_supplies.ROUTES):
            for method, pattern, run in routes:
                found = pattern.fullmatch(request.path)
                if found is not None and method == request.method:
                    return run(self, request, found.group(1) if pattern.groups else "")
        if request.path == "/api/v1/seller-info":
            return answer({"name": "ИП Игрушкин", "sid": SELLER_ID, "tin": "0000000000", "tradeMark": "Toy Store"})
        return problem(404, "path not found", "Please consult the documentation", PROBLEM)

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:
        kind = gateway_kind(request.path)
        return {
            Fault.RATE_LIMIT: problem(429, "too many requests", "limited by the toy", kind, ("X-Ratelimit-Retry", "7")),
            Fault.RATE_LIMIT_SILENT: problem(429, "too many requests", "limited by the toy", kind),
            Fault.SERVER_ERROR: problem(502, "bad gateway", "try again", PROBLEM),
            Fault.HTML: WireReply(200, b"<!doctype html><title>Wildberries</title>", (("Content-Type", "text/html"),)),
            Fault.TOKEN_EXPIRED: problem(401, "unauthorized", "token problem; token is expired", kind),
            Fault.REVOKED: problem(401, "unauthorized", "token withdrawn", kind),
            Fault.IP_BLOCKED: forbidden(request.path),
        }.get(fault)

    def seconds_away(self, reply: WireReply) -> float:
        """In a header of its own, in seconds with decimals."""
        return next((float(value) for name, value in reply.headers if name == "X-Ratelimit-Retry"), 0.0)

    def secrets(self) -> tuple[str, ...]:
        return (self.token,)


def bucket_of(method: str, path: str) -> str:
    """The group of methods that a call counts for."""
    if path.startswith("/api/v3/stocks/"):
        return "stocks_delete" if method == "DELETE" else "stocks"
    if path.startswith("/api/v3/orders/") and path.endswith("/cancel"):
        return "cancel"
    if "/dbs/" in path:
        return "dbs_actions" if "/status/" in path and not path.endswith("/info") else "dbs"
    starts = (
        ("/api/v3/warehouses", "warehouses"),
        ("/content/", "cards"),
        ("/api/v2/", "prices"),
        ("/api/v1/claim", "claims"),
        ("/api/v1/seller-info", "seller"),
    )
    return next((name for start, name in starts if path.startswith(start)), "orders")


def gateway_kind(path: str) -> str:
    """03 has its 401 and 429 as plain JSON; 01, 02 and 09 as problem+json."""
    return PLAIN if bucket_of("", path) in {"orders", "cancel"} else PROBLEM


def forbidden(path: str) -> WireReply:
    if path.startswith(("/content/", "/api/v2/")):
        return priced(None, "Access denied", 403)
    return refusal(403, "AccessDenied", "Access denied")
