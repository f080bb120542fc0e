"""A town with the real engine in it, and the model that watches."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from django.db import connection

from stallkeeper.channels import refresh
from stallkeeper.channels.connect import manifest
from stallkeeper.core import walls
from stallkeeper.ops.simulation.truth import StallView, Truth
from stallkeeper.orders.models import OrderLine
from stallkit.testing.serving import EmulatorTransport
from tests.scenarios import town as towns
from tests.shop import Shop


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch):
    """Without the published contracts on the wire: those are the scenarios' business."""
    monkeypatch.setattr(towns, "way_to", lambda _platform, emulator: EmulatorTransport(emulator))
    with towns.open_town(monkeypatch) as opened:
        yield opened


@dataclass
class Watched:
    """A small shop after a good morning: two stalls, a kit, an order that is open, one that is short, one that has left."""

    town: towns.Town
    shop: Shop
    stalls: dict[str, towns.Stall]
    orders: dict[str, str]
    """The channel's numbers: open, short, gone (on dummy), other (on eMAG)."""
    other: Shop
    """An organisation that does nothing."""
    truth: Truth = field(init=False)

    def watch(self) -> None:
        """A model that has seen the morning, and has nothing to say."""
        stalls = [view(stall) for stall in self.stalls.values()]
        self.truth = Truth(self.shop.organisation.pk, stalls, [self.other.organisation.pk])
        assert self.truth.after_commit("the start") == []

    def sql(self, statement: str, **values: object) -> None:
        """Something changes the tables behind the product's back."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            walls.open_for_owner()
            cursor.execute(statement, {"mine": self.shop.organisation.pk} | self.ids() | values)

    def ids(self) -> dict[str, object]:
        with self.shop.scope():
            rows = OrderLine.objects.filter(order__connection_id=self.stalls["dummy"].connection_id)
            lines = {name: rows.get(order__external_id=number).pk for name, number in self.orders.items() if name != "other"}
        return {f"line_{name}": line for name, line in lines.items()} | {"offer": self.stalls["dummy"].offer("LAMP").pk}

    def broken(self, *numbers: str, end: bool = False) -> str:
        """The breaches are of these invariants and of no other; their texts."""
        found = self.truth.at_end() if end else self.truth.after_commit("the break")
        assert sorted({breach.invariant for breach in found}) == sorted(numbers), found
        return " | ".join(breach.text for breach in found)


def view(stall: towns.Stall) -> StallView:
    quirks = manifest(stall.platform).quirks
    return StallView(stall.channel.pk, stall.connection_id, stall.platform, quirks, stall.emulator)


@pytest.fixture
def watched(town: towns.Town) -> Watched:
    shop, other = town.firm(), town.firm()
    other.unit("ROPE", 3)
    lamp, cord = shop.unit("LAMP", 10), shop.unit("CORD", 20)
    shop.kit("SET", {lamp: 1, cord: 2})
    goods = {"LAMP": 3, "CORD": 1, "SET": 1}
    stalls = {platform: town.stall(shop, platform, goods=goods) for platform in ("dummy", "emag")}
    town.work(60)
    toy = stalls["dummy"].emulator
    orders = {"gone": toy.place_order([("CORD", 3)]), "open": toy.place_order([("SET", 2)])}
    orders["other"] = stalls["emag"].emulator.place_order([("LAMP", 1)])
    town.work(60)
    stalls["dummy"].ship(orders["gone"])
    orders["short"] = toy.place_order([("LAMP", 12)], force=True)
    town.work(120)
    with shop.scope():
        refresh.drain(shop.organisation.pk)
    found = Watched(town, shop, stalls, orders, other)
    found.watch()
    return found
