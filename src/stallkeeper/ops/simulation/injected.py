"""Everything that the product takes from outside, replaced for a simulated day: time, sleep, the network, hearts, sessions, random ids.

Each line of ``injected`` names one source. The code that uses it is the real one.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

from django.db import DatabaseError, IntegrityError, connection

from stallkeeper.channels import belief_queries, guard, lanes
from stallkeeper.channels.lanes import HEARTBEAT, Claim
from stallkeeper.core import clock, crash
from stallkeeper.ops.simulation import crowd, files, one_c
from stallkeeper.ops.simulation.truth.events import Told
from stallkeeper.ops.simulation.violation import Violation
from stallkeeper.ops.simulation.world import FEW
from stallkeeper.stock import ledger
from stallkeeper.sync import adapters, budgets, life, orders, run, runner, sources, tasks
from stallkeeper.sync.adapters import Session
from stallkeeper.sync.exchange import imports, service, uploads

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World


UNEXPLAINED_FOR = timedelta(minutes=3)
"""For so long a fall counts as a sale, so that such times end while the day lasts, or in the calm."""


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """The attribute has this value inside the block."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def injected(world: World) -> Iterator[None]:
    """Inside the block the product lives in this world."""
    ids = Random(f"ids:{world.seed}")  # noqa: S311 - a toy's ids
    with ExitStack() as stack:
        stack.enter_context(clock.using(world.clock.of_process))
        stack.enter_context(crash.using(world.at_point))
        for owner, name, value in (
            (adapters, "client", world.client),
            (adapters, "manifest_of", world.manifest),
            (adapters, "_sessions", Sessions()),
            (adapters, "PgPacer", partial(budgets.PgPacer, sleep=world.sleep)),
            (run, "time", SimpleNamespace(monotonic=world.seconds)),
            (runner, "time", SimpleNamespace(monotonic=world.seconds)),
            (runner, "Heart", partial(Heart, world)),
            (life, "name", world.name_of_process),
            (sources, "Door", partial(files.door, world)),
            (uploads, "LIMITS", one_c.LIMITS),
            (imports, "time", SimpleNamespace(sleep=world.sleep)),
            (tasks, "run_lane", world.run_lane),
            (orders, "accept", world.accept),
            (belief_queries, "UNEXPLAINED_FOR", UNEXPLAINED_FOR),
            (guard, "UNEXPLAINED_FOR", UNEXPLAINED_FOR),
            (belief_queries, "HEAD", FEW if world.seed % 2 else belief_queries.HEAD),
            (ledger, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128), version=4)),
        ):
            stack.enter_context(replaced(owner, name, value))
        stack.enter_context(listening(world))
        yield


@contextmanager
def listening(world: World) -> Iterator[None]:
    """What is logged goes to the judge, who looks for secrets in it, and nowhere else."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers
    root.handlers = [Ear(world, handlers)]
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)


class Ear(logging.Handler):
    """Tells the judge every line, as the product's own handler would write it."""

    def __init__(self, world: World, handlers: Sequence[logging.Handler]) -> None:
        super().__init__()
        self.world = world
        for handler in handlers[:1]:
            self.setFormatter(handler.formatter)
            self.filters = list(handler.filters)

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.world.told(Told("log", text))
        error = record.exc_info[1] if record.exc_info else None
        ours = record.name in {sources.__name__, service.__name__} and not isinstance(error, DatabaseError)
        if isinstance(error, IntegrityError) or (error is not None and ours):
            self.world.mistakes.append(Violation("error", text))


def crowd_process() -> str:
    """The process that is running: the worker's name on a lane."""
    walker = crowd.current()
    return walker.process if walker is not None else "director"


class Sessions(MutableMapping[tuple[int, str], Session]):
    """Kept sessions, apart for every process; a process that dies loses its own."""

    def __init__(self) -> None:
        self.by_process: dict[str, dict[tuple[int, str], Session]] = {}

    def _mine(self) -> dict[tuple[int, str], Session]:
        return self.by_process.setdefault(crowd_process(), {})

    def __getitem__(self, key: tuple[int, str]) -> Session:
        return self._mine()[key]

    def __setitem__(self, key: tuple[int, str], value: Session) -> None:
        self._mine()[key] = value

    def __delitem__(self, key: tuple[int, str]) -> None:
        del self._mine()[key]

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return iter(self._mine())

    def __len__(self) -> int:
        return len(self._mine())


class HasHearts(Protocol):
    """Who keeps the hearts of those that are at work, by process."""

    hearts: dict[str, Heart]


class Heart(lanes.Heart):
    """A heart that beats while its worker waits for a call to be allowed, and not while the worker is frozen."""

    def __init__(self, world: HasHearts, held: Claim, interval: timedelta = HEARTBEAT) -> None:
        super().__init__(held, interval)
        self.world = world

    def __enter__(self) -> Heart:
        self.world.hearts[crowd_process()] = self
        return self

    def __exit__(self, *_: object) -> None:
        self.world.hearts.pop(crowd_process(), None)

    def perhaps_beat(self) -> None:
        """In production a thread does it; here whoever waits does it for itself, outside of transactions."""
        if clock.now() - self.beaten_at >= self.interval and not connection.in_atomic_block:
            self._beat_once()
