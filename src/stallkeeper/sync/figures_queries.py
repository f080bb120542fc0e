"""SQL of the figures for Prometheus and of the health of the installation. One function per statement.

All of them look over the walls between organisations, read only, and stay cheap on a database with a million offers: they read small
tables, partial indexes, or the beginning of an index, never the whole of a table that grows with offers or orders.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stallkeeper.channels.lanes_queries import LIFE
from stallkeeper.core.sql import Cursor, rows

MOST_COUNTED = 10_000
"""Rows of one queue of one channel that are counted; a longer queue shows this number."""
MOST_IN_DANGER = 1_000
"""Of each channel: the first offers in danger whose units are added up. Usually there are a few."""
NEWEST_ORDERS = 200
"""Of each organisation (cuts) or channel (intake): the newest orders are looked at."""


def limit_time(cursor: Cursor, milliseconds: int) -> None:
    """Statements of this transaction end with an error after so long."""
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])


def answers(cursor: Cursor) -> bool:
    """Whether the database can be written to (a standby cannot)."""
    cursor.execute("SELECT NOT pg_is_in_recovery()")
    return bool(rows(cursor)[0][0])


def lanes(cursor: Cursor, at: datetime, dead_before: datetime) -> list[Any]:
    """(kind, enabled, claimed, silent, due, failing, longest overdue in seconds). Reads the lanes: two per account."""
    cursor.execute(
        """
        SELECT kind, count(*), count(*) FILTER (WHERE claimed_by <> ''),
               count(*) FILTER (WHERE claimed_by <> '' AND heartbeat_at < %(dead)s),
               count(*) FILTER (WHERE claimed_by = '' AND not_before <= %(at)s), count(*) FILTER (WHERE failures > 0),
               coalesce(max(extract(epoch FROM %(at)s - not_before)) FILTER (WHERE claimed_by = '' AND not_before <= %(at)s), 0)::float8
        FROM channels_lane WHERE enabled GROUP BY kind ORDER BY kind
        """,
        {"at": at, "dead": dead_before},
    )
    return rows(cursor)


def connections(cursor: Cursor) -> list[Any]:
    """(platform, state, how many). Reads the accounts."""
    cursor.execute("SELECT platform, state, count(*) FROM channels_connection GROUP BY platform, state ORDER BY platform, state")
    return rows(cursor)


def steps(cursor: Cursor) -> list[Any]:
    """(connection, platform, step, last success, watermark, failing, items, errors) of accounts in use. Reads the steps: about ten each.

    The watermark is NULL where no channel takes orders: nobody reads any further then.
    """
    cursor.execute(
        """
        SELECT account.id, account.platform, step.step, step.last_success_at,
               CASE WHEN EXISTS (SELECT FROM channels_channel AS channel
                                 WHERE channel.connection_id = account.id AND channel.active AND channel.orders_enabled)
                    THEN step.watermark END,
               step.last_error <> '', step.items_total, step.errors_total
        FROM channels_lanestep AS step
        JOIN channels_lane AS lane ON lane.id = step.lane_id AND lane.enabled
        JOIN channels_connection AS account ON lane.subject_type = 'connection' AND account.id = lane.subject_id AND account.state = 'ready'
        ORDER BY account.id, step.step
        """
    )
    return rows(cursor)


def order_lags(cursor: Cursor, since: datetime) -> list[Any]:
    """(connection, p50, p95) of the seconds from an order's time on its channel until it stood here. Index: order_channel."""
    cursor.execute(
        """
        SELECT channel.connection_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY seen.lag),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY seen.lag)
        FROM channels_channel AS channel
        CROSS JOIN LATERAL (
            SELECT greatest(extract(epoch FROM imported_at - ordered_at)::float8, 0) AS lag
            FROM orders_order WHERE channel_id = channel.id AND ordered_at >= %s AND NOT at_cutover ORDER BY ordered_at DESC LIMIT %s
        ) AS seen
        WHERE channel.active GROUP BY channel.connection_id ORDER BY channel.connection_id
        """,
        [since, NEWEST_ORDERS],
    )
    return rows(cursor)


def cut_lags(cursor: Cursor, since: datetime) -> list[Any]:
    """(connection, p50, p95) of the seconds from an order to the first quantity that another channel accepted after it, for the same unit.

    Indexes: order_recent, offer(stock_unit), sent_log_offer.
    """
    cursor.execute(
        """
        SELECT channel.connection_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM sent.at - recent.ordered_at)::float8),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM sent.at - recent.ordered_at)::float8)
        FROM core_organisation AS organisation
        CROSS JOIN LATERAL (
            SELECT id, channel_id, ordered_at, imported_at FROM orders_order
            WHERE organisation_id = organisation.id AND ordered_at >= %s AND NOT at_cutover ORDER BY ordered_at DESC LIMIT %s
        ) AS recent
        JOIN orders_orderline AS line ON line.order_id = recent.id
        JOIN channels_offer AS offer ON offer.stock_unit_id = line.stock_unit_id AND offer.channel_id <> recent.channel_id
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        CROSS JOIN LATERAL (
            SELECT at FROM channels_sent_log AS log
            WHERE log.offer_id = offer.id AND log.kind = 'quantity' AND log.outcome = 'accepted'
              AND log.at >= recent.imported_at AND log.at < recent.imported_at + interval '15 minutes'
            ORDER BY at LIMIT 1
        ) AS sent
        GROUP BY channel.connection_id ORDER BY channel.connection_id
        """,
        [since, NEWEST_ORDERS],
    )
    return rows(cursor)


def waiting_offers(cursor: Cursor) -> list[Any]:
    """(channel, connection, kind, danger, how many, listed first at) of what waits to be sent. Index: offer_todo_next, its beginnings."""
    cursor.execute(
        """
        SELECT channel.id, channel.connection_id, queue.kind, queue.danger, waiting.number, waiting.first
        FROM channels_channel AS channel
        CROSS JOIN (VALUES ('quantity', 0), ('quantity', 1), ('price', 0)) AS queue(kind, danger)
        CROSS JOIN LATERAL (
            SELECT (SELECT count(*) FROM (
                        SELECT 1 FROM channels_offertodo AS todo
                        WHERE todo.channel_id = channel.id AND todo.kind = queue.kind AND todo.danger = queue.danger LIMIT %s
                    ) AS listed) AS number,
                   (SELECT todo.since FROM channels_offertodo AS todo
                    WHERE todo.channel_id = channel.id AND todo.kind = queue.kind AND todo.danger = queue.danger
                    ORDER BY todo.version LIMIT 1) AS first
        ) AS waiting
        WHERE channel.active ORDER BY channel.id, queue.kind, queue.danger
        """,
        [MOST_COUNTED],
    )
    return rows(cursor)


def exposure(cursor: Cursor) -> list[Any]:
    """(channel, connection, offers, units) that a channel shows, or may show, above what we have. Index: offer_todo_next, its beginning."""
    cursor.execute(
        """
        SELECT channel.id, channel.connection_id, risk.offers, risk.units
        FROM channels_channel AS channel
        CROSS JOIN LATERAL (
            SELECT count(*) AS offers,
                   coalesce(sum(greatest(
                       coalesce(offer.believed_qty, offer.observed_qty, offer.accepted_qty, 0) - offer.intended_qty, 0)), 0) AS units
            FROM (SELECT offer_id FROM channels_offertodo
                  WHERE channel_id = channel.id AND kind = 'quantity' AND danger = 1 ORDER BY version LIMIT %s) AS listed
            JOIN channels_offer AS offer ON offer.id = listed.offer_id
        ) AS risk
        WHERE channel.active ORDER BY channel.id
        """,
        [MOST_IN_DANGER],
    )
    return rows(cursor)


def commands_open(cursor: Cursor) -> list[Any]:
    """(kind, state, how many, decided first at) of what must still reach a channel. Index: command_due (partial)."""
    cursor.execute(
        """
        SELECT kind, state, count(*), min(created_at) FROM channels_command WHERE state IN ('queued', 'sent')
        GROUP BY kind, state ORDER BY kind, state
        """
    )
    return rows(cursor)


def commands_failed(cursor: Cursor, since: datetime) -> list[Any]:
    """(kind, state, how many) that a channel refused, or that were given up, since then. Index: command_failed (partial)."""
    cursor.execute(
        """
        SELECT kind, state, count(*) FROM channels_command
        WHERE state IN ('refused', 'dead') AND ended_at >= %s AND NOT (kind = 'acknowledge' AND code = 'cancelled')
        GROUP BY kind, state ORDER BY kind, state
        """,
        [since],
    )
    return rows(cursor)


def offers_refused(cursor: Cursor) -> list[Any]:
    """(connection, how many offers whose quantity the channel refused). Index: offer_refused (partial)."""
    cursor.execute(
        """
        SELECT channel.connection_id, count(*)
        FROM channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id
        WHERE offer.refused_at IS NOT NULL GROUP BY channel.connection_id ORDER BY channel.connection_id
        """
    )
    return rows(cursor)


def parked(cursor: Cursor) -> list[Any]:
    """(connection, kind, how many) that could not be understood. Reads what is parked: few."""
    cursor.execute(
        "SELECT connection_id, kind, count(*) FROM channels_parked WHERE resolved_at IS NULL"
        " GROUP BY connection_id, kind ORDER BY connection_id, kind"
    )
    return rows(cursor)


def drifts(cursor: Cursor) -> list[Any]:
    """(verdict, how many) open differences between what we believed and read. Index: drift_open (partial)."""
    cursor.execute("SELECT verdict, count(*) FROM channels_drift WHERE resolved_at IS NULL GROUP BY verdict ORDER BY verdict")
    return rows(cursor)


def shortages(cursor: Cursor, since: datetime, at: datetime) -> tuple[int, int, int, float, float | None, float | None]:
    """Open ones, their units, open windows, seconds of the oldest open one, p50 and p95 of the windows of those detected since.

    Reads the shortages: incidents, of which there are few.
    """
    cursor.execute(
        """
        SELECT count(*) FILTER (WHERE resolved_at IS NULL), coalesce(sum(quantity) FILTER (WHERE resolved_at IS NULL), 0)::bigint,
               count(*) FILTER (WHERE cut_accepted_at IS NULL AND resolved_at IS NULL),
               coalesce(max(extract(epoch FROM %(at)s - sold_at))
                   FILTER (WHERE cut_accepted_at IS NULL AND resolved_at IS NULL), 0)::float8,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM cut_accepted_at - sold_at)::float8)
                   FILTER (WHERE cut_accepted_at IS NOT NULL AND detected_at >= %(since)s),
               percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM cut_accepted_at - sold_at)::float8)
                   FILTER (WHERE cut_accepted_at IS NOT NULL AND detected_at >= %(since)s)
        FROM orders_shortage
        """,
        {"at": at, "since": since},
    )
    found: tuple[int, int, int, float, float | None, float | None] = rows(cursor)[0]
    return found


def rate_budgets(cursor: Cursor) -> list[Any]:
    """(connection, platform, bucket, tokens, as of, blocked until, scale of a test system, spent, refused). Reads the buckets."""
    cursor.execute(
        """
        SELECT budget.connection_id, account.platform, budget.bucket, budget.tokens, budget.at, budget.blocked_until,
               CASE WHEN account.base_url = '' THEN NULL ELSE account.config ->> 'limits_scale' END, budget.spent, budget.refused
        FROM channels_ratebudget AS budget JOIN channels_connection AS account ON account.id = budget.connection_id
        ORDER BY budget.connection_id, budget.bucket
        """
    )
    return rows(cursor)


def jobs(cursor: Cursor) -> list[Any]:
    """(task, state, how many) in Procrastinate's table, which holds what waits and runs."""
    cursor.execute("SELECT task_name, status::text, count(*) FROM procrastinate_jobs GROUP BY 1, 2 ORDER BY 1, 2")
    return rows(cursor)


def workers(cursor: Cursor, since: datetime) -> tuple[int, datetime | None]:
    """How many workers gave a sign of life since then, and the last sign of any. Reads Procrastinate's workers: a handful."""
    cursor.execute("SELECT count(*) FILTER (WHERE last_heartbeat >= %s), max(last_heartbeat) FROM procrastinate_workers", [since])
    found: tuple[int, datetime | None] = rows(cursor)[0]
    return found


def ticking(cursor: Cursor) -> int:
    """How many workers tick: each holds the lock of ``life`` on the connection that it ticks on. Reads the server's locks."""
    cursor.execute(
        """
        SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """,
        [LIFE],
    )
    return int(rows(cursor)[0][0])


def notifications(cursor: Cursor) -> list[Any]:
    """(kind, severity, how many) open ones; a kind is the key with N for its numbers. Index: notification_open_once (partial)."""
    cursor.execute(
        """
        SELECT regexp_replace(key, '[0-9]+', 'N', 'g'), severity, count(*) FROM core_notification WHERE resolved_at IS NULL
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
    return rows(cursor)


def stale_units(cursor: Cursor) -> int:
    """How many units wait for their offers to be worked out anew. Reads the marks up to MOST_COUNTED."""
    cursor.execute("SELECT count(*) FROM (SELECT 1 FROM stock_stale LIMIT %s) AS marks", [MOST_COUNTED])
    return int(rows(cursor)[0][0])


def day_done(cursor: Cursor) -> datetime | None:
    """When the last work of the day that was finished had begun. One row."""
    cursor.execute("SELECT max(done_at) FROM core_dailyrun")
    found: datetime | None = rows(cursor)[0][0]
    return found


def size(cursor: Cursor) -> int:
    """Bytes of the database on disk."""
    cursor.execute("SELECT pg_database_size(current_database())")
    return int(rows(cursor)[0][0])
