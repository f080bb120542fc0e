"""What became of commands: the order remembers it, with the channel's own words."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import msgspec

from stallkeeper.channels import commands, delivery
from stallkeeper.channels.commands import Acknowledge, Cancel, CommandKind
from stallkeeper.channels.delivery import OwnSale
from stallkeeper.channels.models import Command, CommandState
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import cancel, events, lines
from stallkeeper.orders.models import Order, OrderLine
from stallkit.registry import manifest_of
from stallkit.types import CancelReason

DONE = {CommandKind.ACKNOWLEDGE: "acknowledged", CommandKind.SHIP: "ship_confirmed", CommandKind.CANCEL: "cancel_confirmed"}
EVENT = {CommandKind.ACKNOWLEDGE: "acknowledge", CommandKind.SHIP: "ship", CommandKind.CANCEL: "cancel"}
REFUSED = {CommandKind.ACKNOWLEDGE: "acknowledge_refused", CommandKind.SHIP: "ship_refused", CommandKind.CANCEL: "cancel_refused"}


def done(uc: UseCase, command: Command) -> None:
    """The channel accepted the command: the order says so, and what the channel's own figure did with it is known.

    It did so some time since the call was made: the reply may have been lost, and others may have read the figure meanwhile.
    """
    if command.subject_type != "order":
        return
    kind = CommandKind(command.kind)
    events.record(uc, command.subject_id, DONE[kind])
    order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=command.subject_id)
    rows = list(OrderLine.objects.filter(order=order).order_by("id"))
    if kind == CommandKind.ACKNOWLEDGE:
        moved = _acknowledged(uc, order, rows)
    else:
        payload = commands.payload_of(command.kind, command.payload)
        units = {} if isinstance(payload, Acknowledge) else {line.line_id: line.quantity for line in payload.lines}
        moved = [(row.offer_id, units[row.line_id]) for row in rows if row.line_id in units]
        if isinstance(payload, Cancel) and _moves_figures(order, payload):
            delivery.doubt(uc, sorted({offer for offer, _ in moved if offer is not None}))
    since = command.sent_at
    sales = [OwnSale(offer, quantity, uc.at, EVENT[kind], ours=True, since=since) for offer, quantity in moved if offer and quantity]
    delivery.own_sales(uc, order.connection.platform, sales)


def _moves_figures(order: Order, payload: Cancel) -> bool:
    """Whether the channel's figures have changed by themselves, and nobody can tell when: what we asked for may have been done before, by
    the buyer or by a call whose reply was lost, and our last write may have come after it."""
    quirks = manifest_of(order.connection.platform).quirks
    return quirks.cancel_raises or (quirks.out_of_stock_cancel_empties and payload.reason == CancelReason.OUT_OF_STOCK)


def _acknowledged(uc: UseCase, order: Order, rows: list[OrderLine]) -> list[tuple[int | None, int]]:
    """The channel knows now that we have the order: (offer, sold units) of its lines, unless it knew before.

    Goods may have left already, as far as we are concerned, and cancellations may wait of which it does not know.
    """
    waits = order.state in {Order.State.PENDING, Order.State.NEW}
    known = order.acknowledged_at is not None and not waits
    order.acknowledged_at = order.acknowledged_at or uc.at
    order.state = Order.State.ACKNOWLEDGED if waits else order.state
    order.save(update_fields=["acknowledged_at", "state"])
    if waits:
        lines.no_longer_unacknowledged(uc, order, rows)
    unheard = _unheard(order)
    return [] if known else [(row.offer_id, row.ordered - row.cancelled + unheard[row.line_id]) for row in rows]


def _unheard(order: Order) -> Counter[str]:
    """Units by line id that we have cancelled and the channel still counts."""
    units: Counter[str] = Counter()
    waiting = Command.objects.filter(subject_type="order", subject_id=order.pk, kind=CommandKind.CANCEL)
    for command in waiting.filter(state__in=[CommandState.QUEUED, CommandState.SENT]):
        payload = commands.payload_of(command.kind, command.payload)
        units.update({line.line_id: line.quantity for line in payload.lines} if isinstance(payload, Cancel) else {})
    return units


def refused(uc: UseCase, command: Command, code: str, message: str) -> None:
    """The channel said no, for good: the order shows its words; a cancellation is undone as far as stock goes."""
    if command.subject_type != "order":
        return
    events.record(uc, command.subject_id, REFUSED[CommandKind(command.kind)], {"code": code, "message": message})
    payload = commands.payload_of(command.kind, command.payload)
    if isinstance(payload, Cancel):
        cancel.undo(uc, command.subject_id, payload, cause="cancel_refused")


def given_up(uc: UseCase, command: Command, code: str, message: str) -> None:
    """Nobody knows whether the channel took it: the order says so. Cancelled units are ours to deliver until the channel says not."""
    if command.subject_type != "order":
        return
    events.record(uc, command.subject_id, f"{EVENT[CommandKind(command.kind)]}_given_up", {"code": code, "message": message})
    if command.kind == CommandKind.CANCEL:
        with suppress(msgspec.ValidationError):  # it may have been given up because it cannot be read
            cancel.undo(uc, command.subject_id, msgspec.convert(command.payload, Cancel), cause="cancel_given_up")
