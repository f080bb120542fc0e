"""Threads of which one runs at a time: whoever has the baton. So a day with three workers and two people replays exactly.

A *walker* is a thread with a connection of its own. It gives the baton back where it is told to (a named point, a statement of SQL), when
it has finished, or when PostgreSQL makes it wait for a lock that another walker holds: then the director, who asks the server who waits for
whom, lets the others go on first. A walker may be killed (nothing it still wants to do reaches the database) or left standing for a while.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from stallkeeper.ops.simulation import queries

FIRST_LOOK = 0.012
"""Seconds until the director asks whether a walker waits for a lock."""
NEXT_LOOK = 0.003
STUCK = 60.0
LEAVING = 10.0
"""Seconds that a walker has to go home."""
RESTING = frozenset({"idle", "done", "killed"})
"""Where a walker stands that has nothing to do."""


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing may catch it."""


class Stuck(RuntimeError):
    """A walker did not come back: the simulation itself is broken, or the code sleeps for real."""


class Trouble(Protocol):
    """What may befall the statements of a walker."""

    def before(self, walker: Walker, *, commit: bool) -> None:
        """Called before each exchange with the server; may raise, pause, kill, or drop the connection."""

    def after(self, walker: Walker, *, commit: bool) -> None:
        """Called after it."""


_here = threading.local()


def current() -> Walker | None:
    """The walker whose thread this is; None in the director's."""
    walker: Walker | None = getattr(_here, "walker", None)
    return walker


class Walker(threading.Thread):
    """One thread. ``at`` says where it gave the baton back: "done", "killed", or what it told ``pause``."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        super().__init__(name=f"walker-{number}", daemon=True)
        self.crowd, self.number = crowd, number
        self.process = ""
        """The process that it plays ("w1", "web")."""
        self._before = ""
        self.at = "idle"
        self.error: BaseException | None = None
        self.dead = self.blocked = False
        self.raw: psycopg.Connection[Any] | None = None
        self._task: Callable[[], object] | None = None
        self._go: SimpleQueue[None] = SimpleQueue()
        self._back: SimpleQueue[None] = SimpleQueue()
        self._state = threading.Lock()
        self._in_sql = self._ending = False

    # --- in the walker's own thread -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        _here.walker = self
        while True:
            self._go.get()
            if self._ending:
                break
            self._perform()
            self._back.put(None)
        connections.close_all()

    def _perform(self) -> None:
        task, self._task, self.error = self._task, None, None
        self._take_connection()
        try:
            contextvars.copy_context().run(task)  # type: ignore[arg-type]
            self.at = "done"
        except Killed:
            self._lose_connection()
            self.at = "killed"
        except BaseException as error:  # noqa: BLE001 - the director judges it
            self.error, self.at = error, "done"

    def _take_connection(self) -> None:
        """A web process looks at its connection before each request, as Django does; a worker's thread keeps what its last job left."""
        if not self.process.startswith("w") or self.process.startswith("web") or self.process != self._before:
            self.renew_connection()
        self._before = self.process

    def renew_connection(self) -> None:
        """Take a new connection if this one is lost."""
        if self.raw is None or self.raw.closed or self.raw.info.transaction_status == psycopg.pq.TransactionStatus.UNKNOWN:
            connections[DEFAULT_DB_ALIAS].close()

    def pause(self, where: str) -> None:
        """Give the baton back; returns when it is this walker's turn again. Killed, if it was killed meanwhile."""
        self.at = where
        self._back.put(None)
        self._go.get()
        if self.dead:
            raise Killed

    def die(self) -> None:
        """From here on nothing of this walker reaches the database."""
        self.dead = True
        raise Killed

    @property
    def in_transaction(self) -> bool:
        raw = self.raw
        return raw is not None and not raw.closed and raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def _lose_connection(self) -> None:
        """The server takes back what was not committed, and is waited for: whoever comes next must not find its locks."""
        raw, self.raw = self.raw, None
        if raw is not None and not raw.closed:
            pid = raw.info.backend_pid
            raw.close()
            self.crowd.wait_for_end(pid)
        with suppress(AttributeError):
            del connections[DEFAULT_DB_ALIAS]

    def exchange(self, real: Callable[..., Any], generator: Generator[Any, Any, Any], named: Mapping[str, Any]) -> object:
        """One exchange with the server, with whatever may befall it."""
        if self.dead:
            generator.close()
            raise Killed
        name = getattr(generator, "__name__", "")
        commit = name == "_commit_gen"
        trouble = None if name.startswith("_set_") else self.crowd.trouble  # changing a setting of the driver asks nobody
        if trouble is not None:
            trouble.before(self, commit=commit)
        self._in_sql = True
        try:
            answer = real(generator, **named)
        finally:
            with self._state:
                self._in_sql = False
                was_blocked = self.blocked
            if was_blocked:
                self.pause("unblocked")
        if trouble is not None:
            trouble.after(self, commit=commit)
        return answer

    # --- in the director's thread -------------------------------------------------------------------------------------------------------

    def begin(self, task: Callable[[], object], process: str) -> None:
        self._task, self.process, self.dead, self.at = task, process, False, "ready"

    def step(self) -> None:
        """Let it go on until it gives the baton back or waits for a lock."""
        self._go.put(None)
        self.settle()

    def settle(self) -> None:
        """Wait until it has come back or is known to wait for another walker's lock."""
        deadline = time.monotonic() + STUCK
        # Whether anybody else has a transaction open cannot change while this walker has the baton.
        alone = self.crowd.is_alone(self)
        patience = STUCK if alone else FIRST_LOOK
        while not self._has_come_back(patience):
            patience = NEXT_LOOK
            if self._in_sql and self.raw is not None and self.crowd.is_held_up(self):
                with self._state:
                    if self._in_sql:
                        self.blocked = True
                        self.at = "blocked"
                        return
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name} ({self.process}) does not come back from {self.at}")
        self.blocked = False

    @property
    def has_come_back(self) -> bool:
        """Whether it stands where it gave the baton back, and the director has not noticed yet."""
        return not self._back.empty()

    def _has_come_back(self, patience: float) -> bool:
        try:
            self._back.get(timeout=patience)
        except Empty:
            return False
        return True

    def goes_on(self) -> None:
        self._go.put(None)

    def comes_back(self) -> None:
        """Wait for the baton without looking who holds it up; not for ever: the day is over anyway."""
        self._has_come_back(LEAVING)
        self.blocked = False

    def end(self) -> None:
        self._ending = True
        self._go.put(None)


@dataclass
class Crowd:
    """The walkers and their director. ``watcher``: the director's own connection, on which it asks who waits for whom."""

    watcher: psycopg.Connection[Any]
    trouble: Trouble | None = None
    walkers: list[Walker] = field(default_factory=list)
    waits: int = 0
    """How often a walker had to wait for another's lock."""

    def start(self, task: Callable[[], object], process: str) -> Walker:
        """An idle walker gets this to do; it has not begun yet."""
        walker = next((one for one in self.walkers if one.at in RESTING), None) or self._another()
        walker.begin(task, process)
        return walker

    def _another(self) -> Walker:
        walker = Walker(self, len(self.walkers) + 1)
        self.walkers.append(walker)
        walker.start()
        return walker

    def settle(self) -> None:
        """Find out which of those that waited for a lock have it now."""
        for walker in self.walkers:
            if walker.blocked:
                walker.settle()

    def is_alone(self, walker: Walker) -> bool:
        """Whether nobody but this walker has a transaction open, so that there is no lock that it could wait for."""
        return not any(one.in_transaction for one in self.walkers if one is not walker)

    def is_held_up(self, walker: Walker) -> bool:
        """Whether it waits for a walker that has given the baton back. Those who wait for each other are left to the server.

        Whoever the server has just refused holds nothing in a moment: until it has come back, nobody waits for it.
        """
        pids = {one.raw.info.backend_pid: one for one in self.walkers if one.raw is not None and not one.raw.closed}
        waiting, seen = [walker], {walker.number}
        found = False
        while waiting:
            for pid in self._blockers(waiting.pop()):
                holder = pids.get(pid)
                if holder is None:
                    continue
                if holder is walker or self._is_on_its_way(holder):
                    return False
                found = True
                if holder.blocked and holder.number not in seen:
                    seen.add(holder.number)
                    waiting.append(holder)
        self.waits += found
        return found

    def _is_on_its_way(self, walker: Walker) -> bool:
        """Whether it waited for a lock, waits no longer, and has not come back yet."""
        return walker.blocked and not walker.has_come_back and not self._blockers(walker)

    def _blockers(self, walker: Walker) -> list[int]:
        if walker.raw is None or walker.raw.closed:
            return []
        return queries.blockers(self.watcher, walker.raw.info.backend_pid)

    def wait_for_end(self, pid: int) -> None:
        deadline = time.monotonic() + STUCK
        while queries.is_connected(self.watcher, pid):
            if time.monotonic() > deadline:
                raise Stuck(f"the server keeps connection {pid}")
            time.sleep(0.0005)

    def end(self) -> None:
        """Everybody goes home; whoever still stands somewhere is killed: first those who may hold locks, then those who wait for one."""
        for walker in sorted(self.walkers, key=lambda one: one.blocked):
            if walker.at not in RESTING:
                walker.dead = True
                if walker.blocked:
                    walker.comes_back()
                walker.goes_on()
                walker.comes_back()
            walker.end()
        for walker in self.walkers:
            walker.join(LEAVING)


@contextmanager
def gathered(watcher: psycopg.Connection[Any]) -> Iterator[Crowd]:
    """A crowd; inside the block every connection that a walker opens goes through ``Walker.exchange``."""
    crowd = Crowd(watcher)

    def hook(connection: BaseDatabaseWrapper, **_: object) -> None:
        walker = current()
        if walker is None or walker.crowd is not crowd:
            return
        raw = walker.raw = connection.connection
        real = raw.wait

        raw.wait = lambda generator, **named: walker.exchange(real, generator, named)

    connection_created.connect(hook, weak=False)
    try:
        yield crowd
    finally:
        crowd.end()
        connection_created.disconnect(hook)
