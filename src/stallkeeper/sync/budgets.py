"""Rate budgets of accounts, kept in the database: every worker that serves an account spends from the same buckets.

The arithmetic is ``stallkit.pacing.take``; here is only where the tokens live.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.db import connection

from stallkeeper.core import clock, crash
from stallkeeper.core.sql import hot_cursor
from stallkeeper.sync import budgets_queries as queries
from stallkit.errors import SlowDown
from stallkit.manifest import Limit
from stallkit.pacing import Bucket, MemoryPacer, Priority, charged, stretched, take

PATIENCE = 0.9
"""Seconds that one call may sleep until its turn (a bucket of one call per 375 ms needs two turns at times); longer waits end the step."""


_last_look: ContextVar[Callable[[], None]] = ContextVar("last_look", default=lambda: None)


@contextmanager
def last_look(look: Callable[[], None]) -> Iterator[None]:
    """Inside the block ``look`` is called when a call may go out, as the last thing before it does. It may raise: then nothing goes out."""
    token = _last_look.set(look)
    try:
        yield
    finally:
        _last_look.reset(token)


class NetworkInTransaction(RuntimeError):
    """A call to the outside while a transaction is open: it would hold locks for as long as the outside likes."""


def refuse_in_transaction() -> None:
    """Raise NetworkInTransaction if a transaction is open (the test case's own does not count)."""
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise NetworkInTransaction("commit before calling the outside: no network inside a transaction")


class PgPacer:
    """The Pacer of one account. ``priority`` is set by the step before it calls; ``limits_scale``: how many times the
    platform's time the limits of a test system take.

    Background work never begins by waiting for a token: it takes what is there and leaves the next one to the trade run. Where a method
    makes several calls it waits for the later ones like everybody: given up each time after the first, it would never get to its end.
    """

    def __init__(
        self,
        organisation_id: int,
        connection_id: int,
        *,
        limits_scale: float = 1.0,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.organisation_id, self.connection_id, self.limits_scale = organisation_id, connection_id, limits_scale
        self.priority = Priority.ORDER
        self.slept: list[tuple[datetime, datetime]] = []
        """When calls slept until their turn. Whoever reads it empties it."""
        self._begun = False
        self._now, self._sleep = now, sleep

    def begin(self, priority: Priority) -> None:
        """What is spent from now on belongs to another call of the adapter, of this priority."""
        self.priority, self._begun = priority, False

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        """Return when the call may go out; SlowDown if that takes longer than PATIENCE. NetworkInTransaction inside a transaction."""
        refuse_in_transaction()
        patience = 0.0 if self.priority is Priority.BACKGROUND and not self._begun else PATIENCE
        while (wait := self._take(stretched(limit, self.limits_scale), cost)) > 0:
            if wait > patience:
                raise SlowDown(f"our own budget '{limit.bucket}' is spent for {wait:.1f} s", retry_after=wait)
            patience -= wait
            self.slept.append((at := self._now(), at + timedelta(seconds=wait)))
            self._sleep(wait)
        self._begun = True
        _last_look.get()()

    def block(self, limit: Limit, seconds: float) -> None:
        """The platform answered 429: nobody spends from this bucket for ``seconds``."""
        now = self._now()
        with crash.around("commit:budget.block"), connection.cursor() as cursor:
            queries.block(cursor, self.connection_id, limit.bucket, float(limit.capacity), now, now + timedelta(seconds=seconds))

    def charge(self, limit: Limit, cost: float) -> None:
        """The platform counts a call that was made for ``cost`` more than was spent on it."""
        now, scaled = self._now(), stretched(limit, self.limits_scale)
        with crash.committing("budget.charge"), hot_cursor() as cursor:
            row = queries.lock(cursor, self.connection_id, scaled.bucket, float(scaled.capacity), now)
            bucket = charged(Bucket(*row), scaled, now, cost)
            queries.write(cursor, self.connection_id, scaled.bucket, (bucket.tokens, bucket.at, bucket.blocked_until), spent=True)

    def _take(self, limit: Limit, cost: float) -> float:
        now = self._now()
        with crash.committing("budget.take"), hot_cursor() as cursor:
            row = queries.lock(cursor, self.connection_id, limit.bucket, float(limit.capacity), now)
            crash.point("within:budget:locked")
            bucket, wait = take(Bucket(*row), limit, now, self.priority, cost)
            queries.write(cursor, self.connection_id, limit.bucket, (bucket.tokens, bucket.at, bucket.blocked_until), spent=wait <= 0)
        return wait


class Beforehand(MemoryPacer):
    """The budget of an account that is asked who it is before it is stored. It waits as ``PgPacer`` does."""

    def __init__(self, limits_scale: float = 1.0) -> None:
        super().__init__(clock.now)
        self.limits_scale = limits_scale

    def spend(self, limit: Limit, cost: float = 1.0) -> None:
        patience = PATIENCE
        while True:
            try:
                return super().spend(stretched(limit, self.limits_scale), cost)
            except SlowDown as slow:
                if slow.retry_after > patience:
                    raise
                patience -= slow.retry_after
                time.sleep(slow.retry_after)

    def hand_over(self, connection_id: int) -> None:
        """The account is stored: its own budget begins with what this one has left."""
        with connection.cursor() as cursor:
            for name, bucket in sorted(self.buckets().items()):
                queries.lock(cursor, connection_id, name, bucket.tokens, bucket.at)
                queries.write(cursor, connection_id, name, (bucket.tokens, bucket.at, bucket.blocked_until), spent=True)
