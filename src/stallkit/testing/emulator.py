"""Base of the emulators: an in-memory shop behind a WSGI app that speaks a platform's wire format.

Two sides. The *wire* side answers HTTP as the platform does; each emulator writes its routes. The *control* side is in our words, the same
for all platforms: ``place_order``, ``quantity_of``, ``fail_next`` … Tests, the demo and adapter authors use it as the buyer and as fate.
Nothing here knows the hub. All times come from the ``clock``; all chance from a seeded generator.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

from stallkit.testing.dials import Dials
from stallkit.testing.shop import (
    Call,
    DropConnection,
    Fault,
    QuantityChange,
    ShopLine,
    ShopOffer,
    ShopOrder,
    ShopReturn,
    SoldOut,
    WireReply,
    WireRequest,
)
from stallkit.types import OrderState, ReturnState

__all__ = [
    "AFTER",
    "Call",
    "Dials",
    "DropConnection",
    "Emulator",
    "Fault",
    "QuantityChange",
    "ShopLine",
    "ShopOffer",
    "ShopOrder",
    "ShopReturn",
    "SoldOut",
    "WireReply",
    "WireRequest",
    "read_environ",
]


@dataclass(slots=True)
class Planned:
    """A fault that waits for its call: ``after`` matching calls go well before it."""

    fault: Fault
    path: str
    after: int


class Emulator:
    """Subclass it: set ``platform``, write ``respond`` (the wire), and the few hooks that say how this platform's stock behaves."""

    platform = ""
    orders_per_page = 100
    """How many orders this emulator gives its adapter per page: the contract suite places enough for more than three pages."""
    offers_per_page = 100

    def __init__(self, clock: Callable[[], datetime], *, seed: int = 0, limits_scale: float = 1.0) -> None:
        """``limits_scale``: how many times the platform's time its limits and bulk submissions take here; 0.1 is ten times faster."""
        self.clock = clock
        self.random = random.Random(seed)  # noqa: S311 - chance in a toy shop
        self.limits_scale = limits_scale
        self.lock = threading.RLock()
        self.offers: dict[str, ShopOffer] = {}
        self.orders: dict[str, ShopOrder] = {}
        self.returns: dict[str, ShopReturn] = {}
        self.calls: list[Call] = []
        self.diary: list[QuantityChange] = []
        self.mislaid: dict[str, datetime] = {}
        """By SKU: when a figure that was accepted was last not applied, put off, or landed late, or came back with its listing."""
        self.listeners: list[Callable[[str, str], None]] = []
        """Called as (topic, order_id) after the shop changed: the place to send the platform's callbacks from."""
        self.dials = Dials()
        self.sleep: Callable[[float], object] = time.sleep
        """How latency is spent; tests on a toy clock replace it."""
        self._faults: deque[Planned] = deque()
        self._late: list[tuple[datetime, str, int]] = []
        self._held: list[tuple[str, str]] = []
        self._current = threading.local()

    # --- wire ---------------------------------------------------------------------------------------------------------------------------

    def respond(self, request: WireRequest) -> WireReply:
        """Answer one call as the platform would. Called with ``self.lock`` held."""
        raise NotImplementedError

    @property
    def fault(self) -> Fault | None:
        """The planned fault of the call that is being answered: ``respond`` reads it to spell UNKNOWN_ENUM."""
        return getattr(self._current, "fault", None)

    def fault_reply(self, fault: Fault, request: WireRequest) -> WireReply | None:
        """The platform's spelling of a fault; None = handle it as if there were no fault (e.g. UNKNOWN_ENUM is for ``respond``)."""
        raise NotImplementedError

    def __call__(self, environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
        request = read_environ(environ)
        self._current.fault = None
        try:
            reply = self.handle(request)
        except DropConnection:
            self._log(request, WireReply(0, b""))
            raise
        self._log(request, reply)
        environ["stallkit.fault"] = self.fault
        start_response(
            f"{reply.status} {'OK' if reply.status < 400 else 'Error'}",
            [*reply.headers, ("Content-Length", str(len(reply.body)))],
        )
        return [reply.body]

    def handle(self, request: WireRequest) -> WireReply:
        """Apply the next planned fault, if any is due for this path, and otherwise respond."""
        if self.dials.latency:
            self.sleep(self.random.uniform(0, self.dials.latency))
        self.land_late()
        fault = self._current.fault = self._take_fault(request.path) or self._draw_fault()
        if fault is Fault.DROP_BEFORE:
            raise DropConnection(applied=False)
        before = None if fault is None or fault in AFTER else self.fault_reply(fault, request)
        if before is not None:
            return before
        with self.lock:
            reply = self.respond(request)
        if fault is Fault.DROP_AFTER:
            raise DropConnection(applied=True)
        if fault is Fault.SERVER_ERROR_AFTER:
            return WireReply(503, b'{"message":"service unavailable"}')
        if fault is Fault.CUT_JSON:
            return WireReply(reply.status, reply.body[: max(len(reply.body) // 2, 1)], reply.headers)
        return reply

    def _take_fault(self, path: str) -> Fault | None:
        with self.lock:
            for planned in self._faults:
                if planned.path not in path:
                    continue
                if planned.after:
                    planned.after -= 1
                    return None
                self._faults.remove(planned)
                return planned.fault
        return None

    def _draw_fault(self) -> Fault | None:
        with self.lock:
            return next((fault for fault, probability in self.dials.faults.items() if self.chance(probability)), None)

    def _log(self, request: WireRequest, reply: WireReply) -> None:
        self.calls.append(Call(self.clock(), request.method, request.path, reply.status, self.fault or "", self.seconds_away(reply)))

    def seconds_away(self, reply: WireReply) -> float:
        """Hook: for how long this reply asks the caller to stay away, as the platform says it; 0 if it does not."""
        return next((float(value) for name, value in reply.headers if name.lower() == "retry-after" and value.isdigit()), 0.0)

    def callback(self, topic: str, order_id: str) -> WireRequest | None:  # noqa: ARG002 - a hook
        """Hook: the call that the platform would make to us for this event, signed as it signs; None if it makes none."""
        return None

    def secrets(self) -> tuple[str, ...]:
        """Hook: access tokens that were given out; they must not show in recordings or errors."""
        return ()

    # --- control ------------------------------------------------------------------------------------------------------------------------

    def add_offer(
        self,
        sku: str,
        *,
        quantity: int = 0,
        price: str = "10.00",
        title: str = "",
        gtin: str = "",
        external_id: str = "",
    ) -> ShopOffer:
        """Put an offer on sale, as if it had been listed long ago."""
        with self.lock:
            offer = ShopOffer(sku, title or f"Offer {sku}", quantity, Decimal(price), external_id or self.new_external_id(sku), gtin)
            self.offers[sku] = offer
            return offer

    def put_elsewhere(self, sku: str, quantity: int) -> None:
        """Hook: so many units of the offer are shown from another warehouse of the account, where there are several."""

    def remove_offer(self, sku: str) -> None:
        """The platform takes the offer away: from now on it does not know it."""
        with self.lock:
            del self.offers[sku]

    def new_external_id(self, sku: str) -> str:
        """The platform's own number for a new offer; platforms that use the SKU return it."""
        return sku

    def new_order_id(self) -> str:
        return str(10_000_000 + len(self.orders) + 1)

    def place_order(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        pending: bool = False,
        buyer_name: str = "Ada Example",
        force: bool = False,
    ) -> str:
        """A buyer orders. SoldOut if the shop shows fewer (unless ``force``). Returns the platform's order id."""
        with self.lock:
            if not force:
                self._require(lines)
            now = self.clock()
            order = ShopOrder(self.new_order_id(), now, now, self.new_lines(lines), buyer_name, pending)
            self.orders[order.order_id] = order
            self.order_placed(order)
        self.tell("order", order.order_id)
        return order.order_id

    def new_lines(self, lines: Sequence[tuple[str, int]]) -> list[ShopLine]:
        """Hook: the lines of a new order, numbered as the platform numbers them."""
        return [
            ShopLine(str(number), sku, self.offers[sku].title, wanted, self.offers[sku].price)
            for number, (sku, wanted) in enumerate(lines, start=1)
        ]

    def _require(self, lines: Sequence[tuple[str, int]]) -> None:
        wanted: dict[str, int] = {}
        for sku, quantity in lines:
            wanted[sku] = wanted.get(sku, 0) + quantity
        for sku, quantity in wanted.items():
            if not self.offers[sku].live or self.quantity_of(sku) < quantity:
                raise SoldOut(f"{sku}: wanted {quantity}, shown {self.quantity_of(sku)}")

    def order_placed(self, order: ShopOrder) -> None:
        """Hook: the platform lowers what it shows at the moment of the order. Platforms that do it later override this."""
        for line in order.lines:
            self.change_quantity(line.sku, -line.ordered, "sale", order.order_id)

    def confirm_payment(self, order_id: str) -> None:
        """A pending order becomes a real one."""
        with self.lock:
            order = self.orders[order_id]
            order.pending = False
            order.modified_at = self.clock()
        self.tell("order", order_id)

    def buyer_cancels(self, order_id: str, lines: Sequence[tuple[str, int]] | None = None) -> bool:
        """The buyer cancels at once where the platform still allows it; False if it does not."""
        with self.lock:
            order = self.orders[order_id]
            if not self.buyer_may_cancel(order):
                return False
            wanted = dict(lines) if lines is not None else {line.line_id: line.open for line in order.lines}
            for line in order.lines:
                self.cancel_units(order, line, min(wanted.get(line.line_id, 0), line.open))
            order.modified_at = self.clock()
        self.tell("cancel", order_id)
        return True

    def buyer_may_cancel(self, order: ShopOrder) -> bool:
        """Hook: until when a buyer may cancel by himself."""
        return order.state in {OrderState.PENDING, OrderState.NEW, OrderState.ACKNOWLEDGED}

    def cancel_units(self, order: ShopOrder, line: ShopLine, quantity: int) -> None:  # noqa: ARG002 - a hook
        """Hook: cancelled units. Platforms that put them back on show override this and call ``change_quantity``."""
        line.cancelled += quantity

    def request_cancel(self, order_id: str) -> None:
        """The buyer asks to cancel; the seller decides."""
        with self.lock:
            order = self.orders[order_id]
            for line in order.lines:
                line.cancel_requested = line.open
            order.modified_at = self.clock()
        self.tell("cancel_request", order_id)

    def scan(self, order_id: str) -> None:
        """Hook: the platform's own people take the goods over; on platforms where the seller tells, that changes nothing."""

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str = "does not fit") -> str:
        """A buyer wants to give units of lines (by line id) back. Returns the platform's number of the return."""
        with self.lock:
            now = self.clock()
            made = ShopReturn(f"R{len(self.returns) + 1:06d}", order_id, now, now, dict(lines), reason)
            self.returns[made.return_id] = made
        self.tell("return", order_id)
        return made.return_id

    def move_return(self, return_id: str, state: ReturnState) -> None:
        """The goods get on."""
        with self.lock:
            moved = self.returns[return_id]
            moved.state, moved.modified_at = state, self.clock()
        self.tell("return", moved.order_id)

    def quantity_of(self, sku: str) -> int:
        """What a buyer could buy now."""
        with self.lock:
            return self.offers[sku].quantity

    def kept_of(self, sku: str) -> int:
        """Hook: the figure that the platform keeps, where buyers see a new one only some time later."""
        return self.offers[sku].quantity

    def product_total(self, line: ShopLine) -> Decimal:
        """Hook: the product amount of the whole line as the wire states it."""
        return line.unit_price * line.ordered

    def price_of(self, sku: str) -> Decimal:
        with self.lock:
            return self.offers[sku].price

    def edit_quantity(self, sku: str, quantity: int) -> None:
        """Somebody types a number into the platform's own screen."""
        with self.lock:
            self.change_quantity(sku, quantity - self.offers[sku].quantity, "edit")

    def change_quantity(self, sku: str, delta: int, cause: str, order_id: str = "") -> None:
        """Change what is shown, never below zero, and write it into the diary."""
        offer = self.offers[sku]
        before, offer.quantity = offer.quantity, max(offer.quantity + delta, 0)
        self.diary.append(QuantityChange(self.clock(), sku, before, offer.quantity, cause, order_id))

    def push_quantity(self, sku: str, quantity: int) -> None:
        """The seller's write arrives and takes effect."""
        if not self.mislays(sku, quantity):
            self.change_quantity(sku, quantity - self.offers[sku].quantity, "push")

    def mislays(self, sku: str, quantity: int) -> bool:
        """Whether the dials let a figure that is accepted now get lost, or land later."""
        lost = self.chance(self.dials.not_applied)
        late = not lost and self.chance(self.dials.late_push)
        if late:
            due = self.clock() + timedelta(seconds=self.random.uniform(0, self.dials.late_by.total_seconds()))
            self._late.append((due, sku, quantity))
        if lost or late:
            self.mislaid[sku] = self.clock()
        return lost or late

    @property
    def has_late_pushes(self) -> bool:
        """Whether values that were accepted have not landed yet."""
        return bool(self._late)

    def land_late(self) -> None:
        """Pushes that were held back and are due take effect now, also over newer values."""
        with self.lock:
            now = self.clock()
            due = [late for late in self._late if late[0] <= now and late[1] in self.offers]
            self._late = [late for late in self._late if late[0] > now]
            for _, sku, quantity in due:
                self.mislaid[sku] = now
                self.land(sku, quantity)

    def land(self, sku: str, quantity: int) -> None:
        """A push that was held back takes effect."""
        self.change_quantity(sku, quantity - self.offers[sku].quantity, "push")

    def refusal(self, sku: str) -> str:
        """Why a stock write of this offer is refused now: planned (``refuse_stock``) or by chance; "" if it is not."""
        planned = self.offers[sku].refuse_stock
        return planned or ("busy with this offer, try again" if self.chance(self.dials.item_refused) else "")

    def chance(self, probability: float) -> bool:
        """True with this probability; draws nothing at 0, so that unused dials do not change a seed's story."""
        return probability > 0 and self.random.random() < probability

    def state(self) -> object:
        """Everything that a write of the seller may change, as one comparable value. Emulators with tickets add them."""
        with self.lock:
            return repr((self.offers, self.orders, self.returns))

    def settle(self) -> None:
        """Hook: let the platform finish what it works on in the background, as far as the clock allows."""

    def fail_next(self, fault: Fault | str, times: int = 1, path: str = "", after: int = 0) -> None:
        """The next ``times`` calls whose path contains ``path`` suffer ``fault``, once ``after`` such calls have gone well."""
        with self.lock:
            self._faults.extend(Planned(Fault(fault), path, after if number == 0 else 0) for number in range(times))

    def drop_reply_after_applying(self, times: int = 1, path: str = "") -> None:
        self.fail_next(Fault.DROP_AFTER, times, path)

    def clear_faults(self) -> None:
        with self.lock:
            self._faults.clear()

    def tell(self, topic: str, order_id: str) -> None:
        """Tell the listeners; the dials may lose, double or hold back the hint."""
        dials = self.dials
        with self.lock:
            held, self._held = self._held, []
            hints = [] if self.chance(dials.hint_lost) else [(topic, order_id)] * (2 if self.chance(dials.hint_doubled) else 1)
            if hints and self.chance(dials.hint_late):
                self._held, hints = hints, []
        for hint in [*hints, *held]:
            for listener in list(self.listeners):
                listener(*hint)


AFTER = {Fault.DROP_AFTER, Fault.SERVER_ERROR_AFTER, Fault.CUT_JSON}


def read_environ(environ: dict[str, object]) -> WireRequest:
    """A WireRequest from a WSGI environment."""
    query_string = str(environ.get("QUERY_STRING") or "")
    length = int(str(environ.get("CONTENT_LENGTH") or 0) or 0)
    stream = environ["wsgi.input"]
    headers = {key[5:].replace("_", "-").lower(): str(value) for key, value in environ.items() if key.startswith("HTTP_")}
    headers["content-type"] = str(environ.get("CONTENT_TYPE") or "")
    return WireRequest(
        str(environ["REQUEST_METHOD"]),
        str(environ.get("PATH_INFO") or "/"),
        tuple(parse_qsl(query_string, keep_blank_values=True)),
        query_string,
        headers,
        stream.read(length) if length else b"",  # type: ignore[attr-defined]
    )
