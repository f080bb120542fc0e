"""Acts of the platforms' catalogues: a listing is taken away, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.world import SKUS

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World


@act("listing goes", 0.6, ours=False)
def go(world: World) -> None:
    """The platform takes down an article that nobody there has ordered: from now on it does not know it."""
    stall = world.dice.choice(world.stalls)
    skus = [] if stall.gone else _never_ordered(stall)
    if skus:
        sku = world.dice.choice(skus)
        stall.gone[sku] = stall.emulator.offers[sku]
        stall.emulator.remove_offer(sku)
        world.reach("a listing was taken away")
        world.note(f"{stall.name}: {sku} is listed no more")


def _never_ordered(stall: Stall) -> list[str]:
    ordered = {line.sku for order in stall.emulator.orders.values() for line in order.lines}
    return [sku for sku in SKUS if sku in stall.emulator.offers and sku not in ordered]


@act("listing comes back", 0.8, ours=False)
def come_back(world: World) -> None:
    """With the figure that it had."""
    without = [stall for stall in world.stalls if stall.gone]
    if without:
        stall = world.dice.choice(without)
        sku, offer = stall.gone.popitem()
        stall.emulator.offers[sku] = offer
        if stall.view.gone_is_zero:  # read as 0 while it was away: as if somebody had typed the figure in again
            stall.emulator.mislaid[sku] = stall.emulator.clock()
        world.reach("a listing came back")
        world.note(f"{stall.name}: {sku} is listed again")
