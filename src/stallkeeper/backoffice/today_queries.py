"""What the overview reads. Every statement is bounded: by the index on (organisation, ordered_at), or by what waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stallkeeper.core.sql import Cursor, rows

MEASURED = 600
"""Of how many orders the way to the other channels is followed: each costs a look into the log of sends."""


def orders_per_minute(cursor: Cursor, organisation_id: int, since: datetime) -> list[tuple[int, datetime, int]]:
    """(channel id, minute, orders placed in it) since ``since``. Index order_recent; no locks."""
    cursor.execute(
        """
        SELECT channel_id, date_trunc('minute', ordered_at) AS minute, count(*)
        FROM orders_order
        WHERE organisation_id = %s AND ordered_at >= %s AND NOT at_cutover
        GROUP BY channel_id, minute ORDER BY channel_id, minute
        """,
        [organisation_id, since],
    )
    return rows(cursor)


def has_older_orders(cursor: Cursor, organisation_id: int, since: datetime) -> bool:
    """Whether anything was ordered before ``since``. Answered by one row of the index order_recent; no locks."""
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM orders_order WHERE organisation_id = %s AND ordered_at < %s AND NOT at_cutover)",
        [organisation_id, since],
    )
    return bool(cursor.fetchone()[0])


def lag_order_seen(cursor: Cursor, organisation_id: int, since: datetime) -> list[tuple[datetime, float, float]]:
    """(minute, p50, p95) of the seconds from an order on its channel to the order in our tables. Index order_recent; no locks."""
    cursor.execute(
        """
        SELECT date_trunc('minute', ordered_at) AS minute,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY lag), percentile_cont(0.95) WITHIN GROUP (ORDER BY lag)
        FROM (
            SELECT ordered_at, greatest(extract(epoch FROM imported_at - ordered_at)::float8, 0) AS lag
            FROM orders_order WHERE organisation_id = %s AND ordered_at >= %s AND NOT at_cutover
        ) AS seen
        GROUP BY minute ORDER BY minute
        """,
        [organisation_id, since],
    )
    return rows(cursor)


def lag_cut_accepted(cursor: Cursor, organisation_id: int, since: datetime) -> list[tuple[datetime, float, float]]:
    """(minute, p50, p95) of the seconds from an order to the cut of the same unit that another channel accepted because of it.

    A cut was wanted when the order came in, or before; what was wanted later, such as a raise when goods come, is another story. Units
    whose number elsewhere did not change are not counted; only the newest MEASURED orders are looked at.
    Indexes order_recent, offer(stock_unit), sent_log_offer; no locks.
    """
    cursor.execute(
        """
        WITH recent AS (
            SELECT id, channel_id, ordered_at, imported_at FROM orders_order
            WHERE organisation_id = %s AND ordered_at >= %s AND NOT at_cutover
            ORDER BY ordered_at DESC LIMIT %s
        )
        SELECT date_trunc('minute', recent.ordered_at) AS minute,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM sent.at - recent.ordered_at)::float8),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM sent.at - recent.ordered_at)::float8)
        FROM recent
        JOIN orders_orderline AS line ON line.order_id = recent.id
        JOIN channels_offer AS offer ON offer.stock_unit_id = line.stock_unit_id AND offer.channel_id <> recent.channel_id
        CROSS JOIN LATERAL (
            SELECT at FROM channels_sent_log AS log
            WHERE log.offer_id = offer.id AND log.kind = 'quantity' AND log.outcome = 'accepted'
              AND log.at >= recent.imported_at AND log.at < recent.imported_at + interval '15 minutes'
              AND coalesce(log.wanted_at <= recent.imported_at, true) AND coalesce(log.shown > log.value, true)
            ORDER BY at LIMIT 1
        ) AS sent
        GROUP BY minute ORDER BY minute
        """,
        [organisation_id, since, MEASURED],
    )
    return rows(cursor)


def waiting_counts(cursor: Cursor, organisation_id: int) -> dict[str, int]:
    """What waits for a person, by kind. Partial indexes on unmapped lines and open rows; no locks.

    A source counts once: while it is silent or a run of it waits (errors), or until somebody has seen that its figures could not be used.
    """
    cursor.execute(
        """
        SELECT (SELECT count(*) FROM orders_orderline
                WHERE organisation_id = %(organisation)s AND stock_unit_id IS NULL AND ordered > cancelled + shipped) AS unmapped,
               (SELECT count(*) FROM orders_shortage WHERE organisation_id = %(organisation)s AND resolved_at IS NULL) AS shortages,
               (SELECT count(*) FROM channels_parked WHERE organisation_id = %(organisation)s AND resolved_at IS NULL) AS parked,
               (SELECT count(*) FROM channels_drift WHERE organisation_id = %(organisation)s AND resolved_at IS NULL) AS drift,
               (SELECT count(*) FROM channels_connection
                WHERE organisation_id = %(organisation)s AND state = 'needs_reconnect') AS reconnect,
               (SELECT count(*) FROM channels_channel
                WHERE organisation_id = %(organisation)s AND active AND stopped_at IS NOT NULL) AS stopped,
               (SELECT count(*) FROM channels_lane
                WHERE organisation_id = %(organisation)s AND enabled AND failures > 0) AS lanes,
               (SELECT count(DISTINCT split_part(key, ':', 2)) FROM core_notification
                WHERE organisation_id = %(organisation)s AND resolved_at IS NULL AND key LIKE 'source:%%'
                AND (severity = 'error' OR seen_at IS NULL)) AS sources,
               (SELECT count(*) FROM core_notification
                WHERE organisation_id = %(organisation)s AND resolved_at IS NULL AND seen_at IS NULL) AS notifications,
               (SELECT count(*) FROM channels_sendtask WHERE organisation_id = %(organisation)s AND ended_at IS NULL) AS sends,
               (SELECT count(*) FROM channels_offertodo WHERE organisation_id = %(organisation)s) AS todo
        """,
        {"organisation": organisation_id},
    )
    return _named(cursor, cursor.fetchone())


def refused_counts(cursor: Cursor, organisation_id: int, commands_since: datetime) -> dict[str, int]:
    """Offers and commands that a channel refused. Reads whole tables: ask rarely. No locks."""
    cursor.execute(
        """
        SELECT (SELECT count(*) FROM channels_offer WHERE organisation_id = %(organisation)s AND refused_at IS NOT NULL)
             + (SELECT count(*) FROM channels_offerprice WHERE organisation_id = %(organisation)s AND refused_at IS NOT NULL) AS refused,
               (SELECT count(*) FROM channels_command
                WHERE organisation_id = %(organisation)s AND state IN ('refused', 'dead') AND ended_at >= %(since)s
                AND NOT (kind = 'acknowledge' AND code = 'cancelled')) AS commands,
               (SELECT count(*) FROM channels_remotelisting WHERE organisation_id = %(organisation)s AND state = 'ambiguous') AS ambiguous
        """,
        {"organisation": organisation_id, "since": commands_since},
    )
    return _named(cursor, cursor.fetchone())


def owed_counts(cursor: Cursor, organisation_id: int, due_before: datetime, ordered_since: datetime) -> dict[str, int]:
    """Orders that nobody acknowledged and whose deadline is near or over (``sync.alarms.owed``). Index: order_recent. No locks."""
    cursor.execute(
        """
        SELECT count(*) AS acknowledge FROM orders_order
        WHERE organisation_id = %s AND ordered_at >= %s AND state = 'new' AND fulfilled_by = 'seller' AND acknowledged_at IS NULL
          AND acknowledge_by < %s
        """,
        [organisation_id, ordered_since, due_before],
    )
    return _named(cursor, cursor.fetchone())


def what_exists(cursor: Cursor, organisation_id: int) -> dict[str, bool]:
    """Which steps of the first run are done. Existence only, each answered by one row; no locks."""
    cursor.execute(
        """
        SELECT EXISTS (SELECT 1 FROM catalog_stockunit WHERE organisation_id = %(organisation)s) AS products,
               EXISTS (SELECT 1 FROM channels_connection WHERE organisation_id = %(organisation)s) AS connection,
               EXISTS (SELECT 1 FROM channels_offer WHERE organisation_id = %(organisation)s) AS offers,
               EXISTS (SELECT 1 FROM channels_channel
                       WHERE organisation_id = %(organisation)s AND active AND orders_enabled) AS orders_on,
               EXISTS (SELECT 1 FROM channels_channel WHERE organisation_id = %(organisation)s AND active AND stock_enabled) AS stock_on,
               (SELECT sending_enabled FROM core_organisation WHERE id = %(organisation)s) AS sending
        """,
        {"organisation": organisation_id},
    )
    return _named(cursor, cursor.fetchone())


def today_figures(cursor: Cursor, organisation_id: int, since: datetime) -> dict[str, int]:
    """Orders and units since ``since``, and how many orders still have to leave. Index order_recent; no locks."""
    cursor.execute(
        """
        SELECT count(DISTINCT o.id) AS orders, coalesce(sum(line.ordered - line.cancelled), 0) AS units
        FROM orders_order AS o LEFT JOIN orders_orderline AS line ON line.order_id = o.id
        WHERE o.organisation_id = %s AND o.ordered_at >= %s AND NOT o.at_cutover
        """,
        [organisation_id, since],
    )
    return _named(cursor, cursor.fetchone())


def _named(cursor: Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip([column.name for column in cursor.description], row, strict=True))
