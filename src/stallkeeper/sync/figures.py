"""Figures that stand in the database, gathered when Prometheus asks (ADR 0039): lags, queues, refusals, budgets, exposure.

``FAMILIES`` names every one of them. Labels are bounded: accounts and channels by id, platforms, steps, states; never SKUs, order
numbers or people. Each part is read in a transaction of its own with a time limit; one that fails is named by
``stallkeeper_scrape_failed`` and keeps no other from being shown.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from stallkeeper.channels.lanes import TAKEOVER
from stallkeeper.core import backups, clock, housekeeping_queries, partitions
from stallkeeper.core.sql import Cursor
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.sync import figures_queries as queries
from stallkit.manifest import Limit
from stallkit.pacing import Bucket, refill, stretched
from stallkit.registry import manifest_of

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = logging.getLogger(__name__)

LATELY = timedelta(minutes=10)
"""Lags are those of orders of this time."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)
ALIVE = timedelta(seconds=30)
"""A worker without a sign of life for so long is dead or frozen; they give one every ten seconds."""
STATEMENT_MS = 2_000
KEPT_SECONDS = 5.0
"""Several who ask at once get the same answer."""
QUANTILES = ("0.5", "0.95")


class Family(NamedTuple):
    help: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    family: str
    value: float
    labels: tuple[str, ...] = ()


ACCOUNT = ("connection",)
FAMILIES: dict[str, Family] = {
    "stallkeeper_lanes": Family("Lanes by state: enabled, claimed, silent (claimed by a dead worker), due, failing.", ("kind", "state")),
    "stallkeeper_lane_overdue_seconds": Family("Longest time that a lane has been due without being begun.", ("kind",)),
    "stallkeeper_connections": Family("Accounts by state.", ("platform", "state")),
    "stallkeeper_step_last_success_timestamp_seconds": Family("Last success of a step.", ("connection", "platform", "step")),
    "stallkeeper_step_failing": Family("1 while the last attempt of a step failed.", ("connection", "platform", "step")),
    "stallkeeper_step_items_total": Family("Things that a step has done.", ("connection", "platform", "step")),
    "stallkeeper_step_errors_total": Family("Errors of a step.", ("connection", "platform", "step")),
    "stallkeeper_orders_read_timestamp_seconds": Family("Orders of the account have been read up to here.", ("connection", "platform")),
    "stallkeeper_order_lag_seconds": Family("From an order on its channel to the order here, last 10 minutes.", ("connection", "quantile")),
    "stallkeeper_cut_lag_seconds": Family(
        "From an order to the cut that another account accepted, last 10 minutes.", ("connection", "quantile")
    ),
    "stallkeeper_todo_offers": Family(
        f"Offers that wait to be sent, at most {queries.MOST_COUNTED} shown. danger=1: the channel may show more than we have.",
        ("connection", "channel", "kind", "danger"),
    ),
    "stallkeeper_todo_oldest_seconds": Family("How long the first of them has waited.", ("connection", "channel", "kind", "danger")),
    "stallkeeper_exposure_offers": Family(
        f"Offers that show, or may show, more than we have, at most {queries.MOST_IN_DANGER} shown.", ("connection", "channel")
    ),
    "stallkeeper_exposure_units": Family(
        f"Units shown there above what we have, of the first {queries.MOST_IN_DANGER} such offers.", ("connection", "channel")
    ),
    "stallkeeper_commands_open": Family("Commands that must still reach a channel.", ("kind", "state")),
    "stallkeeper_command_oldest_seconds": Family("Age of the oldest of them.", ("kind", "state")),
    "stallkeeper_commands_failed": Family("Commands refused or given up in the last 7 days.", ("kind", "state")),
    "stallkeeper_offers_refused": Family("Offers whose quantity the channel refused.", ACCOUNT),
    "stallkeeper_parked": Family("Things of a channel that could not be understood.", ("connection", "kind")),
    "stallkeeper_drifts_open": Family("Open differences between what we believed and what we read.", ("verdict",)),
    "stallkeeper_shortages_open": Family("Lines sold that no stock could be promised for."),
    "stallkeeper_shortage_units": Family("Units of them."),
    "stallkeeper_shortage_windows_open": Family("Of them, those whose channel can still sell more."),
    "stallkeeper_shortage_window_oldest_seconds": Family("Longest of these open exposure windows."),
    "stallkeeper_shortage_window_seconds": Family("Exposure windows of the last day, from the sale to the accepted cut.", ("quantile",)),
    "stallkeeper_rate_budget_left_ratio": Family("Part of a rate budget that is left now.", ("connection", "bucket")),
    "stallkeeper_rate_budget_blocked_seconds": Family("How long the platform still wants no calls.", ("connection", "bucket")),
    "stallkeeper_rate_budget_spent_total": Family("Calls paid from a budget.", ("connection", "bucket")),
    "stallkeeper_rate_budget_refused_total": Family("Calls that a budget held back.", ("connection", "bucket")),
    "stallkeeper_jobs": Family("Jobs of the task engine.", ("task", "state")),
    "stallkeeper_workers_alive": Family("Workers with a sign of life in the last 30 seconds."),
    "stallkeeper_stale_units": Family("Units whose offers wait to be worked out anew."),
    "stallkeeper_notifications_open": Family("Open notifications; kind is their key with N for numbers.", ("kind", "severity")),
    "stallkeeper_partition_months_ahead": Family("Months from now on that have a partition of their own.", ("table",)),
    "stallkeeper_daily_timestamp_seconds": Family("Begin of the last work of the day that was finished."),
    "stallkeeper_backup_timestamp_seconds": Family("Last known backup; absent if none is known."),
    "stallkeeper_database_bytes": Family("Size of the database on disk."),
    "stallkeeper_disk_free_bytes": Family("Room on the disk of the data folder."),
    "stallkeeper_database_up": Family("1 if the database answered."),
    "stallkeeper_scrape_failed": Family("1 for each part that could not be read this time.", ("part",)),
    "stallkeeper_scrape_seconds": Family("Time to read all of this."),
}


# --- the parts ----------------------------------------------------------------------------------------------------------------------------


def _lanes(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for kind, *numbers, overdue in queries.lanes(cursor, at, at - TAKEOVER):
        for state, number in zip(("enabled", "claimed", "silent", "due", "failing"), numbers, strict=True):
            yield Sample("stallkeeper_lanes", number, (kind, state))
        yield Sample("stallkeeper_lane_overdue_seconds", overdue, (kind,))


def _connections(cursor: Cursor, _at: datetime) -> Iterator[Sample]:
    for platform, state, number in queries.connections(cursor):
        yield Sample("stallkeeper_connections", number, (platform, state))


def _steps(cursor: Cursor, _at: datetime) -> Iterator[Sample]:
    for account, platform, step, success, watermark, failing, items, errors in queries.steps(cursor):
        labels = (str(account), platform, step)
        if success is not None:
            yield Sample("stallkeeper_step_last_success_timestamp_seconds", success.timestamp(), labels)
        if watermark is not None and step == "orders":
            yield Sample("stallkeeper_orders_read_timestamp_seconds", watermark.timestamp(), labels[:2])
        yield Sample("stallkeeper_step_failing", int(failing), labels)
        yield Sample("stallkeeper_step_items_total", items, labels)
        yield Sample("stallkeeper_step_errors_total", errors, labels)


def _lags(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for account, *values in queries.order_lags(cursor, at - LATELY):
        yield from (
            Sample("stallkeeper_order_lag_seconds", value, (str(account), name)) for name, value in zip(QUANTILES, values, strict=True)
        )


def _cuts(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for account, *values in queries.cut_lags(cursor, at - LATELY):
        yield from (
            Sample("stallkeeper_cut_lag_seconds", value, (str(account), name)) for name, value in zip(QUANTILES, values, strict=True)
        )


def _todo(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for channel, account, kind, danger, number, first in queries.waiting_offers(cursor):
        labels = (str(account), str(channel), kind, str(danger))
        yield Sample("stallkeeper_todo_offers", number, labels)
        yield Sample("stallkeeper_todo_oldest_seconds", _age(at, first), labels)


def _exposure(cursor: Cursor, _at: datetime) -> Iterator[Sample]:
    for channel, account, offers, units in queries.exposure(cursor):
        yield Sample("stallkeeper_exposure_offers", offers, (str(account), str(channel)))
        yield Sample("stallkeeper_exposure_units", units, (str(account), str(channel)))


def _commands(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for kind, state, number, first in queries.commands_open(cursor):
        yield Sample("stallkeeper_commands_open", number, (kind, state))
        yield Sample("stallkeeper_command_oldest_seconds", _age(at, first), (kind, state))
    for kind, state, number in queries.commands_failed(cursor, at - WEEK):
        yield Sample("stallkeeper_commands_failed", number, (kind, state))


def _problems(cursor: Cursor, _at: datetime) -> Iterator[Sample]:
    for account, number in queries.offers_refused(cursor):
        yield Sample("stallkeeper_offers_refused", number, (str(account),))
    for account, kind, number in queries.parked(cursor):
        yield Sample("stallkeeper_parked", number, (str(account), kind))
    for verdict, number in queries.drifts(cursor):
        yield Sample("stallkeeper_drifts_open", number, (verdict,))
    for kind, severity, number in queries.notifications(cursor):
        yield Sample("stallkeeper_notifications_open", number, (kind, severity))


def _shortages(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    open_, units, windows, oldest, *spread = queries.shortages(cursor, at - DAY, at)
    yield Sample("stallkeeper_shortages_open", open_)
    yield Sample("stallkeeper_shortage_units", units)
    yield Sample("stallkeeper_shortage_windows_open", windows)
    yield Sample("stallkeeper_shortage_window_oldest_seconds", oldest)
    for name, value in zip(QUANTILES, spread, strict=True):
        if value is not None:
            yield Sample("stallkeeper_shortage_window_seconds", value, (name,))


def _budgets(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for account, platform, bucket, tokens, as_of, blocked, scale, spent, refused in queries.rate_budgets(cursor):
        labels = (str(account), bucket)
        limit = _limit(platform, bucket)
        if limit is not None:
            limit = stretched(limit, float(scale or 1))
            left = refill(Bucket(tokens, as_of, blocked), limit, at).tokens
            yield Sample("stallkeeper_rate_budget_left_ratio", left / limit.capacity, labels)
        yield Sample("stallkeeper_rate_budget_blocked_seconds", max(-_age(blocked, at), 0.0) if blocked else 0.0, labels)
        yield Sample("stallkeeper_rate_budget_spent_total", spent, labels)
        yield Sample("stallkeeper_rate_budget_refused_total", refused, labels)


def _limit(platform: str, bucket: str) -> Limit | None:
    """None: a bucket, or a platform, of another release, which nobody spends from."""
    try:
        return manifest_of(platform).limit(bucket)
    except KeyError:
        return None


def _engine(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for task, state, number in queries.jobs(cursor):
        yield Sample("stallkeeper_jobs", number, (task, state))
    yield Sample("stallkeeper_workers_alive", queries.workers(cursor, at - ALIVE)[0])
    yield Sample("stallkeeper_stale_units", queries.stale_units(cursor))


def _keeping(cursor: Cursor, at: datetime) -> Iterator[Sample]:
    for table in partitions.TABLES:
        uppers = [upper for _, upper in housekeeping_queries.month_partitions(cursor, table)]
        yield Sample("stallkeeper_partition_months_ahead", sum(upper > at for upper in uppers), (table,))
    done, saved = queries.day_done(cursor), backups.last(settings.ENV.home)
    if done is not None:
        yield Sample("stallkeeper_daily_timestamp_seconds", done.timestamp())
    if saved is not None:
        yield Sample("stallkeeper_backup_timestamp_seconds", saved.timestamp())
    yield Sample("stallkeeper_database_bytes", queries.size(cursor))
    yield Sample("stallkeeper_disk_free_bytes", shutil.disk_usage(settings.ENV.home).free)


Part = Callable[[Cursor, datetime], Iterable[Sample]]
PARTS: dict[str, Part] = {
    **{"lanes": _lanes, "connections": _connections, "steps": _steps, "order_lags": _lags, "cut_lags": _cuts, "todo": _todo},
    **{"exposure": _exposure, "commands": _commands, "problems": _problems, "shortages": _shortages, "budgets": _budgets},
    **{"engine": _engine, "keeping": _keeping},
}


def _age(at: datetime, since: datetime | None) -> float:
    return (at - since).total_seconds() if since is not None else 0.0


# --- gathering ----------------------------------------------------------------------------------------------------------------------------


def gather(at: datetime) -> list[Sample]:
    """Every figure as of now. Raises nothing that the database does."""
    found: list[Sample] = []
    begun, up = time.perf_counter(), True
    with across_organisations(Passage.FIGURES):
        for name, part in PARTS.items():
            try:
                found += _read(part, at) if up else ()
            except DatabaseError as error:
                log.warning("figures: %s could not be read: %s", name, error)
                up = isinstance(error.__cause__, QueryCanceled) or not isinstance(error, OperationalError | InterfaceError)
                found.append(Sample("stallkeeper_scrape_failed", 1, (name,)))
    found.append(Sample("stallkeeper_database_up", int(up)))
    found.append(Sample("stallkeeper_scrape_seconds", time.perf_counter() - begun))
    return found


def _read(part: Part, at: datetime) -> list[Sample]:
    with transaction.atomic(), connection.cursor() as cursor:  # lint: allow crash-point because it only reads
        queries.limit_time(cursor, STATEMENT_MS)
        return list(part(cursor, at))


class Collector:
    """What prometheus-client asks. Answers of the last seconds are given again; one at a time asks the database."""

    def __init__(self, kept_seconds: float = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._kept: list[Sample] = []
        self._read_at = float("-inf")

    def describe(self) -> Iterator[Metric]:
        """The names, without asking the database."""
        return iter(families([]).values())

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at > self._kept_seconds:
                self._kept, self._read_at = gather(clock.now()), time.monotonic()
            return iter(families(self._kept).values())


def families(samples: Iterable[Sample]) -> dict[str, Metric]:
    """The samples under their families, in the order of FAMILIES. KeyError for a sample that FAMILIES does not name."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    made: dict[str, Metric] = {}
    for name, (help_, labels) in FAMILIES.items():
        kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
        made[name] = kind(name, help_, labels=labels)
    for sample in samples:
        made[sample.family].add_metric(sample.labels, float(sample.value))  # type: ignore[attr-defined]
    return made
