"""An explorer of interleavings: two use cases on real connections, stopped before each statement, in every order that matters.

``explore`` runs a race under one schedule after the other. A schedule is: one of the two runs so many statements, then the other runs until
it is done or waits for a lock, then the first goes on (one preemption; races that need two ask for them). Every check-then-act and every
lost update between two transactions shows in one of these. Which one waits for whom is the server's own word (``pg_blocking_pids``).

Where the other had to wait for the one that was stopped, it waits just as well if that one is stopped later, until it commits: it would see
nothing else. So the steps between turns double while somebody waits (``explore(…, every=True)`` plays them all).

A lock is proved by a pair: with it no schedule breaks the race's promise; ``without`` it (the lock is taken out of the statements on their
way to the server) at least one does. Locks that are there for their order, or for not waiting, are spoilt another way (``How``). A deadlock
breaks every promise, also where the use case would run again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg.errors import DeadlockDetected

LONGEST = 60.0
"""Seconds for one statement; nothing here takes a hundredth of it, unless the machine does something else."""
LOOK = 0.004
"""Seconds between two looks whether somebody waits for a lock."""
ROW_LOCK = re.compile(r"\bFOR\s+(NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)(\s+OF\s+\"?\w+\"?)?(\s+SKIP\s+LOCKED|\s+NOWAIT)?")
SPOILT = {
    "unlock": [
        (ROW_LOCK, ""),
        (re.compile(r"LOCK TABLE [^;]*"), "SELECT 1"),
        (re.compile(r"pg_try_advisory_(?:xact_)?lock(\((?:[^()]|\([^()]*\))*\))"), r"(\1 IS NOT NULL)"),
        (re.compile(r"pg_advisory_(xact_)?lock(_shared)?\("), "concat("),
    ],
    "wait": [(re.compile(r"\s+SKIP\s+LOCKED"), "")],
    "disorder": [(re.compile(r"(ORDER\s+BY\s+\"?[\w.\"]+)(\s+ASC)?(\s+FOR\s)"), r"\1 DESC\3")],
}


class How(Enum):
    """How a lock is spoilt: not taken; waited for where it is skipped; taken by the second in the opposite order (no order: any order)."""

    UNLOCK = "unlock"
    WAIT = "wait"
    DISORDER = "disorder"


@dataclass(frozen=True)
class Race:
    """Two who act at once, each with a connection of its own. ``broken`` is asked afterwards: what is wrong, "" if nothing.

    ``unhindered``: neither may wait for the other. ``gate``: a statement by which a third one locks a row that both want, until both wait
    (the second is the first in the line): so two meet in the middle of one statement that locks several rows. ``runs_again``: whoever a
    deadlock ends runs again by itself, so that a deadlock alone is no breach.
    """

    first: Callable[[], object]
    second: Callable[[], object]
    broken: Callable[[], str]
    unhindered: bool = False
    gate: str = ""
    runs_again: bool = False


@dataclass(frozen=True)
class Found:
    """What exploring came to. ``broken``: what the first failing schedule broke, "" if none did."""

    schedules: int
    broken: str = ""
    schedule: tuple[int, ...] = ()


@dataclass
class Spoiler:
    """Spoils the locks of the statements that ``marker`` (a regular expression) finds; counts how often.

    ``whose``: only in the statements of this one of the two.
    """

    marker: str
    how: How = How.UNLOCK
    whose: int | None = None
    met: int = 0

    def __call__(self, number: int, statement: object) -> object:
        whose = 1 if self.how == How.DISORDER else self.whose
        if not self.marker or whose not in {None, number} or not isinstance(statement, str) or not re.search(self.marker, statement):
            return statement
        spoilt = statement
        for found, instead in SPOILT[self.how.value]:
            spoilt = found.sub(instead, spoilt)
        self.met += spoilt != statement
        return spoilt


@dataclass
class Actor:
    """One of the two: runs one statement each time it is told to."""

    number: int
    act: Callable[[], object]
    spoiler: Spoiler
    error: BaseException | None = None
    done: bool = False
    deadlocked: bool = False
    pid: int = 0
    statements: int = 0
    _go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _here: threading.Event = field(default_factory=threading.Event)

    def start(self, thread: ThreadPoolExecutor) -> None:
        thread.submit(self._run)
        self.wait()

    def _run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            self._stop()
            with connection.execute_wrapper(self._statement):
                self.act()
        except BaseException as error:  # noqa: BLE001 - the race says whether that is a breach
            self.error = error
        finally:
            self.done = True
            self._here.set()

    def _statement(self, execute: Callable[..., Any], sql: str, params: object, many: bool, context: dict[str, Any]) -> Any:
        self._stop()
        self.statements += 1
        try:
            return execute(self.spoiler(self.number, sql), params, many, context)
        except Exception as error:
            self.deadlocked = self.deadlocked or isinstance(error.__cause__, DeadlockDetected)
            raise

    def _stop(self) -> None:
        self._here.set()
        if not self._go.acquire(timeout=LONGEST):
            raise TimeoutError("nobody let this one go on")

    def step(self) -> None:
        """Let it run its next statement; ``arrived`` tells when that is over."""
        self._here.clear()
        self._go.release()

    def arrived(self, seconds: float) -> bool:
        return self._here.wait(seconds)

    def wait(self) -> None:
        if not self.arrived(LONGEST):
            raise TimeoutError("an actor did not come to its next statement")


@dataclass(frozen=True)
class House:
    """What one exploration keeps: a thread with a connection for each of the two, and somebody who sees which of them waits for a lock."""

    threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor]
    watcher: psycopg.Connection[Any]


@contextmanager
def opened(race_db: Any) -> Iterator[House]:
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second, race_db.connect(autocommit=True) as watcher:
        try:
            yield House((first, second), watcher)
        finally:
            for thread in (first, second):
                thread.submit(connections.close_all)


class Stage:
    """Two actors who have begun and wait to be told to go on."""

    def __init__(self, race: Race, spoiler: Spoiler, house: House) -> None:
        self.actors = [Actor(0, race.first, spoiler), Actor(1, race.second, spoiler)]
        self.watcher = house.watcher
        self.waiting: set[int] = set()
        self.waited: set[int] = set()
        for actor, thread in zip(self.actors, house.threads, strict=True):
            actor.start(thread)

    def run(self, number: int) -> bool:
        """One statement of this actor; False if it cannot run: it is done, or waits for the other."""
        actor = self.actors[number]
        if actor.done and number not in self.waiting:
            return False
        if number not in self.waiting:
            actor.step()
        while not actor.arrived(LOOK):
            if self._is_blocked(actor):
                self.waiting.add(number)
                self.waited.add(number)
                return False
        self.waiting.discard(number)
        return True

    def _is_blocked(self, actor: Actor) -> bool:
        return bool(self.watcher.execute("SELECT cardinality(pg_blocking_pids(%s))", [actor.pid]).fetchone()[0])  # type: ignore[index]

    def finish(self, order: tuple[int, int]) -> None:
        """Both to their ends, the first named as far as it can go before the other."""
        while not all(actor.done for actor in self.actors):
            if not self.run(order[0]) and not self.run(order[1]) and len(self.waiting) == 2:
                self._wait_for_the_server()

    def _wait_for_the_server(self) -> None:
        """Both wait for each other: the server ends that within a second."""
        for _ in range(int(LONGEST / LOOK)):
            for number, actor in enumerate(self.actors):
                if actor.arrived(LOOK):
                    self.waiting.discard(number)
                    return
        raise TimeoutError("a deadlock that the server does not see")


@dataclass(frozen=True)
class Played:
    """How a schedule went. ``to_its_end``: the race was long enough for its last turn; ``waited``: one had to wait in it or afterwards."""

    to_its_end: bool
    waited: bool
    broken: str


def perform(race: Race, schedule: tuple[int, ...], spoiler: Spoiler, house: House) -> Played:
    """Run a race under ``schedule`` = (who begins, statements until the other's turn, statements until back, …)."""
    stage = Stage(race, spoiler, house)
    turn, played = schedule[0], True
    for length in schedule[1:]:
        played = all(stage.run(turn) for _ in range(length)) and not stage.actors[turn].done
        turn = 1 - turn
    stage.finish((turn, 1 - turn))
    return Played(played, turn in stage.waited, _went_wrong(race, stage) or race.broken())


def _went_wrong(race: Race, stage: Stage) -> str:
    wrong = [f"{type(actor.error).__name__}: {actor.error}" for actor in stage.actors if actor.error]
    wrong += ["a deadlock" for actor in stage.actors if actor.deadlocked and not actor.error and not race.runs_again]
    wrong += ["one had to wait for the other"] if race.unhindered and stage.waited else []
    return "; ".join(wrong)


def meet(race: Race, spoiler: Spoiler, house: House, gate: psycopg.Connection[Any]) -> str:
    """Both wait at the race's gate, the second first; then it opens. Returns what broke."""
    stage = Stage(race, spoiler, house)
    gate.execute(race.gate)  # type: ignore[arg-type]
    for number in (1, 0):
        while stage.run(number):
            pass
    assert stage.waiting == {0, 1}, "both should have come to the gate"
    gate.commit()
    stage.finish((1, 0))
    return _went_wrong(race, stage) or race.broken()


def explore_gate(prepare: Callable[[], Race], race_db: Any, *, without: str = "", how: How = How.UNLOCK) -> Found:
    """Play a race with a gate once. AssertionError if the lock ``without`` is never met."""
    spoiler = Spoiler(without, how)
    with opened(race_db) as house, race_db.connect() as gate:
        broken = meet(prepare(), spoiler, house, gate)
    assert not without or spoiler.met, f"no statement with a lock fits {without!r}"
    return Found(1, broken)


def families(preemptions: int) -> Iterator[tuple[int, ...]]:
    """The beginnings of schedules; each is played with a last turn that grows until the race is too short for it."""
    for begins in (0, 1):
        if preemptions == 1:
            yield (begins,)
        else:
            yield from ((begins, first) for first in range(1, 40))


def explore(
    prepare: Callable[[], Race],
    race_db: Any,
    *,
    without: str = "",
    preemptions: int = 1,
    how: How = How.UNLOCK,
    whose: int | None = None,
    every: bool = False,
) -> Found:
    """Play the schedules, each on a race prepared anew, until one breaks it. AssertionError if the lock ``without`` is never met."""
    spoiler, count = Spoiler(without, how, whose), 0
    with opened(race_db) as house:
        for family in families(preemptions):
            last, step, to_its_end = len(family) - 1, 1, True
            while to_its_end:
                race = prepare()
                if race.first is race.second and family[0] and whose is None and how != How.DISORDER:
                    break  # who begins makes no difference
                count += 1
                played = perform(race, (*family, last), spoiler, house)
                if played.broken:
                    return Found(count, played.broken, (*family, last))
                step = step * 2 if played.waited and not every else 1
                last, to_its_end = last + step, played.to_its_end
    assert not without or spoiler.met, f"no statement with a lock fits {without!r}"
    return Found(count)
