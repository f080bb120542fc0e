"""Small shared words of the modules that hold SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper as Cursor

PREPARE_AFTER = 2
"""Runs of a statement before the server keeps its plan."""

R = TypeVar("R")
Answer: TypeAlias = Callable[[], list[R]]
"""Rows of a statement that was sent already: call it, once, to wait for them."""


def rows(cursor: Cursor) -> list[Any]:
    """All rows of the statement just run; the function that ran it states their shape."""
    return cast(list[Any], cursor.fetchall())


@contextmanager
def hot_cursor() -> Iterator[Cursor]:
    """A cursor on Django's connection for statements that run all day: the server keeps their plans, parameters travel apart, and results
    come in PostgreSQL's own format.

    For a few thousand rows at a time: a kept plan does not know how many there are.
    """
    with _hot() as cursor:
        yield cursor


def ask(query: str, parameters: Sequence[object] | Mapping[str, object], shape: Callable[[Any], R]) -> Answer[R]:
    """Send a statement that returns rows, as by ``hot_cursor``. In a pipeline several can be asked before the first answer is awaited.

    ``shape`` makes of each row what the caller wants.
    """
    cursor = _hot()
    cursor.execute(query, parameters)  # type: ignore[arg-type]  # what the driver can pass, which is more

    def answer() -> list[R]:
        with cursor:
            return [shape(row) for row in cursor.fetchall()]

    return answer


def _hot() -> Cursor:
    ours = connections[DEFAULT_DB_ALIAS]
    ours.ensure_connection()
    logged = ours.queries_logged
    raw: psycopg.Connection[Any] = ours.connection
    # A log of statements shows their text, which one that was prepared no longer carries.
    raw.prepare_threshold = None if logged else PREPARE_AFTER
    cursor = psycopg.Cursor(raw)
    cursor.format = psycopg.pq.Format.BINARY
    wrap: Callable[[Any], Cursor] = ours.make_debug_cursor if logged else ours.make_cursor
    return wrap(cursor)


@contextmanager
def pipelined() -> Iterator[None]:
    """Statements inside are sent without waiting for the answer of those that return nothing.

    An error is raised at the next answer that is fetched, at the latest at the end of the block. RuntimeError outside of a transaction:
    there the server takes back, with the statement that failed, what it was told about the scope (ADR 0035), and nobody hears of it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a pipeline needs a transaction around it")
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


__all__ = ["Answer", "Cursor", "ask", "hot_cursor", "pipelined", "rows"]
