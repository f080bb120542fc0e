"""A place whose numbers come from a source: in some of the seeds. How it is set up, what is played around it, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar

from stallkeeper.channels.models import SOURCE, Lane
from stallkeeper.ops.simulation.acts import act
from stallkeeper.ops.simulation.files import ADDRESS, FileServer
from stallkeeper.ops.simulation.program import Program, is_program
from stallkeeper.ops.simulation.strewn import strewn
from stallkeeper.ops.simulation.truth.files import Books, FeedView
from stallkeeper.stock import source_setup, sources
from stallkeeper.stock.models import SourceRun, StockSource
from stallkeeper.stock.source_setup import Terms
from stallkeeper.sync import source_kinds, tasks

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

S = TypeVar("S")
SOURCED = 0.2
"""Part of the seeds in which a place has a source."""
CHANGES, ASKS, LOOKS = "their goods change", "ask the source now", "look at what a source brought"
SENDS = "their program sends"
PLAYED = (
    (CHANGES,), (CHANGES,), (ASKS,), (ASKS,), (LOOKS,), (CHANGES, ASKS), (ASKS, ASKS), (ASKS, "ship"), (ASKS, "trade now"),
    (ASKS, "goods are missing"), (ASKS, "goods come in"), (ASKS, LOOKS),
)  # fmt: skip
MOST = 6
"""So many steps more has a day with a source, each a change of the file and one of these."""
NEVER = timedelta(days=99)
"""Nobody waits for so long."""
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
    """The steps of a seed, and between them what is played around its source. A program is not asked, it sends."""
    if not has_source(seed):
        return steps
    played = [tuple(SENDS if name == ASKS else name for name in names) for names in PLAYED] if is_program(seed) else PLAYED
    return strewn(f"source steps:{seed}", steps, step, played, MOST, races=races)


def open_source(world: World) -> None:
    """A place of the seller's gets its numbers from a file or a program from now on, as a person sets it up."""
    if is_program(world.seed):
        _open_program(world)
    else:
        _open_file(world)


def _open_program(world: World) -> None:
    dice = Random(f"source terms:{world.seed}")  # noqa: S311
    place = dice.choice(world.places)
    terms: Terms = {"name": "their program", "silent_after": 0, **dice.choice(LIMITS)}
    terms["mode"], terms["basis"] = dice.choice(("listed", "all", "all")), dice.choice(("gross", "net"))
    with world.use_case("sim.source") as uc:
        source = source_setup.add(uc, place, source_kinds.API, {}, {}, terms)
        source_setup.turn(uc, source.pk, True)
        key = source_setup.issue_token(uc, source.pk)
    world.program = Program(world, key, {sku: dice.randint(0, 12) for sku in world.counted})
    world.feeds.append(_view(world, source, NEVER, world.program.books, by_file=True))


def _view(world: World, source: StockSource, silence: timedelta, books: Books, *, by_file: bool) -> FeedView:
    return FeedView(
        source.pk,
        source.location_id,
        source.mode,
        source.basis,
        source.zero_limit,
        source.change_limit,
        source.least_rows,
        source.limits_from,
        silence,
        by_file,
        world.clock.at,
        books,
    )


def _open_file(world: World) -> None:
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
    silence = timedelta(minutes=terms["interval_minutes"]) * 3
    world.feeds.append(_view(world, source, silence, server.books, by_file=config["as_of"] == "file"))


@act(CHANGES, 0, ours=False)
def change(world: World) -> None:
    """Goods come and go where the file is written; at times it is no good."""
    if world.program is not None:
        world.note(f"their program has {world.program.change(world.dice)}")
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


@act(SENDS, 0)
def send(world: World) -> None:
    """Somebody's program has something to say, as the web process hears it."""
    if world.program is not None:
        world.program.send(world.dice)


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
