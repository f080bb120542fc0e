"""SQL of orders that came later than they were placed. Reading only; one function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows


def late_promises(cursor: Cursor, organisation: int, units: Sequence[int], at: datetime) -> list[tuple[int, int, str, int, int]]:
    """What lines took that had been ordered by ``at`` and came later: (unit, place, kind, base units, line).

    What was promised first for each, and what it was short of at once, at the first of its channel's places that had the unit. Of these
    units, and of what kits among them consist of. Indexes: reservation_event_unit, that of the shortage's unit, primary keys.
    """
    cursor.execute(
        """
        WITH counted AS (
            SELECT unnest(%(units)s::bigint[]) AS id
            UNION SELECT component_id FROM catalog_kitcomponent WHERE kit_id = ANY(%(units)s::bigint[])
        ), late AS (
            SELECT event.*, min(event.at) OVER (PARTITION BY event.owner_id) AS first
            FROM stock_reservation_event AS event
            JOIN orders_orderline AS line ON line.id = event.owner_id
            JOIN orders_order AS o ON o.id = line.order_id
            WHERE event.stock_unit_id IN (SELECT id FROM counted) AND event.owner_type = 'line' AND event.at > %(at)s
                AND event.organisation_id = %(organisation)s AND o.ordered_at <= %(at)s AND o.imported_at > %(at)s
        ), sold AS (
            SELECT id AS unit, id AS counted, 1 AS number FROM counted
            UNION ALL SELECT kit_id, component_id, quantity FROM catalog_kitcomponent WHERE component_id IN (SELECT id FROM counted)
        )
        SELECT stock_unit_id, location_id, kind, sum(after - before)::int, owner_id FROM late WHERE at = first
        GROUP BY stock_unit_id, location_id, kind, owner_id HAVING sum(after - before) > 0
        UNION ALL
        SELECT sold.counted, place.id, 'allocated', shortage.worst * line.pack_factor * sold.number, line.id
        FROM sold JOIN orders_shortage AS shortage ON shortage.stock_unit_id = sold.unit
        JOIN orders_orderline AS line ON line.id = shortage.line_id
        JOIN orders_order AS o ON o.id = line.order_id
        CROSS JOIN LATERAL (
            SELECT location.id FROM channels_channellocation AS chosen JOIN stock_location AS location ON location.id = chosen.location_id
            JOIN stock_level AS level ON level.location_id = location.id AND level.stock_unit_id = sold.counted
            WHERE chosen.channel_id = o.channel_id ORDER BY location.priority, location.id LIMIT 1) AS place
        WHERE shortage.organisation_id = %(organisation)s AND shortage.detected_at = o.imported_at
            AND o.ordered_at <= %(at)s AND o.imported_at > %(at)s
        ORDER BY 5, 1, 2, 3
        """,
        {"organisation": organisation, "units": array(units), "at": at},
    )
    return rows(cursor)


def late_open(cursor: Cursor, offers: Sequence[int], at: datetime) -> list[tuple[int, int]]:
    """Sold units by offer of orders of the seller's that had been placed by ``at`` and came later. Index: that of the line's offer."""
    cursor.execute(
        """
        SELECT line.offer_id, sum(line.ordered - line.cancelled)::int
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.offer_id = ANY(%s::bigint[]) AND o.fulfilled_by = 'seller' AND o.ordered_at <= %s AND o.imported_at > %s
        GROUP BY line.offer_id ORDER BY line.offer_id
        """,
        [array(offers), at, at],
    )
    return rows(cursor)


def late_orders(cursor: Cursor, lines: Sequence[int]) -> list[tuple[Any, ...]]:
    """Lines with their orders: (line, number, channel's code, ordered units, ordered at, imported at). Index: primary keys."""
    cursor.execute(
        """
        SELECT line.id, o.number, channel.code, line.ordered, o.ordered_at, o.imported_at
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        JOIN channels_channel AS channel ON channel.id = o.channel_id
        WHERE line.id = ANY(%s::bigint[]) ORDER BY o.ordered_at, line.id
        """,
        [array(lines)],
    )
    return rows(cursor)
