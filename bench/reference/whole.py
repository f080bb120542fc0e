"""The same rows as the product keeps, by hand-written SQL: sealed bodies and buyers, money, time line, events, commands, todo rows.

With every trick that the product uses: two round trips, kept plans, columns as array literals, looking rows up before they are inserted.
Tables are copies of the product's (columns, indexes, checks, foreign keys). What the product also does and this does not: kits, packs,
holds, shortages, rules of channels, snapshots that change. Orders are taken to be new and every line to have an offer and stock.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.shop import NOON, Shop
from stallkeeper.core.copy import array, blobs, columns, moments, plain, texts
from stallkit.types import RemoteOrder

TABLES = {
    "channels_offer": "fillfactor = 70",
    "channels_offertodo": "fillfactor = 70",
    "stock_level": "fillfactor = 70",
    "stock_reservation": "",
    "stock_reservation_event": "",
    "orders_order": "",
    "orders_orderline": "fillfactor = 85",
    "orders_amount": "",
    "orders_orderevent": "",
    "orders_raw_payload": "",
    "core_personaldata": "",
    "channels_command": "",
}

FIND = """
SELECT sku, id, stock_unit_id FROM whole.channels_offer WHERE channel_id = %s AND sku = ANY(%s::text[]) ORDER BY id
"""
ENTER = """
INSERT INTO whole.orders_order
    (organisation_id, connection_id, imported_at, channel_id, fetched_at, at_cutover, external_id, number, state, remote_state,
     fulfilled_by, ordered_at, remote_modified_at, acknowledge_by, dispatch_by, currency, digest)
SELECT %s, %s, %s, %s, %s, false, row.*
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
            %s::timestamptz[], %s::text[], %s::bytea[]) AS row
ON CONFLICT (connection_id, external_id) DO NOTHING RETURNING id, external_id
"""
LINES = """
WITH line AS (
    INSERT INTO whole.orders_orderline
        (organisation_id, order_id, line_id, sku, external_offer_id, title, offer_id, stock_unit_id, pack_factor, ordered, cancelled,
         shipped, returned, refunded, cancel_requested, short)
    SELECT %s, row.order_id, row.line_id, row.sku, '', row.title, row.offer, row.unit, 1, row.quantity, 0, 0, 0, 0, 0, 0
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[])
        AS row(order_id, line_id, sku, title, offer, unit, quantity)
    RETURNING id, order_id, line_id, stock_unit_id, ordered
), reserved AS (
    INSERT INTO whole.stock_reservation
        (organisation_id, stock_unit_id, location_id, owner_type, owner_id, kind, quantity, due_at, created_at)
    SELECT %s, stock_unit_id, %s, 'line', id, 'allocated', ordered, %s, %s FROM line
), told AS (
    INSERT INTO whole.stock_reservation_event
        (organisation_id, at, stock_unit_id, location_id, owner_type, owner_id, kind, before, after, cause)
    SELECT %s, %s, stock_unit_id, %s, 'line', id, 'allocated', 0, ordered, 'order' FROM line
)
INSERT INTO whole.orders_amount (organisation_id, order_id, line_id, kind, amount, currency, tax_included, rate, owed_by, label)
SELECT %s, row.order_id, line.id, row.kind, row.amount, row.currency, row.included, row.rate, row.owed, ''
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::text[], %s::bool[], %s::numeric[], %s::text[])
    AS row(order_id, line_id, kind, amount, currency, included, rate, owed)
LEFT JOIN line USING (order_id, line_id)
"""
LOCK = "SELECT 1 FROM whole.stock_level WHERE stock_unit_id = ANY(%s::bigint[]) ORDER BY stock_unit_id, location_id FOR NO KEY UPDATE"
RESERVE = """
UPDATE whole.stock_level AS level SET allocated = level.allocated + sold.quantity
FROM (SELECT unit, sum(quantity) AS quantity FROM unnest(%s::bigint[], %s::int[]) AS given(unit, quantity) GROUP BY unit) AS sold
WHERE level.stock_unit_id = sold.unit AND level.location_id = %s
"""
OFFERS = """
WITH sold AS (
    SELECT unit, sum(quantity) AS quantity FROM unnest(%s::bigint[], %s::int[]) AS given(unit, quantity) GROUP BY unit
), changed AS (
    UPDATE whole.channels_offer AS offer
    SET intended_qty = greatest(level.on_hand - level.allocated - level.held - channel.buffer, 0),
        open_qty = offer.open_qty + CASE WHEN channel.id = %s THEN sold.quantity ELSE 0 END,
        unacknowledged_qty = offer.unacknowledged_qty + CASE WHEN channel.id = %s THEN sold.quantity ELSE 0 END,
        believed_qty = offer.believed_qty - CASE WHEN channel.id = %s THEN sold.quantity ELSE 0 END
    FROM sold JOIN whole.stock_level AS level ON level.stock_unit_id = sold.unit AND level.location_id = %s
    CROSS JOIN channels_channel AS channel
    WHERE offer.stock_unit_id = sold.unit AND offer.channel_id = channel.id
    RETURNING offer.id, offer.channel_id, (offer.believed_qty > offer.intended_qty)::int AS danger
), known AS MATERIALIZED (
    SELECT changed.id, changed.channel_id, changed.danger, todo.danger AS was
    FROM changed LEFT JOIN whole.channels_offertodo AS todo ON todo.offer_id = changed.id AND todo.kind = 'quantity'
    WHERE changed.channel_id <> %s
), turned AS (
    UPDATE whole.channels_offertodo AS todo SET danger = known.danger FROM known
    WHERE known.was <> known.danger AND todo.offer_id = known.id AND todo.kind = 'quantity'
)
INSERT INTO whole.channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
SELECT %s, id, 'quantity', channel_id, danger, (SELECT nextval('channels_todo_version')), %s FROM known WHERE was IS NULL
"""
FACTS = """
WITH told AS (
    INSERT INTO whole.orders_orderevent (organisation_id, at, actor, order_id, kind, detail)
    SELECT %s, %s, 'channel:1', id, 'imported', '{"state": "Created", "lines": 3}' FROM unnest(%s::bigint[]) AS id
), kept AS (
    INSERT INTO whole.orders_raw_payload (organisation_id, at, order_id, key_version, ciphertext)
    SELECT %s, %s, row.id, 1, row.body FROM unnest(%s::bigint[], %s::bytea[]) AS row(id, body)
), hidden AS (
    INSERT INTO whole.core_personaldata (organisation_id, subject_type, subject_id, purpose, key_version, ciphertext, delete_after)
    SELECT %s, 'order', row.id, 'delivery', 1, row.body, %s FROM unnest(%s::bigint[], %s::bytea[]) AS row(id, body)
)
INSERT INTO whole.channels_command
    (organisation_id, connection_id, kind, subject_type, subject_id, key, payload, state, attempts, not_before, created_at, code, message)
SELECT %s, %s, 'acknowledge', 'order', row.id, 'acknowledge:' || row.external, jsonb_build_object('order_id', row.external), 'queued', 0,
       %s, %s, '', ''
FROM unnest(%s::bigint[], %s::text[]) AS row(id, external)
"""


def make(url: str) -> None:
    """Make and fill the copies beside the product's tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA whole")
        for table, storage in TABLES.items():
            connection.execute(f"CREATE TABLE whole.{table} (LIKE public.{table} INCLUDING ALL)")
            if storage:
                connection.execute(f"ALTER TABLE whole.{table} SET ({storage})")
            connection.execute(f"INSERT INTO whole.{table} OVERRIDING SYSTEM VALUE SELECT * FROM public.{table} ORDER BY 1, 2")
        for table in TABLES:
            _copy_foreign_keys(connection, table)
            _move_on(connection, table)
        connection.execute("VACUUM ANALYZE")


def _copy_foreign_keys(connection: psycopg.Connection[Any], table: str) -> None:
    found = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY conname",
        [f"public.{table}"],
    ).fetchall()
    for name, definition in found:
        target = definition.partition("REFERENCES ")[2].partition("(")[0].removeprefix("public.")
        schema = "whole" if target in TABLES else "public"
        connection.execute(f"ALTER TABLE whole.{table} ADD CONSTRAINT {name} {definition.replace(f'{target}(', f'{schema}.{target}(', 1)}")


def _move_on(connection: psycopg.Connection[Any], table: str) -> None:
    """New rows get ids after the copied ones."""
    for (column,) in connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> '' AND NOT attisdropped", [f"whole.{table}"]
    ).fetchall():
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('whole.{table}', '{column}'), coalesce(max({column}), 1)) FROM whole.{table}"
        )


class Whole:
    """One client on a connection of its own."""

    def __init__(self, url: str, shop: Shop) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True, prepare_threshold=2)
        self.shop = shop
        self.cipher = AESGCM(AESGCM.generate_key(256))

    def accept(self, channel: int, orders: Sequence[RemoteOrder]) -> int:
        """A page in one transaction and two round trips. Returns how many orders were new."""
        latest = {order.order_id: order for order in orders}
        codes = sorted({line.ref.sku for order in latest.values() for line in order.lines})
        account = self.shop.connections[self.shop.channels.index(channel)]
        execute, organisation = self.connection.execute, self.shop.organisation
        with self.connection.pipeline() as pipeline, self.connection.cursor() as first, self.connection.cursor() as second:
            execute("BEGIN")
            first.execute(FIND, [channel, texts(codes)])
            rows = [_order_row(order) for order in latest.values()]
            second.execute(ENTER, [organisation, account, NOON, channel, NOON, *columns(rows, *[texts] * 5, *[moments] * 4, texts, blobs)])
            offers = {sku: (offer, unit) for sku, offer, unit in first}
            new = [(number, latest[external]) for number, external in second]
            if new:
                self._write(channel, account, new, offers)
            execute("COMMIT")
            pipeline.sync()
        return len(new)

    def _write(self, channel: int, account: int, new: list[tuple[int, RemoteOrder]], offers: dict[str, tuple[int, int]]) -> None:
        execute, organisation, place = self.connection.execute, self.shop.organisation, self.shop.place
        lines = [(n, line.line_id, line.ref.sku, line.title, *offers[line.ref.sku], line.ordered) for n, o in new for line in o.lines]
        units, quantities = array(line[5] for line in lines), array(line[6] for line in lines)
        written = columns(lines, array, texts, texts, texts, array, array, array)
        money = columns(_money(new), array, texts, texts, plain, texts, plain, plain, texts)
        due = new[0][1].dispatch_by
        execute(LINES, [organisation, *written, organisation, place, due, NOON, organisation, NOON, place, organisation, *money])
        execute(LOCK, [array(sorted({line[5] for line in lines}))])
        execute(RESERVE, [units, quantities, place])
        execute(OFFERS, [units, quantities, channel, channel, channel, place, channel, organisation, NOON])
        ids = array(number for number, _ in new)
        bodies = blobs([self._seal(order.raw) for _, order in new])
        buyers = blobs([self._seal(msgspec.json.encode(order.buyer)) for _, order in new])
        gone = NOON + timedelta(days=60)
        story = [organisation, NOON, ids, organisation, NOON, ids, bodies, organisation, gone, ids, buyers]
        execute(FACTS, [*story, organisation, account, NOON, NOON, ids, texts([order.order_id for _, order in new])])

    def _seal(self, data: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.cipher.encrypt(nonce, data, b"")

    def close(self) -> None:
        self.connection.close()


def _order_row(order: RemoteOrder) -> tuple[Any, ...]:
    body = hashlib.blake2b(order.raw, digest_size=16).digest()
    moments = (order.ordered_at, order.modified_at, order.acknowledge_by, order.dispatch_by)
    return (order.order_id, order.number, str(order.state), order.remote_state, order.fulfilled_by, *moments, order.currency, body)


def _money(new: list[tuple[int, RemoteOrder]]) -> list[tuple[Any, ...]]:
    charged = [(number, "", charge) for number, order in new for charge in order.charges]
    charged += [(number, line.line_id, charge) for number, order in new for line in order.lines for charge in line.charges]
    return [(n, line, str(c.kind), c.money.amount, c.money.currency, c.tax_included, c.rate, str(c.owed_by)) for n, line, c in charged]
