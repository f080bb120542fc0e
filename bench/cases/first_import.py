"""The first import of orders into an empty database, whose planner has seen nothing yet: does it slow down on its way?

Counted in processor time, ours and the database's: what else the machine does meanwhile comes and goes, a bad plan works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import psutil

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
            f"{last:,.0f} orders per second of work",
            f"{second:,.0f}",
            Goal(0.7, 0.9),
            note="tenths: " + " ".join(f"{rate:,.0f}" for rate in rates),
        )


def first_pages(_client: int, count: int) -> Callable[[], list[float]]:
    """Take pages in, all of one account; orders per second of work of each tenth."""
    from django.db import connection

    found = shop.found()
    taker = intake.Product("", found)
    waiting = list(shop.pages("first", count, 100, found.units, tasks.dice("first")))
    server = psutil.Process(connection.connection.info.backend_pid)

    def work() -> float:
        return time.process_time() + float(sum(server.cpu_times()[:2]))

    def job() -> list[float]:
        rates = []
        for tenth in range(10):
            part = waiting[tenth * count // 10 : (tenth + 1) * count // 10]
            started = work()
            new = sum(taker.accept(found.channels[0], page) for page in part)
            rates.append(new / (work() - started))
        return rates

    return job
