"""Simulated trading days: many seeds without a violation, each the same when it is played again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stallkeeper.ops.simulation import points

ROOT = Path(__file__).parents[2]
SEEDS, MORE, MOST = 100, 20, 200
"""So many days are played; more of them, bit by bit, while a point of the engine is not reached (docs/simulation.md)."""


def simulated(file: Path, first: int, last: int) -> dict[str, Any]:
    """The figures of these days, of which none has a violation."""
    hidden = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "STALLKEEPER_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    seeds, jobs = f"{first}-{last}", str(os.cpu_count() or 1)
    command = [sys.executable, "-m", "stallkeeper", "simulate", "--seeds", seeds, "--jobs", jobs, "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    figures = dict(json.loads(file.read_text()))
    assert figures["seeds"] == last - first + 1
    return figures


@pytest.mark.long(250)
@pytest.mark.timeout(3_600)
def test_days_without_a_violation_that_come_past_every_point(tmp_path: Path) -> None:
    known = {f"{name}:{side}" for name in points.NOT_YET for side in points.PAIR}
    figures = simulated(tmp_path / "figures.json", 1, SEEDS)
    missed, last = set(figures["unreached"]) - known, SEEDS
    while missed and last < MOST:
        missed &= set(simulated(tmp_path / "further.json", last + 1, last + MORE)["unreached"])
        last += MORE
    assert not missed
    reached = figures["situations"].keys()
    assert {"an order", "a worker froze", "a run lost its lane to another worker", "killed inside a transaction"} <= reached


def test_a_seed_is_the_same_day_again(server) -> None:
    from stallkeeper.ops.simulation.day import play

    first, second = play(11, server), play(11, server)
    assert first.violation is None
    assert first.trace == second.trace


def test_a_day_that_hangs_says_where_everybody_stands(server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over as soon as somebody sleeps: how long the day took until then says only how busy the machine is."""
    from stallkeeper.ops.simulation import limit
    from stallkeeper.ops.simulation.acts import ACTS
    from stallkeeper.ops.simulation.day import Step, play

    said, left, stacks = threading.Event(), [], limit.stacks

    def sleeps_for_real(_world) -> None:
        left.append(signal.setitimer(signal.ITIMER_REAL, 0.1)[0])
        said.wait(60)

    def wakes_afterwards(crowd) -> str:
        try:
            return stacks(crowd)
        finally:
            said.set()

    monkeypatch.setitem(ACTS, "tidy", replace(ACTS["tidy"], play=sleeps_for_real))
    monkeypatch.setattr(limit, "stacks", wakes_afterwards)
    played = play(3, server, [Step(("tidy",), 1)], limit=100)
    assert 0 < left[0] < 100
    assert played.violation is not None
    assert played.violation.invariant == "hang"
    assert "walker-1 (w" in played.violation.text
    assert "sleeps_for_real" in played.violation.text


def test_work_without_end_is_broken_off(server, monkeypatch: pytest.MonkeyPatch) -> None:
    from stallkeeper.ops.simulation import world
    from stallkeeper.ops.simulation.day import Step, play

    monkeypatch.setattr(world, "MOST_CALLS", 2)
    played = play(3, server, [Step(("goods come in",), 1), Step(("trade now",), 2)])
    assert played.violation is not None
    assert played.violation.invariant == "hang"
    assert "has made 2 calls without a rest" in played.violation.text


def test_work_whose_job_got_lost_is_found_in_the_calm(server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 110: the job that refreshes what a change left over was lost. Every tenth tick of a worker finds such work, so calm days tick
    like that as well."""
    from django.db import connection

    from stallkeeper.ops.simulation import day
    from stallkeeper.ops.simulation.acts import ACTS
    from stallkeeper.stock.models import Stale

    left: list[int] = []

    def loses_a_job(world) -> None:
        Stale.objects.bulk_create([Stale(organisation=world.organisation, stock_unit=world.units["B"])], ignore_conflicts=True)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'drain_stale'")
        left.append(Stale.objects.count())

    monkeypatch.setitem(ACTS, "tidy", replace(ACTS["tidy"], play=loses_a_job))
    monkeypatch.setattr(day.situations, "at_end", lambda _world: left.append(Stale.objects.count()))
    assert day.play(3, server, [day.Step(("tidy",), 1)]).violation is None
    assert left[0] > left[1] == 0


def test_the_judge_sees_that_a_table_is_kept_by_somebody(server) -> None:
    """Seed 117: a worker stood still while it made a partition, and the judge waited for it."""
    from stallkeeper.ops.simulation import queries

    with (
        server.clone() as name,
        psycopg.connect(server.url_of(name), autocommit=True) as watcher,
        psycopg.connect(server.url_of(name)) as worker,
    ):
        assert not queries.changes_schema(watcher)
        worker.execute("LOCK TABLE stock_movement IN ACCESS EXCLUSIVE MODE")
        assert queries.changes_schema(watcher)
        worker.rollback()
        assert not queries.changes_schema(watcher)


def test_who_waits_for_a_row_keeps_no_table(server) -> None:
    """Seed 5: the judge took the lock of a row that somebody waited for for that of a table, and whether the waiter had woken up by then
    made two days of one seed."""
    from stallkeeper.ops.simulation import queries

    row = "SELECT FROM django_migrations WHERE app = 'core' AND name LIKE '0001%' FOR UPDATE"
    with server.clone() as name, ExitStack() as house:
        at_once = (True, False, False)
        watcher, holder, waiter = (house.enter_context(psycopg.connect(server.url_of(name), autocommit=each)) for each in at_once)
        assert holder.execute(row).rowcount == 1
        waiting = threading.Thread(target=waiter.execute, args=[row])
        waiting.start()
        house.callback(waiting.join)
        house.callback(holder.rollback)
        asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'tuple' AND mode = 'AccessExclusiveLock'"
        while not watcher.execute(asked).fetchone() > (0,):
            time.sleep(0.01)
        assert not queries.changes_schema(watcher)


def test_a_mishap_ends_its_own_seed_only(server, monkeypatch: pytest.MonkeyPatch) -> None:
    from stallkeeper.ops.simulation.day import play
    from stallkeeper.ops.simulation.world import World

    def falls(_world, *_dice: object) -> None:
        raise LookupError("no such stall")

    monkeypatch.setattr(World, "open", falls)
    played = play(3, server)
    assert played.violation is not None
    assert played.violation.invariant == "error"
    assert "no such stall" in played.violation.text


@pytest.mark.long(25)
def test_a_violation_is_found_and_its_day_shortened(server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody receives goods and forgets to refresh offers: the judge sees it, and few steps are enough to show it."""
    from stallkeeper.channels import refresh
    from stallkeeper.ops.simulation.day import play
    from stallkeeper.ops.simulation.shrink import shrink

    decide = refresh.facts.decide

    def one_too_many(facts, trace=None):
        figures = decide(facts, trace)
        return figures + (figures > 3)

    monkeypatch.setattr(refresh, "facts", replace_attribute(refresh.facts, decide=one_too_many))
    played = play(3, server)
    assert played.violation is not None
    assert played.violation.invariant == "10"
    short = shrink(played, server, seconds=20)
    assert short.violation is not None
    assert short.violation.invariant == "10"
    assert len(short.steps) < len(played.steps)


def replace_attribute(module, **changed):
    """A look-alike of a module in which some names mean something else."""
    from types import SimpleNamespace

    return SimpleNamespace(**{**vars(module), **changed})


def test_the_summary_says_what_was_not_reached() -> None:
    from stallkeeper.ops.simulation.batch import Failure, Result, Summary

    result = Result(7, 50, 1.5, "hash", Counter(), Counter(), Counter({"an order": 3}))
    failed = replace(result, seed=3, failure=Failure(3, "10", "a figure is wrong", ("ship #1",), 50, ()))
    summary = Summary([result, failed])
    assert "an order" not in summary.missed
    assert "a night" in summary.missed
    assert [failure.seed for failure in summary.failures] == [3]
    assert summary.as_json()["seeds"] == 2
