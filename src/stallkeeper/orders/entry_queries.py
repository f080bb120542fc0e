"""SQL of orders that come in: what is looked up first, and what is written of new ones. See ``queries`` for the lock order.

The functions that ``ask`` send their statement and return something to call for its rows, so that several are on their way at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from stallkeeper.channels.queries import CommandRow
from stallkeeper.core.copy import Encode, array, blobs, columns, moments, plain, texts
from stallkeeper.core.secret_queries import PersonalRow
from stallkeeper.core.sql import Answer, Cursor, ask
from stallkeeper.orders.queries import Known


def ask_known_orders(connection: int, external_ids: Sequence[str]) -> Answer[Known]:
    """Orders that are here already. Index: order_once."""
    return ask(
        """
        SELECT id, channel_id, external_id, state, digest, remote_modified_at, fetched_at FROM orders_order
        WHERE connection_id = %s AND external_id = ANY(%s::text[]) ORDER BY external_id
        """,
        [connection, texts(external_ids)],
        Known._make,
    )


class OfferFacts(NamedTuple):
    id: int
    channel_id: int
    sku: str
    external_id: str
    unit_id: int
    pack_factor: int
    stocked: bool
    component_id: int | None
    component_quantity: int | None


def ask_offers(connection: int, skus: Sequence[str], external_ids: Sequence[str]) -> Answer[OfferFacts]:
    """Offers of a connection's channels, inactive ones too, by SKU or by the channel's number, a row per kit part.

    ``stocked``: of the part, or of the unit that has none. Indexes: offer_sku_once, offer_external_id.

    Materialized: of tables that were filled a moment ago the server knows nothing, and would look the offers up again for each unit of the
    catalogue.
    """
    return ask(
        """
        WITH offer AS MATERIALIZED (
            SELECT offer.id, offer.channel_id, offer.sku, offer.external_id, offer.stock_unit_id, offer.pack_factor
            FROM channels_channel AS channel JOIN channels_offer AS offer ON offer.channel_id = channel.id
            WHERE channel.connection_id = %(connection)s AND offer.sku = ANY(%(skus)s::text[])
            UNION ALL
            SELECT offer.id, offer.channel_id, offer.sku, offer.external_id, offer.stock_unit_id, offer.pack_factor
            FROM channels_channel AS channel JOIN channels_offer AS offer ON offer.channel_id = channel.id
            WHERE channel.connection_id = %(connection)s AND offer.external_id <> ''
                AND offer.external_id = ANY(%(numbers)s::text[]) AND offer.sku <> ALL(%(skus)s::text[])
        )
        SELECT offer.id, offer.channel_id, offer.sku, offer.external_id, offer.stock_unit_id, offer.pack_factor,
               coalesce(component.stocked, unit.stocked), part.component_id, part.quantity
        FROM offer
        JOIN catalog_stockunit AS unit ON unit.id = offer.stock_unit_id
        LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = unit.id AND unit.kind = 'kit'
        LEFT JOIN catalog_stockunit AS component ON component.id = part.component_id
        ORDER BY offer.id, part.component_id
        """,
        {"connection": connection, "skus": texts(skus), "numbers": texts(external_ids)},
        OfferFacts._make,
    )


Moment = datetime | None
OrderRow = tuple[int, str, str, str, str, str, datetime, Moment, datetime, Moment, Moment, Moment, str, bytes, bool, int]
"""channel, external id, number, state, remote state, fulfilled by, ordered, modified, fetched, acknowledge by, dispatch by, not listed,
currency, digest, at cutover, number of lines"""


class Entered(NamedTuple):
    external_id: str
    id: int
    line_ids: list[int]
    """Ids for its lines, which the caller inserts."""


def ask_insert(organisation: int, connection: int, at: datetime, orders: Sequence[OrderRow]) -> Answer[Entered]:
    """Enter new orders; one that another worker entered meanwhile is left out. Index: order_once."""
    row: list[Encode] = [array, *[texts] * 5, *[moments] * 6, texts, blobs, plain, plain]
    return ask(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
                                 %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                                 %s::text[], %s::bytea[], %s::bool[], %s::int[])
                AS g(channel, external_id, number, state, remote_state, fulfilled_by, ordered, modified, fetched, acknowledge_by,
                     dispatch_by, not_listed, currency, digest, at_cutover, lines)
        ), entered AS (
            INSERT INTO orders_order
                (organisation_id, connection_id, imported_at, channel_id, external_id, number, state, remote_state, fulfilled_by,
                 ordered_at, remote_modified_at, fetched_at, acknowledge_by, dispatch_by, not_listed_at, currency, digest, at_cutover)
            SELECT %s, %s, %s, channel, external_id, number, state, remote_state, fulfilled_by, ordered, modified, fetched, acknowledge_by,
                   dispatch_by, not_listed, currency, digest, at_cutover
            FROM given
            ON CONFLICT (connection_id, external_id) DO NOTHING
            RETURNING external_id, id
        )
        SELECT entered.external_id, entered.id,
               ARRAY(SELECT nextval('orders_orderline_id_seq') FROM generate_series(1, given.lines))
        FROM entered JOIN given USING (external_id)
        """,
        [*columns(orders, *row), organisation, connection, at],
        Entered._make,
    )


NewLineRow = tuple[int, int, str, str, str, str, int | None, int | None, int, int, int, int, int]
"""id, and a ``LineRow``"""


def insert_lines(cursor: Cursor, organisation: int, lines: Sequence[NewLineRow]) -> None:
    """Write the lines of orders that were entered in this transaction. Locks: the new rows."""
    cursor.execute(
        """
        INSERT INTO orders_orderline
            (organisation_id, id, order_id, line_id, sku, external_offer_id, title, offer_id, stock_unit_id, pack_factor, ordered,
             cancelled, cancel_requested, told_shipped, shipped, returned, refunded, short)
        SELECT %s, row.*, 0, 0, 0, 0
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[],
                    %s::int[], %s::int[], %s::int[], %s::int[]) AS row
        """,
        [organisation, *columns(lines, array, array, *[texts] * 4, *[plain] * 7)],
    )


AmountRow = tuple[int, int | None, str, Decimal, str, bool, Decimal | None, str, str]
"""order, line, kind, amount, currency, tax included, rate, owed by, label"""
EventRow = tuple[int, str, str]
"""order, kind, detail as JSON"""
RawRow = tuple[int, int, bytes]
"""order, key version, ciphertext"""


INSERT_FACTS = """
    WITH money AS (
        INSERT INTO orders_amount (organisation_id, order_id, line_id, kind, amount, currency, tax_included, rate, owed_by, label)
        SELECT %s, row.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::numeric[], %s::text[], %s::bool[], %s::numeric[],
                                     %s::text[], %s::text[]) AS row
    ), story AS (
        INSERT INTO orders_orderevent (organisation_id, at, actor, order_id, kind, detail)
        SELECT %s, %s, %s, row.id, row.kind, row.detail FROM unnest(%s::bigint[], %s::text[], %s::jsonb[]) AS row(id, kind, detail)
    ), people AS (
        INSERT INTO core_personaldata (organisation_id, subject_type, subject_id, purpose, key_version, ciphertext, delete_after, words)
        SELECT %s, type, id, purpose, version, sealed, until, words::bigint[]
        FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::int[], %s::bytea[], %s::timestamptz[], %s::text[])
            AS row(type, id, purpose, version, sealed, until, words)
        RETURNING id, words
    ), names AS (
        INSERT INTO core_personalword (organisation_id, word, row)
        SELECT %s, word, people.id FROM people CROSS JOIN unnest(people.words) AS word
    ), commands AS (
        INSERT INTO channels_command
            (organisation_id, connection_id, created_at, kind, subject_type, subject_id, key, payload, not_before, state, attempts,
             code, message)
        SELECT %s, %s, %s, row.*, 'queued', 0, '', ''
        FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::jsonb[], %s::timestamptz[]) AS row
        ON CONFLICT (connection_id, key) DO NOTHING
    )
    INSERT INTO orders_raw_payload (organisation_id, at, order_id, key_version, ciphertext)
    SELECT %s, %s, row.* FROM unnest(%s::bigint[], %s::int[], %s::bytea[]) AS row
"""


def insert_facts(
    cursor: Cursor,
    organisation: int,
    connection: int,
    at: datetime,
    amounts: Sequence[AmountRow],
    events: Sequence[EventRow],
    raw: Sequence[RawRow],
    personal: Sequence[PersonalRow] = (),
    commands: Sequence[CommandRow] = (),
) -> None:
    """Append amounts, time-line entries and untouched bodies in one statement; of new orders personal data and commands as well.

    ``personal`` of orders that were known must not be given: their rows may be there (see ``upsert_personal``).
    """
    money = columns(amounts, array, plain, texts, plain, texts, plain, plain, texts, texts)
    story, bodies = columns(events, array, texts, texts), columns(raw, array, array, blobs)
    people = columns(personal, texts, array, texts, array, blobs, moments, texts)
    orders = columns(commands, texts, texts, array, texts, texts, moments)
    cursor.execute(
        INSERT_FACTS,
        [
            organisation,
            *money,
            organisation,
            at,
            f"channel:{connection}",
            *story,
            organisation,
            *people,
            organisation,
            organisation,
            connection,
            at,
            *orders,
            organisation,
            at,
            *bodies,
        ],
    )
