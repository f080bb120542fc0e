"""A shop with emulated markets on a toy clock: the whole engine without sockets and without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import httpx
import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.lanes import Heart
from stallkeeper.channels.models import Channel, Connection, Lane, LaneKind, LaneStep, Offer, OfferTodo
from stallkeeper.core import clock
from stallkeeper.sync import adapters, run, runner
from stallkeeper.sync.runner import Ended, run_lane
from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.testing.serving import EmulatorTransport
from tests.shop import NOON, Shop


@dataclass
class ToyClock:
    """Time that moves only when told, and a millisecond at each look, so that no two moments are the same."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def tick(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Stall:
    """One channel of the shop and the market behind it."""

    market: Market
    channel: Channel
    emulator: Emulator

    @property
    def connection_id(self) -> int:
        return self.channel.connection_id

    def offer(self, unit: StockUnit, shown: int, sku: str = "", **fields: object) -> Offer:
        """Our offer and theirs, linked; the market shows ``shown``."""
        theirs = self.emulator.add_offer(sku or unit.sku, quantity=shown)
        return self.market.shop.offer(self.channel, unit, sku, external_id=theirs.external_id, **fields)

    def lane(self, kind: str = LaneKind.TRADE) -> Lane:
        with self.market.shop.scope():
            return Lane.objects.get(subject_id=self.connection_id, kind=kind)

    def run(self, kind: str = LaneKind.TRADE, worker: str = "w1", outcome: str = "ok") -> Ended:
        """One run of a lane that is expected to end like this."""
        ended = run_lane(self.lane(kind).pk, worker)
        errors = [f"{step.step}: {step.error}" for step in ended.steps if step.error]
        assert ended.outcome == outcome, (ended.outcome, errors)
        return ended

    def step(self, name: str, kind: str = LaneKind.TRADE) -> LaneStep:
        with self.market.shop.scope():
            return LaneStep.objects.get(lane=self.lane(kind), step=name)

    def due_now(self, name: str = "orders", kind: str = LaneKind.TRADE) -> None:
        """Let a step run again at once, as a hint would."""
        with self.market.shop.scope():
            LaneStep.objects.filter(lane=self.lane(kind), step=name).update(not_before=None)

    def reload(self, offer: Offer) -> Offer:
        with self.market.shop.scope():
            return Offer.objects.get(pk=offer.pk)

    def todo(self) -> list[int]:
        with self.market.shop.scope():
            return sorted(OfferTodo.objects.filter(channel=self.channel).values_list("offer_id", flat=True))


@dataclass
class Market:
    """The shop, its stalls and the time they share."""

    shop: Shop
    clock: ToyClock
    stalls: list[Stall] = field(default_factory=list)

    def stall(self, **fields: object) -> Stall:
        channel = self.shop.channel(**fields)
        emulator = Emulator(self.clock)
        emulator.sleep = lambda _seconds: None
        address = f"http://stall-{channel.pk}.test"
        with self.shop.scope():
            Connection.objects.filter(pk=channel.connection_id).update(base_url=address, config=dict(CONFIG))
        stall = Stall(self, channel, emulator)
        self.stalls.append(stall)
        return stall

    def client(self, base_url: str) -> httpx.Client:
        stall = next(stall for stall in self.stalls if base_url == f"http://stall-{stall.channel.pk}.test")
        return httpx.Client(transport=EmulatorTransport(stall.emulator))

    def stock(self, unit: StockUnit, on_hand: int) -> None:
        self.shop.at = self.clock()
        self.shop.stock(unit, on_hand)

    def settle(self, rounds: int = 6, seconds: float = 6) -> None:
        """Let time pass and every lane run, until everything has had its chance."""
        for _ in range(rounds):
            self.clock.tick(seconds)
            for stall in self.stalls:
                run_lane(stall.lane().pk, "w1")


class Quiet(Heart):
    """A heart that never beats: its thread could not see the lane, which the test's own transaction has not committed."""

    def _beat(self) -> None:
        self._stop.wait()


@contextmanager
def open_market(monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """A market with no stalls yet; the clock stands at noon. However slow the machine is, steps end by this clock."""
    toy = ToyClock()

    def seconds() -> float:
        return toy.at.timestamp()

    adapters.forget_sessions()
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=seconds))
    monkeypatch.setattr(runner, "Heart", Quiet)
    with clock.using(toy):
        market = Market(Shop.open(), toy)
        monkeypatch.setattr(adapters, "client", market.client)
        yield market
