"""The time of a simulated day: it moves when told, and a millisecond at each look, so that no two moments are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class WorldClock:
    """``whose`` names the process that is running ("" = the world): a worker's own clock may be wrong by ``skew``."""

    whose: Callable[[], str]
    at: datetime = MORNING
    skew: dict[str, timedelta] = field(default_factory=dict)

    def __call__(self) -> datetime:
        """The true time: what platforms and buyers go by."""
        self.at += timedelta(milliseconds=1)
        return self.at

    def of_process(self) -> datetime:
        """What the process that is running takes for the time."""
        return self() + self.skew.get(self.whose(), timedelta(0))

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
