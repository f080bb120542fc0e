"""Saying to a channel again what it refused about an order, or what was given up."""

from __future__ import annotations

from dataclasses import dataclass

from stallkeeper.channels import commands
from stallkeeper.channels.commands import CommandError, CommandKind
from stallkeeper.channels.models import Command
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import use_case
from stallkeeper.fulfilment import ship
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders import events
from stallkeeper.orders.models import Order
from stallkit.words import said as _


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A message that did not get through. ``shipment`` is set if it is one about goods that have left."""

    command: Command
    shipment: Shipment | None


def unsaid(order: Order) -> list[Unsaid]:
    """What may be told again, the oldest first. An acknowledgement no longer matters once the order has moved on at the channel."""
    about = Command.objects.filter(subject_type="order", subject_id=order.pk).order_by("pk")
    waits_for_us = order.acknowledged_at is None and order.state != Order.State.CANCELLED
    found = [one for one in about if commands.may_try_again(one) and (waits_for_us or one.kind != CommandKind.ACKNOWLEDGE)]
    shipments = {ship.key_of(shipment): shipment for shipment in Shipment.objects.filter(order=order)}
    return [Unsaid(command, shipments.get(command.key)) for command in found]


@again_on_conflict
def tell_again(organisation_id: int, order_id: int, command_id: int, *, actor: str) -> None:
    """Say it once more, word for word; ``ship.tell_again`` puts a shipment right as well. CommandError if it may not be."""
    with use_case("command.tell_again", organisation_id=organisation_id, actor=actor) as uc:
        order = Order.objects.select_for_update().get(pk=order_id)
        if command_id not in {one.command.pk for one in unsaid(order)}:
            raise CommandError(
                _("Order {number}: there is nothing to be told again here; look at the order once more.", number=order.number)
            )
        command = commands.try_again(uc, command_id)
        events.record(uc, order_id, f"{command.kind}_told_again")
