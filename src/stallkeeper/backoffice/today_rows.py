"""What the screen Today shows beside its charts: deadlines, incidents, how late each channel is now, and whether all is well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from stallkeeper.backoffice import today_queries as queries
from stallkeeper.backoffice.paging import COUNT_LIMIT
from stallkeeper.orders import delays
from stallkeeper.orders.models import Shortage
from stallkeeper.orders.promises import Operation
from stallkeeper.stock.models import ReservationKind
from stallkit.manifest import Capability
from stallkit.registry import manifest_of

RARELY_SECONDS = 20
"""How old the sum of what is reserved may be: it reads all reservations, and the screen asks every few seconds."""
PAST, COMING = 3, 6
"""Deadlines that are shown: those that have passed, and those to come."""
INCIDENTS = 5
RECENT = timedelta(days=7)
MESSAGES = (Operation.ACKNOWLEDGE, Operation.SHIP, Operation.CANCEL)
"""What is told about orders waits in one line: what must be told soonest says by when."""


@dataclass(frozen=True)
class Deadline:
    """An order that must be acknowledged or leave by a moment."""

    order_id: int
    number: str
    channel_id: int
    act: str
    due: datetime
    overdue: bool

    @property
    def hour(self) -> datetime | None:
        """The hour in which it is due, of the organisation's clock; None for what is overdue."""
        return None if self.overdue else timezone.localtime(self.due).replace(minute=0, second=0, microsecond=0)


def deadlines(organisation_id: int, now: datetime) -> dict[str, object]:
    """The next deadlines, those that have just passed first, and how many have passed."""
    with connection.cursor() as cursor:
        past = queries.deadlines(cursor, organisation_id, now, PAST, overdue=True)
        coming = queries.deadlines(cursor, organisation_id, now, COMING, overdue=False)
        overdue = queries.overdue_count(cursor, organisation_id, now, COUNT_LIMIT)
    rows = [*(Deadline(*row, overdue=True) for row in past), *(Deadline(*row, overdue=False) for row in coming)]
    return {"deadlines": rows, "overdue": overdue}


def incidents(now: datetime) -> list[Shortage]:
    """Units that were sold and not there: what is open, then what was found in the last week, newest first."""
    recent = Shortage.objects.filter(Q(resolved_at=None) | Q(detected_at__gte=now - RECENT))
    ordered = recent.order_by(F("resolved_at").desc(nulls_first=True), "-detected_at", "pk")
    return list(ordered.select_related("line__order__channel")[:INCIDENTS])


def reserved(organisation_id: int) -> list[tuple[str, int]]:
    """Units that are promised or kept back, by kind; only kinds that have any."""
    found: list[tuple[str, int]] | None = cache.get(key := f"reserved:{organisation_id}")
    if found is None:
        with connection.cursor() as cursor:
            found = queries.reserved_units(cursor, organisation_id)
        cache.set(key, found, RARELY_SECONDS)
    return [(str(ReservationKind(kind).label), units) for kind, units in found]


# --- how late each channel is now ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lag:
    """How long the oldest thing of a kind has waited on a channel. ``off``: we do not do this there; ``seconds`` None: it has never been
    done; 0: nothing waits. ``lately``: 95 of 100 of the last two hours took no longer; None where there were none."""

    operation: Operation
    promise: timedelta
    seconds: float | None = 0.0
    off: bool = False
    lately: float | None = None

    @property
    def late(self) -> bool:
        return not self.off and self.seconds is not None and self.seconds > self.promise.total_seconds()

    @property
    def tone(self) -> str:
        return "bad" if self.late else ""


@dataclass(frozen=True)
class ChannelLag:
    channel_id: int
    name: str
    lags: tuple[Lag, ...]

    @property
    def late(self) -> bool:
        return any(lag.late for lag in self.lags)


def lags(organisation_id: int, now: datetime, channel_id: int | None = None) -> list[ChannelLag]:
    """Every active channel, or this one: up to when its orders are read, and how long stock, prices and messages have waited. A channel
    that nobody can reach is late here, although nothing is measured of it."""
    with connection.cursor() as cursor:
        found = queries.lags(cursor, organisation_id, channel_id)
    promises, lately = delays.promises(), delays.lately(organisation_id, now)
    return [_lags(row, now, promises, lately) for row in found]


def _lags(
    row: Sequence[object], now: datetime, promises: Mapping[Operation, timedelta], lately: Mapping[tuple[str, int], delays.Summary]
) -> ChannelLag:
    channel, name, platform, roles, orders, stock, prices, may_write, read, stock_since, price_since, told_since = row

    def serves(role: str) -> bool:
        return not roles or role in roles  # type: ignore[operator]

    can_pull = Capability.PULL_ORDERS in manifest_of(str(platform)).capabilities
    waits = (
        (Operation.INTAKE, bool(orders) and serves("orders") and can_pull, read, None),
        (Operation.STOCK, bool(stock and may_write) and serves("stock"), stock_since, 0.0),
        (Operation.PRICE, bool(prices and may_write) and serves("prices"), price_since, 0.0),
        (min(MESSAGES, key=promises.__getitem__), bool(may_write), told_since, 0.0),
    )
    key = int(str(channel))
    told = {operation: summary.within(0.95) for (operation, of), summary in lately.items() if of == key}
    return ChannelLag(key, str(name), tuple(_lag(now, promises, told, *wait) for wait in waits))


def _lag(
    now: datetime,
    promises: Mapping[Operation, timedelta],
    lately: Mapping[str, float | None],
    operation: Operation,
    on: bool,
    since: object,
    none: float | None,
) -> Lag:
    """``none``: what is said where nothing waits."""
    seconds = max((now - since).total_seconds(), 0.0) if isinstance(since, datetime) else none
    return Lag(operation, promises[operation], seconds, off=not on, lately=lately.get(operation))
