"""Columns of whole numbers between PostgreSQL and NumPy, without a Python object per value.

Reading uses COPY in binary form: every column is cast to bigint and never NULL, so all rows have one width and one ``frombuffer`` reads
them. Writing passes arrays as literals, which costs a tenth of binding a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

Ints = NDArray[np.int64]
HEADER = 19
"""Bytes before the first row: signature, flags, length of the extension (PostgreSQL manual, COPY, binary format)."""
TRAILER = 2


@cache
def _row(columns: int) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for number in range(columns):
        fields += [(f"length{number}", ">i4"), (f"value{number}", ">i8")]
    return np.dtype(fields)


def read_columns(query: str, parameters: Mapping[str, object], names: Sequence[str]) -> dict[str, Ints]:
    """Run a SELECT whose columns are all ``bigint NOT NULL`` and return them as int64 arrays, in row order.

    Runs in the transaction that is open on Django's connection; locks in the query hold as usual.
    """
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    with raw.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", parameters) as copy:
        data = b"".join(bytes(block) for block in copy)
    table = np.frombuffer(data, dtype=_row(len(names)), offset=HEADER, count=(len(data) - HEADER - TRAILER) // _row(len(names)).itemsize)
    return {name: table[f"value{number}"].astype(np.int64) for number, name in enumerate(names)}


def array(values: Ints | Iterable[int]) -> str:
    """An array literal for ``%s::bigint[]`` (or ``int[]``)."""
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return "{" + ",".join(map(str, listed)) + "}"


def optional_array(values: Ints, none: int) -> str:
    """An array literal in which ``none`` stands for NULL."""
    return "{" + ",".join("NULL" if value == none else str(value) for value in values.tolist()) + "}"
