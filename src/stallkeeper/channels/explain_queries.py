"""SQL behind explanations: what lowered a figure, what moved it, what was sent. Reading only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows

LAST = 20
"""Rows of history that an explanation shows."""


def unit_skus(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, str]]:
    """(unit, SKU). Index: primary key."""
    cursor.execute("SELECT id, sku FROM catalog_stockunit WHERE id = ANY(%s::bigint[]) ORDER BY id", [array(units)])
    return rows(cursor)


def location_names(cursor: Cursor, locations: Sequence[int]) -> list[tuple[int, str]]:
    """(location, name). Index: primary key."""
    cursor.execute("SELECT id, name FROM stock_location WHERE id = ANY(%s::bigint[]) ORDER BY id", [array(locations)])
    return rows(cursor)


def promises(cursor: Cursor, units: Sequence[int]) -> list[tuple[Any, ...]]:
    """Reservations of units: (SKU, place, kind, quantity, owner, order line id, expiry). Index: reservation_unit.

    ``orders`` is above this layer: screens that may look there turn a line id into its order.
    """
    cursor.execute(
        """
        SELECT unit.sku, place.name, promise.kind, promise.quantity, promise.owner_type || ' ' || promise.owner_id,
               CASE WHEN promise.owner_type = 'line' THEN promise.owner_id END, promise.expires_at
        FROM stock_reservation AS promise
        JOIN catalog_stockunit AS unit ON unit.id = promise.stock_unit_id
        JOIN stock_location AS place ON place.id = promise.location_id
        WHERE promise.stock_unit_id = ANY(%s::bigint[])
        ORDER BY promise.created_at DESC, promise.id DESC LIMIT 100
        """,
        [array(units)],
    )
    return rows(cursor)


def movements(cursor: Cursor, organisation: int, units: Sequence[int]) -> list[tuple[Any, ...]]:
    """Last movements of units: (SKU, quantity, from, to, cause, reason, occurred, recorded, actor). Index: movement_unit."""
    cursor.execute(
        """
        SELECT unit.sku, move.quantity, origin.name, target.name, move.cause, move.reason, move.occurred_at, move.recorded_at, move.actor
        FROM stock_movement AS move
        JOIN catalog_stockunit AS unit ON unit.id = move.stock_unit_id
        JOIN stock_location AS origin ON origin.id = move.from_location_id
        JOIN stock_location AS target ON target.id = move.to_location_id
        WHERE move.organisation_id = %s AND move.stock_unit_id = ANY(%s::bigint[])
        ORDER BY move.recorded_at DESC, move.id DESC LIMIT %s
        """,
        [organisation, array(units), LAST],
    )
    return rows(cursor)


def sends(cursor: Cursor, offer: int) -> list[tuple[Any, ...]]:
    """Last values sent for an offer: (at, kind, value, outcome, detail). Index: sent_log_offer."""
    cursor.execute(
        """
        SELECT at, kind, value, outcome, detail FROM channels_sent_log
        WHERE offer_id = %s ORDER BY at DESC, id DESC LIMIT %s
        """,
        [offer, LAST],
    )
    return rows(cursor)


def base_price(cursor: Cursor, price_list: int, unit: int) -> Decimal | None:
    """The list price of a unit. Index: price_once."""
    cursor.execute("SELECT amount FROM catalog_price WHERE price_list_id = %s AND stock_unit_id = %s", [price_list, unit])
    found = rows(cursor)
    return found[0][0] if found else None
