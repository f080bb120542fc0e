"""The rush in small: buyers at once for what there is little of (issue 4, what it must show, 2)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from stallkeeper.ops.simulation import rush
from stallkeeper.ops.simulation.database import Server, default_connection_on

MODES = {mode.name: mode for mode in rush.MODES}
BUYERS = 1_000


@pytest.fixture
def play(migrated_template: str, django_db_blocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setattr(rush, "PRODUCTS", 10)
    server = Server(os.environ["DATABASE_URL"], migrated_template)

    def once(mode: str, seed: int = 1) -> rush.Outcome:
        with server.clone() as name, default_connection_on(name):
            return rush.Rush(MODES[mode], seed, BUYERS, 0.02).play()

    with django_db_blocker.unblock():
        yield once


def test_nothing_is_sold_twice_where_platforms_compare(play) -> None:
    """Slow, lost and refused replies, five stalls, the same seed: guarded nothing is oversold, in shared mode plenty."""
    guarded, shared = play("guarded, all compare"), play("shared, all compare")
    assert guarded.problems == shared.problems == []
    assert (guarded.beyond, guarded.oversold, guarded.rows) == (0, 0, 0)
    assert guarded.sold > BUYERS / rush.SCARCE / 2
    assert guarded.faults.total() > 0
    assert shared.beyond >= shared.oversold > 10
    assert shared.rows == shared.oversold, "each has a shortage row"


def test_elsewhere_every_oversold_unit_lies_in_a_recorded_window(play) -> None:
    found = play("guarded, five platforms")
    assert found.problems == []
    assert found.windows > 0
    assert found.sold > BUYERS / rush.SCARCE / 2


def test_without_delay_nothing_is_sold_twice(play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ozon among the five. Of the buyers only those who find something take time."""
    monkeypatch.setattr("tests.scenarios.test_rush.BUYERS", 200)
    found = play("guarded, with Ozon, no delay")
    assert found.problems == []
    assert (found.beyond, found.rows) == (0, 0)
    assert found.sold > 40
