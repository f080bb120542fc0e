"""A stall of the simulated seller: an emulated platform, the account on it, and our channel for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from stallkeeper.channels import connect, cutover, links, switches
from stallkeeper.channels.models import Channel, Connection, Lane, LaneKind, Offer, OfferTodo, RemoteListing
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.ops import connections
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.sync import adapters
from stallkeeper.sync.runner import run_lane
from stallkit.registry import manifest_of
from stallkit.testing.emulator import Emulator, ShopOffer, ShopOrder, WireRequest

CURRENCY = {"walmart": "USD", "emag": "RON", "ozon": "RUB", "wildberries": "RUB", "yandex_market": "RUB"}
ACTOR = "user:1"
RUNS = 30
"""So many runs read a catalogue of a few pages at the most."""


@dataclass
class Stall:
    """``address`` is where the hub believes the platform to be."""

    organisation_id: int
    platform: str
    emulator: Emulator
    address: str
    config: dict[str, str]
    pass_: Callable[[float], object]
    """Lets so many seconds pass."""
    channel: Channel = field(init=False)
    hint_token: str = ""
    hints: list[WireRequest | None] = field(default_factory=list)
    """Callbacks that are on their way to us."""
    gone: dict[str, ShopOffer] = field(default_factory=dict)
    """Listings that the platform has taken down, by SKU."""

    @property
    def name(self) -> str:
        return self.address.removeprefix("http://").removesuffix(".test")

    @property
    def connection_id(self) -> int:
        return self.channel.connection_id

    @property
    def view(self) -> StallView:
        return StallView(self.channel.pk, self.connection_id, self.platform, manifest_of(self.platform).quirks, self.emulator)

    def account(self) -> Connection:
        with organisation_scope(self.organisation_id):
            return Connection.objects.get(pk=self.connection_id)

    def use_case(self, name: str) -> AbstractContextManager[UseCase]:
        return use_case(name, organisation_id=self.organisation_id, actor=ACTOR)

    def connect(self, code: str) -> None:
        """Probe, store the account and its channel: everything is off."""
        settings = connect.check_settings(connect.manifest(self.platform), self.config)
        if self.emulator.limits_scale != 1.0:
            settings.shown[adapters.SCALE] = str(self.emulator.limits_scale)
        currency = CURRENCY.get(self.platform) or manifest_of(self.platform).currencies[0]
        theirs = adapters.warehouses(self.platform, settings.all, self.address, adapters.budget_beforehand(settings.all, self.address))
        place = next((one.id for one in theirs if one.usable), "")
        with organisation_scope(self.organisation_id):
            made = connections.connect(self.organisation_id, self.platform, self.name, code, currency, settings, self.address, ACTOR, place)
            self.channel = Channel.objects.select_related("connection").get(connection_id=made.connection_id)
        self.hint_token = self.channel.connection.hint_token

    def open(self) -> None:
        """Read what the account lists, link what fits, answer the cutover question, turn every switch."""
        self._read_catalogue()
        with self.use_case("offers.link") as uc:
            links.confirm(uc, links.certain(self.channel.pk))
        with self.use_case("channel.open") as uc:
            cutover.answer(uc, self.channel.pk, include=True)
            switches.set_company(uc, True)
            switches.set_writes(uc, self.connection_id, True)
            switches.set_channel(uc, self.channel.pk, orders=True, stock=True)
        self.refresh()

    def _read_catalogue(self) -> None:
        """To its end: a run stops where the platform's limits do, and nothing is linked before all listings are known."""
        for _ in range(RUNS):
            ended = run_lane(self.lane(LaneKind.BACKGROUND).pk, "opening")
            if ended.outcome != "ok":
                raise RuntimeError(f"{self.name}: the catalogue could not be read: {ended}")
            with organisation_scope(self.organisation_id):
                if links.certain(self.channel.pk):
                    return
            self.pass_(1)
        raise RuntimeError(f"{self.name}: the catalogue has no end, or fits nothing")

    def link(self, sku: str, unit_id: int, pack_factor: int) -> None:
        """A person says what a listing is, and how many units one of it takes."""
        with self.use_case("choose.link") as uc:
            links.choose(uc, RemoteListing.objects.get(channel=self.channel, sku=sku).pk, unit_id, pack_factor)

    def refresh(self) -> None:
        with organisation_scope(self.organisation_id):
            self.channel = Channel.objects.select_related("connection").get(pk=self.channel.pk)

    def lane(self, kind: str = LaneKind.TRADE) -> Lane:
        with organisation_scope(self.organisation_id):
            return Lane.objects.get(subject_id=self.connection_id, kind=kind)

    def offer(self, sku: str) -> Offer | None:
        return Offer.objects.filter(channel=self.channel, sku=sku).first()

    def news(self) -> list[ShopOrder]:
        """Orders that we have not taken in yet."""
        known = set(Order.objects.filter(connection_id=self.connection_id).values_list("external_id", flat=True))
        return [order for number, order in self.emulator.orders.items() if number not in known]

    def has_todo(self) -> bool:
        """Whether figures wait to be sent to it."""
        return OfferTodo.objects.filter(channel=self.channel).exists()

    def orders(self, *states: str) -> list[Order]:
        """Our orders of this stall in these states, the oldest first."""
        return list(Order.objects.filter(connection_id=self.connection_id, state__in=states).select_related("connection").order_by("pk"))

    def lines(self, order: Order) -> list[OrderLine]:
        return list(OrderLine.objects.filter(order=order).order_by("pk"))


def emulated(platform: str, *, seed: int, limits_scale: float, clock: Callable[[], datetime]) -> tuple[Emulator, dict[str, str]]:
    """A platform's emulator and settings that it accepts."""
    module = importlib.import_module(f"stallkit.adapters.{platform}.emulator")
    emulator: Emulator = module.Emulator(clock, seed=seed, limits_scale=limits_scale)
    emulator.sleep = lambda _seconds: None
    return emulator, dict(module.CONFIG)
