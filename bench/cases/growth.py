"""Does the cost of a page, or of a change of stock, grow with the catalogue?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median

from bench import intake, shop, tasks
from bench.cases.orders import history, next_turns
from bench.crew import Crew, crew
from bench.house import House
from bench.measure import Goal, Result, alternate


def run(house: House) -> Iterator[Result]:
    """The same page at 10,000 and at 300,000 units; 100 units changed among 10,000 and among 1,000,000 offers."""
    small, large = (2_000, 20_000) if house.quick else (10_000, 300_000)
    with (
        house.fresh(partial(_fill, small)),
        crew(1) as few,
        house.fresh(partial(_fill, large)),
        crew(1) as many,
    ):
        base, turns = next_turns(), 3 if house.quick else 7
        times = alternate(turns, {"few": partial(_pages, few, base), "many": partial(_pages, many, base)})
        yield Result(
            "growth",
            f"time of a page of 100 orders: {large:,} units against {small:,}",
            times["many"] / times["few"],
            "×",
            f"{times['many'] * 1000:.1f} ms",
            f"{times['few'] * 1000:.1f} ms",
            Goal(1.8, 1.5, least=False),
        )
        grown = [client.run(tasks.own_memory, {})[1][0] for client in (few, many)]
        yield Result(
            "growth", "memory of the intake worker, grown", grown[1] - grown[0], "MB", goal=Goal(30, 10, least=False), note=f"{grown[1]} MB"
        )
    small, large = (1_000, 10_000) if house.quick else (1_000, 100_000)
    with house.fresh(partial(_fill, small)), crew(1) as few, house.fresh(partial(_fill, large)), crew(1) as many:
        times = alternate(3 if house.quick else 7, {"few": partial(_change, few), "many": partial(_change, many)})
        yield Result(
            "growth",
            f"time of a change of 100 units: {large * shop.CHANNELS:,} offers against {small * shop.CHANNELS:,}",
            times["many"] / times["few"],
            "×",
            f"{times['many'] * 1000:.1f} ms",
            f"{times['few'] * 1000:.1f} ms",
            Goal(1.8, 1.5, least=False),
        )


def _fill(units: int) -> None:
    history(shop.build(units), pages=5)


def _pages(client: Crew, base: int, turn: int) -> float:
    pages = 5
    seconds, _ = client.run(intake.take_pages, {"who": "product", "turn": base + turn, "count": pages, "size": 100})
    return seconds / pages


def _change(client: Crew, turn: int) -> float:
    times = [
        client.run(tasks.set_stock, {"first": 1 + 100 * part, "units": 100, "on_hand": 60_000 + turn, "drain": False})[0]
        for part in range(5)
    ]
    return median(times)
