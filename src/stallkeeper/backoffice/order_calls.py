"""The messages to the channel about an order: what was asked, what it answered, after how long, at which attempt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise

from stallkeeper.backoffice.event_words import words_of
from stallkeeper.backoffice.order_messages import COMMAND_NAMES
from stallkeeper.channels.models import Command
from stallkeeper.orders.models import Order, OrderEvent

TONES = {"queued": "", "sent": "warn", "done": "ok", "refused": "bad", "dead": "bad"}
ENDS = {
    ("acknowledge", "done"): "acknowledged",
    ("ship", "done"): "ship_confirmed",
    ("cancel", "done"): "cancel_confirmed",
    **{(kind, "refused"): f"{kind}_refused" for kind in ("acknowledge", "ship", "cancel")},
    **{(kind, "dead"): f"{kind}_given_up" for kind in ("acknowledge", "ship", "cancel")},
}
"""How the end of a command is called on the time line."""
SAME_MOMENT = timedelta(seconds=60)


@dataclass(frozen=True)
class Call:
    """One message. ``words`` are the channel's own; ``asked`` is what we said."""

    command: Command
    asked: str

    @property
    def name(self) -> str | Promise:
        return COMMAND_NAMES.get(self.command.kind, self.command.kind)

    @property
    def tone(self) -> str:
        return TONES.get(self.command.state, "")

    @property
    def words(self) -> str:
        return " ".join(part for part in (self.command.code, self.command.message) if part)

    @property
    def at(self) -> datetime:
        return self.command.ended_at or self.command.sent_at or self.command.created_at

    @property
    def seconds(self) -> float | None:
        """From the last sending to the answer that was written down."""
        sent, ended = self.command.sent_at, self.command.ended_at
        return (ended - sent).total_seconds() if sent and ended and ended >= sent else None


def calls_of(order: Order, skus: Mapping[str, str]) -> list[Call]:
    """The oldest first. ``skus``: the channel's line number to the SKU of the line. One statement."""
    commands = Command.objects.filter(subject_type="order", subject_id=order.pk).order_by("pk")
    return [Call(command, _asked(command, skus)) for command in commands]


def _asked(command: Command, skus: Mapping[str, str]) -> str:
    said = dict(command.payload) if isinstance(command.payload, dict) else {}
    said.pop("order_id", None)
    lines = said.get("lines")
    if isinstance(lines, list):
        said["lines"] = {str(line.get("line_id")): line.get("quantity") for line in lines if isinstance(line, dict)}
    return words_of(said, skus)


def by_event(calls: Iterable[Call], events: Iterable[OrderEvent]) -> dict[int, Call]:
    """Which event tells the end of which call: the one of its kind that is nearest in time."""
    found: dict[int, Call] = {}
    ends = list(events)
    for call in calls:
        kind = ENDS.get((call.command.kind, call.command.state))
        near = [each for each in ends if each.kind == kind and each.pk not in found and abs(each.at - call.at) <= SAME_MOMENT]
        if near:
            found[min(near, key=lambda each: abs(each.at - call.at)).pk] = call
    return found
