"""The nightly look at every offer, when nothing has changed: against one SQL statement that does nothing either."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db import connection

from bench import tasks
from bench.cases.orders import fill
from bench.crew import crew
from bench.house import House
from bench.measure import Goal, Result, alternate

SQL = """
UPDATE lean.offer SET qty = new.qty, ver = offer.ver + 1
FROM (SELECT stock.sku, channel.id AS channel,
             least(channel.cap, greatest(0, (stock.on_hand - stock.reserved) * channel.percent / 100 - channel.buffer)) AS qty
      FROM lean.stock CROSS JOIN lean.channel) AS new
WHERE offer.sku = new.sku AND offer.channel = new.channel AND offer.qty IS DISTINCT FROM new.qty
"""


def run(house: House) -> Iterator[Result]:
    """Time, rows written, and the peak memory of the process that sweeps."""
    units = 10_000 if house.quick else 100_000
    with house.open(f"shop_{units}", partial(fill, units)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            (since,) = cursor.fetchone()
        memory: list[int] = []

        def product(_turn: int) -> float:
            with crew(1) as one:  # a process of its own each time: peak memory never falls
                seconds, ((differed, megabytes),) = one.run(tasks.sweep, {})
            assert not differed, f"{differed} offers differed"
            memory.append(megabytes)
            return seconds

        def sql(_turn: int) -> float:
            with crew(1) as one:
                return one.run(tasks.statement, {"statements": [SQL]})[0]

        times = alternate(2 if house.quick else 5, {"product": product, "sql": sql})
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM channels_offer WHERE xmin::text::bigint > %s OR xmax::text::bigint > %s", [since, since])
            (written,) = cursor.fetchone()
    yield Result(
        "sweep",
        f"sweep of {units * 10:,} offers, nothing changed",
        times["product"] / times["sql"],
        "× SQL",
        f"{times['product']:.2f} s",
        f"{times['sql']:.2f} s",
        Goal(3, 1.5, least=False),
        note=f"peak memory {max(memory)} MB",
    )
    yield Result("sweep", "offers that such a sweep writes or locks", written, "", goal=Goal(0, 0, least=False))
