"""SQL of guarded mode. One function per statement. Lock order: orders, levels, offers, then guarded units (by unit)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.channels.delivery_queries import NO_SUCH_OFFER
from stallkeeper.core.copy import array
from stallkeeper.core.sql import Cursor, rows

PARTS = """
    part AS (
        SELECT unit AS component, unit AS sold, 1 AS per FROM unnest(%(units)s::bigint[]) AS unit
        UNION ALL
        SELECT component_id, kit_id, quantity FROM catalog_kitcomponent WHERE component_id = ANY(%(units)s::bigint[])
    )
"""
"""What holds each of the units: itself, and kits."""
HELD = """
    held AS MATERIALIZED (
        SELECT offer.stock_unit_id AS unit FROM channels_offer AS offer WHERE offer.id = ANY(%(offers)s::bigint[])
        UNION
        SELECT part.component_id FROM channels_offer AS offer JOIN catalog_kitcomponent AS part ON part.kit_id = offer.stock_unit_id
        WHERE offer.id = ANY(%(offers)s::bigint[])
    )
"""
"""The units that each of the offers holds: its own, and the parts of a kit."""


def guarded_among(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, bool, bool]]:
    """Those of the units that are guarded: (unit, by hand, scarce), by unit. Locks: none. Index: unique stock unit."""
    cursor.execute(
        """
        SELECT stock_unit_id, by_hand, scarce FROM channels_guardedunit
        WHERE stock_unit_id = ANY(%s::bigint[]) ORDER BY stock_unit_id
        """,
        [array(units)],
    )
    return rows(cursor)


def lock_guards_of(cursor: Cursor, offers: Sequence[int]) -> list[int]:
    """Lock the guarded units that these offers hold, and return them: whoever sends of one of them waits here for whoever else does.

    Locks: guarded units, by unit, after the offers. Indexes: primary key of offer, kitcomponent.kit, unique stock unit.
    """
    cursor.execute(
        f"""
        WITH {HELD}
        SELECT guarded.stock_unit_id FROM channels_guardedunit AS guarded
        WHERE guarded.stock_unit_id IN (SELECT unit FROM held) ORDER BY guarded.stock_unit_id FOR UPDATE
        """,  # noqa: S608 - a constant of this module
        {"offers": array(offers)},
    )
    return [row[0] for row in rows(cursor)]


def guarded_units(cursor: Cursor, offers: Sequence[int]) -> list[int]:
    """The same without locks."""
    cursor.execute(
        f"""
        WITH {HELD}
        SELECT stock_unit_id FROM channels_guardedunit WHERE stock_unit_id IN (SELECT unit FROM held) ORDER BY stock_unit_id
        """,  # noqa: S608 - a constant of this module
        {"offers": array(offers)},
    )
    return [row[0] for row in rows(cursor)]


class Stake(NamedTuple):
    """What an offer may take of a guarded unit, and all that says how much of it its channel may show. In sold units of its basis."""

    unit: int
    """The guarded stock unit."""
    offer_id: int
    channel_id: int
    sold: int
    """The stock unit that the offer sells: the guarded one, or a kit with it."""
    per: int
    """Base units of it in one sold unit: pack factor times the number in a kit."""
    intended: int | None
    believed: int | None
    most: int | None
    in_ticket: int | None
    missing: int
    open: int
    unacknowledged: int
    gone: bool = False
    """Its channel says that it has no such offer."""
    refused: bool = False
    """Its channel has refused a figure of it, and accepted none since."""


MISSING = """CASE WHEN offer.believed_qty IS NULL AND offer.missing_qty < 0 THEN offer.missing_qty
                  WHEN offer.missing_since > %(unexplained_since)s THEN greatest(offer.missing_qty, 0) ELSE 0 END"""


def stakes(cursor: Cursor, units: Sequence[int], unexplained_since: datetime) -> list[Stake]:
    """Every offer that sells some of these units from our stock, by unit and offer. Locks: none.

    ``most`` is what may be shown where belief is unknown; where nothing was ever written down for that, the largest figure that is known.
    Indexes: offer.stock_unit, kitcomponent.component, ticketitem.offer.
    """
    cursor.execute(
        f"""
        WITH {PARTS}
        SELECT part.component, offer.id, offer.channel_id, part.sold, part.per * offer.pack_factor, offer.intended_qty, offer.believed_qty,
               CASE WHEN offer.believed_qty IS NULL
                    THEN coalesce(offer.most_qty, greatest(offer.sent_qty, offer.accepted_qty, offer.observed_qty)) END,
               (SELECT max(item.value)::int FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
                WHERE item.offer_id = offer.id AND NOT item.resolved AND ticket.kind = 'quantity' AND ticket.closed_at IS NULL),
               {MISSING}, offer.open_qty, offer.unacknowledged_qty,
               offer.refused_at IS NOT NULL AND offer.refused_code = '{NO_SUCH_OFFER}',
               offer.refused_at IS NOT NULL AND offer.refused_code <> '{NO_SUCH_OFFER}'
        FROM part JOIN channels_offer AS offer ON offer.stock_unit_id = part.sold
        WHERE NOT offer.stock_excluded AND offer.fulfilled_by = 'seller'
        ORDER BY part.component, offer.id
        """,  # noqa: S608 - constants of this module
        {"units": array(units), "unexplained_since": unexplained_since},
    )
    return list(map(Stake._make, rows(cursor)))


def free(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, int, int]]:
    """(unit, place, free units there). Locks: none. Index: level's unit and place."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id, on_hand - allocated - held FROM stock_level
        WHERE stock_unit_id = ANY(%s::bigint[]) ORDER BY stock_unit_id, location_id
        """,
        [array(units)],
    )
    return rows(cursor)


def fences(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, int, int]]:
    """Ring-fences of the units: (channel, unit, quantity). Locks: none. Index: ringfence.stock_unit."""
    cursor.execute(
        """
        SELECT channel_id, stock_unit_id, quantity FROM channels_ringfence
        WHERE stock_unit_id = ANY(%s::bigint[]) AND quantity > 0 ORDER BY id
        """,
        [array(units)],
    )
    return rows(cursor)


def given(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, int | None]]:
    """What offers of the units, and of kits of them, are meant to show: (offer, figure).

    Indexes: offer.stock_unit, kitcomponent.component.
    """
    cursor.execute(
        """
        SELECT id, intended_qty FROM channels_offer
        WHERE stock_unit_id = ANY (ARRAY(
            SELECT unnest(%(units)s::bigint[]) UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(units)s::bigint[])))
        ORDER BY id
        """,
        {"units": array(units)},
    )
    return rows(cursor)


def refused(cursor: Cursor, organisation: int) -> list[tuple[int, int]]:
    """What channels have refused of guarded units, but for listings that they do not have: (offer, guarded unit). Locks: none.

    Indexes: offer_refused, kit_component_once, unique stock unit.
    """
    cursor.execute(
        """
        SELECT offer.id, guarded.stock_unit_id
        FROM channels_offer AS offer
        LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = offer.stock_unit_id
        JOIN channels_guardedunit AS guarded ON guarded.stock_unit_id = coalesce(part.component_id, offer.stock_unit_id)
        WHERE offer.organisation_id = %s AND offer.refused_at IS NOT NULL AND offer.refused_code <> %s
        ORDER BY 1, 2
        """,
        [organisation, NO_SUCH_OFFER],
    )
    return rows(cursor)


def countable(cursor: Cursor, units: Sequence[int]) -> list[int]:
    """Those of the units that are counted by themselves: no kits. Index: primary key."""
    cursor.execute(
        "SELECT id FROM catalog_stockunit WHERE id = ANY(%s::bigint[]) AND kind <> 'kit' AND stocked ORDER BY id", [array(units)]
    )
    return [row[0] for row in rows(cursor)]


def write_scarce(cursor: Cursor, organisation: int, at: datetime, scarce: Sequence[int], plenty: Sequence[int]) -> None:
    """Units that have become scarce are guarded from now on, those of which there are enough again are not, unless a person wants it.

    Locks: guarded units; the offers of all of them are locked already. Index: unique stock unit.
    """
    cursor.execute(
        """
        INSERT INTO channels_guardedunit AS guarded (organisation_id, stock_unit_id, by_hand, scarce, since)
        SELECT %s, unit, false, true, %s FROM unnest(%s::bigint[]) AS unit ORDER BY unit
        ON CONFLICT (stock_unit_id) DO UPDATE SET scarce = true WHERE NOT guarded.scarce
        """,
        [organisation, at, array(scarce)],
    )
    cursor.execute(
        """
        WITH over AS MATERIALIZED (
            SELECT id, by_hand FROM channels_guardedunit WHERE stock_unit_id = ANY(%s::bigint[]) AND scarce
            ORDER BY stock_unit_id FOR UPDATE
        ), kept AS (
            UPDATE channels_guardedunit AS guarded SET scarce = false FROM over WHERE guarded.id = over.id AND over.by_hand
        )
        DELETE FROM channels_guardedunit AS guarded USING over WHERE guarded.id = over.id AND NOT over.by_hand
        """,
        [array(plenty)],
    )


def mark_by_threshold(cursor: Cursor, organisation: int, below: int) -> int:
    """Have the job look at every unit whose guard may depend on the company's threshold; how many. Reads the organisation's levels."""
    cursor.execute(
        """
        INSERT INTO stock_stale (organisation_id, stock_unit_id)
        SELECT %(organisation)s, unit FROM (
            SELECT stock_unit_id AS unit FROM stock_level WHERE organisation_id = %(organisation)s
            GROUP BY stock_unit_id HAVING sum(on_hand - allocated - held) <= %(below)s
            UNION SELECT stock_unit_id FROM channels_guardedunit WHERE organisation_id = %(organisation)s AND scarce
        ) AS found
        ORDER BY unit
        ON CONFLICT DO NOTHING
        """,
        {"organisation": organisation, "below": below},
    )
    return int(cursor.rowcount)


def waiting_connections(cursor: Cursor, offers: Sequence[int]) -> list[int]:
    """Accounts on which a figure waits that is of the same guarded unit as one of these offers. Indexes: as ``stakes``; todo's offer."""
    cursor.execute(
        f"""
        WITH {HELD}, guarded AS (
            SELECT stock_unit_id AS unit FROM channels_guardedunit WHERE stock_unit_id IN (SELECT unit FROM held)
        ), sold AS (
            SELECT unit FROM guarded UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id IN (SELECT unit FROM guarded)
        )
        SELECT DISTINCT channel.connection_id
        FROM channels_offer AS offer
        JOIN channels_offertodo AS todo ON todo.offer_id = offer.id AND todo.kind = 'quantity'
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        WHERE offer.stock_unit_id IN (SELECT unit FROM sold) ORDER BY 1
        """,  # noqa: S608 - a constant of this module
        {"offers": array(offers)},
    )
    return [row[0] for row in rows(cursor)]


# --- windows ------------------------------------------------------------------------------------------------------------------------------


def open_windows(cursor: Cursor, organisation: int, at: datetime, sent: Sequence[tuple[int, int, int | None]]) -> None:
    """Write down what is about to be written over: (offer, value, what we take the channel to show). Locks: nothing that exists."""
    cursor.execute(
        """
        INSERT INTO channels_writewindow (organisation_id, offer_id, read_at, read, value, sent_at)
        SELECT %s, offer.id, coalesce(greatest(offer.observed_at, offer.accepted_at), %s), row.read, row.value, %s
        FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS row(offer, value, read)
        JOIN channels_offer AS offer ON offer.id = row.offer ORDER BY offer.id
        """,
        [organisation, at, at, *(list(column) for column in zip(*sent, strict=True))],
    )


def close_windows(cursor: Cursor, offers: Sequence[int], sent_at: datetime, at: datetime) -> None:
    """The answers of what was sent then are in. Index: write_window_offer."""
    cursor.execute(
        "UPDATE channels_writewindow SET written_at = %s WHERE offer_id = ANY(%s::bigint[]) AND sent_at = %s AND written_at IS NULL",
        [at, array(offers), sent_at],
    )


def explain_by_orders(cursor: Cursor, sold: Sequence[tuple[int, int, bool]]) -> None:
    """Orders have come for units that were missing, or whose going nobody can place: (offer, sold units, whether from now on nobody knows
    what the channel shows). Negative: given back. Locks: the offers (held already).
    """
    cursor.execute(
        """
        UPDATE channels_offer AS offer
        SET missing_qty = greatest(CASE WHEN offer.believed_qty IS NULL THEN offer.missing_qty ELSE greatest(offer.missing_qty, 0) END
                                   - row.units, CASE WHEN row.unknown THEN -2147483648 ELSE 0 END)
        FROM unnest(%s::bigint[], %s::int[], %s::bool[]) AS row(offer, units, unknown) WHERE offer.id = row.offer
        """,
        [list(column) for column in zip(*sold, strict=True)],
    )


def drop_windows(cursor: Cursor, offers: Sequence[int], sent_at: datetime) -> None:
    """What was to be sent then was not. Index: write_window_offer."""
    cursor.execute(
        "DELETE FROM channels_writewindow WHERE offer_id = ANY(%s::bigint[]) AND sent_at = %s AND written_at IS NULL",
        [array(offers), sent_at],
    )


def guarded_offers(cursor: Cursor, offers: Sequence[int]) -> list[int]:
    """Those of the offers that hold a guarded unit. Indexes: primary key of offer, kitcomponent.kit, unique stock unit."""
    cursor.execute(
        """
        SELECT offer.id FROM channels_offer AS offer
        WHERE offer.id = ANY(%s::bigint[]) AND EXISTS (
            SELECT FROM channels_guardedunit AS guarded
            WHERE guarded.stock_unit_id = offer.stock_unit_id
               OR guarded.stock_unit_id IN (SELECT component_id FROM catalog_kitcomponent WHERE kit_id = offer.stock_unit_id))
        ORDER BY offer.id
        """,
        [array(offers)],
    )
    return [row[0] for row in rows(cursor)]
