"""SQL of orders. One function per statement; the docstring names locks and indexes. Lock order: orders, levels, offers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from stallkeeper.core.copy import Encode, array, blobs, columns, moments, plain, texts
from stallkeeper.core.sql import Cursor, rows


class Intake(NamedTuple):
    """A channel as intake sees it: its switches, its cutover, and the places that serve its orders, best first."""

    id: int
    connection_id: int
    platform: str
    currency: str
    acknowledge: bool
    cutover: str
    cutover_at: datetime | None
    splits: bool
    locations: list[int]
    active: bool
    """New orders find only active channels; open orders stay with theirs."""


def intake_channels(cursor: Cursor, connection: int) -> list[Intake]:
    """All channels of a connection, inactive ones too. Index: channels_channel.connection."""
    cursor.execute(
        """
        SELECT channel.id, channel.connection_id, account.platform, channel.currency, channel.acknowledge_enabled, channel.cutover,
               channel.cutover_at, channel.allow_splits,
               ARRAY(SELECT place.id FROM channels_channellocation AS chosen JOIN stock_location AS place ON place.id = chosen.location_id
                     WHERE chosen.channel_id = channel.id AND place.active AND place.sellable ORDER BY place.priority, place.id),
               channel.active
        FROM channels_channel AS channel JOIN channels_connection AS account ON account.id = channel.connection_id
        WHERE channel.connection_id = %s
        ORDER BY channel.id
        """,
        [connection],
    )
    return [Intake(*row) for row in rows(cursor)]


class Known(NamedTuple):
    id: int
    channel_id: int
    external_id: str
    state: str
    digest: bytes
    remote_modified_at: datetime | None
    fetched_at: datetime


def lock_orders(cursor: Cursor, ids: Sequence[int]) -> list[Known]:
    """Lock orders by id and read them again. Locks: orders_order rows."""
    cursor.execute(
        """
        SELECT id, channel_id, external_id, state, digest, remote_modified_at, fetched_at FROM orders_order
        WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
        """,
        [array(ids)],
    )
    return [Known._make(row) for row in rows(cursor)]


def unit_parts(cursor: Cursor, units: Sequence[int]) -> list[tuple[int, bool, int, int]]:
    """What a unit takes from stock: (unit, stocked, component, number). A single unit is its own only component."""
    cursor.execute(
        """
        SELECT unit.id, coalesce(component.stocked, unit.stocked), coalesce(part.component_id, unit.id), coalesce(part.quantity, 1)
        FROM catalog_stockunit AS unit
        LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = unit.id AND unit.kind = 'kit'
        LEFT JOIN catalog_stockunit AS component ON component.id = part.component_id
        WHERE unit.id = ANY(%s::bigint[])
        ORDER BY unit.id, 3
        """,
        [array(units)],
    )
    return rows(cursor)


ChangedRow = tuple[int, str, str, datetime | None, datetime, datetime | None, bytes, bool]
"""id, state, remote state, modified, fetched, dispatch by, digest, scanned"""


def update_orders(cursor: Cursor, orders: Sequence[ChangedRow]) -> None:
    """Take over newer snapshots; an order that we have shipped stays so until the channel can have heard of it, or has scanned it.

    Locks: the orders (held already). Index: command_subject.
    """
    cursor.execute(
        """
        UPDATE orders_order AS o
        SET state = CASE WHEN o.state IN ('part_shipped', 'shipped') AND row.state IN ('acknowledged', 'part_shipped')
                AND (row.scanned OR EXISTS (
                    SELECT FROM channels_command AS command
                    WHERE command.subject_type = 'order' AND command.subject_id = o.id AND command.kind = 'ship'
                        AND (command.state IN ('queued', 'sent') OR (command.state = 'done' AND command.ended_at >= row.fetched))
                )) THEN o.state ELSE row.state END,
            remote_state = row.remote_state, remote_modified_at = row.modified, fetched_at = row.fetched,
            dispatch_by = coalesce(row.dispatch_by, o.dispatch_by), digest = row.digest,
            acknowledged_at = CASE WHEN row.state IN ('pending', 'new') THEN o.acknowledged_at
                                   ELSE coalesce(o.acknowledged_at, row.fetched) END
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bytea[],
                    %s::bool[])
            AS row(id, state, remote_state, modified, fetched, dispatch_by, digest, scanned)
        WHERE o.id = row.id
        """,
        columns(orders, array, texts, texts, moments, moments, moments, blobs, plain),
    )


LineRow = tuple[int, str, str, str, str, int | None, int | None, int, int, int, int, int]
"""order, line id, sku, external offer id, title, offer, unit, pack factor, ordered, cancelled, cancel requested, shipped by its word"""


class WrittenLine(NamedTuple):
    id: int
    order_id: int
    line_id: str
    offer_id: int | None
    unit_id: int | None
    pack_factor: int
    ordered: int
    cancelled: int
    shipped: int
    taken_back: int
    open_before: int
    """Sold units that its offer counted as open before this write: 0 for a line that had none, -1 for a new line."""


def upsert_lines(cursor: Cursor, organisation: int, lines: Sequence[LineRow]) -> list[WrittenLine]:
    """Write lines as the snapshot has them; what we mapped and shipped stays. ``short`` is reset: the caller sets it again.

    Locks: the lines. Index: order_line_once.
    """
    row: list[Encode] = [array, *[texts] * 4, *[plain] * 7]
    cursor.execute(
        """
        WITH given AS MATERIALIZED (
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[],
                                 %s::int[], %s::int[], %s::int[], %s::int[])
                AS g(order_id, line_id, sku, external_offer_id, title, offer_id, unit_id, pack_factor, ordered, cancelled, cancel_requested,
                     told_shipped)
        ), before AS MATERIALIZED (
            SELECT line.order_id, line.line_id,
                   CASE WHEN line.offer_id IS NULL THEN 0 ELSE line.ordered - line.cancelled - line.shipped END AS open
            FROM orders_orderline AS line JOIN given USING (order_id, line_id)
        ), written AS (
            INSERT INTO orders_orderline AS line
                (organisation_id, order_id, line_id, sku, external_offer_id, title, offer_id, stock_unit_id, pack_factor, ordered,
                 cancelled, cancel_requested, told_shipped, shipped, returned, refunded, short)
            SELECT %s, order_id, line_id, sku, external_offer_id, title, offer_id, unit_id, pack_factor, ordered, cancelled,
                   cancel_requested, told_shipped, 0, 0, 0, 0
            FROM given ORDER BY order_id, line_id
            ON CONFLICT (order_id, line_id) DO UPDATE
                SET ordered = greatest(EXCLUDED.ordered, line.shipped),
                    cancelled = least(EXCLUDED.cancelled, greatest(EXCLUDED.ordered, line.shipped) - line.shipped),
                    cancel_requested = EXCLUDED.cancel_requested, told_shipped = EXCLUDED.told_shipped, short = 0,
                    offer_id = coalesce(line.offer_id, EXCLUDED.offer_id),
                    stock_unit_id = coalesce(line.stock_unit_id, EXCLUDED.stock_unit_id),
                    pack_factor = CASE WHEN line.stock_unit_id IS NULL THEN EXCLUDED.pack_factor ELSE line.pack_factor END
            RETURNING id, order_id, line_id, offer_id, stock_unit_id, pack_factor, ordered, cancelled, shipped, taken_back
        )
        SELECT written.*, coalesce(before.open, -1)
        FROM written LEFT JOIN before USING (order_id, line_id) ORDER BY written.id
        """,
        [*columns(lines, *row), organisation],
    )
    return [WrittenLine(*row) for row in rows(cursor)]


class Asked(NamedTuple):
    """Units of a line that we asked the channel to cancel, as seen by a snapshot: ``waiting`` it cannot show yet, ``unknown`` it may show.

    ``held``: the units that counted as cancelled before the snapshot.
    """

    waiting: int
    unknown: int
    held: int


def pending_cancels(cursor: Cursor, orders: Sequence[int], fetched_at: datetime) -> list[tuple[int, str, Asked]]:
    """What a snapshot fetched at ``fetched_at`` may not show of our cancellations, with what their lines counted before: by order, line id.

    Index: command_subject, order_line_once.
    """
    cursor.execute(
        """
        SELECT command.subject_id, line.line_id, coalesce(sum(units) FILTER (WHERE command.state = 'queued'), 0)::int,
               coalesce(sum(units) FILTER (WHERE command.state <> 'queued'), 0)::int, line.cancelled
        FROM channels_command AS command
        CROSS JOIN LATERAL jsonb_array_elements(command.payload -> 'lines') AS item
        CROSS JOIN LATERAL (SELECT (item.value ->> 'quantity')::int) AS asked(units)
        JOIN orders_orderline AS line ON line.order_id = command.subject_id AND line.line_id = item.value ->> 'line_id'
        WHERE command.subject_type = 'order' AND command.subject_id = ANY(%s::bigint[]) AND command.kind = 'cancel'
            AND (command.state IN ('queued', 'sent') OR (command.state = 'done' AND command.ended_at >= %s))
        GROUP BY command.subject_id, line.id ORDER BY command.subject_id, line.line_id
        """,
        [array(orders), fetched_at],
    )
    return [(order, line, Asked(*units)) for order, line, *units in rows(cursor)]


def set_short(cursor: Cursor, lines: Sequence[int], short: Sequence[int]) -> None:
    """Store how many sold units of each line no stock could be promised for. Locks: the lines."""
    cursor.execute(
        """
        UPDATE orders_orderline AS line SET short = new.short
        FROM unnest(%s::bigint[], %s::int[]) AS new(id, short)
        WHERE line.id = new.id AND line.short <> new.short
        """,
        [array(lines), array(short)],
    )


WRITTEN_OVER = """(
    WITH part AS MATERIALIZED (
        SELECT coalesce(kit.component_id, line.stock_unit_id) AS unit
        FROM (SELECT) AS one LEFT JOIN catalog_kitcomponent AS kit ON kit.kit_id = line.stock_unit_id
    ), offers AS MATERIALIZED (
        SELECT other.id FROM channels_offer AS other
        WHERE other.stock_unit_id IN (SELECT unit FROM part)
           OR other.stock_unit_id IN (SELECT kit_id FROM catalog_kitcomponent WHERE component_id IN (SELECT unit FROM part))
    )
    SELECT max(wrote.id) FROM channels_writewindow AS wrote
    JOIN orders_orderline AS sold ON sold.offer_id = wrote.offer_id
    JOIN orders_order AS theirs ON theirs.id = sold.order_id
    WHERE wrote.offer_id IN (SELECT id FROM offers)
      AND theirs.ordered_at BETWEEN wrote.read_at - interval '5 seconds' AND coalesce(wrote.written_at, 'infinity') + interval '5 seconds'
)"""
"""The last write to a channel that may have gone over a sale of the same unit there: the two clocks may differ by seconds. Indexes:
offer.stock_unit, kitcomponent.component, write_window_offer, line's offer."""


def write_shortages(cursor: Cursor, organisation: int, at: datetime, lines: Sequence[int], by_cut: bool) -> list[int]:
    """Make the shortage rows of lines agree with their ``short``: one row a line, opened, changed or resolved. Returns the lines that
    had none.

    A sale before our cut was accepted on its channel is latency; goods that went missing are a stock cut; anything else stays open.
    """
    cursor.execute(
        f"""
        INSERT INTO orders_shortage AS shortage
            (organisation_id, line_id, stock_unit_id, quantity, worst, sold_at, detected_at, cut_wanted_at, verdict, window_id)
        SELECT %s, line.id, line.stock_unit_id, line.short, line.short, o.ordered_at, %s, todo.since,
               CASE WHEN %s THEN 'stock_cut'
                    WHEN offer.accepted_at IS NULL OR offer.accepted_at > o.ordered_at OR offer.accepted_qty > 0 THEN 'latency'
                    ELSE 'open' END,
               CASE WHEN EXISTS (SELECT FROM channels_guardedunit AS guarded WHERE guarded.organisation_id = line.organisation_id)
                    THEN {WRITTEN_OVER} END
        FROM orders_orderline AS line
        JOIN orders_order AS o ON o.id = line.order_id
        LEFT JOIN channels_offer AS offer ON offer.id = line.offer_id
        LEFT JOIN channels_offertodo AS todo ON todo.offer_id = line.offer_id AND todo.kind = 'quantity' AND todo.danger = 1
        WHERE line.id = ANY(%s::bigint[]) AND line.short > 0
        ORDER BY line.id
        ON CONFLICT (line_id) DO UPDATE
            SET quantity = EXCLUDED.quantity, worst = greatest(shortage.worst, EXCLUDED.quantity), resolved_at = NULL
        RETURNING line_id, xmax = 0
        """,  # noqa: S608 - a constant of this module
        [organisation, at, by_cut, array(lines)],
    )
    return [line for line, is_new in rows(cursor) if is_new]


def lower_shortages(cursor: Cursor, at: datetime, lines: Sequence[int]) -> None:
    """Bring the open shortages of lines down to what the lines are still short of; at nothing they are closed. Index: shortage's line."""
    cursor.execute(
        """
        UPDATE orders_shortage AS shortage SET quantity = line.short, resolved_at = CASE WHEN line.short = 0 THEN %s::timestamptz END
        FROM orders_orderline AS line
        WHERE line.id = shortage.line_id AND line.id = ANY(%s::bigint[]) AND line.short < shortage.quantity
            AND shortage.resolved_at IS NULL
        """,
        [at, array(lines)],
    )


def forget_closed(cursor: Cursor, lines: Sequence[int]) -> None:
    """Take back the closed shortages of these lines. Index: shortage's line."""
    cursor.execute("DELETE FROM orders_shortage WHERE line_id = ANY(%s::bigint[]) AND resolved_at IS NOT NULL", [array(lines)])


def units_at_channel(cursor: Cursor, offers: Sequence[int]) -> dict[int, int]:
    """Sold units of offers in orders that we know and that have not left by the channel's word: its own reserve contains them.

    Index: that of the line's offer.
    """
    cursor.execute(
        """
        SELECT line.offer_id, sum(line.ordered - line.cancelled - line.told_shipped)
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.offer_id = ANY(%s::bigint[]) AND o.fulfilled_by = 'seller' AND o.state <> 'cancelled'
            AND line.ordered > line.cancelled + line.told_shipped
        GROUP BY line.offer_id ORDER BY line.offer_id
        """,
        [array(offers)],
    )
    return dict(rows(cursor))


def close_windows(cursor: Cursor, organisation: int, channel: int) -> int:
    """End exposure windows of a channel's shortages whose offers are in step: at the accepted cut, or at once if none was needed.

    Locks: the shortages. Index: shortage_window.
    """
    cursor.execute(
        """
        UPDATE orders_shortage AS shortage
        SET cut_sent_at = offer.sent_at, cut_accepted_at = greatest(coalesce(offer.accepted_at, shortage.detected_at), shortage.sold_at)
        FROM orders_orderline AS line JOIN channels_offer AS offer ON offer.id = line.offer_id
        WHERE shortage.organisation_id = %s AND shortage.cut_accepted_at IS NULL AND line.id = shortage.line_id
            AND offer.channel_id = %s AND offer.believed_qty = offer.intended_qty
        """,
        [organisation, channel],
    )
    return int(cursor.rowcount)


class KnownLine(NamedTuple):
    order_id: int
    line_id: str
    sku: str
    external_offer_id: str
    title: str
    offer_id: int | None
    unit_id: int | None
    pack_factor: int
    ordered: int
    shipped: int
    told_shipped: int


def lines_of(cursor: Cursor, orders: Sequence[int]) -> list[KnownLine]:
    """Lines that orders have. Index: order_line_once."""
    cursor.execute(
        """
        SELECT order_id, line_id, sku, external_offer_id, title, offer_id, stock_unit_id, pack_factor, ordered, shipped,
               told_shipped
        FROM orders_orderline WHERE order_id = ANY(%s::bigint[]) ORDER BY order_id, line_id
        """,
        [array(orders)],
    )
    return [KnownLine(*row) for row in rows(cursor)]


def delete_amounts(cursor: Cursor, orders: Sequence[int]) -> None:
    """Forget the amounts of an older snapshot; the newer ones follow. Index: orders_amount.order."""
    cursor.execute("DELETE FROM orders_amount WHERE order_id = ANY(%s::bigint[])", [array(orders)])


def waiting_lines(cursor: Cursor, organisation: int, offers: Sequence[int]) -> list[tuple[int, bool, int, int, int]]:
    """Lines without a unit that these offers explain, by the channel's number first, then by SKU: (line, whether anything of it is open,
    offer, unit, pack factor).

    Index: order_line_unmapped.
    """
    cursor.execute(
        """
        SELECT DISTINCT ON (line.id) line.id, line.ordered > line.cancelled + line.shipped, offer.id, offer.stock_unit_id, offer.pack_factor
        FROM orders_orderline AS line
        JOIN orders_order AS o ON o.id = line.order_id
        JOIN channels_channel AS channel ON channel.connection_id = o.connection_id
        JOIN channels_offer AS offer ON offer.channel_id = channel.id
            AND (offer.sku = line.sku OR (line.external_offer_id <> '' AND offer.external_id = line.external_offer_id))
        WHERE line.organisation_id = %s AND line.stock_unit_id IS NULL AND offer.id = ANY(%s::bigint[])
        ORDER BY line.id, (offer.external_id = line.external_offer_id AND offer.external_id <> '') DESC, offer.id
        """,
        [organisation, array(offers)],
    )
    return rows(cursor)


class ShortLine(NamedTuple):
    id: int
    order_id: int
    channel_id: int
    connection_id: int
    unit_id: int
    pack_factor: int
    open: int
    state: str
    due_at: datetime | None


def lock_lines(cursor: Cursor, lines: Sequence[int]) -> list[ShortLine]:
    """Lock mapped lines by id, with what reserving needs. Locks: the lines."""
    cursor.execute(
        """
        SELECT line.id, line.order_id, o.channel_id, o.connection_id, line.stock_unit_id, line.pack_factor,
               line.ordered - line.cancelled - line.shipped, o.state, o.dispatch_by
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.id = ANY(%s::bigint[]) AND line.stock_unit_id IS NOT NULL AND NOT o.at_cutover AND o.fulfilled_by = 'seller'
        ORDER BY line.id
        FOR NO KEY UPDATE OF line
        """,
        [array(lines)],
    )
    return [ShortLine(*row) for row in rows(cursor)]


def short_lines_of_units(cursor: Cursor, organisation: int, units: Sequence[int], seen: Sequence[int], limit: int) -> list[int]:
    """Lines that are short of units or of kits with these units, without those ``seen``, earliest dispatch first; none if nothing is free.

    Indexes: order_line_short, stock_level's key.
    """
    cursor.execute(
        """
        SELECT line.id FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.organisation_id = %s AND line.short > 0 AND o.state <> 'pending' AND line.stock_unit_id = ANY (ARRAY(
            SELECT unnest(%s::bigint[]) UNION SELECT kit_id FROM catalog_kitcomponent WHERE component_id = ANY(%s::bigint[])))
            AND line.id <> ALL(%s::bigint[])
            AND EXISTS (SELECT FROM stock_level AS level WHERE level.stock_unit_id = ANY(%s::bigint[])
                        AND (level.backorder OR level.on_hand > level.allocated))
        ORDER BY o.dispatch_by NULLS LAST, line.id
        LIMIT %s
        """,
        [organisation, array(units), array(units), array(seen), array(units), limit],
    )
    return [row[0] for row in rows(cursor)]


def unheard_shipments(cursor: Cursor, lines: Sequence[int], fetched_at: datetime) -> dict[int, int]:
    """Units of lines that count as shipped here and that a snapshot fetched at ``fetched_at`` need not show: by line.

    Index: command_subject.
    """
    cursor.execute(
        """
        SELECT line.id, sum((item.value ->> 'quantity')::int)::int
        FROM orders_orderline AS line
        JOIN channels_command AS command ON command.subject_type = 'order' AND command.subject_id = line.order_id
            AND command.kind = 'ship' AND (command.state <> 'done' OR command.ended_at >= %s)
        CROSS JOIN LATERAL jsonb_array_elements(command.payload -> 'lines') AS item
        WHERE line.id = ANY(%s::bigint[]) AND item.value ->> 'line_id' = line.line_id GROUP BY line.id ORDER BY line.id
        """,
        [fetched_at, array(lines)],
    )
    return dict(rows(cursor))


def set_taken_back(cursor: Cursor, lines: Sequence[int], units: Sequence[int]) -> None:
    """Store of how many shipped units the channel says that they have not left. Locks: the lines."""
    cursor.execute(
        """
        UPDATE orders_orderline AS line SET taken_back = new.units
        FROM unnest(%s::bigint[], %s::int[]) AS new(id, units) WHERE line.id = new.id
        """,
        [array(lines), array(units)],
    )


def add_shipped(cursor: Cursor, lines: Sequence[int], quantities: Sequence[int]) -> None:
    """Sold units of lines have left; what was short of them no longer is. Locks: the lines."""
    cursor.execute(
        """
        UPDATE orders_orderline AS line
        SET shipped = line.shipped + gone.quantity,
            short = least(line.short, line.ordered - line.cancelled - line.shipped - gone.quantity)
        FROM unnest(%s::bigint[], %s::int[]) AS gone(id, quantity)
        WHERE line.id = gone.id
        """,
        [array(lines), array(quantities)],
    )


def sold_since(cursor: Cursor, organisation: int, since: datetime, at: datetime) -> list[tuple[int, int, datetime]]:
    """What orders since a moment took of counted units, cancelled or not: (unit, quantity, when). Index: order_recent."""
    cursor.execute(
        """
        SELECT component.id, (line.ordered - coalesce(split.units, 0)) * line.pack_factor * coalesce(part.quantity, 1),
               least(placed.ordered_at, %(at)s)
        FROM orders_order AS placed
        JOIN orders_orderline AS line ON line.order_id = placed.id
        JOIN catalog_stockunit AS unit ON unit.id = line.stock_unit_id
        LEFT JOIN catalog_kitcomponent AS part ON part.kit_id = unit.id AND unit.kind = 'kit'
        JOIN catalog_stockunit AS component ON component.id = coalesce(part.component_id, unit.id) AND component.stocked
        LEFT JOIN (SELECT into_id, sum(units)::int AS units FROM orders_ordersplit GROUP BY into_id) AS split ON split.into_id = line.id
        WHERE placed.organisation_id = %(organisation)s AND placed.ordered_at > %(since)s AND placed.fulfilled_by = 'seller'
          AND line.ordered > coalesce(split.units, 0)
        ORDER BY line.id, component.id
        """,
        {"organisation": organisation, "since": since, "at": at},
    )
    return rows(cursor)
