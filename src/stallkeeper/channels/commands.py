"""Facts that must reach the channel exactly once: their payloads, and how a use case puts them in line.

A command is written in the transaction of the decision. ``key`` names the intent (for instance ``ship:<shipment id>``): the same key said
twice is one command. The trade run drives it to done, refused or dead; see ``sync.order_actions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from stallkeeper.channels import queries
from stallkeeper.channels.models import Command, CommandState
from stallkeeper.core import audit, notify
from stallkeeper.core.sql import hot_cursor
from stallkeeper.core.use_case import UseCase


class CommandKind(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    CANCEL = "cancel"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``quantity`` sold units of the channel's own line."""

    line_id: str
    quantity: int


class Acknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``order_id`` is the channel's own id of the order, here as in the others."""

    order_id: str


class Ship(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    order_id: str
    lines: tuple[Line, ...]
    carrier: str
    shipped_at: datetime
    tracking_number: str = ""
    tracking_url: str = ""
    although_asked: bool = False
    """A person has decided that lines leave which the buyer asked to cancel."""


class Cancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``reason`` is a value of ``stallkit.types.CancelReason``."""

    order_id: str
    lines: tuple[Line, ...]
    reason: str


Payload = Acknowledge | Ship | Cancel
PAYLOADS: dict[CommandKind, type[Acknowledge] | type[Ship] | type[Cancel]] = {
    CommandKind.ACKNOWLEDGE: Acknowledge,
    CommandKind.SHIP: Ship,
    CommandKind.CANCEL: Cancel,
}


@dataclass(frozen=True, slots=True)
class NewCommand:
    kind: CommandKind
    subject_type: str
    subject_id: int
    key: str
    payload: Payload
    not_before: datetime | None = None


def queue_many(uc: UseCase, connection_id: int, new: Sequence[NewCommand]) -> None:
    """Put the commands in line (one statement, whatever their number) and wake the connection. Known keys are left as they are."""
    if not new:
        return
    with hot_cursor() as cursor:
        queries.insert_commands(cursor, uc.organisation_id, connection_id, uc.at, rows(uc, new))
    uc.mark("wake_connection", [connection_id])


def queue(
    uc: UseCase,
    connection_id: int,
    kind: str,
    subject_type: str,
    subject_id: int,
    key: str,
    payload: Payload,
    not_before: datetime | None = None,
) -> None:
    """Put one command in line; see ``queue_many``."""
    queue_many(uc, connection_id, [NewCommand(CommandKind(kind), subject_type, subject_id, key, payload, not_before)])


class CommandError(ValueError):
    """A command cannot be tried again. The text says why."""


def may_try_again(command: Command) -> bool:
    """Was it refused or given up, so that saying it again makes sense? A cancellation has been undone then: that is asked for anew."""
    return command.state in {CommandState.DEAD, CommandState.REFUSED} and command.kind != CommandKind.CANCEL


def try_again(uc: UseCase, command_id: int, payload: Payload | None = None) -> Command:
    """A person asks for a command that was refused or given up, perhaps with what was wrong put right.

    One whose outcome nobody knew is looked up first, as before. CommandError where ``may_try_again`` says no.
    """
    command = Command.objects.select_for_update().get(pk=command_id)
    if not may_try_again(command):
        raise CommandError(_why_not(command))
    unknown = command.state == CommandState.DEAD and command.sent_at is not None
    audit.record(uc, "retry.command", "command", command.pk, kind=command.kind, key=command.key, was=command.state, code=command.code)
    command.state = CommandState.SENT if unknown else CommandState.QUEUED
    command.payload = command.payload if payload is None else msgspec.to_builtins(payload)
    command.attempts, command.not_before, command.ended_at, command.code, command.message = 0, uc.at, None, "", ""
    command.created_at = uc.at
    command.save()
    notify.resolve(uc, f"command:{command.pk}")
    uc.mark("wake_connection", [command.connection_id])
    return command


def _why_not(command: Command) -> str:
    if command.state in {CommandState.DEAD, CommandState.REFUSED}:
        return "This cancellation did not get through, so it was undone here. Cancel again."
    return f"This is {command.get_state_display()}; only what was refused or given up can be tried again."


def payload_of(kind: str, stored: object) -> Payload:
    """The payload of a stored command. msgspec.ValidationError names the field that does not fit."""
    return msgspec.convert(stored, PAYLOADS[CommandKind(kind)])


def rows(uc: UseCase, new: Sequence[NewCommand]) -> list[queries.CommandRow]:
    """Rows of the commands, for a statement that puts them in line along with something else."""
    return [_row(uc, command) for command in new]


def _row(uc: UseCase, command: NewCommand) -> queries.CommandRow:
    if not isinstance(command.payload, PAYLOADS[command.kind]):
        raise TypeError(f"a command of kind {command.kind} takes a payload of {PAYLOADS[command.kind].__name__}")
    payload = msgspec.json.encode(command.payload).decode()
    return command.kind, command.subject_type, command.subject_id, command.key, payload, command.not_before or uc.at
