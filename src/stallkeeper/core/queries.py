"""SQL of the core. One function per statement; the docstring names locks and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

MANY = 500
"""Rows from which on comparing each with each is worse than reading a whole table once."""
PROCESSES = 3


def create_partition(cursor: CursorWrapper, table: str, first: date, after: date) -> list[str]:
    """Create the partition of one month if it is missing; its name if it was. Locks: the parent table, briefly.

    A month whose rows already fell into the default partition stays there: PostgreSQL refuses a partition beside them.
    """
    name = f"{table}_{first:%Y_%m}"
    default = sql.SQL("SELECT to_regclass(%s) IS NULL AND NOT EXISTS (SELECT FROM {} WHERE at >= %s AND at < %s)").format(
        sql.Identifier(f"{table}_default")
    )
    cursor.execute(default.as_string(cursor.connection), [name, first.isoformat(), after.isoformat()])
    row = cursor.fetchone()
    if row is None or not row[0]:
        return []
    statement = sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
        sql.Identifier(name), sql.Identifier(table), sql.Literal(first.isoformat()), sql.Literal(after.isoformat())
    )
    cursor.execute(statement.as_string(cursor.connection))
    return [name]


def keep_plans(cursor: CursorWrapper) -> None:
    """Until the transaction ends, prepared statements run by the plan that was made for any number of rows.

    Planning anew for each array costs more than looking up the rows of one order. For look-ups by index, which any number of rows fits.
    """
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")


@contextmanager
def many_rows(cursor: CursorWrapper, count: int) -> Iterator[None]:
    """For statements that join tables by thousands of ids. These tables may have been filled a moment ago: the server then takes them for
    empty and would compare each row with each. Inside, it joins by hashing, if there are more than ``MANY``. Needs a transaction.
    """
    if count <= MANY:
        yield
        return
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


@contextmanager
def whole_table() -> Iterator[None]:
    """For the rare statement that no index serves and a person waits for: inside, several processes of the server share a table's reading
    (``PROCESSES`` beside the connection's own, if the server has them). A transaction that only reads, or part of one.
    """
    with transaction.atomic(), connection.cursor() as cursor:  # lint: allow crash-point because it only reads
        cursor.execute(f"SET LOCAL max_parallel_workers_per_gather = {PROCESSES}")
        yield
        cursor.execute("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")
