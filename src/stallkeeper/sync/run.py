"""What every step of a run works with: the lane's hold, the account's session, the channels, and where the steps have got to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from django.db import connection

from stallkeeper.channels import lanes
from stallkeeper.channels.lanes import Claim, Heart
from stallkeeper.channels.models import Channel, Connection, LaneStep
from stallkeeper.core import clock, crash, tracing
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.sync import queries
from stallkeeper.sync.adapters import Session
from stallkeeper.sync.budgets import last_look, refuse_in_transaction
from stallkit.pacing import Priority

P = ParamSpec("P")
R = TypeVar("R")

STEP_SECONDS = 3.0
"""A step stops at the next chance after so long; what is left is due again at once."""
GIVES_WAY_SECONDS = 1.0
"""And after so long where orders can be pulled: they say what every other channel must be told, and have a budget of their own."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did.

    ``again_at``: when it has something to do next; a wake-up may bring it earlier. ``not_before``: it must not run earlier than that.
    """

    items: int = 0
    errors: int = 0
    again_at: datetime | None = None
    not_before: datetime | None = None
    note: str = ""
    """Something that a person should read on the transfer status, although the step went well."""


@dataclass(slots=True)
class Current:
    """The run that is under way. Steps call the outside only through ``call`` and write only inside ``writing``."""

    held: Claim
    heart: Heart
    connection: Connection
    channels: list[Channel]
    session: Session
    places: dict[str, LaneStep]
    started_at: datetime
    sending: bool
    """The company switch, the account's write permission and its state, together."""
    run_id: int = 0
    watched: frozenset[int] = frozenset()
    """Channels whose figures are taken for sales (``watch`` says which)."""
    watermark: datetime | None = None
    """Orders of this connection have been read up to here."""
    raises_at: datetime | None = None
    """Until then the account's budget is for cuts: a raise was refused the reserve that is kept for them."""
    waits: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    """What waited because of the account's rate budget or the platform's word (step, from, until), written down when the run ends."""
    _step_ends: float = field(default=0.0)
    _gives_way_at: float = field(default=0.0)

    def writing(self, name: str) -> AbstractContextManager[UseCase]:
        """A transaction that commits only while the lane is ours; LaneLost otherwise."""
        return lanes.guarded(self.held, f"sync.{name}")

    def commit(self, name: str, change: Callable[[UseCase], R]) -> R:
        """``writing`` around a change that may run again: the database may ask for that when another use case was in the way."""

        @again_on_conflict
        def once() -> R:
            with self.writing(name) as uc:
                return change(uc)

        return once()

    def call(self, priority: Priority, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Call a method of the adapter, never inside a transaction; nothing goes out for a lane that is lost.

        Raises the adapters' six errors. Its crash points are named by the method: ``send:write_stock``.
        """
        refuse_in_transaction()
        self.session.pacer.begin(priority)
        operation = function.__name__
        self.session.tape.operation = operation
        span = tracing.span(f"call {operation}", platform=self.connection.platform)
        with span, crash.around(f"send:{operation}"), last_look(self.heart.assure):
            return function(*arguments, **named)

    def waited(self, step: str, seconds: float) -> None:
        """From now on for so long the step waits for the platform, or for the account's budget."""
        if seconds > 0:
            self.waits.append((step, at := now(), at + timedelta(seconds=seconds)))

    def begin_step(self, seconds: float = STEP_SECONDS, *, gives_way: bool = True) -> None:
        """``gives_way``: it stops sooner for orders that a platform has hinted at."""
        begun = time.monotonic()
        self._step_ends = begun + seconds
        self._gives_way_at = begun + min(GIVES_WAY_SECONDS, seconds) if gives_way else self._step_ends

    @property
    def out_of_time(self) -> bool:
        """The step's time is up, orders can be pulled, or the process is about to end."""
        at = time.monotonic()
        return _stopping.is_set() or at >= self._step_ends or (at >= self._gives_way_at and self._orders_wait())

    def _orders_wait(self) -> bool:
        with hot_cursor() as cursor:
            return queries.came_due(cursor, self.held.lane_id, "orders", self.started_at, now())

    def serves(self, role: str) -> bool:
        """Whether the account is used for orders, stock, prices or shipments; one without roles is used for all."""
        return not self.connection.roles or role in self.connection.roles

    def place(self, step: str) -> LaneStep:
        """Where a step has got to; an empty place if it never ran."""
        return self.places.get(step) or LaneStep(organisation_id=self.held.organisation_id, lane_id=self.held.lane_id, step=step)

    def number(self) -> int:
        """The id of this run, taken at its first event; its row is written when the run ends."""
        if not self.run_id:
            with connection.cursor() as cursor:
                self.run_id = queries.next_run_id(cursor)
        return self.run_id


_stopping = threading.Event()


def stop_soon() -> None:
    """The process is about to end: every step stops at its next chance."""
    _stopping.set()


Step = Callable[[Current], Done]


def now() -> datetime:
    return clock.now()
