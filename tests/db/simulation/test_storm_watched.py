"""Stormy days of the scenarios, watched by the model: false alarms would show here, and so would defects that calm days hide."""

from __future__ import annotations

import os

import pytest

from stallkeeper.core import crash
from stallkeeper.ops.simulation.truth import Breach, Truth
from tests.db.simulation.conftest import view
from tests.db.simulation.test_small_day import WITHIN
from tests.scenarios import test_storm as storms
from tests.scenarios.town import Town

DAYS = int(os.environ.get("STALLKEEPER_WATCHED_STORMS", "2"))


@pytest.mark.parametrize("seed", range(DAYS))
def test_a_storm_breaks_nothing(town: Town, seed: int) -> None:
    firm = town.firm()
    day = storms.open_day(town, firm, seed)
    truth = Truth(firm.organisation.pk, [view(stall) for stall in day.stalls])
    found: list[Breach] = []

    def look(name: str) -> None:
        if name.endswith(":after") and name not in WITHIN:
            found.extend(truth.after_commit(name))

    with crash.using(look):
        day.weather()
        day.trade(20)
        day.calm()
    assert [str(breach) for breach in found[:3]] == []
    assert truth.at_end() == []
