"""SQL of case files: the sales that met on a unit, what was sent meanwhile, what else moved. Reading only; one function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows


class SaleRow(NamedTuple):
    """A line that took, or wanted, counted units. ``units`` are sold units."""

    line_id: int
    order_id: int
    number: str
    line: str
    channel_id: int
    channel_code: str
    connection_id: int
    offer_id: int | None
    units: int
    ordered_at: datetime
    imported_at: datetime


def find_line(cursor: Cursor, organisation: int, number: str, line: str) -> int | None:
    """The line of an order, by what people call both. Index: order_number."""
    cursor.execute(
        """
        SELECT line.id FROM orders_order AS o JOIN orders_orderline AS line ON line.order_id = o.id
        WHERE o.organisation_id = %s AND (o.number = %s OR o.external_id = %s) AND line.line_id = %s
        ORDER BY line.short DESC, o.ordered_at DESC, line.id LIMIT 1
        """,
        [organisation, number, number, line],
    )
    found = rows(cursor)
    return int(found[0][0]) if found else None


def counted_units(cursor: Cursor, unit: int) -> list[tuple[int, str]]:
    """What is counted of a unit: itself, or what the kit consists of; with SKUs. Index: kit_component_once."""
    cursor.execute(
        """
        SELECT part.id, part.sku FROM catalog_stockunit AS unit
        LEFT JOIN catalog_kitcomponent AS component ON component.kit_id = unit.id AND unit.kind = 'kit'
        JOIN catalog_stockunit AS part ON part.id = CASE WHEN component.component_id IS NULL THEN unit.id ELSE component.component_id END
        WHERE unit.id = %s ORDER BY part.id
        """,
        [unit],
    )
    return rows(cursor)


MOST_SALES = 500
"""So many sales of a unit are looked through; in a rush there are thousands in a day."""


def sales(cursor: Cursor, units: Sequence[int], since: datetime, until: datetime, near: datetime) -> list[SaleRow]:
    """Lines of the units, or of kits of them, placed in a stretch of time, as they were placed; of many those nearest to a moment.

    Indexes: that of the line's unit, kitcomponent.component.
    """
    cursor.execute(
        """
        SELECT line.id, o.id, o.number, line.line_id, o.channel_id, channel.code, o.connection_id, line.offer_id,
               line.ordered, o.ordered_at, o.imported_at
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        JOIN channels_channel AS channel ON channel.id = o.channel_id
        WHERE line.stock_unit_id = ANY (ARRAY(
                SELECT unnest(%(units)s::bigint[])
                UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(units)s::bigint[])))
            AND o.fulfilled_by = 'seller' AND o.ordered_at BETWEEN %(since)s AND %(until)s
        ORDER BY greatest(o.ordered_at - %(near)s, %(near)s - o.ordered_at), line.id LIMIT %(most)s
        """,
        {"units": array(units), "since": since, "until": until, "near": near, "most": MOST_SALES},
    )
    return sorted((SaleRow(*row) for row in rows(cursor)), key=lambda sale: (sale.ordered_at, sale.line_id))


def sends(cursor: Cursor, offers: Sequence[int], since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    """Quantities sent for offers: (offer, at, value, outcome, sent at, wanted at, detail), by time. Index: sent_log_offer.

    A ticket's answer does not say since when its value was wanted; the row of its submission does.
    """
    cursor.execute(
        """
        SELECT log.offer_id, log.at, log.value::int, log.outcome, log.sent_at,
               coalesce(log.wanted_at, (SELECT max(asked.wanted_at) FROM channels_sent_log AS asked
                                        WHERE asked.offer_id = log.offer_id AND asked.at >= log.sent_at AND asked.at <= log.at
                                            AND asked.kind = 'quantity' AND asked.outcome = 'pending'
                                            AND asked.sent_at = log.sent_at)), log.detail
        FROM channels_sent_log AS log
        WHERE log.offer_id = ANY(%s::bigint[]) AND log.kind = 'quantity' AND log.at BETWEEN %s AND %s
        ORDER BY log.at, log.id
        """,
        [array(offers), since, until],
    )
    return rows(cursor)


def last_accepted(cursor: Cursor, offer: int, until: datetime) -> tuple[datetime, int, datetime | None] | None:
    """The newest quantity that the channel had accepted by a moment: (at, value, sent at). Index: sent_log_offer."""
    cursor.execute(
        """
        SELECT at, value::int, sent_at FROM channels_sent_log
        WHERE offer_id = %s AND kind = 'quantity' AND outcome = 'accepted' AND at <= %s ORDER BY at DESC, id DESC LIMIT 1
        """,
        [offer, until],
    )
    found = rows(cursor)
    return found[0] if found else None


def seen_to(cursor: Cursor, connection: int, imported_at: datetime) -> datetime | None:
    """Up to where the account's orders had been read when the run began that brought what was imported at a moment. Index: run_recent.

    Runs take seconds: none that began three hours before is looked at, or all that are kept would be where none fits.
    """
    cursor.execute(
        """
        SELECT (run.steps -> -1 ->> 'orders_seen_to')::timestamptz
        FROM channels_run AS run JOIN channels_lane AS lane ON lane.id = run.lane_id
        WHERE lane.subject_type = 'connection' AND lane.subject_id = %(connection)s AND lane.kind = 'trade'
            AND run.started_at BETWEEN %(at)s - interval '3 hours' AND %(at)s AND (run.ended_at IS NULL OR run.ended_at >= %(at)s)
        ORDER BY run.started_at DESC LIMIT 1
        """,
        {"connection": connection, "at": imported_at},
    )
    found = rows(cursor)
    return found[0][0] if found else None


def promises(cursor: Cursor, units: Sequence[int], since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    """What happened to reservations: (at, owner type, owner, kind, before, after, cause). Index: reservation_event_unit."""
    cursor.execute(
        """
        SELECT at, owner_type, owner_id, kind, before, after, cause FROM stock_reservation_event
        WHERE stock_unit_id = ANY(%s::bigint[]) AND at BETWEEN %s AND %s ORDER BY at, id
        """,
        [array(units), since, until],
    )
    return rows(cursor)


def lowered(cursor: Cursor, units: Sequence[int], since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    """Movements out of real places but for goods that were shipped: (occurred, recorded, quantity, cause, reason). Index: movement_unit."""
    cursor.execute(
        """
        SELECT move.occurred_at, move.recorded_at, move.quantity, move.cause, move.reason
        FROM stock_movement AS move
        JOIN stock_location AS origin ON origin.id = move.from_location_id
        JOIN stock_location AS target ON target.id = move.to_location_id
        WHERE move.stock_unit_id = ANY(%s::bigint[]) AND move.recorded_at BETWEEN %s AND %s
            AND origin.owner <> 'virtual' AND move.cause <> 'ship'
            AND (target.owner = 'virtual' OR move.cause = 'transfer')
        ORDER BY move.recorded_at, move.id
        """,
        [array(units), since, until],
    )
    return rows(cursor)


def entered_later(cursor: Cursor, units: Sequence[int], sold_at: datetime, until: datetime) -> bool:
    """Whether it was entered after ``until`` that more of units had been there by ``sold_at``; or between the two, and lines that waited
    were served with it. Indexes: movement_unit, reservation_event_unit."""
    cursor.execute(
        """
        SELECT EXISTS (
            SELECT FROM stock_movement AS move
            JOIN stock_location AS origin ON origin.id = move.from_location_id
            JOIN stock_location AS target ON target.id = move.to_location_id
            WHERE move.stock_unit_id = ANY(%(units)s::bigint[]) AND move.recorded_at > %(sold_at)s AND move.occurred_at <= %(sold_at)s
                AND origin.owner = 'virtual' AND target.owner <> 'virtual'
                AND (move.recorded_at > %(until)s OR EXISTS (
                    SELECT FROM stock_reservation_event AS event
                    JOIN orders_orderline AS line ON line.id = event.owner_id
                    JOIN orders_order AS o ON o.id = line.order_id
                    WHERE event.stock_unit_id = move.stock_unit_id AND event.owner_type = 'line' AND event.after > event.before
                        AND event.at BETWEEN move.recorded_at AND %(until)s AND o.imported_at < move.recorded_at))
        )
        """,
        {"units": array(units), "sold_at": sold_at, "until": until},
    )
    return bool(rows(cursor)[0][0])


class ShippedRow(NamedTuple):
    """Sold units of an offer that we shipped. ``told_at``: when the channel may have heard of it first; None if not yet."""

    number: str
    units: int
    shipped_at: datetime
    told_at: datetime | None


def shipped(cursor: Cursor, offer: int, since: datetime, until: datetime) -> list[ShippedRow]:
    """Shipments of ours, entered in a stretch of time, by time. Indexes: that of the line's offer, command_subject.

    Only of the latest attempt to tell the channel is the time known; where there were several, an earlier one may have taken effect.
    """
    cursor.execute(
        """
        SELECT o.number, (told ->> 'quantity')::int, command.created_at,
               CASE WHEN command.attempts > 1 THEN command.created_at ELSE command.sent_at END
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        JOIN channels_command AS command ON command.subject_type = 'order' AND command.subject_id = o.id AND command.kind = 'ship'
        CROSS JOIN LATERAL jsonb_array_elements(command.payload -> 'lines') AS told
        WHERE line.offer_id = %s AND told ->> 'line_id' = line.line_id AND command.created_at BETWEEN %s AND %s
        ORDER BY command.created_at, command.id, line.id
        """,
        [offer, since, until],
    )
    return [ShippedRow(*row) for row in rows(cursor)]


def no_longer_open(cursor: Cursor, offer: int, since: datetime, until: datetime) -> int:
    """Sold units of an offer that left or were cancelled in a stretch of time, where figures contain such. Index: open_event_offer."""
    cursor.execute(
        "SELECT coalesce(sum(-open), 0)::int FROM channels_openevent WHERE offer_id = %s AND at BETWEEN %s AND %s AND open < 0",
        [offer, since, until],
    )
    return int(rows(cursor)[0][0])


def out_of_order(cursor: Cursor, units: Sequence[int], since: datetime, until: datetime) -> timedelta:
    """The longest step back in a stretch of time, from what was promised of a unit at a place to what was promised after that.

    Such rows are written one after the other, under a lock. 0 if their times are in order. Index: reservation_event_unit.
    """
    cursor.execute(
        """
        SELECT coalesce(max(latest - at), interval '0') FROM (
            SELECT at, max(at) OVER (PARTITION BY stock_unit_id, location_id ORDER BY id) AS latest
            FROM stock_reservation_event WHERE stock_unit_id = ANY(%s::bigint[]) AND at BETWEEN %s AND %s) AS told
        """,
        [array(units), since, until],
    )
    step: timedelta = rows(cursor)[0][0]
    return step


def drifts(cursor: Cursor, offer: int, since: datetime, until: datetime) -> list[tuple[datetime, int | None, int | None, str]]:
    """Reads of an offer that differed from what we believed: (at, believed, observed, verdict). Index: that of the drift's offer."""
    cursor.execute(
        """
        SELECT at, believed::int, observed::int, verdict FROM channels_drift
        WHERE offer_id = %s AND kind = 'quantity' AND at BETWEEN %s AND %s ORDER BY at, id
        """,
        [offer, since, until],
    )
    return rows(cursor)


def waits_since(cursor: Cursor, offer: int) -> datetime | None:
    """Since when the offer waits to be sent now; None if it does not. Index: primary key of the todo list."""
    cursor.execute("SELECT since FROM channels_offertodo WHERE offer_id = %s AND kind = 'quantity'", [offer])
    found = rows(cursor)
    return found[0][0] if found else None


def switched(cursor: Cursor, organisation: int, since: datetime, until: datetime) -> bool:
    """Whether a switch of sending was turned in a stretch of time. Index: audit_subject."""
    cursor.execute(
        """
        SELECT EXISTS (
            SELECT FROM core_auditentry
            WHERE organisation_id = %s AND subject_type IN ('organisation', 'connection', 'channel') AND at BETWEEN %s AND %s
                AND action IN ('company.switch', 'connection.switch', 'channel.switch', 'channel.stop', 'channel.release'))
        """,
        [organisation, since, until],
    )
    return bool(rows(cursor)[0][0])
