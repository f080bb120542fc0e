"""Acts in the platforms' own screens, by the seller's people or the platform's: the hub hears of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.ops.simulation.acts import act
from stallkit.types import OrderState

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World
    from stallkit.testing.shop import ShopOrder


PARTS = 2
"""A posting of fewer units is not cut up."""
WHOLE = 0.4
"""Part of them of which nothing is left in the old one."""
LEFT_BEHIND = 0.5
"""Part of the parcels that are still here in the evening."""


def _order(world: World, platform: str, *states: OrderState) -> tuple[Stall, ShopOrder] | None:
    """An order in one of these states on a stall of that platform."""
    found = [(stall, order) for stall in world.stalls if stall.platform == platform for order in stall.emulator.orders.values()]
    found = [(stall, order) for stall, order in found if order.state in states]
    return world.dice.choice(found) if found else None


@act("goods leave by hand", 0.7, ours=False)
def leave_by_hand(world: World) -> None:
    """Somebody says in the market's own screen that an order has been sent."""
    found = _order(world, "dummy", OrderState.ACKNOWLEDGED, OrderState.PART_SHIPPED)
    if found is not None:
        stall, order = found
        stall.emulator.send_by_hand(order.order_id)  # type: ignore[attr-defined]
        world.reach("an order left by hand")
        world.note(f"{stall.name}: order {order.order_id} leaves by hand")


@act("shipment taken back", 3, ours=False)
def take_back(world: World) -> None:
    """Somebody puts a finalised order back to "in progress" in eMAG's screen; where none is finalised, an AWB is issued there, which does
    that. On Ozon, where nothing is taken back, a posting is cut up."""
    if _cut_up(world):
        return
    if found := _order(world, "emag", OrderState.SHIPPED):
        stall, order = found
        stall.emulator.take_back(order.order_id)  # type: ignore[attr-defined]
        world.reach("a shipment was taken back")
        world.note(f"{stall.name}: order {order.order_id} is in progress again")
    elif found := _order(world, "emag", OrderState.ACKNOWLEDGED):
        stall, order = found
        order.ship_calls, order.sent_by_hand = order.ship_calls - 1, order.sent_by_hand + 1  # the next line counts as if we had said it
        stall.emulator.issue_awb(order.order_id)  # type: ignore[attr-defined]
        world.reach("an order left by hand")
        world.note(f"{stall.name}: an AWB is issued for order {order.order_id}")


@act("a posting is cut up", 0, ours=False)
def cut_up(world: World) -> None:
    """In Ozon's own screen; nothing happens where Ozon takes no part."""
    _cut_up(world)


def _cut_up(world: World) -> bool:
    """A posting becomes two, or the first is over and all of it is in others."""
    found = _order(world, "ozon", OrderState.NEW, OrderState.ACKNOWLEDGED)
    lines = [line for line in found[1].lines if line.ordered > line.cancelled] if found else []
    if found is None or sum(line.ordered for line in lines) < PARTS:
        return False
    stall, order = found
    first = [(lines[0].sku, 1)]
    rest = [(line.sku, units) for line in lines if (units := line.ordered - (line is lines[0])) > 0]
    made = stall.emulator.split_posting(order.order_id, [first, rest] if world.dice.random() < WHOLE else [first])  # type: ignore[attr-defined]
    world.reach("a posting was cut up")
    world.note(f"{stall.name}: posting {order.order_id} is cut up into {' '.join(made)}")
    return True


def look_after_the_courier(world: World) -> None:
    """In the evening: parcels that the courier has left behind are taken back in eMAG's screen."""
    for stall in world.stalls:
        for order in stall.emulator.orders.values() if stall.platform == "emag" else ():
            if order.state is OrderState.SHIPPED and world.dice.random() < LEFT_BEHIND:
                stall.emulator.take_back(order.order_id)  # type: ignore[attr-defined]
                world.reach("a shipment was taken back")
                world.note(f"{stall.name}: the parcel of order {order.order_id} was left behind")


def reception(world: World) -> None:
    """Where a platform scans what leaves: its people take over what has left by our books. In the evening all of it has arrived."""
    for stall in world.stalls:
        for order in stall.orders("shipped", "part_shipped") if stall.view.scans else ():
            if stall.emulator.orders[order.external_id].state is OrderState.ACKNOWLEDGED:
                stall.emulator.scan(order.external_id)
                world.reach("a parcel was scanned")
                world.note(f"{stall.name}: the parcel of order {order.external_id} is scanned")


@act("cancelled by hand", 2, ours=False)
def cancel_by_hand(world: World) -> None:
    """Somebody at the seller's cancels an order in eMAG's own screen; not one that is packed or cancelled here."""
    open_here = {order.external_id for stall in world.stalls if stall.platform == "emag" for order in stall.orders("acknowledged")}
    found = _order(world, "emag", OrderState.ACKNOWLEDGED)
    if found is not None and found[1].order_id in open_here:
        stall, order = found
        stall.emulator.cancel_by_hand(order.order_id)  # type: ignore[attr-defined]
        world.reach("an order was cancelled by hand")
        world.note(f"{stall.name}: order {order.order_id} is cancelled by hand")


@act("market insists", 1.5, ours=False)
def insist(world: World) -> None:
    """The market has promised an order to its buyer: the seller cannot cancel it any more."""
    found = _order(world, "dummy", OrderState.NEW, OrderState.ACKNOWLEDGED, OrderState.PART_SHIPPED)
    if found is not None:
        stall, order = found
        stall.emulator.insist(order.order_id)  # type: ignore[attr-defined]
        world.reach("a market insisted on delivery")
        world.note(f"{stall.name}: order {order.order_id} must be sent")
