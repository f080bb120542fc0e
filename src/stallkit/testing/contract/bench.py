"""The bench on which one case runs: a toy clock, an emulated shop, a pacer that keeps books, a recorder, and adapters built on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import ClassVar, Protocol, TypeVar, cast
from urllib.parse import urlsplit

import httpx

from stallkit import protocols, registry
from stallkit.errors import SlowDown
from stallkit.http import Door, Exchange
from stallkit.manifest import Capability, Limit, Manifest
from stallkit.pacing import MemoryPacer
from stallkit.testing.contract.cases import CannotShow
from stallkit.testing.emulator import Emulator, ShopLine, ShopOrder
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import Money, NotNow, OfferRef, Page, Parked, RemoteOffer, RemoteOrder, StockIntent

R = TypeVar("R")
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MOST_PAGES = 500


class Full(
    protocols.Adapter,
    protocols.Probe,
    protocols.OfferReader,
    protocols.StateReader,
    protocols.OrderPuller,
    protocols.OrderReader,
    protocols.Acknowledger,
    protocols.StockWriter,
    protocols.BulkStockWriter,
    protocols.PriceWriter,
    protocols.BulkPriceWriter,
    protocols.TicketResolver,
    protocols.ShipmentConfirmer,
    protocols.LineCanceller,
    protocols.HintReader,
    protocols.WarehouseReader,
    protocols.LabelReader,
    protocols.ReturnReader,
    Protocol,
):
    """An adapter with every capability; cases call only what its manifest declares."""


class Subject:
    """What the suite must know about an adapter; its author fills this in as a subclass of ``Contract``."""

    platform: ClassVar[str]
    config: ClassVar[Mapping[str, str]]
    """Settings that the emulator accepts. Secret values must be texts that occur nowhere else: the suite looks for them in recordings."""
    warehouse: ClassVar[str] = ""
    """Theirs, whose figures the suite reads and writes, where figures are kept per warehouse."""
    optional_fields: ClassVar[Mapping[str, str]] = {}
    """Wire fields whose absence means zero or nothing by the platform's own documents: name to source. All others must not be guessed."""

    @classmethod
    def make_emulator(cls, clock: Callable[[], datetime]) -> Emulator:
        raise NotImplementedError("return your emulator: Emulator(clock)")

    @classmethod
    def make_transport(cls, emulator: Emulator) -> httpx.BaseTransport:
        """How adapters reach the emulator; wrap it in ``published.ValidatingTransport`` where there is a published contract."""
        return EmulatorTransport(emulator)

    @classmethod
    def make_adapter(cls, config: Mapping[str, str], door: Door, clock: Callable[[], datetime]) -> protocols.Adapter:
        return registry.build(cls.platform, config, door, clock)

    @classmethod
    def manifest(cls) -> Manifest:
        return registry.manifest_of(cls.platform)

    @classmethod
    def base_url(cls) -> str:
        """The first declared host's path on a host that does not exist."""
        return "http://emulator.invalid" + urlsplit(cls.manifest().hosts[0][1]).path.rstrip("/")

    @classmethod
    def secrets(cls) -> tuple[str, ...]:
        """The configured values of all settings that the manifest calls secret."""
        names = {setting.name for setting in cls.manifest().settings if setting.kind == "secret"}
        return tuple(value for name, value in cls.config.items() if name in names and value)


class ToyClock:
    """Time moves only when a case moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class BookPacer(MemoryPacer):
    """A MemoryPacer that notes what was spent, and what the platform asked to wait."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self.spent: list[Limit] = []
        self.blocked: list[tuple[Limit, float]] = []
        self.charged: list[tuple[Limit, float]] = []

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        super().spend(limit, cost)
        self.spent.append(limit)

    def block(self, limit: Limit, seconds: float) -> None:
        super().block(limit, seconds)
        self.blocked.append((limit, seconds))

    def charge(self, limit: Limit, cost: float) -> None:
        super().charge(limit, cost)
        self.charged.append((limit, cost))


@dataclass(frozen=True, slots=True)
class Step:
    """One wire call of an operation. ``changed`` says whether the shop was different after it."""

    method: str
    path: str
    changed: bool
    reply: bytes = b""


class Wire(httpx.BaseTransport):
    """Between door and emulator: notes each step and lets a case rewrite replies."""

    def __init__(self, inner: httpx.BaseTransport, emulator: Emulator) -> None:
        self.inner, self.emulator = inner, emulator
        self.steps: list[Step] = []
        self.watch_state = False
        self.rewrite: Callable[[bytes], bytes] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.watch_state:
            self.emulator.settle()  # what time does by itself is not this call's doing
        before = self.emulator.state() if self.watch_state else None
        try:
            response = self.inner.handle_request(request)
        except httpx.TransportError:
            self._note(request, before, b"")
            raise
        body = response.read()
        self._note(request, before, body)
        changed = self.rewrite(body) if self.rewrite else body
        if changed == body:
            return response
        headers = [(name, value) for name, value in response.headers.items() if name != "content-length"]
        return httpx.Response(response.status_code, headers=headers, content=changed, request=request)

    def _note(self, request: httpx.Request, before: object, reply: bytes) -> None:
        changed = self.watch_state and self.emulator.state() != before
        self.steps.append(Step(request.method, request.url.path, changed, reply))

    def close(self) -> None:
        self.inner.close()


@dataclass(slots=True)
class Pull:
    """Everything that a walk over the pages of orders brought."""

    cursor: str
    orders: dict[str, RemoteOrder] = field(default_factory=dict)
    pages: list[Page[RemoteOrder]] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)

    def add(self, page: Page[RemoteOrder]) -> None:
        self.pages.append(page)
        self.parked.extend(page.parked)
        self.orders.update({order.order_id: order for order in page.items})
        self.cursor = page.cursor


class Bench:
    """One per case. ``adapter`` is the adapter under test; ``fresh()`` builds another one, as a restarted process would."""

    def __init__(self, subject: type[Subject]) -> None:
        self.subject = subject
        self.manifest = subject.manifest()
        self.clock = ToyClock()
        self.emulator = subject.make_emulator(self.clock)
        self.wire = Wire(subject.make_transport(self.emulator), self.emulator)
        self.client = httpx.Client(transport=self.wire)
        self.pacer = BookPacer(self.clock)
        self.exchanges: list[Exchange] = []
        self.adapter = self.fresh()

    def fresh(self, **config: str) -> Full:
        """A new adapter on the same shop; keywords replace settings."""
        door = Door(self.client, self.subject.base_url(), self.pacer, self.clock, self.exchanges.append)
        return cast("Full", self.subject.make_adapter({**self.subject.config, **config}, door, self.clock))

    def close(self) -> None:
        self.client.close()

    def has(self, capability: Capability) -> bool:
        return capability in self.manifest.capabilities

    # --- the shop -----------------------------------------------------------------------------------------------------------------------

    def stock(self, **quantities: int) -> None:
        """Offers with these quantities at 19.99; underscores in names become hyphens."""
        for number, (name, quantity) in enumerate(quantities.items()):
            self.emulator.add_offer(name.replace("_", "-"), quantity=quantity, price="19.99", gtin=GTINS[number % len(GTINS)])

    def stock_many(self, count: int) -> None:
        for number in range(count):
            self.emulator.add_offer(f"MANY-{number:04d}", quantity=1_000 + number, price="19.99")

    def order(self, *lines: tuple[str, int], **how: bool | str) -> str:
        """A buyer orders now."""
        return self.emulator.place_order(lines, **how)  # type: ignore[arg-type]

    def many_orders(self) -> list[str]:
        """Orders for more than three pages: some in the same second, some with two lines."""
        self.stock(CUP_RED=50_000, CUP_BLUE=50_000)
        placed = []
        for number in range(self.emulator.orders_per_page * 3 + 2):
            lines = [("CUP-RED", 1 + number % 3)] + ([("CUP-BLUE", 2)] if number % 4 == 0 else [])
            placed.append(self.order(*lines))
            self.clock.advance(1 if number % 3 == 0 else 0)
        self.clock.advance(30)
        return placed

    def line(self, order_id: str, sku: str) -> ShopLine:
        return next(line for line in self.emulator.orders[order_id].lines if line.sku == sku)

    def intent(self, ref: OfferRef, quantity: int, expected: int | None = None) -> StockIntent:
        """A quantity that is true now."""
        return StockIntent(ref, quantity, self.subject.warehouse, self.clock(), expected)

    def money(self, amount: Decimal) -> Money:
        """An amount in the platform's currency, cut to the decimals that its prices have."""
        step = Decimal(1).scaleb(-self.manifest.quirks.price_decimals)
        return Money(amount.quantize(step, ROUND_FLOOR), self.manifest.currencies[0])

    # --- the adapter --------------------------------------------------------------------------------------------------------------------

    def patiently(self, call: Callable[[], R]) -> R:
        """The call; when our own budget is spent (no wire call was made) or the answer is "not now", time passes until it may go."""
        for _ in range(50):
            before = len(self.wire.steps)
            try:
                answer = call()
            except SlowDown as error:
                if len(self.wire.steps) != before:
                    raise
                self.clock.advance(error.retry_after + 0.1)
                continue
            if not (pause := not_now(answer)):
                return answer
            self.clock.advance(pause)
            self.emulator.settle()
        raise AssertionError('the adapter\'s budget stays spent, or it says "not now" for ever: 50 waits did not help')

    def offers(self) -> dict[str, RemoteOffer]:
        """All offers by SKU, as the adapter reads them."""
        found: dict[str, RemoteOffer] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            page = self.patiently(lambda at=cursor: self.adapter.read_offers(at))  # type: ignore[misc]
            found.update({offer.ref.sku: offer for offer in page.items})
            if page.done:
                return found
            cursor = page.cursor
        raise AssertionError(f"read_offers is not done after {MOST_PAGES} pages")

    def refs(self, *skus: str) -> list[OfferRef]:
        """Refs as the hub would hold them: from reading the offers where the adapter can."""
        if self.has(Capability.READ_OFFERS):
            found = self.offers()
            missing = [sku for sku in skus if sku not in found]
            assert not missing, f"read_offers does not show {', '.join(missing)}"
            return [found[sku].ref for sku in skus]
        return [OfferRef(sku, self.emulator.offers[sku].external_id) for sku in skus]

    def pull(self, cursor: str = "", *, restart: bool = False, between: Callable[[int], None] | None = None) -> Pull:
        """All pages of orders from ``cursor``; with ``restart`` each page is pulled by a new adapter; ``between`` runs after each page."""
        pulled = Pull(cursor)
        for number in range(1, MOST_PAGES + 1):
            adapter = self.fresh() if restart else self.adapter
            pulled.add(self.patiently(lambda puller=adapter: puller.pull_orders(pulled.cursor)))  # type: ignore[misc]
            if pulled.pages[-1].done:
                return pulled
            if between:
                between(number)
        raise AssertionError(f"pull_orders is not done after {MOST_PAGES} pages")

    def acknowledge(self, order_id: str) -> None:
        """Acknowledge if the adapter can: most platforms want it before anything else is done to an order."""
        if self.has(Capability.ACKNOWLEDGE):
            self.patiently(lambda: self.adapter.acknowledge(order_id))

    def wait_for(self, done: Callable[[], R | None], hours: float = 24) -> R:
        """Ask again while time passes, first in seconds, then longer, until the answer is not None."""
        until = self.clock() + timedelta(hours=hours)
        pause = 1.0
        while self.clock() < until:
            answer = self.patiently(done)
            if answer is not None:
                return answer
            self.clock.advance(pause)
            self.emulator.settle()
            pause = min(pause * 2, 900)
        raise AssertionError(f"nothing came of it in {hours} hours of the shop's time")

    def callback(self, topic: str, order_id: str) -> tuple[str, str, str, dict[str, str], bytes]:
        """The platform's own callback for this event, as ``read_hint`` takes it."""
        made = self.emulator.callback(topic, order_id)
        if made is None:
            raise CannotShow("the emulator makes no callbacks (override Emulator.callback)")
        return made.method, made.path, made.query_string, made.headers, made.body


def not_now(answer: object) -> float:
    """Seconds until the whole of an answer may be had; 0 if it is here."""
    parts = answer.values() if isinstance(answer, Mapping) else (answer,)
    return max((part.retry_after + 0.1 for part in parts if isinstance(part, NotNow)), default=0.0)


GTINS = ("4006381333931", "5901234123457", "4012345678901")


def unknown_number(known: str) -> str:
    """An order's number as the platform spells them, of an order that is not there."""
    return str(int(known) + 4_711) if known.isdigit() else f"{known}-4711"


def same_order(order: RemoteOrder, shop: ShopOrder) -> None:
    """The order is complete: the same lines, SKUs and quantities as in the shop."""
    told = sorted((line.line_id, line.ref.sku, line.ordered, line.cancelled, line.shipped) for line in order.lines)
    true = sorted((line.line_id, line.sku, line.ordered, line.cancelled, line.shipped) for line in shop.lines)
    assert told == true, f"order {shop.order_id}: the adapter tells {told}, the shop has {true} (line, SKU, ordered, cancelled, shipped)"


def each_once(found: Sequence[str], expected: Sequence[str], what: str) -> None:
    """Both lists name the same things, none twice."""
    lost, doubled = sorted(set(expected) - set(found)), sorted({name for name in found if found.count(name) > 1})
    strange = sorted(set(found) - set(expected))
    assert not lost, f"{len(lost)} {what} never came: {', '.join(lost[:5])}"
    assert not doubled, f"{len(doubled)} {what} came twice: {', '.join(doubled[:5])}"
    assert not strange, f"{what} that the shop does not have: {', '.join(strange[:5])}"
