"""What a tick costs with 10,000 and 20,000 lanes: what is due, deferring it, fetching a job; with nothing due and with everything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import psutil
from django.db import connection

from bench import shop
from bench.bazaar import bazaar
from bench.cases.workers import open_stalls
from bench.house import House, across
from bench.measure import Result

LANES_OF_ONE = 10
"""Lanes an organisation has."""
FIRST = 1_000
"""The first account's number."""


def run(house: House) -> Iterator[Result]:
    """For each number of lanes: an idle tick, a tick with all lanes due, a wake-up, and a job fetched from a full queue."""
    from stallkeeper.channels import turns_queries
    from stallkeeper.channels.lanes import TAKEOVER
    from stallkeeper.core import clock
    from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
    from stallkeeper.sync import wake

    yield from _idle_runs(house)
    for lanes in (1_000,) if house.quick else (10_000, 20_000):
        with house.fresh(partial(_fill, lanes)):

            def due() -> None:
                now = clock.now()
                with across_organisations(Passage.TICK), connection.cursor() as cursor:
                    turns_queries.due(cursor, now, now - TAKEOVER, wake.AT_ONCE)

            yield _line(lanes, "a tick, nothing due", due)
            _write("UPDATE channels_lane SET not_before = now() - random() * interval '60 s'")
            _write("VACUUM ANALYZE channels_lane")
            yield _line(lanes, "asking whose turn it is, all due", due)
            wake.defer_due()
            yield _line(lanes, "a tick, all due, those whose turn it is wait already", wake.defer_due)
            some = iter(across("SELECT organisation_id, array_agg(subject_id) FROM channels_lane WHERE subject_id > 1000 GROUP BY 1"))

            def wake_up(some: Iterator[tuple[int, list[int]]] = some) -> None:
                organisation, accounts = next(some)
                with organisation_scope(organisation):
                    wake.wake(accounts)

            yield _line(lanes, "a wake-up of the five accounts of an organisation", wake_up)
            yield _line(lanes, "a job fetched from the full queue", _fetch)


def _idle_runs(house: House) -> Iterator[Result]:
    """What it costs to look at an account where nothing has happened: most runs are such."""
    from stallkeeper.sync.runner import run_lane

    with bazaar() as stalls, house.fresh(partial(shop.build, 100, channels=1)):
        open_stalls(stalls)
        lane, runs = _read("SELECT id FROM channels_lane WHERE kind = 'trade'"), 20 if house.quick else 200
        run_lane(lane, "bench")
        connection.ensure_connection()
        backend = psutil.Process(connection.connection.info.backend_pid)
        cpu, theirs, begun = time.process_time(), sum(backend.cpu_times()[:2]), time.perf_counter()
        for _ in range(runs):
            _write("UPDATE channels_lanestep SET not_before = NULL")
            ended = run_lane(lane, "bench")
            assert ended.outcome == "ok", ended
        ours, theirs = time.process_time() - cpu, sum(backend.cpu_times()[:2]) - theirs
        each = (time.perf_counter() - begun) * 1000 / runs
    note = f"own process {ours * 1000 / runs:.1f} ms, database {theirs * 1000 / runs:.1f} ms"
    yield Result(
        "lanes", "a trade run that finds nothing: processor time", (ours + theirs) * 1000 / runs, "ms", f"{each:.1f} ms", note=note
    )


def _fill(lanes: int) -> None:
    from stallkeeper.core.models import Organisation

    shop.build(1, channels=1)
    Organisation.objects.bulk_create(
        Organisation(name=f"Firm {number}", slug=f"firm-{number}", sending_enabled=True, created_at=shop.NOON)
        for number in range(lanes // LANES_OF_ONE)
    )
    _write(
        f"""
        INSERT INTO channels_lane (organisation_id, subject_type, subject_id, kind, enabled, epoch, claimed_by, not_before, wanted,
                                   failures, last_error, last_started_at, last_ended_at)
        SELECT o.id, 'connection', {FIRST} + n / 2, CASE n % 2 WHEN 0 THEN 'trade' ELSE 'background' END, true, 1, '',
               now() + interval '1 hour', false, 0, '', now() - interval '1 s', now()
        FROM generate_series(0, {lanes - 1}) AS n
        JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM core_organisation WHERE slug LIKE 'firm-%') AS o
            ON o.place = n / {LANES_OF_ONE}
        """
    )


def _line(lanes: int, what: str, job: Callable[[], object], turns: int = 30) -> Result:
    times = []
    for turn in range(turns + 3):
        begun = time.perf_counter()
        job()
        if turn >= 3:
            times.append(time.perf_counter() - begun)
    worst = max(times) * 1000
    return Result(
        "lanes", f"{lanes:,} lanes: {what}", statistics.median(times) * 1000, "ms", note=f"the slowest of {turns} took {worst:.1f} ms"
    )


def _fetch() -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        worker = cursor.fetchone()[0]
        cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(%s, %s)", [["lanes", "long"], worker])
        assert cursor.fetchone()[0] is not None
        cursor.execute("ROLLBACK")


def _write(statement: str) -> None:
    across(statement)


def _read(query: str) -> int:
    return int(across(query)[0][0])
