"""Invariant 9, who sends at all: one worker at a time runs a lane, and one that has lost it writes nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Lane
from stallkeeper.ops.simulation.truth.shop import Shop

SILENCE = timedelta(seconds=10)
"""Whoever was heard of less than so long ago keeps its lane, unless it is known to have died."""


@dataclass
class Lanes:
    """The lanes at the last look, and the workers that have died."""

    before: dict[int, Lane] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def check(self, shop: Shop) -> Iterator[Breach]:
        """Times are compared, so not once a clock has gone wrong."""
        lanes = {lane.id: lane for lane in shop.now.lanes}
        for lane in lanes.values():
            was = self.before.get(lane.id)
            if was is not None and was.worker and was.worker not in self.dead and lane.epoch == was.epoch + 1:
                yield from _taken(was, lane)
        for run in shop.now.runs:
            lane = lanes[run.lane_id]
            if run.epoch < lane.epoch and lane.started_at is not None and run.ended_at > lane.started_at:
                told = f"epoch {run.epoch} ended at {run.ended_at}, epoch {lane.epoch} began at {lane.started_at}"
                yield Breach("9", f"the {lane.name} was lost, and its worker went on: {told}")
        self.before = lanes


def _taken(was: Lane, lane: Lane) -> Iterator[Breach]:
    """It was not given back in between, and its worker was alive."""
    given_back = lane.ended_at != was.ended_at
    if given_back or was.heard_at is None or lane.started_at is None or lane.started_at - was.heard_at >= SILENCE:
        return
    yield Breach("9", f"the {lane.name} is {was.worker}'s, heard of at {was.heard_at}, and is taken at {lane.started_at}")
