"""Setting 10,000 stock figures with all their offers, and draining units that are marked stale."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench import shop, tasks
from bench.cases.orders import fill
from bench.crew import Crew, crew
from bench.house import House
from bench.measure import Goal, Result, alternate

SET = """
CREATE TEMP TABLE given (sku bigint, on_hand int) ON COMMIT DROP;
INSERT INTO given SELECT id, %(on_hand)s FROM lean.sku WHERE id <= %(units)s;
ANALYZE given;
UPDATE lean.stock SET on_hand = given.on_hand FROM given WHERE stock.sku = given.sku AND stock.on_hand <> given.on_hand
"""
OFFERS = """
WITH changed AS (
    UPDATE lean.offer SET qty = new.qty, ver = offer.ver + 1
    FROM (SELECT stock.sku, channel.id AS channel,
                 least(channel.cap, greatest(0, (stock.on_hand - stock.reserved) * channel.percent / 100 - channel.buffer)) AS qty
          FROM lean.stock CROSS JOIN lean.channel WHERE stock.sku <= %(units)s) AS new
    WHERE offer.sku = new.sku AND offer.channel = new.channel AND offer.qty IS DISTINCT FROM new.qty
    RETURNING offer.sku
)
INSERT INTO lean.change_log (sku) SELECT DISTINCT sku FROM changed
"""


def run(house: House) -> Iterator[Result]:
    """Against SQL that sets the levels and recomputes the offers of these units in two statements."""
    units = 1_000 if house.quick else 10_000
    turns = 2 if house.quick else 5
    with house.open("shop_10000", partial(fill, 10_000)), crew(1) as one:
        for what, product, goal in (
            (f"{units:,} stock figures with their {units * shop.CHANNELS:,} offers", partial(_set, one, units), Goal(4, 2, least=False)),
            *([] if house.quick else [("stale to intended, 10,000 units × 10 channels", partial(_stale, one), None)]),
        ):
            times = alternate(turns, {"product": product, "sql": partial(_sql, one, units)})
            yield Result(
                "stock",
                what,
                times["product"] / times["sql"],
                "× SQL",
                f"{times['product']:.2f} s",
                f"{times['sql']:.2f} s",
                goal,
                note=f"{units * shop.CHANNELS / times['product']:,.0f} offers/s",
            )


def _set(client: Crew, units: int, turn: int) -> float:
    seconds, (changed,) = client.run(tasks.set_stock, {"first": 1, "units": units, "on_hand": 60_000 + turn})
    assert changed == units
    return seconds


def _stale(client: Crew, turn: int) -> float:
    seconds, (taken,) = client.run(tasks.make_stale, {"on_hand": 70_000 + turn})
    assert taken == 10_000
    return seconds


def _sql(client: Crew, units: int, turn: int) -> float:
    statements = [*filter(str.strip, SET.split(";")), OFFERS]
    seconds, (changed,) = client.run(tasks.statement, {"statements": statements, "parameters": {"units": units, "on_hand": 80_000 + turn}})
    assert changed == units
    return seconds
