"""SQL of the runner's steps that looks across orders and channels. One function per statement."""

from __future__ import annotations

from datetime import datetime

from stallkeeper.channels.drift import Fall
from stallkeeper.core.sql import Cursor, rows


def open_falls(cursor: Cursor, connection: int, before: datetime) -> list[Fall]:
    """Falls without a verdict that were read before ``before``. Index: drift_recent, order_line.offer."""
    cursor.execute(
        """
        SELECT drift.id, drift.offer_id, drift.believed, drift.observed,
               (SELECT coalesce(sum(line.ordered), 0) FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
                WHERE line.offer_id = drift.offer_id AND o.imported_at >= drift.at AND o.ordered_at <= drift.at)
        FROM channels_drift AS drift
        JOIN channels_offer AS offer ON offer.id = drift.offer_id
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        WHERE channel.connection_id = %s AND drift.kind = 'quantity' AND drift.verdict = 'unknown' AND drift.at < %s
            AND drift.observed IS NOT NULL AND drift.believed IS NOT NULL
        ORDER BY drift.id
        """,
        [connection, before],
    )
    return [Fall(*row) for row in rows(cursor)]


def next_run_id(cursor: Cursor) -> int:
    """An id for a run. Locks: none; not undone by a rollback."""
    cursor.execute("SELECT nextval(pg_get_serial_sequence('channels_run', 'id'))")
    return int(rows(cursor)[0][0])


def came_due(cursor: Cursor, lane: int, step: str, since: datetime, at: datetime) -> bool:
    """Whether a step of the lane became due between ``since`` and ``at``, by itself or by a hint. Locks: none. Index: lane_step_once."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM channels_lanestep WHERE lane_id = %s AND step = %s AND not_before BETWEEN %s AND %s)",
        [lane, step, since, at],
    )
    return bool(rows(cursor)[0][0])


# --- commands -----------------------------------------------------------------------------------------------------------------------------


def may_write(cursor: Cursor, connection: int) -> bool:
    """Whether the company and the account allow to change anything there, at this moment. Locks: none. Indexes: primary keys."""
    cursor.execute(
        """
        SELECT account.writes_allowed AND organisation.sending_enabled
        FROM channels_connection AS account JOIN core_organisation AS organisation ON organisation.id = account.organisation_id
        WHERE account.id = %s
        """,
        [connection],
    )
    return bool(rows(cursor)[0][0])


FREE = """
    command.connection_id = %(connection)s AND command.state IN ('queued', 'sent')
    AND NOT EXISTS (
        SELECT FROM channels_command AS earlier
        WHERE earlier.connection_id = command.connection_id AND earlier.state IN ('queued', 'sent') AND earlier.id < command.id
            AND earlier.payload ->> 'order_id' = command.payload ->> 'order_id')
"""
"""Commands of one order go out one after the other, in the order of the decisions."""
LANDED = 10
"""Seconds that a dead worker's call may still be under way: asking earlier what became of it proves nothing."""
DUE = """
    CASE WHEN command.state = 'sent' AND command.not_before <= command.sent_at THEN command.sent_at + make_interval(secs => %(landed)s)
         ELSE command.not_before END
"""
"""When a command may be driven. One that was sent, and whose reply nobody has written down, was left behind by a worker's death."""


def due_commands(cursor: Cursor, connection: int, at: datetime, limit: int) -> list[int]:
    """Commands to drive now, the nearest deadline first. Index: command_due."""
    cursor.execute(
        f"""
        SELECT command.id FROM channels_command AS command
        LEFT JOIN orders_order AS o ON command.subject_type = 'order' AND o.id = command.subject_id
        WHERE {FREE} AND {DUE} <= %(at)s
        ORDER BY CASE command.kind WHEN 'acknowledge' THEN o.acknowledge_by END NULLS LAST, command.created_at, command.id
        LIMIT %(limit)s
        """,  # noqa: S608 - constants of this module
        {"connection": connection, "at": at, "limit": limit, "landed": LANDED},
    )
    return [row[0] for row in rows(cursor)]


def next_command(cursor: Cursor, connection: int) -> datetime | None:
    """When the next command may be driven; None if there is none. Index: command_due."""
    cursor.execute(
        f"SELECT min({DUE}) FROM channels_command AS command WHERE {FREE}",  # noqa: S608 - constants of this module
        {"connection": connection, "landed": LANDED},
    )
    moment: datetime | None = rows(cursor)[0][0]
    return moment


def quantities_before(cursor: Cursor, connection: int, kind: str, order: str) -> dict[str, int]:
    """Units per line of an order that were shipped (kind "ship") or cancelled by anybody, less those of our commands under way.

    Index: order_once, command_due.
    """
    cursor.execute(
        """
        SELECT line.line_id, greatest(0, (CASE %(kind)s WHEN 'ship' THEN line.shipped ELSE line.cancelled END) - coalesce(
            (SELECT sum((item ->> 'quantity')::int)
             FROM channels_command AS command, jsonb_array_elements(command.payload -> 'lines') AS item
             WHERE command.connection_id = %(connection)s AND command.kind = %(kind)s AND command.state IN ('queued', 'sent')
                AND command.payload ->> 'order_id' = o.external_id AND item ->> 'line_id' = line.line_id), 0))
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE o.connection_id = %(connection)s AND o.external_id = %(order)s
        ORDER BY line.line_id
        """,
        {"connection": connection, "kind": kind, "order": order},
    )
    return {line: int(quantity) for line, quantity in rows(cursor)}
