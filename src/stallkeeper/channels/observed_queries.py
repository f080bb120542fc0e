"""SQL of observed holds. One function per statement. Lock order: orders, holds, levels, then offers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.core.copy import array, moments, texts
from stallkeeper.core.sql import Answer, Cursor, ask, rows


class Watched(NamedTuple):
    """An offer whose channel's figures are taken for sales now, and what the channel showed when we last looked."""

    offer_id: int
    platform: str
    minutes: int
    most: int
    reserved: int | None
    observed_at: datetime | None
    accepted_at: datetime | None


class OpenHold(NamedTuple):
    """An open hold. ``since``: the look before the one that made it."""

    id: int
    offer_id: int
    quantity: int
    since: datetime | None
    seen_at: datetime
    expires_at: datetime | None


def watched(cursor: Cursor, offers: Sequence[int], at: datetime) -> list[Watched]:
    """Those of the offers whose channel is watched at this moment. Locks: none. Index: primary keys."""
    cursor.execute(
        """
        SELECT offer.id, account.platform, channel.hold_minutes, channel.hold_most,
               offer.observed_reserved, offer.observed_at, offer.accepted_at
        FROM channels_offer AS offer
        JOIN channels_channel AS channel ON channel.id = offer.channel_id
        JOIN channels_connection AS account ON account.id = channel.connection_id
        JOIN core_organisation AS organisation ON organisation.id = offer.organisation_id
        WHERE offer.id = ANY(%s::bigint[]) AND organisation.balancer_enabled AND channel.active AND channel.holds_enabled
            AND channel.holds_from <= %s AND offer.fulfilled_by = 'seller'
        ORDER BY offer.id
        """,
        [array(offers), at],
    )
    return list(map(Watched._make, rows(cursor)))


class Served(NamedTuple):
    """The places that an offer's units come from, best first, and whether parts of one may come from several."""

    offer_id: int
    places: list[int]
    splits: bool


def served_from(cursor: Cursor, offers: Sequence[int]) -> list[Served]:
    """Where the units of offers come from. Locks: none. Indexes: primary keys, channel_location_once."""
    cursor.execute(
        """
        SELECT offer.id,
               ARRAY(SELECT place.id FROM channels_channellocation AS chosen JOIN stock_location AS place ON place.id = chosen.location_id
                     WHERE chosen.channel_id = channel.id AND place.active AND place.sellable ORDER BY place.priority, place.id),
               channel.allow_splits
        FROM channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id
        WHERE offer.id = ANY(%s::bigint[]) ORDER BY offer.id
        """,
        [array(offers)],
    )
    return list(map(Served._make, rows(cursor)))


OPEN = """
    SELECT hold.id, hold.offer_id, hold.quantity, hold.since, hold.seen_at, hold.expires_at FROM channels_observedhold AS hold
"""


def ask_any_open(connection: int) -> Answer[bool]:
    """Whether offers of the account have open holds, sent now. Index: observed_hold_open."""
    return ask(
        """
        SELECT EXISTS (SELECT FROM channels_observedhold AS hold JOIN channels_offer AS offer ON offer.id = hold.offer_id
                       JOIN channels_channel AS channel ON channel.id = offer.channel_id
                       WHERE hold.ended_at IS NULL AND channel.connection_id = %s)
        """,
        [connection],
        lambda row: bool(row[0]),
    )


def lock_open(cursor: Cursor, offers: Sequence[int]) -> list[OpenHold]:
    """Open holds of offers, the oldest first. Locks: the holds, by id. Index: observed_hold_open."""
    cursor.execute(f"{OPEN} WHERE hold.ended_at IS NULL AND hold.offer_id = ANY(%s::bigint[]) ORDER BY hold.id FOR UPDATE", [array(offers)])
    return list(map(OpenHold._make, rows(cursor)))


def lock_these(cursor: Cursor, holds: Sequence[int]) -> list[OpenHold]:
    """Those of the holds that are open still. Locks: the holds, by id. Index: primary key."""
    cursor.execute(f"{OPEN} WHERE hold.ended_at IS NULL AND hold.id = ANY(%s::bigint[]) ORDER BY hold.id FOR UPDATE", [array(holds)])
    return list(map(OpenHold._make, rows(cursor)))


def due(cursor: Cursor, organisation: int, at: datetime, limit: int) -> list[int]:
    """Open holds whose time is over. Index: observed_hold_due."""
    cursor.execute(
        """
        SELECT id FROM channels_observedhold WHERE organisation_id = %s AND ended_at IS NULL AND expires_at <= %s
        ORDER BY id LIMIT %s
        """,
        [organisation, at, limit],
    )
    return [row[0] for row in rows(cursor)]


def parts(cursor: Cursor, offers: Sequence[int]) -> list[tuple[int, int, int]]:
    """What one sold unit of each offer takes: (offer, counted unit, number). Indexes: primary keys, kit_component_once."""
    cursor.execute(
        """
        SELECT offer.id, CASE WHEN part.component_id IS NULL THEN unit.id ELSE part.component_id END,
               offer.pack_factor * CASE WHEN part.component_id IS NULL THEN 1 ELSE part.quantity END
        FROM channels_offer AS offer
        JOIN catalog_stockunit AS unit ON unit.id = offer.stock_unit_id
        LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = unit.id AND unit.kind = 'kit'
        LEFT JOIN catalog_stockunit AS component ON component.id = part.component_id
        WHERE offer.id = ANY(%s::bigint[]) AND CASE WHEN component.id IS NULL THEN unit.stocked ELSE component.stocked END
        ORDER BY 1, 2
        """,
        [array(offers)],
    )
    return rows(cursor)


NewHold = tuple[int, int, datetime | None, datetime, datetime | None, str]
"""offer, units, since, seen at, expires at, cause"""


def insert(cursor: Cursor, organisation: int, holds: Sequence[NewHold]) -> list[tuple[int, int]]:
    """Enter new holds; returns (hold, offer), in the order given. Locks: nothing that exists."""
    offers, units, since, seen_at, expires_at, causes = (list(column) for column in zip(*holds, strict=True))
    cursor.execute(
        """
        INSERT INTO channels_observedhold
            (organisation_id, offer_id, channel_id, quantity, seen, since, seen_at, expires_at, cause,
             taken_over, withdrawn, lapsed, released, reason)
        SELECT %s, row.offer, offer.channel_id, row.units, row.units, row.since, row.seen_at, row.expires_at, row.cause, 0, 0, 0, 0, ''
        FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[])
            AS row(offer, units, since, seen_at, expires_at, cause)
        JOIN channels_offer AS offer ON offer.id = row.offer
        ORDER BY row.offer
        RETURNING id, offer_id
        """,
        [organisation, array(offers), array(units), moments(since), moments(seen_at), moments(expires_at), texts(causes)],
    )
    return sorted(rows(cursor))


ENDINGS = ("taken_over", "withdrawn", "lapsed", "released")


def give_up(cursor: Cursor, ending: str, units: Sequence[tuple[int, int]], at: datetime, reason: str = "") -> None:
    """Take units off holds: (hold, units). A hold with none left has ended. Locks: the holds (held already). Index: primary key."""
    assert ending in ENDINGS
    cursor.execute(
        f"""
        UPDATE channels_observedhold AS hold
        SET quantity = hold.quantity - row.units, {ending} = hold.{ending} + row.units,
            ended_at = CASE WHEN hold.quantity = row.units THEN %s::timestamptz END,
            reason = CASE WHEN %s = '' THEN hold.reason ELSE %s END
        FROM unnest(%s::bigint[], %s::int[]) AS row(hold, units) WHERE hold.id = row.hold
        """,  # noqa: S608 - one of four constants
        [at, reason, reason, array([hold for hold, _ in units]), array([number for _, number in units])],
    )
