"""Imports from the screen: the file is kept until its import has ended; the work goes on in a thread while the page shows how far it is."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from xlsxwriter import Workbook

from stallkeeper.catalog.imports import products, runs
from stallkeeper.catalog.imports.columns import Layout
from stallkeeper.catalog.imports.runs import Job
from stallkeeper.catalog.imports.safe_cells import OPTIONS, write_row
from stallkeeper.catalog.models import ImportProblem, ImportRun

log = logging.getLogger(__name__)

StrOrPromise = str | Promise
Import = Callable[[Job, Path], ImportRun]

KINDS: dict[str, StrOrPromise] = {"products": gettext_lazy("products, prices and kits")}
IMPORTS: dict[str, Import] = {"products": products.import_products}
LAYOUTS: dict[str, Layout] = {"products": products.LAYOUT}


def start(organisation_id: int, kind: str, file: UploadedFile[bytes], dry_run: bool, actor: str) -> ImportRun:
    """Keep the file, make the row of the run, and begin; the row tells how it goes."""
    run = runs.queue_run(kind, file.name or kind, organisation_id, actor, dry_run)
    path = _keep(file)
    threading.Thread(target=_work, args=(run, path), name=f"import {run.pk}", daemon=True).start()
    return run


def _keep(file: UploadedFile[bytes]) -> Path:
    folder = settings.ENV.home / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, suffix=Path(file.name or "").suffix.lower(), delete=False) as kept:
        for piece in file.chunks():
            kept.write(piece)
        return Path(kept.name)


def _work(run: ImportRun, path: Path) -> None:
    try:
        IMPORTS[run.kind](Job(run), path)
    except Exception:
        # The run's own row says that it failed and why; nobody waits for this thread.
        log.exception("import %s of %s", run.pk, run.file_name)
    finally:
        path.unlink(missing_ok=True)
        connection.close()


def problems_file(run: ImportRun) -> bytes:
    """All problems of a run as XLSX, in the order of the rows."""
    problems = ImportProblem.objects.filter(run=run).order_by("row", "pk").values_list("row", "column", "value", "message")
    return _workbook([(_("Row"), _("Column"), _("What stood there"), _("What to do")), *problems.iterator()], _("Problems"))


def template_file(kind: str) -> bytes:
    """The columns of an import with an example row, as XLSX."""
    columns = LAYOUTS[kind].columns
    return _workbook([tuple(column.name for column in columns), tuple(column.example for column in columns)], LAYOUTS[kind].title)


def _workbook(rows: list[tuple[str | int, ...]], title: str) -> bytes:
    target = io.BytesIO()
    with Workbook(target, OPTIONS | {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet(title[:31])
        bold = workbook.add_format({"bold": True})
        for number, row in enumerate(rows):
            write_row(sheet, number, row, bold if number == 0 else None)
        sheet.set_column(0, len(rows[0]) - 1, 22)
    return target.getvalue()
