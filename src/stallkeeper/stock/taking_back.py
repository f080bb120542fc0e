"""Taking back what a stock run (an import, a source) did: counter-movements, never an update. What was sold since stays sold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import ledger, taking_back_queries
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, Location, LocationOwner

BACK = "back:"
"""References of counter-movements begin with it; what follows is the reference of the movement taken back."""


class StockRun(NamedTuple):
    """A run that changed on hand: ``reference`` begins the references of its movements (``import:12``)."""

    reference: str
    recorded_at: datetime
    units: int
    rose: int
    fell: int
    reason: str


def runs_since(organisation_id: int, since: datetime, most: int = 20) -> list[StockRun]:
    """Runs that changed stock since then and were not taken back, newest first."""
    with connection.cursor() as cursor:
        return [StockRun(*row) for row in taking_back_queries.runs_since(cursor, organisation_id, since, BACK, most)]


def differences(organisation_id: int, references: Sequence[str]) -> dict[tuple[int, int], int]:
    """By how much on hand would change, per (unit, place), if these runs were taken back. What was taken back already counts no more."""
    changes: dict[tuple[int, int], int] = {}
    for move in _moves(organisation_id, references):
        for location, step in ((move[3], move[2]), (move[4], -move[2])):
            changes[move[1], location] = changes.get((move[1], location), 0) + step
    return {spot: change for spot, change in changes.items() if change}


def hold(uc: UseCase, references: Sequence[str]) -> None:
    """Lock the levels that these runs changed, so that what is worked out next is still so when they are taken back."""
    spots = [(move[1], location) for move in _moves(uc.organisation_id, references) for location in (move[3], move[4])]
    if spots:
        with connection.cursor() as cursor:
            ledger.hold(uc, cursor, _real(spots))


def _real(spots: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    virtual = set(Location.objects.filter(owner=LocationOwner.VIRTUAL).values_list("pk", flat=True))
    return {spot for spot in spots if spot[1] not in virtual}


def take_back(uc: UseCase, references: Sequence[str]) -> int:
    """Enter the reverse of every movement of these runs; how many were new. Taking back twice is a no-op.

    ``ledger.NotEnough`` if units that a run brought have left since: correct those by hand first.
    """
    moves = [
        Move(unit, quantity, target, origin, Cause.SOURCE, f"{BACK}{reference}", uc.at, f"taken back: {reason}"[:300])
        for reference, unit, quantity, origin, target, reason in _moves(uc.organisation_id, references)
    ]
    new = ledger.post(uc, moves)
    for reference in references:
        audit.record(uc, "stock.take_back", "stock_run", reference, movements=len(new))
    return len(new)


def _moves(organisation_id: int, references: Sequence[str]) -> list[taking_back_queries.MoveRow]:
    with connection.cursor() as cursor:
        return taking_back_queries.moves_of(cursor, organisation_id, references, BACK)
