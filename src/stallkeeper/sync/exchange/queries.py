"""SQL of the exchange with 1C. One function per statement; the docstring names its locks and its index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.core.sql import Cursor, rows

GoodRow = tuple[str, str, str, str, bool]
"""code, article, GTIN, title, deleted"""


def keep_goods(cursor: Cursor, organisation: int, exchange: int, goods: Sequence[GoodRow], *, catalogue: bool) -> None:
    """Remember goods of 1C; what it does not say this time stays. Only the catalogue says whether one is deleted.

    Locks: their rows, in the order given. Index: exchange_good_once.
    """
    cursor.execute(
        """
        INSERT INTO sync_exchangegood AS good (organisation_id, exchange_id, code, article, gtin, title, deleted)
        SELECT %s, %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])
        ON CONFLICT (exchange_id, code) DO UPDATE SET
            article = coalesce(nullif(excluded.article, ''), good.article), gtin = coalesce(nullif(excluded.gtin, ''), good.gtin),
            title = coalesce(nullif(excluded.title, ''), good.title), deleted = CASE WHEN %s THEN excluded.deleted ELSE good.deleted END
        WHERE (good.article, good.gtin, good.title, good.deleted)
            IS DISTINCT FROM (excluded.article, excluded.gtin, excluded.title, excluded.deleted)
        """,
        [organisation, exchange, *(list(column) for column in zip(*goods, strict=True)), catalogue],
    )


class Unlinked(NamedTuple):
    """A good of 1C that is no unit of ours yet."""

    code: str
    article: str
    gtin: str


def unlinked(cursor: Cursor, organisation: int, exchange: int, scope: str, codes: Sequence[str]) -> list[Unlinked]:
    """Of these goods, those that are no unit of ours yet. Indexes: exchange_good_once, identifier_once."""
    cursor.execute(
        """
        SELECT code, article, gtin FROM sync_exchangegood AS good
        WHERE exchange_id = %(exchange)s AND code = ANY(%(codes)s::text[]) AND NOT EXISTS (
            SELECT FROM catalog_identifier AS known WHERE known.organisation_id = %(organisation)s AND known.kind = 'channel'
                AND known.scope = %(scope)s AND known.value = good.code)
        ORDER BY code
        """,
        {"organisation": organisation, "exchange": exchange, "scope": scope, "codes": list(codes)},
    )
    return [Unlinked._make(row) for row in rows(cursor)]


def sharing(cursor: Cursor, exchange: int, articles: Sequence[str]) -> dict[str, list[str]]:
    """{article: numbers of all goods that have it}. Index: exchange_good_article."""
    cursor.execute(
        "SELECT article, array_agg(code ORDER BY code) FROM sync_exchangegood"
        " WHERE exchange_id = %s AND article = ANY(%s::text[]) AND NOT deleted GROUP BY article ORDER BY article",
        [exchange, list(articles)],
    )
    return dict(rows(cursor))


def add_identifiers(cursor: Cursor, organisation: int, scope: str, matches: Sequence[tuple[str, int]]) -> None:
    """Give units the numbers by which 1C calls them. Locks: the new rows. Index: identifier_once."""
    if matches:
        cursor.execute(
            """
            INSERT INTO catalog_identifier (organisation_id, stock_unit_id, kind, scope, value, pack_factor)
            SELECT %s, unit, 'channel', %s, code, 1 FROM unnest(%s::text[], %s::bigint[]) AS new(code, unit)
            ON CONFLICT DO NOTHING
            """,
            [organisation, scope, [code for code, _unit in matches], [unit for _code, unit in matches]],
        )


def linked(cursor: Cursor, organisation: int, scope: str, codes: Sequence[str]) -> dict[str, tuple[int, str]]:
    """{number: (unit, SKU)}; a number that several units have is none of them. Index: identifier_once."""
    cursor.execute(
        """
        SELECT known.value, min(unit.id), min(unit.sku)
        FROM catalog_identifier AS known JOIN catalog_stockunit AS unit ON unit.id = known.stock_unit_id
        WHERE known.organisation_id = %s AND known.kind = 'channel' AND known.scope = %s AND known.value = ANY(%s::text[])
        GROUP BY known.value HAVING count(*) = 1 ORDER BY known.value
        """,
        [organisation, scope, list(codes)],
    )
    return {value: (unit, sku) for value, unit, sku in rows(cursor)}


def numbers_of(cursor: Cursor, organisation: int, scope: str, units: Sequence[int]) -> dict[int, str]:
    """{unit: the number by which 1C calls it}; of several the first. Index: by stock unit."""
    cursor.execute(
        """
        SELECT stock_unit_id, min(value) FROM catalog_identifier
        WHERE organisation_id = %s AND kind = 'channel' AND scope = %s AND stock_unit_id = ANY(%s::bigint[])
        GROUP BY stock_unit_id ORDER BY stock_unit_id
        """,
        [organisation, scope, list(units)],
    )
    return dict(rows(cursor))


_OURS = """
    SELECT line.id AS line, line.stock_unit_id, line.short * line.pack_factor AS short,
           coalesce(its.confirmed_at <= %(at)s AND NOT its.cancelled, false) AS handed,
           coalesce(its.shipment <> '', false) AS booked
    FROM orders_order AS sold JOIN orders_orderline AS line ON line.order_id = sold.id
    LEFT JOIN sync_exchangeorder AS its ON its.order_id = sold.id AND its.exchange_id = %(exchange)s
    WHERE sold.organisation_id = %(organisation)s AND sold.ordered_at > %(at)s - interval '90 days' AND sold.imported_at >= %(since)s
      AND line.stock_unit_id IS NOT NULL
"""
"""Lines of orders that 1C gets from us, and whether it had them at a moment and has booked their goods out. Index: order_recent."""


_BACK = """
    SELECT m.stock_unit_id, m.to_location_id, m.quantity, m.occurred_at, ours.handed, ours.booked
    FROM stock_movement AS m JOIN ours ON ours.line = split_part(m.reference, ':', 2)::bigint
    WHERE m.cause = 'ship' AND m.reference LIKE 'not_left:%%' AND m.stock_unit_id = ANY(%(units)s::bigint[]) AND m.recorded_at >= %(since)s
"""
"""Units of these lines that have not left after all (``fulfilment.not_left``), with where they are again. Index: movement_unit."""


def promised_in_1c(
    cursor: Cursor, organisation: int, exchange: int, since: datetime, at: datetime, units: Sequence[int]
) -> list[tuple[int, int | None, int]]:
    """(unit, place or None, base units) that 1C had taken off its free figures at a moment for orders that it had from us.

    Allocated then, by place; short ones have no place. Indexes: order_recent, reservation_unit, reservation_event_unit, movement_unit.
    """
    cursor.execute(
        f"""
        WITH ours AS ({_OURS}), back(unit, place, quantity, moved_at, handed, booked) AS ({_BACK})
        SELECT unit, place, sum(quantity)::bigint FROM (
            SELECT r.stock_unit_id AS unit, r.location_id AS place, r.quantity
            FROM stock_reservation AS r JOIN ours ON ours.line = r.owner_id
            WHERE r.owner_type = 'line' AND r.kind = 'allocated' AND r.stock_unit_id = ANY(%(units)s::bigint[]) AND ours.handed
            UNION ALL
            SELECT e.stock_unit_id, e.location_id, e.before - e.after FROM stock_reservation_event AS e JOIN ours ON ours.line = e.owner_id
            WHERE e.owner_type = 'line' AND e.cause = 'shipped' AND e.at > %(at)s AND e.stock_unit_id = ANY(%(units)s::bigint[])
              AND ours.handed
            UNION ALL
            SELECT unit, place, -quantity FROM back WHERE moved_at > %(at)s AND handed
            UNION ALL
            SELECT coalesce(part.component_id, ours.stock_unit_id), NULL, ours.short * coalesce(part.quantity, 1)
            FROM ours LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = ours.stock_unit_id
            WHERE ours.handed AND ours.short > 0
        ) AS every WHERE unit = ANY(%(units)s::bigint[]) GROUP BY unit, place ORDER BY unit, place
        """,  # noqa: S608 - a constant of this module
        {"organisation": organisation, "exchange": exchange, "since": since, "at": at, "units": list(units)},
    )
    return rows(cursor)


def left_unknown_to_1c(
    cursor: Cursor, organisation: int, exchange: int, since: datetime, at: datetime, units: Sequence[int], *, until_booked: bool
) -> list[tuple[int, int, int]]:
    """(unit, place, base units) that had left our shelf at a moment, although 1C could not know: it did not have the order yet, or
    (``until_booked``) has not booked the goods out. What has not left after all lies there again.
    Indexes: order_recent, reservation_event_unit, movement_unit."""
    cursor.execute(
        f"""
        WITH ours AS ({_OURS}), back(unit, place, quantity, moved_at, handed, booked) AS ({_BACK})
        SELECT unit, place, sum(quantity)::bigint FROM (
            SELECT e.stock_unit_id AS unit, e.location_id AS place, e.before - e.after AS quantity, ours.handed, ours.booked
            FROM stock_reservation_event AS e JOIN ours ON ours.line = e.owner_id
            WHERE e.owner_type = 'line' AND e.cause = 'shipped' AND e.at >= %(since)s AND e.at <= %(at)s
              AND e.stock_unit_id = ANY(%(units)s::bigint[])
            UNION ALL
            SELECT unit, place, -quantity, handed, booked FROM back WHERE moved_at <= %(at)s
        ) AS every WHERE NOT handed OR (%(until_booked)s AND NOT booked) GROUP BY unit, place ORDER BY unit, place
        """,  # noqa: S608 - a constant of this module
        {"organisation": organisation, "exchange": exchange, "since": since, "at": at, "units": list(units), "until_booked": until_booked},
    )
    return rows(cursor)


class Due(NamedTuple):
    """An order that 1C has not confirmed as it is now. ``digest`` names its quantities."""

    order: int
    digest: str


def orders_due(cursor: Cursor, organisation: int, exchange: int, since: datetime, at: datetime, most: int) -> list[Due]:
    """Orders to hand over: those that 1C does not have, those whose quantities changed since, and those that it may have otherwise: what
    was offered last has not been confirmed. Not pending, not the marketplace's own.

    One that was cancelled before 1C heard of it is none of its business, unless goods left for it. Index: order_recent.
    """
    cursor.execute(
        """
        SELECT id, digest FROM (
            SELECT sold.id, its.confirmed, its.offered, md5(lines.said) AS digest, sold.state, lines.shipped
            FROM orders_order AS sold
            LEFT JOIN sync_exchangeorder AS its ON its.order_id = sold.id AND its.exchange_id = %(exchange)s
            CROSS JOIN LATERAL (
                SELECT string_agg(concat_ws('/', line.id, line.stock_unit_id, line.ordered - line.cancelled), ';' ORDER BY line.id) AS said,
                       sum(line.shipped) AS shipped
                FROM orders_orderline AS line WHERE line.order_id = sold.id
            ) AS lines
            WHERE sold.organisation_id = %(organisation)s AND sold.ordered_at > %(at)s - interval '90 days'
              AND sold.imported_at >= %(since)s AND sold.fulfilled_by = 'seller' AND sold.state <> 'pending'
        ) AS one
        WHERE (digest IS DISTINCT FROM confirmed OR offered IS DISTINCT FROM confirmed) AND digest IS NOT NULL
          AND (state <> 'cancelled' OR coalesce(offered, '') <> '' OR shipped > 0)
        ORDER BY id LIMIT %(most)s
        """,
        {"organisation": organisation, "exchange": exchange, "since": since, "at": at, "most": most},
    )
    return [Due._make(row) for row in rows(cursor)]


def offer_orders(cursor: Cursor, organisation: int, exchange: int, session: int, due: Sequence[Due]) -> None:
    """Remember what of which order was given in a session. Locks: those rows, in the order given. Index: exchange_order_once."""
    cursor.execute(
        """
        INSERT INTO sync_exchangeorder (organisation_id, exchange_id, order_id, session_id, offered, confirmed, "number", status, cancelled,
                                        posted, paid, shipment)
        SELECT %s, %s, sold, %s, digest, '', '', '', false, false, false, '' FROM unnest(%s::bigint[], %s::text[]) AS given(sold, digest)
        ON CONFLICT (exchange_id, order_id) DO UPDATE SET session_id = excluded.session_id, offered = excluded.offered
        """,
        [organisation, exchange, session, [one.order for one in due], [one.digest for one in due]],
    )


def confirm_orders(cursor: Cursor, exchange: int, session: int, at: datetime) -> int:
    """1C has what was given in the session; how many orders. Locks: those rows."""
    cursor.execute(
        """
        UPDATE sync_exchangeorder SET confirmed = offered, confirmed_at = coalesce(confirmed_at, %s)
        WHERE exchange_id = %s AND session_id = %s AND confirmed IS DISTINCT FROM offered
        """,
        [at, exchange, session],
    )
    return int(cursor.rowcount)
