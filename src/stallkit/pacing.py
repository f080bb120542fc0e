"""Rate budgets: who may call now, who must wait. The arithmetic is here, pure; where the tokens live is the caller's business.

A budget belongs to an account, so every worker that serves the account shares it. Low priorities leave a reserve to the urgent ones:
cuts may use the last token, sweeps stop when half of the bucket is gone.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Protocol

from stallkit.errors import SlowDown
from stallkit.manifest import Limit
from stallkit.words import said as _


class Priority(IntEnum):
    """Spending order (C8): the channel shows more than we have; orders and their answers; raises; prices; sweeps."""

    CUT = 0
    ORDER = 1
    RAISE = 2
    PRICE = 3
    BACKGROUND = 4


RESERVE = {Priority.CUT: 0.0, Priority.ORDER: 0.05, Priority.RAISE: 0.15, Priority.PRICE: 0.3, Priority.BACKGROUND: 0.5}
"""Part of the capacity that a priority must leave untouched (of buckets that hold ten or more)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """State of one token bucket: ``tokens`` as of ``at``; nothing before ``blocked_until`` (a 429 said so)."""

    tokens: float
    at: datetime
    blocked_until: datetime | None = None


def refill(bucket: Bucket, limit: Limit, now: datetime) -> Bucket:
    """The bucket as of ``now``; a clock that steps back refills nothing."""
    elapsed = max((now - bucket.at).total_seconds(), 0.0)
    rate = limit.capacity / limit.per.total_seconds()
    return Bucket(min(bucket.tokens + elapsed * rate, float(limit.capacity)), max(now, bucket.at), bucket.blocked_until)


def floor_of(limit: Limit, priority: Priority) -> float:
    """Tokens that ``priority`` may not touch. Tiny buckets keep none back, or low priorities would starve for ever."""
    return limit.capacity * RESERVE[priority] if limit.capacity >= 10 else 0.0


def take(bucket: Bucket, limit: Limit, now: datetime, priority: Priority, cost: float = 1.0) -> tuple[Bucket, float]:
    """Spend ``cost`` tokens if ``priority`` may. Returns the new bucket and the seconds to wait (0.0 = spent, go). ValueError if the bucket
    can never hold so many."""
    if cost > limit.capacity:
        raise ValueError(f"a call that costs {cost:g} can never be paid: bucket '{limit.bucket}' holds {limit.capacity}")
    bucket = refill(bucket, limit, now)
    if bucket.blocked_until is not None and bucket.blocked_until > now:
        return bucket, (bucket.blocked_until - now).total_seconds()
    missing = min(cost + floor_of(limit, priority), float(limit.capacity)) - bucket.tokens
    if missing <= 0:
        return Bucket(bucket.tokens - cost, bucket.at, None), 0.0
    return bucket, missing * limit.per.total_seconds() / limit.capacity


def charged(bucket: Bucket, limit: Limit, now: datetime, cost: float) -> Bucket:
    """The bucket after the platform has charged ``cost`` for what was sent already: it may be overdrawn, and then takes longer to fill."""
    bucket = refill(bucket, limit, now)
    return replace(bucket, tokens=max(bucket.tokens - cost, -float(limit.capacity)))


def blocked(bucket: Bucket, until: datetime) -> Bucket:
    """The bucket after a 429: shut until then, or until a later moment that was told before."""
    return Bucket(bucket.tokens, bucket.at, until if bucket.blocked_until is None else max(until, bucket.blocked_until))


def stretched(limit: Limit, limits_scale: float) -> Limit:
    """The limit of a test system that takes so many times the platform's time: 0.1 = ten times the calls, 10 = ten times as long."""
    if limits_scale > 1.0:
        return replace(limit, per=limit.per * limits_scale)
    return limit if limits_scale == 1.0 else replace(limit, capacity=round(limit.capacity / limits_scale))


class Pacer(Protocol):
    """What the door for HTTP asks before every call."""

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        """Return when the call may go out; raise SlowDown with the waiting time when it may not. Never sleeps over a second."""

    def block(self, limit: Limit, seconds: float) -> None:
        """The platform answered 429: nobody calls on this bucket for ``seconds``."""

    def charge(self, limit: Limit, cost: float) -> None:
        """The platform counts a call that was made for ``cost`` more than was spent on it."""


class MemoryPacer:
    """A Pacer for one process: adapter authors, tests. ``clock`` returns aware UTC; ``priority`` may be set between calls."""

    def __init__(self, clock: Clock, priority: Priority = Priority.CUT) -> None:
        self.clock, self.priority = clock, priority
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        with self._lock:
            now = self.clock()
            bucket = self._buckets.get(limit.bucket, Bucket(float(limit.capacity), now))
            self._buckets[limit.bucket], wait = take(bucket, limit, now, self.priority, cost)
        if wait > 0:
            raise SlowDown(_("our own budget '{bucket}' is spent for {wait:.1f} s", bucket=limit.bucket, wait=wait), retry_after=wait)

    def charge(self, limit: Limit, cost: float) -> None:
        with self._lock:
            now = self.clock()
            bucket = self._buckets.get(limit.bucket, Bucket(float(limit.capacity), now))
            self._buckets[limit.bucket] = charged(bucket, limit, now, cost)

    def buckets(self) -> dict[str, Bucket]:
        """The buckets that were spent from, or blocked, by name."""
        with self._lock:
            return dict(self._buckets)

    def block(self, limit: Limit, seconds: float) -> None:
        with self._lock:
            now = self.clock()
            bucket = self._buckets.get(limit.bucket, Bucket(float(limit.capacity), now))
            self._buckets[limit.bucket] = blocked(bucket, now + timedelta(seconds=seconds))


class Clock(Protocol):
    def __call__(self) -> datetime: ...
