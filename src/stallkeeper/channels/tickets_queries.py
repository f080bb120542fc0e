"""SQL of tickets: bulk submissions whose result comes later. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from stallkeeper.channels.delivery_queries import Figures, Value
from stallkeeper.core.copy import array, plain
from stallkeeper.core.sql import Cursor, rows


def insert_items(
    cursor: Cursor, organisation: int, ticket: int, offers: Sequence[int], values: Sequence[Value], versions: Sequence[int]
) -> None:
    """Put offers into a ticket. Locks: the new rows. Index: ticket_item_once."""
    cursor.execute(
        """
        INSERT INTO channels_ticketitem (organisation_id, ticket_id, offer_id, value, version, overtaken, resolved)
        SELECT %s, %s, row.offer, row.value, row.version, false, false
        FROM unnest(%s::bigint[], %s::numeric[], %s::bigint[]) AS row(offer, value, version) ORDER BY row.offer
        """,
        [organisation, ticket, array(offers), plain(values), array(versions)],
    )


class OpenItem(NamedTuple):
    """An undecided item of a ticket."""

    offer_id: int
    sku: str
    external_id: str
    value: Decimal
    overtaken: bool
    read_since: bool = False
    """The channel was read after it was submitted, and showed another value: before it was applied, or after something else came."""


def open_items(cursor: Cursor, figures: Figures, ticket: int) -> list[OpenItem]:
    """Undecided items of a ticket, by offer. Index: ticket_item_once."""
    cursor.execute(
        f"""
        SELECT item.offer_id, offer.sku, offer.external_id, item.value, item.overtaken,
               coalesce(figure.observed_at > ticket.opened_at AND figure.observed{figures.end} <> item.value, false)
        FROM channels_ticketitem AS item JOIN channels_offer AS offer ON offer.id = item.offer_id
        JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
        JOIN {figures.table} AS figure ON figure.{figures.key} = item.offer_id
        WHERE item.ticket_id = %s AND NOT item.resolved ORDER BY item.offer_id
        """,  # noqa: S608 - constants
        [ticket],
    )
    return [OpenItem(*row) for row in rows(cursor)]


def resolve_items(cursor: Cursor, ticket: int, offers: Sequence[int]) -> None:
    """These items are decided. Locks: the items. Index: ticket_item_once."""
    cursor.execute(
        "UPDATE channels_ticketitem SET resolved = true WHERE ticket_id = %s AND offer_id = ANY(%s::bigint[]) AND NOT resolved",
        [ticket, array(offers)],
    )


def move_items(cursor: Cursor, ticket: int, to: int, offers: Sequence[int]) -> None:
    """These items belong to another ticket: the channel split the submission. Locks: the items."""
    cursor.execute("UPDATE channels_ticketitem SET ticket_id = %s WHERE ticket_id = %s AND offer_id = ANY(%s)", [to, ticket, list(offers)])


def due(cursor: Cursor, connection: int, at: datetime) -> list[int]:
    """Open tickets of a connection to look at now, oldest look first. Index: ticket_open."""
    cursor.execute(
        """
        SELECT id FROM channels_ticket
        WHERE connection_id = %s AND closed_at IS NULL AND next_look_at <= %s ORDER BY next_look_at, id
        """,
        [connection, at],
    )
    return [row[0] for row in rows(cursor)]


def next_look(cursor: Cursor, connection: int) -> datetime | None:
    """When the next open ticket of a connection is due; None if there is none. Index: ticket_open."""
    cursor.execute("SELECT min(next_look_at) FROM channels_ticket WHERE connection_id = %s AND closed_at IS NULL", [connection])
    moment: datetime | None = rows(cursor)[0][0]
    return moment
