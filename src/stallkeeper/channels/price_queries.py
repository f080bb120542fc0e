"""SQL of offer prices. One function per statement; the docstring names locks and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows


class PriceFacts(NamedTuple):
    """What pricing needs to know of a channel."""

    connection_id: int
    platform: str
    code: str
    currency: str
    sends: bool
    list_id: int
    list_code: str
    list_currency: str
    list_includes_tax: bool
    mark_up: Decimal
    rounding: str
    exchange_rate: Decimal | None
    rate_source: str
    tax_rate: Decimal | None


def gather_channel(cursor: Cursor, organisation: int, channel: int) -> PriceFacts | None:
    """The channel's price rules; None if it has no price list. Index: primary keys."""
    cursor.execute(
        """
        SELECT channel.connection_id, account.platform, channel.code, channel.currency,
               organisation.sending_enabled AND channel.active AND channel.prices_enabled AND account.writes_allowed,
               list.id, list.code, list.currency, list.tax_included, channel.mark_up, channel.price_rounding, channel.exchange_rate,
               trim(channel.exchange_rate_source || ' ' || coalesce(channel.exchange_rate_at::text, '')), channel.tax_rate
        FROM channels_channel AS channel
        JOIN catalog_pricelist AS list ON list.id = channel.price_list_id
        JOIN channels_connection AS account ON account.id = channel.connection_id
        JOIN core_organisation AS organisation ON organisation.id = channel.organisation_id
        WHERE channel.organisation_id = %s AND channel.id = %s
        """,
        [organisation, channel],
    )
    found = rows(cursor)
    return PriceFacts(*found[0]) if found else None


class PriceRow(NamedTuple):
    offer_id: int
    pack_factor: int
    excluded: bool
    base: Decimal | None
    intended: Decimal | None


def lock_prices(cursor: Cursor, organisation: int, channel: int, units: Sequence[int] | None) -> None:
    """Nobody else works out these prices until the commit; what they rest on is read afterwards, by later statements (ADR 0008).

    Locks: the channel's offers (of some units, or all), by id. Index: offer_sku_once.
    """
    cursor.execute(
        """
        SELECT count(*) FROM (
            SELECT offer.id FROM channels_offer AS offer
            WHERE offer.organisation_id = %s AND offer.channel_id = %s AND (%s::bigint[] IS NULL OR offer.stock_unit_id = ANY(%s::bigint[]))
            ORDER BY offer.id
            FOR NO KEY UPDATE OF offer) AS locked
        """,
        [organisation, channel, *_twice(units)],
    )


def gather_prices(cursor: Cursor, organisation: int, channel: int, price_list: int, units: Sequence[int] | None) -> list[PriceRow]:
    """Offers of the channel with their list price and intended price. Index: offer_sku_once, price_once."""
    cursor.execute(
        """
        SELECT offer.id, offer.pack_factor, offer.prices_excluded, base.amount, price.intended
        FROM channels_offer AS offer
        LEFT JOIN catalog_price AS base ON base.price_list_id = %s AND base.stock_unit_id = offer.stock_unit_id
        LEFT JOIN channels_offerprice AS price ON price.offer_id = offer.id
        WHERE offer.organisation_id = %s AND offer.channel_id = %s AND (%s::bigint[] IS NULL OR offer.stock_unit_id = ANY(%s::bigint[]))
        ORDER BY offer.id
        """,
        [price_list, organisation, channel, *_twice(units)],
    )
    return [PriceRow(*row) for row in rows(cursor)]


def _twice(units: Sequence[int] | None) -> list[str | None]:
    return [None if units is None else array(units)] * 2


def write_intended(
    cursor: Cursor,
    organisation: int,
    at: datetime,
    channel: int,
    currency: str,
    prices: Sequence[tuple[int, Decimal | None]],
    sends: bool,
) -> None:
    """Store intended prices, put offers whose channel may hold another on the todo list, and take off it those that have none any more.

    Locks: price and todo rows of locked offers.
    """
    cursor.execute(
        """
        WITH written AS (
            INSERT INTO channels_offerprice AS price
                (offer_id, organisation_id, currency, intended, refused_code, refused_message)
            SELECT new.id, %s, %s, new.intended, '', '' FROM unnest(%s::bigint[], %s::numeric[]) AS new(id, intended)
            ON CONFLICT (offer_id) DO UPDATE SET intended = EXCLUDED.intended, currency = EXCLUDED.currency
            RETURNING offer_id, intended, believed
        ), left_out AS (
            DELETE FROM channels_offertodo AS todo USING written
            WHERE written.intended IS NULL AND todo.offer_id = written.offer_id AND todo.kind = 'price'
        )
        INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
        SELECT %s, offer_id, 'price', %s, 0, nextval('channels_todo_version'), %s
        FROM written WHERE %s AND intended IS NOT NULL AND intended IS DISTINCT FROM believed
        ORDER BY offer_id
        ON CONFLICT (offer_id, kind) DO UPDATE SET version = EXCLUDED.version
        """,
        [organisation, currency, [offer for offer, _ in prices], [price for _, price in prices], organisation, channel, at, sends],
    )


def list_unsent(cursor: Cursor, organisation: int, at: datetime, channel: int) -> int:
    """List the offers of a channel that may send prices and is not believed to show those that were worked out while it could not; returns
    how many. What the channel has refused stays off.

    Locks: todo rows of locked offers. Index: offer_sku_once.
    """
    cursor.execute(
        """
        INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
        SELECT price.organisation_id, offer.id, 'price', offer.channel_id, 0, nextval('channels_todo_version'), %s
        FROM channels_offer AS offer JOIN channels_offerprice AS price ON price.offer_id = offer.id
        WHERE offer.organisation_id = %s AND offer.channel_id = %s AND NOT offer.prices_excluded AND price.intended IS NOT NULL
          AND price.intended IS DISTINCT FROM price.believed AND price.intended IS DISTINCT FROM price.refused
        ORDER BY offer.id
        ON CONFLICT (offer_id, kind) DO NOTHING
        """,
        [at, organisation, channel],
    )
    return int(cursor.rowcount)
