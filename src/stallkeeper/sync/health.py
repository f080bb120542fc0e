"""Whether this installation can do its work now: the database, its schema, a worker, room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from stallkeeper.core import clock
from stallkeeper.sync import figures_queries as queries
from stallkeeper.sync.figures import ALIVE

STATEMENT_MS = 2_000
LEAST_FREE = 500 * 2**20
"""Bytes: with less room on the disk of the data folder PostgreSQL stops soon."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition. ``reason`` says what is wrong and what to do, without secrets; "" if it is fine."""

    name: str
    reason: str = ""


_up_to_date: list[bool] = []
"""The schema was found up to date: it does not go back while this process lives."""


def look() -> list[Check]:
    """All conditions. Raises nothing; without a database nothing else of it is asked."""
    checks = [_attempt("database", _database)]
    if not checks[0].reason:
        checks += [_attempt("migrations", _migrations), _attempt("worker", _worker)]
    return [*checks, Check("disk", _disk())]


def _attempt(name: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(name, ask())
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        return Check(name, f"The database does not answer ({type(error).__name__}). Is it running, and is DATABASE_URL right?")


def _database() -> str:
    with transaction.atomic(), connection.cursor() as cursor:  # lint: allow crash-point because it only reads
        queries.limit_time(cursor, STATEMENT_MS)
        return "" if queries.answers(cursor) else "The database is a standby: it can only be read."


def _migrations() -> str:
    if not _up_to_date:
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if missing:
            return f"{missing} changes of the schema are missing: stop all processes and run 'stallkeeper migrate'."
        _up_to_date.append(True)
    return ""


def _worker() -> str:
    with transaction.atomic(), connection.cursor() as cursor:  # lint: allow crash-point because it only reads
        queries.limit_time(cursor, STATEMENT_MS)
        alive, last = queries.workers(cursor, clock.now() - ALIVE)
        ticking = queries.ticking(cursor)
    if alive:
        return "" if ticking else "Workers are alive, but none of them looks for what is due: start them anew, and read their last lines."
    when = f"the last sign of life was at {last:%Y-%m-%d %H:%M:%S} UTC" if last else "none has been seen yet"
    return f"No worker is alive ({when}): start 'stallkeeper worker'."


def _disk() -> str:
    try:
        free = shutil.disk_usage(settings.ENV.home).free
    except OSError as error:
        return f"The data folder cannot be looked at: {error.strerror}."
    return "" if free >= LEAST_FREE else f"Only {free // 2**20} MB are free on the disk of the data folder; make room."
