"""SQL of taking stock runs back. One function per statement; rare, by a person: they read the ledger of the organisation. Locks: none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stallkeeper.core.copy import texts
from stallkeeper.core.sql import Cursor, rows

MoveRow = tuple[str, int, int, int, int, str]
"""reference, unit, quantity, from, to, reason"""


def moves_of(cursor: Cursor, organisation: int, references: Sequence[str], back: str) -> list[MoveRow]:
    """Movements whose reference begins with one of these and a colon, and that were not taken back; by unit and reference."""
    cursor.execute(
        """
        SELECT move.reference, move.stock_unit_id, move.quantity, move.from_location_id, move.to_location_id, move.reason
        FROM stock_movement AS move
        WHERE move.organisation_id = %s AND move.cause IN ('source', 'count')
            AND EXISTS (SELECT FROM unnest(%s::text[]) AS run WHERE starts_with(move.reference, run || ':'))
            AND NOT EXISTS (SELECT FROM stock_movement AS undone
                            WHERE undone.organisation_id = move.organisation_id AND undone.reference = %s || move.reference)
        ORDER BY move.stock_unit_id, move.reference
        """,
        [organisation, texts(list(references)), back],
    )
    return rows(cursor)


def runs_since(cursor: Cursor, organisation: int, since: datetime, back: str, most: int) -> list[tuple[str, datetime, int, int, int, str]]:
    """Runs of imports and sources, newest first: (begin of their references, last movement, units, that rose, that fell, reason)."""
    cursor.execute(
        """
        SELECT coalesce(substring(move.reference FROM '^(?:import:[0-9]+|source:[0-9]+:[0-9]+)(?=:)'),
                        regexp_replace(move.reference, ':[^:]*$', '')) AS run, max(move.recorded_at), count(DISTINCT move.stock_unit_id),
               count(*) FILTER (WHERE origin.owner = 'virtual'), count(*) FILTER (WHERE target.owner = 'virtual'), max(move.reason)
        FROM stock_movement AS move
        JOIN stock_location AS origin ON origin.id = move.from_location_id
        JOIN stock_location AS target ON target.id = move.to_location_id
        WHERE move.organisation_id = %s AND move.cause IN ('source', 'count') AND move.recorded_at > %s
            AND NOT starts_with(move.reference, %s)
            AND NOT EXISTS (SELECT FROM stock_movement AS undone
                            WHERE undone.organisation_id = move.organisation_id AND undone.reference = %s || move.reference)
        GROUP BY run ORDER BY 2 DESC, 1 LIMIT %s
        """,
        [organisation, since, back, back, most],
    )
    return rows(cursor)
