"""The worker process: N threads that run lanes, and a tick. What takes long never has all of the threads (``slots``).

It needs a direct connection to PostgreSQL (LISTEN does not pass a pooler in transaction mode). The first SIGTERM lets every run finish the
call that it is in; the second ends at once, which costs nothing but a takeover a second later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from stallkeeper.core import figures, garbage, tracing
from stallkeeper.sync import life, run, scraping, wake
from stallkeeper.sync.soon import soon

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
TIDY_EVERY = 10
RESTART_SECONDS = 1.0
IDLE_TRANSACTION = "15s"
"""A worker that freezes inside a transaction would hold its locks for ever; the server ends it."""
LINE = {"keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "20000"}
"""A line to the database that is cut is noticed within half a minute, not after hours. Seconds; the last in milliseconds."""


def main(concurrency: int = 8) -> None:
    """Work until a signal says stop. Survives restarts of the database."""
    _prepare_connections()
    if settings.ENV.traces:
        tracing.start(settings.ENV.traces, settings.ENV.traces_sample, "stallkeeper-worker")
    _serve_figures()
    garbage.spare_what_is_loaded()
    ticker = Ticker()
    ticker.start()
    try:
        asyncio.run(_serve(concurrency))
    finally:
        ticker.stop()


def _serve_figures() -> None:
    """Where nobody can read them, the work goes on all the same."""
    if settings.ENV.worker_metrics is None:
        return
    host, port = settings.ENV.worker_metrics
    try:
        scraping.serve(host, port)
    except OSError as error:
        last = port + scraping.PORTS - 1
        log.warning(
            "figures are not served: STALLKEEPER_WORKER_METRICS_PORT: no port from %s:%s to %s is free (%s)", host, port, last, error
        )


def _prepare_connections() -> None:
    """Worker threads keep their connections from run to run, and a transaction that freezes loses its own."""
    settings = connections.settings["default"]
    settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"] = None, True
    options = settings.setdefault("OPTIONS", {})
    timeout = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION}"
    options["options"] = f"{options.get('options', '')} {timeout}".strip()
    settings["OPTIONS"] = LINE | options
    connections.close_all()


async def _serve(concurrency: int) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(ThreadPoolExecutor(concurrency + 2, thread_name_prefix="lane"))

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        run.stop_soon()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    while not stop.is_set():
        working = asyncio.create_task(_work(concurrency))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()
        (result,) = await asyncio.gather(working, return_exceptions=True)
        if not stop.is_set():
            log.warning("the worker starts anew: %s", result)
            await asyncio.wait({asyncio.create_task(stop.wait())}, timeout=RESTART_SECONDS)


async def _work(concurrency: int) -> None:
    """One life of the Procrastinate worker; ends with an error when the database goes away."""
    connector = app.connector
    if not isinstance(connector, DjangoConnector):
        raise TypeError("the worker is running already in this process")
    with app.replace_connector(connector.get_worker_connector()) as working:
        async with _opened(working), asyncio.TaskGroup() as group:
            for size, queues in slots(concurrency):
                group.create_task(
                    working.run_worker_async(
                        queues=queues,
                        concurrency=size,
                        delete_jobs="always",
                        listen_notify=True,
                        fetch_job_polling_interval=TICK_SECONDS,
                        install_signal_handlers=False,
                    )
                )


@contextlib.asynccontextmanager
async def _opened(working: App) -> AsyncIterator[None]:
    """Its connections, closed again even if the stop comes while they are being opened: a pool cut short in its opening never ends."""
    opening = asyncio.ensure_future(working.open_async())
    try:
        await asyncio.shield(opening)
        yield
    finally:
        await working.close_async()
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)


def slots(threads: int) -> list[tuple[int, list[str]]]:
    """How a worker's threads are shared: (how many, which queues they serve).

    Long work may have half of them, short work all: whatever takes long (a channel that does not answer, a catalogue that goes out for the
    first time), a lane with little to do finds a thread. A single thread serves everything, one after the other.
    """
    both = [wake.QUEUE, wake.LONG_QUEUE]
    if threads == 1:
        return [(1, both)]
    return [(threads - threads // 2, [wake.QUEUE]), (threads // 2, both)]


class Ticker:
    """Every second, and when a lane that ran here is due again: defer what is due. Every worker does it, so one that freezes keeps nobody
    waiting.

    Its connection also holds the lock that says that this process lives (``life``), which nobody ever waits for.
    """

    def __init__(self, seconds: float = TICK_SECONDS) -> None:
        self.seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tick", daemon=True)

    def start(self) -> None:
        soon.listen(on=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        soon.listen(on=False)
        self._thread.join()

    def _run(self) -> None:
        ticks, due = 0, time.monotonic() + self.seconds
        try:
            while self._waited(due):
                whole = time.monotonic() >= due
                ticks += self._tick(ticks, whole=whole)
                due = time.monotonic() + self.seconds if whole else due
        finally:
            life.forget()
            connections.close_all()

    def _waited(self, due: float) -> bool:
        """Wait until the next tick is due, or a lane; False at the end."""
        soon.wait(due)
        return not self._stop.is_set()

    def _tick(self, ticks: int, *, whole: bool) -> bool:
        """One tick, or a look for what is due; False if it was none, or the database is away. Each statement commits by itself. Whatever
        fails, the next tick comes."""
        try:
            if whole:
                life.assure()
            wake.defer_due()
            if whole and ticks % TIDY_EVERY == 0:
                wake.tidy()
        except (DatabaseError, InterfaceError) as error:
            figures.TICKS_FAILED.add()
            log.warning("a tick failed: %s", error)
            life.forget()
            with contextlib.suppress(DatabaseError, InterfaceError):  # the next tick opens another
                connection.close()
            return False
        except Exception:
            figures.TICKS_FAILED.add()
            log.exception("a tick failed; the next comes all the same")
        return whole
