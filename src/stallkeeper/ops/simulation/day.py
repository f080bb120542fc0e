"""One seed from the opening to the verdict: steps are drawn, played in bad weather, then all becomes calm and everything must be right.

A step is data: what is played and the salt of its dice. So a list of steps replays without the dice that drew it, and a shorter list is a
day as well, which is how a failing one is shortened.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random

import psycopg
from django.db import connections

from stallkeeper.channels import switches
from stallkeeper.channels.models import Connection, LaneStep
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops.simulation import (
    abroad,
    acts,
    buyers,
    cabinet,
    crowd,
    exchanging,
    family,
    feeds,
    hub,
    listings,
    people,
    ruling,
    sends,
    shelf,
    sightings,
    situations,
)
from stallkeeper.ops.simulation.acts import ACTS, attempt
from stallkeeper.ops.simulation.crowd import Stuck, gathered
from stallkeeper.ops.simulation.database import Server, default_connection_on
from stallkeeper.ops.simulation.faults import Weather, draw
from stallkeeper.ops.simulation.injected import injected
from stallkeeper.ops.simulation.judges import Judge
from stallkeeper.ops.simulation.limit import INVARIANT, LIMIT, limited, stacks
from stallkeeper.ops.simulation.violation import Violation
from stallkeeper.ops.simulation.world import World
from stallkeeper.sync import lapses
from stallkit.testing.emulator import Dials

__all__ = ["Played", "Step", "buyers", "cabinet", "hub", "listings", "people", "plan", "play", "ruling", "shelf"]

SHORTEST, LONGEST = 40, 90
CALM = (60, 330, 960, 60, 60, 960, 60)
"""Seconds between the looks of the calm phase: waits after failures, the rotation of reading back, and a submission that got lost, was
given up, sent anew, and is worked on for minutes."""
SHORT = 4
"""So many of them are looked at in any case: a whole rotation of reading back, and who sends after it. The others are for what is still on
its way then."""
WHOLE = 4
"""Of so many seeds one goes on to the end of the calm although all is well: so what breaks late shows as well."""
CATCHING_UP = (60, 6, 6, 6)
"""Seconds between the looks before those, where lists are behind: orders are asked for every five seconds."""
CALM_JOBS = 60
ROTATION = 15
"""So often a rotation of reading back that the budget holds up is waited for."""
MEETINGS = (
    ("trade now", "trade now"),
    *[("trade now", "read back now")] * 2,
    *[("read back now", "trade now")] * 2,
    ("trade now", "switch"),
    ("trade now", "resync"),
    ("trade now", "buyer orders"),
    ("read back now", "buyer orders"),
    ("trade now", "goods are missing"),
    ("trade now", "goods are missing"),
    ("ship", "goods are missing"),
)
"""Who is likely to get into each other's way."""
MEET = 0.8
"""Part of the races in which two of them do."""
LINGER = 12
"""So often at most does somebody outside let the others go on before he acts."""


@dataclass(frozen=True, slots=True)
class Step:
    """``names``: one act, or several that are played at once."""

    names: tuple[str, ...]
    salt: int

    def __str__(self) -> str:
        return f"{' + '.join(self.names)} #{self.salt}"


@dataclass
class Played:
    """What came of a seed. ``violation`` is None if all was well."""

    seed: int
    steps: Sequence[Step]
    violation: Violation | None = None
    trace: list[str] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def hash(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


def plan(seed: int) -> tuple[Weather, list[Step]]:
    """What the seed's dice say: the weather and the steps."""
    dice = Random(f"plan:{seed}")  # noqa: S311 - dice of a toy
    weather = draw(dice)
    names, weights = list(ACTS), [one.weight for one in ACTS.values()]
    ours = [one.name for one in ACTS.values() if one.ours]
    heavy = [ACTS[name].weight for name in ours]
    race = weather.rate("race") / 2
    steps = []
    for _ in range(dice.randint(SHORTEST, LONGEST)):
        several = dice.random() < race
        chosen = dice.choices(ours, heavy, k=dice.choice((2, 2, 3))) if several else dice.choices(names, weights)
        if several and dice.random() < MEET:
            chosen[:2] = dice.choice(MEETINGS)
        steps.append(Step(tuple(chosen), dice.getrandbits(32)))
    for further in (feeds.with_source, exchanging.with_1c, sends.with_plans, sightings.with_looks, abroad.with_trade, family.with_family):
        steps = further(seed, steps, Step, races=race > 0)
    return weather, steps


def play(seed: int, server: Server, steps: Sequence[Step] | None = None, *, limit: float = LIMIT) -> Played:
    """Play a seed, or these steps in its weather, in a database of its own. Whatever goes wrong is a violation of the day, also that it
    does not end within ``limit`` seconds."""
    begun = time.perf_counter()
    weather, drawn = plan(seed)
    played = Played(seed, drawn if steps is None else steps)
    with server.clone() as name, default_connection_on(name), psycopg.connect(server.url_of(name), autocommit=True) as watcher:
        with gathered(watcher) as crowd:
            world = World(seed, crowd)
            with injected(world):
                played.violation = _verdict(world, weather, played, limit)
        connections.close_all()
    played.trace, played.points, played.faults, played.situations = world.trace, world.points, world.chaos.hit, world.situations
    played.seconds = time.perf_counter() - begun
    return played


def _verdict(world: World, weather: Weather, played: Played, limit: float) -> Violation | None:
    try:
        with limited(world.crowd, limit):
            _play(world, weather, played)
    except Violation as violation:
        return violation
    except Stuck as stuck:
        return Violation(INVARIANT, f"{stuck}\n{stacks(world.crowd)}")
    except Exception as error:  # noqa: BLE001 - one seed's mishap must not end all the others
        return Violation("error", "".join(traceback.format_exception(error)[-6:]))
    return None


def _play(world: World, weather: Weather, played: Played) -> None:
    world.open(Random(f"open:{played.seed}"), weather)  # noqa: S311
    world.set_weather(weather)
    world.judge = Judge(world)
    with organisation_scope(world.organisation.pk):
        for step in played.steps:
            _step(world, step)
        _calm(world)
        situations.at_end(world)
        world.judge.at_end()


def _step(world: World, step: Step) -> None:
    dice = world.dice = Random(f"{world.seed}:{step.salt}")  # noqa: S311
    for position, stall in enumerate(world.stalls):
        stall.emulator.random.seed(f"{world.seed}:{step.salt}:{position}")
    world.note(f"=== {step}")
    if len(step.names) > 1:
        busy = [position for position, stall in enumerate(world.stalls) for waits in (stall.news(), stall.has_todo()) if waits]
        world.focus = dice.choice(busy or range(len(world.stalls)))
    world.clock.pass_(dice.choice((0.2, 1, 2, 4)))
    free = [worker for worker in world.workers if all(one.process != worker for one in world.frozen)]
    dice.shuffle(free)
    cast = []
    for number, name in enumerate(step.names):
        act = ACTS[name]
        worker = name in acts.WORKERS
        if worker and not free:
            continue
        process = free.pop() if worker else f"web{number}" if act.ours else "world"
        play = act.play if act.ours or len(step.names) == 1 else partial(_by_and_by, act.play)
        cast.append((partial(attempt, world, play), process))
    if cast:
        world.perform(cast, switching=dice.choice((0.05, 0.2, 0.5)) if len(cast) > 1 else 0.0)
    if world.judge is not None and not world.frozen:
        world.judge.quiet()


def _by_and_by(play: acts.Play, world: World) -> None:
    """Those outside act at any moment of what is going on here."""
    walker = crowd.current()
    for _ in range(world.dice.randint(0, LINGER)):
        if walker is not None:
            walker.pause("waits")
    play(world)


def _calm(world: World) -> None:
    """The weather clears, people look at what was refused: time enough for every wait and one rotation of reading back."""
    world.note("=== calm")
    behind = world.chaos.weather.dials.read_lag
    world.set_weather(Weather())
    world.clock.skew.clear()
    world.indigestible.clear()
    for stall in world.stalls:
        stall.emulator.clear_faults()
    world.dice = Random(f"calm:{world.seed}")  # noqa: S311
    world.perform([(partial(attempt, world, cabinet.look_after_the_courier), "world")])
    world.clock.pass_(600)
    world.perform([])
    world.perform([(partial(attempt, world, _put_right), "web")])
    if behind and any(stall.platform == "dummy" for stall in world.stalls):
        _catch_up(world, behind)
    for number, seconds in enumerate(CALM, 1):
        world.perform([(partial(attempt, world, cabinet.reception), "world")])
        world.clock.pass_(seconds)
        _work_off(world)
        if world.one_c is not None:
            world.perform([(partial(attempt, world, exchanging.all_in_order), "web")])
        world.perform([(partial(attempt, world, people.look_at_refusals), "web")])
        world.perform([(partial(attempt, world, people.look_at_returns), "web")])
        if world.feeds:
            world.perform([(partial(attempt, world, feeds.settle), "web")])
        if world.one_c is not None:
            world.perform([(partial(attempt, world, exchanging.settle), "web")])
        if number >= SHORT and world.seed % WHOLE and world.judge is not None and world.judge.is_settled():
            break
    _work_off(world)


def _catch_up(world: World, behind: timedelta) -> None:
    """The copies that lists are answered from are the last to be well: of what workers have just changed, one list shows how it is, and
    the next one how it was."""
    for stall in world.stalls:
        stall.emulator.dials = Dials(read_lag=behind)
    for seconds in CATCHING_UP:
        world.clock.pass_(seconds)
        _work_off(world)
    world.set_weather(Weather())


def _put_right(world: World) -> None:
    """Accounts are connected and every switch is on."""
    if world.files is not None:
        world.note(f"their file is {world.files.publish(world.dice, good=True)}")
    if world.program is not None:
        world.note(f"their program has {world.program.change(world.dice, good=True)}")
        world.program.send(world.dice)
    for stall in world.stalls:
        if stall.account().state == Connection.State.NEEDS_RECONNECT:
            people.enter_credentials(world, stall)
        with world.use_case("sim.switches") as uc:
            switches.set_company(uc, True)
            switches.set_writes(uc, stall.connection_id, True)
            switches.set_channel(uc, stall.channel.pk, stock=True, orders=True, acknowledge=True)


def _work_off(world: World) -> None:
    """Workers take what is due until nothing is, or for a bounded time; budgets may hold up who reads back for seconds. First comes what
    every tenth tick finds: marks whose job got lost."""
    world.perform([(partial(attempt, world, hub.tidy), world.workers[0])])
    waited = 0
    for _ in range(CALM_JOBS):
        world.clock.pass_(0.5)
        world.perform([(partial(_tick_and_run, world), world.workers[0])])
        if not world.busy:
            if waited == ROTATION or not LaneStep.objects.filter(step="verify").exclude(cursor="").exists():
                return
            waited += 1
            world.clock.pass_(2)


def _tick_and_run(world: World) -> None:
    hub.tick()
    lapses.run()
    world.busy = False
    while hub.run_job(world):
        world.busy = True
