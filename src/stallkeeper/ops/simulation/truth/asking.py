"""How the model asks: long statements, the same ones all day."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import psycopg
from django.db import connection

Row = tuple[Any, ...]


def ask(statement: str, **values: object) -> list[Row]:
    """All rows of a statement, its parameters written as ``%(name)s``, on Django's connection and in its scope.

    Its text is not looked through again each time (the driver remembers short ones only), and the server keeps its plan.
    """
    connection.ensure_connection()
    text, names = _numbered(statement, tuple(values))
    cursor = psycopg.RawCursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    connection.connection.prepare_threshold = 0
    with connection.make_cursor(cast(Any, cursor)) as asking:
        parameters: list[Any] = [values[name] for name in names]
        asking.execute(text, parameters)
        return cast(list[Row], asking.fetchall())


@cache
def _numbered(statement: str, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The statement with PostgreSQL's own parameters, $1 and so on, and their names in that order."""
    used = tuple(name for name in names if f"%({name})s" in statement)
    for number, name in enumerate(used, 1):
        statement = statement.replace(f"%({name})s", f"${number}")
    return statement.replace("%%", "%"), used
