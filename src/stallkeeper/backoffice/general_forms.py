"""The forms of what a channel is: its general fields, its further fields, the definition of those, and a copy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stallkeeper.backoffice.forms import LookMixin, look
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels import connect, inheritance
from stallkeeper.channels.models import Channel, Connection, FurtherField, FurtherKind

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Channel]
else:
    ModelForm = forms.ModelForm

MONEY = (FurtherKind.AMOUNT, FurtherKind.PRICE, FurtherKind.OWN_AMOUNT, FurtherKind.OWN_PRICE)
FIELD = "further_"
NOTED = gettext_lazy("Kept with the channel for your records, exports and programs; stock and prices do not depend on it.")


class GeneralForm(LookMixin, ModelForm):
    """S5.15-S5.27. What has no effect in Stallkeeper says so."""

    field_order = ("name", "code", "main")

    main: forms.ModelChoiceField[Channel] = forms.ModelChoiceField(
        None,
        label=gettext_lazy("Main sales channel"),
        required=False,
        empty_label=gettext_lazy("none: a channel by itself"),
        help_text=gettext_lazy(
            "Of a sub-channel: rules, limits and places are the main channel's, but for what it says itself. What differs today stays its"
            " own, so no figure moves."
        ),
    )

    class Meta:
        model = Channel
        fields = ("name", "code", "sales_organisation", "customer_type", "sales_market", "category", "price_origin")
        labels = {
            "name": gettext_lazy("Designation"),
            "code": gettext_lazy("Identifier"),
            "sales_organisation": gettext_lazy("Sales organisation"),
            "customer_type": gettext_lazy("Customers"),
            "sales_market": gettext_lazy("Sales market"),
            "category": gettext_lazy("Item category of the channel"),
            "price_origin": gettext_lazy("Price of imported order lines"),
        }
        help_texts = {
            "name": gettext_lazy("Stands on every screen; should be clear to everybody."),
            "code": gettext_lazy("One to three letters or digits; stands in lists and in commands."),
            "sales_organisation": gettext_lazy("The company or branch that fulfils these orders. Kept for your records and for programs."),
            "customer_type": NOTED,
            "sales_market": NOTED,
            "category": gettext_lazy("Where this channel's items stand in your category tree, as Home/Kitchen. Kept for your records."),
            "price_origin": gettext_lazy(
                "Orders keep the amounts that the channel states, whatever is chosen: they are facts. Programs that book the orders read"
                " here which price they shall take."
            ),
        }
        widgets = {"category": forms.TextInput(attrs={"list": "categories", "autocomplete": "off"})}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        main, found = self.fields["main"], {each.pk for each in inheritance.may_be_under(self.instance)}
        assert isinstance(main, forms.ModelChoiceField)
        main.queryset = Channel.objects.filter(pk__in=found | {self.instance.parent_id or 0}).order_by("code")
        main.initial = self.instance.parent_id
        if not found and not self.instance.parent_id:
            main.disabled = True
            main.help_text = _(
                "Another channel of the same platform that is no sub-channel could be it; a channel with sub-channels has none."
            )

    def validate_unique(self) -> None:
        """The use case says it, within the organisation."""


class CopyForm(LookMixin, forms.Form):
    """A copy of a channel."""

    name = forms.CharField(label=gettext_lazy("Designation"), max_length=100)
    code = forms.CharField(label=gettext_lazy("Identifier"), max_length=3, help_text=gettext_lazy("One to three letters or digits."))
    account: forms.ModelChoiceField[Connection] = forms.ModelChoiceField(None, label=gettext_lazy("Account"), empty_label=None)
    warehouse = forms.CharField(
        label=gettext_lazy("Warehouse of the platform"),
        max_length=50,
        required=False,
        help_text=gettext_lazy("The platform's own number, where it keeps a figure per warehouse: each channel has one of its own."),
    )

    def __init__(self, source: Channel, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        platform = source.connection.platform
        accounts = self.fields["account"]
        assert isinstance(accounts, forms.ModelChoiceField)
        accounts.queryset = Connection.objects.filter(platform=platform).order_by("name")
        accounts.initial = source.connection_id
        self.fields["name"].initial = _("{name}, copy").format(name=source.name)[:100]
        self.fields["code"].initial = connect.free_code(platform, Channel.objects.values_list("code", flat=True))
        if not connect.manifest(platform).quirks.per_warehouse:
            del self.fields["warehouse"]


class DefineForm(LookMixin, forms.Form):
    """A further field for all channels."""

    label = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=FurtherKind.choices)
    choices = forms.CharField(
        label=gettext_lazy("List to choose from"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Of a classification: one entry a line."),
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=3,
        required=False,
        help_text=gettext_lazy("Of amounts and prices in your own currency, as EUR."),
    )
    help_text = forms.CharField(label=gettext_lazy("Explanation"), max_length=200, required=False)

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        own = cleaned.get("kind") in {FurtherKind.OWN_AMOUNT, FurtherKind.OWN_PRICE}
        currency = str(cleaned.get("currency") or "").upper()
        if own and (len(currency) != 3 or not currency.isalpha()):
            self.add_error("currency", _("Name your currency by its three letters."))
        return cleaned | {"currency": currency if own else ""}


class FurtherForm(LookMixin, forms.Form):
    """The further fields of one channel, each checked by its kind; none is required."""

    def __init__(self, channel: Channel, defined: Iterable[FurtherField], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.defined = list(defined)
        for each in self.defined:
            field = _field(each, channel)
            field.label, field.required = each.label, False
            field.help_text = " ".join(part for part in (each.help, _unit(each, channel)) if part)
            field.initial = _initial(each, channel.further.get(str(each.pk), ""))
            self.fields[FIELD + str(each.pk)] = field
            look(field)

    def values(self) -> dict[int, str]:
        """Text by the field's number: dates as ISO, moments in UTC, numbers plain, a tick as "1"."""
        return {each.pk: _text(self.cleaned_data.get(FIELD + str(each.pk))) for each in self.defined}


class SkuField(forms.CharField):
    """The SKU of a stock unit that there is."""

    def clean(self, value: object) -> str:
        sku = str(super().clean(value)).strip()
        if sku and not StockUnit.objects.filter(sku=sku).exists():
            raise forms.ValidationError(_("There is no stock unit {sku}.").format(sku=sku))
        return sku


def _field(each: FurtherField, channel: Channel) -> forms.Field:
    price = each.kind in {FurtherKind.PRICE, FurtherKind.OWN_PRICE}
    if each.kind in MONEY:
        return forms.DecimalField(max_digits=18, decimal_places=4, min_value=Decimal(0) if price else None)
    if each.kind == FurtherKind.CHOICE:
        held = channel.further.get(str(each.pk), "")
        offered = [*each.choices, *([held] if held and held not in each.choices else [])]
        return forms.ChoiceField(choices=[("", "–"), *((name, name) for name in offered)])
    plain: dict[str, forms.Field] = {
        FurtherKind.EMAIL: forms.EmailField(max_length=254),
        FurtherKind.URL: forms.URLField(max_length=300, assume_scheme="https"),
        FurtherKind.DATE: forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")),
        FurtherKind.MOMENT: forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")),
        FurtherKind.QUANTITY: forms.DecimalField(max_digits=18, decimal_places=4),
        FurtherKind.TICK: forms.BooleanField(),
        FurtherKind.PRODUCT: SkuField(max_length=100),
        FurtherKind.LONG: forms.CharField(max_length=5_000, widget=forms.Textarea(attrs={"rows": 4})),
    }
    return plain.get(each.kind) or forms.CharField(max_length=300)


def _unit(each: FurtherField, channel: Channel) -> str:
    if each.kind not in MONEY:
        return ""
    return _("In {currency}.").format(currency=each.currency or channel.currency)


def _initial(each: FurtherField, text: str) -> object:
    """The stored text as its field shows it; what is no such value any more is left as it is."""
    if each.kind == FurtherKind.TICK:
        return text == "1"
    if each.kind == FurtherKind.MOMENT and text:
        return timezone.localtime(datetime.fromisoformat(text))
    return text


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value)
