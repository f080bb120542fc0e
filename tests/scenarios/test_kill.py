"""``kill -9`` of the worker and of the whole process tree in the middle of a demo; more: ``python -m stallkeeper.ops.demo.kills``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.scenarios.test_demo import environment


@pytest.mark.timeout(1200)
def test_three_kills_and_everything_comes_out_right() -> None:
    """Afterwards check is clean, no order is missing, doubled or shipped twice, and all offers converge (invariants 1-3, 5, 7, 10-12)."""
    done = subprocess.run(
        [sys.executable, "-m", "stallkeeper.ops.demo.kills", "--times", "3", "--seed", "3"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["kills"] == {"worker": 2, "tree": 1}
    assert figures["orders_placed"] == figures["orders_imported"] > 6
    assert figures["offers_converged"] == figures["offers_total"]
    assert (figures["drift"], figures["invariant_violations"]) == (0, 0)
