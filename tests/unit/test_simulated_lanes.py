"""The judge of lanes, on rows made by hand: who may take one, and what a worker that has lost it must not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from msgspec import structs

from stallkeeper.ops.simulation.truth.lane_rules import Lanes
from stallkeeper.ops.simulation.truth.rows import Lane, Run

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
IDLE = Lane(1, "trade lane of account 7", 4, "", None, NOON - timedelta(minutes=2), NOON - timedelta(minutes=1))
HELD = structs.replace(IDLE, epoch=5, worker="w1#3", heard_at=NOON, started_at=NOON)


def taken(after: float) -> Lane:
    at = NOON + timedelta(seconds=after)
    return structs.replace(HELD, epoch=6, worker="w2#4", heard_at=at, started_at=at)


def look(lanes: Lanes, lane: Lane, *runs: Run) -> list[str]:
    shop = SimpleNamespace(now=SimpleNamespace(lanes=[lane], runs=list(runs)))
    return [breach.text for breach in lanes.check(shop)]  # type: ignore[arg-type]


def test_a_lane_is_not_taken_from_a_worker_that_was_heard_of() -> None:
    lanes = Lanes()
    assert look(lanes, IDLE) + look(lanes, HELD) == []
    assert "is w1#3's" in look(lanes, taken(9))[0]


@pytest.mark.parametrize(
    ("lanes", "lane"),
    [
        (Lanes(), taken(10)),
        (Lanes(dead={"w1#3"}), taken(1)),
        (Lanes(), structs.replace(taken(1), ended_at=NOON + timedelta(seconds=0.5))),
    ],
    ids=["silent", "dead", "given back before"],
)
def test_it_may_be_taken(lanes: Lanes, lane: Lane) -> None:
    assert look(lanes, HELD) + look(lanes, lane) == []


def test_a_worker_that_lost_its_lane_writes_no_run() -> None:
    lanes, lane = Lanes(), taken(60)
    look(lanes, lane)
    before, after = Run(1, 1, 5, NOON + timedelta(seconds=59)), Run(2, 1, 5, NOON + timedelta(seconds=61))
    assert look(lanes, lane, before, Run(3, 1, 6, NOON + timedelta(seconds=70))) == []
    assert "was lost, and its worker went on" in look(lanes, lane, after)[0]


def test_lanes_are_remembered_as_they_were() -> None:
    lanes = Lanes()
    look(lanes, HELD)
    assert replace(lanes).before == {1: HELD}
