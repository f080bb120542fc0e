"""SQL of operating: locks of the installation and the verification of what must always hold."""

from __future__ import annotations

from stallkeeper.core.sql import Cursor

MIGRATIONS, IDENTITY = 7_305_411_902_551, 7_305_411_902_552
"""Any numbers that no other advisory lock uses."""


def lock_migrations(cursor: Cursor) -> None:
    """Wait for, and take, the session's lock on changing the schema."""
    cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATIONS])


def unlock_migrations(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATIONS])


def lock_identity(cursor: Cursor) -> None:
    """Wait for, and take, the session's lock on looking whether this data is a copy."""
    cursor.execute("SELECT pg_advisory_lock(%s)", [IDENTITY])


def unlock_identity(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_advisory_unlock(%s)", [IDENTITY])


def identity(cursor: Cursor) -> tuple[int, int]:
    """(system identifier of the cluster, oid of the database): another pair after any restore but that of a whole cluster's files."""
    cursor.execute(
        "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())::bigint FROM pg_control_system()"
    )
    system, database = cursor.fetchone()
    return int(system), int(database)


def is_empty(cursor: Cursor) -> bool:
    """Whether the schema ``public`` holds no table, view, sequence, type or function."""
    cursor.execute(
        "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        " AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace)"
    )
    return bool(cursor.fetchone()[0])


def major_version(cursor: Cursor) -> int:
    cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
    return int(cursor.fetchone()[0])


def lay_schema(cursor: Cursor, statements: str) -> None:
    """Run the statements of ``schema.sql``; in a transaction, whose settings they change."""
    cursor.execute(statements)
