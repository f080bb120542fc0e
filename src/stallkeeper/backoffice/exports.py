"""Taking a list away: a short one at once, a long one made in the background, with a link to whoever asked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import export_jobs
from stallkeeper.backoffice.export_lists import LISTS, Listed
from stallkeeper.backoffice.export_tables import FORMS, Table, write
from stallkeeper.backoffice.imports import download
from stallkeeper.backoffice.paging import COUNT_LIMIT, count_up_to_limit
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.core import clock, file_exports
from stallkeeper.core.models import FileExport
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.sync import wake

AT_ONCE = 2_000
"""Rows of a list that are worth waiting for; longer ones are made by a worker."""
SHOWN = 30


def _listed(request: MemberRequest, kind: str) -> Listed:
    listed = LISTS.get(kind)
    if listed is None:
        raise Http404(kind)
    if not can(request.membership, listed.permission):
        raise PermissionDenied(str(listed.permission))
    return listed


@require_POST
@screen(Permission.VIEW_STOCK)
def export(request: MemberRequest, kind: str) -> HttpResponse:
    """The list as the filters of its page narrow it: the file itself if it is short, else its place among the exports."""
    listed, form = _listed(request, kind), request.POST.get("form", "")
    filters = QueryDict(request.POST.get("filters", "")).urlencode()
    if form not in FORMS:
        raise Http404(form)
    table = listed.table(QueryDict(filters))
    rows = count_up_to_limit(table.rows)
    if rows <= AT_ONCE:
        return _at_once(request, kind, filters, form, table)
    return _later(request, kind, filters, form, rows)


def _at_once(request: MemberRequest, kind: str, filters: str, form: str, table: Table[Any]) -> HttpResponse:
    with tempfile.TemporaryDirectory(prefix="stallkeeper-export-") as folder:
        target = Path(folder) / "file"
        rows = write(target, table, str(LISTS[kind].title), form, lambda _rows: None)
        with use_case("note.export", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            file_exports.note(uc, kind, filters, form, rows)
        return download(target.read_bytes(), _file_name(kind, form), FORMS[form])


def _later(request: MemberRequest, kind: str, filters: str, form: str, rows: int) -> HttpResponse:
    language, zone = get_language() or "en", timezone.get_current_timezone_name()
    with use_case("ask.export", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        asked = file_exports.ask(uc, request.user, kind, filters, form, rows, language, zone)
    wake.defer([export_jobs.job(asked.organisation_id, asked.pk)])
    messages.success(request, _("The list is long: its file is made in the background. The link appears here."))
    return redirect("backoffice:exports")


@screen(Permission.VIEW_STOCK)
def exports(request: MemberRequest) -> HttpResponse:
    """What this person has asked for in the last days. Renews itself while something is being made."""
    found = list(FileExport.objects.filter(user=request.user).order_by("-asked_at", "-pk")[:SHOWN])
    rows = [(each, LISTS[each.kind].title if each.kind in LISTS else each.kind) for each in found]
    under_way = any(each.state in {FileExport.State.WAITING, FileExport.State.MAKING} for each in found)
    context = {"title": _("Exports"), "rows": rows, "under_way": under_way, "limit": COUNT_LIMIT}
    if wants_fragment(request):
        return fragment(request, "backoffice/parts/export_table.html", context)
    return show(request, "backoffice/exports.html", context)


@screen(Permission.VIEW_STOCK)
def export_file(request: MemberRequest, pk: int) -> HttpResponse:
    """The file, to whoever asked for it and may still have it."""
    found = get_object_or_404(FileExport, pk=pk, user=request.user, state=FileExport.State.DONE)
    _listed(request, found.kind)
    # All pieces are read at once: the scope of the organisation ends with the view. A million rows are some 60 MB.
    return download(b"".join(file_exports.content(found)), _file_name(found.kind, found.form, found), FORMS[found.form])


def _file_name(kind: str, form: str, found: FileExport | None = None) -> str:
    return f"{kind}-{timezone.localtime(found.asked_at if found else clock.now()):%Y-%m-%d-%H%M}.{form}"
