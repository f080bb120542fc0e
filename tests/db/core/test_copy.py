"""Columns of numbers travel to PostgreSQL and back as they are, whatever cursor carries them."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from stallkeeper.core.copy import read_columns
from stallkeeper.core.sql import hot_cursor

VALUES = np.array([3, -1, 2**62, 0], dtype=np.int64)
BACK = "SELECT number, place FROM unnest(%(values)s::bigint[]) WITH ORDINALITY AS given(number, place) ORDER BY place"


def test_what_goes_in_comes_out() -> None:
    columns = read_columns(BACK, {"values": VALUES}, ("number", "place"))
    assert columns["number"].tolist() == VALUES.tolist()
    assert columns["place"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("cursor_of", [hot_cursor, connection.cursor])
@pytest.mark.parametrize("values", [VALUES, VALUES[:0], VALUES[::2]])
def test_every_cursor_carries_arrays(cursor_of, values: np.ndarray) -> None:
    with cursor_of() as cursor:
        cursor.execute("SELECT %s::bigint[], cardinality(%s::bigint[])", [values, values])
        assert cursor.fetchone() == (values.tolist(), len(values))


def test_arrays_become_columns_of_smaller_numbers_if_they_fit() -> None:
    small = np.array([5, 7], dtype=np.int64)
    with hot_cursor() as cursor:
        cursor.execute("SELECT %s::int[], %s::smallint[]", [small, small])
        assert cursor.fetchone() == ([5, 7], [5, 7])


def test_other_numbers_are_refused() -> None:
    with hot_cursor() as cursor, pytest.raises(TypeError, match="float64"):
        cursor.execute("SELECT %s::bigint[]", [VALUES / 2])
