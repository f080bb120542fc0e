"""SQL of the exposure of shared mode. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stallkeeper.core.sql import Cursor, rows

MEASURE = """
    WITH cut AS MATERIALIZED (
        SELECT log.id, offer.channel_id, offer.stock_unit_id AS unit, offer.pack_factor, log.at, log.sent_at, log.wanted_at,
               log.shown::int - CASE
                   WHEN account.platform = ANY(%(shipped)s) THEN offer.open_qty - coalesce((
                       SELECT sum(event.open) FROM channels_openevent AS event
                       WHERE event.offer_id = offer.id AND event.at > log.sent_at), 0)
                   WHEN account.platform = ANY(%(acknowledged)s) THEN offer.unacknowledged_qty - coalesce((
                       SELECT sum(event.unacknowledged) FROM channels_openevent AS event
                       WHERE event.offer_id = offer.id AND event.at > log.sent_at), 0)
                   ELSE 0 END AS shown
        FROM channels_sent_log AS log
        JOIN channels_offer AS offer ON offer.id = log.offer_id
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        JOIN channels_connection AS account ON account.id = channel.connection_id
        WHERE log.organisation_id = %(organisation)s AND log.at >= %(since)s AND log.at < %(until)s
            AND log.kind = 'quantity' AND log.outcome = 'accepted' AND log.shown > log.value AND log.wanted_at IS NOT NULL
    ), part AS (
        SELECT cut.id, cut.channel_id, cut.sent_at, cut.wanted_at, coalesce(component.component_id, cut.unit) AS unit,
               coalesce(component.quantity, 1) AS number
        FROM cut LEFT JOIN catalog_kitcomponent AS component ON component.kit_id = cut.unit
    ), told AS (
        SELECT part.id, min(greatest(there.free, 0) / part.number) AS there, min(placed.at) AS placed_at
        FROM part
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(level.on_hand - level.allocated - level.held
                                - coalesce(moved.units, 0) + coalesce(promised.units, 0)), 0) AS free
            FROM channels_channellocation AS chosen
            JOIN stock_location AS place ON place.id = chosen.location_id AND place.active AND place.sellable
            JOIN stock_level AS level ON level.location_id = place.id AND level.stock_unit_id = part.unit
            LEFT JOIN LATERAL (
                SELECT sum(CASE WHEN move.to_location_id = place.id THEN move.quantity ELSE -move.quantity END) AS units
                FROM stock_movement AS move
                WHERE move.stock_unit_id = part.unit AND move.recorded_at > part.sent_at
                    AND place.id IN (move.from_location_id, move.to_location_id)) AS moved ON true
            LEFT JOIN LATERAL (
                SELECT sum(event.after - event.before) AS units FROM stock_reservation_event AS event
                WHERE event.stock_unit_id = part.unit AND event.location_id = place.id AND event.at > part.sent_at) AS promised ON true
            WHERE chosen.channel_id = part.channel_id
        ) AS there
        LEFT JOIN LATERAL (
            SELECT min(o.ordered_at) AS at FROM stock_reservation_event AS event
            JOIN orders_orderline AS line ON line.id = event.owner_id JOIN orders_order AS o ON o.id = line.order_id
            WHERE event.stock_unit_id = part.unit AND event.at = part.wanted_at AND event.owner_type = 'line'
                AND event.after > event.before) AS placed ON true
        GROUP BY part.id
    ), risk AS (
        SELECT cut.channel_id, date_trunc('hour', cut.at, 'UTC') AS hour,
               greatest(cut.shown - greatest(told.there / cut.pack_factor, 0), 0) AS units,
               extract(epoch FROM cut.at - least(cut.wanted_at, coalesce(told.placed_at, cut.wanted_at)))::float8 AS seconds
        FROM cut JOIN told ON told.id = cut.id
    ), cleared AS (
        DELETE FROM orders_exposure WHERE organisation_id = %(organisation)s AND hour >= %(since)s AND hour < %(until)s
            AND (channel_id, hour) NOT IN (SELECT channel_id, hour FROM risk WHERE units > 0)
    )
    INSERT INTO orders_exposure AS known (organisation_id, channel_id, hour, cuts, units, worst, seconds, longest, unit_seconds)
    SELECT %(organisation)s, channel_id, hour, count(*), sum(units), max(units), sum(seconds), max(seconds), sum(units * seconds)
    FROM risk WHERE units > 0 GROUP BY channel_id, hour ORDER BY channel_id, hour
    ON CONFLICT (channel_id, hour) DO UPDATE SET cuts = EXCLUDED.cuts, units = EXCLUDED.units, worst = EXCLUDED.worst,
        seconds = EXCLUDED.seconds, longest = EXCLUDED.longest, unit_seconds = EXCLUDED.unit_seconds
"""


def measure(
    cursor: Cursor, organisation: int, since: datetime, until: datetime, until_shipped: Sequence[str], until_acknowledged: Sequence[str]
) -> None:
    """Set the hours from ``since`` to ``until`` to what the cuts say that channels accepted in them. Locks: the rows of these hours.

    A cut is an accepted quantity below what we believed the channel showed. At risk are the units that it showed beyond what was there
    when the cut was sent: on hand less promised in the channel's places, in sold units, kits by their scarcest part; what the platform adds
    for its open orders is taken off (``until_shipped``, ``until_acknowledged``: platforms by their basis). What was there is what is there
    now, less what has changed since: minutes, at most two hours. The time begins when an order that took the units was
    placed, or when we knew.

    Indexes: sent_log_time (of blocks), movement_unit, reservation_event_unit, open_event_offer, primary keys.
    """
    cursor.execute(
        MEASURE,
        {
            "organisation": organisation,
            "since": since,
            "until": until,
            "shipped": list(until_shipped),
            "acknowledged": list(until_acknowledged),
        },
    )


def days(cursor: Cursor, organisation: int, since: datetime, zone: str, channel: int | None) -> list[tuple[Any, ...]]:
    """What was at risk, by day (in the zone) and channel: (day, channel, code, cuts, units, worst, seconds, longest, unit seconds).

    Index: exposure_hour.
    """
    cursor.execute(
        """
        SELECT (exposure.hour AT TIME ZONE %(zone)s)::date AS day, channel.id, channel.code, sum(exposure.cuts)::int,
               sum(exposure.units)::int, max(exposure.worst), sum(exposure.seconds), max(exposure.longest), sum(exposure.unit_seconds)
        FROM orders_exposure AS exposure JOIN channels_channel AS channel ON channel.id = exposure.channel_id
        WHERE exposure.organisation_id = %(organisation)s AND exposure.hour >= %(since)s
            AND (%(channel)s::bigint IS NULL OR channel.id = %(channel)s)
        GROUP BY day, channel.id, channel.code ORDER BY day DESC, channel.code
        """,
        {"organisation": organisation, "since": since, "zone": zone, "channel": channel},
    )
    return rows(cursor)


def costs(cursor: Cursor, organisation: int, since: datetime, zone: str, channel: int | None) -> list[tuple[Any, ...]]:
    """What was sold beyond, by day of the sale and channel: (day, channel, code, lines, units, currency, money of those units).

    Goods that went missing after the sale are no oversell. Index: shortage_recent.
    """
    cursor.execute(
        """
        SELECT (shortage.sold_at AT TIME ZONE %(zone)s)::date AS day, channel.id, channel.code, count(*)::int, sum(shortage.worst)::int,
               o.currency, coalesce(sum(price.amount * shortage.worst / greatest(line.ordered, 1)), 0)
        FROM orders_shortage AS shortage
        JOIN orders_orderline AS line ON line.id = shortage.line_id
        JOIN orders_order AS o ON o.id = line.order_id
        JOIN channels_channel AS channel ON channel.id = o.channel_id
        LEFT JOIN LATERAL (SELECT sum(amount.amount) AS amount FROM orders_amount AS amount
                           WHERE amount.order_id = o.id AND amount.line_id = line.id AND amount.kind = 'product') AS price ON true
        WHERE shortage.organisation_id = %(organisation)s AND shortage.detected_at >= %(since)s AND shortage.sold_at >= %(since)s
            AND shortage.verdict <> 'stock_cut' AND (%(channel)s::bigint IS NULL OR channel.id = %(channel)s)
        GROUP BY day, channel.id, channel.code, o.currency ORDER BY day DESC, channel.code, o.currency
        """,
        {"organisation": organisation, "since": since, "zone": zone, "channel": channel},
    )
    return rows(cursor)
