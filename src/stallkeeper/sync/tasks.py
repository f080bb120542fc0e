"""What Procrastinate runs: thin shells. A job says "look at this lane"; what there is to do stands in our own tables."""

from __future__ import annotations

import logging

import procrastinate
from procrastinate.contrib.django import app

from stallkeeper.channels import refresh
from stallkeeper.channels.models import SOURCE, LaneKind
from stallkeeper.core import clock, correlation
from stallkeeper.sync import delays, exposures, lapses, life, nightly, telling, wake
from stallkeeper.sync.runner import run_lane
from stallkeeper.sync.soon import soon

log = logging.getLogger(__name__)


def on_app_ready(app: procrastinate.App) -> None:
    """Tasks are registered by the decorators of this module; nothing else to set up."""


@app.task(name=LaneKind.TRADE.value, queue=wake.QUEUE)
def trade(lane_id: int) -> None:
    """Run a trade lane once; again at once if it says so."""
    _run(lane_id)


@app.task(name=LaneKind.BACKGROUND.value, queue=wake.QUEUE)
def background(lane_id: int) -> None:
    """Run a background lane once."""
    _run(lane_id)


@app.task(name=SOURCE, queue=wake.QUEUE)
def source(lane_id: int) -> None:
    """Ask a source of stock once."""
    _run(lane_id)


def _run(lane_id: int) -> None:
    ended = run_lane(lane_id, life.name())
    if ended.due_at is None:
        return
    seconds = (ended.due_at - clock.now()).total_seconds()
    if seconds <= 0:
        wake.defer_lanes([lane_id])
    else:
        soon.tell(lane_id, seconds)


@app.task(name="drain_stale", queue=wake.LONG_QUEUE)
def drain_stale(organisation_id: int) -> None:
    """Refresh the offers that a large change left over, a few hundred units per transaction."""
    with correlation.born(task="drain_stale", organisation=organisation_id):
        refresh.drain(organisation_id)


@app.periodic(cron="17 2 * * *")
@app.task(name="daily", queue=wake.LONG_QUEUE, queueing_lock="daily")
def daily(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate passes it
    """Housekeeping and the nightly self-check."""
    with correlation.born(task="daily"):
        nightly.run()


@app.periodic(cron="* * * * *")
@app.task(name="lapse_holds", queue=wake.QUEUE, queueing_lock="lapse_holds")
def lapse_holds(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate passes it
    """Holds end when their time is over."""
    with correlation.born(task="lapse_holds"):
        lapses.run()


@app.periodic(cron="*/5 * * * *")
@app.task(name="measure_exposure", queue=wake.LONG_QUEUE, queueing_lock="measure_exposure")
def measure_exposure(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate passes it
    """What channels showed beyond what was there, and for how long."""
    with correlation.born(task="measure_exposure"):
        exposures.run()


@app.periodic(cron="2-59/5 * * * *")
@app.task(name="measure_delays", queue=wake.LONG_QUEUE, queueing_lock="measure_delays")
def measure_delays(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate passes it
    """How long operations took, and whose time it was."""
    with correlation.born(task="measure_delays"):
        delays.run()


@app.periodic(cron="* * * * *")
@app.task(name="tell_targets", queue=wake.LONG_QUEUE, queueing_lock="tell_targets", lock="tell_targets")
def tell_targets(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate passes it
    """Conditions that began are told to whoever wants to know."""
    with correlation.born(task="tell_targets"):
        telling.run()


@app.task(name="tell_organisation", queue=wake.LONG_QUEUE)
def tell_organisation(organisation_id: int) -> None:
    """The same for one organisation, now: somebody presses the button of a test."""
    with correlation.born(task="tell_organisation", organisation=organisation_id):
        telling.tell_organisation(organisation_id)
