"""Lists that are made into files in the background: asked for by a person, made by a worker, fetched by that person, gone after a week.

The bytes lie in the database, in pieces: the worker that makes a file and the web server that hands it out may be on different machines.
Whoever works on a file holds its number of tries; one that was frozen, and whose work was taken over, changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import F, Q, QuerySet

from stallkeeper.core import audit, clock, crash
from stallkeeper.core.models import FileExport, FileExportPart, User
from stallkeeper.core.tenancy import Passage, across_organisations
from stallkeeper.core.use_case import UseCase
from stallkeeper.core.words import columns
from stallkit.words import said as _

PIECE = 1 << 20
STALE = timedelta(minutes=2)
"""Nobody works on a file that nothing was heard of for so long."""
TRIES = 3
GIVEN_UP = _("It was begun {tries} times, and each time the worker ended before the file was whole. Ask again, for less.", tries=TRIES)


class Superseded(RuntimeError):
    """Somebody else makes this file by now."""


def note(uc: UseCase, kind: str, filters: str, form: str, rows: int) -> None:
    """That a list leaves the house is kept: who took which, how much of it."""
    audit.record(uc, "export.list", "list", kind, filters=filters, form=form, rows=rows)


def ask(uc: UseCase, user: User, kind: str, filters: str, form: str, rows: int, language: str, zone: str) -> FileExport:
    """Have a file made of the list ``kind`` as ``filters`` (a query string) narrow it; ``rows`` is what is known of its length."""
    note(uc, kind, filters, form, rows)
    return FileExport.objects.create(
        organisation_id=uc.organisation_id,
        user=user,
        kind=kind,
        filters=filters,
        form=form,
        language=language,
        zone=zone,
        asked_at=uc.at,
        touched_at=uc.at,
        rows_expected=rows,
    )


def left_over(at: datetime) -> list[tuple[int, int]]:
    """(organisation, export) of all that wait, or whose worker died."""
    with across_organisations(Passage.TICK):
        return list(FileExport.objects.filter(_free(at)).order_by("pk").values_list("organisation_id", "pk")[:100])


def _free(at: datetime) -> Q:
    waiting = Q(state=FileExport.State.WAITING)
    return waiting | Q(state=FileExport.State.MAKING, touched_at__lt=at - STALE)


def claim(pk: int) -> FileExport | None:
    """Take the work on a file; None if somebody has it, or it was tried often enough, which its row then says."""
    at = clock.now()
    with crash.committing("export.claim"):
        mine = FileExport.objects.filter(_free(at), pk=pk, tries__lt=TRIES)
        taken = mine.update(state=FileExport.State.MAKING, touched_at=at, tries=F("tries") + 1, rows_done=0)
        if taken:
            FileExportPart.objects.filter(export_id=pk).delete()
    if taken:
        return FileExport.objects.select_related("user", "organisation").get(pk=pk)
    _give_up(FileExport.objects.filter(_free(at), pk=pk), at)
    return None


def _give_up(rows: QuerySet[FileExport], at: datetime) -> None:
    if rows.exists():
        with crash.around("commit:export.end"):
            rows.update(state=FileExport.State.FAILED, ended_at=at, **columns("problem", GIVEN_UP, 500))


def beat(export: FileExport, rows: int) -> None:
    """So many rows are written. Superseded if the work was taken over."""
    with crash.around("commit:export.progress"):
        _mine(export, rows_done=rows)


def store(export: FileExport, file: Path, rows: int) -> None:
    """The file is whole: keep its bytes, and say so. Superseded if the work was taken over."""
    with file.open("rb") as source:
        for position, body in enumerate(iter(lambda: source.read(PIECE), b"")):
            with crash.committing("export.piece"):
                _mine(export)
                FileExportPart.objects.create(organisation_id=export.organisation_id, export=export, position=position, content=body)
    with crash.around("commit:export.end"):
        _mine(export, state=FileExport.State.DONE, rows_done=rows, size=file.stat().st_size, ended_at=clock.now())


def fail(export: FileExport, why: str) -> None:
    """It cannot be made; ``why`` is for the person who asked."""
    with crash.around("commit:export.end"):
        _mine(export, state=FileExport.State.FAILED, ended_at=clock.now(), **columns("problem", why, 500))


def _mine(export: FileExport, **changes: object) -> None:
    changed = FileExport.objects.filter(pk=export.pk, tries=export.tries, state=FileExport.State.MAKING)
    if not changed.update(touched_at=clock.now(), **changes):
        raise Superseded(f"export {export.pk} is made by somebody else")


def content(export: FileExport) -> Iterator[bytes]:
    """The bytes of a file that is whole, a piece at a time."""
    positions = FileExportPart.objects.filter(export=export).order_by("position").values_list("position", flat=True)
    for position in list(positions):
        yield bytes(FileExportPart.objects.get(export=export, position=position).content)
