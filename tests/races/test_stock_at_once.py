"""Stock that is set at once: two who make the same level, and units that wait for a look drained on several connections."""

from __future__ import annotations

import threading

import pytest

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import refresh
from stallkeeper.channels.models import Offer
from stallkeeper.stock import ledger, queries
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Stale
from tests.shop import Shop


def set_ten_twice(shop: Shop, unit: StockUnit, race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two say "ten" of a place that has no level yet; neither makes it before both have seen that there is none."""
    barrier = threading.Barrier(2)
    ensure = queries.ensure_levels

    def wait(cursor, organisation, units, locations):
        barrier.wait(60)
        ensure(cursor, organisation, units, locations)

    def say(name: str):
        def run() -> None:
            with shop.use_case() as uc:
                ledger.set_on_hand(uc, [Target(unit.pk, shop.place.pk, 10, name)])

        return run

    monkeypatch.setattr(queries, "ensure_levels", wait)
    race_db.together(say("first"), say("second"))


def a_unit_without_a_level(shop: Shop) -> StockUnit:
    with shop.scope():
        return StockUnit.objects.create(organisation=shop.organisation, sku="MUG", title="MUG", created_at=shop.at)


def test_ten_said_twice_of_a_new_level_is_ten(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop.open()
    unit = a_unit_without_a_level(shop)
    set_ten_twice(shop, unit, race_db, monkeypatch)
    assert shop.level(unit) == (10, 0, 0)


def test_without_the_second_look_it_is_twenty(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop.open()
    unit = a_unit_without_a_level(shop)

    def look_once(uc, cursor, spots):
        spots = sorted(spots)
        queries.ensure_levels(cursor, uc.organisation_id, [unit for unit, _ in spots], [location for _, location in spots])
        return [(unit, location, 0, 0, 0, False) for unit, location in spots]

    monkeypatch.setattr(ledger, "hold", look_once)
    set_ten_twice(shop, unit, race_db, monkeypatch)
    assert shop.level(unit) == (20, 0, 0)


def test_units_drained_on_several_connections_are_all_looked_at(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kits belong to units of several transactions, which lock the same offers."""
    shop = Shop.open()
    channel = shop.channel()
    units = [shop.unit(f"U{number}", 7) for number in range(24)]
    kits = [shop.kit(f"K{number}", {units[number]: 1, units[-1 - number]: 1}) for number in range(6)]
    with shop.scope():
        for unit in units + kits:
            Offer.objects.create(organisation=shop.organisation, channel=channel, stock_unit=unit, sku=unit.sku, intended_qty=99)
        Stale.objects.bulk_create(Stale(organisation=shop.organisation, stock_unit=unit) for unit in units)
    monkeypatch.setattr(refresh, "DRAIN_BATCH", 2)
    assert refresh.drain(shop.organisation.pk) == len(units)
    with shop.scope():
        assert set(Offer.objects.values_list("intended_qty", flat=True)) == {7}
        assert not Stale.objects.exists()
