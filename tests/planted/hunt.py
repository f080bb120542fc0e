"""The hunt: each bug is planted by itself, and seeds are played until one of them sees it."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context

from stallkeeper.ops.simulation import batch
from tests.planted.plant import planted
from tests.planted.reach import probed
from tests.planted.registry import BUGS

WORDS = 300
"""So much of a breach's text is kept."""


@dataclass(frozen=True, slots=True)
class Hunted:
    """What came of the hunt for one bug. ``seed``: the one that saw it, None if none did. ``seeds``: its number, or how many were played.

    ``invariant`` and ``text`` are the breach that was seen. ``skipped``: seeds that fail without the bug as well, which prove nothing.
    ``reached``: seeds that came to the place of the bug.
    """

    name: str
    seeds: int
    seed: int | None = None
    invariant: str = ""
    text: str = ""
    skipped: int = 0
    reached: int = 0

    @property
    def found(self) -> bool:
        return self.seed is not None

    @property
    def as_expected(self) -> bool:
        return self.invariant in BUGS[self.name].expected


@dataclass(frozen=True, slots=True)
class Look:
    """A seed without any bug: whether it is well (else it proves nothing), and the bugs to whose places it comes."""

    well: bool
    reached: frozenset[str]


def look(seed: int) -> Look:
    """Play a seed without any bug."""
    with probed() as reached:
        well = _play(seed) is None
        return Look(well, frozenset(reached))


def hunt_one(name: str, seed: int) -> tuple[str, str] | None:
    """Play a seed with the bug in place: what it sees, or None."""
    with planted(BUGS[name]):
        return _play(seed)


def _play(seed: int) -> tuple[str, str] | None:
    """The breach that a seed sees: (invariant, text). A day that cannot be played to its end is one as well."""
    try:
        failure = batch.play_one(seed, shorten=0.0).failure
    except Exception as error:  # noqa: BLE001 - whatever the bug did to the day
        return "error", f"{type(error).__name__}: {error}"
    return None if failure is None else (failure.invariant, failure.text)


@dataclass
class Hunt:
    """Where the hunt for one bug is: the next seed, how many fail without it, how many came to its place."""

    name: str
    seed: int
    skipped: int = 0
    reached: int = 0

    def passes_by(self, look: Look) -> bool:
        """Whether the next seed is no use: it fails anyway, or never comes to the place. Then it goes on behind it."""
        self.skipped += not look.well
        use = look.well and self.name in look.reached
        self.reached += use
        self.seed += not use
        return not use

    def back(self) -> Hunt:
        """Its next seed was not played after all."""
        self.reached -= 1
        return self


def hunt(names: Sequence[str], *, first: int = 1, most: int = 2_000, jobs: int = 1, minutes: float = math.inf) -> Iterator[Hunted]:
    """Hunt bugs, ``jobs`` at a time, in processes of their own; results as they come. Needs ``batch.stage``.

    Each seed is played once without any bug, and then with each bug that is still hunted and to whose place it comes. After ``minutes``
    no further seed is begun: what was not found until then was not found in the seeds that it has been through.
    """
    end = time.monotonic() + minutes * 60
    last = first + most - 1
    looks: dict[int, Look] = {}
    hunts = [Hunt(name, first) for name in names]
    with _pool(jobs) as pool:
        looking: dict[Future[Look], int] = {}
        playing: dict[Future[tuple[str, str] | None], Hunt] = {}
        while hunts or playing:
            over = time.monotonic() > end
            for one in [*hunts]:
                while not over and one.seed in looks and one.seed <= last and one.passes_by(looks[one.seed]):
                    pass
                if over or one.seed > last:
                    hunts.remove(one)
                    yield Hunted(one.name, one.seed - first, skipped=one.skipped, reached=one.reached)
                elif one.seed in looks:
                    hunts.remove(one)
                    playing[pool.submit(hunt_one, one.name, one.seed)] = one
                elif one.seed not in looking.values():
                    looking[pool.submit(look, one.seed)] = one.seed
            if over:
                hunts += [playing.pop(future).back() for future in [*playing] if future.cancel()]
                looking = {future: seed for future, seed in looking.items() if not future.cancel()}
            if not looking and not playing:
                continue
            done, _ = wait([*looking, *playing], return_when=FIRST_COMPLETED)
            looks.update({looking.pop(future): future.result() for future in done if future in looking})
            for future, one in [(future, playing.pop(future)) for future in done if future in playing]:
                seen = future.result()
                if seen is None:
                    one.seed += 1
                    hunts.append(one)
                else:
                    text = " ".join(seen[1].split())[:WORDS]
                    yield Hunted(one.name, one.seed, one.seed, seen[0], text, one.skipped, one.reached)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # The same processes to the end: Python 3.11's pool stands still when several of them are to be replaced (max_tasks_per_child).
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=batch.prepare)


@dataclass(frozen=True, slots=True)
class Summary:
    """All hunts together."""

    hunted: Sequence[Hunted]

    @property
    def missed(self) -> list[Hunted]:
        return [one for one in self.hunted if not one.found]

    @property
    def needed(self) -> list[int]:
        """Seeds that each found bug needed, fewest first."""
        return sorted(one.seeds for one in self.hunted if one.found)

    def line(self) -> str:
        """Found of all, the median and the most."""
        if not self.needed:
            return f"0 of {len(self.hunted)} found"
        median = statistics.median(self.needed)
        return f"{len(self.needed)} of {len(self.hunted)} found; seeds needed: median {median:g}, most {self.needed[-1]}"

    def as_json(self) -> dict[str, object]:
        return {
            "bugs": [asdict(one) for one in sorted(self.hunted, key=lambda one: one.name)],
            "found": len(self.needed),
            "of": len(self.hunted),
            "median": statistics.median(self.needed) if self.needed else None,
            "most": max(self.needed, default=None),
        }
