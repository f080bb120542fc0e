"""Guarded units while their listings go: the job that splits them anew and the read that finds one gone do not wait for each other."""

from __future__ import annotations

import pytest
from django.db import connection

from stallkeeper.channels import belief_queries, guarding, reading, refresh
from stallkeeper.channels.models import Offer
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries as stock_queries
from tests.races.explorer import Race, explore
from tests.races.locks.acting import within
from tests.shop import Shop


def a_listing_goes_while_its_unit_is_worked_out() -> Race:
    shop = Shop.open()
    unit = shop.unit("MUG", 9)
    offers = [shop.offer(shop.channel(), unit, believed_qty=0) for _ in range(2)]
    with shop.use_case() as uc:
        guarding.set_unit(uc, unit, True)
    with shop.use_case() as uc:
        refresh.leave_to_job(uc, [unit.pk])

    def gone(uc: UseCase) -> None:
        with connection.cursor() as cursor:
            known = belief_queries.known(cursor, [offers[0].pk])
        reading.write(uc, [(known[0], None)], uc.at)

    def broken() -> str:
        with shop.use_case() as uc:
            refresh.drain_stale(uc)
        with shop.scope():
            meant = list(Offer.objects.order_by("id").values_list("intended_qty", flat=True))
        return "" if meant == [0, 9] else f"the offers are meant to show {meant}"

    return Race(within(shop, refresh.drain_stale), within(shop, gone), broken)


def test_a_mark_that_the_job_holds_stands(shared_race_db) -> None:
    found = explore(a_listing_goes_while_its_unit_is_worked_out, shared_race_db)
    assert (found.broken, found.schedule) == ("", ())
    assert found.schedules > 2


def test_waiting_for_the_job_would_close_the_circle(shared_race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_queries, "mark_again", stock_queries.mark_stale)
    assert "deadlock" in explore(a_listing_goes_while_its_unit_is_worked_out, shared_race_db).broken
