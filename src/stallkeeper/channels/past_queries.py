"""SQL of past figures: what the append-only tables say of a moment. Reading only; one function per statement.

``Clock`` says by which of a movement's two clocks: when we learned of it, or when it happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from stallkeeper.channels.overriding_queries import NUMBER_OF
from stallkeeper.core.copy import Ints, array, read_columns
from stallkeeper.core.sql import Cursor, rows


class Clock(StrEnum):
    """A column of movements."""

    LEARNED = "recorded_at"
    HAPPENED = "occurred_at"


class OfferNow(NamedTuple):
    """An offer as it is now; ``open`` and ``unacknowledged`` as they were at the moment that was asked for."""

    id: int
    channel_id: int
    unit_id: int
    pack_factor: int
    excluded: bool
    linked_at: datetime | None
    open: int
    unacknowledged: int


def offers(cursor: Cursor, ids: Sequence[int], at: datetime) -> list[OfferNow]:
    """Offers, their open units less what changed after ``at``. Indexes: primary key, open_event_offer."""
    cursor.execute(
        """
        SELECT offer.id, offer.channel_id, offer.stock_unit_id, offer.pack_factor, offer.stock_excluded, offer.linked_at,
               offer.open_qty - coalesce(since.open, 0), offer.unacknowledged_qty - coalesce(since.unacknowledged, 0)
        FROM channels_offer AS offer
        LEFT JOIN (SELECT offer_id, sum(open)::int AS open, sum(unacknowledged)::int AS unacknowledged FROM channels_openevent
                   WHERE offer_id = ANY(%(ids)s::bigint[]) AND at > %(at)s GROUP BY offer_id) AS since ON since.offer_id = offer.id
        WHERE offer.id = ANY(%(ids)s::bigint[]) ORDER BY offer.id
        """,
        {"ids": array(ids), "at": at},
    )
    return [OfferNow(*row) for row in rows(cursor)]


class UnitNow(NamedTuple):
    id: int
    sku: str
    is_kit: bool
    active: bool
    stocked: bool


def units(cursor: Cursor, ids: Sequence[int]) -> list[UnitNow]:
    """Stock units as they are now. Index: primary key."""
    cursor.execute(
        "SELECT id, sku, kind = 'kit', active, stocked FROM catalog_stockunit WHERE id = ANY(%s::bigint[]) ORDER BY id", [array(ids)]
    )
    return [UnitNow(*row) for row in rows(cursor)]


def parts(cursor: Cursor, kits: Sequence[int]) -> list[tuple[int, int, int]]:
    """What kits consist of now: (kit, component, number). Index: kit_component_once."""
    cursor.execute(
        "SELECT kit_id, component_id, quantity FROM catalog_kitcomponent WHERE kit_id = ANY(%s::bigint[]) ORDER BY 1, 2", [array(kits)]
    )
    return rows(cursor)


class PlaceNow(NamedTuple):
    id: int
    name: str
    active: bool
    sellable: bool
    priority: int


def places(cursor: Cursor, organisation: int) -> list[PlaceNow]:
    """All real places as they are now."""
    cursor.execute(
        """
        SELECT id, name, active, sellable, priority FROM stock_location WHERE organisation_id = %s AND owner <> 'virtual' ORDER BY id
        """,
        [organisation],
    )
    return [PlaceNow(*row) for row in rows(cursor)]


def levels(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, int]]:
    """Where units have a level: (unit, place). A level stays for ever. Index: primary key."""
    cursor.execute(
        "SELECT stock_unit_id, location_id FROM stock_level WHERE stock_unit_id = ANY(%s::bigint[]) ORDER BY 1, 2", [array(units)]
    )
    return rows(cursor)


def on_hand(cursor: Cursor, units: Sequence[int], at: datetime, clock: Clock) -> dict[tuple[int, int], int]:
    """{(unit, place): on hand at a moment}, the sum of the movements' legs. Index: movement_unit."""
    cursor.execute(
        f"""
        SELECT stock_unit_id, place, sum(quantity)::int FROM (
            SELECT stock_unit_id, to_location_id AS place, quantity FROM stock_movement
            WHERE stock_unit_id = ANY(%(units)s::bigint[]) AND {clock} <= %(at)s
            UNION ALL
            SELECT stock_unit_id, from_location_id, -quantity FROM stock_movement
            WHERE stock_unit_id = ANY(%(units)s::bigint[]) AND {clock} <= %(at)s
        ) AS leg GROUP BY stock_unit_id, place ORDER BY stock_unit_id, place
        """,  # noqa: S608 - a constant of this module
        {"units": array(units), "at": at},
    )
    return {(unit, place): quantity for unit, place, quantity in rows(cursor)}


class PromiseThen(NamedTuple):
    """A reservation as it was at a moment."""

    unit_id: int
    location_id: int
    owner_type: str
    owner_id: int
    kind: str
    quantity: int


def promised(cursor: Cursor, units: Sequence[int], at: datetime) -> list[PromiseThen]:
    """The reservations of units at a moment, from their events. Index: reservation_event_unit."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id, owner_type, owner_id, kind, sum(after - before)::int FROM stock_reservation_event
        WHERE stock_unit_id = ANY(%s::bigint[]) AND at <= %s
        GROUP BY stock_unit_id, location_id, owner_type, owner_id, kind HAVING sum(after - before) <> 0
        ORDER BY stock_unit_id, location_id, owner_type, owner_id, kind
        """,
        [array(units), at],
    )
    return [PromiseThen(*row) for row in rows(cursor)]


def taken_over(cursor: Cursor, units: Sequence[int], at: datetime) -> list[PromiseThen]:
    """Units of observed holds that orders took over after a moment. Index: reservation_event_unit."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id, owner_type, owner_id, kind, sum(before - after)::int FROM stock_reservation_event
        WHERE stock_unit_id = ANY(%s::bigint[]) AND at > %s AND owner_type = 'observed' AND cause = 'taken over'
        GROUP BY stock_unit_id, location_id, owner_type, owner_id, kind
        ORDER BY stock_unit_id, location_id, owner_type, owner_id, kind
        """,
        [array(units), at],
    )
    return [PromiseThen(*row) for row in rows(cursor)]


def versions(cursor: Cursor, organisation: int, at: datetime) -> list[tuple[int, str]]:
    """The rules of each channel that has versions: (channel, rules as JSON); the first where none goes back that far.

    Index: rule_version_channel.
    """
    cursor.execute(
        """
        SELECT DISTINCT ON (channel_id) channel_id, rules::text FROM channels_ruleversion
        WHERE organisation_id = %(organisation)s
        ORDER BY channel_id, valid_from <= %(at)s DESC, CASE WHEN valid_from <= %(at)s THEN valid_from END DESC,
                 CASE WHEN valid_from <= %(at)s THEN id END DESC, valid_from, id
        """,
        {"organisation": organisation, "at": at},
    )
    return rows(cursor)


def chosen_places(cursor: Cursor, organisation: int) -> list[tuple[int, int]]:
    """Places that channels look at now, inactive ones too: (channel, place)."""
    cursor.execute("SELECT channel_id, location_id FROM channels_channellocation WHERE organisation_id = %s ORDER BY 1, 2", [organisation])
    return rows(cursor)


def fences(cursor: Cursor, organisation: int) -> list[tuple[int, int, int]]:
    """Ring-fences as they are now: (unit, channel, quantity)."""
    cursor.execute(
        "SELECT stock_unit_id, channel_id, quantity FROM channels_ringfence WHERE organisation_id = %s ORDER BY id", [organisation]
    )
    return rows(cursor)


def fenced_since(cursor: Cursor, organisation: int, at: datetime) -> list[int]:
    """Units whose ring-fences have changed since a moment. Index: fact_change_subject."""
    cursor.execute(
        "SELECT DISTINCT subject_id FROM core_factchange WHERE organisation_id = %s AND kind = 'fence' AND at > %s ORDER BY 1",
        [organisation, at],
    )
    return [row[0] for row in rows(cursor)]


def incoming(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, int, date, int]]:
    """Incoming goods as they are announced now, whatever the day: (unit, place, day, quantity)."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id, expected_on, quantity FROM stock_incoming
        WHERE stock_unit_id = ANY(%s::bigint[]) ORDER BY stock_unit_id, location_id, expected_on
        """,
        [array(units)],
    )
    return rows(cursor)


def categories(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, int, str]]:
    """The product of each unit's first variant, and the category it is in now: (unit, product, category). Index: variant_once."""
    cursor.execute(
        """
        SELECT DISTINCT ON (variant.stock_unit_id) variant.stock_unit_id, product.id, product.category
        FROM catalog_variant AS variant JOIN catalog_product AS product ON product.id = variant.product_id
        WHERE variant.stock_unit_id = ANY(%s::bigint[]) ORDER BY variant.stock_unit_id, variant.id
        """,
        [array(units)],
    )
    return rows(cursor)


def numbers_of(cursor: Cursor, names: Sequence[str]) -> dict[str, int]:
    """The numbers by which overrides know these categories."""
    cursor.execute(f"SELECT category, {NUMBER_OF} FROM unnest(%s::text[]) AS category ORDER BY 1", [list(names)])  # noqa: S608
    return dict(rows(cursor))


def sold(units: Sequence[int], at: datetime, since: datetime, clock: Clock) -> dict[str, Ints]:
    """What the hour before a moment sold, as ``overriding_queries.sold_lately`` says it of now. Index: unit_sale_history.

    By what was learned: what counted then. By what happened: what was sold in that hour.
    """
    counted = {
        Clock.LEARNED: "recorded_at <= %(at)s AND (passed_at IS NULL OR passed_at > %(at)s)",
        Clock.HAPPENED: "sold_at <= %(at)s AND sold_at > %(since)s",
    }
    return read_columns(
        f"""
        SELECT stock_unit_id, sum(quantity)::bigint FROM channels_unitsale
        WHERE stock_unit_id = ANY(%(units)s::bigint[]) AND {counted[clock]}
        GROUP BY stock_unit_id ORDER BY stock_unit_id
        """,  # noqa: S608 - constants of this module
        {"units": array(units), "at": at, "since": since},
        ("unit", "quantity"),
    )


def guarded(cursor: Cursor, units: Sequence[int]) -> list[int]:
    """Those of the units that are in guarded mode now. Index: unique stock unit."""
    cursor.execute("SELECT stock_unit_id FROM channels_guardedunit WHERE stock_unit_id = ANY(%s::bigint[]) ORDER BY 1", [array(units)])
    return [row[0] for row in rows(cursor)]


def intended(cursor: Cursor, offers: Sequence[int]) -> list[tuple[int, int | None]]:
    """What those offers that sell our own stock are meant to show now: (offer, figure). Index: primary key."""
    cursor.execute(
        "SELECT id, intended_qty FROM channels_offer WHERE id = ANY(%s::bigint[]) AND fulfilled_by = 'seller' ORDER BY id", [array(offers)]
    )
    return rows(cursor)


LAST = 20
"""Rows of history that an explanation shows."""
MOVED = """
    SELECT unit.sku, move.quantity, origin.name, target.name, move.cause, move.reason, move.occurred_at, move.recorded_at, move.actor
    FROM stock_movement AS move
    JOIN catalog_stockunit AS unit ON unit.id = move.stock_unit_id
    JOIN stock_location AS origin ON origin.id = move.from_location_id
    JOIN stock_location AS target ON target.id = move.to_location_id
"""


def movements(cursor: Cursor, units: Sequence[int], at: datetime, clock: Clock) -> list[tuple[Any, ...]]:
    """The last movements until a moment, as ``explain_queries.movements`` gives them. Index: movement_unit."""
    cursor.execute(
        f"{MOVED} WHERE move.stock_unit_id = ANY(%s::bigint[]) AND move.{clock} <= %s ORDER BY move.{clock} DESC, move.id DESC LIMIT %s",
        [array(units), at, LAST],
    )
    return rows(cursor)


def late_movements(cursor: Cursor, units: Sequence[int], at: datetime) -> list[tuple[Any, ...]]:
    """Movements on whose side of a moment the two clocks differ: happened before and learned after, or dated ahead.

    Index: movement_unit.
    """
    cursor.execute(
        f"""{MOVED} WHERE move.stock_unit_id = ANY(%(units)s::bigint[]) AND (move.occurred_at <= %(at)s) <> (move.recorded_at <= %(at)s)
        ORDER BY move.recorded_at, move.id LIMIT 100""",
        {"units": array(units), "at": at},
    )
    return rows(cursor)


def sends(cursor: Cursor, offer: int, at: datetime) -> list[tuple[Any, ...]]:
    """The last quantities sent until a moment: (at, kind, value, outcome, detail). Index: sent_log_offer."""
    cursor.execute(
        """
        SELECT at, kind, value, outcome, detail FROM channels_sent_log
        WHERE offer_id = %s AND at <= %s AND kind = 'quantity' ORDER BY at DESC, id DESC LIMIT %s
        """,
        [offer, at, LAST],
    )
    return rows(cursor)
