"""SQL of orders that a channel has cut up. See ``queries`` for the lock order: orders, levels, offers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.core.copy import array, columns, plain, texts
from stallkeeper.core.sql import Cursor, rows


class SplitLine(NamedTuple):
    """A line as it stands here. ``cut``: units of it have been found in another order."""

    id: int
    order_id: int
    line_id: str
    sku: str
    ordered: int
    cancelled: int
    shipped: int
    unfound: int
    cut: bool
    unfound_until: datetime | None

    @property
    def open(self) -> int:
        return self.ordered - self.cancelled - self.shipped


def lines(cursor: Cursor, orders: Sequence[int]) -> list[SplitLine]:
    """Lines of locked orders. Indexes: order_line_once, that of the split's line."""
    cursor.execute(
        """
        SELECT line.id, line.order_id, line.line_id, line.sku, line.ordered, line.cancelled, line.shipped, line.unfound,
               EXISTS (SELECT FROM orders_ordersplit AS split WHERE split.line_id = line.id), o.unfound_until
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.order_id = ANY(%s::bigint[]) ORDER BY line.order_id, line.line_id
        """,
        [array(orders)],
    )
    return [SplitLine._make(row) for row in rows(cursor)]


def write(cursor: Cursor, organisation: int, at: datetime, moves: Sequence[tuple[int, int, int]]) -> None:
    """Append (line, into line, units). Index: order_split_once."""
    cursor.execute(
        """
        INSERT INTO orders_ordersplit (organisation_id, at, line_id, into_id, units)
        SELECT %s, %s, row.* FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS row
        """,
        [organisation, at, *columns(moves, array, array, plain)],
    )


def set_unfound(cursor: Cursor, lines: Sequence[tuple[int, int]]) -> None:
    """Store how many open units of each line are looked for elsewhere. Locks: the lines."""
    cursor.execute(
        """
        UPDATE orders_orderline AS line SET unfound = new.units FROM unnest(%s::bigint[], %s::int[]) AS new(id, units)
        WHERE line.id = new.id AND line.unfound <> new.units
        """,
        columns(lines, array, plain),
    )


def look_until(cursor: Cursor, orders: Sequence[int], until: datetime | None) -> None:
    """Until when units that have gone from these orders are looked for. Locks: the orders (held already)."""
    cursor.execute("UPDATE orders_order SET unfound_until = %s WHERE id = ANY(%s::bigint[])", [until, array(orders)])


def keep_states(cursor: Cursor, orders: Sequence[tuple[int, str]]) -> None:
    """Put back the state of orders that have not ended yet. Locks: the orders (held already)."""
    cursor.execute(
        "UPDATE orders_order AS o SET state = old.state FROM unnest(%s::bigint[], %s::text[]) AS old(id, state) WHERE o.id = old.id",
        columns(orders, array, texts),
    )


def end_empty(cursor: Cursor, orders: Sequence[int]) -> None:
    """Orders of which nothing is open and nothing has left are over. Locks: the orders (held already). Index: order_line_once."""
    cursor.execute(
        """
        UPDATE orders_order AS o SET state = 'cancelled'
        WHERE o.id = ANY(%s::bigint[]) AND NOT EXISTS (
            SELECT FROM orders_orderline AS line WHERE line.order_id = o.id AND (line.ordered > line.cancelled OR line.shipped > 0))
        """,
        [array(orders)],
    )


def due(cursor: Cursor, organisation: int, at: datetime, limit: int) -> list[int]:
    """Lock orders whose units have been looked for long enough. Locks: those orders. Index: order_unfound."""
    cursor.execute(
        """
        SELECT id FROM orders_order WHERE organisation_id = %s AND unfound_until <= %s ORDER BY id LIMIT %s FOR NO KEY UPDATE
        """,
        [organisation, at, limit],
    )
    return [row[0] for row in rows(cursor)]
