"""SQL of turns: which lanes may run now, and in which order (ADR 0041). One function per statement.

A lane's turn is a moment: that since which it is due, and a second later for each lane of its organisation that runs already or goes
before it. So organisations take turns however many lanes each of them has, and whoever waits gets nearer by waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.channels.lanes_queries import SILENT
from stallkeeper.core.sql import Cursor, rows

ONE_TURN, BACKGROUND = 1.0, 30.0
"""Seconds by which a lane steps back for each one before it, and background work (sources of stock, too) at all: trade goes first, nothing
is ever forgotten."""
LONG_RUN = 2.0
"""Seconds. A run that takes longer is a long one: the next one of its lane is kept out of the way of short ones."""


class Ready(NamedTuple):
    """A lane that may run now. ``long``: background work, or its last run was a long one or failed as a whole."""

    lane: int
    kind: str
    turn: datetime
    long: bool


_TURN = """
    make_interval(secs => CASE lane.kind WHEN 'trade' THEN 0 ELSE %(background)s::float8 END
                          + %(one_turn)s::float8 * (coalesce(busy.lanes, 0) + row_number() OVER same - 1))
"""
_LONG = """
    lane.kind <> 'trade' OR lane.failures > 0
    OR coalesce(lane.last_ended_at - lane.last_started_at > make_interval(secs => %(long_run)s), false)
"""
_SAME = "same AS (PARTITION BY lane.organisation_id ORDER BY lane.kind DESC, lane.not_before, lane.id)"
_RULES = {"one_turn": ONE_TURN, "background": BACKGROUND, "long_run": LONG_RUN}


def due(cursor: Cursor, at: datetime, dead_before: datetime, most: int) -> list[Ready]:
    """Lanes of all organisations that are due and that no living worker has, those whose turn is first, up to ``most``.

    Of one organisation, trade comes before background, and what is due for longest first. Locks: none. Index: lane_due, lane_claimed.
    """
    cursor.execute(
        f"""
        WITH busy AS (
            SELECT organisation_id, count(*) AS lanes FROM channels_lane WHERE claimed_by <> '' GROUP BY organisation_id
        ), free AS (
            SELECT * FROM channels_lane WHERE enabled AND claimed_by = '' AND not_before <= %(at)s
            UNION ALL
            SELECT * FROM channels_lane WHERE enabled AND claimed_by <> '' AND {SILENT}
        )
        SELECT lane.id, lane.kind, lane.not_before + {_TURN} AS turn, {_LONG}
        FROM free AS lane LEFT JOIN busy ON busy.organisation_id = lane.organisation_id
        WINDOW {_SAME} ORDER BY turn, lane.id LIMIT %(most)s
        """,  # noqa: S608 - constants
        {"at": at, "dead_before": dead_before, "most": most, **_RULES},
    )
    return [Ready(*row) for row in rows(cursor)]


def at_once(cursor: Cursor, lanes: Sequence[int], at: datetime) -> list[Ready]:
    """The same for lanes that are known to be due now; those that somebody has are left out. Locks: none. Index: lane_claimed."""
    cursor.execute(
        f"""
        SELECT lane.id, lane.kind, %(at)s + {_TURN}, {_LONG}
        FROM channels_lane AS lane LEFT JOIN LATERAL (
            SELECT count(*) AS lanes FROM channels_lane AS other
            WHERE other.organisation_id = lane.organisation_id AND other.claimed_by <> '') AS busy ON true
        WHERE lane.id = ANY(%(lanes)s) AND lane.enabled AND lane.claimed_by = ''
        WINDOW {_SAME} ORDER BY lane.id
        """,  # noqa: S608 - constants
        {"lanes": list(lanes), "at": at, **_RULES},
    )
    return [Ready(*row) for row in rows(cursor)]
