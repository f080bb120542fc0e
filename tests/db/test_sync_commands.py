"""Commands reach the market exactly once, whatever happens between the call and the answer (invariant 11, C9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stallkeeper.channels.models import Command, Connection, Parked
from stallkeeper.core import crash
from stallkeeper.core.models import Notification
from stallkeeper.fulfilment import ship
from stallkeeper.orders import cancel
from stallkeeper.orders.models import Order, OrderEvent, OrderLine
from stallkeeper.sync import order_actions
from stallkit.errors import SlowDown, TryLater
from stallkit.testing.shop import Fault
from stallkit.types import CancelReason, NotNow
from tests.market import Market, Stall


@pytest.fixture
def stall(market: Market) -> Stall:
    stall = market.stall()
    stall.offer(market.shop.unit("MUG", 50), shown=50)
    return stall


def command(market: Market, kind: str = "acknowledge") -> Command:
    with market.shop.scope():
        return Command.objects.get(kind=kind)


def order_of(market: Market, external: str) -> Order:
    with market.shop.scope():
        return Order.objects.get(external_id=external)


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.SERVER_ERROR_AFTER, Fault.CUT_JSON])
def test_a_lost_reply_is_looked_up_not_repeated(market: Market, stall: Stall, fault: Fault) -> None:
    """C9: an unknown outcome is resolved by asking the channel, not by repeating."""
    order = stall.emulator.place_order([("MUG", 1)])
    stall.emulator.fail_next(fault, path="/acceptance")
    stall.run()
    assert command(market).state == "sent"

    market.settle(3)

    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert command(market).state == "done"


def test_nothing_more_is_told_once_a_person_has_switched_writing_off(market: Market, stall: Stall) -> None:
    """Not even by a run that began before: two orders wait, and the switch is turned while the first is acknowledged."""
    orders = [stall.emulator.place_order([("MUG", 1)]) for _ in range(2)]

    def turn(name: str) -> None:
        if name == "send:acknowledge:after":
            Connection.objects.filter(pk=stall.connection_id).update(writes_allowed=False)

    with crash.using(turn):
        stall.run()
    assert sorted(stall.emulator.orders[order].acknowledge_calls for order in orders) == [0, 1]
    with market.shop.scope():
        assert sorted(Command.objects.values_list("state", flat=True)) == ["done", "queued"]
    market.settle(2)
    assert sum(stall.emulator.orders[order].acknowledge_calls for order in orders) == 1
    with market.shop.scope():
        Connection.objects.filter(pk=stall.connection_id).update(writes_allowed=True)
    market.settle(2)
    assert [stall.emulator.orders[order].acknowledge_calls for order in orders] == [1, 1]


def test_a_call_that_did_not_arrive_is_repeated_once(market: Market, stall: Stall) -> None:
    order = stall.emulator.place_order([("MUG", 1)])
    stall.emulator.fail_next(Fault.DROP_BEFORE, path="/acceptance")
    market.settle(3)
    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert command(market).state == "done"
    assert command(market).attempts == 2


def test_what_the_channel_puts_off_is_asked_for_again_and_counts_as_no_attempt(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Platforms that pack in the background: the same call again until it is done, never given up for that within a day."""
    from stallkit.adapters.dummy.adapter import Adapter

    order = stall.emulator.place_order([("MUG", 1)])
    with monkeypatch.context() as patch:
        patch.setattr(Adapter, "acknowledge", lambda _self, _order: NotNow(15, "being packed"))
        stall.run()
        assert (command(market).state, command(market).attempts, command(market).message) == ("queued", 0, "being packed")
        market.clock.tick(14)
        stall.run()
        assert command(market).not_before > market.clock(), "asked before the time was over"
    market.clock.tick(1)
    stall.run()
    assert (command(market).state, stall.emulator.orders[order].acknowledge_calls) == ("done", 1)


def test_what_is_put_off_for_a_day_is_given_up_and_shown(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    from stallkit.adapters.dummy.adapter import Adapter

    stall.emulator.place_order([("MUG", 1)])
    monkeypatch.setattr(Adapter, "acknowledge", lambda _self, _order: NotNow(15, "being packed"))
    stall.run()
    market.clock.tick(25 * 3600)
    stall.run()
    assert (command(market).state, command(market).message) == ("dead", "being packed")


def test_a_crash_after_the_call_is_looked_up(market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the process between call and answer: one acknowledgement (C9)."""
    order = stall.emulator.place_order([("MUG", 1)])

    class Killed(BaseException):
        """Not an Exception: nothing may catch it, as nothing catches kill -9."""

    def die(*_args, **_named):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(order_actions, "_finish", die)
        with pytest.raises(Killed):
            stall.run()
    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert command(market).state == "sent"
    stall.run(outcome="busy")  # the dead worker's lane is taken over only when its heart has been silent

    market.clock.tick(11)
    stall.run()
    assert stall.emulator.orders[order].acknowledge_calls == 1
    assert command(market).state == "done"


def test_a_call_that_a_dead_worker_left_behind_may_land_before_anybody_asks(market: Market, stall: Stall) -> None:
    """Lanes of a killed worker are free at once (ADR 0040), its bytes may still be on their way: asking too early would repeat the call."""
    order = stall.emulator.place_order([("MUG", 1)])
    stall.emulator.fail_next(Fault.DROP_BEFORE, path="/acceptance")
    stall.run()
    sent_at = market.clock()
    with market.shop.scope():
        Command.objects.update(state="sent", sent_at=sent_at, not_before=sent_at)
    market.clock.tick(9)
    stall.run()
    assert (command(market).state, stall.emulator.orders[order].acknowledge_calls) == ("sent", 0)
    market.clock.tick(2)
    stall.run()
    assert (command(market).state, stall.emulator.orders[order].acknowledge_calls) == ("done", 1)


def test_a_refusal_is_told_in_the_channels_words(market: Market, stall: Stall) -> None:
    order = stall.emulator.place_order([("MUG", 2)])
    stall.run()
    with market.shop.scope():
        lines = OrderLine.objects.get(order__external_id=order)
    stall.emulator.buyer_cancels(order)
    cancel.cancel_lines(
        market.shop.organisation.pk, order_of(market, order).pk, {lines.pk: 1}, reason=CancelReason.OUT_OF_STOCK, actor="user:1"
    )
    stall.run()

    refused = command(market, "cancel")
    assert refused.state == "refused"
    assert refused.message
    with market.shop.scope():
        event = OrderEvent.objects.get(kind="cancel_refused")
        assert event.detail["message"] == refused.message
        assert Notification.objects.filter(key=f"command:{refused.pk}").exists()
    calls = stall.emulator.orders[order].cancel_calls
    market.settle(3)
    assert stall.emulator.orders[order].cancel_calls == calls, "a refusal is not repeated"


def refused_since_the_buyer_was_quicker(market: Market, stall: Stall) -> str:
    """An order of which we cancel all; the buyer has cancelled a line, and its snapshot comes before our call."""
    order = stall.emulator.place_order([("MUG", 1), ("CUP", 1)])
    stall.run()
    cancel.cancel_lines(market.shop.organisation.pk, order_of(market, order).pk, None, reason=CancelReason.FRAUD, actor="user:1")
    stall.emulator.buyer_cancels(order, [("1", 1)])
    market.clock.tick(6)
    stall.run()
    assert command(market, "cancel").state == "refused"
    return order


def cancelled(market: Market, order: str) -> list[int]:
    with market.shop.scope():
        return list(OrderLine.objects.filter(order__external_id=order).order_by("pk").values_list("cancelled", flat=True))


def test_after_a_refused_cancellation_the_order_is_as_the_market_has_it(market: Market, stall: Stall) -> None:
    """The last snapshot was taken with our own wish on top: what the buyer cancelled meanwhile stays cancelled."""
    stall.offer(market.shop.unit("CUP", 50), shown=50)
    order = refused_since_the_buyer_was_quicker(market, stall)
    assert cancelled(market, order) == [1, 0]
    with market.shop.scope():
        assert not Parked.objects.filter(resolved_at=None).exists()
        assert not Notification.objects.filter(key__contains=":parked:").exists()


def test_a_worker_that_dies_after_a_refused_cancellation_leaves_the_order_to_be_asked_for(
    market: Market, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    stall.offer(market.shop.unit("CUP", 50), shown=50)
    with monkeypatch.context() as dying:
        dying.setattr(order_actions, "_read_anew", lambda *_: None)
        order = refused_since_the_buyer_was_quicker(market, stall)
    assert cancelled(market, order) == [0, 0]
    market.clock.tick(3_600)
    stall.run()
    assert cancelled(market, order) == [1, 0]
    with market.shop.scope():
        assert not Parked.objects.filter(resolved_at=None).exists()


@pytest.mark.parametrize("fault", [None, Fault.DROP_AFTER, Fault.DROP_BEFORE])
def test_a_shipment_is_confirmed_once(market: Market, stall: Stall, fault: Fault | None) -> None:
    order = stall.emulator.place_order([("MUG", 2)])
    stall.run()
    if fault:
        stall.emulator.fail_next(fault, path="/shipments")
    ship.ship(market.shop.organisation.pk, order_of(market, order).pk, None, carrier="DPD", tracking_number="T-1", actor="user:1")
    market.settle(4)
    theirs = stall.emulator.orders[order]
    assert (theirs.ship_calls, [line.shipped for line in theirs.lines]) == (1, [2])
    assert command(market, "ship").state == "done"


def test_an_order_that_has_left_stays_shipped_although_the_channel_has_not_heard_of_it(market: Market, stall: Stall) -> None:
    """Seed 92: a pull that began before the shipment told it as it was then, and the order's page said that it still had to go."""
    order = stall.emulator.place_order([("MUG", 2)])
    market.settle(2)
    assert order_of(market, order).state == "acknowledged"
    with market.shop.scope():
        Connection.objects.filter(pk=stall.connection_id).update(writes_allowed=False)
    ship.ship(market.shop.organisation.pk, order_of(market, order).pk, None, carrier="DPD", tracking_number="T-1", actor="user:1")
    market.clock.tick(60)
    stall.emulator.orders[order].modified_at = market.clock()  # whatever it was: the order is read anew
    stall.due_now()
    stall.run()
    assert order_of(market, order).state == "shipped"


def test_two_partial_shipments_are_told_apart_after_a_lost_reply(market: Market, stall: Stall) -> None:
    """The second of two equal shipments is not mistaken for the first."""
    order = stall.emulator.place_order([("MUG", 2)])
    stall.run()
    with market.shop.scope():
        line = OrderLine.objects.get(order__external_id=order)
    mine = order_of(market, order).pk
    ship.ship(market.shop.organisation.pk, mine, {line.pk: 1}, carrier="DPD", tracking_number="T-1", actor="user:1")
    market.settle(2)
    ship.ship(market.shop.organisation.pk, mine, {line.pk: 1}, carrier="DPD", tracking_number="T-2", actor="user:1")
    stall.emulator.fail_next(Fault.DROP_BEFORE, path="/shipments")
    market.settle(4)
    theirs = stall.emulator.orders[order]
    assert (theirs.ship_calls, theirs.lines[0].shipped) == (2, 2)


def test_one_failing_command_does_not_hold_up_the_others(market: Market, stall: Stall) -> None:
    """C12 for commands: each has its own waiting time."""
    bad = stall.emulator.place_order([("MUG", 1)])
    good = stall.emulator.place_order([("MUG", 1)])
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=1000, path=f"/{bad}/acceptance")
    market.settle(3)
    assert stall.emulator.orders[good].acknowledge_calls == 1


def test_commands_of_one_order_keep_their_order(market: Market, stall: Stall) -> None:
    """Acknowledge before cancel: a cancellation waits for an acknowledgement that is under way."""
    order = stall.emulator.place_order([("MUG", 2)])
    stall.emulator.fail_next(Fault.SERVER_ERROR, path="/acceptance")
    stall.run()
    cancel.cancel_lines(market.shop.organisation.pk, order_of(market, order).pk, None, reason=CancelReason.OUT_OF_STOCK, actor="user:1")
    stall.run()
    assert stall.emulator.orders[order].cancel_calls == 0
    market.settle(4)
    theirs = stall.emulator.orders[order]
    assert (theirs.acknowledge_calls, theirs.cancel_calls, theirs.lines[0].cancelled) == (1, 1, 2)


def test_a_command_that_never_succeeds_is_given_up_and_shown(market: Market, stall: Stall) -> None:
    stall.emulator.place_order([("MUG", 1)])
    stall.emulator.fail_next(Fault.SERVER_ERROR, times=10_000, path="/acceptance")
    market.settle(20, seconds=2 * 3600)
    dead = command(market)
    assert dead.state == "dead"
    with market.shop.scope():
        notice = Notification.objects.get(key=f"command:{dead.pk}")
        assert "the channel may cancel it: tell it again on the order's page" in notice.detail
        assert OrderEvent.objects.filter(kind="acknowledge_given_up").exists()


def test_waiting_times_grow() -> None:
    waits = [order_actions.wait(attempts, TryLater("down")).total_seconds() for attempts in (0, 1, 2, 3, 20)]
    assert waits == [3, 3, 6, 12, 600]
    assert order_actions.wait(5, SlowDown("full", retry_after=7)) == timedelta(seconds=7)
