"""Telling a channel that we have its orders and that stock is reserved (S1.9, S1.10)."""

from __future__ import annotations

from collections.abc import Sequence

from stallkeeper.channels import commands
from stallkeeper.channels.commands import Acknowledge, CommandKind, NewCommand
from stallkeeper.channels.models import Command, CommandState
from stallkeeper.channels.switches import ACKNOWLEDGES
from stallkeeper.core import audit
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, before_commit, use_case
from stallkeeper.orders import events
from stallkeeper.orders.models import Order
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.words import said as _


class NotAcknowledged(ValueError):
    """The order cannot be changed yet, because its channel wants it acknowledged first and that cannot be done. The text says why."""


class AcknowledgeError(ValueError):
    """An order cannot be acknowledged; the text says why."""


@again_on_conflict
def acknowledge(organisation_id: int, order_id: int, *, actor: str) -> bool:
    """A person takes the order, also where acknowledging by itself is switched off. False if its acknowledgement is in line already.

    AcknowledgeError for an order that is not new, or whose acknowledgement was refused: that is told again on its page.
    """
    with use_case("acknowledge.order", organisation_id=organisation_id, actor=actor) as uc:
        order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=order_id)
        known = _taken(order)
        if known is None:
            queue(uc, order.connection_id, [(order.pk, order.external_id)])
            events.record(uc, order.pk, "acknowledge_asked", {})
            audit.record(uc, "acknowledge.order", "order", order.pk, number=order.number)
    return known is None


def _taken(order: Order) -> Command | None:
    """The acknowledgement that is on its way. AcknowledgeError where none can be sent."""
    manifest = manifest_of(order.connection.platform)
    if Capability.ACKNOWLEDGE not in manifest.capabilities:
        raise AcknowledgeError(_("{title} wants no acknowledgement of orders", title=manifest.title))
    if order.fulfilled_by != "seller":
        raise AcknowledgeError(_("order {number} is fulfilled by the marketplace: nothing is acknowledged", number=order.number))
    if order.state == Order.State.PENDING:
        raise AcknowledgeError(_("order {number} is pending: its payment is not sure yet", number=order.number))
    if order.state != Order.State.NEW:
        raise AcknowledgeError(_("order {number} is not new any more", number=order.number))
    known = Command.objects.filter(connection_id=order.connection_id, key=_key(order.external_id)).first()
    if known is not None and known.state in {CommandState.REFUSED, CommandState.DEAD}:
        answer = known.message or known.code
        raise AcknowledgeError(
            _("its acknowledgement did not get through ({answer}): read why on the order's page, and tell it again there", answer=answer)
        )
    return known


def queue(uc: UseCase, connection_id: int, orders: Sequence[tuple[int, str]]) -> None:
    """Put the acknowledgements of orders (our id, the channel's) in line; those that are in line already stay as they are."""
    commands.queue_many(uc, connection_id, wanted(orders))


def wanted(orders: Sequence[tuple[int, str]]) -> list[NewCommand]:
    """The acknowledgements of orders (our id, the channel's)."""
    return [NewCommand(CommandKind.ACKNOWLEDGE, "order", ours, _key(theirs), Acknowledge(theirs)) for ours, theirs in orders]


def _key(external_id: str) -> str:
    return f"acknowledge:{external_id}"


def before(uc: UseCase, order: Order, kind: CommandKind) -> None:
    """Where the channel lets a seller ship or cancel only what is acknowledged, put that in line: commands of one order go out in order.

    This holds also while acknowledging is switched off: whoever ships or cancels has taken the order. NotAcknowledged if it cannot be.
    """
    manifest = manifest_of(order.connection.platform)
    quirks = manifest.quirks
    needed = quirks.acknowledge_before_ship if kind is CommandKind.SHIP else quirks.acknowledge_before_cancel
    if not needed or order.state not in {Order.State.PENDING, Order.State.NEW}:
        return
    wants = _("{title} lets a seller cancel an order only once it is acknowledged", title=manifest.title)
    if kind is CommandKind.SHIP:
        wants = _("{title} lets a seller ship an order only once it is acknowledged", title=manifest.title)
    if order.state == Order.State.PENDING:
        raise NotAcknowledged(_("order {number} is pending, its payment is not sure yet, and {wants}", number=order.number, wants=wants))
    known = Command.objects.filter(connection_id=order.connection_id, key=_key(order.external_id)).first()
    if known is not None and known.state in {CommandState.REFUSED, CommandState.DEAD}:
        raise NotAcknowledged(
            _(
                "{wants}, and the acknowledgement of order {number} did not get through ({answer}): tell it again first (on "
                "the order's page, or with stallkeeper retry)",
                wants=wants,
                number=order.number,
                answer=known.message or known.code,
            )
        )
    queue(uc, order.connection_id, [(order.pk, order.external_id)])


@before_commit(9)
def answer_waiting(uc: UseCase) -> None:
    """Acknowledging was switched on: the orders that wait for it are owed it as well."""
    for channel in uc.take(ACKNOWLEDGES):
        waiting = Order.objects.filter(channel_id=channel, state=Order.State.NEW, fulfilled_by="seller").order_by("pk")
        rows = list(waiting.values_list("connection_id", "pk", "external_id"))
        if rows:
            queue(uc, rows[0][0], [(ours, theirs) for _, ours, theirs in rows])
