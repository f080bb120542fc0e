"""The hunt: each bug is planted in a process of its own, and seeds are played until one of them sees it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context

from stallkeeper.ops.simulation import batch
from tests.planted.plant import planted
from tests.planted.registry import BUGS

WORDS = 300
"""So much of a breach's text is kept."""


@dataclass(frozen=True, slots=True)
class Hunted:
    """What came of the hunt for one bug. ``seeds``: how many were played; ``seed``: the one that saw it, None if none did.

    ``invariant`` and ``text`` are the breach that was seen. ``skipped``: seeds that fail without the bug as well, which prove nothing.
    """

    name: str
    seeds: int
    seed: int | None = None
    invariant: str = ""
    text: str = ""
    skipped: int = 0

    @property
    def found(self) -> bool:
        return self.seed is not None

    @property
    def as_expected(self) -> bool:
        return self.invariant in BUGS[self.name].expected


def hunt_one(name: str, first: int, most: int) -> Hunted:
    """Play seeds from ``first`` on with the bug in place; a seed counts only if it is well without the bug."""
    skipped = 0
    for seed in range(first, first + most):
        with planted(BUGS[name]):
            seen = _play(seed)
        if seen is None:
            continue
        if _play(seed) is not None:
            skipped += 1
            continue
        return Hunted(name, seed - first + 1, seed, seen[0], " ".join(seen[1].split())[:WORDS], skipped)
    return Hunted(name, most, skipped=skipped)


def _play(seed: int) -> tuple[str, str] | None:
    """The breach that a seed sees: (invariant, text). A day that cannot be played to its end is one as well."""
    try:
        failure = batch.play_one(seed, shorten=0.0).failure
    except Exception as error:  # noqa: BLE001 - whatever the bug did to the day
        return "error", f"{type(error).__name__}: {error}"
    return None if failure is None else (failure.invariant, failure.text)


def hunt(names: Sequence[str], *, first: int = 1, most: int = 2_000, jobs: int = 1) -> Iterator[Hunted]:
    """Hunt bugs, ``jobs`` at a time, each in a process of its own; results as they come. Needs ``batch.stage``."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=batch.prepare, max_tasks_per_child=1)
    with pool:
        for future in as_completed([pool.submit(hunt_one, name, first, most) for name in names]):
            yield future.result()


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
