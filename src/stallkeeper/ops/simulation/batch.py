"""Many seeds over several processes, and the summary of what they came to."""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stallkeeper.ops.demo import database as places

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.database import Server

TWICE = 100
"""Of every so many seeds one is played twice: both must leave the same trace."""
MEMORY, ROOM = Path("/dev/shm"), 3 << 30  # noqa: S108 - the folders below it are checked to be ours
ENVIRONMENT = {"STALLKEEPER_TEST_PLATFORMS": "1", "STALLKEEPER_LOG_LEVEL": "CRITICAL", "DJANGO_SETTINGS_MODULE": "stallkeeper.settings"}


@dataclass(frozen=True, slots=True)
class Failure:
    """A broken invariant, with the shortened list of steps and the end of their trace."""

    seed: int
    invariant: str
    text: str
    steps: tuple[str, ...]
    of: int
    trace: tuple[str, ...]


@dataclass(slots=True)
class Result:
    """What one seed came to."""

    seed: int
    steps: int
    seconds: float
    hash: str
    points: Counter[str]
    faults: Counter[str]
    situations: Counter[str]
    failure: Failure | None = None


@dataclass
class Summary:
    """What all seeds came to."""

    results: list[Result] = field(default_factory=list)

    @property
    def failures(self) -> list[Failure]:
        return [result.failure for result in sorted(self.results, key=lambda one: one.seed) if result.failure]

    def total(self, name: str) -> Counter[str]:
        """``points``, ``faults`` or ``situations`` of all seeds together."""
        found: Counter[str] = Counter()
        for result in self.results:
            found.update(getattr(result, name))
        return found

    @property
    def missed(self) -> list[str]:
        """Situations that must be reached and were not."""
        from stallkeeper.ops.simulation.situations import MUST

        reached = self.total("situations")
        return [situation for situation in MUST if not reached[situation]]

    @property
    def unreached(self) -> list[str]:
        """Points of the engine that nobody came past."""
        from stallkeeper.ops.simulation.points import unreached

        return unreached(self.total("points"))

    def as_json(self) -> dict[str, object]:
        return {
            "seeds": len(self.results),
            "violations": [
                {"seed": one.seed, "invariant": one.invariant, "text": one.text, "steps": list(one.steps)} for one in self.failures
            ],
            "missed": self.missed,
            "unreached": self.unreached,
            "seconds_per_seed": round(sum(one.seconds for one in self.results) / max(len(self.results), 1), 3),
            **{name: dict(sorted(self.total(name).items())) for name in ("points", "faults", "situations")},
        }


@contextmanager
def stage() -> Iterator[None]:
    """A throw-away database with the schema, named by the environment, so that this process and its children can play."""
    from stallkeeper.ops import boot

    os.environ.update(ENVIRONMENT)
    if _in_memory():
        os.environ["STALLKEEPER_HOME"] = str(MEMORY / f"stallkeeper-{os.geteuid()}")
    with places.opened(None) as (url, folder):
        os.environ.update({"DATABASE_URL": url, "STALLKEEPER_HOME": str(folder)})
        boot.start(migrate=True)
        _make_keyring()
        _leave_template()
        yield


def _in_memory() -> bool:
    """Whether there is room for a throw-away server in memory: each seed makes and deletes a thousand files, which disks are slow at."""
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM


def _make_keyring() -> None:
    """One for all days: each has a database of its own, whose lock does not keep the others from making one as well."""
    from stallkeeper.core import clock, keyring

    if not keyring.path().exists():
        keyring.make(clock.now())


def _leave_template() -> None:
    from django.db import connections

    connections.close_all()


def prepare() -> None:
    """In each process that plays: Django, and nobody on the template."""
    import django
    from django.apps import apps

    end_with_parent()
    if not apps.ready:
        django.setup()


def end_with_parent() -> None:
    """Whoever kills the process that started this one means this one as well. Nothing happens in a process that nobody started so."""
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="waits for the parent's end", daemon=True).start()


def play_one(seed: int, *, twice: bool = False, shorten: float = 60.0) -> Result:
    """Play a seed; a failing one is shortened. ``twice``: play it again and compare the traces."""
    from stallkeeper.ops.simulation.day import play
    from stallkeeper.ops.simulation.shrink import shrink

    here = server()
    played = play(seed, here)
    result = Result(seed, len(played.steps), played.seconds, played.hash, played.points, played.faults, played.situations)
    if played.violation is not None:
        short = shrink(played, here, shorten) if shorten else played
        violation = short.violation or played.violation
        steps = tuple(str(step) for step in short.steps)
        result.failure = Failure(seed, violation.invariant, violation.text, steps, len(played.steps), tuple(short.trace[-200:]))
    elif twice:
        again = play(seed, here)
        if again.hash != played.hash:
            result.failure = Failure(seed, "replay", _difference(played.trace, again.trace), (), len(played.steps), ())
    return result


def trace_of(seed: int) -> list[str]:
    """Every line of a seed's trace."""
    from stallkeeper.ops.simulation.day import play

    return play(seed, server()).trace


def server() -> Server:
    """The server of the stage."""
    from stallkeeper.ops.simulation.database import Server

    url = os.environ["DATABASE_URL"]
    return Server(url, urlsplit(url).path.removeprefix("/"))


def _difference(first: Sequence[str], second: Sequence[str]) -> str:
    """Where two traces part."""
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return f"line {number}: '{one}' the first time, '{other}' the second; before: {list(first[max(number - 5, 0) : number])}"
    return f"{len(first)} lines the first time, {len(second)} the second"


def play_all(seeds: Sequence[int], jobs: int, *, shorten: float = 60.0, stop: bool = False) -> Iterator[Result]:
    """Play seeds over so many processes; results in the order in which they end. ``stop``: no further ones after the first failure."""
    again = set(seeds[::TWICE])
    if jobs == 1:
        for seed in seeds:
            result = play_one(seed, twice=seed in again, shorten=shorten)
            yield result
            if stop and result.failure:
                return
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=prepare) as pool:
        futures: list[Future[Result]] = [pool.submit(play_one, seed, twice=seed in again, shorten=shorten) for seed in seeds]
        for future in as_completed(futures):
            result = future.result()
            yield result
            if stop and result.failure:
                pool.shutdown(cancel_futures=True)
                return
