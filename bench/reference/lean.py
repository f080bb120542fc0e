"""The shortest honest way: orders, lines, reservations, stock, offers and a change log, set-based and pipelined. Nothing else is kept.

The shape is the one that the goals were set with: ten channels, every sale changes all ten offers of its unit, foreign keys on, one
change-log row per changed unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from bench.shop import Shop
from stallkit.types import RemoteOrder

SCHEMA = """
CREATE SCHEMA lean;
CREATE TABLE lean.sku (id bigint PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE lean.channel (
    id bigint PRIMARY KEY, buffer int NOT NULL, cap int NOT NULL, percent int NOT NULL
);
CREATE TABLE lean.stock (
    sku bigint REFERENCES lean.sku, warehouse bigint, on_hand int NOT NULL, reserved int NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, warehouse), CHECK (reserved >= 0), CHECK (reserved <= on_hand)
) WITH (fillfactor = 70);
CREATE TABLE lean.offer (
    sku bigint REFERENCES lean.sku, channel bigint REFERENCES lean.channel, qty int NOT NULL, ver bigint NOT NULL DEFAULT 1,
    pushed_ver bigint NOT NULL DEFAULT 1, PRIMARY KEY (sku, channel)
) WITH (fillfactor = 70);
CREATE TABLE lean.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, channel bigint NOT NULL REFERENCES lean.channel, external_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (channel, external_id)
);
CREATE TABLE lean.order_line (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL REFERENCES lean.orders,
    sku bigint NOT NULL REFERENCES lean.sku, qty int NOT NULL
);
CREATE TABLE lean.reservation (
    line bigint PRIMARY KEY REFERENCES lean.order_line, sku bigint NOT NULL, warehouse bigint NOT NULL, qty int NOT NULL,
    FOREIGN KEY (sku, warehouse) REFERENCES lean.stock
);
CREATE TABLE lean.change_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku bigint NOT NULL, at timestamptz DEFAULT now());
"""
FILL = """
INSERT INTO lean.sku SELECT id, sku FROM catalog_stockunit ORDER BY id;
INSERT INTO lean.channel SELECT id, buffer, 1000000, 100 FROM channels_channel ORDER BY id;
INSERT INTO lean.stock SELECT stock_unit_id, location_id, on_hand, allocated FROM stock_level ORDER BY stock_unit_id;
INSERT INTO lean.offer SELECT stock_unit_id, channel_id, intended_qty FROM channels_offer ORDER BY id;
INSERT INTO lean.orders (id, channel, external_id) OVERRIDING SYSTEM VALUE SELECT id, channel_id, external_id FROM orders_order ORDER BY id;
INSERT INTO lean.order_line OVERRIDING SYSTEM VALUE SELECT id, order_id, stock_unit_id, ordered FROM orders_orderline ORDER BY id;
INSERT INTO lean.reservation SELECT owner_id, stock_unit_id, location_id, quantity FROM stock_reservation ORDER BY owner_id;
SELECT setval('lean.orders_id_seq', max(id)) FROM lean.orders;
SELECT setval('lean.order_line_id_seq', max(id)) FROM lean.order_line;
"""

ENTER = """
INSERT INTO lean.orders (channel, external_id) SELECT %s, e FROM unnest(%s::text[]) AS e
ON CONFLICT (channel, external_id) DO NOTHING RETURNING id, external_id
"""
LINES = """
WITH line AS (
    INSERT INTO lean.order_line (order_id, sku, qty)
    SELECT given.order_id, sku.id, given.qty
    FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS given(order_id, code, qty) JOIN lean.sku ON sku.code = given.code
    RETURNING id, sku, qty
)
INSERT INTO lean.reservation (line, sku, warehouse, qty) SELECT id, sku, %s, qty FROM line
"""
LOCK = """
SELECT stock.sku FROM lean.stock JOIN lean.sku ON sku.id = stock.sku WHERE sku.code = ANY(%s) ORDER BY stock.sku FOR NO KEY UPDATE OF stock
"""
RESERVE = """
UPDATE lean.stock SET reserved = stock.reserved + sold.qty
FROM (SELECT sku.id, sum(given.qty) AS qty FROM unnest(%s::text[], %s::int[]) AS given(code, qty) JOIN lean.sku ON sku.code = given.code
      GROUP BY sku.id) AS sold
WHERE stock.sku = sold.id AND stock.warehouse = %s
"""
OFFERS = """
WITH changed AS (
    UPDATE lean.offer SET qty = new.qty, ver = offer.ver + 1
    FROM (SELECT stock.sku, channel.id AS channel,
                 least(channel.cap, greatest(0, (stock.on_hand - stock.reserved) * channel.percent / 100 - channel.buffer)) AS qty
          FROM lean.stock JOIN lean.sku ON sku.id = stock.sku CROSS JOIN lean.channel WHERE sku.code = ANY(%s)) AS new
    WHERE offer.sku = new.sku AND offer.channel = new.channel AND offer.qty IS DISTINCT FROM new.qty
    RETURNING offer.sku
)
INSERT INTO lean.change_log (sku) SELECT DISTINCT sku FROM changed
"""


def make(url: str) -> None:
    """Make and fill the schema beside the product's tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute(FILL)
        connection.execute("VACUUM ANALYZE")


class Lean:
    """One client on a connection of its own."""

    def __init__(self, url: str, shop: Shop) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True, prepare_threshold=2)
        self.place = shop.place

    def accept(self, channel: int, orders: Sequence[RemoteOrder]) -> int:
        """A page in one transaction and two round trips. Returns how many orders were new."""
        latest = {order.order_id: order for order in orders}
        with self.connection.pipeline() as pipeline, self.connection.cursor() as first:
            self.connection.execute("BEGIN")
            new = first.execute(ENTER, [channel, list(latest)]).fetchall()
            lines = [(order, line.ref.sku, line.ordered) for order, external in new for line in latest[external].lines]
            if lines:
                ids, codes, quantities = (list(column) for column in zip(*lines, strict=True))
                units = sorted(set(codes))
                self.connection.execute(LINES, [ids, codes, quantities, self.place])
                self.connection.execute(LOCK, [units])
                self.connection.execute(RESERVE, [codes, quantities, self.place])
                self.connection.execute(OFFERS, [units])
            self.connection.execute("COMMIT")
            pipeline.sync()
        return len(new)

    def close(self) -> None:
        self.connection.close()
