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
OVER = "two make plans, and the first is sent"
PLAYED = (
    (BOTH,), (BOTH,), (MAKES,), (SENDS,), (SENDS,), (UNDOES,), (UNDOES,), (OVER,), (OVER,), (MAKES, SENDS), (BOTH, SENDS), (SENDS, SENDS),
    (BOTH, BOTH), (BOTH, BOTH), (OVER, MAKES), (BOTH, "buyer orders"), (BOTH, "trade now"), (BOTH, "restock"), (UNDOES, "rules change"),
)  # fmt: skip
MOST = 6
"""So many more steps has a day with plans."""
AN_OLDER_PAGE, ANOTHER_MARK = 0.35, 0.2
"""Part of those who come back to a page that is not the newest, and of those whose page shows another plan than the one that they send."""


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
    _try_out(world)


@act(SENDS, 0)
def send(world: World) -> None:
    """Somebody comes back to a screen with a plan, mostly the newest one, and sends it; long ago it may have said the same."""
    if world.plans:
        press_send(world, world.dice.choice(world.plans) if world.dice.random() < AN_OLDER_PAGE else world.plans[-1])


@act(BOTH, 0)
def make_and_send(world: World) -> None:
    """Save and send, by somebody who looks at it in between; meanwhile somebody else may have saved another."""
    press_send(world, _try_out(world))


@act(OVER, 0)
def make_over(world: World) -> None:
    """Somebody has a plan on the screen when another one is saved, and sends what is on the screen."""
    first = _try_out(world)
    _try_out(world)
    world.reach("a plan was sent that another one had replaced")
    press_send(world, first)


@act(UNDOES, 0)
def undo(world: World) -> None:
    """What was sent last shall be as it was before."""
    undoing = look_at(world, plans.undo(world.organisation.pk, ACTOR))
    world.reach("the last send was to be undone")
    press_send(world, undoing)


def _proposal(world: World) -> Proposal:
    dice = world.dice
    changes = {}
    for stall in dice.sample(world.stalls, dice.choice((1, 1, 2))):
        said = dict(habits.rule(dice) for _ in range(dice.choice((0, 1, 2))))
        plain = {name: rules.plain(Decimal(value) if name.endswith("share") else value) for name, value in said.items()}  # type: ignore[arg-type]
        changes[stall.channel.pk] = change_of(plain, {"stock": dice.random() < 0.8} if dice.random() < 0.3 else {})
    return Proposal(channels=changes)


def _try_out(world: World) -> Looked:
    return look_at(world, plans.save(world.organisation.pk, _proposal(world), ACTOR))


def look_at(world: World, plan: SendPlan) -> Looked:
    """Somebody has it on the screen."""
    items = {
        int(offer): None if after == NOT_SET else int(after)
        for part in plans.parts_of(plan).values()
        for offer, after in zip(part.quantities.offer.tolist(), part.quantities.after.tolist(), strict=True)
    }
    held = any(counts.held for counts in plans.counts_of(plan))
    world.told(PlanShown(plan.pk, plan.fingerprint, items, held))
    world.plans.append(looked := Looked(plan.pk, plan.fingerprint))
    world.reach("a plan was made")
    world.note(f"a plan would change {len(items)} figures{', beyond the limits' if held else ''}")
    return looked


def press_send(world: World, looked: Looked) -> None:
    """The button, now and then pressed twice; a page that is not this plan's has another fingerprint."""
    dice = world.dice
    sure, lower = dice.random() < 0.7, dice.random() < 0.5
    mark = dice.choice(world.plans).fingerprint if dice.random() < ANOTHER_MARK else looked.fingerprint
    world.told(PlanSent(looked.number, mark, sure, lower))
    for _ in range(dice.choice((1, 1, 2))):
        plans.apply(world.organisation.pk, looked.number, mark, ACTOR, sure=sure, lower_is_fine=lower)
        world.reach("a plan was sent")
        world.note("the plan is in force")
