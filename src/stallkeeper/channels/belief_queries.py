"""SQL of belief: what the channel's own sales do to it, and what reading the channel says. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from stallkeeper.channels.delivery_queries import NO_SUCH_OFFER, PRICE, QUANTITY, Figures, Value
from stallkeeper.core.copy import array, moments
from stallkeeper.core.sql import Answer, Cursor, ask, rows


class Belief(NamedTuple):
    """What we believe of an offer's quantity, and the moments that belief rests on."""

    offer_id: int
    believed: int | None
    written_at: datetime | None
    read_at: datetime | None
    in_ticket: bool
    missing: int = 0
    """Units that are gone there and that no order has explained."""
    read_told: bool = True
    """The last read told a figure: what it leaves out may have been there or not."""


BELIEFS = """
    SELECT offer.id, offer.believed_qty, greatest(offer.sent_at, offer.accepted_at), offer.observed_at,
           EXISTS (SELECT FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
                   WHERE item.offer_id = offer.id AND NOT item.resolved AND ticket.kind = 'quantity' AND ticket.closed_at IS NULL),
           offer.missing_qty, offer.observed_qty IS NOT NULL
    FROM channels_offer AS offer WHERE offer.id = ANY(%s::bigint[]) ORDER BY offer.id
"""


def lock_beliefs(cursor: Cursor, offers: Sequence[int]) -> list[Belief]:
    """Beliefs of offers. Locks: the offers, by id. Index: primary key."""
    cursor.execute(f"{BELIEFS} FOR NO KEY UPDATE", [array(offers)])
    return [Belief(*row) for row in rows(cursor)]


def ask_beliefs(offers: Sequence[int]) -> Answer[Belief]:
    """Beliefs of offers that are locked already, by an earlier statement. Index: primary key."""
    return ask(BELIEFS, [array(offers)], Belief._make)


def write_beliefs(cursor: Cursor, beliefs: Sequence[tuple[int, int | None]], overtaken: Sequence[int]) -> None:
    """Store beliefs, and mark the open ticket items of ``overtaken`` offers: what they show when the ticket resolves must be read.

    Locks: the offers (held already), ticket items.
    """
    cursor.execute(
        """
        WITH doubted AS (
            UPDATE channels_ticketitem AS item SET overtaken = true
            FROM channels_ticket AS ticket
            WHERE ticket.id = item.ticket_id AND ticket.kind = 'quantity' AND ticket.closed_at IS NULL AND NOT item.resolved
                AND item.offer_id = ANY(%s)
        )
        UPDATE channels_offer AS offer
        SET believed_qty = row.believed,
            most_qty = CASE WHEN row.believed IS NULL THEN coalesce(offer.believed_qty, offer.most_qty) ELSE offer.most_qty END
        FROM unnest(%s::bigint[], %s::int[]) AS row(offer, believed) WHERE offer.id = row.offer
        """,
        [list(overtaken), [offer for offer, _ in beliefs], [believed for _, believed in beliefs]],
    )


# --- reading ------------------------------------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What we knew of an offer when a read began."""

    offer_id: int
    channel_id: int
    sku: str
    external_id: str
    believed: int | None
    sent_at: datetime | None
    price_believed: Decimal | None
    price_sent_at: datetime | None
    currency: str
    """Of the price; "" where the offer has none."""


KNOWN = """
    SELECT offer.id, offer.channel_id, offer.sku, offer.external_id, offer.believed_qty, offer.sent_at, price.believed, price.sent_at,
           coalesce(price.currency, '')
    FROM channels_offer AS offer LEFT JOIN channels_offerprice AS price ON price.offer_id = offer.id
"""


HEAD = 1_000
"""So many offers at the head of the line are looked through in every run."""


def unknown(cursor: Cursor, channel: int, limit: int, *, head_only: bool, read_since: datetime | None = None) -> list[Known]:
    """Offers that wait to be sent and must be read first, most urgent first, each once. Index: offer_todo_next.

    ``head_only``: of the first HEAD in the line of each kind; otherwise everything that waits is looked through. ``read_since``: quantities
    that were read before that moment must be read again, because sending them would wipe out what they tell.
    """
    cursor.execute(
        f"""
        WITH chosen AS MATERIALIZED (
            SELECT DISTINCT ON (offer_id) * FROM ({_unread(QUANTITY)} UNION ALL {_unread(PRICE)}) AS waiting
            ORDER BY offer_id, kind DESC)
        {KNOWN}
        JOIN chosen ON chosen.offer_id = offer.id
        ORDER BY chosen.kind DESC, chosen.danger DESC, chosen.version, offer.id
        LIMIT %(limit)s
        """,  # noqa: S608 - constants of this module
        {"channel": channel, "limit": limit, "head": HEAD if head_only else None, "read_since": read_since},
    )
    return [Known(*row) for row in rows(cursor)]


def is_long(cursor: Cursor, channel: int) -> bool:
    """Whether more offers wait than HEAD. Index: offer_todo_next."""
    cursor.execute(
        "SELECT count(*) > %s FROM (SELECT FROM channels_offertodo WHERE channel_id = %s LIMIT %s) AS counted", [HEAD, channel, HEAD + 1]
    )
    return bool(rows(cursor)[0][0])


def _unread(figures: Figures) -> str:
    """The first offers in the line of a kind of which nobody knows what the channel shows, and that can be read: not those in a ticket."""
    end = figures.end
    return f"""
        (SELECT todo.offer_id, todo.kind, todo.danger, todo.version
         FROM (SELECT offer_id, kind, danger, version FROM channels_offertodo WHERE channel_id = %(channel)s AND kind = '{figures.kind}'
               ORDER BY danger DESC, version, offer_id LIMIT %(head)s) AS todo
         JOIN {figures.table} AS figure ON figure.{figures.key} = todo.offer_id
         WHERE (figure.believed{end} IS NULL
                AND (figure.observed{end} IS NOT NULL OR figure.observed_at IS NULL OR figure.observed_at < figure.sent_at)
                {"OR figure.observed_at < %(read_since)s OR figure.observed_at IS NULL" if figures is QUANTITY else ""})
            AND NOT EXISTS (SELECT FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
                            WHERE item.offer_id = todo.offer_id AND NOT item.resolved AND ticket.closed_at IS NULL
                                AND ticket.kind = todo.kind)
         ORDER BY todo.danger DESC, todo.version, todo.offer_id LIMIT %(limit)s)"""  # noqa: S608 - constants of this module


def unconfirmed(cursor: Cursor, channels: Sequence[int], accepted_before: datetime, limit: int) -> list[Known]:
    """Offers whose last accepted value nobody has seen on the channel since, oldest first. Reads the channels' offers."""
    cursor.execute(
        f"""
        {KNOWN}
        WHERE offer.channel_id = ANY(%s) AND offer.accepted_at < %s AND offer.believed_qty IS NOT NULL
            AND (offer.observed_at IS NULL OR offer.observed_at < offer.accepted_at)
        ORDER BY offer.accepted_at, offer.id LIMIT %s
        """,
        [list(channels), accepted_before, limit],
    )
    return [Known(*row) for row in rows(cursor)]


def next_offers(cursor: Cursor, channels: Sequence[int], after: int, limit: int) -> list[Known]:
    """The next offers of the channels by id, for the rotation. Index: primary key."""
    cursor.execute(
        f"{KNOWN} WHERE offer.channel_id = ANY(%s) AND offer.id > %s ORDER BY offer.id LIMIT %s",
        [list(channels), after, limit],
    )
    return [Known(*row) for row in rows(cursor)]


def known(cursor: Cursor, offers: Sequence[int]) -> list[Known]:
    """What we know of these offers now. Index: primary key."""
    cursor.execute(f"{KNOWN} WHERE offer.id = ANY(%s) ORDER BY offer.id", [list(offers)])
    return [Known(*row) for row in rows(cursor)]


def listed(cursor: Cursor, channel: int, skus: Sequence[str], quiet_since: datetime) -> list[Known]:
    """Offers by the channel's SKU whose price is believed and was last touched before ``quiet_since``. Index: offer_sku_once."""
    cursor.execute(
        f"""
        {KNOWN}
        WHERE offer.channel_id = %s AND offer.sku = ANY(%s) AND price.believed IS NOT NULL
            AND coalesce(greatest(price.sent_at, price.accepted_at), '-infinity') < %s
            AND NOT EXISTS (SELECT FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
                            WHERE item.offer_id = offer.id AND NOT item.resolved AND ticket.closed_at IS NULL AND ticket.kind = 'price')
        ORDER BY offer.id
        """,
        [channel, list(skus), quiet_since],
    )
    return [Known(*row) for row in rows(cursor)]


class Shown(NamedTuple):
    """An offer's figures after a read was written down: what we believed when it began, and what may have happened."""

    offer_id: int
    sku: str
    believed_before: Value | None
    observed: Value | None
    intended: Value | None
    accepted_at: datetime | None
    confirmed: bool
    """The last accepted value had been seen on the channel before this read."""
    seen_before: Value | None
    """What the last read before this one showed."""
    replaced: bool
    """The read became what we believe."""


ReadRow = tuple[int, Value | None, int | None, Value | None, datetime | None]
"""offer, what was read, their reserve, what was believed and the last send when the read began"""


SINCE = """CASE WHEN figure.observed_qty = row.value AND (figure.accepted_at IS NULL OR figure.observed_at >= figure.accepted_at)
                THEN coalesce(figure.observed_since, figure.observed_at) ELSE %(at)s END"""
"""When a quantity was read first: looking again tells nothing new, but for what was accepted in between."""


UNEXPLAINED_FOR = timedelta(minutes=30)
"""For so long, units that are gone from a channel's figure are taken to be sold although no order tells of them."""
UNEXPLAINED = """,
                   CASE WHEN figure.believed_qty IS NULL AND figure.missing_qty < 0 THEN figure.missing_qty
                        WHEN figure.missing_since > %(unexplained_since)s THEN greatest(figure.missing_qty, 0) ELSE 0 END AS missing,
                   coalesce(figure.believed_qty, figure.most_qty, given.value) - given.value AS gone"""
MISSING = """missing_qty = CASE WHEN row.replaces THEN greatest(row.missing + row.gone, 0) ELSE figure.missing_qty END,
            missing_since = CASE WHEN row.replaces AND row.gone > 0 THEN %(at)s ELSE figure.missing_since END,"""
"""Units that a quantity fell by are missing until orders tell of them; a figure that rises has them again."""


NOT_OUTDATED = "(figure.believed{end} IS NULL OR figure.observed_at IS NULL OR figure.observed_at <= %(at)s)"
"""A read is not older than the one that belief rests on. Where nothing is believed, any read is better than none: clocks may differ."""


def write_reads(cursor: Cursor, figures: Figures, read: Sequence[ReadRow], at: datetime) -> list[Shown]:
    """Store what was read at ``at``. Belief follows, unless something was sent, sold or read after this read began. A read from before the
    one that belief rests on changes nothing, and is not returned: what it showed is contained in that.

    Where orders moved the belief meanwhile to another figure than was read, nobody can tell which of them the read contains: it is unknown.
    Kept, it would count as what this read showed, and sales from before that as part of it.

    Locks: the rows (held already).
    """
    end = figures.end
    reserved = f"observed_reserved = row.reserved, observed_since = {SINCE}, {MISSING}" if figures is QUANTITY else ""
    offers, values, reserves, believed, sent_at = (list(column) for column in zip(*read, strict=True))
    cursor.execute(
        f"""
        WITH row AS (
            SELECT given.*, coalesce(figure.observed_at >= figure.accepted_at AND figure.observed{end} = figure.accepted{end}, false)
                       AS confirmed, figure.observed{end} AS seen_before,
                   given.value IS NOT NULL AND figure.believed{end} IS NOT DISTINCT FROM given.believed
                       AND figure.sent_at IS NOT DISTINCT FROM given.sent_at
                       AND coalesce(figure.observed_at <= %(at)s, true) AS replaces,
                   given.value <> figure.believed{end} AND figure.believed{end} IS DISTINCT FROM given.believed
                       AND coalesce(greatest(figure.sent_at, figure.accepted_at, figure.observed_at) < %(at)s, true)
                       AS unclear{UNEXPLAINED if figures is QUANTITY else ""}
            FROM unnest(%(offers)s::bigint[], %(values)s::{figures.type}[], %(reserves)s::int[], %(believed)s::{figures.type}[],
                        %(sent_at)s::timestamptz[]) AS given(offer, value, reserved, believed, sent_at)
            JOIN {figures.table} AS figure ON figure.{figures.key} = given.offer
            WHERE {NOT_OUTDATED.format(end=end)}
        )
        UPDATE {figures.table} AS figure
        SET observed{end} = row.value, {reserved} observed_at = %(at)s,
            believed{end} = CASE WHEN row.replaces THEN row.value WHEN row.unclear THEN NULL ELSE figure.believed{end} END
        FROM row, channels_offer AS offer
        WHERE figure.{figures.key} = row.offer AND offer.id = row.offer
        RETURNING row.offer, offer.sku, row.believed, row.value, figure.intended{end}, figure.accepted_at, row.confirmed,
            row.seen_before, row.replaces
        """,  # noqa: S608
        {
            "at": at,
            "offers": offers,
            "values": values,
            "reserves": reserves,
            "believed": believed,
            "sent_at": sent_at,
            "unexplained_since": at - UNEXPLAINED_FOR,
        },
    )
    return sorted(Shown(*row) for row in rows(cursor))


def write_absent(cursor: Cursor, absent: Sequence[tuple[int, datetime | None]], at: datetime) -> list[tuple[int, bool]]:
    """The channel has said, to a read at ``at``, that it has no such offers: (offer, last send when the read began). Belief is unknown and
    they show none, unless something was sent meanwhile; what they showed before counts as missing. Returns them (offer, whether that was
    known already) without those that a later read has found. Locks: the offers (held already). Index: primary key.
    """
    offers, sent_at = [offer for offer, _ in absent], [moment for _, moment in absent]
    cursor.execute(
        f"""
        WITH found AS (
            SELECT figure.id, figure.sent_at IS NOT DISTINCT FROM given.sent_at AS none,
                   CASE WHEN figure.believed_qty IS NULL AND figure.missing_qty < 0 THEN figure.missing_qty
                        WHEN figure.missing_since > %(unexplained_since)s THEN greatest(figure.missing_qty, 0) ELSE 0 END AS missing,
                   coalesce(figure.believed_qty, figure.most_qty, 0) AS gone,
                   figure.refused_at IS NOT NULL AND figure.refused_code = '{NO_SUCH_OFFER}' AS known
            FROM unnest(%(offers)s::bigint[], %(sent_at)s::timestamptz[]) AS given(offer, sent_at)
            JOIN channels_offer AS figure ON figure.id = given.offer
            WHERE {NOT_OUTDATED.format(end="_qty")}
        )
        UPDATE channels_offer AS figure
        SET believed_qty = CASE WHEN none THEN NULL ELSE figure.believed_qty END,
            most_qty = CASE WHEN none THEN 0 ELSE figure.most_qty END,
            missing_qty = CASE WHEN none THEN greatest(found.missing + found.gone, 0) ELSE figure.missing_qty END,
            missing_since = CASE WHEN none AND found.gone > 0 THEN %(at)s ELSE figure.missing_since END
        FROM found WHERE figure.id = found.id
        RETURNING figure.id, found.known
        """,  # noqa: S608 - constants of this module
        {"at": at, "offers": array(offers), "sent_at": moments(sent_at), "unexplained_since": at - UNEXPLAINED_FOR},
    )
    return sorted(rows(cursor))


def log_lost_sends(cursor: Cursor, figures: Figures, offers: Sequence[int]) -> None:
    """Append sends whose worker died before it could write down what came of them. Index: sent_log_offer."""
    cursor.execute(
        f"""
        INSERT INTO channels_sent_log (organisation_id, at, offer_id, kind, value, outcome, detail, run_id, sent_at)
        SELECT figure.organisation_id, figure.sent_at, figure.{figures.key}, %s, figure.sent{figures.end}, 'unknown',
            'the worker was lost during the call', 0, figure.sent_at
        FROM {figures.table} AS figure
        WHERE figure.{figures.key} = ANY(%s) AND figure.believed{figures.end} IS NULL AND figure.sent_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM channels_sent_log AS log WHERE log.offer_id = figure.{figures.key} AND log.at >= figure.sent_at
                            AND log.kind = %s)
        ORDER BY figure.{figures.key}
        """,  # noqa: S608
        [figures.kind, list(offers), figures.kind],
    )


def intended_of(cursor: Cursor, figures: Figures, offers: Sequence[int]) -> list[tuple[int, Value | None]]:
    """What the offers should show: (offer, intended). Index: primary key."""
    cursor.execute(
        f"SELECT {figures.key}, intended{figures.end} FROM {figures.table} WHERE {figures.key} = ANY(%s) ORDER BY 1",  # noqa: S608
        [list(offers)],
    )
    return rows(cursor)
