"""Acts at the shelf that go for what is promised: goods that turn out to be missing, orders that leave in two parcels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.fulfilment import ship
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.stalls import ACTOR
from stallkeeper.ops.simulation.truth import events
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import ledger
from stallkeeper.stock.models import Level
from stallkit.testing.shop import Fault

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

CALLS = {"dummy": "/shipments", "walmart": "/shipping"}
"""Platforms that take an order in parts, and what the address of that call ends with."""


@act("goods are missing", 1)
def missing(world: World) -> None:
    """A person finds one or two units fewer than are promised, mostly of what is promised most; or no more than that of what has just been
    sold."""
    level = _just_sold(world) if world.racing else _promised(world)
    if level is None:
        return
    on_hand = max(level.allocated - (0 if world.racing else world.dice.choice((1, 1, 2))), 0)
    with world.use_case("adjust.stock") as uc:
        ledger.adjust(uc, level.stock_unit, level.location, on_hand, "broken")
    world.reach("promised goods were missing")
    world.note(f"{level.stock_unit.sku} at {level.location.code}: {level.allocated} are promised, {on_hand} are there")
    world.told(events.Counted(level.stock_unit_id, level.location_id, on_hand), quiet=True)


def _promised(world: World) -> Level | None:
    levels = Level.objects.filter(location__in=world.places, allocated__gt=0).select_related("stock_unit", "location")
    most = list(levels.order_by("-allocated", "stock_unit_id", "location_id")[:3])
    return world.dice.choice(most) if most else None


def _just_sold(world: World) -> Level | None:
    stall = world.some_stall()
    orders = stall.news() or list(stall.emulator.orders.values())
    levels = Level.objects.filter(stock_unit__sku=orders[-1].lines[0].sku, location__in=world.places) if orders else Level.objects.none()
    return levels.select_related("stock_unit", "location").order_by("location_id").first()


@act("two parcels", 3)
def two_parcels(world: World) -> None:
    """A line leaves in two parcels, one right after the other; in bad weather the platform does not hear of the second at first."""
    found = [(stall, line) for stall in world.stalls if stall.platform in CALLS for line in _lines(stall.connection_id)]
    if not found:
        return
    stall, line = world.dice.choice(found)
    if world.chaos.weather.rate("timeout_before"):
        stall.emulator.fail_next(Fault.DROP_BEFORE, path=CALLS[stall.platform], after=1)
    for _ in range(2):
        reference = f"parcel:{world.number()}"
        world.told(events.ShipTried(stall.connection_id, line.order.external_id, reference))
        ship.ship(
            world.organisation.pk,
            line.order_id,
            {line.pk: 1},
            carrier="UPS",
            tracking_number=f"1Z-{reference}",
            actor=ACTOR,
            reference=reference,
            although_asked=True,
        )
        world.told(events.ShipWished(stall.connection_id, line.order.external_id, {line.line_id: 1}, reference))
    world.reach("a line left in two parcels")
    world.note(f"{stall.name}: two parcels leave with line {line.line_id} of order {line.order.external_id}")


def _lines(connection: int) -> list[OrderLine]:
    lines = OrderLine.objects.filter(order__connection_id=connection, order__state="acknowledged", short=0, stock_unit__isnull=False)
    return [line for line in lines.select_related("order").order_by("pk") if line.open > 1]
