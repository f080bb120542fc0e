"""Messages to the channel about an order that did not get through, and the form that says them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stallkeeper.backoffice.forms import LookMixin, although_asked
from stallkeeper.channels.models import Command
from stallkeeper.fulfilment import again, ship
from stallkeeper.fulfilment.again import Unsaid
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Order

COMMAND_NAMES: dict[str, str | Promise] = {
    "acknowledge": _("acknowledgement to the channel"),
    "ship": _("shipment to the channel"),
    "cancel": _("cancellation to the channel"),
}


class ShipmentForm(LookMixin, forms.Form):
    """What the channel is told of a parcel that has left."""

    carrier = forms.CharField(label=_("Carrier"), max_length=60, widget=forms.TextInput(attrs={"list": "carriers", "autocomplete": "off"}))
    tracking_number = forms.CharField(label=_("Tracking number"), max_length=100, required=False)
    tracking_url = forms.URLField(label=_("Tracking address"), max_length=300, required=False, assume_scheme="https")

    def ask_about_wish(self) -> None:
        """The buyer wants to cancel what has left."""
        self.fields["although_asked"] = although_asked()


@dataclass(frozen=True)
class Message:
    """One message with the channel's words, and the fields that may be put right first (a shipment's)."""

    command: Command
    shipment: Shipment | None
    name: str | Promise
    form: ShipmentForm | None

    @property
    def words(self) -> str:
        return " ".join(part for part in (self.command.code, self.command.message) if part)


def unsaid(order: Order, given: Mapping[int, ShipmentForm] | None = None) -> list[Message]:
    """The messages that may be told again; ``given`` are forms that came back with errors, by command."""
    return [_message(one, given or {}) for one in again.unsaid(order)]


def form_for(shipment: Shipment, command: int, data: Mapping[str, str] | None = None) -> ShipmentForm:
    """The shipment's form, filled with what was told before."""
    told = {name: getattr(shipment, name) for name in ShipmentForm.base_fields}
    form = ShipmentForm(data, prefix=f"command_{command}", initial=told)
    if shipment.lines.filter(line__cancel_requested__gt=0).exists():
        form.ask_about_wish()
    return form


def tell_again(organisation_id: int, order_id: int, message: Message, form: ShipmentForm | None, actor: str) -> None:
    """Say it again, with what the form puts right. CommandError or ShipError if it may not be."""
    if message.shipment is not None and form is not None:
        ship.tell_again(organisation_id, message.shipment.pk, actor=actor, **form.cleaned_data)
    else:
        again.tell_again(organisation_id, order_id, message.command.pk, actor=actor)


def _message(one: Unsaid, given: Mapping[int, ShipmentForm]) -> Message:
    command, shipment = one.command, one.shipment
    form = given.get(command.pk) or (form_for(shipment, command.pk) if shipment is not None else None)
    return Message(command, shipment, COMMAND_NAMES.get(command.kind, command.kind), form)
