"""SQL of channels: gathering facts for offers, and writing what was decided.

One function per statement. Lock order everywhere: orders, levels, then offers (by id). Figures that do not exist are -1 in the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from stallkeeper.core.copy import Ints, array, ask_columns, columns, moments, read_columns, texts, unpack
from stallkeeper.core.sql import Answer, Cursor, ask, hot_cursor, rows

OFFER_COLUMNS = (
    "id",
    "channel",
    "unit",
    "pack_factor",
    "excluded",
    "open",
    "unacknowledged",
    "intended",
    "believed",
    "observed",
    "refused",
)

OFFERS = """
    SELECT offer.id, offer.channel_id, offer.stock_unit_id, offer.pack_factor::bigint, offer.stock_excluded::int::bigint,
           offer.open_qty::bigint,
           offer.unacknowledged_qty::bigint, coalesce(offer.intended_qty, -1)::bigint, coalesce(offer.believed_qty, -1)::bigint,
           coalesce(offer.observed_qty, -1)::bigint, coalesce(offer.refused_qty, -1)::bigint
    FROM channels_offer AS offer
"""


def lock_offers_of_units(units: Sequence[int]) -> dict[str, Ints]:
    """Offers of units and of the kits they are part of. Locks: the offers, by id. Indexes: offer.stock_unit, kitcomponent.component."""
    return ask_offers_of_units(units)()


def ask_offers_of_units(units: Sequence[int]) -> Callable[[], dict[str, Ints]]:
    """The same, sent now and awaited when what it returns is called. Locks: the offers, by id."""
    query = f"""{OFFERS}
        WHERE offer.stock_unit_id = ANY (ARRAY(
            SELECT unnest(%(units)s::bigint[])
            UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(units)s::bigint[])))
        ORDER BY offer.id
        FOR NO KEY UPDATE OF offer
    """  # noqa: S608 - a constant of this module
    return ask_columns(query, {"units": array(units)}, OFFER_COLUMNS)


def lock_only(cursor: Cursor, units: Sequence[int]) -> int:
    """Lock the same offers without reading them; how many. For callers that change some of them before the refresh."""
    cursor.execute(
        """
        SELECT count(*) FROM (
            SELECT offer.id FROM channels_offer AS offer
            WHERE offer.stock_unit_id = ANY (ARRAY(
                SELECT unnest(%s::bigint[]) UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%s::bigint[])))
            ORDER BY offer.id
            FOR NO KEY UPDATE OF offer) AS locked
        """,
        [array(units), array(units)],
    )
    return int(rows(cursor)[0][0])


def hold_levels(cursor: Cursor, units: Sequence[int]) -> int:
    """Wait until nobody changes the levels of units and of the parts of kits among them, and keep it so; how many levels.

    Locks: stock_level rows FOR SHARE, by unit and place. Indexes: its primary key, kit_component_once.
    """
    cursor.execute(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM stock_level
            WHERE stock_unit_id = ANY (ARRAY(
                SELECT unnest(%s::bigint[]) UNION SELECT component_id FROM catalog_kitcomponent WHERE kit_id = ANY(%s::bigint[])))
            ORDER BY stock_unit_id, location_id
            FOR SHARE) AS held
        """,
        [array(units), array(units)],
    )
    return int(rows(cursor)[0][0])


def read_offers_of_units(units: Sequence[int]) -> dict[str, Ints]:
    """The same without locks, for looking only."""
    query = f"""{OFFERS}
        WHERE offer.stock_unit_id = ANY (ARRAY(
            SELECT unnest(%(units)s::bigint[])
            UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(units)s::bigint[])))
        ORDER BY offer.id
    """  # noqa: S608
    return read_columns(query, {"units": array(units)}, OFFER_COLUMNS)


def lock_offers_of_channel(channel: int, after: int, limit: int) -> dict[str, Ints]:
    """The next ``limit`` offers of a channel by id. Locks: the offers, by id. Index: primary key of offer."""
    query = f"""{OFFERS}
        WHERE offer.channel_id = %(channel)s AND offer.id > %(after)s
        ORDER BY offer.id LIMIT %(limit)s
        FOR NO KEY UPDATE OF offer
    """
    return read_columns(query, {"channel": channel, "after": after, "limit": limit}, OFFER_COLUMNS)


def read_offer(offer: int) -> dict[str, Ints]:
    """One offer, unlocked: for explaining it."""
    return read_columns(f"{OFFERS} WHERE offer.id = %(offer)s ORDER BY offer.id", {"offer": offer}, OFFER_COLUMNS)


ALIKE = ("channel", "pack_factor", "excluded", "open", "unacknowledged")


def read_offers_of_organisation(organisation: int) -> dict[str, Ints]:
    """What deciding needs of all offers, unlocked and without ids, in any order: for the sweep, which locks and reads again what differs.

    Offers that agree in all but their unit and intended quantity travel together, eight bytes each: a million rows of one group or a few.
    """
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT channel_id, pack_factor, stock_excluded, open_qty, unacknowledged_qty, count(*),
                   array_send(array_agg((stock_unit_id << 32) + coalesce(intended_qty, -1) + 1))
            FROM channels_offer WHERE organisation_id = %s
            GROUP BY channel_id, pack_factor, stock_excluded, open_qty, unacknowledged_qty
            ORDER BY channel_id, pack_factor, stock_excluded, open_qty, unacknowledged_qty
            """,
            [organisation],
        )
        groups = rows(cursor)
    alike = np.array([group[:-1] for group in groups], dtype=np.int64).reshape(-1, len(ALIKE) + 1)
    offers = {name: np.repeat(alike[:, number], alike[:, -1]) for number, name in enumerate(ALIKE)}
    both = np.concatenate([unpack(None), *(unpack(group[-1]) for group in groups)])
    return offers | {"unit": both >> 32, "intended": (both & 0xFFFF_FFFF) - 1}


PLACE_COLUMNS = ("unit", "component", "per_kit", "is_kit", "counted", "location", "on_hand", "allocated", "held")

# CASE where coalesce would be natural: to the planner coalesce may leak what lies behind a wall (ADR 0035), so it would look at every level
# of the organisation instead of at the index.
PLACES = """
    SELECT unit.id, coalesce(part.component_id, unit.id), coalesce(part.quantity, 1)::bigint, (unit.kind = 'kit')::int::bigint,
           (CASE WHEN NOT unit.active THEN 0 WHEN coalesce(component.stocked, unit.stocked) THEN 1 ELSE 2 END)::bigint,
           coalesce(level.location_id, -1)::bigint, coalesce(level.on_hand, 0)::bigint, coalesce(level.allocated, 0)::bigint,
           coalesce(level.held, 0)::bigint
    FROM catalog_stockunit AS unit
    LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = unit.id AND unit.kind = 'kit'
    LEFT JOIN catalog_stockunit AS component ON component.id = part.component_id
    LEFT JOIN stock_level AS level ON level.stock_unit_id = CASE WHEN part.component_id IS NULL THEN unit.id ELSE part.component_id END
"""


def gather_places(units: Ints) -> dict[str, Ints]:
    """Levels of units or of their parts, a row per (unit, component, place); a row with location -1 where there is no level.

    ``counted``: 0 inactive, 1 counted, 2 always available. Indexes: primary keys of stock unit and level, kit_component_once.
    """
    return ask_places(units)()


def ask_places(units: Ints) -> Callable[[], dict[str, Ints]]:
    """The same, sent now and awaited when what it returns is called."""
    query = f"""{PLACES}
        WHERE unit.id = ANY(%(units)s::bigint[])
        ORDER BY unit.id, 2, 6
    """
    return ask_columns(query, {"units": units}, PLACE_COLUMNS)


def ask_places_of_units(units: Sequence[int]) -> Callable[[], dict[str, Ints]]:
    """The same of units and of the kits they are part of, sent now: before it is known which of them ``ask_offers_of_units`` finds.

    Index, besides: kitcomponent.component.
    """
    query = f"""{PLACES}
        WHERE unit.id = ANY (ARRAY(
            SELECT unnest(%(units)s::bigint[])
            UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%(units)s::bigint[])))
        ORDER BY unit.id, 2, 6
    """  # noqa: S608 - a constant of this module
    return ask_columns(query, {"units": array(units)}, PLACE_COLUMNS)


def gather_places_of_organisation(organisation: int) -> dict[str, Ints]:
    """The same for every unit of the organisation. Units that are not kits, nearly all, travel in four columns."""
    query = f"{PLACES} WHERE unit.organisation_id = %(organisation)s AND unit.kind = 'kit' ORDER BY unit.id, 2, 6"
    kits = read_columns(query, {"organisation": organisation}, PLACE_COLUMNS)
    with hot_cursor() as cursor:
        cursor.execute(
            """
            SELECT array_send(array_agg(unit.id)),
                   array_send(array_agg(coalesce(level.location_id, -1) << 2
                                        | CASE WHEN NOT unit.active THEN 0 WHEN unit.stocked THEN 1 ELSE 2 END)),
                   array_send(array_agg(coalesce(level.on_hand, 0)::bigint)),
                   array_send(array_agg(coalesce(level.allocated, 0)::bigint << 32 | coalesce(level.held, 0)))
            FROM catalog_stockunit AS unit LEFT JOIN stock_level AS level ON level.stock_unit_id = unit.id
            WHERE unit.organisation_id = %s AND unit.kind <> 'kit'
            """,
            [organisation],
        )
        unit, place, on_hand, promised = map(unpack, rows(cursor)[0])
    one, nothing = np.ones_like(unit), np.zeros_like(unit)
    singles = (unit, unit, one, nothing, place & 3, place >> 2, on_hand, promised >> 32, promised & 0xFFFF_FFFF)
    table = {name: np.concatenate([column, kits[name]]) for name, column in zip(PLACE_COLUMNS, singles, strict=True)}
    order = np.lexsort((table["location"], table["component"], table["unit"]))
    return {name: column[order] for name, column in table.items()}


class ChannelFacts(NamedTuple):
    """What availability and intake need to know of a channel. ``sends`` is every switch together; ``locations`` serve it, best first."""

    id: int
    connection_id: int
    platform: str
    sends: bool
    share: Decimal
    share_rounding: str
    buffer: int
    max_publish: int | None
    fixed: int | None
    zero_at: int
    allow_splits: bool
    horizon_days: int
    locations: list[int]
    fenced: bool
    active: bool
    currency: str
    acknowledge: bool
    cutover: str
    cutover_at: datetime | None
    warehouse: str = ""
    """The platform's own, "" where it keeps one figure for all."""
    watched: bool = False
    """Its figures are, or were, taken for sales: units may be held for its orders."""
    velocity_share: Decimal = Decimal(0)
    overridden: bool = False
    """Some of its categories or products have rules of their own."""
    paced: bool = False
    """It, or one of these, keeps back what the last hour sold."""
    guards: bool = False
    """The company has units in guarded mode."""
    guard_below: int = 0
    """Of so few units or fewer, channels share (0: the threshold is off)."""


def ask_channels(organisation: int) -> Answer[ChannelFacts]:
    """All channels of the organisation with their places, best first.

    Indexes: channel_code_once, channel_location_once, rule_override_current, rule_override_velocity.
    """
    return ask(
        """
        SELECT channel.id, channel.connection_id, account.platform,
               organisation.sending_enabled AND channel.active AND channel.stock_enabled AND account.writes_allowed,
               channel.share, channel.share_rounding, channel.buffer, channel.max_publish, channel.fixed, channel.zero_at,
               channel.allow_splits, channel.horizon_days,
               ARRAY(SELECT place.id FROM channels_channellocation AS chosen JOIN stock_location AS place ON place.id = chosen.location_id
                     WHERE chosen.channel_id = channel.id AND place.active AND place.sellable ORDER BY place.priority, place.id),
               EXISTS (SELECT FROM channels_ringfence AS fence WHERE fence.organisation_id = channel.organisation_id),
               channel.active, channel.currency, channel.acknowledge_enabled, channel.cutover, channel.cutover_at,
               channel.warehouse, channel.holds_from IS NOT NULL, channel.velocity_share,
               EXISTS (SELECT FROM channels_ruleoverride AS own WHERE own.channel_id = channel.id AND own.valid_until IS NULL),
               channel.velocity_share > 0 OR EXISTS (
                   SELECT FROM channels_ruleoverride AS own
                   WHERE own.channel_id = channel.id AND own.valid_until IS NULL AND own.velocity_share > 0),
               EXISTS (SELECT FROM channels_guardedunit AS guarded WHERE guarded.organisation_id = channel.organisation_id),
               organisation.guard_below
        FROM channels_channel AS channel
        JOIN channels_connection AS account ON account.id = channel.connection_id
        JOIN core_organisation AS organisation ON organisation.id = channel.organisation_id
        WHERE channel.organisation_id = %s
        ORDER BY channel.id
        """,
        [organisation],
        ChannelFacts._make,
    )


def gather_fences(cursor: Cursor, organisation: int) -> list[tuple[int, int, int]]:
    """Ring-fences: (channel, unit, quantity)."""
    cursor.execute(
        "SELECT channel_id, stock_unit_id, quantity FROM channels_ringfence WHERE organisation_id = %s AND quantity > 0 ORDER BY id",
        [organisation],
    )
    return rows(cursor)


def gather_incoming(cursor: Cursor, organisation: int, today: date, until: date) -> list[tuple[int, int, date, int]]:
    """Incoming goods from today up to a day: (unit, location, day, quantity)."""
    cursor.execute(
        """
        SELECT stock_unit_id, location_id, expected_on, sum(quantity) FROM stock_incoming
        WHERE organisation_id = %s AND expected_on BETWEEN %s AND %s
        GROUP BY stock_unit_id, location_id, expected_on ORDER BY stock_unit_id, location_id, expected_on
        """,
        [organisation, today, until],
    )
    return rows(cursor)


INTENDED = """intended_qty = nullif(new.intended, -1) FROM unnest(%s::bigint[], %s::int[]) AS new(id, intended)"""
INTENDED_AND_SOLD = """
    intended_qty = nullif(new.intended, -1), believed_qty = nullif(new.believed, -1), open_qty = new.open,
    most_qty = CASE WHEN new.believed = -1 THEN coalesce(offer.believed_qty, offer.most_qty) ELSE offer.most_qty END,
    unacknowledged_qty = new.unacknowledged
    FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[]) AS new(id, intended, believed, open, unacknowledged)
"""


def write_figures(
    cursor: Cursor, organisation: int, at: datetime, figures: Sequence[Ints], todo: tuple[Ints, Ints, Ints], settled: Ints
) -> None:
    """Store what was worked out for offers, put those on the todo list that must be sent, and take off it those that need not.

    ``figures``: offer ids, intended (-1 = none) and, where orders say something of them, believed (-1 = none), open, unacknowledged.
    ``todo``: offer ids, their channels, danger; an offer that is listed already keeps its place in the line. ``settled``: offer ids. Rows
    are looked up before they are inserted (ON CONFLICT costs twice as much): the locks of offers, held since an earlier statement, keep
    everybody else from listing them. Locks: the offers (held already) and their todo rows.
    """
    cursor.execute(
        f"""
        WITH written AS (
            UPDATE channels_offer AS offer SET {INTENDED if len(figures) == 2 else INTENDED_AND_SOLD}
            WHERE offer.id = new.id
        ), known AS MATERIALIZED (
            SELECT new.*, todo.danger AS was
            FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[]) AS new(id, channel, danger)
            LEFT JOIN channels_offertodo AS todo ON todo.offer_id = new.id AND todo.kind = 'quantity'
        ), turned AS (
            UPDATE channels_offertodo AS todo SET danger = known.danger FROM known
            WHERE known.was <> known.danger AND todo.offer_id = known.id AND todo.kind = 'quantity'
        ), settled AS (
            DELETE FROM channels_offertodo WHERE offer_id = ANY(%s::bigint[]) AND kind = 'quantity'
        )
        INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
        SELECT %s, id, 'quantity', channel, danger, (SELECT nextval('channels_todo_version')), %s FROM known WHERE was IS NULL
        """,  # noqa: S608 - constants of this module
        [*figures, *todo, settled, organisation, at],  # type: ignore[list-item]  # what the driver can pass, which is more
    )


def change_open(cursor: Cursor, changes: Mapping[int, tuple[int, int]], at: datetime, gross: Sequence[str]) -> None:
    """Sold units that became (+) or are no longer (-) open, and unacknowledged, per offer. Locks: the offers (levels come first).

    ``check`` re-sums both columns. ``gross``: platforms whose figures contain these units; there the change is kept (``OpenEvent``).
    """
    ids = sorted(offer for offer, deltas in changes.items() if any(deltas))
    if not ids:
        return
    cursor.execute(
        """
        WITH changed AS (
            UPDATE channels_offer AS offer
            SET open_qty = offer.open_qty + change.open, unacknowledged_qty = offer.unacknowledged_qty + change.unacknowledged
            FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS change(id, open, unacknowledged)
            WHERE offer.id = change.id
            RETURNING offer.organisation_id, offer.id, offer.channel_id, change.open, change.unacknowledged
        )
        INSERT INTO channels_openevent (organisation_id, at, offer_id, open, unacknowledged)
        SELECT changed.organisation_id, %s, changed.id, changed.open, changed.unacknowledged
        FROM changed JOIN channels_channel AS channel ON channel.id = changed.channel_id
        JOIN channels_connection AS account ON account.id = channel.connection_id
        WHERE account.platform = ANY(%s) ORDER BY changed.id
        """,
        [array(ids), array(changes[offer][0] for offer in ids), array(changes[offer][1] for offer in ids), at, list(gross)],
    )


def insert_open_events(cursor: Cursor, organisation: int, at: datetime, events: Sequence[tuple[int, int, int]]) -> None:
    """Append changes of open units: (offer, open, unacknowledged). Locks: the new rows."""
    cursor.execute(
        """
        INSERT INTO channels_openevent (organisation_id, at, offer_id, open, unacknowledged)
        SELECT %s, %s, row.* FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS row
        """,
        [organisation, at, *columns(events, array, array, array)],
    )


CommandRow = tuple[str, str, int, str, str, datetime]
"""kind, subject type, subject, key, payload as JSON, not before"""


def insert_commands(cursor: Cursor, organisation: int, connection: int, at: datetime, commands: Sequence[CommandRow]) -> None:
    """Put commands in line; those whose key is known are left as they are. Locks: the new rows. Index: command_once."""
    cursor.execute(
        """
        INSERT INTO channels_command
            (organisation_id, connection_id, created_at, kind, subject_type, subject_id, key, payload, not_before, state, attempts, code,
             message)
        SELECT %s, %s, %s, row.*, 'queued', 0, '', ''
        FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::jsonb[], %s::timestamptz[]) AS row
        ON CONFLICT (connection_id, key) DO NOTHING
        """,
        [organisation, connection, at, *columns(commands, texts, texts, array, texts, texts, moments)],
    )
