"""SQL of places that change: what follows from a place's word on backorder and on selling."""

from __future__ import annotations

from stallkeeper.core.sql import Cursor, rows


def lock_all_levels(cursor: Cursor) -> None:
    """Nobody makes, locks or changes a level until the commit. Locks: stock_level, EXCLUSIVE (reading goes on).

    A level that is being made copies the place's word at that moment; without the lock one could be made with the old word and stay.
    """
    cursor.execute("LOCK TABLE stock_level IN EXCLUSIVE MODE")


def units_at(cursor: Cursor, organisation: int, location: int) -> list[int]:
    """Units with a level at a place, in key order. Reads stock_level by organisation and place: a scan, for rare changes only."""
    cursor.execute(
        "SELECT stock_unit_id FROM stock_level WHERE organisation_id = %s AND location_id = %s ORDER BY stock_unit_id",
        [organisation, location],
    )
    return [row[0] for row in rows(cursor)]


def promised_beyond(cursor: Cursor, organisation: int, location: int) -> list[tuple[int, int]]:
    """Units of which more is promised at a place than is there: (unit, excess). Locks: the rows, in key order. A scan."""
    cursor.execute(
        """
        SELECT stock_unit_id, allocated - on_hand FROM stock_level
        WHERE organisation_id = %s AND location_id = %s AND allocated > on_hand
        ORDER BY stock_unit_id FOR NO KEY UPDATE
        """,
        [organisation, location],
    )
    return rows(cursor)


def copy_backorder(cursor: Cursor, organisation: int, location: int, backorder: bool) -> None:
    """Bring the copy of a place's word to all its levels. Locks: the rows. A scan."""
    cursor.execute(
        "UPDATE stock_level SET backorder = %s WHERE organisation_id = %s AND location_id = %s AND backorder <> %s",
        [backorder, organisation, location, backorder],
    )
