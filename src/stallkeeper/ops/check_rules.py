"""The rules that can be verified at rest, each in words and as a statement.

Every body selects ``wrong`` (boolean) and ``problem`` (text) for each thing that it looked at, of organisation ``%(organisation)s`` at the
moment ``%(at)s``. They read whole tables and lock nothing; ``check_queries.verify`` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its number in the list of invariants, in words, and the statement that finds what breaks it."""

    number: str
    title: str
    body: str


LEDGER = Rule(
    "1",
    "On hand is the sum of the ledger's legs",
    """
    SELECT coalesce(level.on_hand, 0) <> coalesce(ledger.units, 0) AS wrong,
           format('%%s at %%s: the level says %%s, the movements add up to %%s', unit.sku, place.code, coalesce(level.on_hand, 0),
                  coalesce(ledger.units, 0)) AS problem
    FROM (SELECT * FROM stock_level WHERE organisation_id = %(organisation)s) AS level
    FULL JOIN (
        SELECT stock_unit_id, location_id, sum(units) AS units FROM (
            SELECT stock_unit_id, to_location_id AS location_id, quantity AS units FROM stock_movement
            WHERE organisation_id = %(organisation)s
            UNION ALL
            SELECT stock_unit_id, from_location_id, -quantity FROM stock_movement WHERE organisation_id = %(organisation)s
        ) AS leg GROUP BY 1, 2
    ) AS ledger ON ledger.stock_unit_id = level.stock_unit_id AND ledger.location_id = level.location_id
    JOIN stock_location AS place ON place.id = coalesce(level.location_id, ledger.location_id) AND place.owner <> 'virtual'
    JOIN catalog_stockunit AS unit ON unit.id = coalesce(level.stock_unit_id, ledger.stock_unit_id)
    """,
)
RESERVED = Rule(
    "2",
    "Allocated and held are the sums of the reservations",
    """
    SELECT (coalesce(level.allocated, 0), coalesce(level.held, 0)) <> (coalesce(sums.allocated, 0), coalesce(sums.held, 0)) AS wrong,
           format('%%s at %%s: the level says %%s allocated and %%s held, the reservations %%s and %%s', unit.sku, place.code,
                  coalesce(level.allocated, 0), coalesce(level.held, 0), coalesce(sums.allocated, 0), coalesce(sums.held, 0)) AS problem
    FROM (SELECT * FROM stock_level WHERE organisation_id = %(organisation)s) AS level
    FULL JOIN (
        SELECT stock_unit_id, location_id, coalesce(sum(quantity) FILTER (WHERE kind = 'allocated'), 0) AS allocated,
               coalesce(sum(quantity) FILTER (WHERE kind <> 'allocated'), 0) AS held
        FROM stock_reservation WHERE organisation_id = %(organisation)s GROUP BY 1, 2
    ) AS sums ON sums.stock_unit_id = level.stock_unit_id AND sums.location_id = level.location_id
    JOIN stock_location AS place ON place.id = coalesce(level.location_id, sums.location_id)
    JOIN catalog_stockunit AS unit ON unit.id = coalesce(level.stock_unit_id, sums.stock_unit_id)
    """,
)
HISTORY = Rule(
    "2",
    "The history of reservations ends at what is reserved now",
    """
    SELECT coalesce(now.quantity, 0) <> coalesce(history.after, 0) AS wrong,
           format('%%s %%s, unit %%s at place %%s, %%s: reserved %%s, the history ends at %%s', owner_type, owner_id, stock_unit_id,
                  location_id, kind, coalesce(now.quantity, 0), coalesce(history.after, 0)) AS problem
    FROM (SELECT * FROM stock_reservation WHERE organisation_id = %(organisation)s) AS now
    FULL JOIN (
        SELECT DISTINCT ON (owner_type, owner_id, stock_unit_id, location_id, kind) *
        FROM stock_reservation_event WHERE organisation_id = %(organisation)s
        ORDER BY owner_type, owner_id, stock_unit_id, location_id, kind, id DESC
    ) AS history USING (owner_type, owner_id, stock_unit_id, location_id, kind)
    """,
)
WITHIN = Rule(
    "3",
    "No more is allocated than there is, unless the place allows backorder",
    """
    SELECT level.on_hand < 0 OR level.allocated < 0 OR level.held < 0 OR level.backorder <> place.allows_backorder
           OR (level.allocated > level.on_hand AND NOT place.allows_backorder) AS wrong,
           format('%%s at %%s: %%s on hand, %%s allocated, %%s held, backorder %%s (the place: %%s)', unit.sku, place.code, level.on_hand,
                  level.allocated, level.held, level.backorder, place.allows_backorder) AS problem
    FROM stock_level AS level JOIN stock_location AS place ON place.id = level.location_id
    JOIN catalog_stockunit AS unit ON unit.id = level.stock_unit_id WHERE level.organisation_id = %(organisation)s
    """,
)
SHORT = Rule(
    "3",
    "What is short has exactly one open shortage, and nothing else has one",
    """
    SELECT line.short <> coalesce(shortage.quantity, 0) AS wrong,
           format('order %%s, line %%s: %%s short, the open shortage says %%s', o.number, line.line_id, line.short,
                  coalesce(shortage.quantity::text, 'nothing')) AS problem
    FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
    LEFT JOIN orders_shortage AS shortage ON shortage.line_id = line.id AND shortage.resolved_at IS NULL
    WHERE line.organisation_id = %(organisation)s AND o.state <> 'pending' AND (line.short > 0 OR shortage.id IS NOT NULL)
    """,
)
ONCE = Rule(
    "5",
    "Each order of an account exists once, and each line once",
    """
    SELECT count(*) > 1 AS wrong, format('order %%s of account %%s exists %%s times', external_id, connection_id, count(*)) AS problem
    FROM orders_order WHERE organisation_id = %(organisation)s GROUP BY connection_id, external_id
    UNION ALL
    SELECT count(*) > 1, format('line %%s of order %%s exists %%s times', line_id, order_id, count(*))
    FROM orders_orderline WHERE organisation_id = %(organisation)s GROUP BY order_id, line_id
    """,
)
LINES = Rule(
    "7",
    "Of every line: shipped, cancelled and short stay within what was ordered",
    """
    SELECT line.ordered < line.cancelled + line.shipped + line.short OR least(line.ordered, line.cancelled, line.shipped, line.short) < 0
           OR line.returned > line.shipped AS wrong,
           format('order %%s, line %%s: ordered %%s, cancelled %%s, shipped %%s, short %%s, returned %%s', o.number, line.line_id,
                  line.ordered, line.cancelled, line.shipped, line.short, line.returned) AS problem
    FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id WHERE line.organisation_id = %(organisation)s
    """,
)
PROMISED = Rule(
    "7",
    "Every open line holds exactly what is not short of it; no other line holds anything",
    """
    WITH part AS (
        SELECT unit.id AS unit_id, unit.id AS component_id, 1 AS number FROM catalog_stockunit AS unit
        WHERE unit.organisation_id = %(organisation)s AND unit.kind = 'single' AND unit.stocked
        UNION ALL
        SELECT kit.kit_id, kit.component_id, kit.quantity FROM catalog_kitcomponent AS kit
        JOIN catalog_stockunit AS component ON component.id = kit.component_id AND component.stocked
        WHERE kit.organisation_id = %(organisation)s
    ), owed AS (
        SELECT line.id AS line_key, line.line_id, o.number, part.component_id, o.state = 'pending' AS pending,
               CASE WHEN o.state = 'cancelled' OR o.fulfilled_by <> 'seller' OR o.at_cutover THEN 0
                    ELSE (line.ordered - line.cancelled - line.shipped - line.short) * line.pack_factor * part.number END AS units
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        JOIN part ON part.unit_id = line.stock_unit_id WHERE line.organisation_id = %(organisation)s
    ), held AS (
        SELECT owner_id AS line_key, stock_unit_id AS component_id, sum(quantity) AS units FROM stock_reservation
        WHERE organisation_id = %(organisation)s AND owner_type = 'line' GROUP BY 1, 2
    )
    SELECT coalesce(held.units, 0) > coalesce(owed.units, 0) OR (coalesce(held.units, 0) < owed.units AND NOT owed.pending) AS wrong,
           format('order %%s, line %%s: %%s of unit %%s promised, %%s owed', coalesce(owed.number, 'gone'),
                  coalesce(owed.line_id, line_key::text), coalesce(held.units, 0), component_id, coalesce(owed.units, 0)) AS problem
    FROM owed FULL JOIN held USING (line_key, component_id)
    """,
)
OPEN = Rule(
    "7",
    "The open units that an offer counts are those of its orders",
    """
    SELECT (offer.open_qty, offer.unacknowledged_qty) <> (coalesce(counted.open, 0), coalesce(counted.waiting, 0)) AS wrong,
           format('offer %%s on %%s: it counts %%s open and %%s unacknowledged, its orders have %%s and %%s', offer.sku, channel.code,
                  offer.open_qty, offer.unacknowledged_qty, coalesce(counted.open, 0), coalesce(counted.waiting, 0)) AS problem
    FROM channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id
    LEFT JOIN (
        SELECT line.offer_id, sum(line.ordered - line.cancelled - line.shipped) AS open,
               coalesce(sum(line.ordered - line.cancelled - line.shipped) FILTER (WHERE o.state IN ('pending', 'new')), 0) AS waiting
        FROM orders_orderline AS line JOIN orders_order AS o ON o.id = line.order_id
        WHERE line.organisation_id = %(organisation)s AND o.fulfilled_by = 'seller' AND line.offer_id IS NOT NULL GROUP BY 1
    ) AS counted ON counted.offer_id = offer.id
    WHERE offer.organisation_id = %(organisation)s
    """,
)
LISTED = Rule(
    "10",
    "Whatever a channel should be sent is listed to be sent, on its way, or refused by the channel",
    """
    SELECT NOT (todo.offer_id IS NOT NULL OR offer.refused_qty IS NOT DISTINCT FROM offer.intended_qty OR under_way.offer_id IS NOT NULL)
               AS wrong,
           format('offer %%s on %%s should show %%s, is believed to show %%s, and nobody is going to send it', offer.sku, channel.code,
                  offer.intended_qty, coalesce(offer.believed_qty::text, 'unknown')) AS problem
    FROM channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id
    JOIN channels_connection AS account ON account.id = channel.connection_id
    JOIN core_organisation AS organisation ON organisation.id = offer.organisation_id
    LEFT JOIN channels_offertodo AS todo ON todo.offer_id = offer.id AND todo.kind = 'quantity'
    LEFT JOIN (
        SELECT DISTINCT item.offer_id FROM channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
        WHERE ticket.closed_at IS NULL AND NOT item.resolved AND ticket.organisation_id = %(organisation)s
    ) AS under_way ON under_way.offer_id = offer.id
    WHERE offer.organisation_id = %(organisation)s AND channel.active AND channel.stock_enabled AND account.writes_allowed
      AND organisation.sending_enabled AND NOT offer.stock_excluded AND offer.intended_qty IS DISTINCT FROM offer.believed_qty
      AND offer.intended_qty IS NOT NULL
    """,
)
BELONGS = Rule(
    "10",
    "Whatever is listed to be sent is an offer of that channel, and not left out",
    """
    SELECT why.told IS NOT NULL AS wrong, format('%%s of offer %%s is listed to be sent, but %%s', todo.kind, coalesce(offer.sku,
                  todo.offer_id::text), why.told) AS problem
    FROM channels_offertodo AS todo
    LEFT JOIN channels_offer AS offer ON offer.id = todo.offer_id
    LEFT JOIN channels_offerprice AS price ON price.offer_id = todo.offer_id
    CROSS JOIN LATERAL (SELECT CASE
        WHEN offer.id IS NULL THEN 'there is no such offer'
        WHEN offer.organisation_id <> todo.organisation_id THEN 'it belongs to another organisation'
        WHEN offer.channel_id <> todo.channel_id THEN format('it belongs to channel %%s, not %%s', offer.channel_id, todo.channel_id)
        WHEN CASE todo.kind WHEN 'quantity' THEN offer.stock_excluded ELSE offer.prices_excluded END THEN 'it is left out'
        WHEN CASE todo.kind WHEN 'quantity' THEN offer.intended_qty IS NULL ELSE price.intended IS NULL END THEN 'there is nothing to send'
    END AS told) AS why
    WHERE todo.organisation_id = %(organisation)s
    """,
)
CALM = Rule(
    "10",
    "Every channel is believed to show what it should",
    """
    SELECT offer.intended_qty IS DISTINCT FROM offer.believed_qty
               AND NOT coalesce(offer.refused_qty = offer.intended_qty AND offer.refused_message <> '', false) AS wrong,
           format('offer %%s on %%s should show %%s and is believed to show %%s', offer.sku, channel.code, offer.intended_qty,
                  coalesce(offer.believed_qty::text, 'unknown')) AS problem
    FROM channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id
    JOIN channels_connection AS account ON account.id = channel.connection_id
    JOIN core_organisation AS organisation ON organisation.id = offer.organisation_id
    WHERE offer.organisation_id = %(organisation)s AND channel.active AND channel.stock_enabled AND account.writes_allowed
      AND organisation.sending_enabled AND NOT offer.stock_excluded
    """,
)
COMMANDS = Rule(
    "11",
    "No command is under way or was given up silently",
    """
    SELECT command.state IN ('queued', 'sent')
               OR (command.state IN ('refused', 'dead') AND command.message = '' AND command.code = '') AS wrong,
           format('%%s of %%s %%s: %%s', command.kind, command.subject_type, command.subject_id, command.state) AS problem
    FROM channels_command AS command WHERE command.organisation_id = %(organisation)s
    """,
)
FORGOTTEN = Rule(
    "15",
    "Personal data is gone when its time is over",
    """
    SELECT delete_after < %(at)s::timestamptz - interval '2 days' AS wrong,
           format('%%s %%s (%%s) should have been deleted on %%s', subject_type, subject_id, purpose, delete_after::date) AS problem
    FROM core_personaldata WHERE organisation_id = %(organisation)s
    """,
)
APPEND_ONLY = Rule(
    "1",
    "The database refuses to change entries of the ledger, of the histories and of the audit",
    """
    SELECT trigger.tgenabled IS DISTINCT FROM 'O' AS wrong,
           format('table %%s: the trigger %%s is %%s', wanted.relation, wanted.name,
                  CASE WHEN trigger.oid IS NULL THEN 'missing' ELSE 'off' END) AS problem
    FROM (VALUES ('stock_movement', 'movement_append_only'), ('stock_reservation_event', 'reservation_event_append_only'),
                 ('channels_sent_log', 'sent_log_append_only'), ('core_auditentry', 'audit_append_only'),
                 ('core_factchange', 'fact_change_append_only'), ('channels_openevent', 'open_event_append_only')) AS wanted(relation, name)
    LEFT JOIN pg_trigger AS trigger ON trigger.tgname = wanted.name AND trigger.tgrelid = to_regclass(wanted.relation)
    WHERE %(organisation)s > 0
    """,
)
AT_REST = (LEDGER, APPEND_ONLY, RESERVED, HISTORY, WITHIN, SHORT, ONCE, LINES, PROMISED, OPEN, LISTED, BELONGS, FORGOTTEN)
WHEN_CALM = (CALM, COMMANDS)
