"""SQL of the model: one statement that reads everything a look needs, as one JSON document. It locks nothing and writes nothing.

Of tables that grow, only rows are read that were written since the last look: by their ``xmin``, which is at least the horizon that the
last look has noted, so a row is found however late its transaction commits. Everything else is small and read as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from stallkeeper.ops.simulation.truth.asking import ask
from stallkeeper.ops.simulation.truth.rows import Reading


class Entry(Protocol):
    """A row of a table that only grows."""

    @property
    def id(self) -> int: ...


E = TypeVar("E", bound=Entry)


@dataclass
class Seen:
    """How far the model has read."""

    horizon: int = 0
    ids: dict[str, set[int]] = field(default_factory=dict)
    """Of the tables that only grow: the rows that were seen."""

    def fresh(self, table: str, entries: list[E]) -> list[E]:
        """Those that were not seen before; they are from now on."""
        known = self.ids.setdefault(table, set())
        new = [entry for entry in entries if entry.id not in known]
        known.update(entry.id for entry in new)
        return new


MINE = "organisation_id = %(organisation)s"
NEW = f"{MINE} AND xmin::text::bigint >= %(horizon)s"
GROWING = ("stock_movement", "stock_reservation_event", "channels_sent_log", "orders_orderevent", "core_auditentry")
LASTING = ("stock_movement", "orders_order", "orders_orderline", "channels_command", "core_auditentry")


def _rows(columns: str, source: str, order: str = "1") -> str:
    return f"(SELECT coalesce(json_agg(json_build_array({columns}) ORDER BY {order}), '[]') FROM {source})"  # noqa: S608


def _written(table: str) -> str:
    return f"{table} WHERE {NEW}"


def _words(where: str, text: str, table: str) -> str:
    return f"(SELECT '{where} ' || id AS place, {text} AS text FROM {table} WHERE {NEW})"  # noqa: S608


ACCOUNT = """account.id, account.state,
    (SELECT max(step.watermark) FROM channels_lanestep AS step JOIN channels_lane AS lane ON lane.id = step.lane_id
    WHERE lane.subject_type = 'connection' AND lane.subject_id = account.id AND lane.kind = 'trade' AND step.step = 'orders'),
    account.writes_allowed AND organisation.sending_enabled"""
ACCOUNTS = """channels_connection AS account JOIN core_organisation AS organisation ON organisation.id = account.organisation_id
    WHERE account.organisation_id = %(organisation)s"""
LANE = """id, kind || ' lane of account ' || subject_id, epoch, claimed_by, heartbeat_at, last_started_at, last_ended_at"""
CHANNEL = """channel.id, channel.connection_id, account.platform,
    organisation.sending_enabled AND channel.active AND channel.stock_enabled AND account.writes_allowed,
    channel.share::text, channel.share_rounding, channel.buffer, channel.max_publish, channel.zero_at, channel.fixed, channel.allow_splits,
    channel.horizon_days, channel.orders_enabled,
    ARRAY(SELECT location_id FROM channels_channellocation AS chosen WHERE chosen.channel_id = channel.id ORDER BY 1),
    channel.velocity_share::text"""
OVERRIDE = """channel_id, category, stock_unit_id, share::text, share_rounding, buffer, max_publish, zero_at, fixed, velocity_share::text"""
SHELVED = """catalog_variant AS variant JOIN catalog_product AS product ON product.id = variant.product_id
    WHERE variant.organisation_id = %(organisation)s"""
CHANNELS = """channels_channel AS channel JOIN channels_connection AS account ON account.id = channel.connection_id
    JOIN core_organisation AS organisation ON organisation.id = channel.organisation_id
    WHERE channel.organisation_id = %(organisation)s"""
OFFER = """id, channel_id, stock_unit_id, sku, external_id, pack_factor, stock_excluded, intended_qty, sent_qty, sent_at, accepted_qty,
    accepted_at, observed_qty, observed_at, believed_qty, open_qty, unacknowledged_qty, refused_qty, refused_at,
    refused_code || ' ' || refused_message"""
TARIFF = """channel.id, organisation.sending_enabled AND channel.active AND channel.prices_enabled AND account.writes_allowed,
    list.id, list.currency, list.tax_included, channel.currency, channel.mark_up::text, channel.price_rounding, channel.exchange_rate::text,
    channel.tax_rate::text"""
TARIFFS = """catalog_pricelist AS list JOIN channels_channel AS channel ON channel.price_list_id = list.id
    JOIN channels_connection AS account ON account.id = channel.connection_id
    JOIN core_organisation AS organisation ON organisation.id = channel.organisation_id
    WHERE list.organisation_id = %(organisation)s"""
PRICE = """offer.id, offer.channel_id, offer.stock_unit_id, offer.sku, offer.pack_factor, offer.prices_excluded, price.intended::text,
    price.sent::text, price.sent_at, price.accepted::text, price.accepted_at, price.observed::text, price.observed_at, price.believed::text,
    price.refused::text, price.refused_at, coalesce(price.refused_code || ' ' || price.refused_message, '')"""
PRICES = """channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id AND channel.price_list_id IS NOT NULL
    LEFT JOIN channels_offerprice AS price ON price.offer_id = offer.id WHERE offer.organisation_id = %(organisation)s"""
ORDER = """id, connection_id, channel_id, external_id, state, remote_state, fulfilled_by, ordered_at, remote_modified_at, fetched_at,
    currency, encode(digest, 'hex'), at_cutover, dispatch_by"""
LINE = """id, order_id, line_id, sku, offer_id, stock_unit_id, pack_factor, ordered, cancelled, shipped, returned, refunded, short,
    taken_back"""
COMMAND = "id, connection_id, kind, subject_id, key, state, attempts, code, message, payload::text, sent_at"
TICKET = "ticket.id, item.offer_id, ticket.kind, item.value::text, item.overtaken"
TICKETS = """channels_ticketitem AS item JOIN channels_ticket AS ticket ON ticket.id = item.ticket_id
    WHERE ticket.organisation_id = %(organisation)s AND ticket.closed_at IS NULL AND NOT item.resolved"""
AMOUNTS = f"orders_amount WHERE order_id IN (SELECT id FROM orders_order WHERE {NEW})"  # noqa: S608
WORDS = " UNION ALL ".join(
    (
        _words("notification", "title || ' ' || detail", "core_notification"),
        _words("lane", "last_error", "channels_lane"),
        _words("step", "last_error", "channels_lanestep"),
        _words("run", "error || ' ' || steps::text", "channels_run"),
        _words("parked object", "reason", "channels_parked"),
        _words("offer", "refused_message", "channels_offer"),
        _words("account", "state_reason || ' ' || config::text", "channels_connection"),
        _words("listing", "title || ' ' || channel_ids::text", "channels_remotelisting"),
    )
)
TOTALS = " UNION ALL ".join(
    f"(SELECT '{table}' AS name, count(*) AS number, coalesce(sum(id), 0) AS ids FROM {table} WHERE {MINE})"  # noqa: S608
    for table in LASTING
)
PARTS = {
    "stale": f"(SELECT coalesce(json_agg(stock_unit_id ORDER BY 1), '[]') FROM stock_stale WHERE {MINE})",  # noqa: S608
    "places": _rows("id, code, owner, active, sellable, allows_backorder, priority", f"stock_location WHERE {MINE}", "id"),
    "units": _rows("id, sku, kind, stocked, active", f"catalog_stockunit WHERE {MINE}", "id"),
    "parts": _rows("kit_id, component_id, quantity", f"catalog_kitcomponent WHERE {MINE}", "id"),
    "levels": _rows(
        "stock_unit_id, location_id, on_hand, allocated, held, backorder", f"stock_level WHERE {MINE}", "stock_unit_id, location_id"
    ),
    "reservations": _rows(
        "id, stock_unit_id, location_id, owner_type, owner_id, kind, quantity, due_at", f"stock_reservation WHERE {MINE}", "id"
    ),
    "holds": _rows("id, stock_unit_id, location_id, quantity", f"stock_manualhold WHERE {MINE}", "id"),
    "incoming": _rows("stock_unit_id, location_id, quantity, expected_on", f"stock_incoming WHERE {MINE}", "id"),
    "fences": _rows("channel_id, stock_unit_id, quantity", f"channels_ringfence WHERE {MINE}", "id"),
    "guarded": _rows("stock_unit_id", f"channels_guardedunit WHERE {MINE}", "id"),
    "overrides": _rows(OVERRIDE, f"channels_ruleoverride WHERE {MINE} AND valid_until IS NULL", "id"),
    "shelved": _rows("variant.stock_unit_id, product.category", SHELVED, "variant.id"),
    "sold": _rows("id, stock_unit_id, quantity, sold_at", f"channels_unitsale WHERE {MINE} AND passed_at IS NULL", "id"),
    "accounts": _rows(ACCOUNT, ACCOUNTS, "account.id"),
    "lanes": _rows(LANE, f"channels_lane WHERE {MINE}", "id"),
    "runs": _rows("id, lane_id, epoch, ended_at", f"{_written('channels_run')} AND ended_at IS NOT NULL", "id"),
    "channels": _rows(CHANNEL, CHANNELS, "channel.id"),
    "offers": _rows(OFFER, f"channels_offer WHERE {MINE}", "id"),
    "tariffs": _rows(TARIFF, TARIFFS, "channel.id"),
    "base_prices": _rows("price_list_id, stock_unit_id, amount::text", f"catalog_price WHERE {MINE}", "id"),
    "prices": _rows(PRICE, PRICES, "offer.id"),
    "todo": _rows("offer_id, kind, channel_id, danger", f"channels_offertodo WHERE {MINE}", "offer_id, kind"),
    "tickets": _rows(TICKET, TICKETS, "item.id"),
    "orders": _rows(ORDER, f"orders_order WHERE {NEW}", "id"),
    "lines": _rows(LINE, f"orders_orderline WHERE {NEW}", "id"),
    "amounts": _rows("order_id, line_id, kind, amount::text, currency, owed_by, label", AMOUNTS, "order_id, id"),
    "shortages": _rows(
        "id, line_id, quantity, worst, sold_at, cut_accepted_at, resolved_at IS NULL", f"orders_shortage WHERE {MINE}", "id"
    ),
    "commands": _rows(COMMAND, f"channels_command WHERE {NEW}", "id"),
    "movements": _rows(
        "id, stock_unit_id, quantity, from_location_id, to_location_id, cause, reference, occurred_at", _written("stock_movement"), "id"
    ),
    "kept": _rows(
        "id, stock_unit_id, location_id, owner_type, owner_id, kind, before, after, at", _written("stock_reservation_event"), "id"
    ),
    "sent": _rows("id, offer_id, kind, at, value::text, outcome", _written("channels_sent_log"), "id"),
    "stories": _rows("id, order_id, kind, actor, detail::text", _written("orders_orderevent"), "id"),
    "audit": _rows("id, actor, action, subject_type, subject_id, detail::text", _written("core_auditentry"), "id"),
    "notices": f"(SELECT coalesce(json_agg(key ORDER BY key), '[]') FROM core_notification WHERE {MINE} AND resolved_at IS NULL)",  # noqa: S608
    "words": _rows("place, text", f"({WORDS}) AS words WHERE text <> ''", "place"),
    "totals": _rows("name, number, ids", f"({TOTALS}) AS totals", "name"),
}
LOOK = (
    "SELECT json_build_object('horizon', pg_snapshot_xmin(pg_current_snapshot())::text::bigint, "
    + ", ".join(f"'{name}', {body}" for name, body in PARTS.items())
    + ")::text"
)
_decoder = msgspec.json.Decoder(Reading)


def look(organisation: int, seen: Seen) -> Reading:
    """Everything that is there or new, of one organisation; ``seen`` is brought along. Locks: none. Reads whole tables of a small shop."""
    [(found,)] = ask(LOOK, organisation=organisation, horizon=seen.horizon)
    reading = _decoder.decode(found)
    seen.horizon = reading.horizon
    return reading
