"""Whose time a delay was: theirs, their limits', or ours. What cannot be told from what is written down counts as ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Fact(NamedTuple):
    """Something that was done end to end, in seconds since the epoch, ``times`` alike.

    It was wanted at ``began``; the platform could not be asked before ``free`` (it had not shown the order yet, or wants a figure to stand
    for a while), was asked at ``sent``, answered at ``answered``, and its yes was there at ``ended``: with the answer, or when a submission
    was resolved. ``hidden``: the time before ``free`` is theirs, not a limit's. It counts for the hour of ``settled``. ``subject``: the key
    of one of them.
    """

    channel: int
    operation: str
    connection: int
    step: str
    subject: int
    times: int
    began: float
    free: float
    sent: float
    answered: float
    ended: float
    settled: float
    hidden: bool = False


class Waits:
    """When an account wanted no calls of a step, or was out of its budget: spans of time, added up where they overlap."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        begun: list[float] = []
        until: list[float] = []
        for start, end in sorted(spans):
            if until and start <= until[-1]:
                until[-1] = max(until[-1], end)
            elif end > start:
                begun.append(start)
                until.append(end)
        self._begun, self._until = np.array(begun), np.array(until)
        self._before = np.concatenate([np.zeros(1), np.cumsum(self._until - self._begun)])

    def between(self, start: Floats, end: Floats) -> Floats:
        """Seconds of waiting from each ``start`` to its ``end``; 0 where the end is not after the start."""
        return np.maximum(self._until_then(np.maximum(start, end)) - self._until_then(start), 0.0)

    def _until_then(self, at: Floats) -> Floats:
        if not len(self._begun):
            return np.zeros(len(at))
        index = np.searchsorted(self._begun, at, side="right") - 1
        inside = np.clip(at - self._begun[index], 0.0, self._until[index] - self._begun[index])
        return np.where(index < 0, 0.0, self._before[np.maximum(index, 0)] + inside)


@dataclass(frozen=True)
class Parts:
    """Seconds of each fact, in its order: ``ours + theirs + limits == total``."""

    total: Floats
    ours: Floats
    theirs: Floats
    limits: Floats


def parts(facts: Sequence[Fact], waits: Waits) -> Parts:
    """Take the time of facts of one account and step apart. Clocks that disagree make no time negative."""
    table = np.array([(fact.began, fact.free, fact.sent, fact.answered, fact.ended) for fact in facts], dtype=np.float64).reshape(-1, 5)
    began, free, sent, answered, ended = np.maximum.accumulate(_in_order(table), axis=1).T
    hidden = np.array([fact.hidden for fact in facts], dtype=bool)
    before = free - began
    budget = waits.between(free, answered)
    theirs = answered - sent - waits.between(sent, answered) + np.where(hidden, before, 0.0)
    limits = budget + (ended - answered) + np.where(hidden, 0.0, before)
    total = ended - began
    return Parts(total, np.maximum(total - theirs - limits, 0.0), theirs, limits)


def _in_order(table: Floats) -> Floats:
    """Nothing comes after its end, whatever the clocks say."""
    return np.minimum(table, np.maximum(table[:, 4:5], table[:, 0:1]))
