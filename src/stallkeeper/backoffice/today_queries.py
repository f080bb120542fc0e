"""What the screen Today reads. Every statement is bounded: by the index on (organisation, ordered_at), or by what waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stallkeeper.core.sql import Cursor, rows

MEASURED = 600
"""Of how many orders the way to the other channels is followed: each costs a look into the log of sends."""


def orders_per_hour(cursor: Cursor, organisation_id: int, since: datetime, zone: str) -> list[tuple[int, datetime, int]]:
    """(channel id, hour of the zone, orders placed in it) since ``since``. Index order_recent; no locks."""
    cursor.execute(
        """
        SELECT channel_id, date_trunc('hour', ordered_at, %s) AS hour, count(*)
        FROM orders_order
        WHERE organisation_id = %s AND ordered_at >= %s AND NOT at_cutover
        GROUP BY channel_id, hour ORDER BY channel_id, hour
        """,
        [zone, organisation_id, since],
    )
    return rows(cursor)


def reserved_units(cursor: Cursor, organisation_id: int) -> list[tuple[str, int]]:
    """(kind, units) of all reservations. Reads all of them: ask rarely. No locks."""
    cursor.execute(
        "SELECT kind, sum(quantity)::bigint FROM stock_reservation WHERE organisation_id = %s GROUP BY kind ORDER BY kind",
        [organisation_id],
    )
    return rows(cursor)


DUE = """
    SELECT o.id, o.number, o.channel_id, '{act}' AS act, o.{column} AS due FROM orders_order AS o
    WHERE o.organisation_id = %(organisation)s AND o.{column} {beyond} %(now)s AND {waits}
    ORDER BY o.{column} {order} LIMIT %(most)s"""
WAITS = {
    "acknowledge": ("acknowledge_by", "o.state = 'new' AND o.acknowledged_at IS NULL AND o.fulfilled_by = 'seller'"),
    "dispatch": ("dispatch_by", "o.state IN ('new', 'acknowledged', 'part_shipped') AND o.fulfilled_by = 'seller'"),
}


def deadlines(
    cursor: Cursor, organisation_id: int, now: datetime, most: int, *, overdue: bool
) -> list[tuple[int, str, int, str, datetime]]:
    """(order, number, channel, "acknowledge" or "dispatch", due) of the ``most`` deadlines that are nearest to now: those that have passed,
    the last to pass first, or those to come. Indexes: order_acknowledge, order_dispatch; no locks."""
    beyond, order = ("<", "DESC") if overdue else (">=", "ASC")
    parts = " UNION ALL ".join(
        f"({DUE.format(act=act, column=column, waits=waits, beyond=beyond, order=order)})" for act, (column, waits) in WAITS.items()
    )
    cursor.execute(
        f"SELECT * FROM ({parts}) AS found ORDER BY due {order}, id LIMIT %(most)s",  # noqa: S608 - constants of this module
        {"organisation": organisation_id, "now": now, "most": most},
    )
    return rows(cursor)


PASSED = """
    (SELECT 1 FROM orders_order AS o WHERE o.organisation_id = %(organisation)s AND o.{column} < %(now)s AND {waits} LIMIT %(most)s)"""


def overdue_count(cursor: Cursor, organisation_id: int, now: datetime, most: int) -> int:
    """Deadlines that have passed, counted to ``most`` of each kind. Indexes: order_acknowledge, order_dispatch; no locks."""
    parts = " UNION ALL ".join(PASSED.format(column=column, waits=waits) for column, waits in WAITS.values())
    cursor.execute(
        f"SELECT count(*) FROM ({parts}) AS found",  # noqa: S608 - constants of this module
        {"organisation": organisation_id, "now": now, "most": most},
    )
    return int(cursor.fetchone()[0])


def lags(cursor: Cursor, organisation_id: int, channel_id: int | None = None) -> list[Any]:
    """(channel, name, platform, roles, takes orders, sends stock, sends prices, may write, orders read up to, stock waits since, prices
    wait since, messages wait since) of active channels, or of one of them. Indexes: offer_todo_next, command_due, their beginnings; no
    locks."""
    cursor.execute(
        """
        SELECT channel.id, channel.name, account.platform, account.roles, channel.orders_enabled, channel.stock_enabled,
               channel.prices_enabled, account.writes_allowed AND organisation.sending_enabled,
               (SELECT step.watermark FROM channels_lanestep AS step JOIN channels_lane AS lane ON lane.id = step.lane_id
                WHERE lane.subject_type = 'connection' AND lane.subject_id = account.id AND lane.kind = 'trade' AND step.step = 'orders'),
               (SELECT min(first.since) FROM (VALUES (0), (1)) AS queue(danger) CROSS JOIN LATERAL (
                    SELECT todo.since FROM channels_offertodo AS todo
                    WHERE todo.channel_id = channel.id AND todo.kind = 'quantity' AND todo.danger = queue.danger
                    ORDER BY todo.version LIMIT 1) AS first),
               (SELECT todo.since FROM channels_offertodo AS todo
                WHERE todo.channel_id = channel.id AND todo.kind = 'price' AND todo.danger = 0 ORDER BY todo.version LIMIT 1),
               (SELECT min(told.created_at) FROM (
                    SELECT command.created_at, command.subject_id FROM channels_command AS command
                    WHERE command.connection_id = account.id AND command.state IN ('queued', 'sent') AND command.subject_type = 'order'
                    ORDER BY command.not_before LIMIT %s) AS told
                JOIN orders_order AS o ON o.id = told.subject_id AND o.channel_id = channel.id)
        FROM channels_channel AS channel
        JOIN channels_connection AS account ON account.id = channel.connection_id
        JOIN core_organisation AS organisation ON organisation.id = channel.organisation_id
        WHERE channel.organisation_id = %s AND channel.active AND (%s::bigint IS NULL OR channel.id = %s) ORDER BY channel.id
        """,
        [MEASURED, organisation_id, channel_id, channel_id],
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
    """What waits for a person, by kind. Lanes as ``lanes.lane_rows`` tells which fail. Partial indexes on unmapped lines and open rows,
    lane_step_once; no locks."""
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
               (SELECT count(*) FROM channels_lane AS lane JOIN channels_connection AS account ON account.id = lane.subject_id
                WHERE lane.organisation_id = %(organisation)s AND lane.subject_type = 'connection' AND lane.enabled
                  AND (lane.failures > 0 OR EXISTS (
                      SELECT FROM channels_lanestep AS step
                      WHERE step.lane_id = lane.id AND step.last_error <> '' AND step.last_error_at IS NOT NULL
                        AND (step.last_success_at IS NULL OR step.last_error_at > step.last_success_at)))) AS lanes,
               (SELECT count(*) FROM channels_sendtask WHERE organisation_id = %(organisation)s AND ended_at IS NULL) AS sends,
               (SELECT count(*) FROM channels_offertodo WHERE organisation_id = %(organisation)s) AS todo
        """,
        {"organisation": organisation_id},
    )
    return _named(cursor, cursor.fetchone())


def refused_counts(cursor: Cursor, organisation_id: int, commands_since: datetime, most: int) -> dict[str, int]:
    """Offers and commands that a channel refused, and listings that several products fit; of each channel at most ``most`` of a sort.

    Indexes offer_refused, offer_price_refused, command_failed, remote_listing_state. No locks.
    """
    cursor.execute(
        """
        WITH channel AS MATERIALIZED (SELECT id FROM channels_channel WHERE organisation_id = %(organisation)s)
        SELECT (SELECT coalesce(sum(found.count), 0)::int FROM channel CROSS JOIN LATERAL (SELECT count(*) FROM (
                    SELECT FROM channels_offer WHERE channel_id = channel.id AND refused_at IS NOT NULL LIMIT %(most)s) AS one) AS found)
             + (SELECT count(*) FROM (
                    SELECT FROM channels_offerprice
                    WHERE organisation_id = %(organisation)s AND refused_at IS NOT NULL LIMIT %(most)s) AS one)::int AS refused,
               (SELECT count(*) FROM (SELECT FROM channels_command
                WHERE organisation_id = %(organisation)s AND state IN ('refused', 'dead') AND ended_at >= %(since)s
                AND NOT (kind = 'acknowledge' AND code = 'cancelled') LIMIT %(most)s) AS one) AS commands,
               (SELECT coalesce(sum(found.count), 0)::int FROM channel CROSS JOIN LATERAL (SELECT count(*) FROM (
                    SELECT FROM channels_remotelisting WHERE channel_id = channel.id AND state = 'ambiguous' LIMIT %(most)s
                ) AS one) AS found) AS ambiguous
        """,
        {"organisation": organisation_id, "since": commands_since, "most": most},
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


def today_figures(cursor: Cursor, organisation_id: int, since: datetime, before: datetime, before_until: datetime) -> dict[str, int]:
    """Orders and units since ``since``, and orders from ``before`` to ``before_until``. Index order_recent; no locks."""
    cursor.execute(
        """
        SELECT count(*) FILTER (WHERE o.ordered_at >= %(since)s) AS orders,
               coalesce(sum(line.units) FILTER (WHERE o.ordered_at >= %(since)s), 0)::bigint AS units,
               count(*) FILTER (WHERE o.ordered_at < %(until)s) AS before
        FROM orders_order AS o CROSS JOIN LATERAL (
            SELECT sum(line.ordered - line.cancelled) AS units FROM orders_orderline AS line
            WHERE line.order_id = o.id AND o.ordered_at >= %(since)s) AS line
        WHERE o.organisation_id = %(organisation)s AND o.ordered_at >= %(before)s AND NOT o.at_cutover
        """,
        {"organisation": organisation_id, "since": since, "before": before, "until": before_until},
    )
    return _named(cursor, cursor.fetchone())


def _named(cursor: Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip([column.name for column in cursor.description], row, strict=True))
