"""Goods leave: tracking arrives once, in parts where the channel knows parts, and nothing is confirmed twice (S1.12, S4.48, C9, C25)."""

from __future__ import annotations

import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.commands import CommandError
from stallkeeper.fulfilment import ship
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.fulfilment.ship import ShipError
from stallkeeper.orders import cancel
from stallkeeper.orders.cancel import CancelError
from stallkeeper.orders.models import OrderEvent
from stallkeeper.sync import order_actions
from stallkit.testing.shop import Fault
from tests.scenarios.town import ACTOR, Killed, Stall, Town, assert_adds_up, assert_true, notices
from tests.shop import Shop

PLATFORMS = ["walmart", "emag"]
ACTIONS = {"walmart": {"acknowledge": "/acknowledge", "ship": "/shipping", "cancel": "/cancel"}}
ACTIONS["emag"] = {"acknowledge": "/order/acknowledge", "ship": "/order/save", "cancel": "/order/save"}
OFTEN = {"acknowledge": "acknowledge_calls", "ship": "ship_calls", "cancel": "cancel_calls"}


@pytest.fixture
def mug(firm: Shop) -> StockUnit:
    return firm.unit("MUG", 10)


@pytest.fixture
def stalls(town: Town, mug: StockUnit, firm: Shop) -> dict[str, Stall]:
    opened = {platform: town.stall(firm, platform, goods={"MUG": 10}) for platform in PLATFORMS}
    town.work(40)
    assert_true(*opened.values())
    return opened


# --- parts and tracking -----------------------------------------------------------------------------------------------------------------


def test_a_shipment_in_two_parts_with_its_numbers(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """Walmart: each parcel has its own number, the shelf falls parcel by parcel, buyers see no change at any point. What two people put
    into one parcel in the same second is two shipments, and both are told (11)."""
    walmart = stalls["walmart"]
    order = walmart.emulator.place_order([("MUG", 4)])
    town.work(10)
    walmart.ship(order, {"1": 2}, carrier="UPS", tracking="1Z-A")
    town.work(40)
    assert walmart.order(order).state == "part_shipped"
    assert firm.level(mug) == (8, 2, 0)
    walmart.ship(order, {"1": 1}, carrier="FedEx", tracking="FX-B")
    walmart.ship(order, {"1": 1}, carrier="FedEx", tracking="FX-B")
    town.work(40)

    assert walmart.order(order).state == "shipped"
    assert firm.level(mug) == (6, 0, 0)
    parcels = walmart.emulator.parcels[order]
    assert [(parcel.quantity, parcel.tracking.tracking_number) for parcel in parcels] == [(2, "1Z-A"), (1, "FX-B"), (1, "FX-B")]
    assert [parcel.tracking.carrier_name.carrier for parcel in parcels] == ["UPS", "FedEx", "FedEx"]
    assert walmart.emulator.orders[order].ship_calls == 3
    assert all(stall.shown() == {"MUG": 6} for stall in stalls.values())
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)
    assert not notices(firm)


def test_emag_takes_whole_orders_and_says_so_before_the_goods_leave(
    town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]
) -> None:
    """C25: what a channel cannot express is said before, in words that tell what to do; nothing has left then."""
    emag = stalls["emag"]
    order = emag.emulator.place_order([("MUG", 3)])
    town.work(10)
    with pytest.raises(ShipError, match=r"eMAG Marketplace takes whole orders only, and 1 of line 1 would stay behind.*cancel the rest"):
        emag.ship(order, {"1": 2})
    assert firm.level(mug) == (10, 3, 0)
    with firm.scope():
        assert not Shipment.objects.exists()

    emag.cancel(order, {"1": 1})
    emag.ship(order)
    town.work(40)
    assert [(line.cancelled, line.shipped) for line in emag.emulator.orders[order].lines] == [(1, 2)]
    assert emag.emulator.orders[order].ship_calls == 1
    assert firm.level(mug) == (8, 0, 0)
    assert all(stall.shown() == {"MUG": 8} for stall in stalls.values())
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


def test_a_refused_shipment_is_told_and_can_be_put_right(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """Walmart wants a tracking address for couriers that it does not know. The goods have left all the same; the order shows the words."""
    walmart = stalls["walmart"]
    order = walmart.emulator.place_order([("MUG", 2)])
    town.work(10)
    shipment = walmart.ship(order, carrier="Pigeon Post", tracking="P1")
    town.work(20)
    command = walmart.command(order, "ship")
    assert (command.state, command.code) == ("refused", "TRACKING_URL")
    assert "give the tracking URL too" in command.message
    assert notices(firm) == {f"command:{command.pk}": f"{walmart.name}: ship of order {order} was refused"}
    assert "ship_refused" in walmart.events(order)
    assert firm.level(mug) == (8, 0, 0)
    assert stalls["emag"].shown() == {"MUG": 8}

    ship.tell_again(firm.organisation.pk, shipment.pk, tracking_url="https://pigeons.example/P1", actor=ACTOR)
    town.work(40)
    assert [line.shipped for line in walmart.emulator.orders[order].lines] == [2]
    assert walmart.emulator.parcels[order][0].tracking.carrier_name.other_carrier == "Pigeon Post"
    assert not notices(firm)
    assert walmart.events(order)[-3:].count("ship_confirmed") == 1
    assert_true(*stalls.values())
    with pytest.raises(CommandError, match="This is done"):
        ship.tell_again(firm.organisation.pk, shipment.pk, tracking_number="P2", actor=ACTOR)
    with firm.scope():
        assert Shipment.objects.get().tracking_number == "P1", "a change that cannot be told is not stored"


def test_goods_that_left_while_walmart_was_away(town: Town, firm: Shop, stalls: dict[str, Stall]) -> None:
    """The confirmation waits, the lower figure may have gone out already: in the end Walmart shows what there is, for both readings of
    what a shipment does to its figure."""
    walmart = stalls["walmart"]
    order = walmart.emulator.place_order([("MUG", 3)])
    town.work(10)
    walmart.emulator.fail_next(Fault.SERVER_ERROR, times=4, path="/shipping")
    walmart.ship(order)
    town.work(90)
    assert walmart.emulator.orders[order].ship_calls == 1
    assert_true(*stalls.values())
    assert max(change.after for change in walmart.emulator.diary[-6:]) <= 7, "never more than there were"


def test_shipped_on_the_platform_itself(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """The first AWB through eMAG finalises the order (5.3): the shelf follows, and the stalls stay true."""
    emag = stalls["emag"]
    order = emag.emulator.place_order([("MUG", 3)])
    town.work(10)
    emag.emulator.issue_awb(order)
    town.work(20)
    assert emag.order(order).state == "shipped"
    assert firm.level(mug) == (7, 0, 0)
    assert all(stall.shown() == {"MUG": 7} for stall in stalls.values())
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


def test_told_although_emag_knew(town: Town, firm: Shop, mug: StockUnit, stalls: dict[str, Stall]) -> None:
    """We ship, and somebody issues the AWB in eMAG's screens: one departure on the shelf, no error."""
    emag = stalls["emag"]
    order = emag.emulator.place_order([("MUG", 3)])
    town.work(10)
    emag.emulator.issue_awb(order)
    emag.ship(order)
    town.work(60)
    assert firm.level(mug) == (7, 0, 0)
    assert [line.shipped for line in emag.lines(order)] == [3]
    assert emag.command(order, "ship").state == "done"
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)


def test_orders_that_emag_fulfils_touch_nothing(town: Town, firm: Shop, mug: StockUnit) -> None:
    """C29: an order of type 2 is shown, takes no stock, changes no figure, and cannot be shipped or cancelled from here."""
    emag, walmart = town.stall(firm, "emag", goods={"MUG": 0}, open_=False), town.stall(firm, "walmart", goods={"MUG": 0})
    with firm.scope():
        account = emag.account
        account.config |= {"with_fbe": "yes"}
        account.save()
    emag.link()
    emag.open()
    town.work(60)
    order = emag.emulator.place_order([("MUG", 4)])
    emag.emulator.fulfil_by_emag(order)
    town.work(60)
    assert emag.order(order).fulfilled_by == "marketplace"
    assert firm.level(mug) == (10, 0, 0)
    assert emag.shown() == walmart.shown() == {"MUG": 10}
    offer = emag.offer("MUG")
    assert (offer.intended_qty, offer.believed_qty, offer.unacknowledged_qty) == (10, 10, 0)
    with pytest.raises(ShipError, match="fulfilled by the marketplace"):
        emag.ship(order)
    with pytest.raises(CancelError, match="fulfilled by the marketplace"):
        cancel.cancel_lines(firm.organisation.pk, emag.order(order).pk, None, reason="buyer_asked", actor=ACTOR)
    town.stock(firm, mug, 12)
    town.work(30)
    assert emag.shown() == walmart.shown() == {"MUG": 12}
    assert_true(emag, walmart)


# --- exactly once -----------------------------------------------------------------------------------------------------------------------


def decide(stall: Stall, town: Town, kind: str) -> str:
    """An order on which a command of this kind is about to go out; returns its id."""
    order = stall.emulator.place_order([("MUG", 3)])
    if kind == "acknowledge":
        town.clock.tick(6)
        return order
    town.work(12)
    if kind == "ship":
        stall.ship(order, tracking="1Z-ONCE")
    else:
        stall.cancel(order, {"1": 1})
    return order


def check_once(stalls: dict[str, Stall], stall: Stall, order: str, kind: str, firm: Shop) -> None:
    theirs = stall.emulator.orders[order]
    assert getattr(theirs, OFTEN[kind]) == 1, f"{kind} must reach the platform exactly once"
    assert theirs.acknowledge_calls == 1
    assert [(line.cancelled, line.shipped) for line in theirs.lines] == [{"acknowledge": (0, 0), "ship": (0, 3), "cancel": (1, 0)}[kind]]
    assert stall.command(order, kind).state == "done"
    with firm.scope():
        confirmed = {"acknowledge": "acknowledged", "ship": "ship_confirmed", "cancel": "cancel_confirmed"}[kind]
        assert OrderEvent.objects.filter(kind=confirmed).count() == 1
    assert_true(*stalls.values())
    assert_adds_up(firm, calm=True)
    assert not notices(firm)


LOST = [Fault.DROP_AFTER, Fault.SERVER_ERROR_AFTER, Fault.CUT_JSON, Fault.DROP_BEFORE, Fault.SERVER_ERROR, Fault.HTML]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("kind", OFTEN)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_unknown_outcome_is_looked_up(town: Town, firm: Shop, stalls: dict[str, Stall], platform: str, kind: str, fault: Fault) -> None:
    """Invariant 11: whether the call took effect before its reply was lost or not, the platform hears it once."""
    stall = stalls[platform]
    stall.emulator.fail_next(fault, path=ACTIONS[platform][kind])
    order = decide(stall, town, kind)
    town.work(90)
    check_once(stalls, stall, order, kind, firm)


@pytest.mark.parametrize("moment", ["before the call", "between call and record"])
@pytest.mark.parametrize("kind", OFTEN)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_worker_dies_around_the_call(
    town: Town, firm: Shop, stalls: dict[str, Stall], monkeypatch: pytest.MonkeyPatch, platform: str, kind: str, moment: str
) -> None:
    """kill -9: the next worker takes the lane over after ten seconds, under a new epoch, and asks before it repeats."""
    stall = stalls[platform]
    order = decide(stall, town, kind)
    name = "_call" if moment == "before the call" else "_finish"
    with monkeypatch.context() as patch:
        patch.setattr(order_actions, name, die)
        with pytest.raises(Killed):
            stall.run()
    epoch = stall.lane().epoch
    assert stall.command(order, kind).state == "sent"
    stall.run(worker="w2", outcome="busy")
    town.work(90, worker="w2")
    assert stall.lane().epoch > epoch
    check_once(stalls, stall, order, kind, firm)


def die(*_: object, **__: object) -> None:
    raise Killed
