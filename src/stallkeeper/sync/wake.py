"""Wake-ups: who has something to do now. They may get lost; the tick finds whatever is due and covers every lost one.

A wake-up is deferred after the commit, in a statement of its own, so that it holds no lock that a running lane could want.

Who goes first is decided here, by the job's priority, which is a moment: that at which its turn is (ADR 0041).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime

from django.db import connection, transaction

from stallkeeper.channels import lanes_queries, turns_queries
from stallkeeper.channels.lanes import TAKEOVER
from stallkeeper.channels.models import SOURCE, LaneKind
from stallkeeper.channels.turns_queries import Ready
from stallkeeper.core import clock, correlation, crash, housekeeping
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.targets import TELL
from stallkeeper.core.tenancy import Passage, across_organisations, current_organisation, organisation_scope
from stallkeeper.core.use_case import UseCase, before_commit
from stallkeeper.stock.sources import WAKE as SOURCES
from stallkeeper.sync import job_queries
from stallkeeper.sync.job_queries import NewJob

QUEUE = "lanes"
LONG_QUEUE = "long"
"""Work that takes seconds or minutes: lanes whose last run was long, large refreshes, the work of the day. It never has all of a worker's
threads (``worker.slots``)."""
AT_ONCE = 500
"""Lanes that one tick defers at most. Others wait for the next tick: the queue stays short, so that turns are taken anew each second."""
FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
LOWEST = -(2**31) + 1

trading: ContextVar[int] = ContextVar("trading", default=0)
"""The connection whose trade run is under way in this context: it needs no wake-up from itself, its later steps look anyway."""


@before_commit(30)
def wake_marked(uc: UseCase) -> None:
    """Take the marks that use cases left and wake the lanes once the transaction is through."""
    connections = [connection for connection in uc.take("wake_connection") if connection != trading.get()]
    organisations = uc.take("drain_stale")
    sources = uc.take(SOURCES)
    told = uc.take(TELL)

    def ask() -> None:  # a function with a name: Django names it where it fails
        if connections:
            with organisation_scope(uc.organisation_id):
                wake(connections)
        if sources:
            with organisation_scope(uc.organisation_id):
                wake_sources(sources)
        if organisations:
            defer_drain(organisations)
        if told:
            defer([tell_job(organisation) for organisation in told])

    if connections or organisations or sources or told:
        transaction.on_commit(ask, robust=True)


def wake(connections: Iterable[int], kind: str = LaneKind.TRADE, *, insist: bool = False) -> None:
    """Ask for a run of these connections. A lane that waits after a failure keeps waiting, unless somebody ``insist``s."""
    with crash.around("commit:lane.want"), hot_cursor() as cursor:
        lanes = lanes_queries.want(cursor, sorted(set(connections)), kind, clock.now(), correlation.to_hand_on(), insist=insist)
    defer_lanes(lanes)


def wake_sources(sources: Sequence[int]) -> None:
    """Ask for a run of these sources of stock; one that is new gets its lane."""
    with crash.around("commit:lane.want"), connection.cursor() as cursor:
        lanes_queries.create_missing_sources(cursor, clock.now(), sources)
        lanes = lanes_queries.want(cursor, sources, SOURCE, clock.now(), correlation.to_hand_on(), subject_type=SOURCE)
    defer_lanes(lanes)


def hint(connections: Iterable[int]) -> None:
    """A platform's callback suggests that there is something new: pull orders at the next chance (never a fact, only a reason to look)."""
    current_organisation()  # without a scope the statement would find nobody, and say nothing
    ids = sorted(set(connections))
    with crash.around("commit:lane.hint"), connection.cursor() as cursor:
        lanes_queries.hint_step(cursor, ids, LaneKind.TRADE, "orders", clock.now())
    wake(ids)


def look_now(connection_id: int, step: str, kind: str = LaneKind.BACKGROUND) -> None:
    """A person asks for one step of one account ("only this", "now"): ``catalogue``, ``verify``, ``orders`` …

    It is tried at once after a failure too; only where the platform said how long to wait it waits.
    """
    current_organisation()
    with crash.around("commit:lane.look_now"), connection.cursor() as cursor:
        lanes_queries.hint_step(cursor, [connection_id], kind, step, clock.now(), insist=True)
    wake([connection_id], kind, insist=True)


def lane_job(ready: Ready) -> NewJob:
    """The job that runs a lane; at most one of it waits at any time."""
    queue = LONG_QUEUE if ready.long else QUEUE
    return NewJob(queue, ready.kind, f"lane:{ready.lane}", {"lane_id": ready.lane}, priority(ready.turn))


def priority(turn: datetime) -> int:
    """Procrastinate takes the highest first: the earlier the turn, the higher."""
    return max(-int((turn - FIRST_MOMENT).total_seconds()), LOWEST)


def defer_lanes(lanes: Sequence[int]) -> None:
    """Have lanes run that are due now: their turn comes behind those that have waited already."""
    if lanes:
        with across_organisations(Passage.TICK), connection.cursor() as cursor:
            ready = turns_queries.at_once(cursor, lanes, clock.now())
        defer([lane_job(one) for one in ready])


def defer_drain(organisations: Sequence[int]) -> None:
    """Have the offers refreshed that one transaction left over."""
    defer([drain_job(organisation) for organisation in organisations])


def drain_job(organisation: int) -> NewJob:
    return NewJob(LONG_QUEUE, "drain_stale", f"drain:{organisation}", {"organisation_id": organisation}, priority(clock.now()))


def tell_job(organisation: int) -> NewJob:
    return NewJob(LONG_QUEUE, "tell_organisation", f"tell:{organisation}", {"organisation_id": organisation}, priority(clock.now()))


def defer_due() -> int:
    """One tick: defer every lane that is due and that no living worker has; returns how many jobs are new."""
    now = clock.now()
    with across_organisations(Passage.TICK), connection.cursor() as cursor:
        due = turns_queries.due(cursor, now, now - TAKEOVER, AT_ONCE)
    return defer([lane_job(ready) for ready in due])


def daily_job() -> NewJob:
    now = clock.now()
    return NewJob(LONG_QUEUE, "daily", "daily", {"timestamp": int(now.timestamp())}, priority(now))


def tidy() -> None:
    """Every few ticks: lanes that a connection lacks, marks without a job, jobs whose worker died, the work of a day that was missed."""
    overdue = housekeeping.is_due(clock.now())
    with across_organisations(Passage.TICK), crash.around("commit:lane.create"), connection.cursor() as cursor:
        lanes_queries.create_missing(cursor, clock.now())
        lanes_queries.create_missing_sources(cursor, clock.now())
    with across_organisations(Passage.TICK), connection.cursor() as cursor:
        stale = job_queries.organisations_with_stale(cursor)
    defer([drain_job(organisation) for organisation in stale])
    with crash.around("commit:job.tidy"), connection.cursor() as cursor:
        job_queries.delete_orphans(cursor)
    defer([daily_job()] if overdue else [])


def defer(jobs: Sequence[NewJob]) -> int:
    """Hand jobs to the workers, those that do not wait already; returns how many."""
    with crash.around("commit:job.defer"), connection.cursor() as cursor:
        return job_queries.defer(cursor, jobs)
