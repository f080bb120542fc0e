"""What goes out for an offer that waits to be sent, if anything does now: decided from what is known of it and of the channel. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stallkeeper.channels.delivery_queries import Value, Waiting

SCARCE = 2
"""Of so few units, none is shown once we have been blind for too long."""


@dataclass(frozen=True, slots=True)
class View:
    """What may be sent now. ``watermark`` None: orders of this connection are not ours to read, so there is nothing to wait for.

    ``blind``: the order watermark is too old; only cuts go out. ``stopped``: the breaker holds everything but cuts above zero.
    ``cuts_only``: the rate budget has nothing left for raises.
    ``quiet_before``: what was written later may not be written again yet. ``read_since``: what was read earlier must be read again first.
    """

    watermark: datetime | None
    blind: bool = False
    stopped: bool = False
    can_read: bool = True
    quiet_before: datetime | None = None
    read_since: datetime | None = None
    cuts_only: bool = False
    compares: bool = False
    """The platform replaces a figure only while it is the one that we expect."""


def value_to_send(row: Waiting, view: View) -> Value | None:
    """The value that goes out now, or None if nothing should (see ``View``). Pure."""
    if row.intended is None or needs_nothing(row):
        return None
    if (view.stopped and not (row.danger and row.intended > 0)) or (view.cuts_only and not row.danger):
        return None
    if view.blind:
        return blind_value(row)
    if _waits_for_orders(row, view):
        return None
    return row.intended


def needs_nothing(row: Waiting) -> bool:
    """Whether there is no reason to be on the todo list, wherever the channel's switches stand. Pure."""
    return row.excluded or row.intended is None or row.intended in (row.believed, row.refused)


def blind_value(row: Waiting) -> Value | None:
    """Without fresh orders: the least of what we intend, believe and saw, and only if the channel shows, or may show, more than that.

    Where a read has told nothing, it shows no more than was ever accepted or sent: sales that we have not heard of have only lowered it.
    """
    known = [value for value in (row.intended, row.believed, row.observed) if value is not None]
    least = min(known)
    shown = row.believed if row.believed is not None else row.observed
    most = shown if shown is not None else max((value for value in (row.accepted, row.sent) if value is not None), default=None)
    return least if (most is None or most > least) and least != row.refused else None


def zero(row: Waiting, view: View) -> Value | None:  # noqa: ARG001 - the same shape as value_to_send
    """Blind for too long: none of a scarce unit is shown.

    Not where the channel refused that, nor where it refused the figure itself: the two refusals would take turns for ever. Pure.
    """
    scarce = row.intended is not None and 0 < row.intended <= SCARCE and not row.excluded
    refused = row.refused is not None and row.refused in (0, row.intended)
    return 0 if scarce and not refused and (row.believed is None or row.believed > 0) else None


def _waits_for_orders(row: Waiting, view: View) -> bool:
    """A raise over a figure that fell by itself waits for the orders of that time: it may be a sale that we have not pulled."""
    if view.watermark is None or row.observed is None or row.observed_since is None or row.accepted is None or row.intended is None:
        return False
    fell = row.observed < row.accepted and row.believed == row.observed
    return fell and row.intended > row.observed and row.observed_since > view.watermark


def in_the_dark(row: Waiting, value: Value) -> bool:
    """Nobody knows what the channel shows, or which orders it has: what looks like a cut may offer sold units once more. Others count it
    with the most that it may show, so a guarded unit is as safe without the cut. None can be shown at any time. Pure."""
    return row.believed is None and row.observed is None and value > 0
