"""The rush: very many buyers at once want what there is little of, on several stalls; who gets it, and is anything sold twice?

Everything runs in one process on a toy clock: the real hub, emulated platforms, and buyers who order at any moment, also while a call of
the hub is on its way. A reply takes its time, some replies get lost, some calls are refused with "too many requests". Played in guarded and
in shared mode with the same seed, and without the delay: then nobody orders before every stall shows what the order before has left.

``python -m stallkeeper.ops.simulation.rush --orders 1000`` prints the table.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from random import Random
from types import SimpleNamespace
from typing import NamedTuple

from django.db import connection
from django.db.models import Min, Sum

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import connect, guarding, turns_queries
from stallkeeper.channels.lanes import TAKEOVER
from stallkeeper.channels.models import Channel, Lane, OfferTodo, WriteWindow
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.ops import connections
from stallkeeper.ops.simulation import batch, injected
from stallkeeper.ops.simulation.clock import MORNING, WorldClock
from stallkeeper.ops.simulation.database import default_connection_on
from stallkeeper.ops.simulation.rush_verdict import Goods, Product, Sale, Verdict, Window, bounded, judge
from stallkeeper.ops.simulation.stalls import ACTOR, CURRENCY, Stall, emulated
from stallkeeper.orders.models import Order, OrderLine, Shortage
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Location
from stallkeeper.sync import adapters, budgets, run, runner
from stallkit.http import Client
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.testing.emulator import Dials, SoldOut
from stallkit.testing.serving import client_of
from stallkit.testing.shop import Fault

FIVE = ("dummy", "walmart", "emag", "wildberries", "yandex_market")
WITH_OZON = ("dummy", "emag", "ozon", "wildberries", "yandex_market")
COMPARING = ("dummy",) * 5
PRODUCTS = 50
A_SECOND = 200
"""So many buyers come in a second of the toy clock."""
SCARCE = 10
"""For every so many buyers there is one unit."""
REPLY = (0.05, 0.6)
"""Seconds that a reply takes."""
FAULTS = {Fault.RATE_LIMIT: 0.01, Fault.DROP_AFTER: 0.02, Fault.DROP_BEFORE: 0.01, Fault.SERVER_ERROR: 0.01}
CALM = 40
LATEST = 0.7
"""Goods come in during this part of the time."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How a rush is played."""

    name: str
    platforms: Sequence[str] = FIVE
    guarded: bool = True
    delayed: bool = True


MODES = (
    Mode("guarded, all compare", COMPARING),
    Mode("shared, all compare", COMPARING, guarded=False),
    Mode("guarded, five platforms"),
    Mode("shared, five platforms", guarded=False),
    Mode("guarded, with Ozon", WITH_OZON),
    Mode("shared, with Ozon", WITH_OZON, guarded=False),
    Mode("guarded, no delay", delayed=False),
    Mode("guarded, with Ozon, no delay", WITH_OZON, delayed=False),
)


@dataclass(slots=True)
class Outcome:
    """What came of a rush; ``rush_verdict`` says what the kinds of sold units are."""

    mode: Mode
    buyers: int = 0
    units: int = 0
    sold: int = 0
    beyond: int = 0
    explained: int = 0
    covered: int = 0
    oversold: int = 0
    unread: int = 0
    missing: int = 0
    left: int = 0
    rows: int = 0
    astray: int = 0
    """Units of shortage rows, open or closed; and by how many that differs from the oversold ones, added up over the products."""
    short: int = 0
    """Units of open shortage rows: the missing ones."""
    named: int = 0
    """Units of shortage rows that name the write which went over a sale."""
    windows: int = 0
    needless: int = 0
    """Recorded windows; of them, on platforms that compare: there are none."""
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    hours: float = 0.0
    """Of the toy clock."""

    def count(self, product: Product, verdict: Verdict) -> None:
        for name in ("units", "sold", "beyond", "explained", "covered", "oversold", "unread", "missing", "left"):
            setattr(self, name, getattr(self, name) + getattr(verdict, name))
        self.astray += abs(product.worst - verdict.oversold)

    def as_json(self) -> dict[str, object]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in {"mode", "faults"}}
        return {"mode": self.mode.name, **plain, "faults": dict(self.faults), "problems": self.problems}

    @property
    def problems(self) -> list[str]:
        """What must not be."""
        guarded, compares = self.mode.guarded, self.mode.guarded and self.mode.platforms == COMPARING
        must = [
            (not self.unread, f"{self.unread} sales were never read"),
            (
                not self.astray,
                f"{self.oversold} units oversold, {self.rows} in shortage rows, {self.astray} at the wrong product",
            ),
            (self.short == self.missing, f"{self.missing} units are not there, {self.short} stand in open shortage rows"),
            (not guarded or self.explained == self.beyond, f"{self.beyond - self.explained} sold beyond outside of every window"),
            (not guarded or self.named == self.rows, f"{self.rows - self.named} short units name no window"),
            (not self.needless, f"{self.needless} windows where the platform compares"),
            (self.mode.delayed or not self.beyond, f"{self.beyond} sold beyond although nothing came late"),
            (not compares or not self.beyond, f"{self.beyond} sold beyond where figures are compared"),
        ]
        return [f"{self.mode.name}: {text}" for fine, text in must if not fine]


class Booth(Stall):
    """A stall that is opened for the rush, on the first of the platform's own warehouses where it has some."""

    def connect(self, code: str) -> None:
        settings = connect.check_settings(connect.manifest(self.platform), self.config)
        settings.shown[adapters.SCALE] = str(self.emulator.limits_scale)
        budget = adapters.budget_beforehand(settings.all, self.address)
        found = adapters.warehouses(self.platform, settings.all, self.address, budget)
        warehouse = next((one.id for one in found if one.usable), "")
        currency = CURRENCY.get(self.platform) or manifest_of(self.platform).currencies[0]
        shop = self.organisation_id
        with organisation_scope(shop):
            made = connections.connect(shop, self.platform, self.name, code, currency, settings, self.address, ACTOR, warehouse)
            self.channel = Channel.objects.select_related("connection").get(connection_id=made.connection_id)


class Event(NamedTuple):
    """Something that happens of a product, so many seconds after the morning."""

    at: float
    sku: str
    act: Callable[[], bool]
    """Tells whether anything has come of it."""


class Rush:
    """One rush. ``hearts`` is what an injected heart asks for."""

    def __init__(self, mode: Mode, seed: int, buyers: int, limits_scale: float) -> None:
        self.mode, self.dice, self.buyers, self.scale, self.seed = mode, Random(f"rush:{seed}"), buyers, limits_scale, seed  # noqa: S311
        self.clock = WorldClock(lambda: "")
        self.hearts: dict[str, injected.Heart] = {}
        self.stalls: list[Booth] = []
        self.units: dict[str, StockUnit] = {}
        self.supply: Counter[str] = Counter()
        self.goods: dict[str, list[Goods]] = {}
        self.events: list[Event] = []
        self.begun = False
        self.outcome = Outcome(mode, buyers)

    # --- time ---------------------------------------------------------------------------------------------------------------------------

    def pass_(self, seconds: float) -> None:
        """Time passes, and what happens in it happens."""
        until = self.clock.at + timedelta(seconds=seconds)
        while self.events and MORNING + timedelta(seconds=self.events[-1].at) <= until:
            event = self.events.pop()
            self.clock.at = max(self.clock.at, MORNING + timedelta(seconds=event.at))
            event.act()
        self.clock.at = max(self.clock.at, until)
        for heart in self.hearts.values():
            heart.perhaps_beat()

    def _seconds(self) -> float:
        return self.clock.at.timestamp()

    def _client(self, base_url: str) -> Client:
        stall = next(stall for stall in self.stalls if base_url == stall.address)
        return client_of(stall.emulator, self._waits, self._waits)

    def _waits(self) -> None:
        """Half of a reply's time goes by before the platform acts, and half after it."""
        if self.begun and self.mode.delayed:
            self.pass_(self.dice.uniform(*REPLY) / 2)

    # --- opening ------------------------------------------------------------------------------------------------------------------------

    def use_case(self, name: str) -> object:
        return use_case(name, organisation_id=self.organisation.pk, actor=ACTOR)

    def open(self) -> None:
        self.organisation = Organisation.objects.create(name="Rush", slug=f"rush-{self.seed}", sending_enabled=True, created_at=MORNING)
        shop = self.organisation.pk
        with use_case("rush.places", organisation_id=shop, actor=ACTOR) as uc:
            self.place: Location = places.first_locations(uc)
        with organisation_scope(shop):
            for number in range(PRODUCTS):
                sku = f"P{number:02d}"
                self.units[sku] = StockUnit.objects.create(organisation=self.organisation, sku=sku, title=sku, created_at=MORNING)
        for position, platform in enumerate(self.mode.platforms):
            self._stall(position, platform)
        with organisation_scope(shop):
            for unit in self.units.values() if self.mode.guarded else ():
                with use_case("rush.guard", organisation_id=shop, actor=ACTOR) as uc:
                    guarding.set_unit(uc, unit, True)
            for sku in self.units:
                self._restock(sku, self.dice.randint(3, 6))
        self._work_off()

    def _stall(self, position: int, platform: str) -> None:
        emulator, config = emulated(platform, seed=self.seed, limits_scale=self.scale, clock=self.clock)
        if platform == "dummy":
            emulator.account_id = f"A-{position}"  # type: ignore[attr-defined]
        address = f"http://{platform.replace('_', '-')}-{position}.test"
        stall = Booth(self.organisation.pk, platform, emulator, address, config, self.clock.pass_)
        self.stalls.append(stall)
        for sku in self.units:
            emulator.add_offer(sku, quantity=0)
        stall.connect(f"S{position}")
        self.clock.pass_(5)
        stall.open()

    # --- what happens -------------------------------------------------------------------------------------------------------------------

    def _restock(self, sku: str, units: int) -> bool:
        self.supply[sku] += units
        reference = f"{sku}:{self.supply[sku]}"
        with use_case("rush.stock", organisation_id=self.organisation.pk, actor=ACTOR) as uc:
            ledger.set_on_hand(uc, [Target(self.units[sku].pk, self.place.pk, self.supply[sku], reference)])
        self.goods.setdefault(sku, []).append(Goods(uc.at, units))
        return True

    def _buy(self, stall: Stall, sku: str) -> bool:
        try:
            stall.emulator.place_order([(sku, 1)])
        except SoldOut:
            return False
        return True

    def _draw(self, begin: float) -> float:
        """Buyers and goods that come in, as they are drawn; returns how many seconds that lasts."""
        lasts = 30 + self.buyers / A_SECOND
        names = list(self.units)
        for _ in range(self.buyers):
            stall, sku = self.dice.choice(self.stalls), self.dice.choice(names)
            self.events.append(Event(begin + self.dice.uniform(0, lasts), sku, partial(self._buy, stall, sku)))
        lots = self.buyers // SCARCE
        while lots > 0:
            lot = min(self.dice.randint(1, 5), lots)
            lots -= lot
            at, sku = begin + self.dice.uniform(0, lasts * LATEST), self.dice.choice(names)
            self.events.append(Event(at, sku, partial(self._restock, sku, lot)))
        self.events.sort(key=lambda event: -event.at)
        return lasts

    def play(self) -> Outcome:
        begun = time.perf_counter()
        with self._injected():
            self.open()
            for stall in self.stalls if self.mode.delayed else ():
                stall.emulator.dials = Dials(faults=FAULTS)
            self.begun, opened = True, self.clock.at
            lasts = self._draw((self.clock.at - MORNING).total_seconds())
            if self.mode.delayed:
                self._work(opened + timedelta(seconds=lasts))
            else:
                self._one_by_one()
            for stall in self.stalls:
                stall.emulator.dials = Dials()
            self._work_off(danger=1)
            with organisation_scope(self.organisation.pk):
                self._judge()
            self.outcome.hours = (self.clock.at - opened).total_seconds() / 3600
        self.outcome.seconds = time.perf_counter() - begun
        return self.outcome

    def _one_by_one(self) -> None:
        """Of each product one thing happens, then every stall is brought in step. A buyer who finds none left changes nothing: the next."""
        waiting: dict[str, list[Event]] = {sku: [] for sku in self.units}
        for event in self.events:
            waiting[event.sku].append(event)
        self.events = []
        while any(waiting.values()):
            happened = [self._next_to_happen(queue) for queue in waiting.values()]
            if any(happened):
                self._work_off(danger=1)

    def _next_to_happen(self, queue: list[Event]) -> bool:
        while queue:
            if queue.pop().act():
                return True
        return False

    # --- the hub ------------------------------------------------------------------------------------------------------------------------

    def _work(self, until: datetime) -> None:
        """The worker's day: every lane when it is due."""
        while self.clock.at < until:
            for lane in self._due():
                runner.run_lane(lane, "w1")
            self.pass_(min(max((self._next() - self.clock.at).total_seconds(), 0.1), 5.0))

    def _due(self) -> list[int]:
        with across_organisations(Passage.TICK), connection.cursor() as cursor:
            return [ready.lane for ready in turns_queries.due(cursor, self.clock.at, self.clock.at - TAKEOVER, most=1_000)]

    def _next(self) -> datetime:
        with organisation_scope(self.organisation.pk):
            found: datetime = Lane.objects.filter(enabled=True).aggregate(first=Min("not_before"))["first"]
            return found

    def _todo(self, danger: int = 0) -> bool:
        with organisation_scope(self.organisation.pk):
            return OfferTodo.objects.filter(danger__gte=danger).exists()

    def _work_off(self, danger: int = 0) -> None:
        """Until every order is here and every stall shows what it should, or (``danger``) no more than that: raises may wait for long."""
        for _ in range(CALM):
            self._work(self.clock.at + timedelta(seconds=12))
            with organisation_scope(self.organisation.pk):
                known = Order.objects.count()
            if known == sum(len(stall.emulator.orders) for stall in self.stalls) and not self._todo(danger):
                return

    @contextmanager
    def _injected(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(clock.using(self.clock))
            for owner, name, value in (
                (adapters, "client", cache(self._client)),
                (adapters, "_sessions", {}),
                (adapters, "PgPacer", partial(budgets.PgPacer, sleep=self.pass_)),
                (run, "time", SimpleNamespace(monotonic=self._seconds)),
                (runner, "time", SimpleNamespace(monotonic=self._seconds)),
                (runner, "Heart", partial(injected.Heart, self)),
            ):
                stack.enter_context(injected.replaced(owner, name, value))
            yield

    # --- the verdict --------------------------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        outcome = self.outcome
        for product in self._products():
            outcome.count(product, judge(product, timedelta(seconds=REPLY[1])))
        for worst, short, window in Shortage.objects.values_list("worst", "quantity", "window_id"):
            outcome.rows += worst
            outcome.short += short
            outcome.named += worst if window is not None else 0
        compares = {stall.channel.pk for stall in self.stalls if Capability.COMPARE_AND_SET in manifest_of(stall.platform).capabilities}
        outcome.windows = WriteWindow.objects.count()
        outcome.needless = WriteWindow.objects.filter(offer__channel_id__in=compares).count()
        outcome.calls = sum(len(stall.emulator.calls) for stall in self.stalls)
        outcome.faults = Counter(call.fault for stall in self.stalls for call in stall.emulator.calls if call.fault)

    def _products(self) -> Iterator[Product]:
        sales, read, windows = self._sales(), self._read(), self._windows()
        worst = Counter(dict(Shortage.objects.values_list("stock_unit_id").annotate(units=Sum("worst"))))
        for sku, unit in self.units.items():
            yield Product(self.goods[sku], sales.get(sku, []), read.get(unit.pk, []), windows.get(sku, {}), worst[unit.pk])

    def _sales(self) -> dict[str, list[Sale]]:
        found: dict[str, list[Sale]] = {}
        for stall in self.stalls:
            for order in stall.emulator.orders.values():
                for line in order.lines:
                    found.setdefault(line.sku, []).extend([Sale(order.placed_at, stall.channel.pk)] * line.ordered)
        return found

    def _read(self) -> dict[int, list[datetime]]:
        found: dict[int, list[datetime]] = {}
        for unit, at, units in OrderLine.objects.values_list("stock_unit_id", "order__imported_at", "ordered"):
            found.setdefault(unit, []).extend([at] * units)
        return found

    def _windows(self) -> dict[str, dict[int, list[Window]]]:
        found: dict[str, dict[int, list[Window]]] = {}
        rows = WriteWindow.objects.order_by("sent_at").values_list("offer__sku", "offer__channel_id", "read_at", "written_at")
        for sku, channel, begin, end in rows:
            found.setdefault(sku, {}).setdefault(channel, []).append(Window(begin, end))
        return {sku: {channel: bounded(some) for channel, some in mine.items()} for sku, mine in found.items()}


def play(mode: Mode, seed: int, buyers: int, limits_scale: float) -> Outcome:
    """Play one rush in a database of its own."""
    server = batch.server()
    with server.clone() as name, default_connection_on(name):
        return Rush(mode, seed, buyers, limits_scale).play()


COLUMNS = {
    **{"buyers": "buyers", "units": "units", "sold": "sold", "sold beyond": "beyond", "in a window": "explained", "covered": "covered"},
    **{"oversold": "oversold", "in shortage rows": "rows", "name a window": "named", "missing": "missing", "windows": "windows"},
}


def table(outcomes: Sequence[Outcome]) -> str:
    """The figures, a line each."""
    lines: list[tuple[str, ...]] = [("", *COLUMNS, "calls", "faults", "toy h", "s")]
    for one in outcomes:
        figures = [str(getattr(one, name)) for name in COLUMNS.values()]
        lines.append((one.mode.name, *figures, str(one.calls), str(one.faults.total()), f"{one.hours:.2f}", f"{one.seconds:.0f}"))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True)) for line in lines)


def told(limits_scale: float) -> str:
    """The circumstances, for people."""
    replies, faults = f"replies take {REPLY[0]} to {REPLY[1]} s", ", ".join(f"{fault} {rate:.0%}" for fault, rate in FAULTS.items())
    return f"{PRODUCTS} products, platforms' limits x {limits_scale}, {A_SECOND} buyers a second, {replies}; {faults}"
