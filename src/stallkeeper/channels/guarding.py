"""Who is guarded: a person's choice for a product, and the company's threshold (see ``guard`` for what it does)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.channels import delivery_queries, guard_history, guard_queries, refresh
from stallkeeper.channels.models import GuardedUnit
from stallkeeper.core import audit
from stallkeeper.core.models import Organisation
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import reserve
from stallkit.words import said as _

MOST_BELOW = 10_000


class GuardError(ValueError):
    """A unit, or the threshold, cannot be set so; the text says which and why."""


def set_unit(uc: UseCase, unit: StockUnit, guarded: bool) -> bool:
    """Whether a person wants this unit guarded, however many there are. True if that was changed; GuardError for kits and uncounted units.

    All its offers, those of kits included, are worked out anew before the commit: cuts are listed at once, raises go out as there is room.
    """
    if unit.kind == UnitKind.KIT or not unit.stocked:
        raise GuardError(_("sku: {sku} is not counted by itself; guard the units that it is made of", sku=unit.sku))
    refresh.lock(uc, [unit.pk])
    known = GuardedUnit.objects.select_for_update().filter(stock_unit=unit).first()
    if guarded == (known is not None and known.by_hand):
        return False
    if known is None:
        GuardedUnit.objects.create(organisation_id=uc.organisation_id, stock_unit=unit, by_hand=True, since=uc.at)
        guard_history.begin(uc, [unit.pk])
    elif guarded or known.scarce:
        known.by_hand = guarded
        known.save(update_fields=["by_hand"])
    else:
        known.delete()
        guard_history.end(uc, [unit.pk])
    audit.record(uc, "set.guard", "stock_unit", unit.pk, guarded=guarded)
    uc.mark(reserve.STALE, [unit.pk])
    return True


def set_below(uc: UseCase, below: int) -> bool:
    """Guard every unit of which there are no more than ``below`` (0: none). True if that was changed; the units follow soon after."""
    if not 0 <= below <= MOST_BELOW:
        raise GuardError(_("threshold: a number between 0 and {most}", most=MOST_BELOW))
    company = Organisation.objects.select_for_update().get(pk=uc.organisation_id)
    before, company.guard_below = company.guard_below, below
    if before == below:
        return False
    company.save(update_fields=["guard_below"])
    audit.record(uc, "company.guard", "organisation", uc.organisation_id, below=[before, below])
    with connection.cursor() as cursor:
        marked = guard_queries.mark_by_threshold(cursor, uc.organisation_id, below)
    if marked:
        uc.mark("drain_stale", [uc.organisation_id])
    return True


def new_day(uc: UseCase, units: Iterable[int]) -> None:
    """Refresh the offers of ``units``; and what channels have refused of guarded units is theirs again, and is tried once more.

    Until then others had it (``guard``). What a channel never takes costs one call and two moves of units a day.
    """
    with connection.cursor() as cursor:
        refused = guard_queries.refused(cursor, uc.organisation_id)
        chosen = sorted({*units, *(unit for _offer, unit in refused)})
        refresh.lock(uc, chosen)
        delivery_queries.clear_refusals(cursor, delivery_queries.QUANTITY, [offer for offer, _unit in refused])
    refresh.refresh(uc, chosen)
