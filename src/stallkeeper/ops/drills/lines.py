"""Faults of the network, by the proxies that stand between the hub and its stalls, and between the hub and its database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random

from stallkeeper.ops.drills.proxy import GOOD, Line, Proxy
from stallkeeper.ops.drills.stage import Stage

RESET_EVERY = 0.5
SLOW = Line(delay=0.3)
NARROW = Line(bytes_a_second=20_000)
SLOW_DATABASE = Line(delay=0.01)


def cut_stalls(stage: Stage, chance: Random) -> float:  # noqa: ARG001 - one shape for all faults
    """No stall can be reached."""
    return _spoil(stage, list(stage.stall_lines.values()), Line(closed=True))


def black_hole(stage: Stage, chance: Random) -> float:
    """Half of the stalls: connections stay open and nothing comes through."""
    return _spoil(stage, _half(stage, chance), Line(silent=True))


def half_open(stage: Stage, chance: Random) -> float:
    """Half of the stalls: what we send arrives and is done, no answer comes back."""
    return _spoil(stage, _half(stage, chance), Line(deaf=True))


def slow_stalls(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Every answer of every stall comes late: the work goes on meanwhile."""
    return _spoil(stage, list(stage.stall_lines.values()), SLOW, at_once=True)


def narrow_stalls(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Few bytes a second."""
    return _spoil(stage, list(stage.stall_lines.values()), NARROW, at_once=True)


def reset_stalls(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Every connection to a stall breaks, again and again."""
    return _reset(stage, list(stage.stall_lines.values()))


def cut_database(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """The hub's connections to its database break, and no new one is let in."""
    return _spoil(stage, _database(stage), Line(closed=True))


def silent_database(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Connections to the database stay open and nothing comes through."""
    return _spoil(stage, _database(stage), Line(silent=True))


def slow_database(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Every statement takes twenty milliseconds longer: the work goes on meanwhile."""
    return _spoil(stage, _database(stage), SLOW_DATABASE, at_once=True)


def reset_database(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """Every connection to the database breaks, again and again: also in the middle of a COMMIT, of which nobody then knows."""
    return _reset(stage, _database(stage))


def _database(stage: Stage) -> list[Proxy]:
    return [stage.database_line] if stage.database_line is not None else []


def _half(stage: Stage, chance: Random) -> list[Proxy]:
    names = sorted(stage.stall_lines)
    return [stage.stall_lines[name] for name in chance.sample(names, len(names) // 2)]


def _spoil(stage: Stage, lines: Sequence[Proxy], line: Line, *, at_once: bool = False) -> float:
    """Returns the moment from which work is possible: the end, or the beginning if the line only got worse."""
    begun = time.monotonic()
    for proxy in lines:
        proxy.be(line)
    try:
        time.sleep(stage.options.seconds)
    finally:
        for proxy in lines:
            proxy.be(GOOD)
    return begun if at_once else time.monotonic()


def _reset(stage: Stage, lines: Sequence[Proxy]) -> float:
    until = time.monotonic() + stage.options.seconds
    while time.monotonic() < until:
        for proxy in lines:
            proxy.reset()
        time.sleep(RESET_EVERY)
    return time.monotonic()
