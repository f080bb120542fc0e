"""SQL of delays: what was done, taken from what is written down anyway, and the hours that are kept of it. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from stallkeeper.core.sql import Cursor, rows

LATE_ORDERS = timedelta(days=14)
"""An order that comes in later than this after it was placed is not counted: it would have to be looked for among all orders."""
FOLLOWED = timedelta(hours=1)
"""So long after a cancellation the restored quantity is looked for on the channels."""

EPOCH = "extract(epoch FROM {0})::float8"


def _seconds(*moments: str) -> str:
    return ", ".join(EPOCH.format(moment) for moment in moments)


def sends(cursor: Cursor, organisation: int, since: datetime, until: datetime, rewriting: Sequence[str]) -> list[Any]:
    """Figures that channels accepted in [since, until), alike ones together: (channel, kind, connection, platform, raise, an offer, how
    many, wanted, written before, sent, answered, accepted), moments in seconds.

    Of a submission ``answered`` is when its ticket came. ``written before``, or NULL: the acceptance before, on platforms that want a
    figure to stand for a while (``rewriting``). What nobody can say since when it was wanted is left out. Indexes: sent_log_time (of
    blocks), sent_log_offer.
    """
    cursor.execute(
        f"""
        SELECT offer.channel_id, log.kind, channel.connection_id, account.platform, coalesce(log.shown, asked.shown) < log.value AS raises,
               min(log.offer_id), count(*),
               {_seconds("coalesce(log.wanted_at, asked.wanted_at)", "before.at", "log.sent_at", "coalesce(asked.at, log.at)", "log.at")}
        FROM channels_sent_log AS log
        JOIN channels_offer AS offer ON offer.id = log.offer_id
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        JOIN channels_connection AS account ON account.id = channel.connection_id
        LEFT JOIN LATERAL (
            SELECT pending.at, pending.wanted_at, pending.shown FROM channels_sent_log AS pending
            WHERE pending.offer_id = log.offer_id AND pending.at >= log.sent_at AND pending.at <= log.at AND pending.kind = log.kind
                AND pending.outcome = 'pending' AND pending.sent_at = log.sent_at
            ORDER BY pending.at LIMIT 1) AS asked ON log.wanted_at IS NULL
        LEFT JOIN LATERAL (
            SELECT earlier.at FROM channels_sent_log AS earlier
            WHERE earlier.offer_id = log.offer_id AND earlier.at < log.sent_at AND earlier.kind = log.kind AND earlier.outcome = 'accepted'
            ORDER BY earlier.at DESC LIMIT 1) AS before ON log.kind = 'quantity' AND account.platform = ANY(%(rewriting)s)
        WHERE log.organisation_id = %(organisation)s AND log.at >= %(since)s AND log.at < %(until)s AND log.outcome = 'accepted'
            AND coalesce(log.wanted_at, asked.wanted_at) IS NOT NULL AND log.sent_at IS NOT NULL
        GROUP BY offer.channel_id, log.kind, channel.connection_id, account.platform, raises, coalesce(log.wanted_at, asked.wanted_at),
                 before.at, log.sent_at, coalesce(asked.at, log.at), log.at
        ORDER BY log.at, 6
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation, "since": since, "until": until, "rewriting": list(rewriting)},
    )
    return rows(cursor)


def intakes(cursor: Cursor, organisation: int, since: datetime, until: datetime) -> list[Any]:
    """Orders that came in in [since, until): (channel, connection, order, placed, shown at the earliest or NULL, entered), in seconds.

    Those that were there before the channel was cut over are no news. Index: order_recent.
    """
    cursor.execute(
        f"""
        SELECT o.channel_id, o.connection_id, o.id, {_seconds("o.ordered_at", "o.not_listed_at", "o.imported_at")}
        FROM orders_order AS o JOIN channels_channel AS channel ON channel.id = o.channel_id
        WHERE o.organisation_id = %(organisation)s AND o.ordered_at >= %(placed)s
            AND o.imported_at >= %(since)s AND o.imported_at < %(until)s
            AND NOT o.at_cutover AND (channel.cutover_at IS NULL OR o.ordered_at >= channel.cutover_at)
        ORDER BY o.imported_at, o.id
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation, "placed": since - LATE_ORDERS, "since": since, "until": until},
    )
    return rows(cursor)


def messages(cursor: Cursor, organisation: int, since: datetime, until: datetime) -> list[Any]:
    """What channels were told about orders in [since, until): (channel, connection, order, kind, asked for, sent, done; of a cancellation
    the last push of the restored quantity: its connection, sent, accepted, or NULL), moments in seconds.

    Pushes are followed for the units of the cancelled lines, on every channel that shows them. Indexes: command_done, order_line_once,
    offer(stock_unit), sent_log_offer.
    """
    cursor.execute(
        f"""
        SELECT o.channel_id, command.connection_id, o.id, command.kind,
               {_seconds("command.created_at", "coalesce(command.sent_at, command.ended_at)", "command.ended_at")},
               push.connection_id, {_seconds("push.sent_at", "push.at")}
        FROM channels_command AS command
        JOIN orders_order AS o ON o.id = command.subject_id
        LEFT JOIN LATERAL (
            SELECT channel.connection_id, first.sent_at, first.at
            FROM jsonb_array_elements(command.payload -> 'lines') AS told
            JOIN orders_orderline AS line ON line.order_id = o.id AND line.line_id = told ->> 'line_id'
            JOIN channels_offer AS offer ON offer.stock_unit_id = line.stock_unit_id
            JOIN channels_channel AS channel ON channel.id = offer.channel_id
            CROSS JOIN LATERAL (
                SELECT log.sent_at, log.at FROM channels_sent_log AS log
                WHERE log.offer_id = offer.id AND log.at >= command.created_at
                    AND log.at < command.created_at + make_interval(secs => %(followed)s)
                    AND log.kind = 'quantity' AND log.outcome = 'accepted' AND log.wanted_at <= command.created_at
                ORDER BY log.at LIMIT 1) AS first
            ORDER BY first.at DESC LIMIT 1) AS push ON command.kind = 'cancel'
        WHERE command.organisation_id = %(organisation)s AND command.ended_at >= %(since)s AND command.ended_at < %(until)s
            AND command.state = 'done' AND command.subject_type = 'order'
        ORDER BY command.ended_at, command.id
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation, "since": since, "until": until, "followed": FOLLOWED.total_seconds()},
    )
    return rows(cursor)


def waits(cursor: Cursor, organisation: int, since: datetime, until: datetime) -> list[tuple[int, str, float, float]]:
    """(connection, step, from, until) of waits that touch [since, until), in seconds. Index: wait_until."""
    cursor.execute(
        f"""
        SELECT connection_id, step, {_seconds("begun_at", "until")} FROM channels_wait
        WHERE organisation_id = %s AND until > %s AND begun_at < %s
        ORDER BY id
        """,  # noqa: S608 - constants of this module
        [organisation, since, until],
    )
    return rows(cursor)


# --- what is kept -------------------------------------------------------------------------------------------------------------------------

COLUMNS = "channel_id, operation, hour, count, ours_seconds, theirs_seconds, limits_seconds, total, ours, theirs, limits, worst"


def store(cursor: Cursor, organisation: int, since: datetime, until: datetime, hours: Sequence[Sequence[Any]]) -> None:
    """Set the hours of [since, until) to these rows (COLUMNS). Locks: the rows of these hours. Index: delay_hour, delay_once."""
    cursor.execute(
        f"""
        WITH given AS MATERIALIZED (
            SELECT * FROM unnest(%(channel)s::bigint[], %(operation)s::text[], %(hour)s::timestamptz[], %(count)s::bigint[],
                                 %(ours_seconds)s::float8[], %(theirs_seconds)s::float8[], %(limits_seconds)s::float8[], %(total)s::jsonb[],
                                 %(ours)s::jsonb[], %(theirs)s::jsonb[], %(limits)s::jsonb[], %(worst)s::jsonb[])
                AS g({COLUMNS})
        ), cleared AS (
            DELETE FROM orders_delay WHERE organisation_id = %(organisation)s AND hour >= %(since)s AND hour < %(until)s
                AND (channel_id, operation, hour) NOT IN (SELECT channel_id, operation, hour FROM given)
        )
        INSERT INTO orders_delay (organisation_id, {COLUMNS})
        SELECT %(organisation)s, {COLUMNS} FROM given ORDER BY channel_id, operation, hour
        ON CONFLICT (channel_id, operation, hour) DO UPDATE SET count = EXCLUDED.count, ours_seconds = EXCLUDED.ours_seconds,
            theirs_seconds = EXCLUDED.theirs_seconds, limits_seconds = EXCLUDED.limits_seconds, total = EXCLUDED.total,
            ours = EXCLUDED.ours, theirs = EXCLUDED.theirs, limits = EXCLUDED.limits, worst = EXCLUDED.worst
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation, "since": since, "until": until, **_columns(hours)},
    )


def _columns(hours: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    names = ["channel" if name == "channel_id" else name for name in COLUMNS.split(", ")]
    return {name: [row[index] for row in hours] for index, name in enumerate(names)}


def totals(cursor: Cursor, organisation: int, since: datetime) -> list[Any]:
    """(operation, channel, hour, count, ours, theirs, limits in seconds, histogram of the whole) since an hour. Index: delay_hour."""
    cursor.execute(
        """
        SELECT operation, channel_id, hour, count, ours_seconds, theirs_seconds, limits_seconds, total::text
        FROM orders_delay WHERE organisation_id = %s AND hour >= %s ORDER BY hour
        """,
        [organisation, since],
    )
    return rows(cursor)


def of_operation(cursor: Cursor, organisation: int, operation: str, since: datetime) -> list[Any]:
    """(channel, hour, count, ours, theirs, limits in seconds, histograms of the whole, ours, theirs, limits, the worst) of one operation.
    Index: delay_hour."""
    cursor.execute(
        """
        SELECT channel_id, hour, count, ours_seconds, theirs_seconds, limits_seconds, total::text, ours::text, theirs::text, limits::text,
               worst::text
        FROM orders_delay WHERE organisation_id = %s AND operation = %s AND hour >= %s ORDER BY hour
        """,
        [organisation, operation, since],
    )
    return rows(cursor)
