"""What waits for a person, put together by its cause. Every statement reads at most MOST rows of a kind, by a partial index.

A cause is what a channel said, without what is different each time: its code, and its words in which the SKU and every word with a digit
are replaced. ``part`` is a short digest of it.
"""

from __future__ import annotations

from datetime import datetime

from stallkeeper.core.sql import Cursor, rows

MOST = 5_000
"""So many rows of a kind (of refused offers: of a channel) are put together. Where there are more, the board says "at least" of each of
their groups: which group those belong to that nobody looked at is not known. The column "at least" of the statements tells it."""
TOP = 200
"""Groups of a kind of ``CUT``; the largest come first. Of the other kinds all are read."""
CUT = frozenset({"refused", "commands", "parked", "unmapped", "shortages", "drift"})
CAUSE = r"left(md5({code} || ' ' || regexp_replace({words}, '\S*[0-9]\S*', '#', 'g')), 12)"
OFFER_CAUSE = CAUSE.format(code="o.refused_code", words="replace(o.refused_message, o.sku, '#')")
PRICE_CAUSE = CAUSE.format(code="p.refused_code", words="replace(p.refused_message, o.sku, '#')")
COMMAND_CAUSE = CAUSE.format(code="c.code", words="c.message")
PARKED_CAUSE = CAUSE.format(code="''", words="p.reason")


def refused(cursor: Cursor, organisation_id: int) -> list[tuple[int, str, str, str, str, str, int, datetime, bool]]:
    """(channel, kind, part, code, words, an SKU, offers, the oldest, at least) of refused values. Quantities are read channel by channel,
    prices of all channels together. Indexes offer_refused, offer_price_refused; no locks."""
    cursor.execute(
        f"""
        SELECT channel_id, kind, part, min(code), min(words), min(sku), count(*), min(at),
               sum(count(*)) OVER (PARTITION BY kind, CASE kind WHEN 'quantity' THEN channel_id END) >= %(most)s
        FROM (
            SELECT o.channel_id, 'quantity' AS kind, {OFFER_CAUSE} AS part, o.refused_code AS code, o.refused_message AS words, o.sku,
                   o.refused_at AS at
            FROM channels_channel AS channel
            CROSS JOIN LATERAL (
                SELECT * FROM channels_offer WHERE channel_id = channel.id AND refused_at IS NOT NULL LIMIT %(most)s
            ) AS o
            WHERE channel.organisation_id = %(organisation)s
            UNION ALL
            SELECT o.channel_id, 'price', {PRICE_CAUSE}, p.refused_code, p.refused_message, o.sku, p.refused_at
            FROM (
                SELECT * FROM channels_offerprice WHERE organisation_id = %(organisation)s AND refused_at IS NOT NULL LIMIT %(most)s
            ) AS p
            JOIN channels_offer AS o ON o.id = p.offer_id
        ) AS found
        GROUP BY channel_id, kind, part ORDER BY count(*) DESC, channel_id, kind, part LIMIT %(top)s
        """,  # noqa: S608
        {"organisation": organisation_id, "most": MOST, "top": TOP},
    )
    return rows(cursor)


def refused_offers(cursor: Cursor, channel_id: int, kind: str, part: str, most: int) -> list[int]:
    """Offers of the channel whose value was refused for this cause, the newest first. The same indexes; no locks."""
    if kind == "quantity":
        cursor.execute(
            f"SELECT o.id FROM channels_offer AS o WHERE o.channel_id = %s AND o.refused_at IS NOT NULL AND {OFFER_CAUSE} = %s"  # noqa: S608
            " ORDER BY o.refused_at DESC, o.id LIMIT %s",
            [channel_id, part, most],
        )
    else:
        cursor.execute(
            "SELECT o.id FROM channels_offerprice AS p JOIN channels_offer AS o ON o.id = p.offer_id"  # noqa: S608
            f" WHERE o.channel_id = %s AND p.refused_at IS NOT NULL AND {PRICE_CAUSE} = %s ORDER BY p.refused_at DESC, o.id LIMIT %s",
            [channel_id, part, most],
        )
    return [row[0] for row in rows(cursor)]


FAILED = """c.organisation_id = %(organisation)s AND c.state IN ('refused', 'dead') AND c.ended_at >= %(since)s
            AND NOT (c.kind = 'acknowledge' AND (c.code = 'cancelled' OR EXISTS (
                SELECT 1 FROM orders_order AS o WHERE o.id = c.subject_id AND (o.acknowledged_at IS NOT NULL OR o.state = 'cancelled'))))"""
"""An acknowledgement no longer matters once its order has moved on: ``fulfilment.again.unsaid`` says the same."""


def commands(cursor: Cursor, organisation_id: int, since: datetime) -> list[tuple[int, str, str, str, str, int, datetime, bool]]:
    """(account, kind, part, code, words, commands, the oldest, at least) that a channel refused, or that gave up. Index command_failed; no
    locks."""
    cursor.execute(
        f"""
        SELECT connection_id, kind, part, min(code), min(message), count(*), min(ended_at),
               sum(count(*)) OVER () >= %(most)s
        FROM (
            SELECT c.connection_id, c.kind, {COMMAND_CAUSE} AS part, c.code, c.message, c.ended_at FROM channels_command AS c
            WHERE {FAILED} ORDER BY c.ended_at DESC LIMIT %(most)s
        ) AS found
        GROUP BY connection_id, kind, part ORDER BY count(*) DESC, connection_id, kind, part LIMIT %(top)s
        """,  # noqa: S608
        {"organisation": organisation_id, "since": since, "most": MOST, "top": TOP},
    )
    return rows(cursor)


def failed_commands(cursor: Cursor, organisation_id: int, since: datetime, of: tuple[int, str, str], most: int) -> list[int]:
    """The commands of one group (account, kind, part), the newest first. Index command_failed; no locks."""
    cursor.execute(
        f"SELECT c.id FROM channels_command AS c WHERE {FAILED} AND c.connection_id = %(account)s AND c.kind = %(kind)s"  # noqa: S608
        f" AND {COMMAND_CAUSE} = %(part)s ORDER BY c.ended_at DESC, c.id LIMIT %(most)s",
        {"organisation": organisation_id, "since": since, "account": of[0], "kind": of[1], "part": of[2], "most": most},
    )
    return [row[0] for row in rows(cursor)]


def parked(cursor: Cursor, organisation_id: int) -> list[tuple[int, str, str, str, int, datetime, bool]]:
    """(account, kind, part, reason, objects, the oldest, at least) that could not be understood. Index parked_open; no locks."""
    cursor.execute(
        f"""
        SELECT connection_id, kind, part, min(reason), count(*), min(first_seen_at), sum(count(*)) OVER () >= %(most)s
        FROM (
            SELECT p.connection_id, p.kind, {PARKED_CAUSE} AS part, p.reason, p.first_seen_at FROM channels_parked AS p
            WHERE p.organisation_id = %(organisation)s AND p.resolved_at IS NULL LIMIT %(most)s
        ) AS found
        GROUP BY connection_id, kind, part ORDER BY count(*) DESC, connection_id, kind, part LIMIT %(top)s
        """,  # noqa: S608
        {"organisation": organisation_id, "most": MOST, "top": TOP},
    )
    return rows(cursor)


def parked_objects(cursor: Cursor, of: tuple[int, str, str], most: int) -> list[int]:
    """The objects of one group (account, kind, part), the newest first. Index parked_once; no locks."""
    cursor.execute(
        "SELECT p.id FROM channels_parked AS p WHERE p.connection_id = %s AND p.kind = %s AND p.resolved_at IS NULL"  # noqa: S608
        f" AND {PARKED_CAUSE} = %s ORDER BY p.last_seen_at DESC, p.id LIMIT %s",
        [*of, most],
    )
    return [row[0] for row in rows(cursor)]


def unmapped(cursor: Cursor, organisation_id: int) -> list[tuple[int, str, int, datetime, int, int, bool]]:
    """(channel, SKU, lines, the oldest, one of the lines, its order, at least) that no stock unit belongs to. Index order_line_unmapped; no
    locks."""
    cursor.execute(
        """
        SELECT o.channel_id, line.sku, count(*), min(o.ordered_at), min(line.id), (array_agg(o.id ORDER BY line.id))[1],
               sum(count(*)) OVER () >= %(most)s
        FROM (
            SELECT id, sku, order_id FROM orders_orderline
            WHERE organisation_id = %(organisation)s AND stock_unit_id IS NULL AND ordered > cancelled + shipped LIMIT %(most)s
        ) AS line
        JOIN orders_order AS o ON o.id = line.order_id
        GROUP BY o.channel_id, line.sku ORDER BY count(*) DESC, o.channel_id, line.sku LIMIT %(top)s
        """,
        {"organisation": organisation_id, "most": MOST, "top": TOP},
    )
    return rows(cursor)


def shortages(cursor: Cursor, organisation_id: int) -> list[tuple[int, str, int, int, datetime, bool]]:
    """(channel, verdict, lines, units, the oldest, at least) that are short. Index shortage_open; no locks."""
    cursor.execute(
        """
        SELECT o.channel_id, short.verdict, count(*), sum(short.quantity)::int, min(short.detected_at),
               sum(count(*)) OVER () >= %(most)s
        FROM (
            SELECT * FROM orders_shortage WHERE organisation_id = %(organisation)s AND resolved_at IS NULL LIMIT %(most)s
        ) AS short
        JOIN orders_orderline AS line ON line.id = short.line_id JOIN orders_order AS o ON o.id = line.order_id
        GROUP BY o.channel_id, short.verdict ORDER BY count(*) DESC, o.channel_id, short.verdict LIMIT %(top)s
        """,
        {"organisation": organisation_id, "most": MOST, "top": TOP},
    )
    return rows(cursor)


def drift(cursor: Cursor, organisation_id: int) -> list[tuple[int, str, str, int, datetime, str, bool]]:
    """(channel, kind, verdict, differences, the oldest, an SKU, at least). Index drift_open; no locks."""
    cursor.execute(
        """
        SELECT o.channel_id, seen.kind, seen.verdict, count(*), min(seen.at), min(o.sku), sum(count(*)) OVER () >= %(most)s
        FROM (SELECT * FROM channels_drift WHERE organisation_id = %(organisation)s AND resolved_at IS NULL LIMIT %(most)s) AS seen
        JOIN channels_offer AS o ON o.id = seen.offer_id
        GROUP BY o.channel_id, seen.kind, seen.verdict ORDER BY count(*) DESC, o.channel_id, seen.kind, seen.verdict LIMIT %(top)s
        """,
        {"organisation": organisation_id, "most": MOST, "top": TOP},
    )
    return rows(cursor)


def ambiguous(cursor: Cursor, organisation_id: int) -> list[tuple[int, int]]:
    """(channel, listings that several products fit). Index remote_listing_state; no locks."""
    cursor.execute(
        """
        SELECT channel.id, found.count FROM channels_channel AS channel
        CROSS JOIN LATERAL (
            SELECT count(*) FROM (
                SELECT FROM channels_remotelisting WHERE channel_id = channel.id AND state = 'ambiguous' LIMIT %s
            ) AS one
        ) AS found
        WHERE channel.organisation_id = %s AND found.count > 0 ORDER BY found.count DESC, channel.id
        """,
        [MOST, organisation_id],
    )
    return rows(cursor)


def owed(cursor: Cursor, organisation_id: int, due_before: datetime, ordered_since: datetime) -> list[tuple[int, int, datetime, str]]:
    """(channel, orders to acknowledge, the first deadline, a number). Index order_recent; no locks."""
    cursor.execute(
        """
        SELECT channel_id, count(*), min(acknowledge_by), (array_agg(number ORDER BY acknowledge_by))[1] FROM orders_order
        WHERE organisation_id = %s AND ordered_at >= %s AND state = 'new' AND fulfilled_by = 'seller' AND acknowledged_at IS NULL
          AND acknowledge_by < %s
        GROUP BY channel_id ORDER BY min(acknowledge_by), channel_id
        """,
        [organisation_id, ordered_since, due_before],
    )
    return rows(cursor)
