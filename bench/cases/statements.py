"""What a page costs in statements, whatever its size, and what a page costs that comes a second time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db import connection

from bench import intake, tasks
from bench.cases.orders import fill, next_turns
from bench.crew import crew
from bench.house import House
from bench.measure import Goal, Result


def run(house: House) -> Iterator[Result]:
    """Statements by the driver's trace; offers written or locked by a redelivered page, by their row versions."""
    with house.open("shop_10000", partial(fill, 10_000)), crew(1) as one:
        counts = {}
        for size in (1, 10, 100, 200):
            for _ in range(3):  # plans are kept from the third time on
                _, (counts[size],) = one.run(tasks.count_statements, {"size": size, "turn": next_turns()})
        said = ", ".join(f"{size}: {count}" for size, count in counts.items())
        constant = len(set(counts.values())) == 1
        yield Result(
            "statements",
            "a page of 100 orders, BEGIN and COMMIT included",
            counts[100],
            "",
            f"by page size {said}",
            goal=Goal(20, 12, least=False),
            note="constant" if constant else "NOT constant",
        )
        page = {"who": "product", "turn": next_turns(), "count": 1, "size": 100}
        one.run(intake.take_pages, page)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            (since,) = cursor.fetchone()
            one.run(intake.take_pages, page)
            cursor.execute(TOUCHED, {"since": since})
            yield Result(
                "statements", "offers and todo rows that a redelivered page writes", cursor.fetchone()[0], "", goal=Goal(0, 0, least=False)
            )


TOUCHED = """
SELECT (SELECT count(*) FROM channels_offer WHERE xmin::text::bigint > %(since)s OR xmax::text::bigint > %(since)s)
     + (SELECT count(*) FROM channels_offertodo WHERE xmin::text::bigint > %(since)s OR xmax::text::bigint > %(since)s)
"""
