"""The first import of orders into an empty database, whose planner has seen nothing yet: does it slow down on its way?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from bench import intake, shop, tasks
from bench.crew import crew
from bench.house import House
from bench.measure import Goal, Result


def run(house: House) -> Iterator[Result]:
    """One long-lived connection, pages of 100. A plan that was made for an empty table stays when the table no longer is."""
    pages = 40 if house.quick else 200
    for analyze, what in ((False, "tables never analysed"), (True, "tables analysed while empty")):
        with house.fresh(partial(shop.build, 10_000), analyze=analyze), crew(1) as one:
            _, (rates,) = one.run(first_pages, {"count": pages})
        second, last = rates[1], rates[9]
        yield Result(
            "first_import",
            f"first {pages * 100:,} orders, {what}: rate of the last tenth over the second",
            last / second,
            "×",
            f"{last:,.0f} orders/s",
            f"{second:,.0f} orders/s",
            Goal(0.7, 0.9),
            note="tenths: " + " ".join(f"{rate:,.0f}" for rate in rates),
        )


def first_pages(_client: int, count: int) -> Callable[[], list[float]]:
    """Take pages in, all of one account; orders per second of each tenth."""
    found = shop.found()
    taker = intake.Product("", found)
    waiting = list(shop.pages("first", count, 100, found.units, tasks.dice("first")))

    def job() -> list[float]:
        rates = []
        for tenth in range(10):
            part = waiting[tenth * count // 10 : (tenth + 1) * count // 10]
            started = time.perf_counter()
            new = sum(taker.accept(found.channels[0], page) for page in part)
            rates.append(new / (time.perf_counter() - started))
        return rates

    return job
