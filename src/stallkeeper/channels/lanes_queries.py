"""SQL of lanes. One function per statement; the docstring names its locks and its index.

A claim takes the lane row FOR UPDATE, the guard of a writing transaction holds it FOR KEY SHARE: a takeover waits for (or skips) a
transaction that writes under the old epoch, while heartbeats and wishes, which change no key, never wait for anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows

ClaimRow = tuple[int, int, str, str, int, int, bool, list[str]]
"""organisation_id, epoch, kind, subject_type, subject_id, failures, was it taken over from a dead worker, who asked for the run"""

MOST_ASKED_BY = 16
"""A lane that is woken more often before it begins names the first of those who asked."""

LIFE = 358_929
"""First number of the advisory locks by which workers prove that they live (also in SILENT); the second is made from the worker's name."""
SILENT = """
    (heartbeat_at IS NULL OR heartbeat_at < %(dead_before)s OR (
        claimed_by LIKE '%%#%%' AND (hashtext(claimed_by) & 2147483647)::bigint <> ALL (ARRAY(
            SELECT objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND classid = 358929 AND objsubid = 2 AND granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))))
"""
"""A claimed lane whose worker has been silent for too long, or has died: a name with "#" is one whose lock the server holds while it lives.

A verdict may be wrong (the worker's line to the server broke, and not the worker): that costs a needless takeover, as a wrong clock does.
"""


def live(cursor: Cursor, worker: str) -> bool:
    """Hold the lock that says that this worker lives, for as long as this connection lasts. Locks: advisory, waits for nobody."""
    cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s) & 2147483647)", [LIFE, worker])
    return bool(rows(cursor)[0][0])


def claim(cursor: Cursor, lane: int, worker: str, at: datetime, dead_before: datetime) -> ClaimRow | None:
    """Take the lane if it is free, or its worker dead or silent since ``dead_before``. Locks: the row; skips it if locked."""
    cursor.execute(
        f"""
        WITH free AS (
            SELECT id, claimed_by <> '' AS abandoned, asked_by FROM channels_lane
            WHERE id = %(lane)s AND enabled AND (claimed_by = '' OR {SILENT})
            FOR UPDATE SKIP LOCKED
        )
        UPDATE channels_lane AS lane
        SET epoch = lane.epoch + 1, claimed_by = %(worker)s, heartbeat_at = %(at)s, wanted = false, last_started_at = %(at)s,
            asked_by = '{{}}'
        FROM free WHERE lane.id = free.id
        RETURNING lane.organisation_id, lane.epoch, lane.kind, lane.subject_type, lane.subject_id, lane.failures, free.abandoned,
            free.asked_by
        """,  # noqa: S608 - a constant of this module
        {"lane": lane, "worker": worker, "at": at, "dead_before": dead_before},
    )
    found = rows(cursor)
    return found[0] if found else None


def beat(cursor: Cursor, lane: int, epoch: int, at: datetime) -> bool:
    """Say that the worker lives; False if the lane is no longer its own. Locks: the row, no key."""
    cursor.execute("UPDATE channels_lane SET heartbeat_at = %s WHERE id = %s AND epoch = %s AND claimed_by <> ''", [at, lane, epoch])
    return int(cursor.rowcount) == 1


def guard(cursor: Cursor, lane: int, epoch: int, worker: str) -> bool:
    """Whether this claim still stands; if so it stands until the transaction ends. Locks: the row FOR KEY SHARE."""
    cursor.execute("SELECT 1 FROM channels_lane WHERE id = %s AND epoch = %s AND claimed_by = %s FOR KEY SHARE", [lane, epoch, worker])
    return bool(rows(cursor))


def release(
    cursor: Cursor, lane: int, epoch: int, at: datetime, next_at: datetime, *, failures: int, error: str, success: bool
) -> datetime | None:
    """Give the lane back, due at ``next_at``, or at once if somebody wants it. Returns when it is due; None if it was lost."""
    cursor.execute(
        """
        UPDATE channels_lane
        SET claimed_by = '', heartbeat_at = NULL, failures = %s, last_error = %s, last_ended_at = %s,
            last_success_at = CASE WHEN %s THEN %s ELSE last_success_at END,
            not_before = CASE WHEN wanted AND %s = 0 THEN LEAST(%s, %s) ELSE %s END, wanted = false
        WHERE id = %s AND epoch = %s
        RETURNING not_before
        """,
        [failures, error, at, success, at, failures, at, next_at, next_at, lane, epoch],
    )
    found = rows(cursor)
    return found[0][0] if found else None


def want(
    cursor: Cursor,
    subjects: Sequence[int],
    kind: str,
    at: datetime,
    asked_by: Sequence[str] = (),
    *,
    subject_type: str = "connection",
    insist: bool = False,
) -> list[int]:
    """Ask for a run of these lanes (of connections, or of sources): now if idle, again if one is under way; a lane that waits after a
    failure keeps waiting, unless somebody ``insist``s.

    A lane that somebody has asked for and that has not begun since is left alone, but for noting who else asks: its run will see what we
    committed before.
    Returns the lanes that may be deferred now. Locks: the rows, no key, in key order. Index: lane_once.
    """
    cursor.execute(
        """
        WITH asked AS (
            SELECT id, wanted, asked_by FROM channels_lane
            WHERE subject_type = %(subject_type)s AND subject_id = ANY(%(subjects)s::bigint[]) AND kind = %(kind)s AND enabled
              AND (NOT wanted OR (%(insist)s AND failures > 0)
                   OR (cardinality(asked_by) < %(most)s AND NOT asked_by::text[] @> %(asked_by)s::text[]))
            ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE channels_lane AS lane
        SET wanted = true,
            not_before = CASE WHEN lane.failures = 0 OR %(insist)s THEN LEAST(lane.not_before, %(at)s) ELSE lane.not_before END,
            asked_by = (asked.asked_by || ARRAY(
                SELECT who FROM unnest(%(asked_by)s::text[]) WITH ORDINALITY AS given(who, place)
                WHERE who <> ALL(asked.asked_by::text[]) ORDER BY place)::varchar[])[1:%(most)s]
        FROM asked WHERE lane.id = asked.id
        RETURNING lane.id, lane.not_before <= %(at)s AND lane.claimed_by = '' AND (NOT asked.wanted OR %(insist)s)
        """,
        {
            "subjects": array(subjects),
            "subject_type": subject_type,
            "kind": kind,
            "at": at,
            "asked_by": list(asked_by),
            "most": MOST_ASKED_BY,
            "insist": insist,
        },
    )
    return sorted(row[0] for row in rows(cursor) if row[1])


def create_missing(cursor: Cursor, at: datetime) -> int:
    """Make the lanes that a connection lacks. Returns how many. Index: lane_once."""
    cursor.execute(
        """
        INSERT INTO channels_lane
            (organisation_id, subject_type, subject_id, kind, enabled, epoch, claimed_by, not_before, wanted, failures, last_error)
        SELECT connection.organisation_id, 'connection', connection.id, kind.name, true, 0, '', %s, false, 0, ''
        FROM channels_connection AS connection CROSS JOIN (VALUES ('trade'), ('background')) AS kind(name)
        ORDER BY connection.id, kind.name
        ON CONFLICT DO NOTHING
        """,
        [at],
    )
    return int(cursor.rowcount)


def create_missing_sources(cursor: Cursor, at: datetime, sources: Sequence[int] | None = None) -> int:
    """Make the lanes that sources of stock lack (of these, or of all that are in sight). Returns how many. Index: lane_once."""
    cursor.execute(
        """
        INSERT INTO channels_lane
            (organisation_id, subject_type, subject_id, kind, enabled, epoch, claimed_by, not_before, wanted, failures, last_error)
        SELECT source.organisation_id, 'source', source.id, 'source', true, 0, '', %s, false, 0, ''
        FROM stock_stocksource AS source WHERE %s::bigint[] IS NULL OR source.id = ANY(%s::bigint[])
        ORDER BY source.id
        ON CONFLICT DO NOTHING
        """,
        [at, *[None if sources is None else array(sources)] * 2],
    )
    return int(cursor.rowcount)


StepRow = tuple[str, int, int, datetime | None, str, bool]
"""step, items, errors, not before, error text ("" = none), whether it succeeded"""


def write_steps(cursor: Cursor, organisation: int, lane: int, begun: datetime, at: datetime, steps: Sequence[StepRow]) -> None:
    """Add what the steps of a run did to the transfer status; cursors and watermarks stay. Locks: the rows. Index: lane_step_once.

    A hint that came after the run had ``begun`` stays: the step is due again, unless it failed.
    """
    names, items, errors, not_before, texts, fine = (list(column) for column in zip(*sorted(steps), strict=True))
    cursor.execute(
        """
        INSERT INTO channels_lanestep AS step
            (organisation_id, lane_id, step, cursor, last_success_at, last_error_at, last_error, not_before, items_total, errors_total,
             moved_at)
        SELECT %(organisation)s, %(lane)s, row.step, '', CASE WHEN row.fine THEN %(at)s::timestamptz END,
            CASE WHEN row.error <> '' THEN %(at)s::timestamptz END, row.error, row.not_before, row.items, row.errors,
            CASE WHEN row.items > 0 THEN %(at)s::timestamptz END
        FROM unnest(%(names)s::text[], %(items)s::bigint[], %(errors)s::bigint[], %(not_before)s::timestamptz[], %(texts)s::text[],
                    %(fine)s::bool[]) AS row(step, items, errors, not_before, error, fine)
        ON CONFLICT (lane_id, step) DO UPDATE SET
            last_success_at = COALESCE(EXCLUDED.last_success_at, step.last_success_at),
            last_error_at = COALESCE(EXCLUDED.last_error_at, step.last_error_at),
            last_error = CASE WHEN EXCLUDED.last_error <> '' THEN EXCLUDED.last_error
                              WHEN EXCLUDED.last_success_at IS NOT NULL THEN '' ELSE step.last_error END,
            not_before = CASE WHEN step.not_before >= %(begun)s AND EXCLUDED.last_error = '' THEN step.not_before
                              ELSE EXCLUDED.not_before END,
            items_total = step.items_total + EXCLUDED.items_total,
            errors_total = step.errors_total + EXCLUDED.errors_total,
            moved_at = COALESCE(EXCLUDED.moved_at, step.moved_at)
        """,
        {
            "organisation": organisation,
            "lane": lane,
            "at": at,
            "begun": begun,
            "names": names,
            "items": items,
            "errors": errors,
            "not_before": not_before,
            "texts": texts,
            "fine": fine,
        },
    )


def write_cursor(
    cursor: Cursor, organisation: int, lane: int, step: str, place: str, begun_at: datetime | None, watermark: datetime | None
) -> None:
    """Remember where a reading step is. ``watermark`` None leaves the old one. Locks: the row. Index: lane_step_once."""
    cursor.execute(
        """
        INSERT INTO channels_lanestep AS step
            (organisation_id, lane_id, step, cursor, begun_at, watermark, last_error, items_total, errors_total)
        VALUES (%s, %s, %s, %s, %s, %s, '', 0, 0)
        ON CONFLICT (lane_id, step) DO UPDATE SET
            cursor = EXCLUDED.cursor, begun_at = EXCLUDED.begun_at, watermark = COALESCE(EXCLUDED.watermark, step.watermark)
        """,
        [organisation, lane, step, place, begun_at, watermark],
    )


def write_waits(cursor: Cursor, organisation: int, connection: int, waits: Sequence[tuple[str, datetime, datetime]]) -> None:
    """Append when steps of the account waited for its budget, or for the platform: (step, from, until). Locks: nothing that exists."""
    cursor.execute(
        """
        INSERT INTO channels_wait (organisation_id, connection_id, step, begun_at, until)
        SELECT %s, %s, row.step, row.begun_at, row.until
        FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS row(step, begun_at, until)
        """,
        [organisation, connection, [step for step, _, _ in waits], [begun for _, begun, _ in waits], [until for *_, until in waits]],
    )


def hint_step(cursor: Cursor, connections: Sequence[int], kind: str, step: str, at: datetime, *, insist: bool = False) -> None:
    """Let a step of the connections run at its next chance, unless it waits after an error. Locks: the rows. Index: lane_once.

    Who ``insist``s is heard after an error too, but where the platform itself said how long to wait.
    """
    cursor.execute(
        """
        INSERT INTO channels_lanestep AS step (organisation_id, lane_id, step, cursor, last_error, not_before, items_total, errors_total)
        SELECT lane.organisation_id, lane.id, %s, '', '', %s, 0, 0
        FROM channels_lane AS lane
        WHERE lane.subject_type = 'connection' AND lane.subject_id = ANY(%s) AND lane.kind = %s ORDER BY lane.id
        ON CONFLICT (lane_id, step) DO UPDATE SET not_before = EXCLUDED.not_before
        WHERE step.last_error = '' OR step.last_success_at >= step.last_error_at
           OR (%s AND (step.last_error NOT LIKE 'SlowDown:%%' OR step.not_before <= EXCLUDED.not_before))
        """,
        [step, at, list(connections), kind, insist],
    )
