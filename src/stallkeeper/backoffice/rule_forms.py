"""The forms of rules: those of a channel, and those of categories and products; each makes a proposal of what it changes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin
from stallkeeper.catalog.models import PriceList, StockUnit
from stallkeeper.channels import connect, overrides, proposals, rules
from stallkeeper.channels.models import Channel, ChannelLocation
from stallkeeper.channels.overriding import NAMES
from stallkeeper.channels.proposals import ChannelChange, Proposal
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.stock.models import Location, LocationOwner

if TYPE_CHECKING:
    ChannelForm = forms.ModelForm[Channel]
    OverrideForm = forms.ModelForm[RuleOverride]
else:
    ChannelForm = OverrideForm = forms.ModelForm

FOLLOW = "follow_"
"""Before a field's name: the tick that makes it the main channel's again."""
STOCK_FIELDS = ("share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed", "horizon_days", "allow_splits")
"""Of ``rules.STOCK_RULES``, in the order of the form."""
PRICE_FIELDS = tuple(name.removesuffix("_id") for name in rules.PRICE_RULES)


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
        fields = [name for name in (*STOCK_FIELDS, *PRICE_FIELDS, *rules.LIMITS) if name != "price_list"]
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
        for name in self.instance.own_rules if self.instance.parent_id else ():
            self.fields[FOLLOW + name.removesuffix("_id")] = forms.BooleanField(label=_("As the main channel"), required=False)

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields by subject, for the template."""
        titles = (_("Stock"), STOCK_FIELDS), (_("Price"), PRICE_FIELDS), (_("When to stop and ask"), rules.LIMITS)
        return [(title, [self[name] for name in names]) for title, names in titles]

    def change(self, now: Channel) -> ChannelChange:
        """What differs from what is in force."""
        price_list = self.cleaned_data["price_list"]
        given = {name: self.cleaned_data[name] for name in self.Meta.fields} | {"price_list_id": price_list.pk if price_list else None}
        held, wanted = rules.snapshot(now), {name: rules.plain(value) for name, value in given.items()}
        places = sorted(place.pk for place in self.cleaned_data["locations"])
        follow = [name for name in now.own_rules if self.cleaned_data.get(FOLLOW + name.removesuffix("_id"))] if now.parent_id else []
        changed = {name: value for name, value in wanted.items() if value != held[name] and name not in follow}
        chosen = None if places == held[rules.PLACES] or rules.PLACES in follow else places
        return msgspec.structs.replace(proposals.change_of(changed, {}, chosen), follow=follow)


MOST_UNITS = 5_000
"""SKUs that one form may name; more come by their category."""


class OwnRulesForm(LookMixin, OverrideForm):
    """Of what, and which rules; a rule that is left empty stays the channel's (or the category's)."""

    category = forms.CharField(
        label=gettext_lazy("Category"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("All products in it, also those that come in later."),
        widget=forms.TextInput(attrs={"list": "categories", "autocomplete": "off"}),
    )
    skus = forms.CharField(
        label=gettext_lazy("Or SKUs of stock units"),
        required=False,
        help_text=gettext_lazy("One or more, a line or a space between them. A rule of a product goes before one of its category."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    field_order = ("category", "skus")

    class Meta:
        model = RuleOverride
        fields = ("share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in ("share", "velocity_share"):
            bound(self.fields[name], *RANGES[name])

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("category")) == bool(cleaned.get("skus")):
            raise forms.ValidationError(_("Name a category, or SKUs: one of the two."))
        return cleaned

    def clean_skus(self) -> str:
        """The SKUs, each known; SKUs with spaces in them stand on lines of their own."""
        text = self.cleaned_data["skus"]
        self.units = _units(text)
        return str(text)

    def proposal(self, channel: Channel) -> Proposal:
        """What is said of these, in place of what was said before. RuleError if it is nothing."""
        category = self.cleaned_data["category"]
        categories, units = ([category], []) if category else ([], self.units)
        said = overrides.own(categories, units, {name: self.cleaned_data.get(name) for name in NAMES})
        return Proposal(channels={channel.pk: ChannelChange(own=[said])})


def _units(text: str) -> list[int]:
    """Units by SKU, from lines or words; ValidationError names the first that there is not."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    known = dict(StockUnit.objects.filter(sku__in=lines).values_list("sku", "pk"))
    wanted = [word for line in lines for word in ([line] if line in known else line.replace(",", " ").split())]
    if len(wanted) > MOST_UNITS:
        raise forms.ValidationError(_("At most {count} SKUs at a time; use the category for more.").format(count=MOST_UNITS))
    known |= dict(StockUnit.objects.filter(sku__in=wanted).values_list("sku", "pk"))
    if missing := [sku for sku in wanted if sku not in known]:
        raise forms.ValidationError(_("There is no stock unit {sku}.").format(sku=missing[0]))
    return [known[sku] for sku in wanted]
