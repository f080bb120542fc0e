"""A worker that is told to stop while it still opens its connections ends all the same (invariant 12).

In a pair: what Procrastinate itself does leaves tasks that no cancellation ends, and a process that only kill -9 ends (psycopg_pool 3.3.3).
"""

from __future__ import annotations

import json
import subprocess
import sys


def never_ending(race_db, whose: str) -> list[str]:
    """Stops at many moments: tasks that the first of them leaves for ever that leaves any."""
    command = [sys.executable, "-m", "tests.races.stopping", whose]
    done = subprocess.run(command, env=race_db.environment, stdout=subprocess.PIPE, timeout=120, check=True)
    return json.loads(done.stdout)


def test_a_stop_while_connections_are_opened_leaves_nothing(race_db) -> None:
    assert never_ending(race_db, "ours") == []


def test_without_our_care_it_leaves_tasks_that_never_end(race_db) -> None:
    assert never_ending(race_db, "theirs") != []
