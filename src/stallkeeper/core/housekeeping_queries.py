"""SQL of the daily housekeeping. It names tables of higher layers, as ``partitions`` does: their rows age, whatever they mean."""

from __future__ import annotations

import re
from datetime import datetime

from django.db.backends.utils import CursorWrapper
from psycopg import sql


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
