"""Stock-taking: a count says what lay there at a moment; the differences become movements against the level of that moment.

Trade goes on while people count, so a count carries ``as_of``: goods that left or came after it are not its business.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import ledger, places, queries
from stallkeeper.stock.ledger import Move
from stallkeeper.stock.models import Cause, Location, StockCount, VirtualRole
from stallkit.words import said as _


class CountError(ValueError):
    """The count cannot be entered; the text says what is wrong with it."""


def record_count(uc: UseCase, location_id: int, counted: Mapping[int, int], *, as_of: datetime, reference: str) -> StockCount:
    """Enter a count of one place: unit to number counted at ``as_of``. The same reference again is a no-op."""
    existing = StockCount.objects.filter(reference=reference).first()
    if existing is not None:
        return existing
    if as_of > uc.at:
        raise CountError(_("as_of: goods cannot have been counted in the future"))
    if below := sorted(unit for unit, number in counted.items() if number < 0):
        raise CountError(_("unit {below}: a count is 0 or more", below=below[0]))
    with connection.cursor() as cursor:
        queries.lock_levels(cursor, sorted(counted), [location_id])
        then = queries.on_hand_as_of(cursor, uc.organisation_id, location_id, sorted(counted), as_of)
    adjustment = places.virtual(uc, VirtualRole.ADJUSTMENT).pk
    differing = {unit: number - then.get(unit, 0) for unit, number in sorted(counted.items()) if number != then.get(unit, 0)}
    ledger.post(uc, [_move(unit, delta, location_id, adjustment, reference, as_of) for unit, delta in differing.items()])
    audit.record(uc, "record.count", "location", location_id, reference=reference, lines=len(counted), differing=len(differing))
    return StockCount.objects.create(
        organisation_id=uc.organisation_id,
        location=Location.objects.get(pk=location_id),
        as_of=as_of,
        reference=reference,
        actor=uc.actor,
        recorded_at=uc.at,
        lines_total=len(counted),
        lines_differing=len(differing),
    )


def _move(unit: int, delta: int, location: int, adjustment: int, reference: str, as_of: datetime) -> Move:
    origin, target = (adjustment, location) if delta > 0 else (location, adjustment)
    return Move(unit, abs(delta), origin, target, Cause.COUNT, f"count:{reference}:{unit}", as_of, "stock-taking")
