"""Telling a channel that we have its orders and that stock is reserved (S1.9, S1.10)."""

from __future__ import annotations

from collections.abc import Sequence

from stallkeeper.channels import commands
from stallkeeper.channels.commands import Acknowledge, CommandKind, NewCommand
from stallkeeper.channels.switches import ACKNOWLEDGES
from stallkeeper.core.use_case import UseCase, before_commit
from stallkeeper.orders.models import Order


def queue(uc: UseCase, connection_id: int, orders: Sequence[tuple[int, str]]) -> None:
    """Put the acknowledgements of orders (our id, the channel's) in line; those that are in line already stay as they are."""
    new = [NewCommand(CommandKind.ACKNOWLEDGE, "order", ours, f"acknowledge:{theirs}", Acknowledge(theirs)) for ours, theirs in orders]
    commands.queue_many(uc, connection_id, new)


@before_commit(9)
def answer_waiting(uc: UseCase) -> None:
    """Acknowledging was switched on: the orders that wait for it are owed it as well."""
    for channel in uc.take(ACKNOWLEDGES):
        waiting = Order.objects.filter(channel_id=channel, state=Order.State.NEW, fulfilled_by="seller").order_by("pk")
        rows = list(waiting.values_list("connection_id", "pk", "external_id"))
        if rows:
            queue(uc, rows[0][0], [(ours, theirs) for _, ours, theirs in rows])
