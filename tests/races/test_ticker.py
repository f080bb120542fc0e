"""The tick of a worker goes on whatever happens to it, and an installation in which nobody ticks is not ready."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError, connection

from stallkeeper.core import clock, figures
from stallkeeper.sync import figures_queries, health, wake
from stallkeeper.sync.soon import soon
from stallkeeper.sync.worker import Ticker

SECONDS = 60


def failed() -> float:
    return figures.start().get_sample_value("stallkeeper_ticks_failed_total") or 0.0


def not_ready() -> str:
    return {check.name: check.reason for check in health.look()}["worker"]


def test_a_tick_that_fails_is_counted_and_the_next_comes(
    race_db, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug, a connection that is gone by Django's word, a database that is away: none of them ends the thread."""
    trouble = [RuntimeError("a bug"), InterfaceError("connection already closed"), OperationalError("the server is away"), KeyError("lane")]
    again = threading.Event()

    def defer_due() -> int:
        if trouble:
            raise trouble.pop(0)
        again.set()
        return 0

    monkeypatch.setattr(wake, "defer_due", defer_due)
    before = failed()
    ticker = Ticker(seconds=0.01)
    ticker.start()
    try:
        assert again.wait(SECONDS)
    finally:
        ticker.stop()
    assert failed() == before + 4
    assert [record.exc_info is not None for record in caplog.records if "a tick failed" in record.message] == [True, False, False, True]


def test_what_a_run_tells_is_due_is_looked_for_before_the_next_tick(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait for a rate budget, or for a platform's list of orders, is not rounded up to a second."""
    done: list[str] = []
    looked = threading.Event()
    monkeypatch.setattr(wake, "defer_due", lambda: done.append("look") or looked.set())
    monkeypatch.setattr(wake, "tidy", lambda: done.append("tidy"))
    ticker = Ticker(seconds=3_600)
    ticker.start()
    try:
        soon.tell(7, 0.01)
        assert looked.wait(SECONDS)
    finally:
        ticker.stop()
    assert done == ["look"], "the rest of a tick keeps its pace"


def test_workers_of_which_none_ticks_are_not_ready(race_db, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [clock.now() - timedelta(seconds=5)])
    assert "none of them looks for what is due" in not_ready()
    ticked = threading.Event()
    monkeypatch.setattr(wake, "tidy", ticked.set)
    ticker = Ticker(seconds=0.01)
    ticker.start()
    try:
        assert ticked.wait(SECONDS)
        assert not_ready() == ""
        with connection.cursor() as cursor:
            assert figures_queries.ticking(cursor) == 1
    finally:
        ticker.stop()
    ended = time.monotonic()
    while not not_ready():  # the server ends the session, and with it the lock, when it comes to it
        assert time.monotonic() - ended < SECONDS
        time.sleep(0.05)
    assert "none of them looks for what is due" in not_ready()
