"""Sellers with stalls on the emulated Walmart and eMAG, from the first contact on, on a toy clock: the whole engine, nothing sleeps.

Stalls are opened as a person opens them: probe, connect, read the catalogue, confirm the links, answer the cutover question, turn the
switches. ``work`` is the worker: it runs whatever lane is due, when it is due, and wake-ups arrive as they do in production.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.db import connection

from stallkeeper.catalog.models import KitComponent, StockUnit
from stallkeeper.channels import connect, cutover, links, rules, switches, turns_queries
from stallkeeper.channels.lanes import TAKEOVER
from stallkeeper.channels.models import Channel, ChannelLocation, Command, Connection, Lane, LaneKind, LaneStep, Offer, OfferTodo, SentLog
from stallkeeper.core import clock
from stallkeeper.core.models import Notification
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment import ship
from stallkeeper.ops import connections
from stallkeeper.ops.check import check
from stallkeeper.orders import cancel
from stallkeeper.orders.models import Order, OrderEvent, OrderLine, Shortage
from stallkeeper.stock.models import Level, Location, LocationOwner, Movement, Reservation
from stallkeeper.sync import adapters, budgets, run, runner, wake
from stallkeeper.sync.runner import Ended, run_lane
from stallkit.testing.emulator import Emulator
from stallkit.testing.serving import EmulatorTransport
from stallkit.types import CancelReason
from tests.market import Quiet, ToyClock
from tests.shop import Shop

CURRENCY = {"walmart": "USD", "emag": "RON", "dummy": "EUR", "wildberries": "RUB", "ozon": "RUB", "yandex_market": "RUB"}
WRITES = ("/v3/inventory", "/v3/feeds", "/offer/save")
ACTOR = "user:1"


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing may catch it."""


@dataclass
class Town:
    """The time that all share, and every stall that was opened."""

    clock: ToyClock
    stalls: list[Stall] = field(default_factory=list)
    dice: random.Random = field(default_factory=random.Random)
    deadly: float = 0.0
    """Per call: the worker that makes it dies, just before it or just after."""
    deaths: int = 0
    breaches: list[str] = field(default_factory=list)
    """Exchanges that broke a published contract."""

    def firm(self) -> Shop:
        shop = Shop.open()
        shop.at = self.clock()
        return shop

    def stall(self, shop: Shop, platform: str, *, goods: dict[str, int] | None = None, open_: bool = True, **options: Any) -> Stall:
        """A stall that shows ``goods`` (SKU to quantity) already, connected; linked by SKU and open for trade unless ``open_`` is False."""
        toy = importlib.import_module(f"stallkit.adapters.{platform}.emulator")
        emulator = toy.Emulator(self.clock, **options)
        emulator.sleep = lambda _seconds: None
        stall = Stall(self, shop, platform, emulator, f"http://{platform}-{len(self.stalls)}.test", dict(toy.CONFIG))
        self.stalls.append(stall)
        for sku, quantity in (goods or {}).items():
            emulator.add_offer(sku, quantity=quantity)
        stall.connect()
        if open_:
            stall.link()
            stall.open()
        return stall

    def client(self, base_url: str) -> httpx.Client:
        stall = next(stall for stall in self.stalls if base_url == stall.address)
        return httpx.Client(transport=Wire(way_to(stall.platform, stall.emulator), self))

    def stock(self, shop: Shop, unit: StockUnit, on_hand: int | dict[str, int]) -> None:
        shop.at = self.clock()
        shop.stock(unit, on_hand)

    def work(self, seconds: float = 30, worker: str = "w1") -> list[Ended]:
        """The worker's day: run every lane when it is due, until so much time has passed."""
        until = self.clock.at + timedelta(seconds=seconds)
        ended = []
        while True:
            for lane in self._due():
                try:
                    ended.append(run_lane(lane, worker))
                except Killed:
                    self.deaths += 1
                    adapters.forget_sessions()
            following = max(self._next(), self.clock.at + timedelta(milliseconds=200))
            if following > until:
                self.clock.at = max(until, self.clock.at)
                return ended
            self.clock.at = following

    def _due(self) -> list[int]:
        with across_organisations(Passage.TICK), connection.cursor() as cursor:
            return [ready.lane for ready in turns_queries.due(cursor, self.clock.at, self.clock.at - TAKEOVER, most=1_000)]

    def _next(self):
        with across_organisations(Passage.TICK), connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(CASE WHEN claimed_by = '' THEN not_before ELSE heartbeat_at + '10 s' END) FROM channels_lane WHERE enabled"
            )
            return cursor.fetchone()[0]


def way_to(platform: str, emulator: Emulator) -> httpx.BaseTransport:
    """The wire of a platform; where its contract is published as a schema, one that checks each exchange."""
    name = f"stallkit.adapters.{platform}.published"
    checked = getattr(importlib.import_module(name), "Transport", None) if importlib.util.find_spec(name) else None
    return checked(emulator) if checked else EmulatorTransport(emulator)


class Wire(httpx.BaseTransport):
    """The way to an emulator, on which workers may die. Breaches of contracts are kept: the engine takes any error for the platform's."""

    def __init__(self, inner: httpx.BaseTransport, town: Town) -> None:
        self.inner, self.town = inner, town

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._perhaps_die()
        try:
            reply = self.inner.handle_request(request)
        except AssertionError as breach:
            self.town.breaches.append(f"{request.method} {request.url}: {breach}")
            raise
        self._perhaps_die()
        return reply

    def _perhaps_die(self) -> None:
        if self.town.deadly and self.town.dice.random() < self.town.deadly:
            raise Killed


@dataclass
class Stall:
    """A seller's account on a platform, our channel for it, and the platform behind it."""

    town: Town
    shop: Shop
    platform: str
    emulator: Emulator
    address: str
    config: dict[str, str]
    channel: Channel = field(init=False)

    @property
    def name(self) -> str:
        return f"{self.platform} of {self.shop.organisation.slug}"

    @property
    def connection_id(self) -> int:
        return self.channel.connection_id

    @property
    def account(self) -> Connection:
        with self.shop.scope():
            return Connection.objects.get(pk=self.connection_id)

    def use_case(self, name: str = "test.change"):
        return use_case(name, organisation_id=self.shop.organisation.pk, actor=ACTOR)

    # --- opening ------------------------------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        settings = connect.check_settings(connect.manifest(self.platform), self.config)
        if self.emulator.limits_scale != 1.0:
            settings.shown[adapters.SCALE] = str(self.emulator.limits_scale)
        shop, currency = self.shop.organisation.pk, CURRENCY[self.platform]
        with self.shop.scope():
            made = connections.connect(
                shop, self.platform, self.name, None, currency, settings, self.address, ACTOR, self._warehouse(settings)
            )
            self.channel = Channel.objects.select_related("connection").get(connection_id=made.connection_id)

    def _warehouse(self, settings: connect.Settings) -> str:
        """The first of the platform's own warehouses that can be used; "" where it keeps one figure for all."""
        budget = adapters.budget_beforehand(settings.all, self.address)
        found = adapters.warehouses(self.platform, settings.all, self.address, budget)
        return next((one.id for one in found if one.usable), "")

    def link(self) -> None:
        """Read what the account lists and say yes to whatever exactly one unit fits."""
        self.town.clock.tick(5)  # connecting has spent what some platforms allow in a second
        self.run(LaneKind.BACKGROUND)
        with self.use_case("offers.link") as uc:
            links.confirm(uc, links.certain(self.channel.pk))

    def open(self, *, include: bool = True, stock: bool = True) -> None:
        """Answer the cutover question and turn every switch."""
        with self.use_case("channel.open") as uc:
            cutover.answer(uc, self.channel.pk, include=include)
            switches.set_company(uc, True)
            switches.set_writes(uc, self.connection_id, True)
            switches.set_channel(uc, self.channel.pk, orders=True, stock=stock)
        self.refresh()

    def rules(self, **chosen: object) -> None:
        with self.use_case("channel.rules") as uc:
            rules.save(uc, self.channel.pk, **chosen)
        self.refresh()

    def refresh(self) -> None:
        with self.shop.scope():
            self.channel = Channel.objects.select_related("connection").get(pk=self.channel.pk)

    # --- running ------------------------------------------------------------------------------------------------------------------------

    def lane(self, kind: str = LaneKind.TRADE) -> Lane:
        with self.shop.scope():
            return Lane.objects.get(subject_id=self.connection_id, kind=kind)

    def run(self, kind: str = LaneKind.TRADE, worker: str = "w1", outcome: str = "ok") -> Ended:
        """One run of a lane that is expected to end like this."""
        ended = run_lane(self.lane(kind).pk, worker)
        errors = [f"{step.step}: {step.error}" for step in ended.steps if step.error]
        assert ended.outcome == outcome, (ended.outcome, errors)
        return ended

    def step(self, name: str, kind: str = LaneKind.TRADE) -> LaneStep:
        with self.shop.scope():
            return LaneStep.objects.get(lane=self.lane(kind), step=name)

    # --- what is there ------------------------------------------------------------------------------------------------------------------

    def offer(self, sku: str) -> Offer:
        with self.shop.scope():
            return Offer.objects.get(channel=self.channel, sku=sku)

    def order(self, external: str) -> Order:
        with self.shop.scope():
            return Order.objects.get(connection_id=self.connection_id, external_id=external)

    def lines(self, external: str) -> list[OrderLine]:
        with self.shop.scope():
            return list(OrderLine.objects.filter(order=self.order(external)).order_by("line_id"))

    def events(self, external: str) -> list[str]:
        with self.shop.scope():
            return list(OrderEvent.objects.filter(order=self.order(external)).order_by("id").values_list("kind", flat=True))

    def command(self, external: str, kind: str) -> Command:
        """The last command of this kind on the order."""
        with self.shop.scope():
            return Command.objects.filter(kind=kind, subject_id=self.order(external).pk).latest("id")

    def todo(self) -> list[str]:
        with self.shop.scope():
            return sorted(OfferTodo.objects.filter(channel=self.channel).values_list("offer__sku", flat=True))

    def sent(self, sku: str) -> list[tuple[int, str]]:
        """Every quantity that was sent for the offer, with what came of it."""
        with self.shop.scope():
            rows = SentLog.objects.filter(offer_id=self.offer(sku).pk, kind="quantity").order_by("id")
            return [(int(row.value), row.outcome) for row in rows]

    def writes(self) -> int:
        """How many calls have tried to change a figure on the platform, by the platform's own log."""
        return sum(call.method in {"PUT", "POST"} and call.path.removeprefix("/api-3").startswith(WRITES) for call in self.emulator.calls)

    def shown(self) -> dict[str, int]:
        """What a buyer sees of each offer now."""
        return {sku: self.emulator.quantity_of(sku) for sku in sorted(self.emulator.offers)}

    # --- what people do -----------------------------------------------------------------------------------------------------------------

    def cancel(self, external: str, lines: dict[str, int] | None = None, reason: CancelReason = CancelReason.BUYER_ASKED) -> None:
        cancel.cancel_lines(self.shop.organisation.pk, self.order(external).pk, self._by_pk(external, lines), reason=reason, actor=ACTOR)

    def ship(self, external: str, lines: dict[str, int] | None = None, *, carrier: str = "UPS", tracking: str = "1Z999", **more: Any):
        return ship.ship(
            self.shop.organisation.pk,
            self.order(external).pk,
            self._by_pk(external, lines),
            carrier=carrier,
            tracking_number=tracking,
            actor=ACTOR,
            **more,
        )

    def _by_pk(self, external: str, lines: dict[str, int] | None) -> dict[int, int] | None:
        return None if lines is None else {line.pk: lines[line.line_id] for line in self.lines(external) if line.line_id in lines}


# --- the truth, told again in plain words -----------------------------------------------------------------------------------------------


def free(unit_id: int, place_id: int) -> int:
    level = Level.objects.filter(stock_unit_id=unit_id, location_id=place_id).first()
    return level.on_hand - level.allocated - level.held if level else 0


def should_show(stall: Stall, offer: Offer) -> int:
    """What a buyer should see of an offer by the rules: on hand less promised, kits, share, buffer, cap, zero-at, pack factor."""
    channel = Channel.objects.get(pk=stall.channel.pk)
    places = list(ChannelLocation.objects.filter(channel=channel).values_list("location_id", flat=True))
    parts = dict(KitComponent.objects.filter(kit_id=offer.stock_unit_id).values_list("component_id", "quantity")) or {
        offer.stock_unit_id: 1
    }
    per_place = (min(max(free(unit, place), 0) // number for unit, number in parts.items()) for place in places)
    figure = int(sum(per_place) * channel.share // 100)
    figure = max(figure - channel.buffer, 0)
    figure = figure if channel.max_publish is None else min(figure, channel.max_publish)
    figure = 0 if figure <= channel.zero_at else figure
    return figure // offer.pack_factor


def assert_true(*stalls: Stall) -> None:
    """L10: intended = believed = what the platform holds, nothing is waiting, and buyers see exactly what the rules say."""
    for stall in stalls:
        with stall.shop.scope():
            offers = list(Offer.objects.filter(channel=stall.channel, stock_excluded=False).order_by("sku"))
            should = {offer.sku: should_show(stall, offer) for offer in offers}
        figures = {offer.sku: (offer.intended_qty, offer.believed_qty, held_by(stall, offer.sku)) for offer in offers}
        torn = {sku: figure for sku, figure in figures.items() if len(set(figure)) != 1}
        assert not torn, f"{stall.name}: (intended, believed, theirs) {torn}"
        seen = {sku: stall.emulator.quantity_of(sku) for sku in should}
        assert seen == should, f"{stall.name}: buyers see {seen}, the rules say {should}"
        assert stall.todo() == []


def held_by(stall: Stall, sku: str) -> int:
    """The platform's own figure, in the basis in which it is written and read."""
    stall.emulator.quantity_of(sku)  # lets the platform finish what is due
    toy: Any = stall.emulator
    return toy.input[sku] if stall.platform == "walmart" else toy.general[sku] if stall.platform == "emag" else toy.offers[sku].quantity


def assert_adds_up(shop: Shop, *, calm: bool = False) -> None:
    """Invariants 1, 2, 3 and 7 added up in plain words: ledger, reservations, lines, shortages, open units of offers. Then ``check``."""
    problems = [problem for result in check(shop.organisation.pk, calm=calm) for problem in result.problems]
    assert not problems, problems
    with shop.scope():
        _assert_levels()
        lines = list(OrderLine.objects.select_related("order", "order__channel").order_by("pk"))
        rows = dict(Shortage.objects.values_list("line_id", "quantity"))
        for line in lines:
            assert line.shipped + line.cancelled + line.short <= line.ordered
            short = line.short if line.order.state != Order.State.PENDING else 0
            assert rows.get(line.pk, 0) == short, f"line {line.pk} is short of {line.short}, its row says {rows.get(line.pk)}"
            kept = sum(Reservation.objects.filter(owner_type="line", owner_id=line.pk).values_list("quantity", flat=True))
            assert bool(kept) == bool(line.allocated and not line.order.at_cutover), (
                f"line {line.pk}: {kept} reserved, {line.allocated} promised"
            )
        for offer in Offer.objects.order_by("pk"):
            mine = [line for line in lines if line.offer_id == offer.pk]
            waiting = [line for line in mine if line.order.state in {"pending", "new"}]
            counted = (sum(line.open for line in mine), sum(line.open for line in waiting))
            assert (offer.open_qty, offer.unacknowledged_qty) == counted, f"{offer.sku}: open orders {counted}, counted {offer.open_qty}"


def _assert_levels() -> None:
    moved, promised, kept = Counter(), Counter(), Counter()
    for move in Movement.objects.all():
        moved[move.stock_unit_id, move.to_location_id] += move.quantity
        moved[move.stock_unit_id, move.from_location_id] -= move.quantity
    for row in Reservation.objects.all():
        (promised if row.kind == "allocated" else kept)[row.stock_unit_id, row.location_id] += row.quantity
    for level in Level.objects.filter(location__in=Location.objects.exclude(owner=LocationOwner.VIRTUAL)):
        spot = level.stock_unit_id, level.location_id
        assert (level.on_hand, level.allocated, level.held) == (moved[spot], promised[spot], kept[spot]), f"level {spot}"
        assert 0 <= level.allocated <= level.on_hand, f"level {spot} promises {level.allocated} of {level.on_hand}"


def notices(shop: Shop, *, open_only: bool = True) -> dict[str, str]:
    """Notifications by key, with their titles."""
    with shop.scope():
        rows = Notification.objects.filter(resolved_at=None) if open_only else Notification.objects.all()
        return dict(rows.values_list("key", "title"))


@contextmanager
def open_town(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """An empty town at noon. Waiting for a budget moves the clock; wake-ups arrive although the test's own transaction stays open."""
    toy = ToyClock()
    adapters.forget_sessions()
    waiting: Callable[..., Any] = adapters.PgPacer

    def pacer(*args: Any, **named: Any) -> Any:
        return waiting(*args, **named, sleep=toy.tick)

    def seconds() -> float:
        return toy.at.timestamp()

    monkeypatch.setattr(adapters, "PgPacer", pacer)
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=seconds))
    monkeypatch.setattr(budgets, "time", SimpleNamespace(sleep=toy.tick))
    monkeypatch.setattr(runner, "Heart", Quiet)
    monkeypatch.setattr(wake, "transaction", _AtOnce)
    with clock.using(toy):
        town = Town(toy)
        monkeypatch.setattr(adapters, "client", cache(town.client))
        yield town
        assert town.breaches == []


class _AtOnce:
    """Stands for django.db.transaction in ``wake``: the test case never commits, so what waits for the commit is done at once."""

    @staticmethod
    def on_commit(function: Callable[[], object], robust: bool = False) -> None:
        function()
