"""Acts of the seller's people: a channel gets a main one, speaks for itself, follows it again, is left by itself. In some of the seeds
(S5.19, S5.20)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeVar

import msgspec

from stallkeeper.channels import inheritance, plans
from stallkeeper.channels.models import Channel
from stallkeeper.channels.proposals import Proposal, change_of
from stallkeeper.ops.simulation import sends
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.stalls import ACTOR, Stall
from stallkeeper.ops.simulation.strewn import strewn

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
FAMILY = 0.15
"""Part of the seeds in which a channel may have another one's rules. They have two accounts on one platform, unless one of the two gives
way to a platform abroad."""
JOINS, FOLLOWS, LEAVES, CHANGES = "a channel gets a main one", "a sub-channel follows again", "a channel is left by itself", "rules change"
PLAYED = (
    (JOINS,), (JOINS,), (JOINS,), (CHANGES,), (CHANGES,), (FOLLOWS,), (FOLLOWS,), (LEAVES,), (JOINS, CHANGES), (CHANGES, FOLLOWS),
    (CHANGES, CHANGES), (LEAVES, CHANGES), (JOINS, sends.BOTH), (sends.BOTH,), (sends.BOTH, FOLLOWS), (sends.UNDOES,),
)  # fmt: skip
MOST = 14
"""So many more steps has such a day."""


def has_family(seed: int) -> bool:
    """Whether channels of this seed may have a main channel."""
    return Random(f"family:{seed}").random() < FAMILY  # noqa: S311


def with_family(seed: int, steps: list[S], step: Callable[[tuple[str, ...], int], S], *, races: bool) -> list[S]:
    """The steps of a seed, and between them what people do with its sub-channels."""
    return strewn(f"family steps:{seed}", steps, step, PLAYED, MOST, races=races) if has_family(seed) else steps


@act(JOINS, 0)
def join(world: World) -> None:
    """A channel gets the rules of another one of its platform from now on, but for what differs today."""
    pairs = [(sub, main) for sub in world.stalls for main in world.stalls if sub is not main and sub.platform == main.platform]
    if not pairs:
        return
    sub, main = world.dice.choice(pairs)
    with world.use_case("channel.parent") as uc:
        inheritance.attach(uc, sub.channel.pk, main.channel.pk)
    world.reach("a channel got a main one")
    world.note(f"{sub.name} has the rules of {main.name}")


@act(LEAVES, 0)
def leave(world: World) -> None:
    """A sub-channel keeps the rules that it has, and follows nobody."""
    found = _sub(world)
    if found is None:
        return
    stall, channel = found
    with world.use_case("channel.parent") as uc:
        inheritance.attach(uc, channel.pk, None)
    world.reach("a sub-channel was left by itself")
    world.note(f"{stall.name} is a channel by itself")


@act(FOLLOWS, 0)
def follow(world: World) -> None:
    """Somebody takes back, by a plan, some of what a sub-channel says itself."""
    found = _sub(world)
    if found is None or not found[1].own_rules:
        return
    stall, channel = found
    names = world.dice.sample(channel.own_rules, world.dice.randint(1, len(channel.own_rules)))
    change = msgspec.structs.replace(change_of({}, {}), follow=names)
    world.note(f"{stall.name} shall have of its main channel: {', '.join(names)}")
    sends.press_send(world, sends.look_at(world, plans.save(world.organisation.pk, Proposal(channels={channel.pk: change}), ACTOR)))
    world.reach("a sub-channel followed again")


def _sub(world: World) -> tuple[Stall, Channel] | None:
    """The first stall whose channel has a main one, with the channel as it is now."""
    stalls = {stall.channel.pk: stall for stall in world.stalls}
    channel = Channel.objects.filter(pk__in=stalls).exclude(parent=None).order_by("pk").first()
    return None if channel is None else (stalls[channel.pk], channel)
