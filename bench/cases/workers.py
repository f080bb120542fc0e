"""Real ``stallkeeper worker`` processes on many accounts: do more of them take more in, are they fair, does one replace another?

The stalls are a process of their own (``bazaar``) with pages built beforehand. Background lanes are off: they would read catalogues that
the bazaar does not keep.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import psutil

from bench import shop
from bench.bazaar import Held, bazaar
from bench.house import House, across
from bench.measure import Goal, Result
from stallkeeper.sync.adapters import SCALE

LOOSE = 1e6
"""Limits are so many times the market's: nothing waits for a budget."""
FIRMS, ACCOUNTS = 8, 4
THREADS = 8


def run(house: House) -> Iterator[Result]:
    """Throughput of 1, 2 and 4 workers, lags beside a noisy organisation, and takeovers."""
    yield from _throughput(house)
    yield from _fairness(house)
    yield _takeover(house)


# --- throughput ---------------------------------------------------------------------------------------------------------------------------


def _throughput(house: House) -> Iterator[Result]:
    pages, turns, units = (2, 1, 1_000) if house.quick else (10, 3, 10_000)
    rates: dict[int, list[float]] = {1: [], 2: [], 4: []}
    shares: list[float] = []
    loads: list[Load] = []
    with bazaar() as stalls:
        for turn in range(turns):
            for workers in rates if turn % 2 == 0 else reversed(rates):
                with house.open(f"firms_{units}", partial(_firms, units)):
                    rate, share, load = _intake(stalls, workers, pages, units)
                rates[workers].append(rate)
                shares.append(share)
                loads.append(load)
    middle = {workers: statistics.median(found) for workers, found in rates.items()}
    for workers, goal in ((2, None), (4, Goal(1.6, 2.0))):
        yield Result(
            "workers",
            f"orders entered, {FIRMS * ACCOUNTS} accounts of {FIRMS} organisations, {workers} workers against one",
            middle[workers] / middle[1],
            "×",
            f"{middle[workers]:,.0f} orders/s",
            f"{middle[1]:,.0f} orders/s",
            goal,
            note=f"stalls used at most {max(shares):.0%} of a core",
        )

    yield Result("workers", "memory of a busy worker, at most", max(load.megabytes for load in loads), "MB", note=f"{THREADS} threads")
    yield Result("workers", "connections of a busy worker, at most", max(load.connections for load in loads), "")
    for workers in rates:
        spent = statistics.median(load.cpu for load in loads if load.workers == workers)
        yield Result("workers", f"processor time per order, {workers} workers: their own", spent * 1000, "ms")


@dataclass(frozen=True)
class Load:
    """Of one worker: memory of its own, connections. ``cpu``: seconds an order took of all of them."""

    workers: int
    megabytes: float
    connections: float
    cpu: float


def _load(crew: Sequence[subprocess.Popen[bytes]], before: float, orders: int) -> Load:
    processes = [psutil.Process(worker.pid) for worker in crew]
    own = max(process.memory_full_info().uss for process in processes) / 2**20
    connections = _read("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    return Load(len(crew), own, connections / len(crew), (_spent(crew) - before) / orders)


def _spent(crew: Sequence[subprocess.Popen[bytes]]) -> float:
    return sum(sum(psutil.Process(worker.pid).cpu_times()[:2]) for worker in crew)


def _firms(units: int) -> None:
    for number in range(1, FIRMS + 1):
        shop.build(units, channels=ACCOUNTS, name=f"firm{number}")


def _intake(stalls: Held, workers: int, pages: int, units: int) -> tuple[float, float, Load]:
    """Orders per second from the moment at which the stalls have them to the last one entered, the stalls' share of a core, the load."""
    accounts = open_stalls(stalls)
    with _workers(workers) as crew:
        for account in accounts:
            stalls.ask("load", account, pages, 100, units)
        expected, before = len(accounts) * pages * 100, sum(psutil.Process(stalls.pid).cpu_times()[:2])
        _write("UPDATE channels_lanestep SET not_before = NULL")
        _write("UPDATE channels_lane SET not_before = now() WHERE enabled")
        begun, spent = time.perf_counter(), _spent(crew)
        _until(lambda: _read("SELECT count(*) FROM orders_order") >= expected, 600, "all orders")
        seconds = time.perf_counter() - begun
        load = _load(crew, spent, expected)
    assert _read("SELECT count(*) FROM orders_order") == expected
    return expected / seconds, (sum(psutil.Process(stalls.pid).cpu_times()[:2]) - before) / seconds, load


# --- fairness -----------------------------------------------------------------------------------------------------------------------------

QUIET, QUIET_UNITS = 4, 500
NOISY_CHANNELS, NOISY_UNITS = 10, 100_000
EVERY = 0.8
"""Seconds between two sales of a quiet organisation."""


@dataclass(frozen=True)
class Lags:
    """Seconds from a sale at one stall to the cut at another, and how many cuts were still awaited at the end."""

    found: Sequence[float]
    missing: int

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.found, n=20)[18]

    def __str__(self) -> str:
        return f"p95 {self.p95:.2f} s, middle {statistics.median(self.found):.2f} s of {len(self.found)}"


def _fairness(house: House) -> Iterator[Result]:
    seconds = house.seconds or (15.0 if house.quick else 60.0)
    units = 2_000 if house.quick else NOISY_UNITS
    with ExitStack() as stack:
        stalls = stack.enter_context(bazaar())
        stack.enter_context(house.fresh(lambda: _town(units)))
        open_stalls(stalls)
        noisy = _column(
            "SELECT connection.id FROM channels_connection AS connection JOIN core_organisation AS o"
            " ON o.id = organisation_id WHERE o.slug = 'noisy' ORDER BY 1"
        )
        _write("UPDATE channels_connection SET base_url = %s WHERE id = %s", stalls.void, noisy[0])
        _write("UPDATE channels_lane SET enabled = false WHERE subject_id = ANY(%s)", noisy)
        stack.enter_context(_workers(2))
        stalls.ask("sell", _quiet(), QUIET_UNITS, EVERY)
        alone = _listen(stalls, seconds)
        _write("UPDATE channels_lane SET enabled = true WHERE kind = 'trade'")
        time.sleep(5)
        beside = _listen(stalls, seconds)
        sent, left = stalls.ask("writes", noisy), _read("SELECT count(*) FROM channels_offertodo")
    offers = units * NOISY_CHANNELS
    yield Result(
        "workers",
        f"lag of {QUIET} quiet organisations beside one with {offers:,} offers queued and a dead channel",
        beside.p95 / alone.p95,
        "× alone",
        str(beside),
        str(alone),
        Goal(1.5, 1.2, least=False),
        note=f"2 workers; {sent:,} of the noisy one's went out meanwhile, {left:,} wait; cuts awaited at the end: {beside.missing}",
    )


def _town(units: int) -> None:
    for number in range(1, QUIET + 1):
        shop.build(QUIET_UNITS, channels=2, name=f"quiet{number}")
    shop.build(units, channels=NOISY_CHANNELS, name="noisy", bare=True)
    _write(
        """
        INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
        SELECT organisation_id, id, 'quantity', channel_id, 0, nextval('channels_todo_version'), now()
        FROM channels_offer WHERE believed_qty <> intended_qty ORDER BY id
        """
    )


def _quiet() -> list[list[int]]:
    firms = _rows(
        "SELECT array_agg(c.id ORDER BY c.id) FROM channels_connection AS c JOIN core_organisation AS o ON o.id = organisation_id"
        " WHERE o.slug LIKE 'quiet%' GROUP BY o.id ORDER BY o.id"
    )
    return [firm for (firm,) in firms]


def _listen(stalls: Held, seconds: float) -> Lags:
    stalls.ask("take_lags")
    stalls.ask("selling", True)
    time.sleep(seconds)
    stalls.ask("selling", False)
    deadline = time.monotonic() + 60
    found, missing = stalls.ask("take_lags")
    while missing and time.monotonic() < deadline:
        time.sleep(0.5)
        more, missing = stalls.ask("take_lags")
        found += more
    return Lags(found, missing)


# --- takeover -----------------------------------------------------------------------------------------------------------------------------


def _takeover(house: House) -> Result:
    """Kill one of two workers while it has lanes; how long until the last of these has been claimed anew."""
    kills = 2 if house.quick else 10
    times: list[float] = []
    with bazaar() as stalls, house.open("firms_1000", partial(_firms, 1_000)):
        open_stalls(stalls)
        stalls.ask("delay", 0.5)
        with _workers(2) as crew:
            for _ in range(kills):
                times.append(_kill(crew))
    return Result(
        "workers",
        f"{kills} × kill -9 of one of two workers: seconds until the last of its lanes is claimed anew",
        max(times),
        "s",
        f"middle {statistics.median(times):.2f} s",
        goal=Goal(15, 3, least=False),
        note="each was in a call to a stall",
    )


def _kill(crew: list[subprocess.Popen[bytes]]) -> float:
    victim = crew.pop(0)
    held: list[tuple[int, int]] = []

    def holds() -> bool:
        _write("UPDATE channels_lanestep SET not_before = NULL")
        _write("UPDATE channels_lane SET not_before = now() WHERE enabled AND claimed_by = '' AND not_before > now()")
        held[:] = _rows("SELECT id, epoch FROM channels_lane WHERE claimed_by LIKE %s", f"%:{victim.pid}%")
        return len(held) >= 2

    _until(holds, 60, "lanes of the worker")
    victim.kill()
    begun = time.perf_counter()
    held[:] = _rows("SELECT id, epoch FROM channels_lane WHERE claimed_by LIKE %s", f"%:{victim.pid}%")
    lanes, epochs = [lane for lane, _ in held], [epoch for _, epoch in held]
    left = "SELECT count(*) FROM channels_lane JOIN unnest(%s::bigint[], %s::bigint[]) AS was(id, epoch) USING (id, epoch)"
    _until(lambda: _read(left, lanes, epochs) == 0, 60, "the takeover", pause=0.02)
    seconds = time.perf_counter() - begun
    victim.wait()
    crew.append(_start())
    _until(lambda: _living() >= len(crew), 60, "the new worker")
    return seconds


# --- the ground ---------------------------------------------------------------------------------------------------------------------------


def open_stalls(stalls: Held) -> list[int]:
    """All accounts have their stall at the bazaar; only trade runs. Returns the accounts."""
    _write(
        "UPDATE channels_connection SET base_url = %s || '/' || id, config = jsonb_build_object("
        "'client_id', 'shop', 'client_secret', 'secret', %s::text, %s::text)",
        stalls.url,
        SCALE,
        str(1 / LOOSE),
    )
    _write("UPDATE channels_lane SET enabled = (kind = 'trade')")
    shown = _rows("SELECT connection_id, buffer FROM channels_channel ORDER BY 1")
    for account, buffer in shown:
        stalls.ask("stand", account, shop.ON_HAND - buffer)
    return [account for account, _ in shown]


@contextmanager
def _workers(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many worker processes, at work."""
    crew = [_start() for _ in range(count)]
    try:
        _until(lambda: _living() >= count, 120, "the workers")
        _until(lambda: _read("SELECT count(*) FROM channels_lane WHERE enabled AND last_ended_at IS NULL") == 0, 120, "a first look")
        yield crew
    finally:
        for worker in crew:
            worker.send_signal(signal.SIGTERM)
        for worker in crew:
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _start() -> subprocess.Popen[bytes]:
    environment = os.environ | {"STALLKEEPER_TEST_PLATFORMS": "1"}
    return subprocess.Popen([sys.executable, "-m", "stallkeeper", "worker", "--threads", str(THREADS)], env=environment)


def _living() -> int:
    """Worker processes that hold their proof of life."""
    return _read(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 358929 AND objsubid = 2"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


def _until(condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.1) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(pause)


def _write(statement: str, *parameters: object) -> None:
    across(statement, parameters or None)


def _rows(query: str, *parameters: object) -> list[tuple[int, ...]]:
    return across(query, parameters or None)


def _column(query: str) -> list[int]:
    return [row[0] for row in _rows(query)]


def _read(query: str, *parameters: object) -> int:
    return int(_rows(query, *parameters)[0][0])
