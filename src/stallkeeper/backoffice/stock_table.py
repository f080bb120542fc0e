"""The stock table: products by places, figures typed in place with a reason; its report and the same file back (S3.21, S3.22)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from django import forms
from django.contrib import messages
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminFileFieldWidget

from stallkeeper.backoffice import import_jobs
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.imports import download
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.catalog.models import Identifier, StockUnit
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import table_files
from stallkeeper.stock.editing import Edit, Edited, EditError, edit
from stallkeeper.stock.models import Level, Location
from stallkeeper.stock.table_files import counted_units, editable_places
from stallkit.tables.texts import MOST_BYTES

KEYS = ("sku",)
COLUMNS = 12
"""So many places are shown at once; of more, one can be chosen."""
CELL = re.compile(r"cell_(\d{1,18})_(\d{1,18})_(\d{1,10})")
"""The name of a cell's field: unit, place, and the figure that stands there."""
MOST = 2_000_000_000
STATES: dict[str, str | Promise] = {
    "some": gettext_lazy("something there"),
    "none": gettext_lazy("nothing there"),
    "promised": gettext_lazy("all of it promised or held"),
}


@dataclass(frozen=True)
class CellOf:
    """A figure of the table; ``problem`` says why what was ``typed`` was not taken: without one, it may be sent again as it stands."""

    place: Location
    on_hand: int
    promised: int
    name: str
    typed: str = ""
    problem: str = ""

    @property
    def value(self) -> str:
        """What stands in the field."""
        return self.typed if self.typed and not self.problem else str(self.on_hand)


@dataclass(frozen=True)
class Row:
    """A unit with its cells, in the order of the columns."""

    unit: StockUnit
    cells: Sequence[CellOf]


@dataclass
class Typed:
    """What was posted of the table: edits that can be, and what is wrong with the others by (unit, place): (typed, why).

    ``kept``: the edits by (unit, place) that only want a reason.
    """

    edits: list[Edit] = field(default_factory=list)
    wrong: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    kept: dict[tuple[int, int], Edit] = field(default_factory=dict)

    @classmethod
    def read(cls, posted: QueryDict) -> Typed:
        """Cells that differ from the figure that they were shown with."""
        typed = cls()
        for name, value in posted.items():
            if match := CELL.fullmatch(name):
                unit, place, seen = map(int, match.groups())
                text = str(value).strip()
                if text == str(seen):
                    continue
                if text.isdecimal() and int(text) <= MOST:
                    typed.edits.append(Edit(unit, place, seen, int(text)))
                else:
                    typed.wrong[unit, place] = (text, _("A whole number, 0 or more."))
        return typed


def table_units(filters: Mapping[str, str]) -> QuerySet[StockUnit]:
    """Counted units that fit ``q`` (SKU, title, code), ``category``, and ``state`` at the place ``at`` (or at any)."""
    units = counted_units()
    if text := filters.get("q", "").strip():
        coded = Identifier.objects.filter(value=text).values("stock_unit_id")
        units = units.filter(Q(sku__icontains=text) | Q(title__icontains=text) | Q(pk__in=coded))
    if category := filters.get("category", "").strip():
        units = units.filter(pk__in=StockUnit.objects.filter(variants__product__category=category).values("pk"))
    levels = Level.objects.filter(stock_unit=OuterRef("pk"), location__in=[place.pk for place in _chosen(filters, editable_places())])
    there = Exists(levels.filter(on_hand__gt=0))
    states = {"some": there, "none": ~there, "promised": Exists(levels.filter(on_hand__gt=0, on_hand__lte=F("allocated") + F("held")))}
    state = states.get(filters.get("state", ""))
    return units if state is None else units.filter(state)


def _chosen(filters: Mapping[str, str], places: Sequence[Location]) -> list[Location]:
    """The place that was chosen, or all."""
    return [place for place in places if str(place.pk) == filters.get("at")] or list(places)


class FileForm(LookMixin, forms.Form):
    """The report with changed figures."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A report of this table, in which you have changed figures: XLSX, or saved as CSV."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.txt"}),
    )
    dry_run = forms.BooleanField(label=gettext_lazy("Only try it"), required=False)
    allow_many_zeroings = forms.BooleanField(label=gettext_lazy("Many falls to zero are right"), required=False)

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        if (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than {most} MB; split it.").format(most=MOST_BYTES // 1_000_000))
        return file


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_STOCK)
def stock_table(request: MemberRequest) -> HttpResponse:
    """The table by SKU, 50 to a page; POST enters what was typed into it."""
    if request.method != "POST":
        return show_table(request, request.GET, Typed(), "")
    filters, reason, typed = QueryDict(request.POST.get("filters", "")), request.POST.get("reason", ""), Typed.read(request.POST)
    try:
        done = _enter(request, typed.edits, reason)
    except EditError:
        typed.kept = {(each.unit_id, each.location_id): each for each in typed.edits}
        messages.error(request, _("Say why these figures are others. Nothing was entered."))
        return show_table(request, filters, typed, reason)
    if done.changed:
        said = ngettext("{count} figure was entered.", "{count} figures were entered.", done.changed)
        messages.success(request, said.format(count=done.changed))
    for each, now in done.stale:
        why = _("It is {now} by now, not {seen}: something moved. Look, and type it again.")
        typed.wrong[each.unit_id, each.location_id] = (str(each.on_hand), why.format(now=now, seen=each.seen))
    if typed.wrong:
        messages.warning(request, _("What is marked was not entered."))
        return show_table(request, filters, typed, reason)
    return redirect(f"{reverse('backoffice:stock_table')}?{filters.urlencode()}")


@again_on_conflict
def _enter(request: MemberRequest, edits: Sequence[Edit], reason: str) -> Edited:
    """Edits of units and places that are ours and in the table; others are passed over."""
    units = set(counted_units().filter(pk__in=[each.unit_id for each in edits]).values_list("pk", flat=True))
    places = {place.pk for place in editable_places()}
    ours = [each for each in edits if each.unit_id in units and each.location_id in places]
    with use_case("edit.stock", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return edit(uc, ours, reason)


def show_table(request: MemberRequest, filters: QueryDict, typed: Typed, reason: str) -> HttpResponse:
    """A page of the table. Its number of statements does not depend on the rows."""
    places = editable_places()
    columns = _chosen(filters, places)[:COLUMNS]
    shown = page(table_units(filters), KEYS, filters.get("after", ""), filters.get("before", ""))
    found = Level.objects.filter(stock_unit__in=[unit.pk for unit in shown.rows], location__in=columns)
    levels = {(level.stock_unit_id, level.location_id): level for level in found}
    context = {
        "title": _("Stock table"),
        "page": shown,
        "rows": [Row(unit, [_cell(unit, place, levels, typed) for place in columns]) for unit in shown.rows],
        **{"columns": columns, "places": places, "hidden": len(_chosen(filters, places)) - len(columns), "states": STATES.items()},
        **{"filters": filters, "query": filters.urlencode(), "reason": reason, "file_form": FileForm()},
        "filtered": any(filters.get(name) for name in ("q", "at", "state", "category")),
        "may_edit": can(request.membership, Permission.EDIT_STOCK),
        "may_import": can(request.membership, Permission.EDIT_CATALOGUE),
    }
    return show(request, "backoffice/stock_table.html", context, status=422 if typed.wrong or typed.kept else 200)


def _cell(unit: StockUnit, place: Location, levels: Mapping[tuple[int, int], Level], typed: Typed) -> CellOf:
    level = levels.get((unit.pk, place.pk))
    on_hand, promised = (level.on_hand, level.allocated + level.held) if level else (0, 0)
    if kept := typed.kept.get((unit.pk, place.pk)):
        return CellOf(place, on_hand, promised, f"cell_{unit.pk}_{place.pk}_{kept.seen}", str(kept.on_hand))
    text, problem = typed.wrong.get((unit.pk, place.pk), ("", ""))
    return CellOf(place, on_hand, promised, f"cell_{unit.pk}_{place.pk}_{on_hand}", text, problem)


@screen(Permission.VIEW_STOCK)
def stock_report(request: MemberRequest) -> HttpResponse:
    """The table as it is filtered, all pages of it, as a workbook to read, to keep, or to change and bring back."""
    places = _chosen(request.GET, editable_places())
    with TemporaryDirectory() as folder:
        target = Path(folder) / "stock.xlsx"
        table_files.write_report(target, table_units(request.GET), places)
        return download(target.read_bytes(), f"stock-{timezone.localtime(clock.now()):%Y-%m-%d-%H%M}.xlsx")


@require_POST
@screen(Permission.EDIT_STOCK)
def stock_file(request: MemberRequest) -> HttpResponse:
    """A report that was changed comes back: only what was changed in it is taken in."""
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("backoffice:stock_table")
    given = form.cleaned_data
    wish = import_jobs.Wish(table_files.KIND, given["dry_run"], given["allow_many_zeroings"])
    run = import_jobs.start(request.organisation.pk, given["file"], wish, request.user.actor)
    return redirect("backoffice:stock_run", run.pk)
