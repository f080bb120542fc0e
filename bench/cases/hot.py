"""Twelve units that everybody buys, eight clients at once: how much slower than orders over all units, and do the books add up?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db import connection

from bench.cases.orders import fill, next_turns, rate
from bench.crew import Crew, crew
from bench.house import House
from bench.measure import Goal, Result, alternate

HOT = 12
CLIENTS = 8


def run(house: House) -> Iterator[Result]:
    """Rate of 12 hot units against uniform, then a rush on the last units with the books added up."""
    count = 10 if house.quick else 100
    with house.open("shop_10000", partial(fill, 10_000)), crew(CLIENTS) as clients:
        for size in (1, 100):
            yield _rates(clients, size, count if size == 1 else max(count // 10, 2), 2 if house.quick else 5)
        yield _last_units(clients, count)


def _rates(clients: Crew, size: int, count: int, turns: int) -> Result:
    base = next_turns()
    rates = alternate(
        turns,
        {
            "hot": lambda turn: rate(clients, "product", size, count, HOT, base + turn),
            "uniform": lambda turn: rate(clients, "product", size, count, 0, base + 50 + turn),
        },
    )
    what = "one at a time" if size == 1 else f"pages of {size}"
    return Result(
        "hot",
        f"{HOT} hot units, {CLIENTS} clients, {what}",
        rates["hot"] / rates["uniform"],
        "× uniform",
        f"{rates['hot']:,.0f} orders/s",
        f"{rates['uniform']:,.0f} orders/s",
        Goal(0.4, 0.6),
    )


def _last_units(clients: Crew, count: int) -> Result:
    """Sell more than is there. Lost orders, units promised twice and figures that do not add up all count as wrong."""
    scarce = CLIENTS * count * 3 // HOT // 4  # a quarter of what will be asked for
    before = _read("SELECT count(*) FROM orders_order")
    _read(f"UPDATE stock_level SET on_hand = allocated + {scarce} WHERE stock_unit_id <= {HOT} RETURNING 1")
    promised = _read(f"SELECT sum(allocated) FROM stock_level WHERE stock_unit_id <= {HOT}")
    rate(clients, "product", 1, count, HOT, next_turns())
    missing = CLIENTS * count - (_read("SELECT count(*) FROM orders_order") - before)
    sold = _read(f"SELECT sum(allocated) FROM stock_level WHERE stock_unit_id <= {HOT}") - promised
    wrong = missing + abs(sold - HOT * scarce) + _read(BOOKS)
    return Result(
        "hot",
        f"the last {HOT * scarce} units, {CLIENTS * count} orders at once: lost, oversold or not adding up",
        wrong,
        "",
        f"{sold} sold, {_read('SELECT count(*) FROM orders_shortage WHERE resolved_at IS NULL')} lines short",
        goal=Goal(0, 0, least=False),
    )


BOOKS = """
SELECT (SELECT count(*) FROM stock_level AS level
        WHERE allocated > on_hand OR allocated <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservation AS r
              WHERE r.stock_unit_id = level.stock_unit_id AND r.location_id = level.location_id AND r.kind = 'allocated'))
     + (SELECT count(*) FROM orders_orderline AS line
        WHERE ordered <> short + (SELECT coalesce(sum(quantity), 0) FROM stock_reservation AS r
              WHERE r.owner_type = 'line' AND r.owner_id = line.id))
     + (SELECT count(*) FROM channels_offer AS offer JOIN channels_channel AS channel ON channel.id = offer.channel_id
        JOIN stock_level AS level USING (stock_unit_id)
        WHERE intended_qty <> greatest(level.on_hand - level.allocated - channel.buffer, 0))
"""
"""Levels that promise more than is there or than is reserved, lines that are not accounted for, offers that show something else."""


def _read(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])
