"""Acts of the seller's people at the sending table: a plan is made, looked at, sent, undone. In some of the seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, TypeVar

from stallkeeper.channels import plans, rules
from stallkeeper.channels.models import SendPlan
from stallkeeper.channels.proposals import Proposal, change_of
from stallkeeper.ops.simulation import habits
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.stalls import ACTOR
from stallkeeper.ops.simulation.strewn import strewn
from stallkeeper.ops.simulation.truth.events import PlanSent, PlanShown
from stallkeeper.stock.availability import NOT_SET

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
PLANNED = 0.2
"""Part of the seeds in which people send by plans."""
MAKES, SENDS, BOTH, UNDOES = "a plan is made", "a plan is sent", "a plan is made and sent", "the last send is undone"
PLAYED = (
    (BOTH,), (BOTH,), (BOTH,), (MAKES,), (SENDS,), (SENDS,), (UNDOES,), (UNDOES,), (MAKES, SENDS), (BOTH, SENDS), (SENDS, SENDS),
    (BOTH, BOTH), (BOTH, "buyer orders"), (BOTH, "trade now"), (BOTH, "restock"), (UNDOES, "rules change"),
)  # fmt: skip
MOST = 5
"""So many more steps has a day with plans."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A plan that somebody has on the screen, with what that would send."""

    number: int
    fingerprint: str


def has_plans(seed: int) -> bool:
    """Whether people of this seed send by plans."""
    return Random(f"plans:{seed}").random() < PLANNED  # noqa: S311


def with_plans(seed: int, steps: list[S], step: Callable[[tuple[str, ...], int], S], *, races: bool) -> list[S]:
    """The steps of a seed, and between them what people do with plans."""
    return strewn(f"plan steps:{seed}", steps, step, PLAYED, MOST, races=races) if has_plans(seed) else steps


@act(MAKES, 0)
def make(world: World) -> None:
    """Other rules, at times a switch, are tried out: what would go where?"""
    _look(world, plans.save(world.organisation.pk, _proposal(world), ACTOR))


@act(SENDS, 0)
def send(world: World) -> None:
    """Somebody comes back to a screen with a plan, mostly the newest one, and sends it; long ago it may have said the same."""
    if world.plans:
        _send(world, world.plans[-1] if world.dice.random() < 0.8 else world.dice.choice(world.plans))


@act(BOTH, 0)
def make_and_send(world: World) -> None:
    """Save and send, by somebody who looks at it in between."""
    make(world)
    _send(world, world.plans[-1])


@act(UNDOES, 0)
def undo(world: World) -> None:
    """What was sent last shall be as it was before."""
    _look(world, plans.undo(world.organisation.pk, ACTOR))
    world.reach("the last send was to be undone")
    _send(world, world.plans[-1])


def _proposal(world: World) -> Proposal:
    dice = world.dice
    changes = {}
    for stall in dice.sample(world.stalls, dice.choice((1, 1, 2))):
        said = dict(habits.rule(dice) for _ in range(dice.choice((0, 1, 2))))
        plain = {name: rules.plain(Decimal(value) if name.endswith("share") else value) for name, value in said.items()}  # type: ignore[arg-type]
        changes[stall.channel.pk] = change_of(plain, {"stock": dice.random() < 0.8} if dice.random() < 0.3 else {})
    return Proposal(channels=changes)


def _look(world: World, plan: SendPlan) -> None:
    """Somebody has it on the screen."""
    items = {
        int(offer): None if after == NOT_SET else int(after)
        for part in plans.parts_of(plan).values()
        for offer, after in zip(part.quantities.offer.tolist(), part.quantities.after.tolist(), strict=True)
    }
    held = any(counts.held for counts in plans.counts_of(plan))
    world.told(PlanShown(plan.pk, plan.fingerprint, items, held))
    world.plans.append(Looked(plan.pk, plan.fingerprint))
    world.reach("a plan was made")
    world.note(f"a plan would change {len(items)} figures{', beyond the limits' if held else ''}")


def _send(world: World, looked: Looked) -> None:
    """The button, now and then pressed twice; a page that is not this plan's has another fingerprint."""
    dice = world.dice
    sure, lower = dice.random() < 0.7, dice.random() < 0.5
    mark = looked.fingerprint if dice.random() < 0.9 else dice.choice(world.plans).fingerprint
    world.told(PlanSent(looked.number, mark, sure, lower))
    for _ in range(dice.choice((1, 1, 2))):
        plans.apply(world.organisation.pk, looked.number, mark, ACTOR, sure=sure, lower_is_fine=lower)
        world.reach("a plan was sent")
        world.note("the plan is in force")
