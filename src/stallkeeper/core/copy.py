"""Columns between PostgreSQL and Python, without a Python object per value where there can be many.

Reading: every column is cast to bigint and never NULL; the server packs all rows into one array, and one ``frombuffer`` reads it. Writing
passes int64 arrays of NumPy as they are (``bigint[]`` in PostgreSQL's own format on a hot cursor), and everything else as array literals,
which cost a tenth of having the driver bind a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from stallkeeper.core.sql import ask

Ints: TypeAlias = NDArray[np.int64]
HEADER = 28
"""Bytes before the first value of a two-dimensional array: three words and two per dimension (PostgreSQL source, array_send)."""
COLUMN_HEADER = 20
"""The same of an array of one dimension."""
VALUE = np.dtype([("length", ">i4"), ("value", ">i8")])


def read_columns(query: str, parameters: Mapping[str, object], names: Sequence[str]) -> dict[str, Ints]:
    """Run a SELECT whose columns are all ``bigint NOT NULL`` and return them as int64 arrays, in row order.

    Runs in the transaction that is open on Django's connection; locks in the query hold as usual. Holds up to seven million rows.
    """
    return ask_columns(query, parameters, names)()


def ask_columns(query: str, parameters: Mapping[str, object], names: Sequence[str]) -> Callable[[], dict[str, Ints]]:
    """The same, sent now and awaited when what it returns is called (see ``sql.ask``)."""
    columns = ", ".join(f"c{number}" for number in range(len(names)))
    packing = f"SELECT array_send(array_agg(ARRAY[{columns}])) FROM ({query}) AS row({columns})"  # noqa: S608 - no user's text
    answer = ask(packing, dict(parameters), itemgetter(0))

    def table() -> dict[str, Ints]:
        (packed,) = answer()
        values = np.frombuffer(packed or b"", dtype=VALUE, offset=HEADER if packed else 0)["value"].reshape(-1, len(names))
        return dict(zip(names, values.T.astype(np.int64), strict=True))

    return table


def unpack(packed: bytes | None) -> Ints:
    """A column that the server has packed by ``array_send(array_agg(…))`` of bigint, never NULL: the quickest way for millions of rows."""
    return np.frombuffer(packed or b"", dtype=VALUE, offset=COLUMN_HEADER if packed else 0)["value"].astype(np.int64)


def array(values: Ints | Iterable[int]) -> str:
    """An array literal for ``%s::bigint[]`` (or ``int[]``)."""
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return "{" + ",".join(map(str, listed)) + "}"


BIGINT, BIGINTS = 20, 1016
"""Numbers of the types in PostgreSQL's catalogue."""


class LiteralDumper(Dumper):
    """An int64 array as a literal, on Django's own cursors."""

    oid = BIGINTS

    def dump(self, obj: Ints) -> Buffer:
        return array(obj).encode()


class BinaryDumper(Dumper):
    """An int64 array as the server reads it: a header (PostgreSQL source, array_recv), then length and value of each element."""

    format = Format.BINARY
    oid = BIGINTS

    def dump(self, obj: Ints) -> Buffer:
        if obj.dtype != np.int64 or obj.ndim != 1:
            raise TypeError(f"only columns of int64 travel as arrays, not {obj.dtype} of {obj.ndim} dimensions")
        body = np.empty(len(obj), dtype=VALUE)
        body["length"], body["value"] = 8, obj
        return np.array([1, 0, BIGINT, len(obj), 1], dtype=">i4").tobytes() + body.tobytes()


psycopg.adapters.register_dumper(np.ndarray, LiteralDumper)
psycopg.adapters.register_dumper(np.ndarray, BinaryDumper)


def plain(values: Iterable[object]) -> str:
    """An array literal of values whose text needs no quotes: numbers, decimals, truth values; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Sequence[str | None]) -> str:
    """An array literal for ``%s::text[]``; None is NULL. ValueError for the character NUL, which the database cannot store."""
    if None in values:
        return "{" + ",".join(["NULL" if value is None else texts([value])[1:-1] for value in values]) + "}"
    together = "\0".join(values).replace("\\", "\\\\").replace('"', '\\"')  # type: ignore[arg-type]
    if together.count("\0") >= max(len(values), 1):
        raise ValueError("a text contains the character NUL")
    return '{"' + together.replace("\0", '","') + '"}' if values else "{}"


def moments(values: Iterable[datetime | None]) -> str:
    """An array literal for ``%s::timestamptz[]``; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else f'"{value.isoformat()}"' for value in values]) + "}"


def blobs(values: Iterable[bytes]) -> str:
    """An array literal for ``%s::bytea[]``."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


Encode = Callable[[Any], str]


def columns(rows: Sequence[tuple[Any, ...]], *encode: Encode) -> list[str]:
    """Rows as one array literal a column, for ``unnest``."""
    if not rows:
        return ["{}"] * len(encode)
    return [literal(column) for literal, column in zip(encode, zip(*rows, strict=True), strict=True)]
