"""SQL of overrides and of the last hour's sales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from stallkeeper.channels.overriding import NAMES, Overrides
from stallkeeper.core.copy import Ints, array, columns, moments, read_columns, texts
from stallkeeper.core.sql import Cursor, rows

ROW_COLUMNS = ("channel", "unit", "category", *NAMES)
NUMBER_OF = "(hashtextextended(category, 0) & 9223372036854775807)"
"""A category's number, the same in two statements between which others may have written."""
IN_FORCE = "valid_from <= %(at)s AND (valid_until IS NULL OR valid_until > %(at)s)"


def gather(channels: Sequence[int], units: Ints, *, whole: bool, at: datetime | None = None, also: Sequence[str] = ()) -> Overrides:
    """The overrides of channels that matter to units (``whole``: these are all there are), now or as they were in force ``at`` a moment.

    Products stand in the categories that they stand in now; ``also``: categories whose members are wanted whether or not they have rules.
    Indexes: rule_override_unit_once, rule_override_current,
    variant_once (its stock unit).
    """
    force = "valid_until IS NULL" if at is None else IN_FORCE
    given = {"channels": array(channels), "units": units, "at": at, "also": texts(also)}
    mine = "" if whole else "AND (stock_unit_id IS NULL OR stock_unit_id = ANY(%(units)s::bigint[]))"
    found = read_columns(
        f"""
        SELECT channel_id, CASE WHEN stock_unit_id IS NULL THEN -1 ELSE stock_unit_id END,
               CASE WHEN stock_unit_id IS NULL THEN {NUMBER_OF} ELSE -1 END,
               coalesce((share * 100)::bigint, -1),
               (CASE share_rounding WHEN 'down' THEN 0 WHEN 'up' THEN 1 WHEN 'nearest' THEN 2 ELSE -1 END)::bigint,
               coalesce(buffer, -1)::bigint, coalesce(max_publish, -1)::bigint, coalesce(zero_at, -1)::bigint,
               coalesce(fixed, -1)::bigint, coalesce((velocity_share * 100)::bigint, -1)
        FROM channels_ruleoverride WHERE channel_id = ANY(%(channels)s::bigint[]) AND {force} {mine}
        ORDER BY id
        """,  # noqa: S608 - constants of this module
        given,
        ROW_COLUMNS,
    )
    members = _members(force, given, whole=whole) if also or (found["category"] >= 0).any() else {"unit": units[:0], "category": units[:0]}
    said = {name: found[name] for name in NAMES}
    return Overrides(found["channel"], found["unit"], found["category"], said, members["unit"], members["category"])


def _members(force: str, given: Mapping[str, object], *, whole: bool) -> dict[str, Ints]:
    """Units whose first variant's product is in a category with rules of its own, and the category's number."""
    mine = "" if whole else "WHERE variant.stock_unit_id = ANY(%(units)s::bigint[])"
    return read_columns(
        f"""
        SELECT first.unit, {NUMBER_OF.replace("category", "first.category")} FROM (
            SELECT DISTINCT ON (variant.stock_unit_id) variant.stock_unit_id AS unit, product.category
            FROM catalog_variant AS variant JOIN catalog_product AS product ON product.id = variant.product_id {mine}
            ORDER BY variant.stock_unit_id, variant.id) AS first
        WHERE first.category IN (SELECT category FROM channels_ruleoverride
                                 WHERE channel_id = ANY(%(channels)s::bigint[]) AND stock_unit_id IS NULL AND {force})
           OR first.category = ANY(%(also)s::text[])
        ORDER BY first.unit
        """,  # noqa: S608 - constants of this module
        given,
        ("unit", "category"),
    )


def category_numbers(cursor: Cursor, categories: Sequence[str]) -> dict[str, int]:
    """The numbers of categories. Reads no table."""
    cursor.execute(
        f"SELECT category, {NUMBER_OF} FROM unnest(%s::text[]) AS row(category) ORDER BY category",  # noqa: S608 - a constant
        [texts(categories)],
    )
    return dict(rows(cursor))


SALES_LOCK = 5_300_005


def hold_rules(cursor: Cursor, organisation: int) -> None:
    """Sales come in. Locks: an advisory lock, until the transaction ends, shared by all who do this, against ``hold_sales``."""
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, (%s %% 2147483647)::int)", [SALES_LOCK, organisation])


def hold_sales(cursor: Cursor, organisation: int) -> None:
    """A rule is saved that keeps sales back. Locks: the same for oneself alone, until the transaction ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s::int, (%s %% 2147483647)::int)", [SALES_LOCK, organisation])


SoldRow = tuple[int, int, datetime]
"""Counted unit, units, when they were sold."""


def insert_sales(cursor: Cursor, organisation: int, at: datetime, sales: Sequence[SoldRow]) -> None:
    """Keep what was sold. Locks: the new rows."""
    cursor.execute(
        """
        INSERT INTO channels_unitsale (organisation_id, stock_unit_id, quantity, sold_at, recorded_at)
        SELECT %s, row.unit, row.quantity, row.sold_at, %s
        FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS row(unit, quantity, sold_at)
        """,
        [organisation, at, *columns(sales, array, array, moments)],
    )


def sold_lately(organisation: int, units: Ints, *, whole: bool) -> dict[str, Ints]:
    """Units sold in the last hour, by counted unit, rising; of the given units, or of all. Index: unit_sale_counts."""
    mine = "" if whole else "AND stock_unit_id = ANY(%(units)s::bigint[])"
    return read_columns(
        f"""
        SELECT stock_unit_id, sum(quantity)::bigint FROM channels_unitsale
        WHERE organisation_id = %(organisation)s AND passed_at IS NULL {mine}
        GROUP BY stock_unit_id ORDER BY stock_unit_id
        """,  # noqa: S608 - constants of this module
        {"organisation": organisation, "units": np.unique(units)},
        ("unit", "quantity"),
    )


def pass_sales(cursor: Cursor, organisation: int, at: datetime, sold_before: datetime, most: int) -> list[int]:
    """Sales from before a moment count no longer; the units of at most so many of them. Locks: these rows. Index: unit_sale_due."""
    cursor.execute(
        """
        WITH due AS (
            SELECT id FROM channels_unitsale
            WHERE organisation_id = %s AND passed_at IS NULL AND sold_at <= %s ORDER BY sold_at, id LIMIT %s)
        UPDATE channels_unitsale AS sale SET passed_at = %s FROM due
        WHERE sale.id = due.id AND sale.passed_at IS NULL RETURNING sale.stock_unit_id
        """,
        [organisation, sold_before, most, at],
    )
    return sorted({row[0] for row in rows(cursor)})


def pass_all(cursor: Cursor, organisation: int, at: datetime) -> None:
    """No sale that is known counts any longer. Locks: these rows. Index: unit_sale_due."""
    cursor.execute("UPDATE channels_unitsale SET passed_at = %s WHERE organisation_id = %s AND passed_at IS NULL", [at, organisation])
