"""What the tables weigh that grow: bytes a row in heap and indexes, rows an order, WAL an order, at 1,000,000 offers and 100,000 orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from django.db import connection

from bench import intake, shop
from bench.house import House
from bench.measure import Result

UNITS, ORDERS, PAGE = 100_000, 100_000, 100


@dataclass(frozen=True)
class Table:
    """Bytes of a table with all its partitions, TOAST in the heap's."""

    name: str
    rows: int
    heap: int
    indexes: int


def run(house: House) -> Iterator[Result]:
    """One line for each table with more than a thousand rows, then WAL and disk an order."""
    units, orders = (2_000, 2_000) if house.quick else (UNITS, ORDERS)
    with house.fresh():
        empty = shop.build(units)
        _write("VACUUM ANALYZE")
        before, wal = _total(), _wal()
        _take(empty, orders)
        written, grown = _wal() - wal, _total() - before
        _write("VACUUM ANALYZE")
        for table in _tables():
            if table.rows > 1_000:
                yield _line(table, orders)
        yield Result("rows", "WAL an order of three lines, thirty offers", written / orders / 1024, "kB", note=f"{orders:,} orders")
        yield Result("rows", "disk an order, before vacuum, with room for updates", grown / orders / 1024, "kB")


def _take(found: shop.Shop, orders: int) -> None:
    product = intake.Product("", found)
    for number in range(orders // PAGE):
        product.accept(found.channels[number % shop.CHANNELS], shop.orders(f"rows-{number}", PAGE, found.units, Random(number)))
        if number in {2, 20}:
            _write("ANALYZE")


def _line(table: Table, orders: int) -> Result:
    grows = not table.name.startswith(("catalog", "channels_offer", "stock_level"))
    return Result(
        "rows",
        f"`{table.name}`: bytes a row",
        (table.heap + table.indexes) / table.rows,
        "B",
        f"{table.heap / table.rows:,.0f} B heap",
        f"{table.indexes / table.rows:,.0f} B indexes",
        note=f"{table.rows:,} rows" + (f", {table.rows / orders:.2f} an order" if grows else ""),
    )


def _tables() -> list[Table]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH part AS (
                SELECT coalesce(parent.inhparent, class.oid) AS id, class.oid, class.reltuples
                FROM pg_class AS class LEFT JOIN pg_inherits AS parent ON parent.inhrelid = class.oid
                WHERE class.relkind = 'r' AND class.relnamespace = 'public'::regnamespace
            )
            SELECT id::regclass::text, sum(greatest(reltuples, 0))::bigint,
                   sum(pg_table_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint
            FROM part GROUP BY id ORDER BY sum(pg_total_relation_size(oid)) DESC
            """
        )
        return [Table(*row) for row in cursor.fetchall()]


def _write(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _read(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def _total() -> int:
    return _read("SELECT pg_database_size(current_database())")


def _wal() -> int:
    return _read("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
