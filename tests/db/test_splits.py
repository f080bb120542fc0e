"""Orders that a channel cuts up: the reservation moves to the new order, whichever of the two is seen first (issue 4, "moves of
reservations when a posting is split")."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stallkeeper.channels.models import Channel, Connection, ObservedHold, Offer
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation
from stallkeeper.orders import intake, splits
from stallkeeper.orders.models import Order, OrderEvent, OrderLine, OrderSplit, Shortage
from stallkeeper.orders.split_queries import SplitLine
from stallkeeper.stock.models import Reservation
from stallkeeper.sync import lapses
from stallkit.adapters.ozon.emulated_goods import FBS
from stallkit.adapters.ozon.emulator import CONFIG, Emulator
from stallkit.types import OrderState, RemoteOrder
from tests.market import Market, Stall
from tests.shop import NOON, Shop, remote_order

TEN = timedelta(minutes=10)


def posting(number: str, units: int, parent: str = "", state: OrderState = OrderState.ACKNOWLEDGED, **fields: object) -> RemoteOrder:
    """As Ozon tells it: without a time of change."""
    cancelled = units if state is OrderState.CANCELLED else 0
    made = remote_order(number, [("MUG", units)], state=state, at=NOON, split_from=parent, **fields)
    return replace(made, modified_at=None, lines=(replace(made.lines[0], cancelled=cancelled),))


class Desk:
    """Five mugs, sold on Ozon and offered on another channel, which a second customer waits for in vain."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.ozon, self.other = shop.channel("ozon"), shop.channel()
        self.mug = shop.unit("MUG", 5)
        self.here, self.there = shop.offer(self.ozon, self.mug), shop.offer(self.other, self.mug)
        self.take(posting("1-1", 5))
        self.take(remote_order("waits", [("MUG", 1)], state=OrderState.ACKNOWLEDGED, dispatch_by=NOON), self.other)
        with shop.scope():
            Offer.objects.filter(pk=self.here.pk).update(believed_qty=0, accepted_qty=0, accepted_at=NOON)

    def take(self, order: RemoteOrder, channel: Channel | None = None, *more: RemoteOrder) -> None:
        with self.shop.later(seconds=20).use_case() as uc:
            intake.accept(uc, (channel or self.ozon).connection_id, [order, *more], uc.at)

    def lines(self) -> dict[str, tuple[int, int, int]]:
        """(open, allocated, looked for) of Ozon's orders."""
        with self.shop.scope():
            rows = OrderLine.objects.filter(order__connection=self.ozon.connection).select_related("order").order_by("pk")
            return {row.order.external_id: (row.open, row.allocated, row.unfound) for row in rows}

    def all_kept(self) -> None:
        """The five units are Ozon's, once: none is free, none is held for a sale, and the one who waits has got nothing."""
        assert self.shop.level(self.mug) == (5, 5, 0)
        with self.shop.scope():
            assert list(Shortage.objects.values_list("line__order__external_id", "quantity")) == [("waits", 1)]
            here = Offer.objects.get(pk=self.here.pk)
        assert (self.shop.intended(self.there), here.believed_qty, here.open_qty) == (0, 0, 5)
        assert sum(open_ for open_, _, _ in self.lines().values()) == sum(kept for _, kept, _ in self.lines().values()) == 5


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(Shop.open())


def test_the_old_one_is_seen_first(desk: Desk) -> None:
    """Units that a posting shows no longer are neither free nor sold again until the posting that has them comes."""
    desk.take(posting("1-1", 3))
    desk.all_kept()
    assert desk.lines() == {"1-1": (5, 5, 2)}
    desk.take(posting("1-2", 1, "1-1"), desk.ozon, posting("1-1", 3))
    desk.all_kept()
    assert desk.lines() == {"1-1": (4, 4, 1), "1-2": (1, 1, 0)}
    desk.take(posting("1-3", 1, "1-1"), desk.ozon, posting("1-1", 3))
    desk.all_kept()
    assert desk.lines() == {"1-1": (3, 3, 0), "1-2": (1, 1, 0), "1-3": (1, 1, 0)}
    with desk.shop.scope():
        assert not Order.objects.exclude(unfound_until=None).exists()
        assert sorted(OrderSplit.objects.values_list("into__order__external_id", "units")) == [("1-2", 1), ("1-3", 1)]
        told = OrderEvent.objects.filter(kind__in=("split_off", "split_from")).order_by("pk")
        assert [(event.order.external_id, event.kind, event.detail) for event in told.select_related("order")] == [
            ("1-1", "split_off", {"into": "1-2", "lines": {"1": 1}}),
            ("1-2", "split_from", {"from": "1-1", "lines": {"1": 1}}),
            ("1-1", "split_off", {"into": "1-3", "lines": {"1": 1}}),
            ("1-3", "split_from", {"from": "1-1", "lines": {"1": 1}}),
        ]


def test_both_are_seen_at_once_and_then_a_list_that_is_behind(desk: Desk) -> None:
    """A list of before does not bring the units back."""
    desk.take(posting("1-2", 2, "1-1"), desk.ozon, posting("1-1", 3))
    desk.all_kept()
    desk.take(posting("1-1", 5, dispatch_by=NOON + TEN))
    desk.all_kept()
    desk.take(posting("1-1", 3))
    desk.all_kept()
    assert desk.lines() == {"1-1": (3, 3, 0), "1-2": (2, 2, 0)}


def test_both_are_seen_at_once_with_somebody_who_is_in_a_hurry(desk: Desk) -> None:
    """Nobody comes between, be he due earlier or not."""
    hurry = posting("9-1", 1, dispatch_by=NOON)
    desk.take(posting("1-1", 3, dispatch_by=NOON + TEN), desk.ozon, posting("1-2", 2, "1-1", dispatch_by=NOON + TEN), hurry)
    assert desk.lines() == {"1-1": (3, 3, 0), "1-2": (2, 2, 0), "9-1": (1, 0, 0)}
    assert desk.shop.level(desk.mug) == (5, 5, 0)


def test_a_posting_that_is_cut_up_as_a_whole_ends_when_its_parts_are_here(desk: Desk) -> None:
    gone = posting("1-1", 5, state=OrderState.CANCELLED, cut_up=True)
    desk.take(gone)
    desk.all_kept()
    assert desk.lines() == {"1-1": (5, 5, 5)}
    desk.take(posting("1-2", 3, "1-1"), desk.ozon, posting("1-3", 2, "1-1"), gone)
    desk.all_kept()
    with desk.shop.scope():
        assert Order.objects.get(external_id="1-1").state == "cancelled"
    assert desk.lines() == {"1-1": (0, 0, 0), "1-2": (3, 3, 0), "1-3": (2, 2, 0)}


def test_units_that_nobody_has_were_cancelled(desk: Desk) -> None:
    """After the time that the platform may need, they are free, and who waits is served; the channel's figure is read anew."""
    desk.take(posting("1-1", 3))
    desk.shop.later(minutes=9)
    with desk.shop.scope():
        until = Order.objects.exclude(unfound_until=None).get().unfound_until
    assert until is not None
    assert until - desk.shop.at < TEN
    desk.all_kept()
    with clock.using(lambda: until + timedelta(seconds=1)):
        assert lapses.run() == 1
        assert lapses.run() == 0
    assert desk.shop.level(desk.mug) == (5, 4, 0)
    assert desk.lines() == {"1-1": (3, 3, 0)}
    with desk.shop.scope():
        here = Offer.objects.get(pk=desk.here.pk)
        assert (here.believed_qty, here.open_qty) == (None, 3)
        assert not Shortage.objects.filter(resolved_at=None).exists()
    desk.take(posting("1-2", 2, "1-1"), desk.ozon, posting("1-1", 3))
    assert desk.lines() == {"1-1": (3, 3, 0), "1-2": (2, 1, 0)}, "a part that comes too late is a sale like any other"


def test_an_everyday_cancellation_waits_for_nobody(desk: Desk) -> None:
    desk.take(posting("1-1", 5, state=OrderState.CANCELLED))
    assert desk.shop.level(desk.mug) == (5, 1, 0)


@pytest.fixture
def ozon(market: Market) -> Stall:
    channel = market.shop.channel("ozon", currency="RUB")
    emulator = Emulator(market.clock)
    emulator.sleep = lambda _seconds: None
    with market.shop.scope():
        Connection.objects.filter(pk=channel.connection_id).update(base_url=f"http://stall-{channel.pk}.test", config=dict(CONFIG))
        Channel.objects.filter(pk=channel.pk).update(warehouse=FBS, holds_enabled=True, holds_from=market.clock())
        Organisation.objects.filter(pk=market.shop.organisation.pk).update(balancer_enabled=True)
        channel.refresh_from_db()
    stall = Stall(market, channel, emulator)  # type: ignore[arg-type]
    market.stalls.append(stall)
    return stall


@pytest.mark.parametrize("parts", [[[("MUG", 2)]], [[("MUG", 2)], [("MUG", 1)]]], ids=["a part", "the whole"])
def test_the_emulated_ozon_lists_the_new_posting_a_minute_late(market: Market, ozon: Stall, parts: list[list[tuple[str, int]]]) -> None:
    """With what Ozon shows of its reserve all the while, and a posting a page: no unit is held as a sale, none is offered elsewhere."""
    ozon.emulator.orders_per_page = 1
    other = market.stall()
    mug = market.shop.unit("MUG", 3)
    ozon.offer(mug, shown=3), other.offer(mug, shown=3)
    market.settle(3)
    number = ozon.emulator.place_order([("MUG", 3)])
    market.settle(4)
    assert other.emulator.quantity_of("MUG") == 0
    ozon.emulator.dials = replace(ozon.emulator.dials, read_lag=timedelta(minutes=1))
    made = ozon.emulator.split_posting(number, parts)  # type: ignore[attr-defined]
    for _ in range(70):
        market.settle(1)
        assert market.shop.level(mug) == (3, 3, 0)
        assert other.emulator.quantity_of("MUG") == 0
    with market.shop.scope():
        assert not ObservedHold.objects.exists()
        assert set(OrderSplit.objects.values_list("into__order__external_id", flat=True)) == set(made)
        rows = {row.order.external_id: row.open for row in OrderLine.objects.select_related("order")}
        assert rows[number] == sum(line.ordered for line in ozon.emulator.orders[number].lines)
        assert Reservation.objects.filter(stock_unit=mug, owner_type="line").count() == sum(1 for units in rows.values() if units)


@given(st.integers(1, 30), st.data())
@settings(max_examples=300, deadline=None)
def test_no_unit_is_lost_or_made(ordered: int, data: st.DataObject) -> None:
    """Pure: whatever snapshots say, at least as many units stay open as were, and only units that are missing change hands."""
    shown, cut_up = data.draw(st.integers(1, ordered)), data.draw(st.booleans())
    parts = data.draw(st.lists(st.integers(1, 9), max_size=4))
    known = {(1, "1"): SplitLine(7, 1, "1", "MUG", ordered, 0, 0, 0, False, None)}
    rows = [(1, "1", "MUG", "", "", None, None, 1, shown, shown if cut_up else 0, 0, 0)]
    rows += [(number, "1", "MUG", "", "", None, None, 1, units, 0, 0, 0) for number, units in enumerate(parts, 2)]
    cuts = splits.decide(known, rows, dict.fromkeys(range(2, 2 + len(parts)), 1), {(1, "1")} if cut_up else set(), set())
    left = 0 if cut_up else shown
    assert sum(row[8] - row[9] for row in cuts.rows) == max(ordered, left + sum(parts))
    assert sum(move.units for move in cuts.moves) + sum(cuts.unfound.values()) == ordered - left
    assert all(row[8] >= row[9] >= 0 and row[8] <= max(ordered, 9) for row in cuts.rows)
