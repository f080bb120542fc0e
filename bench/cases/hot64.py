"""64 connections that all sell one unit, for five minutes: exactly what was there is sold, nobody meets a deadlock, and how fast it goes.

Turns of equal length alternate between the one unit and all the others, one order of one line at a time; every client that takes orders in
is a thread with a connection of its own. The stock runs out on the way: what is sold after that must be short, line by line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from random import Random

from django.db import connection, connections

from bench import shop
from bench.cases.hot import BOOKS
from bench.cases.orders import history
from bench.crew import Crew, crew
from bench.house import House
from bench.measure import Goal, Result
from stallkit.types import RemoteOrder

PROCESSES, THREADS = 16, 4
UNITS = 10_000
SECONDS, TURN = 300.0, 30.0
"""Of selling the one unit, in turns; as much again of selling all units in between."""
ENOUGH_FOR = 0.6
"""The stock lasts for this part of the orders that the first turns let expect."""
AT = shop.NOON + timedelta(hours=2)


@dataclass(frozen=True)
class Sold:
    """What one process did in a turn. ``errors``: texts of what came out of intake instead of an answer."""

    orders: int
    errors: tuple[str, ...]


def run(house: House) -> Iterator[Result]:
    """The rates of both, and what the books say afterwards."""
    seconds, turn = (house.seconds or (5.0 if house.quick else SECONDS)), 2.5 if house.quick else TURN
    turn = min(turn, seconds)
    with house.open("hot64", _fill), crew(PROCESSES) as clients:
        warm = {what: _turn(clients, what, 0, min(turn, 5.0)) for what in ("hot", "uniform")}
        before = _book()
        stock = max(int(warm["hot"][0] * seconds * ENOUGH_FOR), 1)
        _read(f"UPDATE stock_level SET on_hand = allocated + {stock} WHERE stock_unit_id = 1 RETURNING 1")
        turns = [
            (what, *_turn(clients, what, number, turn)) for number in range(1, round(seconds / turn) + 1) for what in ("hot", "uniform")
        ]
        yield from _results(turns, stock, turn, before)


def _fill() -> None:
    history(shop.build(UNITS), pages=5)


def _turn(clients: Crew, what: str, number: int, seconds: float) -> tuple[float, int, list[str]]:
    """One turn: (orders per second, orders, errors)."""
    spent, sold = clients.run(sell, {"what": what, "turn": number, "seconds": seconds})
    orders = sum(part.orders for part in sold)
    return orders / spent, orders, [text for part in sold for text in part.errors]


def sell(client: int, what: str, turn: int, seconds: float) -> Callable[[], Sold]:
    """Prepare ``THREADS`` clients of this process; the job has them sell until the time is up."""
    found = shop.found()
    names = [f"{what}-{turn}-{client}-{thread}" for thread in range(THREADS)]

    def job() -> Sold:
        deadline = time.perf_counter() + seconds
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda name: _sell(found, name, what, deadline), names))
        return Sold(sum(part.orders for part in parts), tuple(text for part in parts for text in part.errors))

    return job


def _sell(found: shop.Shop, name: str, what: str, deadline: float) -> Sold:
    dice = Random(name)
    account = found.connections[dice.randrange(len(found.connections))]
    orders, errors = 0, []
    for number in count():
        if time.perf_counter() >= deadline:
            break
        try:
            _accept(found.organisation, account, _order(f"{name}-{number}", 1 if what == "hot" else dice.randint(2, found.units)))
        except Exception as error:  # noqa: BLE001 - whatever surfaces is what this case counts
            errors.append(f"{type(error).__name__}: {error}"[:200])
        else:
            orders += 1
    connections.close_all()
    return Sold(orders, tuple(errors))


def _accept(organisation: int, account: int, order: RemoteOrder) -> None:
    """As a trade run takes a page in: a use case that is done again if the database asks for it."""
    from stallkeeper.core.retry import again_on_conflict
    from stallkeeper.core.use_case import use_case
    from stallkeeper.orders.intake import accept

    @again_on_conflict
    def take() -> None:
        with use_case("accept_orders", organisation_id=organisation, at=AT) as uc:
            accept(uc, account, [order], AT)

    take()


def _order(number: str, unit: int) -> RemoteOrder:
    (order,) = shop.orders(number, 1, unit, Random(number))
    line = order.lines[0]
    return replace(order, lines=(replace(line, ref=replace(line.ref, sku=shop.sku(unit))),))


def _book() -> dict[str, int]:
    """Figures of the one unit and of the whole database that the turns change."""
    return {
        "orders": _read("SELECT count(*) FROM orders_order"),
        "short": _read("SELECT coalesce(sum(short), 0) FROM orders_orderline WHERE stock_unit_id = 1"),
        "sold": _read("SELECT allocated FROM stock_level WHERE stock_unit_id = 1"),
        "deadlocks": _read("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
    }


def _results(turns: list[tuple[str, float, int, list[str]]], stock: int, seconds: float, before: dict[str, int]) -> Iterator[Result]:
    after = _book()
    grown = {name: after[name] - before[name] for name in after}
    hot = sum(orders for what, _, orders, _ in turns if what == "hot")
    placed = sum(orders for _, _, orders, _ in turns)
    rates = {name: sum(rate for what, rate, _, _ in turns if what == name) * 2 / len(turns) for name in ("hot", "uniform")}
    clients = PROCESSES * THREADS
    yield Result(
        "hot64",
        f"{clients} connections on one unit, {len(turns) // 2} turns of {seconds:g} s",
        rates["hot"] / rates["uniform"],
        "× uniform",
        f"{rates['hot']:,.0f} orders/s",
        f"{rates['uniform']:,.0f} orders/s",
        Goal(0.4, 0.6),
    )
    wrong = abs(grown["sold"] - min(stock, hot)) + abs(grown["short"] - max(hot - stock, 0)) + abs(grown["orders"] - placed)
    yield Result(
        "hot64",
        f"{stock:,} units, {hot:,} orders for them: units or orders too few, too many or not adding up",
        wrong + _read(BOOKS),
        "",
        f"{grown['sold']:,} sold, {grown['short']:,} short, {grown['orders']:,} orders of both kinds",
        goal=Goal(0, 0, least=False),
    )
    errors = [text for *_, texts in turns for text in texts]
    yield Result(
        "hot64",
        "deadlocks and other errors that reached a client",
        len(errors),
        "",
        goal=Goal(0, 0, least=False),
        note=f"{grown['deadlocks']} deadlocks inside the server" + (f"; first: {errors[0]}" if errors else ""),
    )


def _read(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])
