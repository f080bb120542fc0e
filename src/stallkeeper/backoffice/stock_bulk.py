"""Figures of many products at once: planned with counts and limits, then taken in like a changed report (S3.21)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from stallkeeper.backoffice import import_jobs, uploads
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.backoffice.stock_table import MOST, table_units
from stallkeeper.catalog.imports.runs import Stopped, close_interrupted
from stallkeeper.catalog.models import ImportProblem, ImportRun
from stallkeeper.core.people import Permission
from stallkeeper.stock import table_files, table_queries
from stallkeeper.stock.imports import Counted, stop_at_disaster
from stallkeeper.stock.models import Location
from stallkeeper.stock.table_files import counted_units, editable_places

EXAMPLES = 10
SHOWN = 100


class BulkForm(LookMixin, forms.Form):
    """Which products, at which place, and what becomes of the figure."""

    scope = forms.ChoiceField(
        choices=[("chosen", gettext_lazy("those that are ticked")), ("all", gettext_lazy("all that the filter finds"))]
    )
    how = forms.ChoiceField(
        choices=[("set", gettext_lazy("is")), ("add", gettext_lazy("rises by (or falls: -3)")), ("zero", gettext_lazy("is 0"))]
    )
    amount = forms.IntegerField(min_value=-MOST, max_value=MOST, required=False)
    place: forms.ModelChoiceField[Location] = forms.ModelChoiceField(queryset=None)
    reason = forms.CharField(max_length=200)
    filters = forms.CharField(required=False, widget=forms.HiddenInput)
    token = forms.RegexField(r"[0-9a-f]{12}", required=False)
    expected = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["place"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Location.objects.filter(pk__in=[place.pk for place in editable_places()])

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if cleaned.get("how") != "zero" and cleaned.get("amount") is None:
            raise forms.ValidationError(_("Say a number."))
        if cleaned.get("how") == "set" and (cleaned.get("amount") or 0) < 0:
            raise forms.ValidationError(_("A figure is 0 or more."))
        return cleaned


@dataclass(frozen=True)
class BulkPlan:
    """What would change: (unit, SKU, now, then); ``impossible`` would fall below zero and stay as they are; ``held`` asks for a word."""

    units: int
    changes: list[tuple[int, str, int, int]]
    impossible: int
    held: str

    @property
    def rises(self) -> int:
        return sum(then > now for _pk, _sku, now, then in self.changes)

    @property
    def falls(self) -> int:
        return sum(then < now for _pk, _sku, now, then in self.changes)

    @property
    def to_zero(self) -> int:
        return sum(then == 0 < now for _pk, _sku, now, then in self.changes)

    @property
    def words(self) -> str:
        """What the person has seen, to be compared when he says yes."""
        return f"{self.units}/{self.rises}/{self.falls}/{self.to_zero}/{self.impossible}"

    @property
    def examples(self) -> list[tuple[int, str, int, int]]:
        return self.changes[:EXAMPLES]


def plan(organisation_id: int, form: BulkForm, chosen: list[int]) -> BulkPlan:
    """Work out what the edit would do now. Changes nothing."""
    given, place = form.cleaned_data, form.cleaned_data["place"]
    units = counted_units().filter(pk__in=chosen) if given["scope"] == "chosen" else table_units(QueryDict(given["filters"]))
    rows = list(units.order_by("sku").values_list("pk", "sku"))
    with connection.cursor() as cursor:
        now = table_queries.on_hand(cursor, [pk for pk, _sku in rows], [place.pk])
    changes, impossible = [], 0
    for pk, sku in rows:
        before = now.get((pk, place.pk), 0)
        after = {"set": given["amount"], "add": before + (given["amount"] or 0), "zero": 0}[given["how"]]
        if after < 0 or after > MOST:
            impossible += 1
        elif after != before:
            changes.append((pk, sku, before, after))
    held = ""
    try:
        stop_at_disaster(
            organisation_id, [Counted(0, pk, place.pk, after, None) for pk, _sku, _now, after in changes], {place.pk: place.code}
        )
    except Stopped as stopped:
        held = str(stopped).split(" Nothing was changed.", maxsplit=1)[0]
    return BulkPlan(len(rows), changes, impossible, held)


@require_POST
@screen(Permission.EDIT_STOCK)
def stock_bulk(request: MemberRequest) -> HttpResponse:
    """POST counts what the edit would change; POST with ``sure`` begins it, if it still would change the same."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("backoffice:stock_table")
    chosen = [int(value) for value in request.POST.getlist("unit") if value.isdecimal()]
    found = plan(request.organisation.pk, form, chosen)
    sure, seen = request.POST.get("sure"), form.cleaned_data["expected"] == found.words
    if found.changes and sure and seen and (not found.held or request.POST.get("allow")):
        return redirect("backoffice:stock_run", _begin(request, form, found).pk)
    given = {name: request.POST.get(name, "") for name in ("scope", "how", "amount", "place", "reason", "filters")}
    context = {
        "title": _("What this changes"),
        "plan": found,
        "place": form.cleaned_data["place"],
        "hidden": [*given.items(), *(("unit", str(pk)) for pk in chosen if given["scope"] == "chosen")],
        "token": form.cleaned_data["token"] or uuid4().hex[:12],
        "moved": bool(sure) and not seen,
    }
    return show(request, "backoffice/stock_bulk.html", context)


def _begin(request: MemberRequest, form: BulkForm, found: BulkPlan) -> ImportRun:
    """The changes as a file of the table, taken in while the page shows how far it is. The same yes, said twice, counts once."""
    given, path = form.cleaned_data, uploads.new_file()
    table_files.write_changes(path, given["place"], given["token"] or uuid4().hex[:12], [row[1:] for row in found.changes])
    wish = import_jobs.Wish(table_files.KIND, dry_run=False, allow_many_zeroings=True)
    return import_jobs.start_file(request.organisation.pk, path, given["reason"], wish, request.user.actor)


@screen(Permission.EDIT_STOCK)
def stock_run(request: MemberRequest, pk: int) -> HttpResponse:
    """How far an edit of many, or a report that came back, is; and what was refused of it."""
    close_interrupted(request.organisation.pk)
    run = get_object_or_404(ImportRun, pk=pk, kind=table_files.KIND)
    context = {
        **{"title": run.file_name, "run": run, "kind": import_jobs.NAMES[run.kind], "shown": SHOWN, "of_table": True},
        "running": run.state in {ImportRun.State.QUEUED, ImportRun.State.READING},
        "problems": list(ImportProblem.objects.filter(run=run, row__gt=0).order_by("row", "pk")[:SHOWN]),
    }
    if wants_fragment(request):
        return fragment(request, "backoffice/parts/import_progress.html", context)
    return show(request, "backoffice/stock_run.html", context)
