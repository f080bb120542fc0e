"""Trade on the platforms with warehouses of their own, in the seeds that have one: their stalls would see a buyer or none all day."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeVar

from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.strewn import strewn
from stallkeeper.sync import tasks

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
WITH_WAREHOUSES = ("ozon", "wildberries", "yandex_market")
ABROAD = 0.35
"""Part of the seeds in which one of those takes part."""
TRADES, CUTS = "a stall abroad trades", "a posting is cut up"
PLAYED = ((TRADES,), (TRADES,), (TRADES, "buyer cancels"), (TRADES, CUTS), (CUTS,), (CUTS,))
MOST = 5
"""So many more steps has such a day."""
BASKETS = ((1,), (2,), (3,), (1, 2), (2, 2))
"""Units by line."""


def is_abroad(seed: int) -> bool:
    """Whether one of those platforms takes part."""
    return Random(f"abroad:{seed}").random() < ABROAD  # noqa: S311


def choose(seed: int, platforms: list[str]) -> list[str]:
    """The platforms of a seed: one with warehouses takes the place of one that was drawn; they cost more calls a day."""
    dice = Random(f"abroad:{seed}")  # noqa: S311
    if dice.random() >= ABROAD:
        return platforms
    place = dice.randrange(len(platforms))
    return [*platforms[:place], dice.choice(WITH_WAREHOUSES), *platforms[place + 1 :]]


def with_trade(seed: int, steps: list[S], step: Callable[[tuple[str, ...], int], S], *, races: bool) -> list[S]:
    """The steps of a seed, and between them trade abroad."""
    return strewn(f"abroad steps:{seed}", steps, step, PLAYED, MOST, races=races) if is_abroad(seed) else steps


@act(TRADES, 0)
def trade(world: World) -> None:
    """Its figures go out, a buyer takes some of what is shown, and its orders are asked for."""
    for stall in world.stalls:
        if stall.platform in WITH_WAREHOUSES:
            tasks.trade(stall.lane().pk)
            _buy(world, stall)
            tasks.trade(stall.lane().pk)


def _buy(world: World, stall: Stall) -> None:
    shown = [sku for sku in world.counted if sku in stall.emulator.offers and stall.emulator.quantity_of(sku)]
    basket = world.dice.choice(BASKETS)
    chosen = world.dice.sample(shown, min(len(shown), len(basket)))
    wanted = [(sku, min(units, stall.emulator.quantity_of(sku))) for sku, units in zip(chosen, basket, strict=False)]
    if wanted:
        number = stall.emulator.place_order(wanted)
        world.reach("an order abroad")
        world.note(f"{stall.name}: order {number} of {' '.join(f'{units}x{sku}' for sku, units in wanted)}")
