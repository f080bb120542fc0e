"""A place whose numbers come from a source: in some of the seeds. How it is set up, what is played around it, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar

from stallkeeper.channels.models import SOURCE, Lane
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.files import ADDRESS, FileServer
from stallkeeper.ops.simulation.strewn import strewn
from stallkeeper.ops.simulation.truth.files import FeedView
from stallkeeper.stock import source_setup, sources
from stallkeeper.stock.models import SourceRun
from stallkeeper.stock.source_setup import Terms
from stallkeeper.sync import tasks

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
SOURCED = 0.2
"""Part of the seeds in which a place has a source."""
CHANGES, ASKS, LOOKS = "their goods change", "ask the source now", "look at what a source brought"
PLAYED = (
    (CHANGES,), (CHANGES,), (ASKS,), (ASKS,), (LOOKS,), (CHANGES, ASKS), (ASKS, ASKS), (ASKS, "ship"), (ASKS, "trade now"),
    (ASKS, "goods are missing"), (ASKS, "goods come in"), (ASKS, LOOKS),
)  # fmt: skip
MOST = 6
"""So many steps more has a day with a source, each a change of the file and one of these."""
LIMITS: Sequence[Terms] = (
    {"zero_limit": 100, "change_limit": 100, "least_rows": 0, "limits_from": 2},
    {"zero_limit": 100, "change_limit": 100, "least_rows": 0, "limits_from": 2},
    {"zero_limit": 30, "change_limit": 100, "least_rows": 70, "limits_from": 2},
    {"zero_limit": 40, "change_limit": 75, "least_rows": 70, "limits_from": 3},
)


def has_source(seed: int) -> bool:
    """Whether a place of this seed has a source."""
    return Random(f"source:{seed}").random() < SOURCED  # noqa: S311


def with_source(seed: int, steps: list[S], step: Callable[[tuple[str, ...], int], S], *, races: bool) -> list[S]:
    """The steps of a seed, and between them what is played around its source."""
    return strewn(f"source steps:{seed}", steps, step, PLAYED, MOST, races=races) if has_source(seed) else steps


def open_source(world: World) -> None:
    """A place of the seller's gets its numbers from a file from now on, as a person sets it up."""
    dice = Random(f"source terms:{world.seed}")  # noqa: S311
    server = world.files = FileServer(world, world.counted)
    server.publish(dice, good=True)
    place = dice.choice(world.places)
    terms: Terms = {"name": "their list", "interval_minutes": dice.choice((1, 2, 5)), "silent_after": 3, **dice.choice(LIMITS)}
    terms["mode"] = dice.choice(("listed", "all", "all", "deltas"))
    terms["basis"] = "gross" if terms["mode"] == "deltas" else dice.choice(("gross", "net"))
    config = {"address": ADDRESS, "as_of": dice.choice(("file", "file", "fetch"))}
    with world.use_case("sim.source") as uc:
        source = source_setup.add(uc, place, "url", config, {}, terms)
        source_setup.map_columns(uc, source.pk, {}, {"code": "sku", "quantity": "qty"}, {})
        source_setup.turn(uc, source.pk, True)
    world.feeds.append(
        FeedView(
            source.pk,
            place.pk,
            terms["mode"],
            terms["basis"],
            terms["zero_limit"],
            terms["change_limit"],
            terms["least_rows"],
            terms["limits_from"],
            timedelta(minutes=terms["interval_minutes"]) * 3,
            config["as_of"] == "file",
            uc.at,
            server.books,
        )
    )


@act(CHANGES, 0, ours=False)
def change(world: World) -> None:
    """Goods come and go where the file is written; at times it is no good."""
    if world.files is not None:
        world.note(f"their file is {world.files.publish(world.dice)}")


@act(ASKS, 0)
def ask(world: World) -> None:
    """A person wants the numbers now, mostly; a worker looks at the source, due or not."""
    for feed in world.feeds:
        if world.dice.random() < 0.8:
            with world.use_case("sim.ask_source") as uc:
                source_setup.ask_now(uc, feed.source_id)
        tasks.source(Lane.objects.get(subject_type=SOURCE, subject_id=feed.source_id).pk)
        world.reach("a source was asked now")


@act(LOOKS, 0)
def look(world: World) -> None:
    """A person looks at runs that wait: they are let through, or dropped."""
    settle(world, drop=0.3)


def settle(world: World, *, drop: float = 0.0) -> None:
    """Whoever waits is told, the oldest first; ``drop``: part of those that are not wanted."""
    for feed in world.feeds:
        for run in list(SourceRun.objects.filter(source_id=feed.source_id, state="stopped").order_by("pk")):
            dropped = world.dice.random() < drop
            with world.use_case("sim.settle_run") as uc:
                (sources.drop if dropped else sources.let_through)(uc, run.pk)
            world.reach("figures that waited were dropped" if dropped else "figures that waited were let through")
            world.note(f"a run of the source was {'dropped' if dropped else 'let through'}")
