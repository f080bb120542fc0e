"""Holds: units kept back for a while. Manual ones by a person; all of them end by themselves when their time is over."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries, reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.models import ReservationKind
from stallkeeper.stock.reserve import Want

LAPSED = "hold_lapsed"
"""Mark: order lines whose hold ended because its time was over."""


class HoldError(ValueError):
    """The hold cannot be placed as asked; the text says which field and why."""


def set_hold(
    uc: UseCase, hold_id: int, unit_id: int, location_id: int, quantity: int, *, reason: str, expires_at: datetime | None = None
) -> int:
    """Keep units of one place back by hand (0 lifts the hold); returns how many could be kept. The same ``hold_id`` sets it anew.

    A hold takes what is free and never what is promised.
    """
    if quantity < 0:
        raise HoldError("quantity: a hold keeps back 0 or more units")
    if expires_at is not None and expires_at <= uc.at:
        raise HoldError("expires_at: this moment has passed already")
    demand = Demand(hold_id, quantity, ((unit_id, 1),), (location_id,))
    kept = reserve.set_reservations(uc, "manual", [Want(demand, ReservationKind.MANUAL, None, expires_at)], cause=f"hold: {reason}"[:60])
    audit.record(uc, "set.hold", "stock_unit", unit_id, location=location_id, wanted=quantity, kept=kept[hold_id], reason=reason)
    return kept[hold_id]


def lapse(uc: UseCase, limit: int = 500) -> int:
    """End the holds whose time is over; returns how many owners that were. Whoever waits for the units is served before commit."""
    with connection.cursor() as cursor:
        due = queries.expired_holds(cursor, uc.organisation_id, uc.at, limit)
    for owner_type in sorted({owner_type for owner_type, _ in due}):
        owners = [owner for kind, owner in due if kind == owner_type]
        reserve.release(uc, owner_type, owners, cause="lapsed")
        if owner_type == "line":
            uc.mark(LAPSED, owners)
    return len(due)
