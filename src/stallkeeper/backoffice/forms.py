"""Forms in the look of our screens. Whether what they say may be done is for the use cases to decide."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy as _

from stallkeeper.orders.models import OrderLine
from stallkit.types import CancelReason

REASONS = {
    CancelReason.OUT_OF_STOCK: _("out of stock"),
    CancelReason.BUYER_ASKED: _("the buyer asked for it"),
    CancelReason.PRICING_ERROR: _("wrong price"),
    CancelReason.FRAUD: _("suspected fraud"),
    CancelReason.ADDRESS: _("address cannot be delivered to"),
}


class LookMixin(forms.BaseForm):
    """Gives every field the class that our style sheet knows."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for field in self.fields.values():
            look(field)


def look(field: forms.Field) -> None:
    """The class of our style sheet, and no browser suggestions for secrets."""
    if not isinstance(field.widget, (forms.CheckboxInput, forms.CheckboxSelectMultiple, forms.RadioSelect, forms.FileInput)):
        field.widget.attrs.setdefault("class", "sk-input")
    if isinstance(field.widget, forms.PasswordInput):
        field.widget.attrs.setdefault("autocomplete", "new-password")


class LineQuantities(LookMixin, forms.Form):
    """One number per line that is still open: how many sold units of it. At least one must be more than zero."""

    prefix_of_lines = "quantity_"

    def __init__(self, lines: Iterable[OrderLine], *args: object, **kwargs: object) -> None:
        self.lines = [line for line in lines if line.open > 0]
        super().__init__(*args, **kwargs)
        for line in self.lines:
            self.fields[self._name(line)] = forms.IntegerField(
                label=line.sku, min_value=0, max_value=line.open, required=False, initial=self.first_guess(line)
            )
            self.fields[self._name(line)].widget.attrs["class"] = "sk-input sk-input--number"

    def _name(self, line: OrderLine) -> str:
        return f"{self.prefix_of_lines}{line.pk}"

    def first_guess(self, line: OrderLine) -> int:
        """What stands in the field before anybody types."""
        return line.open

    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """The lines with their fields, for the template."""
        return [(line, self[self._name(line)]) for line in self.lines]

    def quantities(self) -> dict[int, int]:
        """Line key to sold units, without zeros."""
        given = {line.pk: self.cleaned_data.get(self._name(line)) or 0 for line in self.lines}
        return {line: quantity for line, quantity in given.items() if quantity}

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if not self.errors and not self.quantities():
            raise forms.ValidationError(_("Enter how many units, for at least one line."))
        return cleaned


def although_asked() -> forms.BooleanField:
    """The tick that is asked for only where the buyer wants to cancel what leaves."""
    return forms.BooleanField(label=_("It leaves although the buyer asks to cancel"), required=False)


class ShipForm(LineQuantities):
    """What left, with whom. The channel is told in our next run."""

    carrier = forms.CharField(label=_("Carrier"), max_length=60, widget=forms.TextInput(attrs={"list": "carriers", "autocomplete": "off"}))
    tracking_number = forms.CharField(label=_("Tracking number"), max_length=100, required=False)
    tracking_url = forms.URLField(label=_("Tracking address"), max_length=300, required=False, assume_scheme="https")

    reference = forms.CharField(max_length=80, widget=forms.HiddenInput)
    """Makes a form that is sent twice one shipment."""

    def __init__(self, lines: Iterable[OrderLine], *args: object, **kwargs: object) -> None:
        super().__init__(lines, *args, **kwargs)
        if any(line.cancel_requested for line in self.lines):
            self.fields["although_asked"] = although_asked()

    def first_guess(self, line: OrderLine) -> int:
        return line.allocated


class CancelForm(LineQuantities):
    """What we will not deliver, and why."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[(reason.value, text) for reason, text in REASONS.items()])


class LinkLineForm(LookMixin, forms.Form):
    """Which of our stock units an unknown SKU is."""

    sku = forms.CharField(label=_("SKU of your stock unit"), max_length=100)
    for_ever = forms.BooleanField(label=_("Also for future orders of this SKU"), required=False, initial=True)


class AdjustForm(LookMixin, forms.Form):
    """What is really there, and why it differs."""

    on_hand = forms.IntegerField(label=_("Units there"), min_value=0, max_value=2_000_000_000)
    reason = forms.CharField(label=_("Reason"), max_length=300)
