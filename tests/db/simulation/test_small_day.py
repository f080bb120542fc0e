"""A correct small day has no breach: the real engine, two stalls, buyers, shipments, cancellations."""

from __future__ import annotations

import pytest

from stallkeeper.core import crash
from stallkeeper.ops.simulation.truth import Breach, Truth
from tests.db.simulation.conftest import view
from tests.scenarios.town import Town

WITHIN = {"commit:lane.want:after", "commit:job.defer:after"}
"""In the test's own transaction wake-ups come before the commit of what they follow: nothing is done yet."""


@pytest.mark.long(25)
def test_a_correct_small_day_has_no_breach(town: Town) -> None:
    shop = town.firm()
    lamp = shop.unit("LAMP", 10)
    cord = shop.unit("CORD", 20)
    shop.kit("SET", {lamp: 1, cord: 2})
    stalls = [town.stall(shop, platform, goods={"LAMP": 3, "SET": 1}) for platform in ("walmart", "emag", "dummy")]
    truth = Truth(shop.organisation.pk, [view(stall) for stall in stalls])
    found: list[Breach] = []
    away: list[str] = []

    def look(name: str) -> None:
        if name.endswith(":after") and name not in WITHIN and name not in away:
            found.extend(truth.after_commit(name))

    with crash.using(look):
        town.work(60)
        one = stalls[0].emulator.place_order([("LAMP", 2), ("SET", 1)])
        two = stalls[1].emulator.place_order([("LAMP", 1)])
        three = stalls[2].emulator.place_order([("SET", 2)])
        four = stalls[2].emulator.place_order([("LAMP", 2)])
        town.work(60)
        away.append("commit:ship.order:after")  # who packs it dies before anybody has looked
        stalls[2].ship(four, {"1": 1})
        away.clear()
        stalls[2].cancel(four)
        stalls[0].ship(one)
        stalls[1].cancel(two)
        town.stock(shop, lamp, 3)
        town.work(120)
        stalls[2].ship(three)
        town.work(120)
    assert found == []
    assert truth.at_end() == []
    assert truth.shop.looks > 20
