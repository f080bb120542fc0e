"""Figures of this process for Prometheus: counters and histograms. Each process that serves them counts its own (ADR 0039).

Until ``start`` is called they count nothing and prometheus-client is not even loaded, so that commands and workers without a port pay
nothing. What stands in the database is not counted here but read when it is asked for (``sync.figures``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

SHORT = (0.005, 0.02, 0.1, 0.5, 2.0)
LONG = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


@dataclass(slots=True)
class Count:
    """Counts events by labels. Labels are bounded sets: platforms, steps, routes; never SKUs, numbers of orders or people."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    _made: Counter | None = field(default=None, repr=False)

    def add(self, *labels: str, times: int = 1) -> None:
        if self._made is not None and times:
            (self._made.labels(*labels) if labels else self._made).inc(times)


@dataclass(slots=True)
class Spread:
    """How long things took, in seconds, by labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SHORT
    _made: Histogram | None = field(default=None, repr=False)

    def observe(self, seconds: float, *labels: str) -> None:
        if self._made is not None:
            (self._made.labels(*labels) if labels else self._made).observe(seconds)

    @contextmanager
    def timing(self, *labels: str) -> Iterator[None]:
        """Observe how long the block takes, however it ends."""
        begun = perf_counter()
        try:
            yield
        finally:
            self.observe(perf_counter() - begun, *labels)


REQUESTS = Count("stallkeeper_requests_total", "Requests answered.", ("route", "method", "status"))
REQUEST_SECONDS = Spread("stallkeeper_request_seconds", "Time to answer a request.", ("route",))
CALLBACKS = Count("stallkeeper_callbacks_total", "Callbacks of platforms, by whether they were understood.", ("platform", "outcome"))
USE_CASE_SECONDS = Spread("stallkeeper_use_case_seconds", "Time of a transaction that changes something.", ("use_case",))
CONFLICTS = Count("stallkeeper_conflicts_total", "Use cases that ran again because the database reported a conflict.")
TICKS_FAILED = Count("stallkeeper_ticks_failed_total", "Ticks of workers that failed; the next came all the same.")
RUNS = Count("stallkeeper_runs_total", "Runs of lanes.", ("kind", "outcome"))
RUN_SECONDS = Spread("stallkeeper_run_seconds", "Time of a run.", ("kind",), LONG)
STEPS = Count("stallkeeper_steps_total", "Steps of runs.", ("step", "outcome"))
STEP_SECONDS = Spread("stallkeeper_step_seconds", "Time of a step.", ("step",), LONG)
TAKEOVERS = Count("stallkeeper_takeovers_total", "Lanes taken over from a worker that had died or was silent.", ("kind",))
LANES_LOST = Count("stallkeeper_lanes_lost_total", "Runs that lost their lane to another worker.", ("kind",))
CALLS = Count("stallkeeper_calls_total", "Calls to platforms; status 0: no reply.", ("platform", "operation", "status"))
CALL_SECONDS = Spread("stallkeeper_call_seconds", "Time of a call to a platform.", ("platform", "operation"), LONG)
SENT = Count("stallkeeper_sent_total", "Quantities and prices sent, by what the channel said.", ("platform", "what", "outcome"))
PUSH_SECONDS = Spread(
    "stallkeeper_push_seconds",
    "From the wish for another figure to the channel's yes, single calls.",
    ("platform", "what", "direction"),
    LONG,
)

ALL: tuple[Count | Spread, ...] = (
    *(REQUESTS, REQUEST_SECONDS, CALLBACKS, USE_CASE_SECONDS, CONFLICTS, TICKS_FAILED, RUNS, RUN_SECONDS, STEPS, STEP_SECONDS),
    *(TAKEOVERS, LANES_LOST, CALLS, CALL_SECONDS, SENT, PUSH_SECONDS),
)

_registry: list[CollectorRegistry] = []
_lock = threading.Lock()


def start() -> CollectorRegistry:
    """Count from now on; returns what to serve. Once per process; a second call returns the same."""
    with _lock:
        if not _registry:
            _registry.append(_make())
        return _registry[0]


def _make() -> CollectorRegistry:
    from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per series, which nobody reads
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for figure in ALL:
        if isinstance(figure, Count):
            figure._made = Counter(figure.name, figure.help, figure.labels, registry=registry)
        else:
            figure._made = Histogram(figure.name, figure.help, figure.labels, buckets=figure.buckets, registry=registry)
    return registry


def on() -> bool:
    """Whether this process counts."""
    return bool(_registry)
