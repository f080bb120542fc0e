"""Cancelling lines from our side: stock comes back at once, every channel sees it, and the order's own channel is told (S1.14, S1.15)."""

from __future__ import annotations

from collections.abc import Mapping

from stallkeeper.channels import commands, delivery
from stallkeeper.channels.commands import Cancel, CommandKind, Line
from stallkeeper.channels.models import Command
from stallkeeper.core import audit
from stallkeeper.core.retry import again_on_conflict
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.orders import acknowledging, events, lines
from stallkeeper.orders.asked import asked_of
from stallkeeper.orders.models import Order, OrderLine
from stallkit.manifest import Capability
from stallkit.registry import manifest_of
from stallkit.types import CancelReason
from stallkit.words import said as _


class CancelError(ValueError):
    """The lines cannot be cancelled as asked; the text says which and why."""


@again_on_conflict
def cancel_lines(
    organisation_id: int, order_id: int, quantities: Mapping[int, int] | None, *, reason: CancelReason, actor: str, reference: str = ""
) -> dict[int, int]:
    """Cancel sold units per line (None = everything that is still open). Returns units by line. CancelError if it cannot be.

    ``reference`` makes a repeat harmless: the same one cancels nothing more, and returns what was cancelled the first time.
    """
    with use_case("cancel.lines", organisation_id=organisation_id, actor=actor) as uc:
        order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=order_id)
        if before := cancelled_with(order, reference):
            return before
        rows = list(OrderLine.objects.filter(order=order).order_by("id").select_for_update())
        wanted = _wanted(order, rows, quantities)
        _acknowledge_first(uc, order)
        for row in rows:
            row.cancelled += wanted.get(row.pk, 0)
            row.short = min(row.short, row.open)
        OrderLine.objects.bulk_update(rows, ["cancelled", "short"])
        _settle(uc, order, rows, wanted)
        payload = Cancel(order.external_id, tuple(Line(row.line_id, wanted[row.pk]) for row in rows if row.pk in wanted), str(reason))
        key = _key(order, reference) if reference else f"cancel:{order.external_id}:{_asked_before(order) + 1}"
        commands.queue(uc, order.connection_id, CommandKind.CANCEL, "order", order.pk, key, payload)
        detail: dict[str, object] = {"reason": str(reason), "lines": {row.line_id: wanted[row.pk] for row in rows if row.pk in wanted}}
        events.record(uc, order.pk, "cancel_asked", detail)
        audit.record(uc, "cancel.lines", "order", order.pk, number=order.number, **detail)
    return wanted


def cancelled_with(order: Order, reference: str) -> dict[int, int]:
    """What was cancelled of the order under this reference, units by line: nothing if it was not."""
    command = Command.objects.filter(connection_id=order.connection_id, key=_key(order, reference)).first() if reference else None
    told = commands.payload_of(command.kind, command.payload) if command else None
    if not isinstance(told, Cancel):
        return {}
    keys = dict(order.lines.values_list("line_id", "pk"))
    return {keys[line.line_id]: line.quantity for line in told.lines if line.line_id in keys}


def _key(order: Order, reference: str) -> str:
    return f"cancel:{order.pk}:{reference}"


def _asked_before(order: Order) -> int:
    """Cancellations of this order so far, refused ones included: the same units may be asked for again. The order is locked."""
    return Command.objects.filter(subject_type="order", subject_id=order.pk, kind=CommandKind.CANCEL).count()


def _wanted(order: Order, rows: list[OrderLine], quantities: Mapping[int, int] | None) -> dict[int, int]:
    manifest = manifest_of(order.connection.platform)
    if Capability.CANCEL_LINES not in manifest.capabilities:
        raise CancelError(_("{title} does not let sellers cancel through its interface; cancel in its own screens", title=manifest.title))
    if order.fulfilled_by != "seller":
        raise CancelError(_("order {number} is fulfilled by the marketplace: only it can cancel it", number=order.number))
    asked = asked_of(order, rows, quantities, CancelError)
    for row, quantity in asked:
        if not 0 < quantity <= row.open:
            raise CancelError(
                _("line {line_id}: {quantity} asked, {open} can still be cancelled", line_id=row.line_id, quantity=quantity, open=row.open)
            )
        if quantity != row.ordered and not manifest.quirks.partial_line_cancel:
            raise CancelError(_("line {line_id}: {title} cancels whole lines only", line_id=row.line_id, title=manifest.title))
    if not asked:
        raise CancelError(_("order {number} has nothing left that could be cancelled", number=order.number))
    return {row.pk: quantity for row, quantity in asked}


def _acknowledge_first(uc: UseCase, order: Order) -> None:
    try:
        acknowledging.before(uc, order, CommandKind.CANCEL)
    except acknowledging.NotAcknowledged as error:
        raise CancelError(str(error)) from error


def _settle(uc: UseCase, order: Order, rows: list[OrderLine], wanted: Mapping[int, int]) -> None:
    """Set the reservations anew and lower the open units of the offers. What the channel shows changes when it has done its part."""
    lines.reset_lines(uc, sorted(wanted), cause="cancelled")
    lines.change_open(uc, order, [(row, -wanted[row.pk]) for row in rows if row.pk in wanted])


def undo(uc: UseCase, order_id: int, payload: Cancel, *, cause: str) -> None:
    """The channel said no, or could not be told: the units are open again, as far as stock goes.

    Somebody else may have cancelled them meanwhile, and the last snapshot cannot tell: the next one is taken whatever it says. If it is
    known already that the order is cancelled, they stay so, and what the channel shows may have risen for them: it is read.
    """
    order = Order.objects.select_related("connection").select_for_update(of=("self",)).get(pk=order_id)
    Order.objects.filter(pk=order_id).update(digest=b"")
    if order.state == Order.State.CANCELLED:
        if manifest_of(order.connection.platform).quirks.cancel_raises:
            named = order.lines.filter(line_id__in=[line.line_id for line in payload.lines], offer__isnull=False)
            delivery.doubt(uc, sorted(set(named.values_list("offer_id", flat=True))))
        return
    rows = list(OrderLine.objects.filter(order=order).order_by("id").select_for_update())
    back = {line.line_id: line.quantity for line in payload.lines}
    touched = {row: min(back[row.line_id], row.cancelled) for row in rows if row.line_id in back}
    for row, units in touched.items():
        row.cancelled -= units
    OrderLine.objects.bulk_update(touched, ["cancelled"])
    lines.reset_lines(uc, [row.pk for row in touched], cause=cause)
    lines.change_open(uc, order, touched.items())
