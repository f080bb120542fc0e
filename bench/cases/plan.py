"""A plan of what is sent that changes every offer: made, kept, applied; against the nightly look at the same offers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench import tasks
from bench.cases.orders import fill
from bench.crew import crew
from bench.house import House
from bench.measure import Goal, Result, alternate


def run(house: House) -> Iterator[Result]:
    """Seconds for 100,000 offers, all of which change, the same of a million; and how long applying takes."""
    for units in (1_000,) if house.quick else (10_000, 100_000):
        yield from _size(house, units)


def _size(house: House, units: int) -> Iterator[Result]:
    offers, memory = units * 10, [0]
    with house.open(f"shop_{units}", partial(fill, units)):

        def made(turn: int, *, apply: bool = False) -> float:
            with crew(1) as one:  # a process of its own each time: peak memory never falls
                seconds, ((values, megabytes),) = one.run(tasks.plan, {"turn": turn, "apply": apply})
            assert values == offers, f"{values} values in the plan"
            memory.append(megabytes)
            return seconds

        def sweep(_turn: int) -> float:
            with crew(1) as one:
                return one.run(tasks.sweep, {})[0]

        times = alternate(2 if house.quick else 3, {"plan": made, "sweep": sweep})
        megabytes = max(memory)
        applied = made(1, apply=True) if units <= 10_000 else None
    yield Result(
        "plan",
        f"plan of {offers:,} offers, all of which change",
        times["plan"],
        "s",
        baseline=f"{times['plan'] / times['sweep']:.1f} × the sweep ({times['sweep']:.2f} s)",
        goal=Goal(10, 3, least=False) if offers <= 100_000 else None,
        note=f"peak memory {megabytes} MB",
    )
    if applied is not None:
        yield Result("plan", f"the same plan applied: {offers:,} offers written and listed to be sent", applied, "s")
