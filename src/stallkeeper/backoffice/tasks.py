"""Jobs of the back office. Thin shells, as in ``sync.tasks``; Procrastinate finds this module by its name."""

from __future__ import annotations

from procrastinate.contrib.django import app

from stallkeeper.backoffice import export_jobs
from stallkeeper.core import clock, correlation, file_exports
from stallkeeper.sync import wake


@app.task(name=export_jobs.TASK, queue=wake.LONG_QUEUE)
def export(organisation_id: int, export_id: int) -> None:
    """Make the file of a list."""
    with correlation.born(task=export_jobs.TASK, organisation=organisation_id):
        export_jobs.run(organisation_id, export_id)


@app.periodic(cron="* * * * *")
@app.task(name="exports_left", queue=wake.QUEUE, queueing_lock="exports_left")
def exports_left(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate passes it
    """Files whose job was lost, or whose worker died, are made after all."""
    with correlation.born(task="exports_left"):
        wake.defer([export_jobs.job(*each) for each in file_exports.left_over(clock.now())])
