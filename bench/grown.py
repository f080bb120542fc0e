"""A shop with something on every screen, grown to a million offers and 300,000 orders: copies of its rows, spread over time.

What is copied has been written by the use cases; a copy differs by its keys, its times and its words. Only reading is measured on it:
copied reservations are not in the levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

CHANNELS = 10
DAYS = 90
"""So far back go the orders; sends go back seven days, as far as any screen looks."""


@dataclass(frozen=True)
class Size:
    """``offers`` by ``CHANNELS`` channels, as many listings; ``orders``, the newest of them still open."""

    offers: int
    orders: int

    @property
    def units(self) -> int:
        return self.offers // CHANNELS

    @property
    def open_orders(self) -> int:
        return self.orders // 50


def grow(size: Size) -> None:
    """Fill the tables of the one organisation in scope, whose shop is there already (``tests.screens.shop``)."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        _channels(cursor)
        _units(cursor, size)
        _offers(cursor)
        _orders(cursor, size)
        _rest(cursor, size)
    analyse()


def analyse() -> None:
    """As autovacuum does after so much was written."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def copy(cursor, table: str, of: str, other: Mapping[str, str], also: str = "") -> None:
    """Insert copies of rows. ``of``: a FROM clause in which ``t`` is the row; ``other``: SQL of what differs, the key included."""
    changes = ", ".join(f"'{name}', {value}" for name, value in other.items())
    made = f"jsonb_populate_record(NULL::{table}, to_jsonb(t) || jsonb_build_object({changes}))"
    cursor.execute(f"INSERT INTO {table} SELECT made.* FROM {of} CROSS JOIN LATERAL {made} AS made {also}")


def key(table: str) -> str:
    return f"nextval(pg_get_serial_sequence('{table}', 'id'))"


def _channels(cursor) -> None:
    """Eight more stalls, each with an account and lanes of its own."""
    for number in range(3, CHANNELS + 1):
        copy(
            cursor,
            "channels_connection",
            "(SELECT * FROM channels_connection ORDER BY id LIMIT 1) AS t",
            {
                "id": key("channels_connection"),
                "name": f"'Stall {number}'",
                "account_id": f"'B-{number}'",
                "hint_token": f"'grown-{number}'",
            },
        )
        cursor.execute("SELECT max(id) FROM channels_connection")
        account = cursor.fetchone()[0]
        copy(
            cursor,
            "channels_channel",
            "(SELECT * FROM channels_channel ORDER BY id LIMIT 1) AS t",
            {"id": key("channels_channel"), "connection_id": str(account), "code": f"'B{number}'", "name": f"'Stall {number}'"},
        )
        copy(
            cursor,
            "channels_channellocation",
            "(SELECT * FROM channels_channellocation WHERE channel_id = (SELECT min(id) FROM channels_channel)) AS t",
            {"id": key("channels_channellocation"), "channel_id": "(SELECT max(id) FROM channels_channel)"},
        )
        copy(
            cursor,
            "channels_lane",
            "(SELECT * FROM channels_lane WHERE subject_type = 'connection' ORDER BY id LIMIT 2) AS t",
            {"id": key("channels_lane"), "subject_id": str(account)},
        )
    copy(
        cursor,
        "channels_lanestep",
        "channels_lane AS lane JOIN (SELECT * FROM channels_lane WHERE subject_type = 'connection' ORDER BY id LIMIT 2) AS first"
        " ON first.kind = lane.kind JOIN channels_lanestep AS t ON t.lane_id = first.id",
        {"id": key("channels_lanestep"), "lane_id": "lane.id"},
        "WHERE lane.subject_type = 'connection' AND NOT EXISTS (SELECT 1 FROM channels_lanestep AS had WHERE had.lane_id = lane.id)",
    )


def _units(cursor, size: Size) -> None:
    single = "(SELECT * FROM catalog_stockunit WHERE kind = 'single' ORDER BY id LIMIT 1) AS t"
    copy(
        cursor,
        "catalog_stockunit",
        f"{single} CROSS JOIN generate_series(1, {size.units}) AS n",
        {"id": key("catalog_stockunit"), "sku": "'BIG-' || lpad(n::text, 7, '0')", "title": "'Grown article, number ' || n"},
        "ORDER BY n",
    )
    cursor.execute(
        "CREATE TEMP TABLE grown AS SELECT id, row_number() OVER (ORDER BY id) AS n FROM catalog_stockunit WHERE sku LIKE 'BIG-%'"
    )
    cursor.execute("CREATE INDEX ON grown (n)")
    of = "(SELECT * FROM {table} WHERE stock_unit_id = (SELECT min(id) FROM catalog_stockunit) LIMIT {limit}) AS t CROSS JOIN grown"
    for table, other, limit in (
        ("stock_level", {"stock_unit_id": "grown.id", "on_hand": "grown.n % 60", "allocated": "0", "held": "0"}, 2),
        (
            "catalog_identifier",
            {"id": key("catalog_identifier"), "stock_unit_id": "grown.id", "value": "'59' || lpad(grown.n::text, 11, '0')"},
            1,
        ),
    ):
        copy(cursor, table, of.format(table=table, limit=limit), other, "ORDER BY grown.n")
    cursor.execute("ANALYZE catalog_stockunit, stock_level, grown")


def _offers(cursor) -> None:
    sample = (
        "(SELECT offer.* FROM channels_offer AS offer JOIN catalog_stockunit AS unit ON unit.id = offer.stock_unit_id"
        " WHERE NOT offer.stock_excluded AND offer.refused_at IS NULL AND offer.open_qty = 0 AND unit.kind = 'single'"
        " ORDER BY offer.id LIMIT 1) AS t"
    )
    figure = "greatest(grown.n % 60 - 1, 0)"
    qty = dict.fromkeys(("intended_qty", "sent_qty", "accepted_qty", "observed_qty"), figure)
    copy(
        cursor,
        "channels_offer",
        f"{sample} CROSS JOIN grown CROSS JOIN channels_channel AS channel",
        {
            **{"id": key("channels_offer"), "channel_id": "channel.id", "stock_unit_id": "grown.id"},
            **{"sku": "'BIG-' || lpad(grown.n::text, 7, '0')", "external_id": "'X' || grown.n"},
            **qty,
            "believed_qty": f"CASE WHEN grown.n % 500 = 0 THEN NULL WHEN grown.n % 300 = 0 THEN {figure} + 2 ELSE {figure} END",
            "refused_at": "CASE WHEN grown.n % 2000 = 0 THEN t.sent_at END",
            "refused_code": "CASE WHEN grown.n % 2000 = 0 THEN 'VALIDATION' ELSE '' END",
            "refused_message": "CASE WHEN grown.n % 2000 = 0 THEN 'Stock cannot be changed while it is validated.' ELSE '' END",
        },
        "ORDER BY grown.n, channel.id",
    )
    cursor.execute("ANALYZE channels_offer")
    copy(
        cursor,
        "channels_offerprice",
        "(SELECT * FROM channels_offerprice ORDER BY offer_id LIMIT 1) AS t JOIN channels_offer AS offer ON offer.sku LIKE 'BIG-%'",
        {"offer_id": "offer.id", "channel_id": "offer.channel_id"},
    )
    cursor.execute(
        "INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)"
        " SELECT organisation_id, id, 'quantity', channel_id, 0, nextval('channels_todo_version'), sent_at FROM channels_offer"
        " WHERE sku LIKE 'BIG-%' AND believed_qty <> intended_qty ON CONFLICT DO NOTHING"
    )
    _listings(cursor)


def _listings(cursor) -> None:
    """One of each offer, and one in forty that is not linked, with the candidates of those that are there."""
    named = {"title": "'Grown article as the stall calls it, ' || offer.sku", "sku": "offer.sku", "external_id": "offer.external_id"}
    copy(
        cursor,
        "channels_remotelisting",
        "(SELECT * FROM channels_remotelisting WHERE state = 'linked' ORDER BY id LIMIT 1) AS t CROSS JOIN channels_offer AS offer",
        {
            "id": key("channels_remotelisting"),
            "channel_id": "offer.channel_id",
            "offer_id": "offer.id",
            "quantity": "offer.observed_qty",
            **named,
        },
        "WHERE offer.sku LIKE 'BIG-%' ORDER BY offer.id",
    )
    copy(
        cursor,
        "channels_remotelisting",
        "(SELECT * FROM channels_remotelisting WHERE state IN ('new', 'ambiguous') ORDER BY id LIMIT 6) AS t CROSS JOIN grown",
        {"id": key("channels_remotelisting"), "sku": "'NEW-' || grown.n || '-' || t.id", "external_id": "'N' || grown.n || '-' || t.id"},
        "WHERE grown.n % 40 = 0 ORDER BY grown.n",
    )


def _orders(cursor, size: Size) -> None:
    """Shipped and cancelled ones over the last months, open ones of the last two days; each with all that belongs to it."""
    cursor.execute("CREATE TEMP TABLE old_order AS SELECT id, state IN ('shipped', 'cancelled') AS ended FROM orders_order")
    cursor.execute(
        "CREATE TEMP TABLE copied AS SELECT old.id AS old, nextval(pg_get_serial_sequence('orders_order', 'id')) AS new, n, old.ended"
        " FROM old_order AS old CROSS JOIN LATERAL generate_series(1, CASE WHEN old.ended THEN %s ELSE %s END"
        " / (SELECT count(*) FROM old_order AS all_of WHERE all_of.ended = old.ended)::int) AS n",
        [size.orders - size.open_orders, size.open_orders],
    )
    cursor.execute("CREATE INDEX ON copied (old)")
    back = f"(CASE WHEN c.ended THEN make_interval(secs => c.new % ({DAYS} * 86400)) ELSE make_interval(secs => c.new % 172800) END)"
    times = {name: f"t.{name} - {back}" for name in ("ordered_at", "imported_at", "acknowledge_by", "dispatch_by", "fetched_at")}
    number = {"number": "'9' || c.new", "external_id": "'9' || c.new"}
    cursor.execute("CREATE TEMP TABLE stalls AS SELECT id, connection_id, row_number() OVER (ORDER BY id) - 1 AS k FROM channels_channel")
    copy(
        cursor,
        "orders_order",
        "orders_order AS t JOIN copied AS c ON c.old = t.id JOIN stalls ON stalls.k = c.new % 10",
        {"id": "c.new", "channel_id": "stalls.id", "connection_id": "stalls.connection_id", **times, **number},
        "ORDER BY c.new",
    )
    cursor.execute(
        "CREATE TEMP TABLE copied_line AS SELECT line.id AS old, nextval(pg_get_serial_sequence('orders_orderline', 'id')) AS new,"
        " c.new AS order_id FROM orders_orderline AS line JOIN copied AS c ON c.old = line.order_id"
    )
    cursor.execute("CREATE INDEX ON copied_line (old)")
    cursor.execute("ANALYZE copied, copied_line")
    line = "JOIN copied_line AS l ON l.old = t."
    copy(cursor, "orders_orderline", f"orders_orderline AS t {line}id", {"id": "l.new", "order_id": "l.order_id"}, "ORDER BY l.new")
    _parts_of_orders(cursor, back)


def _parts_of_orders(cursor, back: str) -> None:
    of_order = "AS t JOIN copied AS c ON c.old = t.order_id"
    cursor.execute(
        "CREATE TEMP TABLE copied_shipment AS SELECT t.id AS old, nextval(pg_get_serial_sequence('fulfilment_shipment', 'id')) AS new,"
        f" c.new AS order_id FROM fulfilment_shipment {of_order}"
    )
    copy(
        cursor,
        "fulfilment_shipment",
        "fulfilment_shipment AS t JOIN copied_shipment AS s ON s.old = t.id",
        {"id": "s.new", "order_id": "s.order_id", "reference": "'grown-' || s.new", "tracking_number": "'GROWN' || s.new"},
    )
    copy(
        cursor,
        "fulfilment_shipmentline",
        "fulfilment_shipmentline AS t JOIN copied_shipment AS s ON s.old = t.shipment_id JOIN copied_line AS l ON l.old = t.line_id"
        " AND l.order_id = s.order_id",
        {"id": key("fulfilment_shipmentline"), "shipment_id": "s.new", "line_id": "l.new"},
    )
    copy(
        cursor,
        "orders_orderevent",
        f"orders_orderevent {of_order}",
        {"id": key("orders_orderevent"), "order_id": "c.new", "at": f"t.at - {back}"},
    )
    copy(cursor, "orders_amount", f"orders_amount {of_order}", {"id": key("orders_amount"), "order_id": "c.new", "line_id": "NULL"})
    copy(
        cursor,
        "stock_reservation",
        "(SELECT * FROM stock_reservation WHERE owner_type = 'line') AS t JOIN copied_line AS l ON l.old = t.owner_id",
        {"id": key("stock_reservation"), "owner_id": "l.new"},
    )
    _buyers(cursor)
    cursor.execute("ANALYZE orders_order, orders_orderline, core_personaldata, core_personalword")


def _buyers(cursor) -> None:
    """Each order has its own, of whom one in 5,000 is called like the one that is copied."""
    copy(
        cursor,
        "core_personaldata",
        "(SELECT * FROM core_personaldata WHERE subject_type = 'order') AS t JOIN copied AS c ON c.old = t.subject_id",
        {
            **{"id": key("core_personaldata"), "subject_id": "c.new"},
            "words": "(SELECT coalesce(jsonb_agg(word # (c.n % 5000)), '[]') FROM unnest(t.words) AS word)",
        },
    )
    cursor.execute(
        'INSERT INTO core_personalword (organisation_id, word, "row") SELECT data.organisation_id, word, data.id'
        " FROM core_personaldata AS data CROSS JOIN LATERAL unnest(data.words) AS word ON CONFLICT DO NOTHING"
    )


def _rest(cursor, size: Size) -> None:
    """What grows beside orders: messages, sends, movements, the log of acts, what was noticed and is over, runs."""
    copy(
        cursor,
        "channels_command",
        "(SELECT * FROM channels_command WHERE subject_type = 'order') AS t JOIN copied AS c ON c.old = t.subject_id",
        {"id": key("channels_command"), "subject_id": "c.new", "key": "t.key || '-' || c.new"},
    )
    copy(
        cursor,
        "channels_observedhold",
        "(SELECT * FROM channels_observedhold ORDER BY id LIMIT 1) AS t"
        " CROSS JOIN (SELECT id, channel_id FROM channels_offer WHERE id % 20 = 0) AS offer",
        {
            **{"id": key("channels_observedhold"), "offer_id": "offer.id", "channel_id": "offer.channel_id"},
            **{"quantity": "0", "taken_over": "t.seen", "ended_at": "t.seen_at"},
            "seen_at": "t.seen_at - make_interval(secs => offer.id % 1000000)",
        },
    )
    many = "CROSS JOIN generate_series(1, {times}) AS n"
    for table, columns, total in (
        ("channels_sent_log", {"at": "t.at - make_interval(secs => n * 7)"}, size.offers // 2),
        (
            "stock_movement",
            {"reference": "t.reference || '-' || n", "occurred_at": "t.occurred_at - make_interval(secs => n * 60)"},
            size.orders,
        ),
        ("core_auditentry", {"at": "t.at - make_interval(secs => n * 30)"}, size.orders // 2),
        ("core_notification", {"key": "t.key || '-' || n", "resolved_at": "t.last_at"}, size.orders // 20),
        (
            "channels_run",
            {"started_at": "t.started_at - make_interval(mins => n)", "ended_at": "t.ended_at - make_interval(mins => n)"},
            size.orders,
        ),
    ):
        cursor.execute(f"SELECT count(*) FROM {table}")
        there = cursor.fetchone()[0]
        copy(cursor, table, f"{table} AS t {many.format(times=max(total // max(there, 1), 1))}", {"id": key(table)} | columns)
