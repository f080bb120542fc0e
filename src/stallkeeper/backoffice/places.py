"""Places: where stock lies, in which order orders are served from them; adding one, changing one."""

from __future__ import annotations

import msgspec
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.backoffice.sending_plan import REFUSALS, proposed
from stallkeeper.backoffice.words import told
from stallkeeper.channels.proposals import PlaceChange, Proposal
from stallkeeper.core.people import Permission, can
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import BY_HAND, Location, LocationOwner, StockSource
from stallkeeper.stock.places import Changes, PlaceError, change, create_location, moves_figures

REAL_OWNERS = [(value, label) for value, label in LocationOwner.choices if value != LocationOwner.VIRTUAL]


class FactsForm(LookMixin, forms.Form):
    """What can be said of a place, new or old."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    owner = forms.ChoiceField(label=gettext_lazy("Whose stock"), choices=REAL_OWNERS)
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        initial=100,
        min_value=0,
        max_value=10_000,
        help_text=gettext_lazy("Orders are served from the lowest number first."),
    )
    sellable = forms.BooleanField(label=gettext_lazy("What lies there may be sold"), required=False, initial=True)


class PlaceForm(FactsForm):
    """A new place."""

    code = forms.SlugField(label=gettext_lazy("Code"), max_length=30, help_text=gettext_lazy("Stands in files that you import."))
    field_order = ("code",)


class ChangeForm(FactsForm):
    """A place that is there. Its code stays: files and commands name it."""

    allows_backorder = forms.BooleanField(
        label=gettext_lazy("More may be promised than there is"),
        required=False,
        help_text=gettext_lazy("Taken away, promises beyond what is there go short, the latest dispatch dates first."),
    )
    active = forms.BooleanField(label=gettext_lazy("In use"), required=False)

    def change(self) -> PlaceChange:
        """What differs from what is in force."""
        return msgspec.convert({name: self.cleaned_data[name] for name in self.changed_data}, PlaceChange)


@screen(Permission.VIEW_STOCK, changing=Permission.EDIT_STOCK)
def places(request: MemberRequest) -> HttpResponse:
    """The list and, for those who may, the form for one more."""
    may_edit = can(request.membership, Permission.EDIT_STOCK)
    form = PlaceForm(request.POST or None) if may_edit else None
    if request.method == "POST" and form and form.is_valid() and create_place(request, form):
        return redirect("backoffice:places")
    brought = {source.location_id: source for source in StockSource.objects.filter(enabled=True).exclude(kind__in=BY_HAND)}
    context = {
        "title": _("Places"),
        "export_list": "places",
        "brought": brought,
        "places": Location.objects.exclude(owner=LocationOwner.VIRTUAL).order_by("priority", "id"),
        "form": form,
        "may_edit": may_edit,
    }
    return show(request, "backoffice/places.html", context, status=422 if form and form.errors else 200)


def create_place(request: MemberRequest, form: PlaceForm) -> bool:
    """Make the place; False if it cannot be made so, which the form then says."""
    given = form.cleaned_data
    try:
        with use_case("create.place", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
            create_location(
                uc,
                code=given["code"],
                name=given["name"],
                owner=LocationOwner(given["owner"]),
                priority=given["priority"],
                sellable=given["sellable"],
            )
    except PlaceError as error:
        form.add_error(None, told(error))
        return False
    messages.success(request, _("{name} is there. Choose in a channel's rules whether it sells from it.").format(name=given["name"]))
    return True


@screen(Permission.EDIT_STOCK)
def place(request: MemberRequest, pk: int) -> HttpResponse:
    """One place. POST makes the plan of which offers would show another number; where none would, it is saved at once."""
    shown = get_object_or_404(Location.objects.exclude(owner=LocationOwner.VIRTUAL), pk=pk)
    form = ChangeForm(request.POST or None, initial={name: getattr(shown, name) for name in ChangeForm.base_fields})
    if request.method == "POST" and form.is_valid() and (answer := _try(request, form, pk)):
        return answer
    context = {"title": shown.name, "place": shown, "form": form}
    return show(request, "backoffice/place.html", context, status=422 if form.errors else 200)


def _try(request: MemberRequest, form: ChangeForm, pk: int) -> HttpResponse | None:
    """To the plan, or back; None if the place cannot be changed so, which the form then says."""
    change = form.change()
    try:
        if moves_figures(change.fields()):
            return proposed(request, Proposal(places={pk: change}), "backoffice:places")
        _changed(request, pk, change.fields())
    except REFUSALS as error:
        form.add_error(None, told(error))
        return None
    messages.success(request, _("{name} is saved.").format(name=form.cleaned_data["name"]))
    return redirect("backoffice:places")


@again_on_conflict
def _changed(request: MemberRequest, pk: int, changes: Changes) -> None:
    with use_case("change.place", organisation_id=request.organisation.pk, actor=request.user.actor) as uc:
        change(uc, pk, changes)
