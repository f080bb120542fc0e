"""The rules of a channel: places, how much of the stock, at what price. Saving shows first what would change."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.backoffice.own_rule_rows import count_own
from stallkeeper.backoffice.screens import MemberRequest, screen, show
from stallkeeper.catalog.models import PriceList
from stallkeeper.channels import breaker, connect, rules
from stallkeeper.channels.models import Channel, ChannelLocation
from stallkeeper.channels.rule_plan import plan_rules
from stallkeeper.core.people import Permission, can
from stallkeeper.core.use_case import use_case
from stallkeeper.stock.models import Location, LocationOwner

STOCK_FIELDS = ("share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed", "horizon_days", "allow_splits")
PRICE_FIELDS = (
    "currency",
    "price_list",
    "mark_up",
    "price_rounding",
    "exchange_rate",
    "exchange_rate_at",
    "exchange_rate_source",
    "tax_rate",
)
LIMIT_FIELDS = ("zero_limit", "zero_limit_share", "price_drop_limit")


HELP = {
    "share": gettext_lazy("This part of what is free is shown."),
    "share_rounding": gettext_lazy("Where the share is not a whole number."),
    "buffer": gettext_lazy("This many units are kept back and never shown."),
    "velocity_share": gettext_lazy("This part of what all channels sold in the last hour is kept back. 0: off."),
    "max_publish": gettext_lazy("Never shows more units than this. Empty: no limit."),
    "zero_at": gettext_lazy("This many units or fewer are shown as 0."),
    "fixed": gettext_lazy("Shown instead, while there is stock. Empty: the real number."),
    "horizon_days": gettext_lazy("Announced goods that come by then are shown too. 0: only what is there."),
    "allow_splits": gettext_lazy("Otherwise all its parts must lie in one place."),
    "mark_up": gettext_lazy("On top of the list price; below zero takes off."),
    "exchange_rate": gettext_lazy("Needed for a price list in another currency: list price × rate."),
    "exchange_rate_at": gettext_lazy("The day of the rate, for your records."),
    "exchange_rate_source": gettext_lazy("Who published it, for your records."),
    "tax_rate": Channel._meta.get_field("tax_rate").help_text,
    "zero_limit": gettext_lazy("At once. It stops only if the share beside is passed too."),
    "zero_limit_share": gettext_lazy("Live: those that show more than 0."),
    "price_drop_limit": gettext_lazy("Compared with the price that the channel shows."),
}
"""What each rule does, beside its field."""


RANGES = {
    "share": (Decimal(0), Decimal(100)),
    "velocity_share": (Decimal(0), None),
    "mark_up": (Decimal("-99.99"), None),
    "exchange_rate": (Decimal("0.00000001"), None),
    "tax_rate": (Decimal(0), Decimal(100)),
    "zero_limit_share": (Decimal(0), Decimal(100)),
    "price_drop_limit": (Decimal(0), Decimal(100)),
}
"""The least and the most that makes sense, said at the field instead of by the database."""


def bound(field: forms.Field, least: Decimal, most: Decimal | None) -> None:
    """Limits that the browser knows too."""
    field.validators.append(MinValueValidator(least))
    field.widget.attrs["min"] = least
    if most is not None:
        field.validators.append(MaxValueValidator(most))
        field.widget.attrs["max"] = most


if TYPE_CHECKING:
    ChannelForm = forms.ModelForm[Channel]
else:
    ChannelForm = forms.ModelForm


class RulesForm(LookMixin, ChannelForm):
    """The rules as fields, in the order in which they are applied."""

    locations: forms.ModelMultipleChoiceField[Location] = forms.ModelMultipleChoiceField(
        None, label=gettext_lazy("Places whose stock counts"), widget=forms.CheckboxSelectMultiple, required=False
    )
    price_list: forms.ModelChoiceField[PriceList] = forms.ModelChoiceField(
        None, label=gettext_lazy("Price list"), required=False, empty_label=gettext_lazy("none: no prices are sent")
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"))

    class Meta:
        model = Channel
        fields = [name for name in (*STOCK_FIELDS, *PRICE_FIELDS, *LIMIT_FIELDS) if name != "price_list"]
        widgets = {"exchange_rate_at": forms.DateInput(attrs={"type": "date"})}
        labels = {
            "exchange_rate": gettext_lazy("Exchange rate"),
            "exchange_rate_at": gettext_lazy("Rate as of"),
            "exchange_rate_source": gettext_lazy("Rate from"),
            "zero_limit_share": gettext_lazy("And more than this per cent of live offers"),
        }
        help_texts = HELP

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        currencies = connect.manifest(self.instance.connection.platform).currencies
        self.fields["currency"].choices = [(code, code) for code in currencies]  # type: ignore[attr-defined]
        for name, (least, most) in RANGES.items():
            bound(self.fields[name], least, most)
        places = self.fields["locations"]
        assert isinstance(places, forms.ModelMultipleChoiceField)
        places.queryset = Location.objects.filter(active=True).exclude(owner=LocationOwner.VIRTUAL)
        places.initial = list(ChannelLocation.objects.filter(channel=self.instance).values_list("location_id", flat=True))
        price_list = self.fields["price_list"]
        assert isinstance(price_list, forms.ModelChoiceField)
        price_list.queryset = PriceList.objects.order_by("code")
        price_list.initial = self.instance.price_list_id

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields by subject, for the template."""
        titles = (_("Stock"), STOCK_FIELDS), (_("Price"), PRICE_FIELDS), (_("When to stop and ask"), LIMIT_FIELDS)
        return [(title, [self[name] for name in names]) for title, names in titles]

    def values(self) -> dict[str, object]:
        """The rules by the names that ``channels.rules`` knows."""
        given = {name: self.cleaned_data[name] for name in self.Meta.fields}
        price_list = self.cleaned_data["price_list"]
        return given | {"price_list_id": price_list.pk if price_list else None}

    def places(self) -> list[int]:
        return [place.pk for place in self.cleaned_data["locations"]]


@screen(Permission.VIEW_STOCK)
def channel_rules(request: MemberRequest, pk: int) -> HttpResponse:
    """GET shows the rules; POST counts what they would change; POST with ``sure`` saves them."""
    shown = get_object_or_404(Channel.objects.select_related("connection"), pk=pk)
    may_edit = can(request.membership, Permission.EDIT_RULES)
    form = RulesForm(request.POST or None, instance=shown)
    if request.method == "POST" and may_edit and form.is_valid() and (answer := _try(request, shown, form)):
        return answer
    fresh = get_object_or_404(Channel, pk=pk)
    context = {"title": fresh.name, "channel": fresh, "tab": "rules", "form": form, "may_edit": may_edit, "own": count_own(fresh)}
    return show(request, "backoffice/channel_rules.html", context, status=422 if form.errors else 200)


def _try(request: MemberRequest, shown: Channel, form: RulesForm) -> HttpResponse | None:
    """Plan or save; None if the rules cannot be saved, which the form then says."""
    organisation_id, actor = request.organisation.pk, request.user.actor
    try:
        if not request.POST.get("sure"):
            plan = plan_rules(organisation_id, shown.pk, form.places(), form.values(), actor)
            context = {"title": _("What these rules change"), "channel": shown, "plan": plan, "form": form}
            return show(request, "backoffice/rules_sure.html", context)
        with use_case("save.rules", organisation_id=organisation_id, actor=actor) as uc:
            rules.save(uc, shown.pk, locations=form.places(), **form.values())
            breaker.look_again(uc, shown.pk)
    except rules.RuleError as error:
        form.add_error(None, str(error))
        return None
    messages.success(request, _("Rules saved. What differs goes out with the next run."))
    return redirect("backoffice:channel_rules", shown.pk)
