"""SQL of send tasks: what became of the values that a person wanted sent. One function per statement. Locks: none."""

from __future__ import annotations

from stallkeeper.core.sql import Cursor, rows

# Of one value: accepted since the task was asked for, or believed to be shown as it should be, counts as accepted. A refusal of the very
# figure that should be shown counts as refused. Seen is an accepted one that a read since then has found.
WANTED = """
    SELECT part.channel_id, offer.sku, task.asked_at, offer.intended_qty::numeric AS intended, offer.sent_at, offer.accepted_at,
           offer.accepted_qty::numeric AS accepted, offer.believed_qty::numeric AS believed, offer.observed_qty::numeric AS observed,
           offer.observed_at, offer.refused_qty::numeric AS refused, offer.refused_code, offer.refused_message
    FROM channels_sendtaskpart AS part
    JOIN channels_sendtask AS task ON task.id = part.task_id
    CROSS JOIN unnest(part.quantities) AS item(offer)
    JOIN channels_offer AS offer ON offer.id = item.offer AND NOT offer.stock_excluded
    WHERE part.task_id = %(task)s
    UNION ALL
    SELECT part.channel_id, offer.sku, task.asked_at, price.intended, price.sent_at, price.accepted_at, price.accepted, price.believed,
           price.observed, price.observed_at, price.refused, price.refused_code, price.refused_message
    FROM channels_sendtaskpart AS part
    JOIN channels_sendtask AS task ON task.id = part.task_id
    CROSS JOIN unnest(part.prices) AS item(offer)
    JOIN channels_offer AS offer ON offer.id = item.offer AND NOT offer.prices_excluded
    JOIN channels_offerprice AS price ON price.offer_id = offer.id
    WHERE part.task_id = %(task)s
"""
JUDGED = f"""
    SELECT wanted.*, sent_at >= asked_at AS was_sent,
           coalesce(accepted_at >= asked_at, false) OR coalesce(intended = believed, intended IS NULL) AS was_accepted,
           coalesce(refused = intended, false) AS was_refused,
           coalesce(observed_at >= greatest(accepted_at, asked_at) AND observed IN (accepted, believed), false) AS was_seen
    FROM ({WANTED}) AS wanted
"""  # noqa: S608 - constants of this module


def progress(cursor: Cursor, task: int) -> list[tuple[int, int, int, int, int, int]]:
    """(channel, wanted, sent, accepted, seen since, refused) by channel. Index: primary keys."""
    cursor.execute(
        f"""
        SELECT channel_id, count(*), count(*) FILTER (WHERE was_sent), count(*) FILTER (WHERE was_accepted AND NOT was_refused),
               count(*) FILTER (WHERE was_accepted AND was_seen AND NOT was_refused), count(*) FILTER (WHERE was_refused)
        FROM ({JUDGED}) AS judged GROUP BY channel_id ORDER BY channel_id
        """,  # noqa: S608 - constants of this module
        {"task": task},
    )
    return rows(cursor)


def reasons(cursor: Cursor, task: int, most: int) -> list[tuple[int, str, int, str]]:
    """(channel, the channel's words, how many values, one SKU), the most frequent first."""
    cursor.execute(
        f"""
        SELECT channel_id, coalesce(nullif(refused_message, ''), refused_code), count(*), min(sku)
        FROM ({JUDGED}) AS judged WHERE was_refused
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(most)s
        """,  # noqa: S608 - constants of this module
        {"task": task, "most": most},
    )
    return rows(cursor)
