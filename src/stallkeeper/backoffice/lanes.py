"""Lanes as rows for screens: whose, whether it runs, how it ended, how far behind it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from stallkeeper.channels.models import Connection, Lane, LaneStep
from stallkeeper.sync.step_words import STEP_WORDS

STEP_NAMES = {step: _(words) for step, words in STEP_WORDS.items()}

ERROR_WORDS = {
    "TryLater": _("not reached, tried again by itself"),
    "SlowDown": _("too many calls, goes on by itself"),
    "NeedsReconnect": _("must be connected again"),
    "OutcomeUnknown": _("no answer, looked up before anything is repeated"),
    "Refused": _("refused"),
    "Unintelligible": _("the answer could not be understood"),
}
"""What the kinds of errors of adapters mean for a person."""


@dataclass(frozen=True)
class LaneRow:
    """One lane on a screen. ``seen_up_to`` is its oldest watermark; None where it has none."""

    lane: Lane
    connection: Connection | None
    steps: tuple[LaneStep, ...]
    state: str
    tone: str
    seen_up_to: datetime | None

    @property
    def error(self) -> str:
        """The last error that has not been followed by a success."""
        if self.lane.failures and self.lane.last_error:
            return self.lane.last_error
        return next((step.last_error for step in self.steps if fails(step)), "")

    @property
    def failing(self) -> list[LaneStep]:
        """The steps whose last error has not been followed by a success."""
        return [step for step in self.steps if fails(step)]


def lane_rows(connection: Connection | None = None) -> list[LaneRow]:
    """The lanes of the organisation (or of one connection), in the order of their connections. Three statements."""
    lanes = Lane.objects.filter(subject_type="connection").order_by("subject_id", "-kind")
    if connection is not None:
        lanes = lanes.filter(subject_id=connection.pk)
    found = list(lanes.prefetch_related("steps"))
    connections = Connection.objects.in_bulk([lane.subject_id for lane in found])
    return [_row(lane, connections.get(lane.subject_id)) for lane in found]


def _row(lane: Lane, connection: Connection | None) -> LaneRow:
    order = list(STEP_NAMES)
    steps = tuple(sorted(lane.steps.all(), key=lambda step: (order.index(step.step) if step.step in order else len(order), step.step)))
    state, tone = _state(lane, steps)
    marks = [step.watermark for step in steps if step.watermark]
    return LaneRow(lane, connection, steps, str(state), tone, min(marks, default=None))


def _state(lane: Lane, steps: tuple[LaneStep, ...]) -> tuple[object, str]:
    if not lane.enabled:
        return _("off"), ""
    if lane.failures or any(fails(step) for step in steps):
        return _("fails"), "bad"
    if lane.claimed_by:
        return _("running"), "info"
    return (_("in order"), "ok") if lane.last_success_at else (_("has not run yet"), "")


def fails(step: LaneStep) -> bool:
    """Its last error has not been followed by a success."""
    return bool(step.last_error_at and (step.last_success_at is None or step.last_error_at > step.last_success_at))
