"""Making the file of a list: in one go while somebody waits for a short one, by a worker for a long one."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import DatabaseError
from django.http import QueryDict
from django.utils import timezone, translation

from stallkeeper.backoffice.export_lists import LISTS
from stallkeeper.backoffice.export_tables import write
from stallkeeper.core import clock, file_exports
from stallkeeper.core.models import FileExport
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.sync import wake
from stallkeeper.sync.job_queries import NewJob
from stallkit.words import said as _

log = logging.getLogger(__name__)

TASK = "export"


def job(organisation_id: int, export_id: int) -> NewJob:
    """The job that makes a file; at most one of it waits at any time."""
    wanted = {"organisation_id": organisation_id, "export_id": export_id}
    return NewJob(wake.LONG_QUEUE, TASK, f"{TASK}:{export_id}", wanted, wake.priority(clock.now()))


def run(organisation_id: int, export_id: int) -> None:
    """Make the file if nobody else does. What goes wrong stands in its row."""
    with organisation_scope(organisation_id):
        export = file_exports.claim(export_id)
        if export is None:
            return
        try:
            _make(export)
        except file_exports.Superseded as gone:
            log.warning("%s", gone)
        except DatabaseError:
            log.exception("export %s", export.pk)
            raise  # its row stays as it is: another worker takes it up
        except Exception:
            log.exception("export %s", export.pk)
            file_exports.fail(export, _("The file could not be made; the log of the worker says why."))


def _make(export: FileExport) -> None:
    zone = timezone.override(ZoneInfo(export.zone))
    with tempfile.TemporaryDirectory(prefix="stallkeeper-export-") as folder, zone, translation.override(export.language):
        target = Path(folder) / "file"
        listed = LISTS[export.kind]
        table = listed.table(QueryDict(export.filters))
        rows = write(target, table, str(listed.title), export.form, lambda count: file_exports.beat(export, count))
        file_exports.store(export, target, rows)
