"""Small shared words of the modules that hold SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper as Cursor

PREPARE_AFTER = 2
"""Runs of a statement before the server keeps its plan."""


def rows(cursor: Cursor) -> list[Any]:
    """All rows of the statement just run; the function that ran it states their shape."""
    return cast(list[Any], cursor.fetchall())


@contextmanager
def hot_cursor() -> Iterator[Cursor]:
    """A cursor on Django's connection for statements that run all day: the server keeps their plans, parameters travel apart, and results
    come in PostgreSQL's own format.

    For a few thousand rows at a time: a kept plan does not know how many there are.
    """
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    # A log of statements shows their text, which one that was prepared no longer carries.
    raw.prepare_threshold = None if connection.queries_logged else PREPARE_AFTER
    with psycopg.Cursor(raw) as cursor:
        cursor.format = psycopg.pq.Format.BINARY
        wrap: Callable[[Any], Cursor] = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
        yield wrap(cursor)


@contextmanager
def pipelined() -> Iterator[None]:
    """Statements inside are sent without waiting for the answer of those that return nothing.

    An error is raised at the next answer that is fetched, at the latest at the end of the block.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


__all__ = ["Cursor", "hot_cursor", "pipelined", "rows"]
