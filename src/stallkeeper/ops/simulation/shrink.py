"""A failing day made shorter: steps are left out while it still fails in the same way (delta debugging), for a bounded time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from stallkeeper.ops.simulation.database import Server
from stallkeeper.ops.simulation.day import Played, Step, play
from stallkeeper.ops.simulation.limit import INVARIANT as HANG


def shrink(played: Played, server: Server, seconds: float = 60.0) -> Played:
    """The shortest day found in that time that breaks the same invariant; ``played`` itself if none does, or if it hung."""
    if played.violation is None or played.violation.invariant == HANG:
        return played
    deadline = time.monotonic() + seconds
    invariant, shortest, parts = played.violation.invariant, played, 2
    while len(shortest.steps) > 1 and time.monotonic() < deadline:
        found = _shorter(shortest.steps, parts, played.seed, server, invariant, deadline)
        if found is not None:
            shortest, parts = found, max(parts - 1, 2)
        elif parts >= len(shortest.steps):
            break
        else:
            parts = min(parts * 2, len(shortest.steps))
    return shortest


def _shorter(steps: Sequence[Step], parts: int, seed: int, server: Server, invariant: str, deadline: float) -> Played | None:
    size = -(-len(steps) // parts)
    for start in reversed(range(0, len(steps), size)):
        if time.monotonic() > deadline:
            return None
        rest = [*steps[:start], *steps[start + size :]]
        again = play(seed, server, rest)
        if rest and again.violation is not None and again.violation.invariant == invariant:
            return again
    return None
