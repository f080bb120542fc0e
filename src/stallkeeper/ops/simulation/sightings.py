"""Sales that a look at the channel sees before their order is pulled, one after the other: on days on which they are held."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeVar

from stallkeeper.channels import balancer
from stallkeeper.channels.models import LaneKind
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.strewn import strewn
from stallkeeper.sync import tasks, wake
from stallkit.manifest import Observer

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
BALANCED = 0.5
"""Part of the days on which what stalls show is taken for sales."""
SEEN = "sales are seen"
PLAYED = ((SEEN,), (SEEN,), (SEEN, "trade now"), (SEEN, "buyer orders"))
MOST = 2
"""So many more steps has such a day."""
LOOKS = 2
"""At the least: the second one finds units that are held already."""


def is_balanced(seed: int) -> bool:
    """Whether what stalls of this seed show is taken for sales."""
    return Random(f"balancer:{seed}").random() < BALANCED  # noqa: S311


def with_looks(seed: int, steps: list[S], step: Callable[[tuple[str, ...], int], S], *, races: bool) -> list[S]:
    """The steps of a seed, and between them sales that are seen before their orders are here."""
    return strewn(f"looks:{seed}", steps, step, PLAYED, MOST, races=races) if is_balanced(seed) else steps


@act(SEEN, 0)
def see(world: World) -> None:
    """A buyer takes a unit, and before anybody has asked for orders the stall is read back; then comes the next one."""
    found = [(stall, sku) for stall in world.stalls for sku in _plenty(world, stall)]
    if not found:
        return
    stall, sku = world.dice.choice(found)
    for number in range(world.dice.randint(LOOKS, LOOKS + 1)):
        if not stall.emulator.quantity_of(sku):
            return
        order = stall.emulator.place_order([(sku, 1)])
        world.note(f"{stall.name}: order {order} of {sku}, and somebody looks")
        wake.look_now(stall.connection_id, "verify")
        tasks.background(stall.lane(LaneKind.BACKGROUND).pk)
        if number + 1 == LOOKS:
            world.reach("sales were seen one after the other")


def _plenty(world: World, stall: Stall) -> list[str]:
    """What a stall whose figures are watched shows enough of."""
    if balancer.observer_of(stall.channel) is Observer.NONE:
        return []
    return [sku for sku in world.counted if sku in stall.emulator.offers and stall.emulator.quantity_of(sku) >= LOOKS]
