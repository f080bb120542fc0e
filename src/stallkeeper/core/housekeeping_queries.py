"""SQL of the daily housekeeping. It names tables of higher layers, as ``partitions`` does: their rows age, whatever they mean."""

from __future__ import annotations

import re
from datetime import datetime

from django.db.backends.utils import CursorWrapper
from psycopg import sql


def daily_is_due(cursor: CursorWrapper, done_before: datetime, begun_before: datetime, clock_wrong_after: datetime) -> bool:
    """Whether the work of the day was last done, and last begun, before those moments, or never. Reads one row.

    A time later than ``clock_wrong_after`` was written by a wrong clock and counts as never.
    """
    cursor.execute(
        """
        SELECT NOT EXISTS (
            SELECT FROM core_dailyrun
            WHERE done_at BETWEEN %(done)s AND %(wrong)s OR begun_at BETWEEN %(begun)s AND %(wrong)s)
        """,
        {"done": done_before, "begun": begun_before, "wrong": clock_wrong_after},
    )
    return bool(cursor.fetchone()[0])


def begin_day(cursor: CursorWrapper, at: datetime, done_before: datetime, begun_before: datetime, clock_wrong_after: datetime) -> bool:
    """The same question; whoever is told yes is the only one, and its begin stands. Locks: the row."""
    cursor.execute(
        """
        INSERT INTO core_dailyrun AS run (id, begun_at) VALUES (1, %(at)s)
        ON CONFLICT (id) DO UPDATE SET begun_at = EXCLUDED.begun_at
        WHERE NOT (coalesce(run.done_at BETWEEN %(done)s AND %(wrong)s, false) OR run.begun_at BETWEEN %(begun)s AND %(wrong)s)
        """,
        {"at": at, "done": done_before, "begun": begun_before, "wrong": clock_wrong_after},
    )
    return int(cursor.rowcount) == 1


def end_day(cursor: CursorWrapper, begun: datetime) -> None:
    """What was begun then is done. Locks: the row."""
    cursor.execute("UPDATE core_dailyrun SET done_at = begun_at WHERE begun_at = %s", [begun])


def limit_lock_wait(cursor: CursorWrapper, milliseconds: int) -> None:
    """Give up on a lock after so long, in this transaction: a waiting DROP would make everybody behind it wait too."""
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])


def month_partitions(cursor: CursorWrapper, table: str) -> list[tuple[str, datetime]]:
    """(name, upper bound) of the monthly partitions of a table, oldest first; the default partition is not among them."""
    cursor.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass(%s) ORDER BY c.relname",
        [table],
    )
    found = []
    for name, bound in cursor.fetchall():
        match = re.search(r"TO \('([^']+)'\)", bound)
        if match:
            cursor.execute("SELECT %s::timestamptz", [match.group(1)])
            found.append((name, cursor.fetchone()[0]))
    return found


def drop_partition(cursor: CursorWrapper, name: str) -> None:
    """Drop one partition. Locks: it and its parent, exclusively, for a moment."""
    cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)).as_string(cursor.connection))


def delete_raw_payloads(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` raw payloads from before then; how many. Partitions are pruned by ``at``."""
    cursor.execute(
        "DELETE FROM orders_raw_payload WHERE (id, at) IN (SELECT id, at FROM orders_raw_payload WHERE at < %s ORDER BY at, id LIMIT %s)",
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_runs(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` runs that started before then; how many. Index: run_age."""
    cursor.execute(
        "DELETE FROM channels_run WHERE id IN (SELECT id FROM channels_run WHERE started_at < %s ORDER BY started_at, id LIMIT %s)",
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_write_windows(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` writes from before then; how many. One that a shortage names stays with it. Indexes: write_window_age,
    shortage_of_window.
    """
    cursor.execute(
        """
        DELETE FROM channels_writewindow WHERE id IN (
            SELECT wrote.id FROM channels_writewindow AS wrote
            WHERE wrote.sent_at < %s AND NOT EXISTS (SELECT FROM orders_shortage AS short WHERE short.window_id = wrote.id)
            ORDER BY wrote.sent_at, wrote.id LIMIT %s)
        """,
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_waits(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` waits for budgets that were over before then; how many. A scan: they are kept for a few days."""
    cursor.execute(
        "DELETE FROM channels_wait WHERE id IN (SELECT id FROM channels_wait WHERE until < %s ORDER BY id LIMIT %s)", [before, limit]
    )
    return int(cursor.rowcount)


def delete_send_tasks(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` sends that ended before then; how many. A scan: people ask for few."""
    cursor.execute(
        """
        WITH old AS MATERIALIZED (SELECT id FROM channels_sendtask WHERE ended_at < %s ORDER BY id LIMIT %s),
             parts AS (DELETE FROM channels_sendtaskpart WHERE task_id IN (SELECT id FROM old))
        DELETE FROM channels_sendtask WHERE id IN (SELECT id FROM old)
        """,
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_notice_messages(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` messages to targets that were made before then and are over; how many. Index notice_message_age."""
    cursor.execute(
        "DELETE FROM core_noticemessage WHERE id IN"
        " (SELECT id FROM core_noticemessage WHERE made_at < %s AND state <> 'waiting' ORDER BY made_at LIMIT %s)",
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_send_plans(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` plans made before then that were replaced or discarded; how many. A scan: people make few.

    Those that were applied say what was before them and are kept; the open one waits for its person.
    """
    cursor.execute(
        """
        WITH old AS MATERIALIZED (
            SELECT id FROM channels_sendplan WHERE state IN ('replaced', 'discarded') AND made_at < %s ORDER BY id LIMIT %s),
             parts AS (DELETE FROM channels_sendplanpart WHERE plan_id IN (SELECT id FROM old))
        DELETE FROM channels_sendplan WHERE id IN (SELECT id FROM old)
        """,
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_exchange_files(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` files of sessions of 1C that broke off before then, with their bytes; how many. A scan: the next session
    deletes them, too."""
    cursor.execute(
        """
        WITH old AS MATERIALIZED (
            SELECT file.id FROM sync_exchangefile AS file JOIN sync_exchangesession AS session ON session.id = file.session_id
            WHERE session.last_at < %s ORDER BY file.id LIMIT %s),
             parts AS (DELETE FROM sync_exchangepart WHERE file_id IN (SELECT id FROM old))
        DELETE FROM sync_exchangefile WHERE id IN (SELECT id FROM old)
        """,
        [before, limit],
    )
    return int(cursor.rowcount)


def delete_exports(cursor: CursorWrapper, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` files that were asked for before then, with their bytes; how many. A scan: people ask for few."""
    cursor.execute(
        """
        WITH old AS MATERIALIZED (SELECT id FROM core_fileexport WHERE asked_at < %s ORDER BY id LIMIT %s),
             parts AS (DELETE FROM core_fileexportpart WHERE export_id IN (SELECT id FROM old))
        DELETE FROM core_fileexport WHERE id IN (SELECT id FROM old)
        """,
        [before, limit],
    )
    return int(cursor.rowcount)
