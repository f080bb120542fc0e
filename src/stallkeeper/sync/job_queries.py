"""SQL on Procrastinate's job table, as of its schema 3.x: deferring many jobs in one statement, and clearing up after dead workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from stallkeeper.core.sql import Cursor, rows


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that only says "look". ``lock`` keeps a second one from waiting beside it."""

    queue: str
    task: str
    lock: str
    arguments: dict[str, int]
    priority: int = 0


def defer(cursor: Cursor, jobs: Sequence[NewJob]) -> int:
    """Put jobs in the queue; those that wait there already are success. Returns how many are new.

    Locks: the new rows; inserting notifies the workers. Index: procrastinate_jobs_queueing_lock_idx_v1.
    """
    if not jobs:
        return 0
    cursor.execute(
        """
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
        SELECT row.queue, row.task, row.priority, row.lock, row.arguments::jsonb
        FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::text[]) AS row(queue, task, priority, lock, arguments)
        ORDER BY row.lock
        ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
        """,
        [
            [job.queue for job in jobs],
            [job.task for job in jobs],
            [job.priority for job in jobs],
            [job.lock for job in jobs],
            [msgspec.json.encode(job.arguments).decode() for job in jobs],
        ],
    )
    return int(cursor.rowcount)


def delete_orphans(cursor: Cursor) -> int:
    """Jobs whose worker is gone (lanes are taken over by their own heartbeat), and failed ones. Locks: the rows. Returns how many."""
    cursor.execute(
        "DELETE FROM procrastinate_jobs WHERE (status = 'doing' AND worker_id IS NULL) OR status IN ('failed', 'succeeded', 'aborted')"
    )
    return int(cursor.rowcount)


def organisations_with_stale(cursor: Cursor) -> list[int]:
    """Organisations with units whose offers wait for a refresh. Reads the marks, of which there are few."""
    cursor.execute("SELECT DISTINCT organisation_id FROM stock_stale ORDER BY 1")
    return [row[0] for row in rows(cursor)]
