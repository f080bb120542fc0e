"""What became of commands: the order remembers it, with the channel's own words."""

from __future__ import annotations

from stallkeeper.channels import commands, delivery
from stallkeeper.channels.commands import Cancel, CommandKind
from stallkeeper.channels.delivery import OwnSale
from stallkeeper.channels.models import Command
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import cancel, events
from stallkeeper.orders.models import Order, OrderLine

DONE = {CommandKind.ACKNOWLEDGE: "acknowledged", CommandKind.SHIP: "ship_confirmed", CommandKind.CANCEL: "cancel_confirmed"}
REFUSED = {CommandKind.ACKNOWLEDGE: "acknowledge_refused", CommandKind.SHIP: "ship_refused", CommandKind.CANCEL: "cancel_refused"}


def done(uc: UseCase, command: Command) -> None:
    """The channel accepted the command."""
    if command.subject_type != "order":
        return
    events.record(uc, command.subject_id, DONE[CommandKind(command.kind)])
    if command.kind == CommandKind.ACKNOWLEDGE:
        _acknowledged(uc, command.subject_id)


def _acknowledged(uc: UseCase, order_id: int) -> None:
    order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=order_id)
    order.acknowledged_at = order.acknowledged_at or uc.at
    if order.state == Order.State.NEW:
        order.state = Order.State.ACKNOWLEDGED
    order.save(update_fields=["acknowledged_at", "state"])
    rows = OrderLine.objects.filter(order=order, offer__isnull=False).values_list("offer_id", "ordered")
    delivery.own_sales(
        uc, order.connection.platform, [OwnSale(offer, quantity, uc.at, "acknowledge") for offer, quantity in rows if offer is not None]
    )


def refused(uc: UseCase, command: Command, code: str, message: str) -> None:
    """The channel said no, for good: the order shows its words; a cancellation is undone as far as stock goes."""
    if command.subject_type != "order":
        return
    events.record(uc, command.subject_id, REFUSED[CommandKind(command.kind)], {"code": code, "message": message})
    payload = commands.payload_of(command.kind, command.payload)
    if isinstance(payload, Cancel):
        cancel.refused(uc, command.subject_id, payload)
