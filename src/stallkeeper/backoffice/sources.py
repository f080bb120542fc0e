"""Sources: where places get their numbers from; their state, their agreement, a look now."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.source_forms import FileForm, SourceForm
from stallkeeper.backoffice.source_rows import RunRow, SourceRow, title_of
from stallkeeper.backoffice.words import told
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import BY_HAND, COPIES, TYPED, StockSource
from stallkeeper.stock.sources import SourceError
from stallkeeper.sync import source_kinds, source_samples
from stallkit.sources.manifest import SourceManifest

RUNS = 25


@screen(Permission.VIEW_STOCK)
def sources(request: MemberRequest) -> HttpResponse:
    """All sources with their state; for those who may, the kinds of which one more can be added."""
    rows = [SourceRow(source) for source in StockSource.objects.select_related("location").order_by("location__priority", "name")]
    offered = [manifest for manifest in source_kinds.kinds().values() if manifest.kind != TYPED]
    may_edit = can(request.membership, Permission.EDIT_STOCK)
    context = {"title": _("Sources"), "export_list": "sources", "rows": rows, "kinds": offered, "may_edit": may_edit}
    return show(request, "backoffice/sources.html", context)


@screen(Permission.EDIT_STOCK)
def add_source(request: MemberRequest, kind: str) -> HttpResponse:
    """A new source of this kind; it stays switched off."""
    manifest = source_kinds.kinds().get(kind)
    if manifest is None or kind == TYPED:
        raise Http404(kind)
    form = SourceForm(manifest, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            settings = source_kinds.check(kind, form.values())
            with use_case("set.source", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                place = form.cleaned_data["location"]
                made = source_setup.add(uc, place, kind, settings.shown, settings.hidden, form.terms())
        except SourceError as error:
            form.add_error(None, told(error))
        else:
            note = _("{name} is there.") if kind in BY_HAND else _("{name} is there, and switched off.")
            messages.success(request, note.format(name=made.name))
            return redirect(_next_page(manifest), made.pk)
    context = {"title": _("Add a source"), "manifest": manifest, "form": form}
    return show(request, "backoffice/source_form.html", context, status=422 if form.errors else 200)


def _next_page(manifest: SourceManifest) -> str:
    """Where a new source is agreed upon further: its columns, what 1C needs, or nothing more."""
    if manifest.kind == source_kinds.COMMERCEML:
        return "backoffice:exchange"
    return "backoffice:source_columns" if manifest.file else "backoffice:source"


@screen(Permission.VIEW_STOCK)
def source(request: MemberRequest, pk: int) -> HttpResponse:
    """One source: what is agreed, how it does, its last runs, and what can be done."""
    return show_source(request, pk)


def show_source(request: MemberRequest, pk: int, *, token: str = "", form: FileForm | None = None) -> HttpResponse:
    """The page of a source; ``token`` is a new key, shown this once."""
    shown = get_object_or_404(StockSource.objects.select_related("location"), pk=pk)
    source_samples.close_interrupted(shown)
    may_edit = can(request.membership, Permission.EDIT_STOCK)
    manifest = source_kinds.manifest_of(shown.kind)
    context = {
        "title": shown.name,
        "source": shown,
        "row": SourceRow(shown),
        "manifest": manifest,
        "whence": _whence(shown, manifest) if may_edit or shown.kind in COPIES else [],
        "runs": [RunRow(run) for run in shown.runs.defer("body").order_by("-pk")[:RUNS]],
        "may_edit": may_edit,
        "token": token,
        "form": (form or FileForm()) if shown.kind == source_kinds.UPLOAD else None,
    }
    return show(request, "backoffice/source.html", context, status=422 if form and form.errors else 200)


def _whence(source: StockSource, manifest: SourceManifest) -> list[tuple[str, str]]:
    """What it reads, by the names of its settings. An address may hold a key, so it is for those who may change it."""
    said = {setting.name: told(setting.label) for setting in manifest.settings if setting.required}
    return [(label, source.config[name]) for name, label in said.items() if source.config.get(name)]


@screen(Permission.EDIT_STOCK)
def edit_source(request: MemberRequest, pk: int) -> HttpResponse:
    """Change what is agreed, and the settings."""
    shown = get_object_or_404(StockSource.objects.select_related("location", "credentials"), pk=pk)
    manifest = source_kinds.manifest_of(shown.kind)
    form = SourceForm(manifest, request.POST or None, source=shown)
    if request.method == "POST" and form.is_valid():
        try:
            settings = source_kinds.check(shown.kind, form.values())
            with use_case("set.source", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
                source_setup.change(uc, pk, form.terms(), settings.shown, settings.hidden)
        except SourceError as error:
            form.add_error(None, told(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("backoffice:source", pk)
    context = {"title": title_of(shown), "manifest": manifest, "form": form, "source": shown}
    return show(request, "backoffice/source_form.html", context, status=422 if form.errors else 200)


@require_POST
@screen(Permission.EDIT_STOCK)
def turn_source(request: MemberRequest, pk: int) -> HttpResponse:
    """Switch a source on or off."""
    get_object_or_404(StockSource, pk=pk)
    enabled = request.POST.get("enabled") == "1"
    try:
        with use_case("set.source", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            source_setup.turn(uc, pk, enabled)
    except SourceError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("It is on.") if enabled else _("It is off; the numbers stay as they are."))
    return redirect("backoffice:source", pk)


@require_POST
@screen(Permission.EDIT_STOCK)
def ask_source(request: MemberRequest, pk: int) -> HttpResponse:
    """Look now, whatever the schedule says."""
    get_object_or_404(StockSource, pk=pk)
    try:
        with use_case("set.source", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            source_setup.ask_now(uc, pk)
    except SourceError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("It is asked now; its run stands below in a moment."))
    return redirect("backoffice:source", pk)


@require_POST
@screen(Permission.EDIT_STOCK)
def source_token(request: MemberRequest, pk: int) -> HttpResponse:
    """A new key for the program that sends figures, shown once; the one before ends."""
    if get_object_or_404(StockSource, pk=pk).kind != source_kinds.API:
        messages.error(request, _("Nobody sends figures to this source; it needs no key."))
        return redirect("backoffice:source", pk)
    with use_case("set.source", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        token = source_setup.issue_token(uc, pk)
    return show_source(request, pk, token=token)
