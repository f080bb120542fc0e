"""32 connections sell the last 10 units through every door at once: intake, linking a line (by use case and by screen), a hold by hand (C1,
invariants 1-3).

With the guard the ledger tells exactly the truth. Without it (no row lock, no CHECK) the same run promises more than there is.
"""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.urls import reverse

from stallkeeper.core.models import Role, User
from stallkeeper.orders import entering, intake, linking
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import holds, queries
from stallkeeper.stock.models import Level, Reservation
from tests.busy_shop import signed_in
from tests.shop import Shop, join, remote_order

LAST = 10
INTAKES, LINKS, SCREENS, HOLDS = 12, 4, 8, 8
SOLD = INTAKES + LINKS + SCREENS


@pytest.fixture(autouse=True)
def _static_files(settings, tmp_path) -> None:
    """The folder that a screen's static files may lie in."""
    settings.STATIC_ROOT = tmp_path


def prepare(shop: Shop):
    unit = shop.unit("MUG", LAST)
    channel = shop.channel()
    shop.offer(channel, unit)
    with shop.use_case("accept.orders") as uc:
        unknown = [remote_order(f"unknown-{n}", [(f"NEW-{n}", 1)]) for n in range(LINKS + SCREENS)]
        intake.accept(uc, channel.connection_id, unknown, shop.at)
    with shop.scope():
        lines = list(OrderLine.objects.order_by("id"))
    return unit, channel, lines


def doors(shop: Shop, unit, channel, lines):
    def order(number: int):
        def run() -> None:
            with shop.use_case("accept.orders") as uc:
                intake.accept(uc, channel.connection_id, [remote_order(f"o{number}", [("MUG", 1)])], shop.at)

        return run

    def link(line: OrderLine):
        return lambda: linking.link_line(shop.organisation.pk, line.pk, unit.pk, for_ever=False, actor="user:1")

    def screen(line: OrderLine):
        client, address = signed_in(somebody), reverse("backoffice:link_line", args=[line.order_id, line.pk])

        def run() -> None:
            assert client.post(address, {"sku": unit.sku}).status_code == 302

        return run

    def hold(number: int):
        def run() -> None:
            with shop.use_case("set.hold") as uc:
                holds.set_hold(uc, number, unit.pk, shop.place.pk, 1, reason="race")

        return run

    somebody = User.objects.create_user("mia@example.com", name="Mia")
    join(shop.organisation, somebody, Role.OWNER)
    return [*map(order, range(INTAKES)), *map(link, lines[:LINKS]), *map(screen, lines[LINKS:]), *map(hold, range(HOLDS))]


def promised(shop: Shop, unit) -> tuple[int, int, int]:
    """(sum of reservation rows, allocated + held by the level, sold units by the lines that are not short)"""
    with shop.scope():
        level = Level.objects.get(stock_unit=unit)
        rows = sum(Reservation.objects.values_list("quantity", flat=True))
        served = sum(line.allocated for line in OrderLine.objects.filter(stock_unit=unit))
    return rows, level.allocated + level.held, served


def test_exactly_the_last_units_are_promised(race_db) -> None:
    shop = Shop.open()
    unit, channel, lines = prepare(shop)
    race_db.together(*doors(shop, unit, channel, lines))
    rows, level, served = promised(shop, unit)
    with shop.scope():
        allocated = sum(Reservation.objects.filter(kind="allocated").values_list("quantity", flat=True))
        short = sum(OrderLine.objects.values_list("short", flat=True))
        sold = sum(OrderLine.objects.values_list("ordered", flat=True))
    assert allocated == LAST, "each of them, and not one twice: a sale may take what a hold keeps back"
    assert rows == level
    assert served == allocated
    assert sold == SOLD
    assert served + short == sold


def test_without_the_guard_more_is_promised_than_there_is(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop.open()
    unit, channel, lines = prepare(shop)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE stock_level DROP CONSTRAINT level_allocated_within_on_hand")
    locked = queries.lock_levels
    read, here = threading.Barrier(SOLD + HOLDS), threading.local()

    def unlocked(cursor, *args):
        found = locked(cursor, *args)
        if not hasattr(here, "read"):
            here.read = True
            read.wait(30)  # so that all have read before anybody writes, however few processors there are
        return found

    monkeypatch.setattr(queries, "LOCK_LEVELS", queries.LOCK_LEVELS.replace("FOR NO KEY UPDATE", ""))
    monkeypatch.setattr(queries, "lock_levels", unlocked)
    # The short way holds offers when it writes levels: without the locks of levels it would meet the others head-on.
    monkeypatch.setattr(entering, "can", lambda page: None)
    race_db.together(*doors(shop, unit, channel, lines))
    with shop.scope():
        allocated = sum(Reservation.objects.filter(kind="allocated").values_list("quantity", flat=True))
    assert allocated > LAST
