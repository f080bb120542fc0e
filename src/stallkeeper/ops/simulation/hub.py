"""Acts of our own processes: workers that take jobs, ticks, callbacks that come in, time that passes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection
from django.test import RequestFactory
from django.urls import resolve

from stallkeeper.channels.models import LaneKind
from stallkeeper.ops.simulation import cabinet
from stallkeeper.ops.simulation.acts import act
from stallkeeper.sync import delays, exposures, lapses, nightly, tasks, wake

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.stalls import Stall
    from stallkeeper.ops.simulation.world import World

MOST_JOBS = 3
PARCEL = 60
"""After so many seconds a parcel has arrived where a platform scans it."""
FACTORY = RequestFactory()
TASKS = {task.name: task for task in (tasks.trade, tasks.background, tasks.source, tasks.drain_stale, tasks.daily)}


@act("worker works", 22)
def work(world: World) -> None:
    """A worker ticks, then takes up to three jobs."""
    tick()
    for _ in range(world.dice.randint(1, MOST_JOBS)):
        if not run_job(world):
            return


def tick() -> None:
    """One tick, as the worker's ticker does it: if the database is away, the next one comes."""
    try:
        wake.defer_due()
    except DatabaseError:
        connection.close()


def run_job(world: World) -> bool:
    """Take the next job that waits and do it; False if none does."""
    job = world.take_job()
    if job is None:
        return False
    name, arguments = job
    if world.chaos.weather.rate("wake_lost") > world.dice.random():
        world.reach("a wake-up was lost")
        world.note(f"lost: {name}")
        return True
    TASKS[name](**arguments)
    return True


@act("trade now", 11)
def trade(world: World) -> None:
    """A trade run of one stall, due or not: the lane belongs to whoever claims it."""
    stall = world.some_stall()
    world.note(f"{stall.name}: trade now")
    tasks.trade(stall.lane().pk)


@act("read back now", 1.5)
def read_back(world: World) -> None:
    """A background run of one stall, due or not; mostly all offers are read back."""
    stall = world.some_stall()
    if world.racing or world.dice.random() < 0.7:
        wake.look_now(stall.connection_id, "verify")
    world.note(f"{stall.name}: read back now")
    tasks.background(stall.lane(LaneKind.BACKGROUND).pk)


@act("tidy", 0.7)
def tidy(_world: World) -> None:
    """What every tenth tick does."""
    wake.tidy()


@act("lapses", 1)
def lapse(world: World) -> None:
    """Holds end when their time is over."""
    if lapses.run():
        world.reach("a hold lapsed")
    exposures.run()
    delays.run()


@act("night", 0.4)
def night(world: World) -> None:
    """Housekeeping and the nightly look, which must find nothing."""
    if nightly.run():
        world.reach("a night")


@act("time passes", 4, ours=False)
def wait(world: World) -> None:
    """Seconds, minutes, at times an hour."""
    seconds = world.dice.choice((1, 2, 5, 5, 11, 20, 60, 61, 330, 960, 3600))
    world.clock.pass_(seconds)
    world.note(f"{seconds} s pass")
    if seconds >= PARCEL:
        cabinet.reception(world)


@act("clock jumps", 1, ours=False)
def jump(world: World) -> None:
    """One worker's clock is set wrong, or right again."""
    most = world.chaos.weather.rate("clock_skew")
    if most:
        worker = world.dice.choice(world.workers)
        skew = world.dice.choice((0.0, world.dice.uniform(-most, most)))
        world.clock.skew[worker] = timedelta(seconds=skew)
        if world.judge is not None and skew:
            world.judge.out_of_step()
        world.reach("a clock jumped forwards" if skew > 0 else "a clock jumped back" if skew < 0 else "a clock was set right")
        world.note(f"the clock of {worker} is off by {skew:.0f} s")


@act("worker stalls", 1, ours=False)
def stall(world: World) -> None:
    """The next call of a worker takes so long that another one may take its lane."""
    if len(world.workers) > 1:
        world.chaos.freeze_in_a_call()


@act("callback", 6)
def callback(world: World) -> None:
    """A callback of a platform comes in, as the web process takes it; sometimes again, sometimes one from a stranger."""
    dice = world.dice
    stall = dice.choice(world.stalls)
    if dice.random() < 0.1:
        world.reach("a stranger's callback")
        deliver(world, stall, b"{}", "POST", {})
        return
    if not stall.hints:
        return
    at = dice.randrange(len(stall.hints)) if dice.random() < 0.3 else 0
    request = stall.hints[at] if dice.random() < 0.2 else stall.hints.pop(at)
    if request is not None:
        world.reach("a callback")
        deliver(world, stall, request.body, request.method, request.headers, request.path, request.query_string)


def deliver(world: World, stall: Stall, body: bytes, method: str, headers: dict[str, str], path: str = "/", query: str = "") -> None:
    """Through the real door: signature, wake-up, all."""
    wire = {name: value for name, value in headers.items() if name != "content-type"}
    address = f"/hints/{stall.hint_token}{path}" + (f"?{query}" if query else "")
    kind = headers.get("content-type", "application/json")
    at = world.clock.at
    request = FACTORY.generic(method, address, body, content_type=kind, headers=wire)
    view = resolve(request.path)
    reply = view.func(request, *view.args, **view.kwargs)
    if reply.status_code >= 500 and not world.chaos.weather.rates:
        raise RuntimeError(f"a callback was answered {reply.status_code}")
    world.note(f"{stall.name}: a callback was answered {reply.status_code}")
    if reply.status_code == 204:
        world.hinted(stall, at)
