"""Lanes that are due before the next tick: their runs tell when, and the ticker of this process looks then (ADR 0021).

Nothing rests on it: whatever is told to nobody, or lost with the process, the next tick finds.
"""

from __future__ import annotations

import heapq
import threading
import time

GAP_SECONDS = 0.2
"""Between two looks, however many lanes are due: a look costs a statement."""
LATE_SECONDS = 0.005
"""A look comes so much after the moment: clocks that differ by a hair must not make it find nothing."""
FAR_SECONDS = 60.0
"""Nobody minds if what is due later than that begins with a tick."""


class Soon:
    """When lanes are due, by the newest word of each. One thread waits, any may tell."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._listening = False
        self._newest: dict[int, float] = {}
        self._moments: list[tuple[float, int]] = []

    def listen(self, *, on: bool) -> None:
        """Whether somebody waits; if not, all that was told is forgotten, and ``wait`` ends."""
        with self._changed:
            self._listening = on
            self._newest.clear()
            self._moments.clear()
            self._changed.notify()

    def tell(self, lane: int, seconds: float) -> None:
        """The lane is due in so many seconds, whatever was told of it before."""
        with self._changed:
            if not self._listening:
                return
            self._newest.pop(lane, None)
            if seconds <= FAR_SECONDS:
                self._newest[lane] = moment = time.monotonic() + seconds + LATE_SECONDS
                heapq.heappush(self._moments, (moment, lane))
                self._changed.notify()

    def wait(self, until: float) -> None:
        """Return when a lane is due, not sooner than GAP_SECONDS from now, and at ``until`` (monotonic seconds) at the latest."""
        earliest = time.monotonic() + GAP_SECONDS
        with self._changed:
            while self._listening and (left := min(until, max(self._next(), earliest)) - time.monotonic()) > 0:
                self._changed.wait(left)
            self._forget(time.monotonic())

    def _next(self) -> float:
        """The first moment that still holds."""
        while self._moments and self._newest.get(self._moments[0][1]) != self._moments[0][0]:
            heapq.heappop(self._moments)
        return self._moments[0][0] if self._moments else float("inf")

    def _forget(self, until: float) -> None:
        while self._next() <= until:
            del self._newest[heapq.heappop(self._moments)[1]]


soon = Soon()
