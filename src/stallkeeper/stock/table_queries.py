"""SQL of the stock table. One function per statement."""

from __future__ import annotations

from collections.abc import Sequence

from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows


def on_hand(cursor: Cursor, units: Sequence[int], places: Sequence[int]) -> dict[tuple[int, int], int]:
    """(unit, place) to on hand, where there is a level. Index: primary key of stock_level."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id, on_hand FROM stock_level
        WHERE stock_unit_id = ANY(%s::bigint[]) AND location_id = ANY(%s::bigint[]) ORDER BY stock_unit_id, location_id
        """,
        [array(units), array(places)],
    )
    return {(unit, place): number for unit, place, number in rows(cursor)}


def brought(cursor: Cursor, organisation: int, reference: str, units: Sequence[int]) -> dict[tuple[int, int], tuple[int, int]]:
    """What movements whose reference begins so have changed of units, by (unit, place): (sum, number). Index: movement_unit.

    What was taken back since (``taking_back``) counts against it.
    """
    cursor.execute(
        """
        SELECT move.stock_unit_id, place.id, sum(CASE WHEN move.to_location_id = place.id THEN move.quantity ELSE -move.quantity END)::int,
               count(*) FILTER (WHERE starts_with(move.reference, %(reference)s))
        FROM stock_movement AS move
        JOIN stock_location AS place ON place.id IN (move.from_location_id, move.to_location_id) AND place.owner <> 'virtual'
        WHERE move.organisation_id = %(organisation)s AND move.stock_unit_id = ANY(%(units)s::bigint[])
            AND (starts_with(move.reference, %(reference)s) OR starts_with(move.reference, 'back:' || %(reference)s))
        GROUP BY move.stock_unit_id, place.id ORDER BY move.stock_unit_id, place.id
        """,
        {"organisation": organisation, "reference": reference, "units": array(sorted(set(units)))},
    )
    return {(unit, place): (int(total), number) for unit, place, total, number in rows(cursor)}
