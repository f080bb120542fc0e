"""Holds: units kept back for a while. Manual ones by a person; all of them end by themselves when their time is over."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries, reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.models import Location, LocationOwner, ManualHold, Reservation, ReservationKind
from stallkeeper.stock.reserve import Want
from stallkit.words import said as _

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
        raise HoldError(_("quantity: a hold keeps back 0 or more units"))
    if expires_at is not None and expires_at <= uc.at:
        raise HoldError(_("expires_at: this moment has passed already"))
    demand = Demand(hold_id, quantity, ((unit_id, 1),), (location_id,))
    kept = reserve.set_reservations(uc, "manual", [Want(demand, ReservationKind.MANUAL, None, expires_at)], cause=f"hold: {reason}"[:60])
    with connection.cursor() as cursor:  # also where as many units are kept as before, so that nothing else was written
        queries.set_expiry(cursor, "manual", hold_id, expires_at)
    audit.record(uc, "set.hold", "stock_unit", unit_id, location=location_id, wanted=quantity, kept=kept[hold_id], reason=reason)
    return kept[hold_id]


def keep_back(uc: UseCase, unit: StockUnit, location: Location, quantity: int, *, reason: str, expires_at: datetime | None = None) -> int:
    """Say how many units of one place a person keeps back, in place of what was said before (0 lifts); returns how many could be kept.

    HoldError if there is nothing to keep or to lift, or if the unit or place is not one whose stock is counted.
    """
    _check(unit, location, reason)
    if quantity == 0:
        return _lift(uc, unit, location, reason)
    given = {"quantity": quantity, "reason": reason, "actor": uc.actor, "expires_at": expires_at}
    hold, _made = ManualHold.objects.update_or_create(
        organisation_id=uc.organisation_id,
        stock_unit=unit,
        location=location,
        defaults=given,
        create_defaults=given | {"created_at": uc.at},
    )
    kept = set_hold(uc, hold.pk, unit.pk, location.pk, quantity, reason=reason, expires_at=expires_at)
    if not kept:
        raise HoldError(_("quantity: of {sku}, nothing is free at {code} that could be kept back", sku=unit.sku, code=location.code))
    return kept


def kept_back(unit: StockUnit | None = None) -> list[tuple[ManualHold, int]]:
    """What people keep back, of one unit or of all, with how many units of each hold could be kept; by SKU and place."""
    found = ManualHold.objects.select_related("stock_unit", "location").order_by("stock_unit__sku", "location__priority", "pk")
    holds = list(found.filter(stock_unit=unit) if unit else found)
    rows = Reservation.objects.filter(owner_type="manual", owner_id__in=[hold.pk for hold in holds])
    kept = dict(rows.values_list("owner_id", "quantity"))
    return [(hold, kept.get(hold.pk, 0)) for hold in holds]


def _check(unit: StockUnit, location: Location, reason: str) -> None:
    if unit.kind == UnitKind.KIT:
        raise HoldError(_("sku: {sku} is a kit; its stock follows from its components: keep those back", sku=unit.sku))
    if not unit.stocked:
        raise HoldError(_("sku: {sku} is not counted, so nothing of it can be kept back", sku=unit.sku))
    if location.owner == LocationOwner.VIRTUAL:
        raise HoldError(_("location: {code} is no place where goods lie", code=location.code))
    if not reason.strip():
        raise HoldError(_("reason: say why the units are kept back, or why no longer"))


def _lift(uc: UseCase, unit: StockUnit, location: Location, reason: str) -> int:
    hold = ManualHold.objects.select_for_update().filter(stock_unit=unit, location=location).first()
    if hold is None:
        raise HoldError(_("quantity: of {sku}, nothing is kept back at {code}", sku=unit.sku, code=location.code))
    set_hold(uc, hold.pk, unit.pk, location.pk, 0, reason=reason)
    hold.delete()
    return 0


def lapse(uc: UseCase, limit: int = 500) -> int:
    """End the holds whose time is over; returns how many owners that were. Whoever waits for the units is served before commit."""
    ended = 0
    with connection.cursor() as cursor:
        due = queries.expired_holds(cursor, uc.organisation_id, uc.at, limit)
    for owner_type in sorted({owner_type for owner_type, _owner in due}):
        owners = [owner for kind, owner in due if kind == owner_type]
        if owner_type == "manual":
            owners = _over(uc, owners)
        lapsed = reserve.lapse(uc, owner_type, owners)
        if owner_type == "line":
            uc.mark(LAPSED, lapsed)
        ended += len(lapsed)
    return ended


def _over(uc: UseCase, owners: list[int]) -> list[int]:
    """The manual holds that really are over, their rows deleted; one that was prolonged meanwhile stays."""
    held = ManualHold.objects.select_for_update().filter(pk__in=owners).order_by("pk")
    prolonged = {hold.pk for hold in held if hold.expires_at is None or hold.expires_at > uc.at}
    over = [owner for owner in owners if owner not in prolonged]
    ManualHold.objects.filter(pk__in=over).delete()
    return over
