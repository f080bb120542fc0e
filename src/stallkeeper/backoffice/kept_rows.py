"""What is kept back of a unit, for one channel or from all, and what is coming: the rows and forms of its panel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.actors import names_of
from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.screens import MemberRequest
from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.channels.models import Channel, GuardedUnit, RingFence
from stallkeeper.core import clock
from stallkeeper.core.people import Permission, can
from stallkeeper.stock.holds import kept_back
from stallkeeper.stock.models import Incoming, Location, LocationOwner

MOST = 100_000_000


class HoldForm(LookMixin, forms.Form):
    """How many units to keep back where, why and until when; 0 lifts the hold."""

    place: forms.ModelChoiceField[Location] = forms.ModelChoiceField(label=_("Place"), queryset=None, empty_label=None)
    units = forms.IntegerField(label=_("Units"), min_value=0, max_value=MOST)
    reason = forms.CharField(label=_("Reason"), max_length=300)
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        offer_places(self)

    def expires_at(self) -> datetime | None:
        """The end of the chosen day where the organisation is; None if it has no end."""
        day = self.cleaned_data["until"]
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time())) if day else None


class FenceForm(LookMixin, forms.Form):
    """How many units only one channel may offer; 0 takes the fence away."""

    channel: forms.ModelChoiceField[Channel] = forms.ModelChoiceField(label=_("Channel"), queryset=None, empty_label=None)
    units = forms.IntegerField(label=_("Units"), min_value=0, max_value=MOST)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channel"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Channel.objects.order_by("name", "pk")


class IncomingForm(LookMixin, forms.Form):
    """How many units should come where and when; 0 takes them off."""

    place: forms.ModelChoiceField[Location] = forms.ModelChoiceField(label=_("Place"), queryset=None, empty_label=None)
    units = forms.IntegerField(label=_("Units"), min_value=0, max_value=MOST)
    expected_on = forms.DateField(label=_("Expected on"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        offer_places(self)


def offer_places(form: forms.Form) -> None:
    """Let the form's ``place`` be one of the organisation's real places."""
    field = form.fields["place"]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = Location.objects.exclude(owner=LocationOwner.VIRTUAL).filter(active=True).order_by("priority", "id")


FORMS: Mapping[str, tuple[type[forms.Form], Permission]] = {
    "hold": (HoldForm, Permission.EDIT_STOCK),
    "fence": (FenceForm, Permission.EDIT_RULES),
    "incoming": (IncomingForm, Permission.EDIT_STOCK),
}
"""Form and needed permission, by the word that stands in the address."""


def kept_context(request: MemberRequest, unit: StockUnit, came_back: Mapping[str, forms.Form]) -> dict[str, object]:
    """Holds, fences, the guard and incoming goods of a counted unit, and the forms that the member may use; nothing for other units."""
    if unit.kind == UnitKind.KIT or not unit.stocked:
        return {}
    holds = kept_back(unit)
    actors = names_of({hold.actor for hold, _kept in holds})
    incoming = Incoming.objects.filter(stock_unit=unit).select_related("location").order_by("expected_on", "pk")
    return {
        "holds": [(hold, kept, actors.get(hold.actor, "")) for hold, kept in holds],
        "fences": list(RingFence.objects.filter(stock_unit=unit).select_related("channel").order_by("channel__name", "pk")),
        "guard": GuardedUnit.objects.filter(stock_unit=unit).first(),
        "may_guard": can(request.membership, Permission.EDIT_RULES),
        "incoming": list(incoming),
        "today": timezone.localdate(clock.now()),
        "keep_forms": {
            name: came_back.get(name) or form(auto_id=f"id_{name}_%s")
            for name, (form, permission) in FORMS.items()
            if can(request.membership, permission)
        },
    }
