"""Invariant 19, from the stalls' own logs of calls: nothing goes to an account on a road that it has closed, and no quota is exceeded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.testing.shop import Call

TOO_MANY = {420, 429}
"""Yandex Market has a number of its own."""
WRITING_DOWN = timedelta(seconds=5)
"""From a platform's answer until it is stored, at most."""
ON_ITS_WAY = timedelta(seconds=1)
"""After that, until a call has arrived of which another run had had its turn before."""
Road = tuple[int, str, str]
"""(channel, method, path with a star for each part that names an object): what a platform limits as one."""


@dataclass
class Calls:
    """How far each log was read, and which roads are closed until when. ``in_step``: no process's clock was wrong so far; one that is
    ahead takes the quiet for over, and the budget for full."""

    read: dict[int, int] = field(default_factory=dict)
    closed: dict[Road, datetime] = field(default_factory=dict)
    heard: dict[Road, datetime] = field(default_factory=dict)
    in_step: bool = True
    stored: list[datetime] = field(default_factory=list)
    """When it was written down that a platform asks for quiet."""
    shaken: list[datetime] = field(default_factory=list)
    """When one of our processes died, or the database did not do what it was asked: what a platform had just said may be lost."""

    def check(self, stalls: Mapping[int, StallView]) -> Iterator[Breach]:
        for channel, stall in stalls.items():
            calls = stall.emulator.calls
            for call in calls[self.read.get(channel, 0) :]:
                yield from self._look_at(channel, stall, call)
            self.read[channel] = len(calls)

    def _look_at(self, channel: int, stall: StallView, call: Call) -> Iterator[Breach]:
        road = channel, call.method, road_of(call.path)
        until = self.closed.get(road)
        if self.in_step and until is not None and self._is_known(road) < call.at < until and not self._lost(road):
            yield Breach("19", f"{call.method} {call.path} on {stall.name} at {call.at}, which had asked for quiet until {until}")
        if self.in_step and call.status in TOO_MANY and not call.fault:
            yield Breach("19", f"{call.method} {call.path} on {stall.name} at {call.at} exceeded its quota")
        if call.status in TOO_MANY:
            self.closed[road] = max(call.at + timedelta(seconds=call.retry_after), until or call.at)
            self.heard[road] = call.at

    def _is_known(self, road: Road) -> datetime:
        """From when on everybody keeps quiet."""
        heard = self.heard[road]
        late = heard + WRITING_DOWN
        return min((moment for moment in self.stored if heard <= moment < late), default=late) + ON_ITS_WAY

    def _lost(self, road: Road) -> bool:
        """Whether nobody may be left who knows that it is closed."""
        return any(self.heard[road] <= moment <= self.heard[road] + WRITING_DOWN for moment in self.shaken)


def road_of(path: str) -> str:
    """The path with a star for each segment that holds a digit: those name an order, an offer or a ticket, except a version at the front.

    One order and the list of all are roads of their own, as in the platforms' tables of limits.
    """
    head, *rest = path.strip("/").split("/")
    return "/".join([head, *("*" if any(char.isdigit() for char in part) else part for part in rest)])
