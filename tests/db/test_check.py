"""``stallkeeper check``: a shop on a working day is clean, and each rule, broken behind our back, is told by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection

from stallkeeper.channels.models import Channel
from stallkeeper.core.models import Organisation
from stallkeeper.fulfilment.ship import ship
from stallkeeper.ops.check import Result, check
from stallkeeper.orders import intake
from stallkeeper.orders.cancel import cancel_lines
from stallkeeper.orders.models import Order
from stallkeeper.stock import holds
from stallkit.types import CancelReason, OrderState
from tests.shop import NOON, Shop, remote_order


class Day:
    """A working day: singles, a kit, two channels, orders in every state, one of them short, a hold, a shipment, a cancellation."""

    def __init__(self) -> None:
        self.shop = Shop.open()
        self.north = self.shop.add_place("NORTH")
        mug = self.shop.unit("MUG", {"MAIN": 5, "NORTH": 3})
        lamp = self.shop.unit("LAMP", 4)
        rare = self.shop.unit("RARE", 1)
        box = self.shop.kit("BOX", {mug: 2, lamp: 1})
        both = [self.shop.place, self.north]
        self.channels = [self.shop.channel(locations=both), self.shop.channel("emag", locations=both, currency="RON")]
        for channel in self.channels:
            for unit in (mug, lamp, rare, box):
                self.shop.offer(channel, unit)
        self.orders = {}
        self.take(0, remote_order("1", [("MUG", 2), ("BOX", 1)]), remote_order("2", [("RARE", 1)]))
        self.take(1, remote_order("3", [("RARE", 1)]), remote_order("4", [("LAMP", 1)], state=OrderState.PENDING))
        self.take(1, remote_order("5", [("LAMP", 1)], state=OrderState.ACKNOWLEDGED), remote_order("6", [("UNKNOWN", 1)]))
        with self.shop.use_case() as uc:
            holds.set_hold(uc, mug.pk, mug.pk, self.north.pk, 1, reason="photo", expires_at=NOON + timedelta(days=1))
        ship(self.shop.organisation.pk, self.order("2"), None, carrier="DHL", tracking_number="1", actor="system")
        cancel_lines(self.shop.organisation.pk, self.order("5"), None, reason=CancelReason.BUYER_ASKED, actor="system")

    def take(self, channel: int, *orders) -> None:
        with self.shop.use_case("accept.orders") as uc:
            intake.accept(uc, self.channels[channel].connection_id, orders, self.shop.at)

    def order(self, number: str) -> int:
        with self.shop.scope():
            return Order.objects.get(external_id=number).pk

    def check(self, **options) -> list[Result]:
        return check(self.shop.organisation.pk, at=NOON, **options)

    def broken(self, **options) -> list[str]:
        """Rules that are broken, as "number: first problem"."""
        return [f"{result.number}: {result.problems[0]}" for result in self.check(**options) if result.broken]


@pytest.fixture
def day() -> Iterator[Day]:
    made = Day()
    with made.shop.scope():
        yield made


def sql(*statements: str, parameters: Sequence[object] = ()) -> None:
    """Do what no use case does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement, parameters if "%s" in statement else None)


def settle(day: Day) -> None:
    """As if the engine had done all of its work."""
    sql(
        "UPDATE channels_offer SET believed_qty = intended_qty",
        "DELETE FROM channels_offertodo",
        "UPDATE channels_command SET state = 'done'",
    )


def test_a_working_day_is_clean(day):
    results = day.check()
    assert [(result.title, result.problems) for result in results if result.broken] == []
    looked = {result.number: result.looked_at for result in results}
    assert all(looked[number] for number in ("1", "2", "3", "5", "7", "10", "14", "17")), looked


def test_a_calm_day_is_clean_too(day):
    assert {problem.partition(":")[0] for problem in day.broken(calm=True)} == {"10", "11"}  # work is left
    settle(day)
    assert day.broken(calm=True) == []


BREAKS = [
    ("UPDATE stock_level SET on_hand = on_hand + 1 WHERE on_hand = 3", "1: MUG at NORTH: the level says 4, the movements add up to 3"),
    ("UPDATE stock_level SET held = held + 1 WHERE on_hand = 3", "2: MUG at NORTH: the level says 0 allocated and 2 held"),
    (
        "UPDATE stock_reservation SET quantity = quantity + 1 WHERE kind = 'manual'",
        "2: MUG at NORTH: the level says 0 allocated and 1 held, the reservations 0 and 2",
    ),
    ("UPDATE stock_level SET backorder = true WHERE on_hand = 3", "3: MUG at NORTH: 3 on hand, 0 allocated, 1 held, backorder t"),
    ("DELETE FROM orders_shortage", "3: order 3, line 1: 1 short, the open shortage says nothing"),
    ("UPDATE orders_shortage SET quantity = 2", "3: order 3, line 1: 1 short, the open shortage says 2"),
    (
        "UPDATE orders_orderline SET cancelled = cancelled + 1 WHERE sku = 'BOX'",
        "7: order 1, line 2: 1 of unit",
    ),
    (
        "UPDATE orders_orderline SET ordered = ordered + 1 WHERE sku = 'MUG'",
        "7: order 1, line 1: 2 of unit",
    ),
    ("UPDATE channels_offer SET open_qty = open_qty + 1 WHERE sku = 'LAMP' AND open_qty > 0", "7: offer LAMP on"),
    (
        "UPDATE channels_offer SET unacknowledged_qty = unacknowledged_qty + 1 WHERE sku = 'LAMP' AND open_qty > 0",
        "7: offer LAMP on",
    ),
    ("DELETE FROM channels_offertodo", "10: offer BOX on"),
    (
        "UPDATE channels_offertodo SET offer_id = 0 WHERE offer_id = (SELECT max(offer_id) FROM channels_offertodo)",
        "10: quantity of offer 0 is listed to be sent, but there is no such offer",
    ),
    (
        "UPDATE channels_offer SET stock_excluded = true WHERE sku = 'BOX'",
        "10: quantity of offer BOX is listed to be sent, but it is left out",
    ),
    (
        "UPDATE channels_offer SET intended_qty = NULL WHERE sku = 'BOX'",
        "10: quantity of offer BOX is listed to be sent, but there is nothing to send",
    ),
    (
        "UPDATE channels_offertodo SET channel_id = channel_id + 1 WHERE offer_id IN (SELECT id FROM channels_offer WHERE sku = 'BOX')",
        "10: quantity of offer BOX is listed to be sent, but it belongs to channel",
    ),
    (
        "UPDATE channels_offertodo SET kind = 'price' WHERE offer_id IN (SELECT id FROM channels_offer WHERE sku = 'BOX')",
        "10: price of offer BOX is listed to be sent, but there is nothing to send",
    ),
    (
        "UPDATE core_personaldata SET delete_after = '2026-02-01'",
        "15: order",
    ),
]


@pytest.mark.parametrize(("statement", "problem"), BREAKS, ids=[problem for _, problem in BREAKS])
def test_what_is_changed_behind_our_back_is_told(day, statement, problem):
    sql(statement)
    assert any(told.startswith(problem) for told in day.broken()), day.broken()


def test_a_movement_that_was_changed_is_found(day):
    sql(
        "ALTER TABLE stock_movement DISABLE TRIGGER movement_append_only",
        "UPDATE stock_movement SET quantity = quantity + 1 WHERE id = (SELECT min(id) FROM stock_movement)",
    )
    assert day.broken() == [
        "1: MUG at MAIN: the level says 5, the movements add up to 6",
        "1: table stock_movement: the trigger movement_append_only is off",
    ]


def test_an_audit_entry_that_was_changed_or_removed_is_found(day):
    sql(
        "ALTER TABLE core_auditentry DISABLE TRIGGER audit_append_only",
        "UPDATE core_auditentry SET actor = 'nobody' WHERE id = (SELECT min(id) FROM core_auditentry)",
        "ALTER TABLE core_auditentry ENABLE TRIGGER audit_append_only",
    )
    assert [problem.partition(":")[0] for problem in day.broken()] == ["17"]


def test_a_lost_constraint_and_what_came_through_are_found(day):
    sql(
        "ALTER TABLE stock_level DROP CONSTRAINT level_allocated_within_on_hand",
        "UPDATE stock_level SET allocated = on_hand + 1 WHERE on_hand = 3",
    )
    assert "3: MUG at NORTH: 3 on hand, 4 allocated, 1 held, backorder f (the place: f)" in day.broken()
    assert "3: level_allocated_within_on_hand is missing" in day.broken()


def test_a_doubled_order_is_found(day):
    """Only without the unique constraint can there be one."""
    sql(
        "ALTER TABLE orders_order DROP CONSTRAINT order_once",
        "UPDATE orders_order SET external_id = '1', connection_id = (SELECT connection_id FROM orders_order WHERE external_id = '1')"
        " WHERE external_id = '2'",
    )
    assert any(told.startswith("5: order 1 of account") for told in day.broken())


def test_a_line_out_of_bounds_is_found(day):
    sql(
        "ALTER TABLE orders_orderline DROP CONSTRAINT order_line_adds_up",
        "UPDATE orders_orderline SET shipped = 5 WHERE sku = 'UNKNOWN'",
    )
    assert "7: order 6, line 1: ordered 1, cancelled 0, shipped 5, short 0, returned 0" in day.broken()


def test_a_promise_without_a_line_is_found(day):
    sql("UPDATE stock_reservation SET owner_id = 999999 WHERE owner_type = 'line' AND kind = 'pending'")
    assert any(told.startswith("7: order gone, line 999999: 1 of unit") for told in day.broken())


def test_a_history_that_does_not_end_at_the_present_is_found(day):
    sql("DELETE FROM stock_reservation_event WHERE owner_type = 'manual'")
    assert any(told.startswith("2: manual ") for told in day.broken())


def test_a_reference_over_the_wall_is_found(day):
    """Invariant 14."""
    other = Organisation.objects.create(name="Other", slug="other", created_at=NOON)
    sql(
        "ALTER TABLE catalog_stockunit NO FORCE ROW LEVEL SECURITY",
        "UPDATE catalog_stockunit SET organisation_id = %s WHERE sku = 'BOX'",
        "ALTER TABLE catalog_stockunit FORCE ROW LEVEL SECURITY",
        parameters=[other.pk],
    )
    told = [problem for result in day.check() if result.number == "14" for problem in result.problems]
    assert "channels_offer.stock_unit_id: 2 rows refer to another organisation's catalog_stockunit, or to none" in told


def test_a_reference_to_nothing_is_found(day):
    """What the database does not look up for each row (ADR 0020)."""
    sql("UPDATE orders_orderevent SET order_id = 1000000 + order_id")
    told = [problem for result in day.check() if result.number == "14" for problem in result.problems]
    assert any(said.startswith("orders_orderevent.order_id: ") and said.endswith("orders_order, or to none") for said in told)


def test_each_organisation_is_checked_for_itself(day):
    other = Day()
    with other.shop.scope():
        sql("UPDATE stock_level SET held = held + 1")
    assert day.broken() == []
    assert other.broken()


def test_when_calm_what_is_not_believed_or_stored_as_worked_out_is_wrong(day):
    settle(day)
    sql("UPDATE channels_offer SET believed_qty = 99 WHERE sku = 'BOX'")
    sql("UPDATE channels_offer SET intended_qty = 98, believed_qty = 98 WHERE sku = 'MUG'")
    told = "\n".join(day.broken(calm=True))
    assert "and is believed to show 99" in told
    assert "10: offer MUG on" in told
    assert "stored 98, worked out" in told


def test_when_calm_a_refusal_is_fine_as_long_as_it_can_be_seen(day):
    """Invariant 10: every permanent error is visible."""
    settle(day)
    sql(
        "UPDATE channels_offer SET believed_qty = 99, refused_qty = intended_qty, refused_at = now(), refused_message = 'campaign'"
        " WHERE sku = 'BOX'"
    )
    assert day.broken(calm=True) == []
    sql("UPDATE channels_offer SET refused_message = '' WHERE sku = 'BOX'")
    assert day.broken(calm=True)


def test_channels_that_send_nothing_owe_nothing(day):
    sql("DELETE FROM channels_offertodo")
    with day.shop.scope():
        Channel.objects.update(stock_enabled=False)
    assert day.broken() == []


def test_checking_changes_nothing(day):
    settle(day)
    sql("UPDATE channels_offer SET intended_qty = 98, believed_qty = 98 WHERE sku = 'MUG'")
    before = day.broken(calm=True)
    assert before == day.broken(calm=True)


@pytest.mark.django_db(transaction=True)
def test_one_organisation_after_the_other_each_in_its_snapshot():
    """The snapshot is the first thing that the transaction asks for, although the connection worked for somebody else before."""
    for shop in (Shop.open(), Shop.open()):
        assert [result.problems for result in check(shop.organisation.pk) if result.problems] == []
