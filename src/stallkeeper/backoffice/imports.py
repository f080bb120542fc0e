"""Imports: a file comes in, is tried without changing anything or taken in for good, and its problems go back by row and column."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget

from stallkeeper.backoffice import import_jobs
from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.export_tables import FORMS
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.catalog.imports.runs import close_interrupted
from stallkeeper.catalog.imports.sheets import problems_xlsx, template_xlsx
from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.core.people import Permission
from stallkeeper.stock.imports import LAYOUTS
from stallkit.tables.texts import MOST_BYTES

SHOWN = 100
ENCODINGS = (
    ("", gettext_lazy("found out by itself (UTF-8)")),
    ("windows-1250", gettext_lazy("windows-1250: Polish, Romanian, Czech, Hungarian")),
    ("windows-1251", gettext_lazy("windows-1251: Russian, Bulgarian")),
    ("windows-1252", gettext_lazy("windows-1252: western Europe")),
    ("utf-16-le", gettext_lazy("UTF-16, little end first")),
    ("utf-16-be", gettext_lazy("UTF-16, big end first")),
)


def encoding_field() -> forms.ChoiceField:
    """How the letters of a CSV file are written, for whoever has to say it."""
    return forms.ChoiceField(
        label=gettext_lazy("Encoding"),
        choices=ENCODINGS,
        required=False,
        help_text=gettext_lazy("Only for CSV, if letters come out wrong."),
    )


class ImportForm(LookMixin, forms.Form):
    """Which file, what is in it, and whether it is only tried."""

    kind = forms.ChoiceField(label=gettext_lazy("What it holds"), choices=list(import_jobs.KINDS.items()))
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("XLSX or CSV"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.txt"}),
    )
    encoding = encoding_field()
    dry_run = forms.BooleanField(
        label=gettext_lazy("Only try it"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Everything is checked, nothing is changed."),
    )

    allow_many_zeroings = forms.BooleanField(
        label=gettext_lazy("Many falls to zero are right"),
        required=False,
        help_text=gettext_lazy("A stock file that would empty much at once is stopped unless you say so."),
    )

    def clean_file(self) -> UploadedFile[bytes]:
        """XLSX and CSV only, and not larger than a machine can bear."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if not (file.name or "").lower().endswith((".xlsx", ".csv", ".txt")):
            raise ValidationError(_("Choose an XLSX or CSV file."))
        if (file.size or 0) > MOST_BYTES:
            raise ValidationError(_("The file is larger than {most} MB; split it.").format(most=MOST_BYTES // 1_000_000))
        return file


@screen(Permission.EDIT_CATALOGUE)
def imports(request: MemberRequest) -> HttpResponse:
    """The form, and what came in before."""
    close_interrupted(request.organisation.pk)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return redirect("backoffice:import", begin(request, form).pk)
    runs = list(ImportRun.objects.order_by("-pk")[:25])
    names = names_of({run.actor for run in runs})
    context = {
        "title": _("Import"),
        "export_list": "imports",
        "form": form,
        "kinds": import_jobs.KINDS.items(),
        "runs": [(run, import_jobs.NAMES.get(run.kind, run.kind), names.get(run.actor, "")) for run in runs],
    }
    return show(request, "backoffice/imports.html", context, status=422 if form.errors else 200)


def begin(request: MemberRequest, form: ImportForm) -> ImportRun:
    """Start what the form says; the row tells how it goes."""
    given = form.cleaned_data
    wish = import_jobs.Wish(given["kind"], given["dry_run"], given["allow_many_zeroings"], given["encoding"] or None)
    return import_jobs.start(request.organisation.pk, given["file"], wish, request.user.actor)


@screen(Permission.EDIT_CATALOGUE)
def import_run(request: MemberRequest, pk: int) -> HttpResponse:
    """One import: its progress, which renews itself until it ends, and its first problems. One whose process is gone has ended, too."""
    close_interrupted(request.organisation.pk)
    run = get_object_or_404(ImportRun, pk=pk)
    context = progress(run)
    if wants_fragment(request):
        return fragment(request, "backoffice/parts/import_progress.html", context)
    return show(request, "backoffice/import.html", {"title": run.file_name, **context})


def progress(run: ImportRun) -> dict[str, object]:
    """How far a run is, and what was wrong with its rows."""
    return {
        "run": run,
        "kind": import_jobs.NAMES.get(run.kind, run.kind),
        "running": run.state in {ImportRun.State.QUEUED, ImportRun.State.READING},
        "problems": list(ImportProblem.objects.filter(run=run, row__gt=0).order_by("row", "pk")[:SHOWN]),
        "shown": SHOWN,
    }


@screen(Permission.EDIT_CATALOGUE)
def problems_file(_request: MemberRequest, pk: int) -> HttpResponse:
    """Every problem of an import as a spreadsheet."""
    run = get_object_or_404(ImportRun, pk=pk)
    return download(problems_xlsx(run), f"problems-{run.pk}.xlsx")


@screen(Permission.EDIT_CATALOGUE)
def template_file(_request: MemberRequest, kind: str) -> HttpResponse:
    """An empty file with the columns, and what each may hold."""
    if kind not in LAYOUTS:
        raise Http404(kind)
    return download(template_xlsx(LAYOUTS[kind]), f"{kind}-template.xlsx")


def download(content: bytes, name: str, kind: str = FORMS["xlsx"]) -> HttpResponse:
    """A file to save under a name; ``kind`` is its media type."""
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
