"""A run of a lane: claim it, run its steps one after the other, store what came of them, give it back.

``run_lane`` is a plain function; tasks, tests and simulations call it alike. It catches everything, never retries, never sleeps over a
second: what could not be done now is due again later, and the lane says when.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from stallkeeper.channels import lanes, lanes_queries
from stallkeeper.channels.lanes import Claim, Heart, LaneLost
from stallkeeper.channels.models import SOURCE, Channel, Connection, LaneKind, LaneStep, Run
from stallkeeper.core import correlation, crash, figures, logs, notify, tracing
from stallkeeper.core.models import Organisation, Severity
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.sync import adapters, sources, wake
from stallkeeper.sync.run import Current, Done, Step, now
from stallkeeper.sync.step_words import STEP_WORDS
from stallkeeper.sync.steps import STEPS
from stallkit.errors import AdapterError, NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.words import said as _

log = logging.getLogger(__name__)

LONGEST_BACKOFF = timedelta(minutes=5)
SHORTEST_BACKOFF = timedelta(seconds=2)
DATABASE_AWAY = timedelta(seconds=1)
"""The first wait of a run whose database went away: a restart takes no longer, and nobody outside was asked for too much."""
IDLE = timedelta(minutes=1)
"""A lane that knows of nothing to do looks again after this long."""
VAIN_SECONDS = 5.0
"""A step that waited for so long and got no answer ends the run: the other steps would wait as long, and keep a thread (ADR 0041)."""
RESTING = timedelta(hours=1)
"""An account that may not be called: only a change of its state, which wakes the lane, makes a run worth while."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended; ``error`` is "" if it went well. ``not_before`` keeps the step from running earlier."""

    step: str
    done: Done
    seconds: float
    not_before: datetime | None = None
    error: str = ""
    fatal: bool = False
    """No later step of this run may call the account."""
    vain: bool = False
    """It waited long and got no answer: the account may be dead, the lane waits."""

    def as_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "items": self.done.items,
            "errors": self.done.errors,
            "ms": round(self.seconds * 1000),
            "error": self.error or self.done.note,
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to: outcome "ok", "error", "resting", "busy" (somebody else has it) or "lost"; when the lane is due next."""

    outcome: str
    due_at: datetime | None = None
    steps: tuple[Outcome, ...] = ()


def run_lane(lane_id: int, worker_id: str) -> Ended:
    """Run a lane once, if nobody else does. Raises nothing."""
    try:
        held = lanes.claim(lane_id, worker_id)
    except DatabaseError:
        log.exception("lane %s could not be claimed", lane_id)
        connection.close()
        return Ended("error")
    if held is None:
        return Ended("busy")
    names = {
        "lane": lane_id,
        "kind": held.kind,
        held.subject_type: held.subject_id,
        "organisation": held.organisation_id,
        "epoch": held.epoch,
    }
    with correlation.serving(held.run_name, held.asked_by, run=held.run_name, **names):
        begun = time.monotonic()
        with tracing.span(f"run {held.kind}"):
            ended = _run_held(held)
        _tell_end(held, ended, time.monotonic() - begun)
    return ended


def _tell_end(held: Claim, ended: Ended, seconds: float) -> None:
    """One line per run: of one that did something, or that somebody asked for, at the usual level."""
    figures.RUNS.add(held.kind, ended.outcome)
    figures.RUN_SECONDS.observe(seconds, held.kind)
    figures.TAKEOVERS.add(held.kind, times=int(held.abandoned))
    figures.LANES_LOST.add(held.kind, times=int(ended.outcome == "lost"))
    steps = {outcome.step: outcome.done.items for outcome in ended.steps if outcome.done.items}
    errors = {outcome.step: outcome.error for outcome in ended.steps if outcome.error}
    level = logging.INFO if steps or errors or held.asked_by or held.abandoned or ended.outcome != "ok" else logging.DEBUG
    fields = {"outcome": ended.outcome, "ms": round(seconds * 1000), "steps": steps, "errors": errors, "taken_over": held.abandoned}
    log.log(level, "run ended", extra=fields)


def _run_held(held: Claim) -> Ended:
    token = wake.trading.set(held.subject_id if held.kind == LaneKind.TRADE else 0)
    try:
        with organisation_scope(held.organisation_id), Heart(held) as heart:
            if held.subject_type == SOURCE:
                return _ask_source(held, heart)
            return _run(held, heart)
    except LaneLost as lost:
        log.info("%s", lost)
        return Ended("lost")
    except Exception as error:
        log.exception("lane %s: the run failed", held.lane_id)
        return _fail(held, error)
    finally:
        wake.trading.reset(token)


def _run(held: Claim, heart: Heart) -> Ended:
    account = Connection.objects.select_related("credentials").get(pk=held.subject_id)
    if account.state != Connection.State.READY:
        due = lanes_release(held, now() + RESTING)
        return Ended("resting", due)
    try:
        current = _prepare(held, heart, account)
    except NeedsReconnect as error:
        needs_reconnect(held, account, error.detail)
        return Ended("error", lanes_release(held, now() + RESTING))
    outcomes: list[Outcome] = []
    for name, step in STEPS[LaneKind(held.kind)]:
        place = current.places.get(name)
        if place is not None and place.not_before is not None and place.not_before > now():
            continue
        with logs.bound(step=name), tracing.span(f"step {name}"):
            outcomes.append(run_step(current, name, step))
        figures.STEPS.add(name, "error" if outcomes[-1].error else "ok")
        figures.STEP_SECONDS.observe(outcomes[-1].seconds, name)
        if outcomes[-1].fatal:
            break
    return _store(current, outcomes)


def _ask_source(held: Claim, heart: Heart) -> Ended:
    asked = sources.ask(held, heart)
    due = _release(held, asked.due_at, error=asked.error, success=not asked.error)
    return Ended("error" if asked.error else "ok", due)


def _prepare(held: Claim, heart: Heart, account: Connection) -> Current:
    places = {place.step: place for place in LaneStep.objects.filter(lane_id=held.lane_id)}
    allowed = Organisation.objects.get(pk=held.organisation_id).sending_enabled and account.writes_allowed
    channels = list(Channel.objects.filter(connection=account, active=True).order_by("pk"))
    current = Current(held, heart, account, channels, adapters.session(account, held.kind), places, now(), allowed)
    current.watermark = current.place("orders").watermark
    return current


def run_step(current: Current, name: str, step: Step) -> Outcome:
    """Run one step and say how it ended. Only LaneLost and a broken database come through."""
    current.begin_step(gives_way=name != "orders")
    begun = time.monotonic()
    try:
        return _run_step(current, name, step, begun)
    finally:
        slept = current.session.pacer.slept
        current.waits += [(name, start, end) for start, end in slept]
        slept.clear()


def _run_step(current: Current, name: str, step: Step, begun: float) -> Outcome:
    try:
        done = step(current)
    except (LaneLost, OperationalError, InterfaceError):
        raise
    except AdapterError as error:
        return _adapter_error(current, name, error, time.monotonic() - begun)
    except Exception as error:
        log.exception("lane %s, step %s", current.held.lane_id, name)
        text = f"{type(error).__name__}: {error}"[:500]
        return Outcome(name, Done(errors=1), time.monotonic() - begun, now() + backoff(current.place(name), now()), text)
    return Outcome(name, done, time.monotonic() - begun, done.not_before)


def _adapter_error(current: Current, name: str, error: AdapterError, seconds: float) -> Outcome:
    """The errors that adapters raise are named by what to do."""
    at = now()
    text = f"{type(error).__name__}: {error.detail}"[:500]
    if isinstance(error, SlowDown):
        current.waited(name, error.retry_after)
        shown = text if error.status else ""
        return Outcome(name, Done(errors=int(bool(error.status))), seconds, at + timedelta(seconds=error.retry_after), shown)
    if isinstance(error, NeedsReconnect):
        needs_reconnect(current.held, current.connection, error.detail)
        return Outcome(name, Done(errors=1), seconds, None, text, fatal=True)
    if isinstance(error, Unintelligible | Refused):
        _tell(current, name, text)
    vain = isinstance(error, TryLater | OutcomeUnknown) and seconds >= VAIN_SECONDS
    return Outcome(name, Done(errors=1), seconds, at + backoff(current.place(name), at), text, fatal=vain, vain=vain)


def backoff(place: LaneStep, at: datetime) -> timedelta:
    """Half of the time that a step has been failing already: the waits grow by half, from two seconds to five minutes."""
    fine, failed = place.last_success_at, place.last_error_at
    if failed is None or not place.last_error:
        return SHORTEST_BACKOFF
    failing = at - (fine if fine is not None and fine < failed else failed)
    return min(max(failing / 2, SHORTEST_BACKOFF), LONGEST_BACKOFF)


def waits(failures: int) -> timedelta:
    """How long a lane waits whose runs have failed so often in a row, whoever asks for it meanwhile: four seconds to five minutes."""
    return min(SHORTEST_BACKOFF * 2 ** min(failures, 10), LONGEST_BACKOFF) if failures else timedelta(0)


def needs_reconnect(held: Claim, account: Connection, why: str) -> None:
    """No further call until a person acts."""
    with lanes.guarded(held, "sync.needs_reconnect") as uc:
        Connection.objects.filter(pk=account.pk).update(state=Connection.State.NEEDS_RECONNECT, state_reason=why[:300])
        title = _("{account} must be connected again", account=account.name)
        notify.raise_(uc, f"connection:{account.pk}:needs_reconnect", Severity.ERROR, title, why)


def _tell(current: Current, step: str, text: str) -> None:
    account = current.connection
    with current.writing("step_error") as uc:
        title = _("{account}: “{step}” could not be done", account=account.name, step=STEP_WORDS.get(step, step))
        notify.raise_(uc, f"connection:{account.pk}:step:{step}", Severity.WARNING, title, text)


def _store(current: Current, outcomes: Sequence[Outcome]) -> Ended:
    """Write the transfer status and the run, and give the lane back: one transaction."""
    at = now()
    failures = current.held.failures + 1 if any(outcome.vain for outcome in outcomes) else 0
    due_at = max(next_due(current, outcomes, at), at + waits(failures))
    failed = [outcome for outcome in outcomes if outcome.error]
    with current.writing("end_run") as uc, connection.cursor() as cursor:
        rows = [(o.step, o.done.items, o.done.errors, o.not_before, o.error or o.done.note, not o.error) for o in outcomes]
        if rows:
            lanes_queries.write_steps(cursor, uc.organisation_id, current.held.lane_id, current.started_at, at, rows)
        if current.waits:
            lanes_queries.write_waits(cursor, uc.organisation_id, current.connection.pk, current.waits)
        for outcome in outcomes:
            if not outcome.error and (place := current.places.get(outcome.step)) and place.last_error:
                notify.resolve(uc, f"connection:{current.connection.pk}:step:{outcome.step}")
        if failed or any(outcome.done.items or outcome.done.errors for outcome in outcomes) or current.run_id:
            _store_run(current, outcomes, at, failed)
        due = _release(current.held, due_at, error=failed[0].error if failed else "", success=not failed, failures=failures)
    return Ended("error" if failed else "ok", due, tuple(outcomes))


def _store_run(current: Current, outcomes: Sequence[Outcome], at: datetime, failed: Sequence[Outcome]) -> None:
    seen = current.place("orders").watermark  # as it was when the run began: what it brought had not been listed by then
    facts = {"calls": dict(current.session.tape.statuses)} | ({"orders_seen_to": seen.isoformat()} if seen else {})
    Run.objects.create(
        pk=current.number(),
        organisation_id=current.held.organisation_id,
        lane_id=current.held.lane_id,
        epoch=current.held.epoch,
        started_at=current.started_at,
        ended_at=at,
        outcome="error" if failed else "ok",
        error=failed[0].error if failed else "",
        steps=[*(outcome.as_json() for outcome in outcomes), facts],
    )


def next_due(current: Current, outcomes: Sequence[Outcome], at: datetime) -> datetime:
    """The earliest moment at which any step has something to do."""
    ran = {outcome.step for outcome in outcomes}
    waiting = [place.not_before for name, place in current.places.items() if name not in ran]
    wanted = [moment for outcome in outcomes for moment in (outcome.not_before, outcome.done.again_at)]
    moments = [moment for moment in [*wanted, *waiting] if moment is not None]
    return max(min([at + IDLE, *moments]), at)


def lanes_release(held: Claim, due_at: datetime) -> datetime | None:
    with crash.committing("lane.rest"):
        return _release(held, due_at, error="", success=True)


def _release(held: Claim, due_at: datetime, *, error: str, success: bool, failures: int = 0) -> datetime | None:
    with connection.cursor() as cursor:
        return lanes_queries.release(cursor, held.lane_id, held.epoch, now(), due_at, failures=failures, error=error[:500], success=success)


def _fail(held: Claim, error: Exception) -> Ended:
    """The run itself failed: give the lane back with a growing wait. If even that fails, the silence of its heart frees it."""
    failures, text = held.failures + 1, f"{type(error).__name__}: {error}"
    away = failures == 1 and isinstance(error, OperationalError | InterfaceError)
    due_at = now() + (DATABASE_AWAY if away else waits(failures))
    try:
        if connection.needs_rollback or not connection.is_usable():
            connection.close()
        with organisation_scope(held.organisation_id), crash.around("commit:lane.give_back"):
            return Ended("error", _release(held, due_at, error=text, success=False, failures=failures))
    except DatabaseError:
        log.exception("lane %s could not be given back", held.lane_id)
        connection.close()
        return Ended("error")
