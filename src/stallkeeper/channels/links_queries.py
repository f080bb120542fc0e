"""SQL of linking. All statements are set-based: an account may list 100,000 offers."""

from __future__ import annotations

from datetime import datetime

from stallkeeper.core.queries import many_rows
from stallkeeper.core.sql import Cursor, rows


def adopt_numbers(cursor: Cursor, channel_id: int, page: str) -> int:
    """Give listings that came without a number on the channel the one that the page brings. Locks those rows; uses remote_listing_once."""
    cursor.execute(
        """
        UPDATE channels_remotelisting l SET external_id = p.external_id
        FROM jsonb_to_recordset(%(page)s::jsonb) AS p(sku text, external_id text)
        WHERE l.channel_id = %(channel)s AND l.sku = p.sku AND l.external_id = '' AND p.external_id <> ''
          AND NOT EXISTS (SELECT 1 FROM channels_remotelisting o
                          WHERE o.channel_id = %(channel)s AND o.sku = p.sku AND o.external_id = p.external_id)
        """,
        {"page": page, "channel": channel_id},
    )
    return int(cursor.rowcount)


def upsert_listings(cursor: Cursor, organisation_id: int, channel_id: int, page: str, at: datetime) -> tuple[int, int]:
    """Write a page of listings: (new, seen before). Locks their rows in key order; uses remote_listing_once."""
    cursor.execute(
        """
        WITH page AS (
            SELECT DISTINCT ON (sku, external_id) *
            FROM jsonb_to_recordset(%(page)s::jsonb) AS p(
                sku text, external_id text, title text, status text, gtins varchar(14)[], codes varchar(100)[], channel_ids jsonb,
                quantity int, price numeric(18, 4), currency text, fulfilled_by text)
            ORDER BY sku, external_id
        ), written AS (
            INSERT INTO channels_remotelisting AS l (organisation_id, channel_id, sku, external_id, title, status, gtins, codes,
                channel_ids, quantity, price, currency, fulfilled_by, state, candidates, seen_at)
            SELECT %(organisation)s, %(channel)s, sku, external_id, title, status, gtins, codes, channel_ids, quantity, price, currency,
                fulfilled_by, 'new', '[]'::jsonb, %(at)s FROM page
            ON CONFLICT (channel_id, sku, external_id) DO UPDATE SET
                title = EXCLUDED.title, status = EXCLUDED.status, gtins = EXCLUDED.gtins, codes = EXCLUDED.codes,
                channel_ids = EXCLUDED.channel_ids, quantity = EXCLUDED.quantity, price = EXCLUDED.price, currency = EXCLUDED.currency,
                fulfilled_by = EXCLUDED.fulfilled_by, seen_at = EXCLUDED.seen_at
            RETURNING (xmax = 0) AS fresh
        )
        SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM written
        """,
        {"page": page, "organisation": organisation_id, "channel": channel_id, "at": at},
    )
    ((new, known),) = rows(cursor)
    return new, known


def forget_unseen(cursor: Cursor, channel_id: int, before: datetime) -> tuple[int, int]:
    """Listings that a complete read no longer brought: unlinked ones go, linked ones are marked ``gone``: (deleted, marked)."""
    cursor.execute(
        "DELETE FROM channels_remotelisting WHERE channel_id = %s AND seen_at < %s AND state IN ('new', 'ambiguous')", [channel_id, before]
    )
    deleted = int(cursor.rowcount)
    cursor.execute(
        "UPDATE channels_remotelisting SET status = 'gone' WHERE channel_id = %s AND seen_at < %s AND status <> 'gone'",
        [channel_id, before],
    )
    return deleted, int(cursor.rowcount)


EVIDENCE = """
    SELECT o.id, 1 AS step, 'sku' AS by, u.id AS unit, u.sku, 1 AS factor, o.sku AS value
    FROM open o JOIN catalog_stockunit u ON u.organisation_id = %(organisation)s AND u.sku = o.sku AND u.active
    UNION
    SELECT o.id, 2, 'gtin', u.id, u.sku, i.pack_factor, i.value
    FROM open o CROSS JOIN LATERAL unnest(o.gtins || o.sku) AS g(value)
    JOIN catalog_identifier i ON i.organisation_id = %(organisation)s AND i.kind = 'gtin'
        AND lpad(i.value, 14, '0') = lpad(g.value, 14, '0')
    JOIN catalog_stockunit u ON u.id = i.stock_unit_id AND u.active
    WHERE length(g.value) BETWEEN 8 AND 14
    UNION
    SELECT o.id, 3, 'code', u.id, u.sku, i.pack_factor, i.value
    FROM open o CROSS JOIN LATERAL unnest(o.codes || o.sku) AS c(value)
    JOIN catalog_identifier i ON i.organisation_id = %(organisation)s AND i.kind = 'code' AND i.scope = '' AND i.value = c.value
    JOIN catalog_stockunit u ON u.id = i.stock_unit_id AND u.active
    UNION
    SELECT o.id, 3, 'code', u.id, u.sku, 1, c.value
    FROM open o CROSS JOIN LATERAL unnest(o.codes) AS c(value)
    JOIN catalog_stockunit u ON u.organisation_id = %(organisation)s AND u.sku = c.value AND u.active
    UNION
    SELECT o.id, 4, 'channel', u.id, u.sku, i.pack_factor, i.value
    FROM open o CROSS JOIN LATERAL jsonb_each_text(o.channel_ids) AS n(name, value)
    JOIN catalog_identifier i ON i.organisation_id = %(organisation)s AND i.kind = 'channel' AND i.scope = %(platform)s
        AND i.value = n.value
    JOIN catalog_stockunit u ON u.id = i.stock_unit_id AND u.active
"""


def propose(cursor: Cursor, organisation_id: int, channel_id: int, platform: str, listing_ids: list[int] | None = None) -> None:
    """Search a unit for every listing (or for these) that is not linked (S4.15-S4.18), in this order: SKU, GTIN, codes, channel id.

    The first step that finds anything decides: one unit (and one pack factor) leaves the listing ``new`` with candidates, several make
    it ``ambiguous``. Locks the listings whose result changes; uses remote_listing_state, stock_unit_sku_once and identifier_once.
    """
    cursor.execute(
        f"""
        WITH open AS MATERIALIZED (
            SELECT id, sku, gtins, codes, channel_ids FROM channels_remotelisting
            WHERE channel_id = %(channel)s AND state IN ('new', 'ambiguous')
              AND (%(listings)s::bigint[] IS NULL OR id = ANY(%(listings)s::bigint[]))
        ), evidence AS ({EVIDENCE}
        ), ranked AS (SELECT *, min(step) OVER (PARTITION BY id) AS first FROM evidence
        ), judged AS (
            SELECT id, count(DISTINCT (unit, factor)) FILTER (WHERE step = first) AS hits,
                jsonb_agg(jsonb_build_object('unit', unit, 'sku', sku, 'by', by, 'value', value, 'factor', factor)
                          ORDER BY step, sku, value, factor) AS candidates
            FROM ranked GROUP BY id
        ), result AS (
            SELECT o.id, coalesce(j.candidates, '[]'::jsonb) AS candidates, CASE WHEN j.hits > 1 THEN 'ambiguous' ELSE 'new' END AS state
            FROM open o LEFT JOIN judged j USING (id)
        )
        UPDATE channels_remotelisting l SET candidates = r.candidates, state = r.state
        FROM result r WHERE l.id = r.id AND (l.candidates IS DISTINCT FROM r.candidates OR l.state IS DISTINCT FROM r.state)
        """,  # noqa: S608 - EVIDENCE is a constant
        {"organisation": organisation_id, "channel": channel_id, "platform": platform, "listings": listing_ids},
    )


def counts(cursor: Cursor, channel_id: int) -> dict[str, int]:
    """How many listings are certain, ambiguous, new (nothing fits), linked, excluded. Reads remote_listing_state."""
    cursor.execute(
        """
        SELECT CASE WHEN state = 'new' AND candidates <> '[]'::jsonb THEN 'certain' ELSE state END AS what, count(*)
        FROM channels_remotelisting WHERE channel_id = %s GROUP BY 1 ORDER BY 1
        """,
        [channel_id],
    )
    return dict(rows(cursor))


def counts_up_to(cursor: Cursor, organisation_id: int, most: int) -> dict[int, dict[str, int]]:
    """The same of every channel, each figure counted up to ``most``, so that it costs the same with a million listings.

    Reads remote_listing_state, remote_listing_certain and remote_listing_bare.
    """
    cursor.execute(
        """
        SELECT c.id, w.what, n.found
        FROM channels_channel c
        CROSS JOIN (VALUES ('linked'), ('ambiguous'), ('excluded'), ('new'), ('certain')) AS w(what)
        CROSS JOIN LATERAL (
            SELECT count(*)::int AS found FROM (
                (SELECT 1 FROM channels_remotelisting l
                 WHERE w.what IN ('linked', 'ambiguous', 'excluded') AND l.channel_id = c.id AND l.state = w.what LIMIT %(most)s)
                UNION ALL
                (SELECT 1 FROM channels_remotelisting l
                 WHERE w.what = 'new' AND l.channel_id = c.id AND l.state = 'new' AND l.candidates = '[]'::jsonb LIMIT %(most)s)
                UNION ALL
                (SELECT 1 FROM channels_remotelisting l
                 WHERE w.what = 'certain' AND l.channel_id = c.id AND l.state = 'new' AND l.candidates <> '[]'::jsonb LIMIT %(most)s)
            ) AS rows
        ) AS n
        WHERE c.organisation_id = %(organisation)s
        ORDER BY c.id, w.what
        """,
        {"organisation": organisation_id, "most": most},
    )
    found: dict[int, dict[str, int]] = {}
    for channel, what, number in rows(cursor):
        found.setdefault(channel, {})[what] = number
    return found


def certain(cursor: Cursor, channel_id: int) -> list[int]:
    """Ids of the listings that exactly one unit fits, in key order. Reads remote_listing_state."""
    cursor.execute(
        """
        SELECT id FROM channels_remotelisting WHERE channel_id = %s AND state = 'new' AND candidates <> '[]'::jsonb ORDER BY id
        """,
        [channel_id],
    )
    return [row[0] for row in rows(cursor)]


LINK = """jsonb_build_object('unit', {0}.stock_unit_id, 'pack', {0}.pack_factor, 'excluded', {0}.stock_excluded, 'since', {0}.linked_at)"""
"""The link of an offer, as ``core.history`` keeps it."""


def create_offers(cursor: Cursor, organisation_id: int, listing_ids: list[int], at: datetime, actor: str) -> list[tuple[int, int, int]]:
    """Link listings to their first candidate: (listing, offer, unit) of those that could be, ordered by listing.

    An offer with this SKU that is linked to another listing, or to another unit, is left alone. What the channel listed counts as
    observed, and so as believed. Locks the listings in key order, then the offers; uses offer_sku_once and remote_listing_once.
    """
    cursor.execute(
        f"""
        WITH chosen AS MATERIALIZED (
            SELECT DISTINCT ON (l.channel_id, l.sku) l.*, (l.candidates->0->>'unit')::bigint AS unit,
                   (l.candidates->0->>'factor')::int AS factor, l.candidates->0->>'by' AS by
            FROM (SELECT * FROM channels_remotelisting
                  WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s) AND state = 'new' AND candidates <> '[]'::jsonb
                  ORDER BY id FOR UPDATE) l
            ORDER BY l.channel_id, l.sku, l.id
        ), made AS (
            INSERT INTO channels_offer AS o (organisation_id, channel_id, stock_unit_id, sku, external_id, pack_factor, fulfilled_by,
                stock_excluded, prices_excluded, observed_qty, observed_at, believed_qty, open_qty, refused_code, refused_message,
                linked_by, linked_at)
            SELECT %(organisation)s, channel_id, unit, sku, external_id, factor, fulfilled_by, false, false, quantity,
                CASE WHEN quantity IS NOT NULL THEN seen_at END, quantity, 0, '', '', by, %(at)s
            FROM chosen ORDER BY channel_id, sku
            ON CONFLICT (channel_id, sku) DO UPDATE SET
                stock_unit_id = EXCLUDED.stock_unit_id, external_id = EXCLUDED.external_id, pack_factor = EXCLUDED.pack_factor,
                fulfilled_by = EXCLUDED.fulfilled_by, stock_excluded = false, prices_excluded = false,
                observed_qty = EXCLUDED.observed_qty, observed_at = EXCLUDED.observed_at, believed_qty = EXCLUDED.believed_qty,
                linked_by = EXCLUDED.linked_by, linked_at = EXCLUDED.linked_at
            WHERE (o.linked_by = '' OR o.stock_unit_id = EXCLUDED.stock_unit_id)
              AND NOT EXISTS (SELECT 1 FROM channels_remotelisting r WHERE r.offer_id = o.id)
            RETURNING o.*
        ), kept AS (
            INSERT INTO core_factchange (organisation_id, at, actor, kind, subject_id, part, before, after)
            SELECT %(organisation)s, %(at)s, %(actor)s, 'offer', made.id, '', {LINK.format("was")}, {LINK.format("made")}
            FROM made JOIN channels_offer AS was ON was.id = made.id
        )
        UPDATE channels_remotelisting l SET state = 'linked', offer_id = m.id
        FROM made m WHERE l.channel_id = m.channel_id AND l.sku = m.sku AND l.external_id = m.external_id
        RETURNING l.id, m.id, m.stock_unit_id
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation_id, "ids": listing_ids, "at": at, "actor": actor},
    )
    return sorted(rows(cursor))


def observe_prices(cursor: Cursor, organisation_id: int, listing_ids: list[int]) -> None:
    """Keep the price that the channel listed as observed and believed. Locks the offers' prices in key order."""
    cursor.execute(
        """
        INSERT INTO channels_offerprice (offer_id, organisation_id, currency, observed, observed_at, believed,
            refused_code, refused_message)
        SELECT offer_id, %(organisation)s, currency, price, seen_at, price, '', '' FROM channels_remotelisting
        WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s) AND offer_id IS NOT NULL AND price IS NOT NULL AND currency <> ''
        ORDER BY offer_id
        ON CONFLICT (offer_id) DO UPDATE SET observed = EXCLUDED.observed, observed_at = EXCLUDED.observed_at,
            believed = EXCLUDED.believed, currency = EXCLUDED.currency
        """,
        {"organisation": organisation_id, "ids": listing_ids},
    )


def remember_channel_ids(cursor: Cursor, organisation_id: int, listing_ids: list[int]) -> int:
    """Store the ids of linked listings on their units, each for the platform of its channel, so that they are recognised later (S4.19).
    Uses identifier_once."""
    with many_rows(cursor, len(listing_ids)):
        cursor.execute(
            """
            INSERT INTO catalog_identifier (organisation_id, stock_unit_id, kind, scope, value, pack_factor)
            SELECT DISTINCT %(organisation)s::bigint, o.stock_unit_id, 'channel', a.platform, n.value, o.pack_factor
            FROM channels_remotelisting l JOIN channels_offer o ON o.id = l.offer_id
            JOIN channels_channel c ON c.id = l.channel_id JOIN channels_connection a ON a.id = c.connection_id
            CROSS JOIN LATERAL jsonb_each_text(l.channel_ids) AS n(name, value)
            WHERE l.organisation_id = %(organisation)s AND l.id = ANY(%(ids)s) AND n.value <> '' AND length(n.value) <= 100
            ORDER BY 2, 4, 5
            ON CONFLICT (organisation_id, kind, scope, value, stock_unit_id) DO NOTHING
            """,
            {"organisation": organisation_id, "ids": listing_ids},
        )
        return int(cursor.rowcount)


def create_units(cursor: Cursor, organisation_id: int, listing_ids: list[int], at: datetime) -> list[tuple[int, int]]:
    """A product, unit and variant for each listing without any candidate: (listing, unit), ordered (S4.20, S4.21).

    A SKU that a unit has already (an inactive one) makes nothing. Locks the listings in key order; uses stock_unit_sku_once.
    """
    cursor.execute(
        """
        WITH chosen AS MATERIALIZED (
            SELECT DISTINCT ON (l.sku) l.id, l.sku, left(coalesce(nullif(l.title, ''), l.sku), 500) AS title
            FROM (SELECT * FROM channels_remotelisting
                  WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s) AND state = 'new' AND candidates = '[]'::jsonb
                    AND sku <> ''
                  ORDER BY id FOR UPDATE) l
            ORDER BY l.sku, l.id
        ), units AS (
            INSERT INTO catalog_stockunit (organisation_id, sku, title, kind, stocked, active, created_at)
            SELECT %(organisation)s, sku, title, 'single', true, true, %(at)s FROM chosen ORDER BY sku
            ON CONFLICT (organisation_id, sku) DO NOTHING RETURNING id, sku, title
        ), products AS (
            INSERT INTO catalog_product (id, organisation_id, title, brand, category, description, created_at, updated_at)
            SELECT nextval(pg_get_serial_sequence('catalog_product', 'id')), %(organisation)s, title, '', '', '', %(at)s, %(at)s
            FROM units ORDER BY id RETURNING id, title
        ), paired AS (
            SELECT u.id AS unit, p.id AS product FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM units) u
            JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM products) p USING (n)
        ), variants AS (
            INSERT INTO catalog_variant (organisation_id, product_id, stock_unit_id, label, position)
            SELECT %(organisation)s, product, unit, '', 0 FROM paired ORDER BY unit
        )
        SELECT c.id, u.id FROM chosen c JOIN units u USING (sku) ORDER BY c.id
        """,
        {"organisation": organisation_id, "ids": listing_ids, "at": at},
    )
    return rows(cursor)


def take_identifiers(cursor: Cursor, organisation_id: int, listing_ids: list[int], unit_ids: list[int]) -> int:
    """Copy the GTINs and codes of listings to the units made from them. Uses identifier_once."""
    cursor.execute(
        """
        INSERT INTO catalog_identifier (organisation_id, stock_unit_id, kind, scope, value, pack_factor)
        SELECT DISTINCT %(organisation)s::bigint, p.unit, f.kind, '', f.value, 1
        FROM unnest(%(listings)s::bigint[], %(units)s::bigint[]) AS p(listing, unit)
        JOIN channels_remotelisting l ON l.id = p.listing
        CROSS JOIN LATERAL (
            SELECT 'gtin', g FROM unnest(l.gtins) g UNION SELECT 'code', c FROM unnest(l.codes) c WHERE c <> l.sku
        ) AS f(kind, value)
        ORDER BY 2, 3, 5
        ON CONFLICT (organisation_id, kind, scope, value, stock_unit_id) DO NOTHING
        """,
        {"organisation": organisation_id, "listings": listing_ids, "units": unit_ids},
    )
    return int(cursor.rowcount)


def set_candidates(cursor: Cursor, organisation_id: int, listing_ids: list[int], unit_ids: list[int], by: str, factor: int) -> int:
    """Make a unit the only candidate of each listing that is not linked. Locks the listings."""
    cursor.execute(
        """
        UPDATE channels_remotelisting l SET state = 'new', candidates = jsonb_build_array(
            jsonb_build_object('unit', u.id, 'sku', u.sku, 'by', %(by)s::text, 'value', l.sku, 'factor', %(factor)s::int))
        FROM unnest(%(listings)s::bigint[], %(units)s::bigint[]) AS p(listing, unit)
        JOIN catalog_stockunit u ON u.id = p.unit AND u.organisation_id = %(organisation)s
        WHERE l.id = p.listing AND l.organisation_id = %(organisation)s AND l.state IN ('new', 'ambiguous')
        """,
        {"organisation": organisation_id, "listings": listing_ids, "units": unit_ids, "by": by, "factor": factor},
    )
    return int(cursor.rowcount)


def exclude(
    cursor: Cursor, organisation_id: int, offer_ids: list[int], stock: bool | None, prices: bool | None, at: datetime, actor: str
) -> list[int]:
    """Set what offers leave out of sending (None = as it is); returns the units of those that changed. Locks the offers in key order."""
    cursor.execute(
        f"""
        WITH locked AS (
            SELECT * FROM channels_offer WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s) ORDER BY id FOR UPDATE
        ), kept AS (
            INSERT INTO core_factchange (organisation_id, at, actor, kind, subject_id, part, before, after)
            SELECT %(organisation)s, %(at)s, %(actor)s, 'offer', id, '', {LINK.format("locked")},
                   {LINK.format("locked")} || jsonb_build_object('excluded', %(stock)s::bool)
            FROM locked WHERE stock_excluded <> %(stock)s ORDER BY id
        )
        UPDATE channels_offer o SET stock_excluded = coalesce(%(stock)s, o.stock_excluded),
            prices_excluded = coalesce(%(prices)s, o.prices_excluded)
        FROM locked WHERE o.id = locked.id
          AND (o.stock_excluded, o.prices_excluded)
              IS DISTINCT FROM (coalesce(%(stock)s, o.stock_excluded), coalesce(%(prices)s, o.prices_excluded))
        RETURNING o.stock_unit_id
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation_id, "ids": offer_ids, "stock": stock, "prices": prices, "at": at, "actor": actor},
    )
    return sorted({row[0] for row in rows(cursor)})
