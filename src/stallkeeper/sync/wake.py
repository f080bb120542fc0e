"""Wake-ups: who has something to do now. They may get lost; the tick finds whatever is due and covers every lost one.

A wake-up is deferred after the commit, in a statement of its own, so that it holds no lock that a running lane could want.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from functools import partial

from django.db import connection, transaction

from stallkeeper.channels import lanes_queries
from stallkeeper.channels.lanes import TAKEOVER
from stallkeeper.channels.models import LaneKind
from stallkeeper.core import clock, correlation, crash, housekeeping
from stallkeeper.core.use_case import UseCase, before_commit
from stallkeeper.sync import job_queries
from stallkeeper.sync.job_queries import NewJob

QUEUE = "lanes"
PRIORITY = {LaneKind.TRADE.value: 10, LaneKind.BACKGROUND.value: 0}

trading: ContextVar[int] = ContextVar("trading", default=0)
"""The connection whose trade run is under way in this context: it needs no wake-up from itself, its later steps look anyway."""


@before_commit(30)
def wake_marked(uc: UseCase) -> None:
    """Take the marks that use cases left and wake the lanes once the transaction is through."""
    connections = [connection for connection in uc.take("wake_connection") if connection != trading.get()]
    if connections:
        transaction.on_commit(partial(wake, connections), robust=True)
    if organisations := uc.take("drain_stale"):
        transaction.on_commit(partial(defer_drain, organisations), robust=True)


def wake(connections: Iterable[int], kind: str = LaneKind.TRADE) -> None:
    """Ask for a run of these connections. A lane that waits after a failure keeps waiting."""
    with crash.around("commit:lane.want"), connection.cursor() as cursor:
        lanes = lanes_queries.want(cursor, sorted(set(connections)), kind, clock.now(), correlation.to_hand_on())
    _defer([lane_job(lane, kind) for lane in lanes])


def hint(connections: Iterable[int]) -> None:
    """A platform's callback suggests that there is something new: pull orders at the next chance (never a fact, only a reason to look)."""
    ids = sorted(set(connections))
    with crash.around("commit:lane.hint"), connection.cursor() as cursor:
        lanes_queries.hint_step(cursor, ids, LaneKind.TRADE, "orders", clock.now())
    wake(ids)


def look_now(connection_id: int, step: str, kind: str = LaneKind.BACKGROUND) -> None:
    """A person asks for one step of one account ("only this", "now"): ``catalogue``, ``verify``, ``orders`` …"""
    with crash.around("commit:lane.look_now"), connection.cursor() as cursor:
        lanes_queries.hint_step(cursor, [connection_id], kind, step, clock.now())
    wake([connection_id], kind)


def lane_job(lane: int, kind: str) -> NewJob:
    """The job that runs a lane; at most one of it waits at any time."""
    return NewJob(QUEUE, kind, f"lane:{lane}", {"lane_id": lane}, PRIORITY[kind])


def defer_lane(lane: int, kind: str) -> None:
    """Have one lane run."""
    _defer([lane_job(lane, kind)])


def defer_drain(organisations: Sequence[int]) -> None:
    """Have the offers refreshed that one transaction left over."""
    _defer([drain_job(organisation) for organisation in organisations])


def drain_job(organisation: int) -> NewJob:
    return NewJob(QUEUE, "drain_stale", f"drain:{organisation}", {"organisation_id": organisation}, 5)


def defer_due() -> int:
    """One tick: defer every lane that is due and that no living worker has; returns how many jobs are new."""
    now = clock.now()
    with connection.cursor() as cursor:
        due = lanes_queries.due(cursor, now, now - TAKEOVER)
    return _defer([lane_job(lane, kind) for lane, kind in due])


def daily_job() -> NewJob:
    return NewJob(QUEUE, "daily", "daily", {"timestamp": int(clock.now().timestamp())})


def tidy() -> None:
    """Every few ticks: lanes that a connection lacks, marks without a job, jobs whose worker died, the work of a day that was missed."""
    overdue = housekeeping.is_due(clock.now())
    with crash.around("commit:lane.create"), connection.cursor() as cursor:
        lanes_queries.create_missing(cursor, clock.now())
    with connection.cursor() as cursor:
        stale = job_queries.organisations_with_stale(cursor)
    _defer([drain_job(organisation) for organisation in stale])
    with crash.around("commit:job.tidy"), connection.cursor() as cursor:
        job_queries.delete_orphans(cursor)
    _defer([daily_job()] if overdue else [])


def _defer(jobs: Sequence[NewJob]) -> int:
    with crash.around("commit:job.defer"), connection.cursor() as cursor:
        return job_queries.defer(cursor, jobs)
