"""Faults of the clock that the hub goes by (see ``skewed``). They jump by ``--seconds``; those of stalls and database stay right."""

from __future__ import annotations

import time
from random import Random

from stallkeeper.ops.drills.skewed import set_clock
from stallkeeper.ops.drills.stage import Stage


def clock_forwards(stage: Stage, chance: Random) -> float:  # noqa: ARG001 - one shape for all faults
    """All processes of the hub are ahead."""
    return _jump(stage, stage.options.seconds)


def clock_back(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """As right as they were, after they were ahead: what was put off is put off for longer. Then behind."""
    set_clock(stage.home, 0.0)
    return _jump(stage, -stage.options.seconds)


def clocks_apart(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Some processes are ahead of others: each takes the others for silent. At last all are right again."""
    begun = _jump(stage, 0.0, odd=stage.options.seconds)
    time.sleep(stage.options.seconds / 2)
    set_clock(stage.home, 0.0)
    return begun


def _jump(stage: Stage, seconds: float, odd: float = 0.0) -> float:
    set_clock(stage.home, seconds, odd)
    return time.monotonic()
