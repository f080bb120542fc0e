"""SQL of operating: locks of the installation and the verification of what must always hold."""

from __future__ import annotations

from stallkeeper.core.sql import Cursor

MIGRATIONS = 7_305_411_902_551
"""Any number that no other advisory lock uses."""


def lock_migrations(cursor: Cursor) -> None:
    """Wait for, and take, the session's lock on changing the schema."""
    cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATIONS])


def unlock_migrations(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATIONS])
