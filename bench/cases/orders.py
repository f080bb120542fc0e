"""Orders per second through ``orders.intake.accept``: three lines each, ten channels, every sale changes ten offers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from random import Random

from django.db import connection

from bench import intake, shop
from bench.crew import Crew, crew
from bench.house import House
from bench.measure import Goal, Result, alternate
from bench.reference import lean, whole

PAGE = Goal(0.40, 0.60)
SINGLE = Goal(0.30, 0.55)
REFERENCES = {
    "whole": "against SQL that keeps the same rows",
    "lean": "against SQL that keeps orders, lines, reservations and offers only",
}
"""Hand-written both: one that does the same, and the shortest one possible, with which the goals were set (a distance, not an equal)."""
WAYS = ("product", *REFERENCES)


def run(house: House) -> Iterator[Result]:
    """One client, pages of 100 and one at a time, and four clients; 10,000 and 100,000 units."""
    for units in (10_000,) if house.quick else (10_000, 100_000):
        with house.open(f"shop_{units}", partial(fill, units)):
            with crew(1) as one:
                yield from _rates(one, house, f"pages of 100, {units:,} units", PAGE, size=100, count=3 if house.quick else 20)
                yield from _rates(one, house, f"one at a time, {units:,} units", SINGLE, size=1, count=40 if house.quick else 300)
            with crew(4) as four:
                yield from _rates(four, house, f"pages of 100, 4 clients, {units:,} units", None, size=100, count=3 if house.quick else 15)


def fill(units: int) -> None:
    """The shop and both references, with a past."""
    history(shop.build(units))
    lean.make(os.environ["DATABASE_URL"])
    whole.make(os.environ["DATABASE_URL"])


HISTORY = 20
"""Pages of orders that every contender holds before the first turn: nobody runs on plans made for empty tables."""


def history(empty: shop.Shop, pages: int = HISTORY) -> None:
    """Orders of the past, everything sent."""
    product = intake.Product("", empty)
    for number in range(pages):
        product.accept(empty.channels[number % shop.CHANNELS], shop.orders(f"history-{number}", 100, empty.units, Random(number)))
        if number == 2:
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
    shop.converge()


def rate(clients: Crew, who: str, size: int, count: int, hot: int, turn: int) -> float:
    """New orders per second of one turn."""
    seconds, new = clients.run(intake.take_pages, {"who": who, "turn": turn, "count": count, "size": size, "hot": hot})
    return float(sum(new)) / seconds


_turns = iter(range(0, 1_000_000, 100))


def next_turns() -> int:
    """Numbers of a hundred turns that nobody has had: orders of different turns differ."""
    return next(_turns)


def _rates(clients: Crew, house: House, what: str, goal: Goal | None, *, size: int, count: int) -> Iterator[Result]:
    base = next_turns()
    contenders = {who: lambda turn, who=who: rate(clients, who, size, count, 0, base + turn) for who in WAYS}
    rates = alternate(2 if house.quick else 5, contenders)
    product = f"{rates['product']:,.0f} orders/s"
    for who, said in REFERENCES.items():
        ratio = rates["product"] / rates[who]
        yield Result("orders", f"{what}, {said}", ratio, "× hand-written", product, f"{rates[who]:,.0f} orders/s", goal)
