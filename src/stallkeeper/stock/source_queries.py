"""SQL of sources. One function per statement; the docstring names its locks and its index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.core.copy import array, columns, moments, texts
from stallkeeper.core.sql import Cursor, rows

UPLOAD_LOCK = 5_300_004


class Standing(NamedTuple):
    """What the ledger knows of a unit at a place: on hand now, what moved after a moment, and what was promised to orders then."""

    on_hand: int
    since: int
    reserved: int


_MOVED_SINCE = """
    coalesce((SELECT sum(CASE WHEN m.to_location_id = wanted.location THEN m.quantity ELSE -m.quantity END)
              FROM stock_movement AS m
              WHERE m.stock_unit_id = wanted.unit AND m.recorded_at > wanted.at - interval '1 day' AND m.occurred_at > wanted.at
                AND wanted.location IN (m.from_location_id, m.to_location_id)), 0)
"""
"""Nothing is recorded more than a day before it happens, so the index of what was recorded bounds the search."""
_PROMISED_THEN = """
    coalesce((SELECT sum(r.quantity) FROM stock_reservation AS r
              WHERE r.stock_unit_id = wanted.unit AND r.location_id = wanted.location AND r.owner_type = 'line'), 0)
    - coalesce((SELECT sum(e.after - e.before) FROM stock_reservation_event AS e
                WHERE e.stock_unit_id = wanted.unit AND e.at > wanted.at AND e.location_id = wanted.location AND e.owner_type = 'line'), 0)
"""


def standing(cursor: Cursor, units: Sequence[int], places: Sequence[int], times: Sequence[datetime], *, net: bool) -> list[Standing]:
    """What the ledger knows of (units[i], places[i]) at times[i], in this order; what was promised only if ``net``. Locks: none.

    Indexes: primary key of stock_level, movement_unit, reservation_unit, reservation_event_unit.
    """
    cursor.execute(
        f"""
        SELECT coalesce(level.on_hand, 0), {_MOVED_SINCE}, {_PROMISED_THEN if net else "0"}
        FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS wanted(unit, location, at, position)
        LEFT JOIN stock_level AS level ON level.stock_unit_id = wanted.unit AND level.location_id = wanted.location
        ORDER BY wanted.position
        """,  # noqa: S608 - constants of this module
        [array(units), array(places), moments(times)],
    )
    return [Standing(*map(int, row)) for row in rows(cursor)]


def filled(cursor: Cursor, organisation: int, places: Sequence[int]) -> list[tuple[int, int]]:
    """(unit, place) of every level of these places with something on hand, in key order. A scan of the organisation's levels."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id FROM stock_level
        WHERE organisation_id = %s AND location_id = ANY(%s::bigint[]) AND on_hand > 0
        ORDER BY stock_unit_id, location_id
        """,
        [organisation, array(places)],
    )
    return rows(cursor)


def units_of_codes(cursor: Cursor, organisation: int, codes: Sequence[str]) -> list[int]:
    """Units that any of these codes names: a SKU or an identifier of any kind. Indexes: stock_unit_sku_once, identifier_once."""
    cursor.execute(
        """
        SELECT id FROM catalog_stockunit WHERE organisation_id = %(organisation)s AND sku = ANY(%(codes)s::text[])
        UNION
        SELECT stock_unit_id FROM catalog_identifier WHERE organisation_id = %(organisation)s AND value = ANY(%(codes)s::text[])
        ORDER BY 1
        """,
        {"organisation": organisation, "codes": texts(codes)},
    )
    return [row[0] for row in rows(cursor)]


ProblemRow = tuple[int, str, str, str, str | None]
"""row, column, value, message"""


def add_problems(cursor: Cursor, organisation: int, run: int, problems: Sequence[ProblemRow]) -> None:
    """Keep what is wrong with rows of a run. Locks: the new rows."""
    cursor.execute(
        """
        INSERT INTO stock_sourceproblem (organisation_id, run_id, "row", "column", value, message, message_words)
        SELECT %s, %s, * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::jsonb[])
        """,
        [organisation, run, *columns(problems, array, texts, texts, texts, texts)],
    )


def forget_problems(cursor: Cursor, source: int, keep: int) -> None:
    """Drop the problems of all but the last runs of a source; what waits for a person keeps its own. Index: by source."""
    cursor.execute(
        """
        DELETE FROM stock_sourceproblem AS problem USING stock_sourcerun AS run
        WHERE run.id = problem.run_id AND run.source_id = %(source)s AND run.state NOT IN ('stopped', 'allowed', 'reading')
          AND run.id NOT IN (SELECT id FROM stock_sourcerun WHERE source_id = %(source)s ORDER BY id DESC LIMIT %(keep)s)
        """,
        {"source": source, "keep": keep},
    )


def forget_runs(cursor: Cursor, source: int, before: datetime) -> None:
    """Drop the runs of a source that ended before a moment and have no problems any more. Index: by source."""
    cursor.execute(
        """
        DELETE FROM stock_sourcerun AS run
        WHERE run.source_id = %(source)s AND run.finished_at < %(before)s AND run.state NOT IN ('stopped', 'allowed', 'reading')
          AND NOT EXISTS (SELECT FROM stock_sourceproblem AS problem WHERE problem.run_id = run.id)
        """,
        {"source": source, "before": before},
    )


def hold_uploads(cursor: Cursor, source: int) -> None:
    """Show that somebody takes a file of this source in, for as long as the connection is. Locks: an advisory lock of the session; see
    let_go."""
    cursor.execute("SELECT pg_advisory_lock(%s, (%s %% 2147483647)::int)", [UPLOAD_LOCK, source])


def let_go(cursor: Cursor, source: int) -> None:
    """Give the lock of hold_uploads back."""
    cursor.execute("SELECT pg_advisory_unlock(%s, (%s %% 2147483647)::int)", [UPLOAD_LOCK, source])


def close_interrupted(cursor: Cursor, source: int, at: datetime, problem: str, words: str | None) -> int:
    """Mark runs of this source as failed whose process is gone: nobody holds its lock. How many there were. Index: by source."""
    cursor.execute(
        """
        UPDATE stock_sourcerun SET state = 'failed', finished_at = %(at)s, problem = %(problem)s, problem_words = %(words)s::jsonb
        WHERE source_id = %(source)s AND state = 'reading' AND pg_try_advisory_xact_lock(%(lock)s, (source_id %% 2147483647)::int)
        """,
        {"at": at, "problem": problem, "words": words, "source": source, "lock": UPLOAD_LOCK},
    )
    return int(cursor.rowcount)


def on_hand_at_place(cursor: Cursor, organisation: int, place: int) -> list[tuple[int, str, int]]:
    """(unit, SKU, on hand) of everything that is counted at a place, by SKU; zeros included. A scan of the organisation's levels."""
    cursor.execute(
        """
        SELECT unit.id, unit.sku, level.on_hand FROM stock_level AS level JOIN catalog_stockunit AS unit ON unit.id = level.stock_unit_id
        WHERE level.organisation_id = %s AND level.location_id = %s ORDER BY unit.sku
        """,
        [organisation, place],
    )
    return rows(cursor)


def analyze(cursor: Cursor) -> None:
    """Refresh the planner's figures after the first rows: an empty table's plan would stay (PERFORMANCE.md, section 5)."""
    cursor.execute("ANALYZE stock_level, stock_movement")
