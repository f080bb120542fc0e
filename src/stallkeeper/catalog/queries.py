"""SQL of the catalogue. One function per statement; the docstring names locks and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stallkeeper.core.sql import Cursor, rows


def lock_units(cursor: Cursor, organisation_id: int, units: Sequence[int]) -> dict[int, tuple[str, str]]:
    """{id: (SKU, kind)} of the organisation's units among these. Locks: the rows, in key order, so that their kind stays."""
    cursor.execute(
        "SELECT id, sku, kind FROM catalog_stockunit WHERE organisation_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        [organisation_id, list(units)],
    )
    return {row[0]: (row[1], row[2]) for row in rows(cursor)}


def components_of(cursor: Cursor, kit_id: int) -> dict[int, int]:
    """{component: number in one kit}. Index: kit_component_once."""
    cursor.execute("SELECT component_id, quantity FROM catalog_kitcomponent WHERE kit_id = %s ORDER BY component_id", [kit_id])
    return dict(rows(cursor))


def set_components(cursor: Cursor, organisation_id: int, kit_id: int, units: Sequence[int], quantities: Sequence[int]) -> bool:
    """Make these the components of a kit; whether anything changed. Locks: its component rows. Index: kit_component_once."""
    cursor.execute("DELETE FROM catalog_kitcomponent WHERE kit_id = %s AND component_id <> ALL(%s)", [kit_id, list(units)])
    gone = cursor.rowcount
    cursor.execute(
        "INSERT INTO catalog_kitcomponent AS c (organisation_id, kit_id, component_id, quantity, kit_kind, component_kind)"
        " SELECT %s, %s, unit, quantity, 'kit', 'single' FROM unnest(%s::bigint[], %s::int[]) AS n (unit, quantity) ORDER BY unit"
        " ON CONFLICT (kit_id, component_id) DO UPDATE SET quantity = excluded.quantity WHERE c.quantity <> excluded.quantity",
        [organisation_id, kit_id, list(units), list(quantities)],
    )
    return bool(gone + cursor.rowcount)


def units_by_code(cursor: Cursor, organisation_id: int, code: str, gtins: Sequence[str]) -> list[tuple[int, str, str, int]]:
    """(unit, SKU, found by, pack factor): by SKU, then GTIN (any padding of zeros), then additional code. Index: identifier_once."""
    cursor.execute(
        "SELECT id, sku, 'sku', 1, 1 AS step FROM catalog_stockunit WHERE organisation_id = %s AND sku = %s"
        " UNION ALL SELECT u.id, u.sku, i.kind, i.pack_factor, CASE i.kind WHEN 'gtin' THEN 2 ELSE 3 END"
        " FROM catalog_identifier i JOIN catalog_stockunit u ON u.id = i.stock_unit_id"
        " WHERE i.organisation_id = %s AND ((i.kind = 'gtin' AND i.scope = '' AND i.value = ANY(%s))"
        " OR (i.kind = 'code' AND i.scope = '' AND i.value = %s)) ORDER BY step, sku",
        [organisation_id, code, organisation_id, list(gtins), code],
    )
    return [row[:4] for row in rows(cursor)]


def set_prices(cursor: Cursor, organisation_id: int, price_list_id: int, units: Sequence[int], amounts: Sequence[Decimal]) -> list[int]:
    """Set base prices; the units whose price changed. Locks: the rows, by unit. Index: price_once."""
    cursor.execute(
        "INSERT INTO catalog_price AS p (organisation_id, price_list_id, stock_unit_id, amount)"
        " SELECT %s, %s, unit, amount FROM unnest(%s::bigint[], %s::numeric[]) AS n (unit, amount) ORDER BY unit"
        " ON CONFLICT (price_list_id, stock_unit_id) DO UPDATE SET amount = excluded.amount WHERE p.amount <> excluded.amount"
        " RETURNING stock_unit_id",
        [organisation_id, price_list_id, list(units), list(amounts)],
    )
    return sorted(row[0] for row in rows(cursor))
