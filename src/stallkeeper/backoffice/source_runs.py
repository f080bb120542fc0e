"""Runs of sources: their rows that were refused, the decision about one that waits; files that people bring; which column is what."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import uploads
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.source_forms import ColumnsForm, FileForm
from stallkeeper.backoffice.source_rows import RunRow
from stallkeeper.backoffice.sources import show_source
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission, can
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import source_setup
from stallkeeper.stock import sources as stock
from stallkeeper.stock.models import SourceRun, StockSource
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync import source_kinds, source_samples

log = logging.getLogger(__name__)

SHOWN = 200
PREFIX = "source-"
LEFT_BEHIND = 24 * 3600
"""Seconds."""


@screen(Permission.VIEW_STOCK)
def source_run(request: MemberRequest, pk: int, run: int) -> HttpResponse:
    """One run: counts, why it stopped, and its rows that were refused."""
    runs = SourceRun.objects.defer("body").select_related("source__location")
    shown = get_object_or_404(runs, pk=run, source_id=pk)
    if shown.state == SourceRun.State.READING and source_samples.close_interrupted(shown.source):
        shown = runs.get(pk=run)
    context = {
        "title": shown.name or shown.source.name,
        "run": shown,
        "row": RunRow(shown),
        "problems": list(shown.problems.order_by("row", "pk")[:SHOWN]),
        "shown": SHOWN,
        "may_edit": can(request.membership, Permission.EDIT_STOCK),
    }
    return show(request, "backoffice/source_run.html", context)


@require_POST
@screen(Permission.EDIT_STOCK)
def settle_run(request: MemberRequest, pk: int, run: int) -> HttpResponse:
    """Let a run that waits through, or drop its figures."""
    get_object_or_404(SourceRun.objects.defer("body"), pk=run, source_id=pk)
    allow = request.POST.get("allow") == "1"
    try:
        with use_case("settle.source_run", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            (stock.let_through if allow else stock.drop)(uc, run)
    except SourceError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("The figures go in now.") if allow else _("The figures were dropped; nothing was changed."))
    return redirect("backoffice:source_run", pk, run)


@screen(Permission.EDIT_STOCK)
def source_columns(request: MemberRequest, pk: int) -> HttpResponse:
    """Which column is what, beside the file's first rows."""
    source = _with_files(pk)
    form = ColumnsForm(source, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with use_case("set.source", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                source_setup.map_columns(uc, pk, form.shape(), form.columns(), form.places())
        except SourceError as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _("Saved. Switch the source on, or look now, when it looks right."))
            return redirect("backoffice:source", pk)
    context = {
        "title": _("Columns"), "source": source, "form": form, "found": form.found, "pull": source_kinds.manifest_of(source.kind).pull,
        "file_form": FileForm(),
    }  # fmt: skip
    return show(request, "backoffice/source_columns.html", context, status=422 if form.errors else 200)


@require_POST
@screen(Permission.EDIT_STOCK)
def look_at_source(request: MemberRequest, pk: int) -> HttpResponse:
    """Fetch the file, or take the one that was brought, only to show its first rows."""
    source = _with_files(pk)
    try:
        if (file := request.FILES.get("file")) is not None:
            path = _keep(file)
            try:
                source_samples.look_into(source, path, request.user.actor)
            finally:
                path.unlink(missing_ok=True)
        elif source_kinds.manifest_of(source.kind).pull:
            source_samples.look(source, request.user.actor)
    except SourceError as error:
        messages.error(request, told(error))
    return redirect("backoffice:source_columns", pk)


def _with_files(pk: int) -> StockSource:
    source = get_object_or_404(StockSource.objects.select_related("location", "credentials"), pk=pk)
    if not source_kinds.manifest_of(source.kind).file:
        raise Http404(source.kind)
    return source


@require_POST
@screen(Permission.EDIT_STOCK)
def upload(request: MemberRequest, pk: int) -> HttpResponse:
    """Take in a file that a person brings; the run shows how it goes."""
    source = _with_files(pk)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return show_source(request, pk, form=form)
    path = _keep(form.cleaned_data["file"])
    try:
        ready = source_samples.ready(source, path, request.user.actor)
    except SourceError as error:
        ready = False
        messages.error(request, told(error))
    if not ready:
        path.unlink(missing_ok=True)
        messages.info(request, _("Say which column is what; then bring the file in once more."))
        return redirect("backoffice:source_columns", pk)
    work = (source, path, form.cleaned_data["file"].name or "", request.user.actor, form.cleaned_data["as_of"])
    in_background(*work)
    messages.success(request, _("The file is being read; its run stands below in a moment."))
    return redirect("backoffice:source", pk)


def _keep(file: UploadedFile[bytes]) -> Path:
    _tidy(uploads.folder())
    return uploads.keep(file, PREFIX)


def _tidy(folder: Path) -> None:
    """Remove files of uploads whose process was killed: none takes a day."""
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # somebody else was quicker
            if time.time() - left.stat().st_mtime > LEFT_BEHIND:
                left.unlink()


def in_background(source: StockSource, path: Path, name: str, actor: str, as_of: datetime | None) -> None:
    """Nobody waits for it; the run's own row tells how it ends."""

    def work() -> None:
        try:
            take_in(source, path, name, actor, as_of)
        finally:
            connection.close()

    threading.Thread(target=work, name=f"source {source.pk}", daemon=True).start()


def take_in(source: StockSource, path: Path, name: str, actor: str, as_of: datetime | None) -> None:
    """Take in a file that was kept, and remove it."""
    try:
        with organisation_scope(source.organisation_id):
            source_samples.take_file(source, path, name, actor, as_of)
    except Exception:
        log.exception("source %s: the file could not be taken in", source.pk)
    finally:
        path.unlink(missing_ok=True)
