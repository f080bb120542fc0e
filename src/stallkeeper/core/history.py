"""What the facts behind a figure were: each change is kept in the transaction that makes it, so that a past moment can be worked out.

Only changes are written. The facts of a moment are those of now with what changed since taken back; so nothing is written for what never
changes, however much of it there is. Movements, reservations and rules have histories of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection

from stallkeeper.core import history_queries
from stallkeeper.core.use_case import UseCase


class Fact(StrEnum):
    """What a change is of; subject and part are said in this order."""

    UNIT = "unit"
    """A stock unit; ``active`` or ``stocked``."""
    PRODUCT = "product"
    """A product; ``category``."""
    KIT = "kit"
    """A kit; its component. The number of it in one kit."""
    PLACE = "place"
    """A location; ``active``, ``sellable`` or ``priority``."""
    FENCE = "fence"
    """A stock unit; the channel. Units kept for it."""
    INCOMING = "incoming"
    """A stock unit; location and day, with a space between. Units that should come."""
    GUARD = "guard"
    """A stock unit; "". True while it is in guarded mode."""
    QUOTA = "quota"
    """An offer; "". What guarded mode gave it, until it was given another figure; ``after`` None: it is guarded no longer.

    A split rests on the one before it, so it cannot be worked out again: it is a decision, and is kept like one.
    """
    OFFER = "offer"
    """An offer; "". Its link: {unit, pack, excluded, since}."""


class Changed(NamedTuple):
    """``before`` and ``after`` are what JSON can hold; None: there was, or is, none."""

    subject_id: int
    part: str
    before: object
    after: object


def note(uc: UseCase, fact: Fact, changes: Iterable[Changed]) -> None:
    """Keep what these facts were until now; what is no change is left out. Call it in the transaction of the change."""
    rows = [
        (change.subject_id, change.part, json.dumps(change.before), json.dumps(change.after))
        for change in changes
        if change.before != change.after
    ]
    if rows:
        with connection.cursor() as cursor:
            history_queries.append(cursor, uc.organisation_id, uc.at, uc.actor, fact, rows)


def undone(organisation_id: int, fact: Fact, subjects: Sequence[int], at: datetime) -> dict[tuple[int, str], Any]:
    """{(subject, part): what it was at ``at``} of those facts that have changed since then; the others are as they are now."""
    if not subjects:
        return {}
    with connection.cursor() as cursor:
        return {(row[0], row[1]): row[2] for row in history_queries.first_after(cursor, organisation_id, fact, subjects, at)}
