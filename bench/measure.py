"""What is measured, and how: contenders take turns, and the middle of N turns counts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """What a ratio or figure must reach and should reach. ``least``: larger is better; else smaller is."""

    must: float
    aim: float
    least: bool = True

    def verdict(self, value: float) -> str:
        """``pass`` (reaches the aim), ``must`` (reaches only what it must) or ``short``."""
        sign = 1 if self.least else -1
        if sign * value >= sign * self.aim:
            return "pass"
        return "must" if sign * value >= sign * self.must else "short"

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.must:g} / {self.aim:g}"


@dataclass(frozen=True)
class Result:
    """One line of the table. ``value`` is what the goal judges; ``product`` and ``baseline`` say in words what stood against what."""

    case: str
    what: str
    value: float
    unit: str
    product: str = ""
    baseline: str = ""
    goal: Goal | None = None
    note: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return self.goal.verdict(self.value) if self.goal else ""


def alternate(turns: int, contenders: Mapping[str, Callable[[int], float]]) -> dict[str, float]:
    """Each contender's middle figure over ``turns`` turns, after one that does not count. A contender is called with the turn's number."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(turns + 1):
        for name, contender in contenders.items():
            figure = contender(turn)
            if turn:
                figures[name].append(figure)
    return {name: statistics.median(values) for name, values in figures.items()}
