"""SQL of import runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection
from psycopg import sql

from stallkeeper.core.sql import Cursor

RUN_LOCK = 5_300_003
ProblemRow = tuple[int, str, str, str, str | None]
"""Row, column, value, message, and what the message was made of."""


def add_problems(cursor: Cursor, organisation_id: int, run_id: int, rows: Sequence[ProblemRow]) -> None:
    """Keep what is wrong with cells of a run."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(
        'INSERT INTO catalog_importproblem (organisation_id, run_id, row, "column", value, message, message_words)'
        " SELECT %s, %s, * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::jsonb[])",
        [organisation_id, run_id, *columns],
    )


def copy_lines(table: str, lines: Iterable[str], columns: str) -> None:
    """COPY finished lines (text format) into columns of a table, in the transaction that is open on Django's connection."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns.split(", ")))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
        copy.write("".join(lines).encode())


def analyze(cursor: Cursor, tables: Sequence[str]) -> None:
    """Refresh the planner's figures: plans made for empty tables would stay (PERFORMANCE.md, section 5). Runs outside of transactions."""
    for table in tables:
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)).as_string(cursor.connection))


def hold_run(cursor: Cursor, run_id: int) -> None:
    """Show that this run is alive for as long as the connection is. Locks: an advisory lock of the session; see let_go."""
    cursor.execute("SELECT pg_advisory_lock(%s, (%s %% 2147483647)::int)", [RUN_LOCK, run_id])


def let_go(cursor: Cursor, run_id: int) -> None:
    """Give the lock of hold_run back."""
    cursor.execute("SELECT pg_advisory_unlock(%s, (%s %% 2147483647)::int)", [RUN_LOCK, run_id])


def close_interrupted(cursor: Cursor, organisation_id: int, at: datetime, problem: str, words: str | None) -> int:
    """Mark runs as failed whose process is gone: nobody holds their lock, or nobody began them within ten minutes. How many there were."""
    cursor.execute(
        """
        UPDATE catalog_importrun SET state = 'failed', finished_at = %(at)s, problem = %(problem)s, problem_words = %(words)s::jsonb
        WHERE organisation_id = %(organisation)s
          AND (state = 'reading' OR (state = 'queued' AND started_at < %(at)s::timestamptz - interval '10 minutes'))
          AND pg_try_advisory_xact_lock(%(lock)s, (id %% 2147483647)::int)
        """,
        {"at": at, "problem": problem, "words": words, "organisation": organisation_id, "lock": RUN_LOCK},
    )
    return int(cursor.rowcount)


def check_constraints_now(cursor: Cursor) -> None:
    """Check deferred constraints: what is rolled back after a dry run never reaches its commit."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
