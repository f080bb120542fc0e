"""One stock unit: where it is, who was promised it, how it moved; and putting a level right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.forms import AdjustForm
from stallkeeper.backoffice.kept_rows import kept_context
from stallkeeper.backoffice.offer_rows import OfferRow, row
from stallkeeper.backoffice.screens import MemberRequest, fragment, screen, show, wants_fragment
from stallkeeper.backoffice.stock import own_places
from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.channels.models import Offer
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import ledger
from stallkeeper.stock.models import Level, Location, Movement, Reservation

LAST = 15


@dataclass(frozen=True)
class PlaceRow:
    """A place with the level of the unit there (None: it never was there) and the form to put it right."""

    place: Location
    level: Level | None
    form: AdjustForm | None

    @property
    def free(self) -> int:
        return self.level.on_hand - self.level.allocated - self.level.held if self.level else 0


@dataclass(frozen=True)
class Promise:
    """A reservation and whom it is for."""

    reservation: Reservation
    line: OrderLine | None


@screen(Permission.VIEW_STOCK)
def unit(request: MemberRequest, pk: int) -> HttpResponse:
    """The panel, or a page of its own when it is opened by its address."""
    return show_unit(request, get_object_or_404(StockUnit, pk=pk))


def show_unit(
    request: MemberRequest,
    shown: StockUnit,
    note: str = "",
    wrong: AdjustForm | None = None,
    wrong_place: int = 0,
    came_back: Mapping[str, forms.Form] | None = None,
) -> HttpResponse:
    """The unit with everything about it; ``wrong`` is a form that came back with errors for ``wrong_place``, ``came_back`` are others."""
    context = {
        "title": shown.sku,
        "unit": shown,
        "places": place_rows(request, shown, wrong, wrong_place),
        "components": list(shown.components.select_related("component").order_by("pk")),
        "identifiers": list(shown.identifiers.order_by("kind", "value")),
        "offers": offers_of(shown),
        "promises": promises(shown),
        "movements": movements_of(shown),
        "note": note,
        **kept_context(request, shown, came_back or {}),
    }
    if wants_fragment(request):
        return fragment(request, "backoffice/unit_panel.html", context)
    return show(request, "backoffice/unit.html", context)


def place_rows(request: MemberRequest, shown: StockUnit, wrong: AdjustForm | None, wrong_place: int) -> list[PlaceRow]:
    """Own places with the unit's levels. Kits and units that are not counted have none."""
    if shown.kind == UnitKind.KIT or not shown.stocked:
        return []
    levels = {level.location_id: level for level in Level.objects.filter(stock_unit=shown)}
    may_edit = can(request.membership, Permission.EDIT_STOCK)
    rows = []
    for place in own_places():
        level = levels.get(place.pk)
        form = (
            wrong
            if wrong_place == place.pk
            else AdjustForm(initial={"on_hand": level.on_hand if level else 0}, auto_id=f"id_{place.pk}_%s")
        )
        rows.append(PlaceRow(place, level, form if may_edit else None))
    return rows


def offers_of(shown: StockUnit) -> list[OfferRow]:
    offers = Offer.objects.filter(stock_unit=shown).select_related("channel", "stock_unit", "price").order_by("channel_id", "sku")
    return [row(offer) for offer in offers[:50]]


def movements_of(shown: StockUnit) -> list[tuple[Movement, str]]:
    """The last movements with who made them."""
    rows = Movement.objects.filter(stock_unit=shown).select_related("from_location", "to_location").order_by("-recorded_at", "-pk")
    found = list(rows[:LAST])
    actors = names_of({movement.actor for movement in found})
    return [(movement, actors.get(movement.actor, "")) for movement in found]


def promises(shown: StockUnit) -> list[Promise]:
    """Who was promised the unit: order lines by their dispatch date, and holds."""
    found = list(Reservation.objects.filter(stock_unit=shown).select_related("location").order_by("due_at", "pk")[:50])
    lines = OrderLine.objects.select_related("order").in_bulk([each.owner_id for each in found if each.owner_type == "line"])
    return [Promise(each, lines.get(each.owner_id) if each.owner_type == "line" else None) for each in found]


@require_POST
@screen(Permission.EDIT_STOCK)
def adjust(request: MemberRequest, pk: int, place: int) -> HttpResponse:
    """Say what is really at a place: a movement with the reason brings the ledger there."""
    shown = get_object_or_404(StockUnit, pk=pk, kind=UnitKind.SINGLE, stocked=True)
    where = get_object_or_404(Location.objects.exclude(owner="virtual"), pk=place)
    form = AdjustForm(request.POST, auto_id=f"id_{place}_%s")
    if not form.is_valid():
        return show_unit(request, shown, wrong=form, wrong_place=place)
    on_hand, reason = form.cleaned_data["on_hand"], form.cleaned_data["reason"]
    changed = _adjusted(request, shown, where, on_hand, reason)
    note = _("{place}: {count} units now.") if changed else _("{place}: it was {count} already.")
    return show_unit(request, shown, note.format(place=where.name, count=on_hand))


@again_on_conflict
def _adjusted(request: MemberRequest, unit: StockUnit, place: Location, on_hand: int, reason: str) -> bool:
    with use_case("adjust.stock", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        return ledger.adjust(uc, unit, place, on_hand, reason)
