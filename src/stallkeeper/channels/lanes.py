"""Lanes: who runs a connection now. One worker at a time; a worker that lost its lane changes nothing any more.

A worker process proves that it lives by a lock that the server holds for it and drops the moment its line breaks (``life``): lanes of a
killed one are free at once (ADR 0040). One that is frozen or cut off keeps its lock or its line for a while; its silence frees its lanes.

Time-outs are measured by the workers' clocks: several machines must keep theirs in step (NTP). A wrong clock, or a line that broke although
the worker lives, costs needless takeovers, never a wrong write, because the epoch decides.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, connections

from stallkeeper.channels import lanes_queries as queries
from stallkeeper.channels.models import SOURCE
from stallkeeper.core import clock, crash
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.core.use_case import UseCase, use_case

log = logging.getLogger(__name__)

HEARTBEAT = timedelta(seconds=3)
SILENT = 2 * HEARTBEAT
"""A worker that has not been heard for so long asks whether the lane is still its own before it calls anybody."""
TAKEOVER = timedelta(seconds=10)


class LaneLost(RuntimeError):
    """Another worker has taken the lane: whatever this one still wanted to write must not be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a lane. ``abandoned``: the worker before died, so what it had under way is unknown."""

    lane_id: int
    worker: str
    organisation_id: int
    epoch: int
    kind: str
    subject_type: str
    subject_id: int
    failures: int
    abandoned: bool
    at: datetime
    asked_by: tuple[str, ...] = ()
    """Who asked for the run, as written by ``core.correlation``."""

    @property
    def actor(self) -> str:
        """How audit entries name this run's changes."""
        return f"source:{self.subject_id}" if self.subject_type == SOURCE else f"channel:{self.subject_id}"

    @property
    def run_name(self) -> str:
        """How the log calls this run: lane and epoch."""
        return f"{self.lane_id}.{self.epoch}"


def claim(lane_id: int, worker: str) -> Claim | None:
    """Take a lane that is free, or whose worker is dead or has been silent for TAKEOVER; None if somebody has it or it is switched off."""
    with across_organisations(Passage.TICK), crash.around("claim:lane"), connection.cursor() as cursor:
        now = clock.now()
        row = queries.claim(cursor, lane_id, worker, now, now - TAKEOVER)
    if row is None:
        return None
    organisation, epoch, kind, subject_type, subject_id, failures, abandoned, asked_by = row
    return Claim(lane_id, worker, organisation, epoch, kind, subject_type, subject_id, failures, abandoned, now, tuple(asked_by))


def guard(held: Claim) -> None:
    """First statement of every transaction that writes after a network call: LaneLost, and nothing is written, if the lane is gone."""
    with hot_cursor() as cursor:
        if not queries.guard(cursor, held.lane_id, held.epoch, held.worker):
            raise LaneLost(f"lane {held.lane_id}: epoch {held.epoch} of {held.worker} is over")


@contextmanager
def guarded(held: Claim, name: str) -> Iterator[UseCase]:
    """A use case of a run: one transaction that only commits while the lane is ours."""
    with use_case(name, organisation_id=held.organisation_id, actor=held.actor) as uc:
        guard(held)
        crash.point("within:lane:guarded")
        yield uc


class Heart:
    """Beats for one run from a thread with a connection of its own, opened at the first beat: short runs never need it."""

    def __init__(self, held: Claim, interval: timedelta = HEARTBEAT) -> None:
        self.held, self.interval = held, interval
        self.lost = False
        self.beaten_at = held.at
        """When the server last knew that the lane is ours."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heart of lane {held.lane_id}", daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def assure(self) -> None:
        """To be called right before something goes out, outside of a transaction. LaneLost if the lane is not ours any more, if nobody can
        tell, or if this worker was away for TAKEOVER: what it knew before must not be acted on, whoever has the lane."""
        while not self.lost:
            silent = clock.now() - self.beaten_at
            if silent < SILENT:
                return
            if silent >= TAKEOVER or not self._beat_once():
                break
        raise LaneLost(f"lane {self.held.lane_id} was taken over, or this worker was away for too long: nothing goes out")

    def _beat(self) -> None:
        try:
            while not self.lost and not self._stop.wait(self.interval.total_seconds()):
                self._beat_once()
        finally:
            connections.close_all()

    def _beat_once(self) -> bool:
        """Whether the server has answered."""
        at = clock.now()
        try:
            with organisation_scope(self.held.organisation_id), crash.around("commit:lane.beat"), connection.cursor() as cursor:
                self.lost = not queries.beat(cursor, self.held.lane_id, self.held.epoch, at)
        except DatabaseError as error:
            log.warning("lane %s: a heartbeat failed: %s", self.held.lane_id, error)
            connection.close()
            return False
        self.beaten_at = at
        return True
