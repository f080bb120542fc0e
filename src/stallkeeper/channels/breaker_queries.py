"""SQL of the breaker: what the pending plan of a channel would do. One function per statement. Locks: none."""

from __future__ import annotations

from decimal import Decimal

from stallkeeper.core.sql import Cursor, rows

ZEROINGS = """
    FROM channels_offertodo AS todo JOIN channels_offer AS offer ON offer.id = todo.offer_id
    WHERE todo.channel_id = %s AND todo.kind = 'quantity' AND todo.danger > 0 AND offer.intended_qty = 0
        AND coalesce(offer.believed_qty, offer.observed_qty) > 0 AND NOT offer.stock_excluded
"""


def count_zeroings(cursor: Cursor, channel: int) -> int:
    """Offers that the channel shows and that are about to go to zero. Index: offer_todo_next."""
    cursor.execute(f"SELECT count(*) {ZEROINGS}", [channel])
    return int(rows(cursor)[0][0])


def zeroings(cursor: Cursor, channel: int) -> list[tuple[int, str]]:
    """The same, by name: (offer, sku)."""
    cursor.execute(f"SELECT offer.id, offer.sku {ZEROINGS} ORDER BY offer.id", [channel])
    return rows(cursor)


def jumps(cursor: Cursor, channel: int, times: int, at_least: int) -> list[tuple[int, str]]:
    """Offers that are about to show so many times as much, and at least so many units more: (offer, sku). Index: offer_todo_next."""
    cursor.execute(
        """
        SELECT offer.id, offer.sku
        FROM channels_offertodo AS todo JOIN channels_offer AS offer ON offer.id = todo.offer_id
        WHERE todo.channel_id = %(channel)s AND todo.kind = 'quantity' AND NOT offer.stock_excluded
            AND coalesce(offer.believed_qty, offer.observed_qty) > 0
            AND offer.intended_qty >= coalesce(offer.believed_qty, offer.observed_qty)::bigint * %(times)s
            AND offer.intended_qty - coalesce(offer.believed_qty, offer.observed_qty) >= %(at_least)s
        ORDER BY offer.id
        """,
        {"channel": channel, "times": times, "at_least": at_least},
    )
    return rows(cursor)


def count_live(cursor: Cursor, channel: int) -> int:
    """Offers of which the channel shows something. Reads the channel's offers."""
    cursor.execute(
        "SELECT count(*) FROM channels_offer WHERE channel_id = %s AND coalesce(believed_qty, observed_qty) > 0 AND NOT stock_excluded",
        [channel],
    )
    return int(rows(cursor)[0][0])


def deep_cuts(cursor: Cursor, channel: int, limit: Decimal) -> list[tuple[int, str]]:
    """Pending prices that would fall by more than ``limit`` per cent: (offer, sku). Index: offer_todo_next."""
    cursor.execute(
        """
        SELECT offer.id, offer.sku
        FROM channels_offertodo AS todo
        JOIN channels_offer AS offer ON offer.id = todo.offer_id JOIN channels_offerprice AS price ON price.offer_id = offer.id
        WHERE todo.channel_id = %s AND todo.kind = 'price' AND NOT offer.prices_excluded
            AND price.intended < coalesce(price.believed, price.observed) * (1 - %s::numeric / 100)
        ORDER BY offer.id
        """,
        [channel, limit],
    )
    return rows(cursor)
