"""Every drill, small: real processes, real faults, judged by the stalls' own logs. Large: ``make drills`` (docs/drills.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stallkeeper.ops.drills.catalogue import DRILLS
from tests.scenarios.test_demo import environment

pytestmark = pytest.mark.timeout(1800)
SMALL: dict[str, tuple[str, ...]] = {
    "kill": ("--times", "7", "--orders", "400"),
    "freeze": ("--times", "2", "--orders", "200", "--seconds", "11"),
    "restart": ("--times", "2", "--orders", "200"),
    "restart-url": ("--times", "2", "--orders", "200"),
}
"""Faults and orders of each: the first faults of its list."""
NOTHING = (
    "acknowledged_lost", "actions_lost", "commands_heard_twice", "orders_missing", "orders_differing", "offers_not_converged",
    "invariants_broken",
)  # fmt: skip


def drilled(name: str, out: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "stallkeeper", "drill", name, "--seed", "3", "--stalls", "3", "--json", str(out), *SMALL[name]],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def test_every_drill_is_played_here() -> None:
    assert set(SMALL) == set(DRILLS)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_hub_comes_out_right(name: str, tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing is heard twice, orders and offers are right in the end (invariants 1-3, 5, 7, 9-12)."""
    figures = drilled(name, tmp_path / "out.json")
    assert figures["problems"] == []
    assert {kind: figures[kind] for kind in NOTHING} == dict.fromkeys(NOTHING, 0)
    assert figures["orders_placed"] == figures["orders"]
    assert figures["offers"] > 200
    assert sum(figures["faults"].values()) == figures["times"]
    assert figures["recovery_s"]["max"] is not None
