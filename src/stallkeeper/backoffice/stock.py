"""Products and stock: the stock units with what is there, promised and free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _

from stallkeeper.backoffice.offer_rows import units_like
from stallkeeper.backoffice.paging import page
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.unit_marks import Mark, concerned, marks_of
from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.core.people import Permission, can
from stallkeeper.stock.models import Level, Location, LocationOwner

KEYS = ("sku",)
COLUMNS = 4
"""So many places get a column of their own; more are summed up."""


@dataclass(frozen=True)
class UnitRow:
    """A stock unit with its levels, own places only. A kit has none: its parts are counted."""

    unit: StockUnit
    levels: Mapping[int, Level]
    columns: Sequence[Location]
    marks: Sequence[Mark] = ()

    @property
    def counted(self) -> bool:
        return self.unit.kind == UnitKind.SINGLE and self.unit.stocked

    @property
    def on_hand(self) -> int:
        return sum(level.on_hand for level in self.levels.values())

    @property
    def allocated(self) -> int:
        return sum(level.allocated for level in self.levels.values())

    @property
    def held(self) -> int:
        return sum(level.held for level in self.levels.values())

    @property
    def free(self) -> int:
        return self.on_hand - self.allocated - self.held

    @property
    def cells(self) -> list[int]:
        """On hand by place, in the order of the columns."""
        return [self.levels[place.pk].on_hand if place.pk in self.levels else 0 for place in self.columns]


def own_places() -> list[Location]:
    """The places whose stock is ours, in the order of their priority."""
    return list(Location.objects.filter(owner=LocationOwner.MINE, active=True).order_by("priority", "id"))


def units_with(filters: Mapping[str, str]) -> QuerySet[StockUnit]:
    """The stock units in scope that fit ``q`` and ``kind``; with ``problem``: those with a shortage, a refusal or a difference."""
    units = StockUnit.objects.all()
    if text := filters.get("q", "").strip():
        units = units.filter(pk__in=units_like(text))
    if (kind := filters.get("kind", "")) in UnitKind.values:
        units = units.filter(kind=kind)
    if filters.get("problem"):
        units = units.filter(pk__in=concerned()[0])
    return units


def _alert(request: MemberRequest) -> dict[str, object]:
    """How many products something is wrong with, unless the list shows just those."""
    if request.GET.get("problem"):
        return {}
    units, all_of_them = concerned()
    return {"concerned": len(units), "concerned_capped": not all_of_them}


@screen(Permission.VIEW_STOCK)
def stock(request: MemberRequest) -> HttpResponse:
    """The list by SKU, 50 to a page."""
    shown = page(units_with(request.GET), KEYS, request.GET.get("after", ""), request.GET.get("before", ""))
    places = own_places()
    columns = places if len(places) <= COLUMNS else []
    levels: dict[int, dict[int, Level]] = {}
    for level in Level.objects.filter(stock_unit__in=[unit.pk for unit in shown.rows], location__in=places):
        levels.setdefault(level.stock_unit_id, {})[level.location_id] = level
    marks = marks_of(shown.rows)
    context = {
        "title": _("Products and stock"),
        "export_list": "stock",
        "page": shown,
        "rows": [UnitRow(unit, levels.get(unit.pk, {}), columns, marks.get(unit.pk, ())) for unit in shown.rows],
        "columns": columns,
        "kinds": UnitKind.choices,
        "filters": request.GET,
        "may_edit": can(request.membership, Permission.EDIT_STOCK),
        "may_import": can(request.membership, Permission.EDIT_CATALOGUE),
        "filtered": any(request.GET.get(name) for name in ("q", "kind", "problem")),
        **_alert(request),
    }
    return show(request, "backoffice/stock.html", context)
