"""Incoming goods: how many units of what should come to which place on which day. Channels with a horizon may offer them beforehand.

Goods whose day has passed are late, and count no longer: nobody knows when they come.
"""

from __future__ import annotations

from datetime import date

from django.db import connection

from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.core import audit, history
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries, reserve
from stallkeeper.stock.models import Incoming, Location, LocationOwner
from stallkit.words import said as _


class IncomingError(ValueError):
    """These goods cannot be announced so; the text says which field and why."""


def set_incoming(uc: UseCase, unit: StockUnit, location: Location, expected_on: date, quantity: int) -> int:
    """Say how many units should come to a place on a day, in place of what was said for that day (0: none); returns what was said before.

    Nothing takes them off when they arrive: say 0 then. IncomingError for kits, uncounted units and virtual places.
    """
    if quantity < 0:
        raise IncomingError(_("quantity: 0 or more units come in"))
    if unit.kind == UnitKind.KIT or not unit.stocked:
        raise IncomingError(_("sku: {sku} is not counted by itself; announce units that are", sku=unit.sku))
    if location.owner == LocationOwner.VIRTUAL:
        raise IncomingError(_("location: {code} is no place where goods lie", code=location.code))
    known = Incoming.objects.select_for_update().filter(stock_unit=unit, location=location, expected_on=expected_on).first()
    before = known.quantity if known else 0
    if quantity:
        with connection.cursor() as cursor:  # availability counts what comes in on the level of its place
            queries.ensure_levels(cursor, uc.organisation_id, [unit.pk], [location.pk])
        Incoming.objects.update_or_create(
            organisation_id=uc.organisation_id,
            stock_unit=unit,
            location=location,
            expected_on=expected_on,
            defaults={"quantity": quantity},
        )
    elif known:
        known.delete()
    if quantity != before:
        history.note(uc, Fact.INCOMING, [Changed(unit.pk, f"{location.pk} {expected_on:%Y-%m-%d}", before, quantity)])
        audit.record(uc, "set.incoming", "stock_unit", unit.pk, location=location.pk, expected_on=expected_on, units=[before, quantity])
        uc.mark(reserve.STALE, [unit.pk])
    return before


def announced() -> list[int]:
    """Units of which something should come in, or should have come: their figures may change when a day begins."""
    return list(Incoming.objects.order_by("stock_unit_id").values_list("stock_unit_id", flat=True).distinct())
