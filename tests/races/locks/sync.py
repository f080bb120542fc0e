"""Locks of lanes and of the installation."""

from __future__ import annotations

from tests.races.locks import Proof, Proved

LOCKS: dict[str, Proof] = {
    "channels/lanes_queries.py:claim": Proved("a lane has one worker", "test_lane_claims.py::test_without_the_row_lock_several_would"),
    "channels/lanes_queries.py:guard": Proved(
        "a worker that lost its lane writes nothing", "test_lane_claims.py::test_without_the_guard_it_would_write_over_the_new_worker"
    ),
    "channels/lanes_queries.py:live": Proved(
        "a killed worker's lanes are free at once", "test_lane_claims.py::test_a_lane_of_a_killed_worker_is_free_at_once"
    ),
}
