"""SQL of the import of products: one chunk in a staging table of its transaction, then set-based statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stallkeeper.core.sql import Cursor, rows

STAGE = "import_product"
TABLES = (
    "catalog_stockunit",
    "catalog_product",
    "catalog_variant",
    "catalog_identifier",
    "catalog_price",
    "catalog_kitcomponent",
)


def make_stage(cursor: Cursor) -> None:
    """The staging table of this transaction. Its first columns are those of the lines that are copied in; NULL leaves what is there."""
    cursor.execute(
        "CREATE TEMP TABLE import_product (row int, kind text, sku text, title text, brand text, category text, description text,"
        " active boolean, gtin text, codes text, list_code text, amount numeric(18, 4), unit_id bigint, unit_kind text,"
        " unit_differs boolean, switched boolean, product_id bigint, product_differs boolean, facts_differ boolean, shared boolean,"
        " fresh boolean DEFAULT false, recategorised boolean DEFAULT false) ON COMMIT DROP"
    )


def drop_stage(cursor: Cursor) -> None:
    """Make room for the next chunk, should it come in the same transaction."""
    cursor.execute("DROP TABLE import_product")


COPIED = "row, kind, sku, title, brand, category, description, active, gtin, codes, list_code, amount"


def resolve_units(cursor: Cursor, organisation_id: int) -> int:
    """Find the units that exist, and what differs in them; how many. Index: stock_unit_sku_once.

    Locks: the units, in key order, against another import of the same SKUs.
    """
    cursor.execute(
        "WITH found AS MATERIALIZED (SELECT id, sku, kind, title, active FROM catalog_stockunit WHERE organisation_id = %s"
        " AND sku IN (SELECT sku FROM import_product WHERE unit_id IS NULL) ORDER BY id FOR NO KEY UPDATE)"
        " UPDATE import_product AS s SET unit_id = f.id, unit_kind = f.kind, switched = coalesce(s.active <> f.active, false),"
        " unit_differs = coalesce(s.title, f.title) <> f.title OR coalesce(s.active <> f.active, false)"
        " FROM found f WHERE f.sku = s.sku",
        [organisation_id],
    )
    return int(cursor.rowcount)


def resolve_products(cursor: Cursor, organisation_id: int) -> None:
    """Find the product behind each unit, what differs in it, and whether other variants share it. Index: catalog_variant's foreign keys."""
    cursor.execute(
        "WITH one AS MATERIALIZED (SELECT v.stock_unit_id, min(v.product_id) AS product_id, count(*) AS variants"
        " FROM import_product s JOIN catalog_variant v ON v.stock_unit_id = s.unit_id WHERE v.organisation_id = %s GROUP BY 1)"
        " UPDATE import_product AS s SET product_id = p.id, facts_differ = coalesce(s.brand, p.brand) <> p.brand"
        " OR coalesce(s.category, p.category) <> p.category OR coalesce(s.description, p.description) <> p.description,"
        " recategorised = coalesce(s.category, p.category) <> p.category,"
        " product_differs = coalesce(s.title, p.title) <> p.title, shared = one.variants > 1"
        " OR EXISTS (SELECT FROM catalog_variant o WHERE o.product_id = p.id AND o.stock_unit_id <> one.stock_unit_id)"
        " FROM one JOIN catalog_product p ON p.id = one.product_id WHERE one.stock_unit_id = s.unit_id",
        [organisation_id],
    )


def take_out_wrong(cursor: Cursor) -> list[tuple[int, str, str]]:
    """Take out rows that only the database knows to be wrong: (row, reason, SKU)."""
    cursor.execute(
        "WITH judged AS (SELECT row, CASE WHEN unit_id IS NULL AND title IS NULL THEN 'no_title'"
        " WHEN kind = 'kit' AND unit_kind = 'single' THEN 'counted' WHEN shared AND facts_differ THEN 'shared' END AS reason"
        " FROM import_product)"
        " DELETE FROM import_product AS s USING judged j WHERE j.row = s.row AND j.reason IS NOT NULL RETURNING s.row, j.reason, s.sku"
    )
    return sorted(rows(cursor))


def insert_units(cursor: Cursor, organisation_id: int, at: datetime) -> list[int]:
    """Make the units that are missing; their ids. What another transaction made meanwhile stays unresolved. Index: stock_unit_sku_once."""
    cursor.execute(
        "WITH made AS (INSERT INTO catalog_stockunit (organisation_id, sku, title, kind, stocked, active, created_at)"
        " SELECT %s, sku, title, kind, true, coalesce(active, true), %s FROM import_product WHERE unit_id IS NULL ORDER BY row"
        " ON CONFLICT (organisation_id, sku) DO NOTHING RETURNING id, sku)"
        " UPDATE import_product AS s SET unit_id = made.id, unit_kind = s.kind, fresh = true FROM made WHERE made.sku = s.sku"
        " RETURNING s.unit_id",
        [organisation_id, at],
    )
    return [row[0] for row in rows(cursor)]


def insert_products(cursor: Cursor, organisation_id: int, at: datetime) -> list[int]:
    """Make a product and its one variant for each unit that has none; the units that were here before, and have a category now."""
    cursor.execute(
        "SELECT unit_id FROM import_product WHERE product_id IS NULL AND NOT fresh AND unit_id IS NOT NULL AND category <> '' ORDER BY 1"
    )
    known = [row[0] for row in rows(cursor)]
    cursor.execute(
        "WITH numbered AS MATERIALIZED (SELECT s.*, nextval(pg_get_serial_sequence('catalog_product', 'id')) AS number"
        "  FROM (SELECT * FROM import_product WHERE product_id IS NULL ORDER BY row) AS s),"
        " made AS (INSERT INTO catalog_product (id, organisation_id, title, brand, category, description, created_at, updated_at)"
        "  SELECT number, %s, coalesce(title, sku), coalesce(brand, ''), coalesce(category, ''), coalesce(description, ''), %s, %s"
        "  FROM numbered)"
        " INSERT INTO catalog_variant (organisation_id, product_id, stock_unit_id, label, position)"
        " SELECT %s, number, unit_id, '', 0 FROM numbered",
        [organisation_id, at, at, organisation_id],
    )
    return known


def keep_switches(cursor: Cursor, organisation_id: int, at: datetime, actor: str) -> None:
    """Keep what ``active`` of the staged units was, of those that ``update_units`` is about to switch (``core.history``)."""
    cursor.execute(
        "INSERT INTO core_factchange (organisation_id, at, actor, kind, subject_id, part, before, after)"
        " SELECT %s, %s, %s, 'unit', u.id, 'active', to_jsonb(u.active), to_jsonb(s.active)"
        " FROM import_product s JOIN catalog_stockunit u ON u.id = s.unit_id WHERE s.unit_differs AND s.active <> u.active ORDER BY u.id",
        [organisation_id, at, actor],
    )


def update_units(cursor: Cursor) -> list[tuple[int, bool]]:
    """Change what differs in units; (unit, whether it was switched on or off). Locks: the units (resolve_units holds them already)."""
    cursor.execute(
        "UPDATE catalog_stockunit AS u SET title = coalesce(s.title, u.title), active = coalesce(s.active, u.active)"
        " FROM import_product s WHERE u.id = s.unit_id AND s.unit_differs RETURNING u.id, s.switched"
    )
    return rows(cursor)


def keep_categories(cursor: Cursor, organisation_id: int, at: datetime, actor: str) -> None:
    """Keep the category of products that ``update_products`` is about to move to another one (``core.history``)."""
    cursor.execute(
        "INSERT INTO core_factchange (organisation_id, at, actor, kind, subject_id, part, before, after)"
        " SELECT DISTINCT ON (p.id) %s::bigint, %s::timestamptz, %s, 'product', p.id, 'category',"
        "  to_jsonb(p.category), to_jsonb(s.category)"
        " FROM import_product s JOIN catalog_product p ON p.id = s.product_id"
        " WHERE s.recategorised AND NOT s.shared AND s.category <> p.category ORDER BY p.id",
        [organisation_id, at, actor],
    )


def update_products(cursor: Cursor, at: datetime) -> list[tuple[int, bool]]:
    """Change what differs in products that have one variant; the units behind them, and whether the category is another."""
    cursor.execute(
        "UPDATE catalog_product AS p SET title = coalesce(s.title, p.title), brand = coalesce(s.brand, p.brand),"
        " category = coalesce(s.category, p.category), description = coalesce(s.description, p.description), updated_at = %s"
        " FROM import_product s WHERE p.id = s.product_id AND (s.product_differs OR s.facts_differ) AND NOT s.shared"
        " RETURNING s.unit_id, s.recategorised",
        [at],
    )
    return rows(cursor)


def insert_identifiers(cursor: Cursor, organisation_id: int) -> None:
    """Give GTINs and additional codes to units that were made in this transaction: they have none yet."""
    cursor.execute(
        "INSERT INTO catalog_identifier (organisation_id, stock_unit_id, kind, scope, value, pack_factor)"
        " SELECT %s, unit_id, 'gtin', '', gtin, 1 FROM import_product WHERE fresh AND gtin IS NOT NULL"
        " UNION ALL SELECT %s, s.unit_id, 'code', '', c.code, 1"
        " FROM import_product s, unnest(string_to_array(s.codes, chr(31))) AS c (code) WHERE s.fresh",
        [organisation_id, organisation_id],
    )


def add_identifiers(cursor: Cursor, organisation_id: int) -> list[int]:
    """Add GTINs (unless the unit has the same one with other leading zeros) and codes to units that existed; those that got one."""
    cursor.execute(
        "INSERT INTO catalog_identifier (organisation_id, stock_unit_id, kind, scope, value, pack_factor)"
        " SELECT %s, n.unit_id, n.kind, '', n.value, 1 FROM ("
        "  SELECT s.unit_id, 'gtin' AS kind, s.gtin AS value FROM import_product s WHERE NOT s.fresh AND s.gtin IS NOT NULL"
        "   AND NOT EXISTS (SELECT FROM catalog_identifier i WHERE i.stock_unit_id = s.unit_id AND i.kind = 'gtin' AND i.scope = ''"
        "    AND ltrim(i.value, '0') = ltrim(s.gtin, '0'))"
        "  UNION ALL SELECT s.unit_id, 'code', c.code FROM import_product s, unnest(string_to_array(s.codes, chr(31))) AS c (code)"
        "  WHERE NOT s.fresh AND NOT EXISTS (SELECT FROM catalog_identifier i WHERE i.stock_unit_id = s.unit_id AND i.kind = 'code'"
        "   AND i.scope = '' AND i.value = c.code)) AS n"
        " ORDER BY n.kind, n.value, n.unit_id"
        " ON CONFLICT (organisation_id, kind, scope, value, stock_unit_id) DO NOTHING RETURNING stock_unit_id",
        [organisation_id],
    )
    return [row[0] for row in rows(cursor)]


def insert_prices(cursor: Cursor, organisation_id: int) -> None:
    """Give base prices to units that were made in this transaction: they have none yet."""
    cursor.execute(
        "INSERT INTO catalog_price (organisation_id, price_list_id, stock_unit_id, amount)"
        " SELECT %s, l.id, s.unit_id, s.amount FROM import_product s"
        " JOIN catalog_pricelist l ON l.organisation_id = %s AND l.code = s.list_code WHERE s.fresh AND s.amount IS NOT NULL",
        [organisation_id, organisation_id],
    )


def upsert_prices(cursor: Cursor, organisation_id: int) -> list[int]:
    """Set base prices that differ, of units that existed; those whose price changed. Locks: the rows, by unit. Index: price_once."""
    cursor.execute(
        "INSERT INTO catalog_price AS p (organisation_id, price_list_id, stock_unit_id, amount)"
        " SELECT %s, l.id, s.unit_id, s.amount FROM import_product s"
        " JOIN catalog_pricelist l ON l.organisation_id = %s AND l.code = s.list_code"
        " LEFT JOIN catalog_price o ON o.price_list_id = l.id AND o.stock_unit_id = s.unit_id"
        " WHERE NOT s.fresh AND s.amount IS NOT NULL AND o.amount IS DISTINCT FROM s.amount ORDER BY s.unit_id"
        " ON CONFLICT (price_list_id, stock_unit_id) DO UPDATE SET amount = excluded.amount WHERE p.amount <> excluded.amount"
        " RETURNING p.stock_unit_id",
        [organisation_id, organisation_id],
    )
    return [row[0] for row in rows(cursor)]


Part = tuple[str, int, int]
"""SKU of the kit, unit of the component, quantity"""


def keep_components(cursor: Cursor, organisation_id: int, at: datetime, actor: str, parts: Sequence[Part]) -> None:
    """Keep what kits of the chunk consisted of, where ``set_components`` is about to change it (``core.history``)."""
    skus, units, quantities = (list(column) for column in zip(*parts, strict=True))
    cursor.execute(
        "INSERT INTO core_factchange (organisation_id, at, actor, kind, subject_id, part, before, after)"
        " SELECT %s, %s, %s, 'kit', kit_id, part::text, to_jsonb(is_.quantity), to_jsonb(shall.quantity) FROM ("
        "  SELECT c.kit_id, c.component_id AS part, c.quantity FROM catalog_kitcomponent c JOIN import_product s ON s.unit_id = c.kit_id"
        "  WHERE s.sku = ANY(%s)) AS is_"
        " FULL JOIN (SELECT s.unit_id AS kit_id, n.unit AS part, n.quantity"
        "  FROM unnest(%s::text[], %s::bigint[], %s::int[]) AS n (sku, unit, quantity) JOIN import_product s ON s.sku = n.sku) AS shall"
        " USING (kit_id, part) WHERE is_.quantity IS DISTINCT FROM shall.quantity ORDER BY kit_id, part",
        [organisation_id, at, actor, skus, skus, units, quantities],
    )


def set_components(cursor: Cursor, organisation_id: int, parts: Sequence[Part]) -> list[int]:
    """Make kits of the chunk consist of these parts and no others; the kits that changed. Index: kit_component_once."""
    skus, units, quantities = (list(column) for column in zip(*parts, strict=True))
    cursor.execute(
        "DELETE FROM catalog_kitcomponent AS c USING import_product s WHERE c.kit_id = s.unit_id AND NOT EXISTS"
        " (SELECT FROM unnest(%s::text[], %s::bigint[]) AS n (sku, unit) WHERE n.sku = s.sku AND n.unit = c.component_id)"
        " RETURNING c.kit_id",
        [skus, units],
    )
    changed = [row[0] for row in rows(cursor)]
    cursor.execute(
        "INSERT INTO catalog_kitcomponent AS c (organisation_id, kit_id, component_id, quantity, kit_kind, component_kind)"
        " SELECT %s, s.unit_id, n.unit, n.quantity, 'kit', 'single'"
        " FROM unnest(%s::text[], %s::bigint[], %s::int[]) AS n (sku, unit, quantity) JOIN import_product s ON s.sku = n.sku"
        " ORDER BY s.unit_id, n.unit"
        " ON CONFLICT (kit_id, component_id) DO UPDATE SET quantity = excluded.quantity WHERE c.quantity <> excluded.quantity"
        " RETURNING c.kit_id",
        [organisation_id, skus, units, quantities],
    )
    return changed + [row[0] for row in rows(cursor)]


def units_by_sku(cursor: Cursor, organisation_id: int, skus: Sequence[str]) -> dict[str, tuple[int, str]]:
    """{SKU: (unit, kind)} of those that exist. Index: stock_unit_sku_once."""
    cursor.execute(
        "SELECT sku, id, kind FROM catalog_stockunit WHERE organisation_id = %s AND sku = ANY(%s) ORDER BY sku",
        [organisation_id, list(skus)],
    )
    return {row[0]: (row[1], row[2]) for row in rows(cursor)}
