"""SQL of the director: who waits for whom, the next job, proofs of life. On a connection of its own that commits by itself."""

from __future__ import annotations

from typing import Any

import psycopg

from stallkeeper.channels.lanes_queries import LIFE

Watcher = psycopg.Connection[Any]


def blockers(watcher: Watcher, pid: int) -> list[int]:
    """Whom this connection waits for. Locks: none."""
    row = watcher.execute("SELECT pg_blocking_pids(%s)", [pid]).fetchone()
    return list(row[0]) if row else []


def is_connected(watcher: Watcher, pid: int) -> bool:
    """Whether the server still has this connection. Locks: none."""
    return watcher.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is not None


def changes_schema(watcher: Watcher) -> bool:
    """Whether somebody has, or waits for, a table for himself alone (a partition is made): whoever reads it waits as well. Locks: none.

    Not the server's own workers: when they cut the end off an empty table is no part of the day, and they give way to whoever waits. Nor
    the lock of a row (``tuple``, of the same mode) that whoever waits for it keeps until he wakes up: that moment is no part of it either.
    """
    row = watcher.execute(
        """
        SELECT 1 FROM pg_locks AS lock JOIN pg_class AS relation ON relation.oid = lock.relation
        JOIN pg_stat_activity AS holder ON holder.pid = lock.pid AND holder.backend_type = 'client backend'
        WHERE lock.mode = 'AccessExclusiveLock' AND lock.locktype = 'relation' AND relation.relpersistence = 'p'
          AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        LIMIT 1
        """
    ).fetchone()
    return row is not None


def take_job(watcher: Watcher) -> tuple[str, dict[str, Any]] | None:
    """The next job that waits, taken off the queue: (task, arguments). Locks: its row; skips it if locked."""
    row = watcher.execute(
        """
        DELETE FROM procrastinate_jobs WHERE id = (
            SELECT id FROM procrastinate_jobs WHERE status = 'todo' ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED
        ) RETURNING task_name, args
        """
    ).fetchone()
    return None if row is None else (row[0], row[1])


def live(watcher: Watcher, name: str) -> None:
    """Prove that this worker lives, as its own ticker would. Locks: advisory, waits for nobody."""
    watcher.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s) & 2147483647)", [LIFE, name])


def end_life(watcher: Watcher, name: str) -> None:
    """This worker is dead. Locks: none."""
    watcher.execute("SELECT pg_advisory_unlock(%s, hashtext(%s) & 2147483647)", [LIFE, name])
