"""Platforms that keep a figure per warehouse of theirs: each channel sends, reads and sells for its own (S3.5, S3.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from stallkeeper.channels.models import Channel, ChannelLocation, Offer
from stallkeeper.orders.intake import accept
from stallkeeper.orders.models import Order
from stallkeeper.stock.models import Location
from stallkit.adapters.dummy.adapter import Adapter
from stallkit.types import OfferRef, OfferState, Outcomes, RemoteOrder, StockIntent
from tests.market import Market, Stall
from tests.shop import remote_order


class Elsewhere:
    """A platform with a figure per warehouse, behind the dummy's adapter."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: dict[tuple[str, str], int] = {}
        self.writes: list[StockIntent] = []
        monkeypatch.setattr(Adapter, "write_stock", lambda _self, intents: self.write(intents))
        monkeypatch.setattr(Adapter, "submit_stock", lambda _self, intents: self.write(intents))
        monkeypatch.setattr(Adapter, "read_states", lambda _self, refs, warehouse="": self.read(refs, warehouse))

    def write(self, intents: Sequence[StockIntent]) -> Outcomes:
        from stallkit.types import Accepted

        self.writes += intents
        self.shown.update({(intent.warehouse, intent.ref.sku): intent.quantity for intent in intents})
        return {intent.ref: Accepted() for intent in intents}

    def read(self, refs: Sequence[OfferRef], warehouse: str) -> Mapping[OfferRef, OfferState | None]:
        return {ref: OfferState(ref, self.shown.get((warehouse, ref.sku), 0)) for ref in refs}


@pytest.fixture
def north(market: Market, stall: Stall) -> Location:
    return market.shop.add_place("NORTH")


@pytest.fixture
def two(market: Market, stall: Stall, north: Location, monkeypatch: pytest.MonkeyPatch) -> tuple[Elsewhere, Offer, Offer]:
    """One account, two warehouses of theirs: 101 shows our first place, 202 the one in the north; a mug lies in both."""
    theirs = Elsewhere(monkeypatch)
    shop = market.shop
    with shop.scope():
        Channel.objects.filter(pk=stall.channel.pk).update(warehouse="101")
        second = Channel.objects.get(pk=stall.channel.pk)
        second.pk, second.code, second.name, second.warehouse = None, "N2", "North", "202"
        second.save(force_insert=True)
        ChannelLocation.objects.create(organisation=shop.organisation, channel=second, location=north)
    mug = shop.unit("MUG", {shop.place.code: 5, "NORTH": 8})
    first = stall.offer(mug, shown=0)
    other = shop.offer(second, mug, external_id=first.external_id)
    return theirs, first, other


def test_each_channel_sends_and_reads_for_its_own_warehouse(market: Market, stall: Stall, two: tuple[Elsewhere, Offer, Offer]) -> None:
    theirs, first, other = two
    stall.run()
    assert theirs.shown == {("101", "MUG"): 5, ("202", "MUG"): 8}
    assert (stall.reload(first).believed_qty, stall.reload(other).believed_qty) == (5, 8)
    assert all(intent.as_of is not None and intent.as_of <= market.clock() for intent in theirs.writes)
    theirs.shown["202", "MUG"] = 3
    market.clock.tick(3_600)
    stall.run("background")
    assert (stall.reload(first).observed_qty, stall.reload(other).observed_qty) == (5, 3)


def take(market: Market, stall: Stall, order: RemoteOrder) -> Order:
    with market.shop.use_case("test.accept") as uc:
        accept(uc, stall.connection_id, [order], uc.at)
    with market.shop.scope():
        return Order.objects.select_related("channel").get(external_id=order.order_id)


def test_an_order_belongs_to_the_channel_of_its_warehouse(
    market: Market, stall: Stall, two: tuple[Elsewhere, Offer, Offer], north: Location
) -> None:
    _, first, other = two
    order = take(market, stall, remote_order("1", [("MUG", 2)], warehouse="202"))
    assert order.channel.warehouse == "202"
    with market.shop.scope():
        assert [line.offer_id for line in order.lines.all()] == [other.pk]
        mug = first.stock_unit
    assert (market.shop.level(mug), market.shop.level(mug, north)) == ((5, 0, 0), (8, 2, 0))
    assert (stall.reload(first).intended_qty, stall.reload(other).intended_qty) == (5, 6)


def test_an_order_from_a_warehouse_that_nobody_serves_enters_and_takes_nothing(
    market: Market, stall: Stall, two: tuple[Elsewhere, Offer, Offer], north: Location
) -> None:
    """Its units lie where we keep no figures; it is visible, and neither reserved nor acknowledged."""
    _, first, _ = two
    order = take(market, stall, remote_order("1", [("MUG", 2)], warehouse="303"))
    assert order.fulfilled_by == "elsewhere"
    with market.shop.scope():
        mug = first.stock_unit
    assert (market.shop.level(mug), market.shop.level(mug, north)) == ((5, 0, 0), (8, 0, 0))
    again = take(market, stall, replace(remote_order("1", [("MUG", 3)], warehouse="303"), modified_at=market.clock()))
    assert again.fulfilled_by == "elsewhere"
    assert market.shop.level(mug) == (5, 0, 0)
