"""The ledger, holds, counts and places (C1-C3, invariants 1-3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from stallkeeper.orders import intake
from stallkeeper.orders.models import OrderLine, Shortage
from stallkeeper.stock import counts, holds, ledger, places, reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.counts import CountError
from stallkeeper.stock.holds import HoldError
from stallkeeper.stock.ledger import Move, NotEnough
from stallkeeper.stock.models import Cause, Movement, Reservation, ReservationEvent, StockCount, VirtualRole
from stallkeeper.stock.reserve import Want
from stallkeeper.sync import lapses
from stallkit.types import OrderState
from tests.shop import NOON, Shop, remote_order


@pytest.fixture
def shop() -> Shop:
    return Shop.open()


def move(shop: Shop, unit, quantity: int, reference: str, **fields) -> list[str]:
    with shop.use_case() as uc:
        supplier = places.virtual(uc, VirtualRole.SUPPLIER).pk
        return ledger.post(uc, [Move(unit.pk, quantity, supplier, shop.place.pk, Cause.RECEIPT, reference, NOON, **fields)])


def test_a_source_said_twice_moves_goods_once(shop: Shop) -> None:
    unit = shop.unit("MUG")
    assert move(shop, unit, 5, "delivery-1") == ["delivery-1"]
    assert move(shop, unit, 5, "delivery-1") == []
    with shop.scope():
        assert shop.level(unit) == (5, 0, 0)


def test_the_database_refuses_to_rewrite_history(shop: Shop) -> None:
    """Invariant 1: entries never change."""
    move(shop, shop.unit("MUG"), 5, "delivery-1")
    with shop.scope():
        for change in (lambda: Movement.objects.update(quantity=6), lambda: Movement.objects.all().delete()):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                change()


def test_the_database_refuses_to_promise_more_than_there_is(shop: Shop) -> None:
    """Invariant 3, as a constraint below every caller."""
    unit = shop.unit("MUG", 3)
    refused = pytest.raises(IntegrityError, match="level_allocated_within_on_hand")
    with shop.scope(), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE stock_level SET allocated = 4 WHERE stock_unit_id = %s", [unit.pk])


def test_more_cannot_leave_than_is_there(shop: Shop) -> None:
    unit = shop.unit("MUG", 3)
    with shop.use_case() as uc:
        customer = places.virtual(uc, VirtualRole.CUSTOMER).pk
    with pytest.raises(NotEnough, match="3 on hand, 4 shall leave"), shop.use_case() as uc:
        ledger.post(uc, [Move(unit.pk, 4, shop.place.pk, customer, Cause.SHIP, "gone", NOON)])


def test_a_transfer_has_two_legs(shop: Shop) -> None:
    second = shop.add_place("SECOND")
    unit = shop.unit("MUG", 8)
    with shop.use_case() as uc:
        ledger.post(uc, [Move(unit.pk, 3, shop.place.pk, second.pk, Cause.TRANSFER, "t-1", NOON)])
    with shop.scope():
        assert (shop.level(unit), shop.level(unit, second)) == ((5, 0, 0), (3, 0, 0))


def test_a_count_is_held_against_the_level_of_its_moment(shop: Shop) -> None:
    """Goods that came after the count are not its business."""
    unit = shop.unit("MUG", 10)
    shop.later(hours=1)
    counted_at = shop.at
    shop.later(hours=1)
    with shop.use_case() as uc:
        supplier = places.virtual(uc, VirtualRole.SUPPLIER).pk
        ledger.post(uc, [Move(unit.pk, 4, supplier, shop.place.pk, Cause.RECEIPT, "later", shop.at)])
    with shop.use_case() as uc:
        counts.record_count(uc, shop.place.pk, {unit.pk: 8}, as_of=counted_at, reference="march")
        counts.record_count(uc, shop.place.pk, {unit.pk: 8}, as_of=counted_at, reference="march")
    with shop.scope():
        assert shop.level(unit) == (12, 0, 0)
        assert StockCount.objects.get().lines_differing == 1
    with shop.use_case() as uc, pytest.raises(CountError, match="future"):
        counts.record_count(uc, shop.place.pk, {unit.pk: 1}, as_of=shop.at + timedelta(days=1), reference="april")


def test_a_manual_hold_keeps_back_what_is_free_and_no_more(shop: Shop) -> None:
    unit = shop.unit("MUG", 5)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 2)])], shop.at)
    with shop.use_case() as uc:
        assert holds.set_hold(uc, 1, unit.pk, shop.place.pk, 9, reason="photo shoot") == 3
    assert shop.intended(offer) == 0
    with shop.use_case() as uc:
        assert holds.set_hold(uc, 1, unit.pk, shop.place.pk, 1, reason="one is enough") == 1
    assert shop.intended(offer) == 2
    with shop.use_case() as uc, pytest.raises(HoldError, match="expires_at"):
        holds.set_hold(uc, 2, unit.pk, shop.place.pk, 1, reason="past", expires_at=shop.at)


def test_a_sale_that_happened_may_take_what_a_hold_keeps_back(shop: Shop) -> None:
    unit = shop.unit("MUG", 2)
    channel = shop.channel()
    shop.offer(channel, unit)
    with shop.use_case() as uc:
        holds.set_hold(uc, 1, unit.pk, shop.place.pk, 2, reason="maybe")
    with shop.use_case() as uc:
        result = intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 1)])], shop.at)
    assert result.short_lines == 0
    with shop.scope():
        assert shop.level(unit) == (2, 1, 2)


def test_a_sale_that_took_held_units_keeps_them_when_it_is_set_anew(shop: Shop) -> None:
    """Its own units are given back before anything is counted: a change of the order is no shortage, not even for a moment."""
    unit = shop.unit("MUG", 1)
    channel = shop.channel()
    shop.offer(channel, unit)
    with shop.use_case() as uc:
        holds.set_hold(uc, 1, unit.pk, shop.place.pk, 1, reason="maybe")
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 1)])], shop.at)
    later = NOON + timedelta(minutes=1)
    with shop.use_case() as uc:
        changed = remote_order("1", [("MUG", 1)], state=OrderState.ACKNOWLEDGED, modified=later)
        assert intake.accept(uc, channel.connection_id, [changed], later).short_lines == 0
    with shop.scope():
        assert not Shortage.objects.exists()
        assert shop.level(unit) == (1, 1, 1)


def test_holds_end_by_themselves_and_the_offer_follows(shop: Shop) -> None:
    """C28: expiry releases the hold and re-publishes; the pending order can still be confirmed."""
    unit = shop.unit("MUG", 4)
    channel = shop.channel()
    offer = shop.offer(channel, unit)
    pending = remote_order("1", [("MUG", 3)], state=OrderState.PENDING)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [pending], shop.at)
    assert shop.intended(offer) == 1
    assert lapses.run() == 1
    assert shop.intended(offer) == 4
    with shop.scope():
        assert not Reservation.objects.exists()
        assert [(e.before, e.after) for e in ReservationEvent.objects.order_by("id")] == [(0, 3), (3, 0)]
        assert OrderLine.objects.get().short == 3
    shop.later(hours=1)
    with shop.use_case() as uc:
        intake.accept(uc, channel.connection_id, [remote_order("1", [("MUG", 3)], modified=shop.at)], shop.at)
    with shop.scope():
        assert shop.level(unit) == (4, 3, 0)
        assert OrderLine.objects.get().short == 0


@pytest.mark.parametrize("hours", [1, 9])
def test_a_hold_ends_when_it_was_last_said_to(shop: Shop, hours: int) -> None:
    """Also where as many units are kept back as before."""
    unit = shop.unit("MUG", 5)
    for time in (5, hours):
        with shop.use_case() as uc:
            holds.keep_back(uc, unit, shop.place, 2, reason="fair", expires_at=shop.at + timedelta(hours=time))
    shop.later(hours=6)
    with shop.use_case() as uc:
        assert holds.lapse(uc) == (1 if hours == 1 else 0)
    assert shop.level(unit) == ((5, 0, 0) if hours == 1 else (5, 0, 2))


def test_what_is_left_of_a_reservation_keeps_its_dispatch_date(shop: Shop) -> None:
    """Part of the urgent line left; when goods are missing, the other one goes short."""
    unit = shop.unit("MUG", 6)
    wants = [
        Want(Demand(owner, 3, ((unit.pk, 1),), (shop.place.pk,)), due_at=shop.at + timedelta(days=days))
        for owner, days in ((901, 1), (902, 5))
    ]
    with shop.use_case() as uc:
        reserve.set_reservations(uc, "test", wants, cause="sold")
    with shop.use_case() as uc:
        reserve.take_out(uc, "test", 901, {unit.pk: 1}, cause="shipped")
    shop.stock(unit, 3)
    with shop.scope():
        left = dict(Reservation.objects.filter(stock_unit=unit).values_list("owner_id", "quantity"))
    assert left == {901: 2, 902: 1}
