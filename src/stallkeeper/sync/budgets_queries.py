"""SQL of rate budgets. One function per statement."""

from __future__ import annotations

from datetime import datetime

from stallkeeper.core.sql import Cursor, rows

BucketRow = tuple[float, datetime, datetime | None]
"""tokens, as of, blocked until"""


def lock(cursor: Cursor, connection: int, bucket: str, capacity: float, at: datetime) -> BucketRow:
    """The bucket as it was left; a new one is full. Locks: its row. Index: rate_budget_once."""
    cursor.execute(
        """
        INSERT INTO channels_ratebudget AS budget (connection_id, bucket, tokens, at, spent, refused) VALUES (%s, %s, %s, %s, 0, 0)
        ON CONFLICT (connection_id, bucket) DO UPDATE SET at = budget.at
        RETURNING tokens, at, blocked_until
        """,
        [connection, bucket, capacity, at],
    )
    row: BucketRow = rows(cursor)[0]
    return row


def write(cursor: Cursor, connection: int, bucket: str, row: BucketRow, *, spent: bool) -> None:
    """Store the bucket and count the asking. Locks: its row (held already). Index: rate_budget_once."""
    cursor.execute(
        """
        UPDATE channels_ratebudget SET tokens = %s, at = %s, blocked_until = %s, spent = spent + %s, refused = refused + %s
        WHERE connection_id = %s AND bucket = %s
        """,
        [*row, int(spent), int(not spent), connection, bucket],
    )


def block(cursor: Cursor, connection: int, bucket: str, capacity: float, at: datetime, until: datetime) -> None:
    """Nobody spends from the bucket before ``until``; a later date that is set already stays. Locks: its row. Index: rate_budget_once."""
    cursor.execute(
        """
        INSERT INTO channels_ratebudget AS budget (connection_id, bucket, tokens, at, blocked_until, spent, refused)
        VALUES (%s, %s, %s, %s, %s, 0, 0)
        ON CONFLICT (connection_id, bucket) DO UPDATE SET blocked_until = greatest(budget.blocked_until, EXCLUDED.blocked_until)
        """,
        [connection, bucket, capacity, at, until],
    )
