"""Acts at the shelf that go for what is promised: goods that turn out to be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.truth import events
from stallkeeper.stock import ledger
from stallkeeper.stock.models import Level

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World


@act("goods are missing", 1)
def missing(world: World) -> None:
    """A person finds one or two units fewer than are promised, mostly of what is promised most."""
    levels = Level.objects.filter(location__in=world.places, allocated__gt=0).order_by("-allocated", "stock_unit_id", "location_id")[:3]
    if not levels:
        return
    level = world.dice.choice(list(levels.select_related("stock_unit", "location")))
    on_hand = max(level.allocated - world.dice.choice((1, 1, 2)), 0)
    with world.use_case("adjust.stock") as uc:
        ledger.adjust(uc, level.stock_unit, level.location, on_hand, "broken")
    world.reach("promised goods were missing")
    world.note(f"{level.stock_unit.sku} at {level.location.code}: {level.allocated} are promised, {on_hand} are there")
    world.told(events.Counted(level.stock_unit_id, level.location_id, on_hand), quiet=True)
