"""Statements over thousands of ids do not compare each row with each, whatever the server believes of the tables."""

from __future__ import annotations

import pytest
from django.db import connection

from stallkeeper.core.queries import MANY, many_rows


def joins_by_loops(cursor) -> bool:
    cursor.execute("EXPLAIN SELECT FROM catalog_stockunit a JOIN catalog_stockunit b ON a.sku = b.sku")
    return any("Nested Loop" in line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(("count", "loops"), [(MANY, True), (MANY + 1, False)])
def test_what_looks_empty_is_joined_by_loops_unless_there_are_many(count: int, loops: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_stockunit")
        assert joins_by_loops(cursor)
        with many_rows(cursor, count):
            assert joins_by_loops(cursor) is loops
        assert joins_by_loops(cursor)
