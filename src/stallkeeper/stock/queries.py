"""SQL of stock. One function per statement; the docstring names the locks it takes and the index it needs.

Lock order everywhere: orders, then levels (by unit, place), then offers (by id).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from stallkeeper.core.copy import array, columns, moments, texts
from stallkeeper.core.sql import Answer, Cursor, ask, rows

LevelRow = tuple[int, int, int, int, int, bool]
"""stock_unit_id, location_id, on_hand, allocated, held, backorder"""


LOCK_LEVELS = """
    SELECT stock_unit_id, location_id, on_hand, allocated, held, backorder
    FROM stock_level
    WHERE stock_unit_id = ANY(%s::bigint[]) AND (%s::bigint[] IS NULL OR location_id = ANY(%s::bigint[]))
    ORDER BY stock_unit_id, location_id
    FOR NO KEY UPDATE
"""


QUEUE = 358_930
"""The class of advisory locks (two numbers, the second a unit) in which orders for a unit wait for each other."""


def lock_levels(cursor: Cursor, units: Sequence[int], locations: Sequence[int] | None = None) -> list[LevelRow]:
    """Lock and read the levels of units (at the given places). Locks: stock_level rows in key order. Index: primary key."""
    cursor.execute(LOCK_LEVELS, [array(units), *[None if locations is None else array(locations)] * 2])
    return rows(cursor)


def ask_levels(units: Sequence[int], locations: Sequence[int]) -> Answer[LevelRow]:
    """The same, sent now and awaited when what it returns is called."""
    return ask(LOCK_LEVELS, [array(units), *[array(locations)] * 2], tuple)


def queue_up(cursor: Cursor, units: Sequence[int]) -> None:
    """Wait until whoever was here before for one of these units is through, each in turn; nobody else is kept out by it.

    Those who wait for a row are all woken by each commit, to find that one of them was quicker; of those who wait here one is. Locks: a
    number per unit until the transaction ends, in rising order; take it before levels, and levels all the same.
    """
    cursor.execute(
        "SELECT count(pg_advisory_xact_lock(%s, unit)) FROM unnest(%s::int[]) AS unit",
        [QUEUE, array(sorted({unit & 0x7FFF_FFFF for unit in units}))],
    )


def ensure_levels(cursor: Cursor, organisation: int, units: Sequence[int], locations: Sequence[int]) -> None:
    """Make missing level rows for the pairs (units[i], locations[i]), at zero. Locks: the new rows. Index: primary key."""
    cursor.execute(
        """
        INSERT INTO stock_level (organisation_id, stock_unit_id, location_id, on_hand, allocated, held, backorder)
        SELECT %s, wanted.unit, wanted.location, 0, 0, 0, place.allows_backorder
        FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(unit, location)
        JOIN stock_location AS place ON place.id = wanted.location
        ORDER BY wanted.unit, wanted.location
        ON CONFLICT DO NOTHING
        """,
        [organisation, array(units), array(locations)],
    )


def change_on_hand(cursor: Cursor, deltas: Sequence[tuple[int, int, int]]) -> int:
    """Change on hand: (unit, place, difference). With ``write_reservations`` the only statement that changes levels. Returns rows changed.

    The CHECKs of the table are the guard. Locks: the rows (callers hold them already).
    """
    cursor.execute(
        """
        UPDATE stock_level AS level SET on_hand = level.on_hand + delta.on_hand
        FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS delta(unit, location, on_hand)
        WHERE level.stock_unit_id = delta.unit AND level.location_id = delta.location
        """,
        columns(deltas, array, array, array),
    )
    return int(cursor.rowcount)


MovementRow = tuple[int, int, int, int, str, str, str, datetime]
"""stock_unit_id, quantity, from, to, cause, reference, reason, occurred_at"""


def insert_movements(cursor: Cursor, organisation: int, actor: str, at: datetime, movements: Sequence[MovementRow]) -> list[str]:
    """Append movements; those whose reference exists already are skipped. Returns the new references. Index: movement_reference_once."""
    cursor.execute(
        """
        INSERT INTO stock_movement
            (organisation_id, stock_unit_id, quantity, from_location_id, to_location_id, cause, reference, reason, occurred_at,
             actor, recorded_at)
        SELECT %s, row.unit, row.quantity, row.source, row.target, row.cause, row.reference, row.reason, row.occurred_at, %s, %s
        FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
            AS row(unit, quantity, source, target, cause, reference, reason, occurred_at)
        ON CONFLICT (organisation_id, reference) DO NOTHING
        RETURNING reference
        """,
        [organisation, actor, at, *columns(movements, array, array, array, array, texts, texts, texts, moments)],
    )
    return [row[0] for row in rows(cursor)]


ReservationRow = tuple[str, int, int, int, str, int]
"""owner_type, owner_id, stock_unit_id, location_id, kind, quantity"""


def lock_reservations(cursor: Cursor, owner_type: str, owners: Sequence[int]) -> list[tuple[str, int, int, int, str, int, datetime | None]]:
    """Reservations of owners, each with its due_at. Locks: the rows. Index: reservation_once."""
    cursor.execute(
        """
        SELECT owner_type, owner_id, stock_unit_id, location_id, kind, quantity, due_at
        FROM stock_reservation
        WHERE owner_type = %s AND owner_id = ANY(%s::bigint[])
        ORDER BY owner_id, stock_unit_id, location_id, kind
        FOR UPDATE
        """,
        [owner_type, array(owners)],
    )
    return rows(cursor)


ReservationChange = tuple[str, int, int, int, str, int, int, datetime | None, datetime | None]
"""owner_type, owner_id, stock_unit_id, location_id, kind, before, after, due_at, expires_at"""


LevelDelta = tuple[int, int, int, int]
"""stock_unit_id, location_id, allocated, held: differences"""


ENDED = """
    ended AS (
        DELETE FROM stock_reservation AS r USING change AS c
        WHERE c.after = 0 AND c.before > 0 AND r.owner_type = c.owner_type AND r.owner_id = c.owner_id AND r.stock_unit_id = c.unit
            AND r.location_id = c.location AND r.kind = c.kind
    ),
"""
SET_AGAIN = """
    ON CONFLICT (owner_type, owner_id, stock_unit_id, location_id, kind)
        DO UPDATE SET quantity = EXCLUDED.quantity, due_at = coalesce(EXCLUDED.due_at, stock_reservation.due_at),
            expires_at = EXCLUDED.expires_at
"""


def write_reservations(
    cursor: Cursor,
    organisation: int,
    at: datetime,
    cause: str,
    changes: Sequence[ReservationChange],
    levels: Sequence[LevelDelta],
    *,
    fresh: bool = False,
) -> None:
    """Set reservations to ``after`` (0 ends them), append one event each, and bring their levels along: one statement, one truth.

    The CHECKs of the level are the guard: promising more than is there raises IntegrityError. Locks: the reservations; the levels are
    held already. Index: reservation_once, primary key of level. ``fresh``: no owner can have a reservation yet, which saves looking.
    A reservation that goes on keeps its ``due_at`` where the change names none (goods that leave, goods that are not there).
    """
    change = columns(changes, texts, array, array, array, texts, array, array, moments, moments)
    deltas = columns(levels, array, array, array, array)
    cursor.execute(
        f"""
        WITH change AS MATERIALIZED (
            SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::int[], %s::int[],
                                 %s::timestamptz[], %s::timestamptz[])
                AS c(owner_type, owner_id, unit, location, kind, before, after, due_at, expires_at)
        ), {"" if fresh else ENDED} written AS (
            INSERT INTO stock_reservation
                (organisation_id, stock_unit_id, location_id, owner_type, owner_id, kind, quantity, due_at, expires_at, created_at)
            SELECT %s, unit, location, owner_type, owner_id, kind, after, due_at, expires_at, %s
            FROM change WHERE after > 0
            {"" if fresh else SET_AGAIN}
        ), promised AS (
            UPDATE stock_level AS level SET allocated = level.allocated + delta.allocated, held = level.held + delta.held
            FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[]) AS delta(unit, location, allocated, held)
            WHERE level.stock_unit_id = delta.unit AND level.location_id = delta.location
        )
        INSERT INTO stock_reservation_event
            (organisation_id, at, stock_unit_id, location_id, owner_type, owner_id, kind, before, after, cause)
        SELECT %s, %s, unit, location, owner_type, owner_id, kind, before, after, %s FROM change
        """,  # noqa: S608 - constants of this module
        [*change, organisation, at, *deltas, organisation, at, cause],
    )


def redate(cursor: Cursor, owner_type: str, due: Mapping[int, datetime]) -> None:
    """Reservations of these owners must leave at another moment. Locks: the rows (callers hold them already). Index: reservation_once."""
    cursor.execute(
        """
        UPDATE stock_reservation AS r SET due_at = new.due_at
        FROM unnest(%s::bigint[], %s::timestamptz[]) AS new(owner_id, due_at)
        WHERE r.owner_type = %s AND r.owner_id = new.owner_id
        """,
        [array(due.keys()), moments(due.values()), owner_type],
    )


def latest_due_allocations(cursor: Cursor, unit: int, location: int) -> list[tuple[str, int, int]]:
    """Allocations of a unit at a place, the latest dispatch first: (owner_type, owner_id, quantity). Index: reservation_unit."""
    cursor.execute(
        """
        SELECT owner_type, owner_id, quantity FROM stock_reservation
        WHERE stock_unit_id = %s AND location_id = %s AND kind = 'allocated'
        ORDER BY due_at DESC NULLS FIRST, owner_id DESC
        FOR UPDATE
        """,
        [unit, location],
    )
    return rows(cursor)


def expired_holds(cursor: Cursor, organisation: int, at: datetime, limit: int) -> list[tuple[str, int]]:
    """Owners of holds whose time is over: (owner_type, owner_id). Index: reservation_expiry."""
    cursor.execute(
        """
        SELECT DISTINCT owner_type, owner_id FROM stock_reservation
        WHERE organisation_id = %s AND expires_at <= %s
        ORDER BY owner_type, owner_id LIMIT %s
        """,
        [organisation, at, limit],
    )
    return rows(cursor)


def set_expiry(cursor: Cursor, owner_type: str, owner: int, expires_at: datetime | None) -> None:
    """When the owner's reservations end by themselves. Locks: the rows (callers hold them already). Index: reservation_once."""
    cursor.execute(
        "UPDATE stock_reservation SET expires_at = %s WHERE owner_type = %s AND owner_id = %s AND expires_at IS DISTINCT FROM %s",
        [expires_at, owner_type, owner, expires_at],
    )


def lapsed_reservations(cursor: Cursor, owner_type: str, owners: Sequence[int], at: datetime) -> list[ReservationRow]:
    """Those reservations of the owners whose time is over, in key order. Index: reservation_once."""
    cursor.execute(
        """
        SELECT owner_type, owner_id, stock_unit_id, location_id, kind, quantity
        FROM stock_reservation
        WHERE owner_type = %s AND owner_id = ANY(%s::bigint[]) AND expires_at <= %s
        ORDER BY owner_id, stock_unit_id, location_id, kind
        """,
        [owner_type, array(owners), at],
    )
    return rows(cursor)


def on_hand_as_of(cursor: Cursor, organisation: int, location: int, units: Sequence[int], at: datetime) -> dict[int, int]:
    """On hand of units at a place as it was at ``at`` by the clock of events: the sum of legs. Index: movement_unit."""
    cursor.execute(
        """
        SELECT stock_unit_id, sum(CASE WHEN to_location_id = %s THEN quantity ELSE -quantity END)
        FROM stock_movement
        WHERE organisation_id = %s AND stock_unit_id = ANY(%s) AND occurred_at <= %s AND %s IN (from_location_id, to_location_id)
        GROUP BY stock_unit_id ORDER BY stock_unit_id
        """,
        [location, organisation, list(units), at, location],
    )
    return dict(rows(cursor))


def take_stale(cursor: Cursor, organisation: int, limit: int) -> list[int]:
    """Take marks of units whose offers wait to be looked at again. Locks: the marks, skipping those another worker has."""
    cursor.execute(
        """
        DELETE FROM stock_stale WHERE id IN (
            SELECT id FROM stock_stale WHERE organisation_id = %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
        RETURNING stock_unit_id
        """,
        [organisation, limit],
    )
    return sorted(row[0] for row in rows(cursor))


def mark_stale(cursor: Cursor, organisation: int, units: Sequence[int]) -> None:
    """Leave marks for the job that refreshes the rest, every fourth unit first. Index: stale_once.

    Offers of neighbours share a page. Changed all at once they would leave it and be entered anew in four indexes; a quarter finds room.
    """
    cursor.execute(
        """
        INSERT INTO stock_stale (organisation_id, stock_unit_id)
        SELECT %s, unit FROM unnest(%s::bigint[]) AS unit ORDER BY unit %% 4, unit
        ON CONFLICT DO NOTHING
        """,
        [organisation, array(units)],
    )


def mark_again(cursor: Cursor, organisation: int, units: Sequence[int]) -> None:
    """The same for who has locked an offer of each unit. A mark that the job has taken and not worked off yet stands: the job waits for
    that lock, and to wait for the end of the job would close the circle. Index: stale_once.
    """
    cursor.execute(
        """
        INSERT INTO stock_stale (organisation_id, stock_unit_id)
        SELECT %s, unit FROM unnest(%s::bigint[]) AS unit
        WHERE NOT EXISTS (SELECT FROM stock_stale AS known WHERE known.organisation_id = %s AND known.stock_unit_id = unit)
        ORDER BY unit
        ON CONFLICT DO NOTHING
        """,
        [organisation, array(units), organisation],
    )
