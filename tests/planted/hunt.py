"""The hunt: each bug is planted in a process of its own, and seeds are played until one of them sees it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context

from stallkeeper.ops.simulation import batch
from tests.planted.plant import planted
from tests.planted.registry import BUGS

TASKS = 20
"""Hunts until a process is replaced by a fresh one."""
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


def hunt_one(name: str, first: int, last: int) -> Hunted:
    """Play seeds from ``first`` to ``last`` with the bug in place until one sees something."""
    with planted(BUGS[name]):
        for seed in range(first, last + 1):
            seen = _play(seed)
            if seen is not None:
                return Hunted(name, seed - first + 1, seed, seen[0], " ".join(seen[1].split())[:WORDS])
    return Hunted(name, last - first + 1)


def is_well(seed: int) -> bool:
    """Whether a seed has nothing to say without any bug: else it proves nothing."""
    return _play(seed) is None


def _play(seed: int) -> tuple[str, str] | None:
    """The breach that a seed sees: (invariant, text). A day that cannot be played to its end is one as well."""
    try:
        failure = batch.play_one(seed, shorten=0.0).failure
    except Exception as error:  # noqa: BLE001 - whatever the bug did to the day
        return "error", f"{type(error).__name__}: {error}"
    return None if failure is None else (failure.invariant, failure.text)


def hunt(names: Sequence[str], *, first: int = 1, most: int = 2_000, jobs: int = 1) -> Iterator[Hunted]:
    """Hunt bugs, ``jobs`` at a time, in processes of their own; results as they come. Needs ``batch.stage``.

    A seed that sees a bug is played once without any; one that fails all the same is skipped, and the hunt goes on behind it.
    """
    well: dict[int, bool] = {}
    last = first + most - 1
    with _pool(jobs) as hunters, _pool(1) as lookers:
        hunts = {hunters.submit(hunt_one, name, first, last): 0 for name in names}
        looks: dict[Future[bool], int] = {}
        doubtful: list[tuple[Hunted, int]] = []
        while hunts or looks:
            done, _ = wait([*hunts, *looks], return_when=FIRST_COMPLETED)
            well.update({looks.pop(future): future.result() for future in done if future in looks})
            doubtful += [(future.result(), hunts.pop(future)) for future in done if future in hunts]
            for one, skipped in [*doubtful]:
                seed = one.seed
                if seed is not None and seed not in well:
                    if seed not in looks.values():
                        looks[lookers.submit(is_well, seed)] = seed
                    continue
                doubtful.remove((one, skipped))
                if seed is None or well[seed]:
                    yield replace(one, seeds=(last if seed is None else seed) - first + 1, skipped=skipped)
                elif seed == last:
                    yield Hunted(one.name, most, skipped=skipped + 1)
                else:
                    hunts[hunters.submit(hunt_one, one.name, seed + 1, last)] = skipped + 1


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=batch.prepare, max_tasks_per_child=TASKS)


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
