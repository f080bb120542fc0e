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

from stallkeeper.channels.models import Command
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
    Command.objects.bulk_create([_row(uc, connection_id, command) for command in new], ignore_conflicts=True)
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


def payload_of(kind: str, stored: object) -> Payload:
    """The payload of a stored command. msgspec.ValidationError names the field that does not fit."""
    return msgspec.convert(stored, PAYLOADS[CommandKind(kind)])


def _row(uc: UseCase, connection_id: int, command: NewCommand) -> Command:
    if not isinstance(command.payload, PAYLOADS[command.kind]):
        raise TypeError(f"a command of kind {command.kind} takes a payload of {PAYLOADS[command.kind].__name__}")
    return Command(
        organisation_id=uc.organisation_id,
        connection_id=connection_id,
        kind=command.kind,
        subject_type=command.subject_type,
        subject_id=command.subject_id,
        key=command.key,
        payload=msgspec.to_builtins(command.payload),
        not_before=command.not_before or uc.at,
        created_at=uc.at,
    )
