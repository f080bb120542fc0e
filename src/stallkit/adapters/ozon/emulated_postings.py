"""Postings of the emulated account: lists, packing in Ozon's own time, cancelling, splits, what sellers tell, buyers' wishes to cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from stallkit.adapters.ozon.emulated_goods import Goods, Handler
from stallkit.adapters.ozon.emulated_wire import Row, SaidNo, answer, moment, read, read_place, show_place
from stallkit.testing.emulator import Fault, ShopLine, ShopOrder, WireReply, WireRequest
from stallkit.types import OrderState

PACKING = timedelta(seconds=5)
"""How long Ozon packs (assumed: the documents only say that it is asynchronous)."""
STATUS = {
    OrderState.PENDING: "awaiting_approve",
    OrderState.NEW: "awaiting_packaging",
    OrderState.ACKNOWLEDGED: "awaiting_deliver",
    OrderState.PART_SHIPPED: "delivering",
    OrderState.SHIPPED: "delivering",
    OrderState.CANCELLED: "cancelled",
}
SUBSTATUS = {
    "awaiting_approve": "posting_created",
    "awaiting_packaging": "posting_created",
    "awaiting_deliver": "posting_transferring_to_delivery",
    "delivering": "posting_on_way_to_city",
    "cancelled": "posting_canceled",
    "cancelled_from_split_pending": "posting_split_pending",
}
FIRST_REQUEST = 7_000_000
OPEN = {"awaiting_approve", "awaiting_packaging", "awaiting_deliver"}
REASONS = {352, 400, 401, 402, 665, 666, 667}


class Window(msgspec.Struct, rename={"start": "from", "end": "to"}):
    start: datetime
    end: datetime


class Filter(msgspec.Struct):
    since: datetime | None = None
    to: datetime | None = None
    cutoff_from: datetime | None = None
    cutoff_to: datetime | None = None
    last_changed_status_date: Window | None = None
    statuses: tuple[str, ...] = ()


class ListAsked(msgspec.Struct):
    limit: int
    filter: Filter
    cursor: str = ""


class OneAsked(msgspec.Struct):
    posting_number: str


class Packed(msgspec.Struct):
    """A field *named* product_id holds the SKU."""

    product_id: int
    quantity: int


class Package(msgspec.Struct):
    products: tuple[Packed, ...]


class ShipAsked(msgspec.Struct):
    posting_number: str
    packages: tuple[Package, ...]


class CancelAsked(msgspec.Struct):
    posting_number: str
    cancel_reason_id: int
    cancel_reason_message: str = ""


class PartItem(msgspec.Struct):
    sku: int
    quantity: int


class PartAsked(CancelAsked, kw_only=True):
    items: tuple[PartItem, ...]


class Tracking(msgspec.Struct):
    posting_number: str
    tracking_number: str


class TrackingAsked(msgspec.Struct):
    tracking_numbers: tuple[Tracking, ...]


class ManyAsked(msgspec.Struct):
    posting_number: tuple[str, ...]


class RequestFilter(msgspec.Struct):
    posting_number: tuple[str, ...] = ()
    state: str = "ALL"


class RequestsAsked(msgspec.Struct):
    limit: int
    filters: RequestFilter = msgspec.field(default_factory=RequestFilter)


class Decision(msgspec.Struct):
    cancellation_id: int
    comment: str = ""


class Postings(Goods):
    """``extra`` of an order: ``status`` (if its lines do not tell it), ``failed``, ``wants``, ``parent``, ``insists``."""

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        super().__init__(clock, seed=seed, limits_scale=limits_scale)
        self.requests: dict[str, int] = {}
        """Buyers' wishes to cancel that wait for the seller: number by posting."""
        self._wishes = 0
        self._open: set[str] = set()
        """Postings that were not over when they were last listed: most are, and need no look."""
        self.packing: dict[str, datetime] = {}
        """Postings that Ozon is packing, and until when."""
        self._statuses: dict[str, tuple[str, datetime]] = {}
        """Each posting's status as a list last found it, and since when."""
        self.packing_fails = 0
        """So many packings to come fail, as Ozon's sometimes do."""

    def posting_routes(self) -> dict[str, Handler]:
        return {
            "/v4/posting/fbs/list": self.list_changed,
            "/v4/posting/fbs/unfulfilled/list": self.list_open,
            "/v3/posting/fbs/get": self.show_one,
            "/v4/posting/fbs/ship": self.ship,
            "/v2/posting/fbs/cancel": self.cancel,
            "/v2/posting/fbs/product/cancel": self.cancel_part,
            "/v2/fbs/posting/tracking-number/set": self.set_tracking,
            "/v2/fbs/posting/delivering": self.set_delivering,
            "/v2/conditional-cancellation/list": self.list_requests,
            "/v2/conditional-cancellation/approve": self.approve,
            "/v2/conditional-cancellation/reject": self.reject,
        }

    # --- control ------------------------------------------------------------------------------------------------------------------------

    def order_placed(self, order: ShopOrder) -> None:
        self._open.add(order.order_id)
        super().order_placed(order)

    def new_order_id(self) -> str:
        """The number of a posting: its order's, and its place in it."""
        return f"{10_000_001 + len(self.orders):08d}-0001-1"

    def new_lines(self, lines: Sequence[tuple[str, int]]) -> list[ShopLine]:
        """A posting names its products by SKU, each once."""
        wanted: dict[str, int] = {}
        for sku, quantity in lines:
            wanted[sku] = wanted.get(sku, 0) + quantity
        offers = self.offers
        return [ShopLine(str(self.numbers[sku]), sku, offers[sku].title, units, offers[sku].price) for sku, units in wanted.items()]

    def settle(self) -> None:
        """Packing that is due ends, well or not."""
        with self.lock:
            now = self.clock()
            for number in [number for number, until in self.packing.items() if until <= now]:
                self._end_packing(self.orders[number])

    def _end_packing(self, order: ShopOrder) -> None:
        del self.packing[order.order_id]
        order.modified_at = self.clock()
        if self.packing_fails:
            self.packing_fails -= 1
            order.acknowledge_calls -= 1
            order.extra["failed"] = "yes"
            return
        order.acknowledged_at = self.clock()
        order.extra.pop("failed", None)

    def scan(self, order_id: str) -> None:
        """Ozon's people take a packed posting over. Where the seller tells, nobody scans."""
        with self.lock:
            self.settle()
            order = self.orders[order_id]
            if self.by_seller(order) or order.state is not OrderState.ACKNOWLEDGED:
                return
            self.hand_over(order)
        self.tell("order", order_id)

    def send_by_hand(self, order_id: str) -> None:
        """Somebody at the seller's packs it in Ozon's own screen if need be, and it leaves."""
        with self.lock:
            order = self.orders[order_id]
            self.packing.pop(order_id, None)
            order.acknowledged_at = order.acknowledged_at or self.clock()
            self.hand_over(order)
            order.sent_by_hand += 1
        self.tell("order", order_id)

    def insist(self, order_id: str) -> None:
        """From now on Ozon lets the seller cancel nothing of the posting."""
        with self.lock:
            self.orders[order_id].extra["insists"] = "yes"

    def request_cancel(self, order_id: str) -> None:
        """rFBS: the buyer asks, the seller decides. FBS: the buyer cancels while that is possible, and asks nobody."""
        if not self.by_seller(self.orders[order_id]):
            self.buyer_cancels(order_id)
            return
        with self.lock:
            self._wishes += 1
            self.requests[order_id] = FIRST_REQUEST + self._wishes
        super().request_cancel(order_id)

    def buyer_cancels(self, order_id: str, lines: Sequence[tuple[str, int]] | None = None) -> bool:
        """A buyer may cancel until the goods have left."""
        done = super().buyer_cancels(order_id, lines)
        with self.lock:
            note_units(self.orders[order_id])
        return done

    def product_total(self, line: ShopLine) -> Decimal:
        """The amount of the units that the posting shows."""
        order = next(one for one in self.orders.values() if any(known is line for known in one.lines))
        return line.unit_price * units_in(order, line)

    def split_posting(self, order_id: str, parts: Sequence[Sequence[tuple[str, int]]]) -> list[str]:
        """Somebody at the seller's cuts units off into new postings. If all are gone, the old one is cancelled because of the split."""
        with self.lock:
            old = self.orders[order_id]
            note_units(old)
            made = [self._part(old, part) for part in parts]
            old.modified_at = self.clock()
            if not any(line.ordered for line in old.lines):
                old.extra["status"] = "cancelled_from_split_pending"
            note_units(old)
        for number in made:
            self.tell("order", number)
        return made

    def _part(self, old: ShopOrder, part: Sequence[tuple[str, int]]) -> str:
        """A new posting with units of the old one; what Ozon has reserved for them stays reserved."""
        now, lines = self.clock(), self.new_lines(part)
        for line in lines:
            source = next(one for one in old.lines if one.sku == line.sku)
            line.unit_price = source.unit_price
            source.ordered -= line.ordered
        stem = old.order_id.rsplit("-", 1)[0]
        number = f"{stem}-{1 + sum(known.startswith(f'{stem}-') for known in self.orders)}"
        made = ShopOrder(
            number, old.placed_at, now, lines, old.buyer_name, old.pending, extra={"parent": old.order_id, "cut_off_at": now.isoformat()}
        )
        self.orders[number] = made
        self._open.add(number)
        return number

    def by_seller(self, _order: ShopOrder) -> bool:
        return self.scheme == "rfbs"

    # --- reading ------------------------------------------------------------------------------------------------------------------------

    def status_of(self, order: ShopOrder) -> str:
        return order.extra.get("status") or STATUS[order.state]

    def list_changed(self, request: WireRequest) -> WireReply:
        asked = read(request, ListAsked)
        since, to, changed = asked.filter.since, asked.filter.to, asked.filter.last_changed_status_date
        if since is None or to is None or to - since > timedelta(days=366):
            raise SaidNo(400, "Request validation error: since and to are required, at most a year apart")
        window = changed or Window(since, to)
        known = [one for one in self.orders.values() if one.modified_at >= window.start and since <= one.placed_at <= to]
        return self._page(asked, [one for one in known if window.start <= self._changed_at(one) <= window.end])

    def _changed_at(self, order: ShopOrder) -> datetime:
        """When its status changed last: units that are cancelled of a posting, or cut off, do not change it."""
        status = self.status_of(order)
        if self._statuses.get(order.order_id, ("",))[0] != status:
            self._statuses[order.order_id] = status, order.modified_at
        return self._statuses[order.order_id][1]

    def list_open(self, request: WireRequest) -> WireReply:
        asked = read(request, ListAsked)
        if asked.filter.cutoff_from is None or asked.filter.cutoff_to is None:
            raise SaidNo(400, "Request validation error: cutoff_from and cutoff_to or delivering_date_from and delivering_date_to")
        wanted = set(asked.filter.statuses) or OPEN
        self._open = {number for number in self._open if number not in self.orders or self.status_of(self.orders[number]) in OPEN}
        known = [self.orders[number] for number in self._open if number in self.orders]
        return self._page(asked, [one for one in known if self.status_of(one) in wanted])

    def _page(self, asked: ListAsked, found: Sequence[ShopOrder]) -> WireReply:
        """By time and number; the cursor is the place of the last one, so nothing moves when postings change. Under the dials new postings
        are late."""
        if not 1 <= asked.limit <= 100:
            raise SaidNo(400, "Request validation error: limit must be between 1 and 100")
        until = (self.clock() - self.dials.read_lag).isoformat()
        shown = [one for one in found if one.extra.get("cut_off_at", one.placed_at.isoformat()) <= until]
        rows = sorted((one.placed_at.isoformat(), one.order_id) for one in shown)
        behind = tuple(read_place(asked.cursor)) if asked.cursor else ("", "")
        rest = [row for row in rows if row > behind]
        page = rest[: min(asked.limit, self.orders_per_page)]
        more = len(rest) > len(page)
        spoil = self.fault is Fault.UNKNOWN_ENUM
        bodies = [self.show(self.orders[row[1]], listed=True, spoil=spoil and number == 0) for number, row in enumerate(page)]
        return answer({"postings": bodies, "has_next": more, "cursor": show_place(page[-1]) if page else "", "count": len(bodies)})

    def show_one(self, request: WireRequest) -> WireReply:
        order = self.find(read(request, OneAsked).posting_number)
        return answer({"result": self.show(order, listed=False, spoil=self.fault is Fault.UNKNOWN_ENUM)})

    def find(self, number: str) -> ShopOrder:
        order = self.orders.get(number)
        if order is None:
            raise SaidNo(404, "POSTING_NOT_FOUND")
        return order

    def show(self, order: ShopOrder, *, listed: bool, spoil: bool) -> Row:
        status = self.status_of(order)
        by_seller = self.by_seller(order)
        cut_off = order.placed_at + timedelta(days=1)
        cancelled = status == "cancelled"
        tracking = next((line.tracking_number for line in order.lines if line.tracking_number), "")
        return {
            "posting_number": order.order_id,
            "order_id": 30_000_000_000 + int(order.order_id.split("-")[0]),
            "order_number": order.order_id.rsplit("-", 1)[0],
            "parent_posting_number": order.extra.get("parent", ""),
            "status": "teleported" if spoil else status,
            "substatus": "ship_failed" if "failed" in order.extra else SUBSTATUS[status],
            "in_process_at": moment(order.placed_at),
            "shipment_date": moment(cut_off),
            "shipment_date_without_delay": moment(cut_off + timedelta(days=1)),
            "delivering_date": order.extra.get("left_at"),
            "tracking_number": tracking,
            "tpl_integration_type": "non_integrated" if by_seller else "ozon",
            "available_actions": self._actions(order, status),
            "delivery_method": {"id": int(self.warehouse) + 1, "warehouse_id": int(self.warehouse), "warehouse": "Moscow"},
            "cancellation": {
                "cancel_reason_id": int(order.extra.get("reason", "0")),
                "cancelled_after_ship": cancelled and order.acknowledged_at is not None,
            },
            "requirements": {order.extra["wants"]: [line.line_id for line in order.lines]} if "wants" in order.extra else {},
            "customer": _customer(order) if by_seller else None,
            "addressee": {"name": order.buyer_name} if by_seller and order.buyer_name else None,
            "products": [self._product(order, line, listed=listed) for line in order.lines if units_in(order, line)],
        }

    def _product(self, order: ShopOrder, line: ShopLine, *, listed: bool) -> Row:
        quantity = units_in(order, line)
        row: dict[str, object] = {"sku": int(line.line_id), "offer_id": line.sku, "name": line.title, "quantity": quantity}
        if listed:
            return {**row, "price": {"amount": str(line.unit_price), "currency": "RUB"}}
        return {**row, "price": f"{line.unit_price:.4f}", "currency_code": "RUB"}

    def _actions(self, order: ShopOrder, status: str) -> list[str]:
        """Seller API, available_actions."""
        cancel = [] if "insists" in order.extra else ["cancel", "product_cancel"]
        if status == "awaiting_packaging":
            if order.order_id in self.packing:
                return ["ship_async_in_process"]
            if "wants" in order.extra:
                return [*cancel, "ship_with_additional_info"]
            return [*cancel, *(["ship_async_retry"] if "failed" in order.extra else ["ship", "ship_async"])]
        if status == "awaiting_deliver":
            return [*cancel, "label_download", *(["set_track_number", "non_int_delivering"] if self.by_seller(order) else [])]
        if status == "delivering" and self.by_seller(order):
            return ["set_track_number", "non_int_last_mile"]
        return cancel if status == "awaiting_approve" else []

    # --- writing ------------------------------------------------------------------------------------------------------------------------

    def ship(self, request: WireRequest) -> WireReply:
        """Taken in at once, done later, perhaps not done."""
        asked = read(request, ShipAsked)
        order = self.find(asked.posting_number)
        status = self.status_of(order)
        if status.startswith("cancelled"):
            raise SaidNo(400, "POSTING_ALREADY_CANCELLED")
        if order.acknowledged_at is not None:
            raise SaidNo(400, "POSTING_ALREADY_SHIPPED")
        if status != "awaiting_packaging" or order.order_id in self.packing or "wants" in order.extra:
            raise SaidNo(400, "HAS_INCORRECT_STATUS")
        told = {one.product_id: one.quantity for package in asked.packages for one in package.products}
        if len(asked.packages) != 1 or told != {int(line.line_id): line.open for line in order.lines if line.open}:
            raise SaidNo(400, "HAS_INCORRECT_PRODUCT_QUANTITY")
        order.acknowledge_calls += 1
        self.packing[order.order_id] = self.clock() + PACKING * self.limits_scale
        order.extra.pop("failed", None)
        return answer({"result": [order.order_id], "additional_data": []})

    def cancel(self, request: WireRequest) -> WireReply:
        asked = read(request, CancelAsked)
        order = self._cancellable(asked)
        self._take_out(order, asked, {line.line_id: line.open for line in order.lines})
        return answer({"result": True})

    def cancel_part(self, request: WireRequest) -> WireReply:
        asked = read(request, PartAsked)
        order = self._cancellable(asked)
        told, known = {str(one.sku): one.quantity for one in asked.items}, {line.line_id: line.open for line in order.lines}
        if not told or any(not 1 <= quantity <= known.get(sku, 0) for sku, quantity in told.items()):
            raise SaidNo(400, "HAS_INCORRECT_PRODUCT_QUANTITY")
        self._take_out(order, asked, told)
        return answer({"result": order.order_id})

    def _cancellable(self, asked: CancelAsked) -> ShopOrder:
        order = self.find(asked.posting_number)
        if asked.cancel_reason_id not in REASONS or (asked.cancel_reason_id == 402 and not asked.cancel_reason_message):
            raise SaidNo(400, "HAS_INCORRECT_CANCEL_REASON")
        if self.status_of(order).startswith("cancelled"):
            raise SaidNo(400, "POSTING_ALREADY_CANCELLED")
        if "cancel" not in self._actions(order, self.status_of(order)):
            raise SaidNo(400, "HAS_INCORRECT_STATUS")
        return order

    def _take_out(self, order: ShopOrder, asked: CancelAsked, units: dict[str, int]) -> None:
        order.cancel_calls += 1
        order.extra["reason"] = str(asked.cancel_reason_id)
        for line in order.lines:
            self.cancel_units(order, line, units.get(line.line_id, 0))
        note_units(order)
        order.modified_at = self.clock()

    # --- rFBS ---------------------------------------------------------------------------------------------------------------------------

    def set_tracking(self, request: WireRequest) -> WireReply:
        rows: list[Row] = []
        for pair in read(request, TrackingAsked).tracking_numbers:
            order = self.orders.get(pair.posting_number)
            fits = order is not None and "set_track_number" in self._actions(order, self.status_of(order))
            if order is not None and fits:
                for line in order.lines:
                    line.tracking_number = pair.tracking_number
            rows.append({"posting_number": pair.posting_number, "result": fits, "error": "" if fits else "HAS_INCORRECT_STATUS"})
        return answer({"result": rows})

    def set_delivering(self, request: WireRequest) -> WireReply:
        rows: list[Row] = []
        for number in read(request, ManyAsked).posting_number:
            order = self.orders.get(number)
            fits = order is not None and "non_int_delivering" in self._actions(order, self.status_of(order))
            if order is not None and fits:
                order.ship_calls += 1
                self.hand_over(order)
            rows.append({"posting_number": number, "result": fits, "error": "" if fits else "TRANSITION_IS_NOT_POSSIBLE"})
        return answer({"result": rows})

    def list_requests(self, request: WireRequest) -> WireReply:
        asked = read(request, RequestsAsked)
        wanted = set(asked.filters.posting_number)
        found = [(one, number) for one, number in self.requests.items() if one in wanted and self.status_of(self.orders[one]) in OPEN]
        state = {"id": 1, "name": "on approval", "state": "ON_APPROVAL"}
        rows = [{"cancellation_id": number, "posting_number": one, "state": state} for one, number in found]
        return answer({"result": rows, "last_id": 0, "counter": len(rows)})

    def approve(self, request: WireRequest) -> WireReply:
        order = self._decided(request)
        order.cancel_calls += 1
        for line in order.lines:
            self.cancel_units(order, line, line.open)
        return WireReply(200, b"")

    def reject(self, request: WireRequest) -> WireReply:
        order = self._decided(request)
        for line in order.lines:
            line.cancel_requested = 0
        return WireReply(200, b"")

    def _decided(self, request: WireRequest) -> ShopOrder:
        wanted = read(request, Decision).cancellation_id
        number = next((number for number, one in self.requests.items() if one == wanted), None)
        if number is None:
            raise SaidNo(404, "NOT_FOUND_ERROR")
        del self.requests[number]
        order = self.orders[number]
        order.modified_at = self.clock()
        return order


def units_in(order: ShopOrder, line: ShopLine) -> int:
    """The units of a line that the posting shows. What is cancelled of a posting that goes on is gone from it; one that is cancelled as a
    whole, or split up, shows what it held last."""
    last = order.extra.get(f"held_{line.line_id}")
    if order.state is OrderState.CANCELLED:
        return line.ordered if last is None else int(last)
    return line.ordered - line.cancelled


def note_units(order: ShopOrder) -> None:
    """After a part was cancelled or cut off: remember what the posting holds while it goes on."""
    if order.state is not OrderState.CANCELLED:
        order.extra.update({f"held_{line.line_id}": str(line.ordered - line.cancelled) for line in order.lines})


def _customer(order: ShopOrder) -> Row:
    address = {"address_tail": "Tverskaya 1", "city": "Moscow", "country": "Russia", "region": "Moscow", "zip_code": "101000"}
    return {"customer_id": 12_345_678, "name": order.buyer_name, "phone": "+70000000000", "address": address}
