"""Ring-fences: units that only one channel may offer; the others do not see them."""

from __future__ import annotations

from stallkeeper.catalog.models import StockUnit, UnitKind
from stallkeeper.channels.models import Channel, RingFence
from stallkeeper.core import audit, history
from stallkeeper.core.history import Changed, Fact
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import reserve
from stallkit.words import said as _


class FenceError(ValueError):
    """Units cannot be fenced so; the text says which field and why."""


def set_fence(uc: UseCase, channel: Channel, unit: StockUnit, quantity: int) -> int:
    """Say how many units only this channel may offer, in place of what was said before (0: none); returns what was said before.

    All offers of the unit, on every channel, are worked out anew before the commit. FenceError for kits and uncounted units.
    """
    if quantity < 0:
        raise FenceError(_("quantity: 0 or more units can be fenced"))
    if unit.kind == UnitKind.KIT or not unit.stocked:
        raise FenceError(_("sku: {sku} is not counted by itself; fence units that are", sku=unit.sku))
    known = RingFence.objects.select_for_update().filter(channel=channel, stock_unit=unit).first()
    before = known.quantity if known else 0
    if quantity:
        RingFence.objects.update_or_create(
            organisation_id=uc.organisation_id, channel=channel, stock_unit=unit, defaults={"quantity": quantity}
        )
    elif known:
        known.delete()
    if quantity != before:
        history.note(uc, Fact.FENCE, [Changed(unit.pk, str(channel.pk), before, quantity)])
        audit.record(uc, "set.fence", "stock_unit", unit.pk, channel=channel.pk, units=[before, quantity])
        uc.mark(reserve.STALE, [unit.pk])
    return before
