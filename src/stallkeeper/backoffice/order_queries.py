"""What the list of orders asks in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stallkeeper.core.sql import Cursor


def counts(cursor: Cursor, limited: Sequence[tuple[str, Sequence[Any]]]) -> list[int]:
    """How many rows each of the statements gives, each bounded by a LIMIT of its own. They are made by the ORM. No locks."""
    if not limited:
        return []
    parts = ", ".join(f"(SELECT count(*) FROM ({sql}) AS found_{number})" for number, (sql, _given) in enumerate(limited))  # noqa: S608 - the ORM wrote them
    cursor.execute(f"SELECT {parts}", [value for _sql, given in limited for value in given])
    row = cursor.fetchone()
    assert row is not None
    return [int(count) for count in row]
