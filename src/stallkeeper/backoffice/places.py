"""Places: where stock lies, in which order orders are served from them; adding one."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import Location, LocationOwner
from stallkeeper.stock.places import PlaceError, create_location

REAL_OWNERS = [(value, label) for value, label in LocationOwner.choices if value != LocationOwner.VIRTUAL]


class PlaceForm(LookMixin, forms.Form):
    """A new place."""

    code = forms.SlugField(label=gettext_lazy("Code"), max_length=30, help_text=gettext_lazy("Stands in files that you import."))
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


@screen(Permission.VIEW_STOCK)
def places(request: MemberRequest) -> HttpResponse:
    """The list and, for those who may, the form for one more."""
    may_edit = can(request.membership, Permission.EDIT_STOCK)
    form = PlaceForm(request.POST or None) if may_edit else None
    if request.method == "POST" and form and form.is_valid() and _create(request, form):
        return redirect("backoffice:places")
    context = {
        "title": _("Places"),
        "places": Location.objects.exclude(owner=LocationOwner.VIRTUAL).order_by("priority", "id"),
        "form": form,
    }
    return show(request, "backoffice/places.html", context, status=422 if form and form.errors else 200)


def _create(request: MemberRequest, form: PlaceForm) -> bool:
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
        form.add_error(None, str(error))
        return False
    messages.success(request, _("{name} is there. Choose in a channel's rules whether it sells from it.").format(name=given["name"]))
    return True
