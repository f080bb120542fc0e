"""What orders promise and tell, where a channel is switched off, slow to acknowledge, or says later that it was not so."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from stallkeeper.__main__ import run
from stallkeeper.channels import switches
from stallkeeper.channels.models import Command
from stallkeeper.fulfilment import not_left, ship
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.fulfilment.not_left import NotLeftError
from stallkeeper.fulfilment.ship import ShipError
from stallkeeper.orders import acknowledging, departures
from stallkeeper.orders.cancel import CancelError
from stallkeeper.orders.models import Order, OrderEvent
from stallkit.testing.serving import EmulatorTransport
from stallkit.testing.shop import Fault
from tests.scenarios.town import ACTOR, Stall, Town, assert_adds_up, assert_true, notices
from tests.shop import Shop


def switch(stall: Stall, **wanted: bool) -> None:
    with stall.use_case() as uc:
        switches.set_channel(uc, stall.channel.pk, **wanted)


# --- a channel that is switched inactive ------------------------------------------------------------------------------------------------


def test_open_orders_of_an_inactive_channel_keep_and_give_back_their_stock(town: Town, firm: Shop) -> None:
    """Only new orders look for an active channel: what is promised stays promised, and comes back when it is cancelled."""
    unit = firm.unit("MUG", 10)
    walmart, emag = (town.stall(firm, platform, goods={"MUG": 10}) for platform in ("walmart", "emag"))
    town.work(40)
    first, second = walmart.emulator.place_order([("MUG", 3)]), walmart.emulator.place_order([("MUG", 2)])
    town.work(30)
    switch(walmart, active=False)
    assert_adds_up(firm)

    walmart.cancel(first)
    town.work(60)
    assert walmart.emulator.orders[first].state == "cancelled"
    assert firm.level(unit) == (10, 2, 0)
    assert emag.shown() == {"MUG": 8}

    town.stock(firm, unit, 1)
    assert [line.short for line in walmart.lines(second)] == [1], "a cut is felt by its lines"
    assert_adds_up(firm)
    town.stock(firm, unit, 5)
    assert [line.short for line in walmart.lines(second)] == [0], "and so is a refill"

    walmart.ship(second)
    town.work(60)
    assert firm.level(unit) == (3, 0, 0)
    assert_true(emag)
    assert_adds_up(firm)


# --- a channel that wants its orders acknowledged first ---------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["walmart", "emag"])
def test_shipping_an_unacknowledged_order_acknowledges_it_first(town: Town, firm: Shop, platform: str) -> None:
    """Both take shipments only of what is acknowledged: with acknowledging off, shipping says both, one after the other."""
    unit = firm.unit("MUG", 20)
    stall = town.stall(firm, platform, goods={"MUG": 20})
    switch(stall, acknowledge=False)
    town.work(40)
    order = stall.emulator.place_order([("MUG", 3)])
    town.work(30)
    assert stall.order(order).state == "new"

    stall.emulator.fail_next(Fault.SERVER_ERROR, times=2, path="/acknowledge/")
    stall.ship(order)
    town.work(60)

    assert stall.command(order, "acknowledge").state == stall.command(order, "ship").state == "done"
    assert stall.emulator.orders[order].state == stall.order(order).state == "shipped"
    assert firm.level(unit) == (17, 0, 0)
    assert not notices(firm)
    assert_true(stall)
    assert_adds_up(firm, calm=True)


def test_cancelling_part_of_an_unacknowledged_order_acknowledges_it_first(town: Town, firm: Shop) -> None:
    unit = firm.unit("MUG", 20)
    emag = town.stall(firm, "emag", goods={"MUG": 20})
    switch(emag, acknowledge=False)
    town.work(40)
    order = emag.emulator.place_order([("MUG", 3)])
    town.work(30)
    emag.cancel(order, {"1": 1})
    town.work(5)
    assert emag.offer("MUG").believed_qty in {None, 18}, "it fell by three when it was acknowledged, and rose by one"
    town.work(60)
    assert [line.cancelled for line in emag.emulator.orders[order].lines] == [1]
    assert emag.order(order).state == "acknowledged"
    assert firm.level(unit) == (20, 2, 0)
    assert not notices(firm)
    assert_true(emag)
    assert_adds_up(firm, calm=True)


def test_what_cannot_be_acknowledged_is_neither_shipped_nor_cancelled(town: Town, firm: Shop) -> None:
    unit = firm.unit("MUG", 20)
    emag = town.stall(firm, "emag", goods={"MUG": 20})
    switch(emag, acknowledge=False)
    town.work(40)
    pending, order = emag.emulator.place_order([("MUG", 1)], pending=True), emag.emulator.place_order([("MUG", 2)])
    town.work(30)
    with pytest.raises(CancelError, match="pending, its payment is not sure yet, and eMAG Marketplace lets a seller"):
        emag.cancel(pending)

    with emag.use_case() as uc:
        acknowledging.queue(uc, emag.connection_id, [(emag.order(order).pk, order)])
    with firm.scope():
        Command.objects.filter(kind="acknowledge").update(state="refused", message="not today")
    with pytest.raises(ShipError, match=r"did not get through .* tell it again first"):
        emag.ship(order)
    with pytest.raises(CancelError, match=r"did not get through .* tell it again first"):
        emag.cancel(order)
    assert firm.level(unit) == (20, 2, 1)
    assert_adds_up(firm)


def test_parts_of_an_unacknowledged_order_leave(town: Town, firm: Shop) -> None:
    """What has left is no longer counted as new, and the rest neither."""
    firm.unit("MUG", 20)
    walmart = town.stall(firm, "walmart", goods={"MUG": 20})
    switch(walmart, acknowledge=False)
    town.work(40)
    order = walmart.emulator.place_order([("MUG", 3)])
    town.work(30)
    walmart.ship(order, {"1": 1})
    assert_adds_up(firm)
    town.work(60)
    assert_true(walmart)
    assert_adds_up(firm, calm=True)


# --- a buyer who asks to cancel ---------------------------------------------------------------------------------------------------------


def test_what_the_buyer_asks_to_cancel_leaves_only_if_a_person_says_so(town: Town, firm: Shop) -> None:
    unit = firm.unit("MUG", 10)
    walmart = town.stall(firm, "walmart", goods={"MUG": 10})
    town.work(40)
    order = walmart.emulator.place_order([("MUG", 3)])
    town.work(20)
    walmart.emulator.request_cancel(order)
    town.work(20)
    with pytest.raises(ShipError, match=r"the buyer asks to cancel 3 of line 1 .MUG.: cancel that, or say that it leaves"):
        walmart.ship(order)
    assert firm.level(unit) == (10, 3, 0)

    walmart.ship(order, although_asked=True)
    town.work(40)
    assert walmart.command(order, "ship").state == "done"
    assert walmart.emulator.orders[order].state == "shipped"
    assert firm.level(unit) == (7, 0, 0)
    assert_adds_up(firm, calm=True)


def test_a_wish_that_comes_after_the_goods_have_left_is_not_overridden_silently(town: Town, firm: Shop) -> None:
    """The channel refuses, in its words; telling it again takes the person's word."""
    firm.unit("MUG", 10)
    walmart = town.stall(firm, "walmart", goods={"MUG": 10})
    town.work(40)
    order = walmart.emulator.place_order([("MUG", 3)])
    town.work(20)
    walmart.emulator.request_cancel(order)
    shipment = walmart.ship(order)
    town.work(20)
    assert walmart.command(order, "ship").state == "refused"
    assert notices(firm)

    ship.tell_again(firm.organisation.pk, shipment.pk, although_asked=True, actor=ACTOR)
    town.work(20)
    assert walmart.command(order, "ship").state == "done"
    assert not notices(firm)


# --- a shipment that the channel takes back ---------------------------------------------------------------------------------------------


def correct(town: Town, emag: Stall, order: str, status: int) -> None:
    """A person changes a finalized order in eMAG's own screens."""
    town.clock.tick(60)
    address = emag.address
    with httpx.Client(transport=EmulatorTransport(emag.emulator), auth=(emag.config["user"], emag.config["password"])) as client:
        raw = client.post(f"{address}/order/read", json={"id": int(order), "type": 3}).json()["results"][0]
        raw |= {"status": status, "reason_cancellation": 31 if status == 0 else None}
        assert not client.post(f"{address}/order/save", json=[raw]).json()["isError"]
    town.work(60)


@pytest.fixture
def finalized(town: Town, firm: Shop):
    """An order of two of five mugs that left, and that eMAG has finalized."""
    unit = firm.unit("MUG", 5)
    emag = town.stall(firm, "emag", goods={"MUG": 5})
    town.work(40)
    order = emag.emulator.place_order([("MUG", 2)])
    town.work(30)
    emag.ship(order)
    town.work(30)
    assert emag.order(order).state == "shipped"
    assert not notices(firm)
    return unit, emag, order


def quantities(stall: Stall, order: str) -> list[tuple[int, int, int, int]]:
    return [(line.shipped, line.taken_back, line.cancelled, line.open) for line in stall.lines(order)]


def test_a_shipment_that_emag_takes_back_is_told_and_can_be_made_good(town: Town, firm: Shop, finalized) -> None:
    """4 to 3 within 48 hours: a person says that the goods are here, and they may leave once more."""
    unit, emag, order = finalized
    correct(town, emag, order, 3)
    key = departures.notice_of(emag.order(order).pk)
    assert notices(firm) == {key: f"Order {order}: the channel says that goods have not left"}
    assert quantities(emag, order) == [(2, 2, 0, 0)]
    assert firm.level(unit) == (3, 0, 0), "whether they are here, only a person knows"
    assert_adds_up(firm)

    assert not_left.not_left(firm.organisation.pk, emag.order(order).pk, None, actor=ACTOR) == {emag.lines(order)[0].pk: 2}
    assert quantities(emag, order) == [(0, 0, 0, 2)]
    assert firm.level(unit) == (5, 2, 0)
    assert not notices(firm)
    town.work(60)
    assert_true(emag)
    assert_adds_up(firm, calm=True)

    emag.ship(order)
    town.work(60)
    assert emag.emulator.orders[order].state == emag.order(order).state == "shipped"
    assert firm.level(unit) == (3, 0, 0)
    assert_true(emag)
    assert_adds_up(firm, calm=True)

    correct(town, emag, order, 3)
    not_left.not_left(firm.organisation.pk, emag.order(order).pk, None, actor=ACTOR)
    assert firm.level(unit) == (5, 2, 0), "the same again, and what came back once does not come back twice"
    with pytest.raises(NotLeftError, match="does not say of anything"):
        not_left.not_left(firm.organisation.pk, emag.order(order).pk, None, actor=ACTOR)


def test_goods_come_back_also_where_the_order_was_taken_in_by_a_clock_that_was_ahead(town: Town, firm: Shop, finalized) -> None:
    """Seed 1403: by the books it had been shipped before it came, and nothing came back."""
    unit, emag, order = finalized
    correct(town, emag, order, 3)
    with firm.scope():
        Order.objects.filter(pk=emag.order(order).pk).update(imported_at=town.clock() + timedelta(minutes=5))
    not_left.not_left(firm.organisation.pk, emag.order(order).pk, None, actor=ACTOR)
    assert firm.level(unit) == (5, 2, 0)


def test_a_shipment_that_emag_takes_back_and_cancels(town: Town, firm: Shop, finalized) -> None:
    """4 to 3 to 0: buyers see what our books say at any time, and the goods are free once a person says that they are here."""
    unit, emag, order = finalized
    correct(town, emag, order, 3)
    correct(town, emag, order, 0)
    assert emag.order(order).state == "cancelled"
    assert quantities(emag, order) == [(2, 2, 0, 0)]
    assert notices(firm)
    assert emag.shown() == {"MUG": 3}, "eMAG counted them back by itself; our books do not"
    assert_true(emag)

    not_left.not_left(firm.organisation.pk, emag.order(order).pk, None, actor=ACTOR)
    town.work(60)
    assert quantities(emag, order) == [(0, 0, 2, 0)]
    assert firm.level(unit) == (5, 0, 0)
    assert emag.shown() == {"MUG": 5}
    assert not notices(firm)
    assert_true(emag)
    assert_adds_up(firm, calm=True)


def test_a_shipment_that_is_taken_back_by_mistake_is_put_right_on_the_channel(town: Town, firm: Shop, finalized) -> None:
    unit, emag, order = finalized
    correct(town, emag, order, 3)
    assert notices(firm)
    correct(town, emag, order, 4)
    assert not notices(firm)
    assert quantities(emag, order) == [(2, 0, 0, 0)]
    assert firm.level(unit) == (3, 0, 0)
    assert_true(emag)
    assert_adds_up(firm, calm=True)


# --- a channel that takes no tracking number --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("platform", "told"), [("walmart", "tracking"), ("emag", "tracking_kept")])
def test_where_a_tracking_number_goes_is_said(town: Town, firm: Shop, capsys: pytest.CaptureFixture[str], platform: str, told: str) -> None:
    """Walmart is told the number; of eMAG it is said before anything is sent that the number stays here."""
    firm.unit("MUG", 5)
    stall = town.stall(firm, platform, goods={"MUG": 5})
    town.work(40)
    order = stall.emulator.place_order([("MUG", 1)])
    town.work(30)
    assert run(["ship", order, "--carrier", "UPS", "--tracking", "1Z999"]) == 0
    said = f"{stall.channel.name} takes no tracking number: 1Z999 is kept here only."
    assert (said in capsys.readouterr().out) == (told == "tracking_kept")
    with firm.scope():
        detail = OrderEvent.objects.get(order=stall.order(order), kind="shipped").detail
        assert detail[told] == Shipment.objects.get(order=stall.order(order)).tracking_number == "1Z999"
        assert len({"tracking", "tracking_kept"} & detail.keys()) == 1
