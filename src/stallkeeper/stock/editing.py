"""Figures typed into the stock table: each goes with the figure that the person saw, so nobody overwrites what he has not seen (S3.21)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from django.db import connection

from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import ledger
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Cause
from stallkit.words import said as _


class EditError(ValueError):
    """Figures cannot be entered so; the text names the field."""


class Edit(NamedTuple):
    """``on_hand`` of a unit at a place shall be this; the person saw ``seen``."""

    unit_id: int
    location_id: int
    seen: int
    on_hand: int


class Edited(NamedTuple):
    """How many cells were brought to what was typed; and the cells that were not, because they show ``now`` something that nobody saw."""

    changed: int
    stale: list[tuple[Edit, int]]


def edit(uc: UseCase, edits: Sequence[Edit], reason: str) -> Edited:
    """Enter the figures whose cell still is what the person saw; the others are refused. EditError without a reason.

    Two edits of one cell at once: the second finds what the first has entered.
    """
    if not reason.strip():
        raise EditError(_("reason: say why these figures are others"))
    wanted = {(edit.unit_id, edit.location_id): edit for edit in edits if edit.on_hand != edit.seen}
    if not wanted:
        return Edited(0, [])
    with connection.cursor() as cursor:
        now = {(unit, place): on_hand for unit, place, on_hand, *_ in ledger.hold(uc, cursor, wanted)}
    stale = [(edit, now[spot]) for spot, edit in wanted.items() if now[spot] not in (edit.seen, edit.on_hand)]
    fresh = [edit for spot, edit in wanted.items() if now[spot] == edit.seen]
    targets = [Target(edit.unit_id, edit.location_id, edit.on_hand, f"adjust:{uuid4()}") for edit in fresh]
    changed = ledger.set_on_hand(uc, targets, Cause.ADJUST, reason.strip()[:300])
    for each in fresh:
        figures = [each.seen, each.on_hand]
        audit.record(uc, "edit.stock", "stock_unit", each.unit_id, location=each.location_id, on_hand=figures, reason=reason.strip()[:300])
    return Edited(changed, stale)
