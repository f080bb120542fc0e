"""SQL of the import of stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stallkeeper.core.copy import texts
from stallkeeper.core.sql import Cursor, rows

UnitRow = tuple[str, int, str, bool]
"""code, unit, kind, whether it is counted"""


def units_by_sku(cursor: Cursor, organisation_id: int, skus: Sequence[str]) -> list[UnitRow]:
    """Units with these SKUs. Index: stock_unit_sku_once."""
    cursor.execute(
        "SELECT sku, id, kind, stocked FROM catalog_stockunit WHERE organisation_id = %s AND sku = ANY(%s) ORDER BY sku",
        [organisation_id, list(skus)],
    )
    return rows(cursor)


def units_by_gtin(cursor: Cursor, organisation_id: int, spellings: Sequence[str]) -> list[tuple[str, int, str, bool, int]]:
    """(GTIN as stored, unit, kind, whether it is counted, pack factor). Index: identifier_once."""
    cursor.execute(
        "SELECT i.value, u.id, u.kind, u.stocked, i.pack_factor"
        " FROM catalog_identifier i JOIN catalog_stockunit u ON u.id = i.stock_unit_id"
        " WHERE i.organisation_id = %s AND i.kind = 'gtin' AND i.scope = '' AND i.value = ANY(%s) ORDER BY i.value, u.id",
        [organisation_id, list(spellings)],
    )
    return rows(cursor)


def units_by_code(cursor: Cursor, organisation: int, codes: Sequence[str]) -> list[tuple[str, int, str, bool, int]]:
    """(code, unit, kind, whether it is counted, pack factor) of additional codes and of numbers that outside systems gave.

    Index: identifier_once.
    """
    cursor.execute(
        """
        SELECT DISTINCT i.value, u.id, u.kind, u.stocked, i.pack_factor
        FROM catalog_identifier AS i JOIN catalog_stockunit AS u ON u.id = i.stock_unit_id
        WHERE i.organisation_id = %s AND i.kind IN ('code', 'channel') AND i.value = ANY(%s::text[]) ORDER BY i.value, u.id
        """,
        [organisation, texts(codes)],
    )
    return rows(cursor)


def on_hand_of(cursor: Cursor, units: Sequence[int], locations: Sequence[int]) -> list[int]:
    """On hand of the pairs (units[i], locations[i]), in this order; 0 where there is no level. Index: primary key of stock_level."""
    cursor.execute(
        "SELECT coalesce(l.on_hand, 0) FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS n (unit, location, position)"
        " LEFT JOIN stock_level l ON l.stock_unit_id = n.unit AND l.location_id = n.location ORDER BY n.position",
        [list(units), list(locations)],
    )
    return [row[0] for row in rows(cursor)]


def filled_levels(cursor: Cursor, organisation_id: int, locations: Sequence[int]) -> dict[int, int]:
    """{place: how many units have something there}."""
    cursor.execute(
        "SELECT location_id, count(*) FROM stock_level WHERE organisation_id = %s AND location_id = ANY(%s) AND on_hand > 0"
        " GROUP BY location_id ORDER BY location_id",
        [organisation_id, list(locations)],
    )
    return dict(rows(cursor))


def on_hand_at(cursor: Cursor, units: Sequence[int], locations: Sequence[int], times: Sequence[datetime]) -> list[int]:
    """What was on hand of (units[i], locations[i]) at times[i] by the clock of events: the sum of legs. Index: movement_unit."""
    cursor.execute(
        """
        SELECT coalesce((
            SELECT sum(CASE WHEN m.to_location_id = n.location THEN m.quantity ELSE -m.quantity END) FROM stock_movement m
            WHERE m.stock_unit_id = n.unit AND m.occurred_at <= n.at AND n.location IN (m.from_location_id, m.to_location_id)), 0)
        FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS n (unit, location, at, position)
        ORDER BY n.position
        """,
        [list(units), list(locations), list(times)],
    )
    return [int(row[0]) for row in rows(cursor)]
