"""Commands: facts about orders that must reach the channel exactly once (acknowledge, ship, cancel).

``sent`` is committed before the call. A command that is found in that state was left by a crash or a lost reply: the channel is asked what
it knows of the order, and the call is repeated only if it did not take effect.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import msgspec
from django.db import connection

from stallkeeper.channels import commands
from stallkeeper.channels.commands import Acknowledge, Cancel, CommandKind, Line, Payload, Ship
from stallkeeper.channels.models import Command, CommandState
from stallkeeper.core import notify
from stallkeeper.core.models import Severity
from stallkeeper.core.use_case import UseCase
from stallkeeper.orders import outcomes
from stallkeeper.sync import orders, parking, queries
from stallkeeper.sync.run import Current, Done, now
from stallkit.errors import AdapterError, NeedsReconnect, OutcomeUnknown, Refused, SlowDown, TryLater, Unintelligible
from stallkit.manifest import Capability
from stallkit.pacing import Priority
from stallkit.types import (
    Accepted,
    CancelNotice,
    CancelReason,
    LineQuantity,
    NotNow,
    OrderState,
    Outcome,
    Parked,
    Rejected,
    RemoteOrder,
    ShipmentNotice,
)
from stallkit.words import joined
from stallkit.words import said as _

log = logging.getLogger(__name__)

ATTEMPTS = 20
GIVE_UP = timedelta(days=1)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=3), timedelta(minutes=10)
UNREACHABLE = 3
"""After so many calls in a row that found nobody, the rest waits as well."""
CANCELLED = "cancelled"
"""How adapters refuse to acknowledge an order that was cancelled meanwhile."""
NOW_TRUE: dict[str, str] = {
    "acknowledge": _("Its units are reserved, but the channel may cancel it: tell it again on the order's page, or acknowledge there."),
    "ship": _("The goods count as gone here, and the channel does not know it: tell it again on the order's page."),
    "cancel": _("The cancellation was undone here: its units are reserved again. If they must not go out, cancel again."),
}
"""What holds after a command was given up, and what to do."""
KIND_WORDS: dict[str, str] = {"acknowledge": _("acknowledge"), "ship": _("ship"), "cancel": _("cancel")}
LOOK_ANEW = "A cancellation came to nothing: what the channel says of the order must be read anew."
NEEDS = {"acknowledge": Capability.ACKNOWLEDGE, "ship": Capability.CONFIRM_SHIPMENT, "cancel": Capability.CANCEL_LINES}


class SwitchedOff(Exception):
    """Sending is off, for the company or for the account. A switch that is turned on again wakes the lane."""


def act(current: Current) -> Done:
    """Drive the due commands, the nearest deadline first, one after the other; none while sending is off."""
    done = errors = unreachable = 0
    for command_id in _due(current):
        if current.out_of_time:
            return Done(done, errors, again_at=now())
        command = Command.objects.get(pk=command_id)
        try:
            fine = drive(current, command)
        except SwitchedOff:
            return Done(done, errors)
        except TryLater:
            unreachable += 1
            if unreachable >= UNREACHABLE:
                raise
            continue
        unreachable = 0
        done, errors = done + int(fine), errors + int(not fine)
    with connection.cursor() as cursor:
        return Done(done, errors, again_at=queries.next_command(cursor, current.connection.pk))


def _due(current: Current) -> list[int]:
    with connection.cursor() as cursor:
        return queries.due_commands(cursor, current.connection.pk, now(), 200)


def drive(current: Current, command: Command) -> bool:
    """Take one command a step further; False if the channel refused it or nobody knows. Raises TryLater, SlowDown and NeedsReconnect."""
    known = CommandState(command.state)
    try:
        payload = commands.payload_of(command.kind, command.payload)
        if not current.session.can(NEEDS[command.kind]):
            raise Refused(f"{current.session.manifest.title} offers no way to do this", code="not_supported")
        if known is CommandState.SENT:
            left = _still_to_tell(current, command, payload)
            if left is None:
                return _finish(current, command, Accepted())
            known = CommandState.QUEUED if left == payload else known  # what took effect in part is never told as a whole again
            payload = left
        _mark_sent(current, command)
        outcome = _call(current, payload)
        if isinstance(outcome, NotNow):
            return _postpone(current, command, outcome, known)
        return _finish(current, command, outcome)
    except Refused as refused:
        return _end(current, command, CommandState.REFUSED, refused.code, refused.detail)
    except (TryLater, SlowDown, NeedsReconnect) as error:
        _later(current, command, error, known)
        raise
    except (OutcomeUnknown, Unintelligible) as error:
        return _later(current, command, error, CommandState.SENT)
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        log.exception("command %s cannot be carried out", command.pk)
        return _end(current, command, CommandState.DEAD, "invalid", f"{type(error).__name__}: {error}")


def _call(current: Current, payload: Payload) -> Outcome:
    adapter = current.session.adapter
    outcome: Outcome
    match payload:
        case Acknowledge():
            outcome = current.call(Priority.ORDER, adapter.acknowledge, payload.order_id)
        case Ship():
            lines = tuple(LineQuantity(line.line_id, line.quantity) for line in payload.lines)
            notice = ShipmentNotice(
                payload.order_id,
                lines,
                payload.carrier,
                payload.tracking_number,
                payload.shipped_at,
                payload.tracking_url,
                payload.although_asked,
            )
            outcome = current.call(Priority.ORDER, adapter.confirm_shipment, notice)
        case Cancel():
            lines = tuple(LineQuantity(line.line_id, line.quantity) for line in payload.lines)
            cancellation = CancelNotice(payload.order_id, lines, CancelReason(payload.reason))
            outcome = current.call(Priority.ORDER, adapter.cancel_lines, cancellation)
    return outcome


# --- asking what became of it -------------------------------------------------------------------------------------------------------------


def _still_to_tell(current: Current, command: Command, payload: Payload) -> Payload | None:
    """Ask the channel what is left to be told; None if nothing is. Refused if it has no such order, or cannot be asked about a call that
    must not be repeated."""
    if not current.session.can(Capability.READ_ORDER):
        if isinstance(payload, Acknowledge):
            return payload
        raise Refused("The reply was lost, and this channel cannot be asked. Look there, then queue it again if needed.", code="unknown")
    remote: RemoteOrder | None = current.call(Priority.ORDER, current.session.adapter.read_order, payload.order_id)
    if remote is None:
        raise Refused(f"the channel has no order {payload.order_id}", code="no_such_order")
    if isinstance(payload, Acknowledge) and remote.state is OrderState.CANCELLED:
        raise Refused(f"order {payload.order_id} was cancelled before it was acknowledged", code=CANCELLED)
    with connection.cursor() as cursor:
        before = queries.quantities_before(cursor, command.connection_id, command.kind, payload.order_id)
    return still_to_tell(payload, remote, before)


def still_to_tell(payload: Payload, remote: RemoteOrder, before: dict[str, int]) -> Payload | None:
    """What of a command the order does not show yet. ``before``: quantities per line that were shipped or cancelled without it. Pure.

    A cancellation may have taken effect in part: some channels are told unit by unit, and a buyer may have cancelled the rest. A shipment
    is told as a whole or not at all.
    """
    if isinstance(payload, Acknowledge):
        return payload if remote.state in {OrderState.PENDING, OrderState.NEW} else None
    reached = {line.line_id: line.shipped if isinstance(payload, Ship) else line.cancelled for line in remote.lines}
    done = {line.line_id: reached.get(line.line_id, 0) - before.get(line.line_id, 0) for line in payload.lines}
    if all(done[line.line_id] >= line.quantity for line in payload.lines):
        return None
    if isinstance(payload, Ship):
        return payload
    left = ((line, line.quantity - max(done[line.line_id], 0)) for line in payload.lines)
    return msgspec.structs.replace(payload, lines=tuple(Line(line.line_id, units) for line, units in left if units > 0))


# --- writing down -------------------------------------------------------------------------------------------------------------------------


def _mark_sent(current: Current, command: Command) -> None:
    """Committed before the call: after a crash we know that it may have been made. SwitchedOff if nothing may be told to the account: a
    person may have said so since the run began."""
    with current.writing("send_command") as uc, connection.cursor() as cursor:
        if not queries.may_write(cursor, current.connection.pk):
            raise SwitchedOff
        _tell_log("command sent", command)
        command.state, command.sent_at, command.attempts = CommandState.SENT, uc.at, command.attempts + 1
        command.save(update_fields=["state", "sent_at", "attempts"])


def _finish(current: Current, command: Command, outcome: Outcome) -> bool:
    match outcome:
        case Rejected(code, message):
            return _end(current, command, CommandState.REFUSED, code, message)
        case _:
            return _end(current, command, CommandState.DONE, "", "")


def _end(current: Current, command: Command, state: CommandState, code: str, message: str) -> bool:
    """The command's last state; the order learns of it. True if it is done."""
    _tell_log("command ended", command, outcome=str(state), code=code)
    look_anew = command.kind == CommandKind.CANCEL and state is not CommandState.DONE and current.session.can(Capability.READ_ORDER)
    order_id = str(command.payload.get("order_id", ""))
    with current.writing("end_command") as uc:
        command.state, command.ended_at, command.code, command.message = state, uc.at, code[:100], message[:500]
        command.save(update_fields=["state", "ended_at", "code", "message"])
        if state is CommandState.DONE:
            outcomes.done(uc, command)
            return True
        if state is CommandState.REFUSED:
            outcomes.refused(uc, command, code, message)
        else:
            outcomes.given_up(uc, command, code, message)
        if (command.kind, code) != (CommandKind.ACKNOWLEDGE, CANCELLED):  # a buyer who was quicker is no problem of anybody's
            _tell(uc, current, command)
        if look_anew:
            parking.keep(uc, current.connection, "order", [Parked(order_id, LOOK_ANEW, b"")])
    if look_anew:
        _read_anew(current, order_id)
    return False


def _read_anew(current: Current, order_id: str) -> None:
    """Take over what the channel says of an order now: its units were given back to it, and they may have been cancelled by somebody else.

    An order that cannot be read stays parked, and so is asked for again; people are told.
    """
    asked = now()
    try:
        remote: RemoteOrder | None = current.call(Priority.ORDER, current.session.adapter.read_order, order_id)
        parked = orders.take_apart(current, [remote], asked)[1] if remote is not None else []
    except AdapterError as error:
        parked = [Parked(order_id, f"{LOOK_ANEW} It cannot be read: {error.detail}", b"")]
    if parked:
        with current.writing("park_order") as uc:
            parking.park(uc, current.connection, "order", parked)
        return
    with current.writing("unpark") as uc:
        parking.unpark(uc, current.connection, "order", [order_id])


def _tell_log(what: str, command: Command, **more: object) -> None:
    fields = {"command": command.pk, "what": command.kind, "order": command.payload.get("order_id", ""), "attempt": command.attempts}
    log.info(what, extra=fields | more)


def _tell(uc: UseCase, current: Current, command: Command) -> None:
    number = command.payload.get("order_id", command.subject_id)
    about = {"account": current.connection.name, "kind": KIND_WORDS[command.kind], "number": str(number)}
    if command.state == CommandState.REFUSED:
        title = _("{account}: {kind} of order {number} was refused", **about)
    else:
        title = _("{account}: {kind} of order {number} was given up", **about)
    now_true = NOW_TRUE[command.kind] if command.state == CommandState.DEAD else ""
    detail = joined(part for part in (now_true, command.message or command.code) if part)
    notify.raise_(uc, f"command:{command.pk}", Severity.ERROR, title, detail)


def _later(current: Current, command: Command, error: AdapterError, state: CommandState) -> bool:
    """Try again later, from ``state``: queued if nothing happened there, sent if nobody knows. Gives up after ATTEMPTS or GIVE_UP."""
    at = now()
    old = command.attempts > 1 and at - command.created_at > GIVE_UP
    if not isinstance(error, SlowDown | NeedsReconnect) and (command.attempts >= ATTEMPTS or old):
        return _end(current, command, CommandState.DEAD, type(error).__name__, f"{error.detail} (after {command.attempts} attempts)")
    with current.writing("delay_command"):
        command.state, command.not_before, command.message = state, at + wait(command.attempts, error), error.detail[:500]
        command.save(update_fields=["state", "not_before", "message"])
    return False


def _postpone(current: Current, command: Command, said: NotNow, state: CommandState) -> bool:
    """The channel has begun, or wants to be asked later: the same call again then, which is not an attempt that failed."""
    at = now()
    if at - command.created_at > GIVE_UP:
        return _end(current, command, CommandState.DEAD, "not_now", said.message or "The channel has put it off for a day.")
    with current.writing("delay_command"):
        command.state, command.attempts = state, command.attempts - 1
        command.not_before, command.message = at + timedelta(seconds=said.retry_after), said.message[:500]
        command.save(update_fields=["state", "attempts", "not_before", "message"])
    return True


def wait(attempts: int, error: AdapterError) -> timedelta:
    """Time until the next attempt: what the platform says, else doubling from three seconds to ten minutes."""
    if isinstance(error, SlowDown):
        return timedelta(seconds=error.retry_after)
    return min(FIRST_WAIT * float(2 ** min(max(attempts - 1, 0), 10)), LONGEST_WAIT)
