"""The world of one seed: the seller, the stalls, the goods, the time, the processes, and what has happened so far."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, IntegrityError, InterfaceError

from stallkeeper.catalog.models import KitComponent, StockUnit, UnitKind
from stallkeeper.channels import balancer, guarding, rules
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import UseCase, use_case
from stallkeeper.ops.simulation import abroad, crowd, exchanging, family, feeds, habits, queries, sightings
from stallkeeper.ops.simulation.clock import MORNING, WorldClock
from stallkeeper.ops.simulation.crowd import Crowd, Walker
from stallkeeper.ops.simulation.faults import Chaos, Weather
from stallkeeper.ops.simulation.files import FileServer
from stallkeeper.ops.simulation.program import Program
from stallkeeper.ops.simulation.sends import Looked
from stallkeeper.ops.simulation.stalls import ACTOR, Stall, emulated
from stallkeeper.ops.simulation.truth import events
from stallkeeper.ops.simulation.truth.files import FeedView
from stallkeeper.ops.simulation.violation import Violation
from stallkeeper.orders import intake
from stallkeeper.orders.intake import IntakeResult
from stallkeeper.stock import ledger, places
from stallkeeper.stock.ledger import Target
from stallkeeper.stock.models import Location
from stallkeeper.sync import runner
from stallkeeper.sync.runner import Ended
from stallkit.http import Client
from stallkit.manifest import Manifest, Observer
from stallkit.registry import manifest_of
from stallkit.testing.emulator import Emulator
from stallkit.testing.serving import client_of
from stallkit.types import RemoteOrder

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.injected import Heart
    from stallkeeper.ops.simulation.judges import Judge

OUTCOMES = {
    "busy": "a run found the lane taken",
    "lost": "a run lost its lane to another worker",
    "error": "a run ended with an error",
}
OF_NO_MATTER = ("commit:budget.", "commit:job.", "commit:lane.", "commit:sync.end_run", "commit:sync.alarms", "commit:sync.verify_place")
"""Commits that change nothing that the judge looks at: half of all."""
ELSEWHERE = 7
"""So many of each article are shown from another warehouse of the account, where a platform has several: they are not ours to send."""
SKUS = ("A", "B", "C", "D")
KIT = "SET"
STRANGER = "X"
"""Listed on every platform, and linked to nothing until a person says what it is."""
SAME = 0.85
"""Part of those who race that mean the stall which all have in mind."""
FEW = 3
"""So many waiting offers go out as one submission where a platform takes those, and are looked through apart from the head of the line, in
half of the seeds: a shop of five articles never has the dozens that it takes in a real one."""
SLOW = 0.02
"""Part of the calls that are answered late."""
PLATFORMS = ("walmart", "emag", "dummy")
MOST_CALLS = 300
"""Whoever makes so many in one act does not end."""
PACK, IN_PACK = "A2", 2
"""A listing of which one holds two of A: on some stalls."""
TWICE = 0.3
"""Part of the seeds with two accounts on one platform, which number their orders alike."""
HOLD_MINUTES = 3
"""How long a hold waits for its order."""
GUARDED = 0.5
"""Part of the days on which channels share some goods."""
KEPT_BACK = 0.25
"""Part of those on which every channel keeps something back: what all of them keep back is nobody's part."""
THEIRS = re.compile(
    r"^(TryLater|SlowDown|NeedsReconnect|TokenDied|OutcomeUnknown|Refused|Unintelligible|OperationalError|InterfaceError|DatabaseError)\b"
)
"""How errors begin that a run may end with; any other is a mistake of ours."""


@dataclass
class World:
    """One seed's world. ``dice`` are those of the step that is being played."""

    seed: int
    crowd: Crowd
    dice: Random = field(default_factory=Random)
    stalls: list[Stall] = field(default_factory=list)
    units: dict[str, StockUnit] = field(default_factory=dict)
    places: list[Location] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)
    hearts: dict[str, Heart] = field(default_factory=dict)
    frozen: dict[Walker, datetime] = field(default_factory=dict)
    away: dict[Walker, int] = field(default_factory=dict)
    """Who stands still for so many turns of the others: a reply takes a while."""
    disturbed_at: datetime = MORNING
    """When something last befell one of our processes or their database."""
    slow: Walker | None = None
    """Whose calls take long, of those who race."""
    trace: list[str] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)
    judge: Judge | None = None
    feeds: list[FeedView] = field(default_factory=list)
    """Sources that bring the numbers of a place: one, in some seeds."""
    files: FileServer | None = None
    program: Program | None = None
    """Where those numbers come from: a file server is asked, a program sends."""
    one_c: exchanging.OneC | None = None
    """The seller's 1C base, in some seeds without another source."""
    plans: list[Looked] = field(default_factory=list)
    """What people have on their screens of the sending table."""
    organisation: Organisation = field(init=False)
    lives: dict[str, str] = field(default_factory=dict)
    indigestible: set[tuple[int, str]] = field(default_factory=set)
    """(account, order) over which our code stumbles until that is mended."""
    proof: bool = False
    racing: bool = False
    busy: bool = False
    focus: int = 0
    """Which of the stalls those who race have in mind."""
    mistakes: list[Violation] = field(default_factory=list)
    """What was noticed in the middle of an act, and ends the day with the walker's next pause: a log line about what the rules of the
    product's own tables refused (no fault does that), work that does not end."""
    calls: Counter[str] = field(default_factory=Counter)
    """By process: how many calls it has made in the act that it is playing."""

    def __post_init__(self) -> None:
        self.clock = WorldClock(lambda: getattr(crowd.current(), "process", ""))
        self.chaos = Chaos(self)
        self.crowd.trouble = self.chaos
        self.client = cache(self._client)
        self.numbers = 0
        self.last_point = ""

    # --- what the product asks for ------------------------------------------------------------------------------------------------------

    def name_of_process(self) -> str:
        """How the process that is running is named on a lane: with "#" if the server holds a lock for its life."""
        walker = crowd.current()
        return self.lives.get(walker.process, walker.process) if walker is not None else "director"

    def live(self, process: str) -> None:
        """A worker process begins; half of them prove by a lock that they live, the others are judged by their silence."""
        self.lives[process] = process
        if self.proof:
            self.lives[process] = name = f"{process}#{self.number()}"
            queries.live(self.crowd.watcher, name)

    def _end_life(self, process: str) -> None:
        name = self.lives.pop(process, "")
        if "#" in name:
            queries.end_life(self.crowd.watcher, name)

    def seconds(self) -> float:
        return self.clock.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        walker = crowd.current()
        if walker is not None and (heart := self.hearts.get(walker.process)):
            heart.perhaps_beat()

    def _client(self, base_url: str) -> Client:
        """The way to a stall, on which processes may die."""
        stall = next(stall for stall in self.stalls if base_url == stall.address)
        return client_of(stall.emulator, lambda: self._calls(stall), lambda: self._replied(stall))

    def _calls(self, stall: Stall) -> None:
        """Who makes so many calls without a rest makes no progress: it asks or says the same again and again, and would for ever."""
        process = getattr(crowd.current(), "process", "")
        self.calls[process] += 1
        if self.calls[process] == MOST_CALLS:
            text = f"{process} has made {MOST_CALLS} calls without a rest and goes on, at last to {stall.name}: {self.last_point}"
            self.mistakes.append(Violation("hang", text))
        self.at_point("wire:before")

    def _replied(self, stall: Stall) -> None:
        self.wait_for_reply()
        call = stall.emulator.calls[-1]
        if (slowest := self.chaos.weather.rate("slow")) and not self.racing:
            self.sleep(self.dice.uniform(0, slowest))
        self.note(f"{stall.name} {call.method} {call.path}: {call.status} {call.fault}")
        if call.fault:
            self.chaos.hit[call.fault] += 1
        self.at_point("wire:after")

    def wait_for_reply(self) -> None:
        """In bad weather a platform takes half a minute now and then; hearts beat meanwhile."""
        if self.chaos.weather.rates and self.dice.random() < SLOW:
            self.reach("a slow reply")
            for _ in range(self.dice.randint(2, 8)):
                self.sleep(3.1)

    def accept(
        self, uc: UseCase, connection_id: int, items: Sequence[RemoteOrder], fetched_at: datetime, read_to: datetime | None = None
    ) -> IntakeResult:
        """The real one; but over some orders our code stumbles today."""
        if any((connection_id, item.order_id) in self.indigestible for item in items):
            raise ArithmeticError("our code stumbles over this order")
        return intake.accept(uc, connection_id, items, fetched_at, read_to)

    def run_lane(self, lane: int, worker: str) -> Ended:
        """The real one; an error that is neither the platform's nor the database's is a mistake of ours."""
        ended = runner.run_lane(lane, worker)
        did = " ".join(f"{one.step}={one.done.items}" for one in ended.steps if one.done.items)
        self.note(f"{worker.partition('#')[0]} ran: {ended.outcome} {did}")
        if ended.outcome in OUTCOMES:
            self.reach(OUTCOMES[ended.outcome])
        for step in ended.steps:
            if step.error and not THEIRS.match(step.error):
                raise Violation("error", f"step {step.step}: {step.error}")
        return ended

    def manifest(self, platform: str) -> Manifest:
        """A platform's, with a lower threshold for submissions in every other seed."""
        real = manifest_of(platform)
        return replace(real, bulk_from=FEW) if self.seed % 2 and real.bulk_from else real

    # --- what happens -------------------------------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """A line of the trace. No numbers of rows in it: they are not the day's."""
        self.trace.append(f"{(self.clock.at - MORNING).total_seconds():9.3f} {text}")

    def reach(self, situation: str) -> None:
        self.situations[situation] += 1

    def use_case(self, name: str) -> AbstractContextManager[UseCase]:
        """A transaction of the seller's people."""
        return use_case(name, organisation_id=self.organisation.pk, actor=ACTOR)

    def told(self, event: events.TruthEvent, *, quiet: bool = False) -> None:
        """The model is told what has been promised. ``quiet``: only while nobody else is at work, else it may no longer be so."""
        if self.judge is not None and not (quiet and self.racing):
            self.judge.told(event)

    def hinted(self, stall: Stall, at: datetime) -> None:
        """A callback was answered 2xx."""
        self.told(events.Hinted(stall.connection_id, at))

    def take_job(self) -> tuple[str, dict[str, Any]] | None:
        """The next job that waits, taken off the queue."""
        return queries.take_job(self.crowd.watcher)

    @property
    def counted(self) -> tuple[str, ...]:
        """SKUs of what lies on shelves."""
        return SKUS

    def some_stall(self) -> Stall:
        """Any of the stalls; those who race mostly mean the same."""
        if self.racing and self.dice.random() < SAME:
            return self.stalls[self.focus]
        return self.dice.choice(self.stalls)

    def number(self) -> int:
        """A number that was not used yet today."""
        self.numbers += 1
        return self.numbers

    def at_point(self, name: str) -> None:
        """A named point of the product (or of the wire) is here."""
        self.points[name] += 1
        walker = crowd.current()
        if walker is None:
            return
        self.note(f"{walker.process} at {name}")
        self.last_point = name
        if name == "commit:budget.block:after" and self.judge is not None:
            self.judge.closed()
        if name.startswith("commit:") and name.endswith(":after") and not name.startswith(OF_NO_MATTER) and not walker.in_transaction:
            walker.pause("check")
        self.chaos.at_point(walker, name)

    def thawed(self, walker: Walker) -> None:
        """A frozen worker goes on. Its heart may notice at once that it is late, or not before the next write."""
        heart = self.hearts.get(walker.process)
        if heart is not None and self.dice.random() < 0.5:
            heart.perhaps_beat()

    # --- the director -------------------------------------------------------------------------------------------------------------------

    def perform(self, tasks: Sequence[tuple[Callable[[], object], str]], *, switching: float = 0.0) -> None:
        """Play tasks, each by a process; with ``switching`` they are interleaved. Returns when all are done, dead or frozen."""
        self.calls.clear()
        cast = [self.crowd.start(self._scoped(task), process) for task, process in tasks]
        cast += [walker for walker, until in list(self.frozen.items()) if until <= self.clock.at]
        for walker in cast:
            if self.frozen.pop(walker, None) is not None:
                walker.at = "awake"
                self.reach("a frozen worker woke up")
                self.note(f"{walker.process} wakes up")
        self.chaos.switching, self.racing = switching, len(cast) > 1
        self.slow = self.dice.choice(cast) if self.racing else None
        disturbed = self.chaos.disturbed
        try:
            while cast := [walker for walker in cast if self._goes_on(walker)]:
                ready = self._ready(cast)
                walker = ready[0] if len(ready) == 1 else self.dice.choice(ready)
                self._turn(walker)
            if self.chaos.disturbed != disturbed:
                self.disturbed_at = self.clock.at
            elif self.judge is not None and not self.racing and not self.clock.skew:
                self.judge.undisturbed(self.disturbed_at)
        finally:
            self.chaos.switching, self.racing = 0.0, False
            self.away.clear()

    def _ready(self, cast: Sequence[Walker]) -> list[Walker]:
        """Who may go on: nobody who waits for a lock, and who stands still only if all do, the one that is back first."""
        ready = [walker for walker in cast if not walker.blocked]
        soonest = min((self.away.get(walker, 0) for walker in ready), default=0)
        back = [walker for walker in ready if self.away.get(walker, 0) == soonest]
        for walker in ready:
            self.away[walker] = max(self.away.get(walker, 0) - max(soonest, 1), 0)
        return back

    def _scoped(self, task: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            with organisation_scope(self.organisation.pk):
                return task()

        return run

    def _turn(self, walker: Walker) -> None:
        self._step(walker)
        while walker.at == "check":
            self.check()
            self._step(walker)
        if walker.blocked:
            self.reach("a process waited for a lock")
        self.crowd.settle()

    def _step(self, walker: Walker) -> None:
        walker.step()
        if self.mistakes:
            raise self.mistakes[0]

    def check(self) -> None:
        """Ask the judge; later, while a process that stands still keeps a table for itself: the judge would wait for it for ever."""
        if self.judge is None:
            return
        if self.racing and queries.changes_schema(self.crowd.watcher):
            self.judge.put_off()
            return
        self.judge.after_commit(self.last_point)

    def _goes_on(self, walker: Walker) -> bool:
        if walker.at == "frozen":
            self.frozen[walker] = self.clock.at + timedelta(seconds=self.dice.uniform(0, self.dice.choice((60, 600))))
            return False
        if walker.at == "killed":
            self.buried(walker)
            return False
        if walker.at != "done":
            return True
        if walker.error is not None:
            self._judge_error(walker.error, walker.process)
        return False

    def buried(self, walker: Walker) -> None:
        """The process is dead: its memory is gone."""
        from stallkeeper.sync import adapters

        self.note(f"{walker.process} died")
        name = self.lives.get(walker.process, "")
        if walker.process in self.workers:
            self._end_life(walker.process)
            self.live(walker.process)
        self.hearts.pop(walker.process, None)
        sessions: Any = adapters._sessions  # its own, by process (see ``injected``)
        sessions.by_process.pop(walker.process, None)
        if self.judge is not None:
            self.judge.crashed(name if "#" in name else "")

    def _judge_error(self, error: BaseException, process: str) -> None:
        if isinstance(error, Violation):
            raise error
        if isinstance(error, DatabaseError | InterfaceError) and not isinstance(error, IntegrityError) and self.chaos.weather.rates:
            self.note(f"{process}: {type(error).__name__}")
            return
        text = "".join(traceback.format_exception(error)[-6:])
        raise Violation("error", f"{process}: {type(error).__name__}: {error}\n{text}") from error

    # --- the opening --------------------------------------------------------------------------------------------------------------------

    def open(self, dice: Random, weather: Weather) -> None:
        """The seller, its goods and places, and its stalls, opened as a person opens them. No faults yet; ``weather`` is to come."""
        self.dice = dice
        self.organisation = Organisation.objects.create(name="Ada's", slug="adas", sending_enabled=True, created_at=MORNING)
        self.workers = [f"w{number}" for number in range(1, dice.choice((1, 2, 2, 3)) + 1)]
        self.proof = dice.random() < 0.5
        for worker in self.workers:
            self.live(worker)
        with organisation_scope(self.organisation.pk):
            self._goods(dice)
            platforms = dice.sample(PLATFORMS, min(dice.choice((2, 2, 3, 4)), len(PLATFORMS)))
            if dice.random() < TWICE or family.has_family(self.seed):
                platforms = ["dummy", *[platform for platform in platforms if platform != "dummy"][:1], "dummy"]
            for position, platform in enumerate(abroad.choose(self.seed, platforms)):
                self._stall(platform, position, dice, weather)
            if sightings.is_balanced(self.seed):
                self._balance()
            guarded = Random(f"guard:{self.seed}")  # noqa: S311
            if guarded.random() < GUARDED:
                self._guard(guarded)
            if feeds.has_source(self.seed):
                feeds.open_source(self)
            if exchanging.has_1c(self.seed):
                exchanging.open_1c(self)

    def _guard(self, dice: Random) -> None:
        """Channels share some of the goods, or whatever there is little of."""
        for sku in dice.sample(SKUS, 2):
            with self.use_case("sim.guard") as uc:
                guarding.set_unit(uc, self.units[sku], True)
        if dice.random() < 0.5:
            with self.use_case("sim.guard") as uc:
                guarding.set_below(uc, dice.randint(1, 4))
        if Random(f"kept back:{self.seed}").random() < KEPT_BACK:  # noqa: S311
            for stall in self.stalls:
                with stall.use_case("channel.rules") as uc:
                    rules.save(uc, stall.channel.pk, locations=None, buffer=dice.choice((1, 2)))
            self.reach("all channels of guarded units kept something back")

    def _balance(self) -> None:
        """What the stalls show is taken for sales, from now; a hold without an order ends while the day lasts, or in the calm."""
        with self.use_case("sim.balancer") as uc:
            balancer.set_company(uc, True)
            chosen = [stall.channel for stall in self.stalls if balancer.observer_of(stall.channel) is not Observer.NONE]
            if chosen:
                balancer.start(uc, chosen, uc.at)
                for channel in chosen:
                    balancer.set_terms(uc, channel, HOLD_MINUTES, 20)
        for stall in self.stalls:
            stall.refresh()

    def _goods(self, dice: Random) -> None:
        with use_case("sim.places", organisation_id=self.organisation.pk, actor=ACTOR) as uc:
            self.places = [places.first_locations(uc)]
            if dice.random() < 0.5:
                self.places.append(places.create_location(uc, code="N2", name="Second", priority=20))
        for sku in SKUS:
            self.units[sku] = StockUnit.objects.create(organisation=self.organisation, sku=sku, title=sku, created_at=MORNING)
        self.units[KIT] = StockUnit.objects.create(
            organisation=self.organisation, sku=KIT, title=KIT, kind=UnitKind.KIT, created_at=MORNING
        )
        for component, quantity in (("C", 1), ("D", 2)):
            KitComponent.objects.create(
                organisation=self.organisation, kit=self.units[KIT], component=self.units[component], quantity=quantity
            )
        with use_case("sim.stock", organisation_id=self.organisation.pk, actor=ACTOR) as uc:
            ledger.set_on_hand(
                uc,
                [
                    Target(self.units[sku].pk, place.pk, dice.randint(2, 12), f"open:{sku}:{place.code}")
                    for sku in SKUS
                    for place in self.places
                ],
            )

    def _stall(self, platform: str, position: int, dice: Random, weather: Weather) -> None:
        scale = dice.choice((0.1, 0.1, 1.0))
        emulator, config = emulated(platform, seed=self.seed, limits_scale=scale, clock=self.clock)
        if platform == "dummy":
            _vary(emulator, config, position, dice, weather)
        if platform == "ozon":
            emulator.packing_fails = 1  # type: ignore[attr-defined]  # the first of the day
        stall = Stall(self.organisation.pk, platform, emulator, f"http://{platform}-{position}.test", config, self.clock.pass_)
        self.stalls.append(stall)
        for sku in (*SKUS, KIT):
            emulator.add_offer(sku, quantity=0)
            emulator.put_elsewhere(sku, ELSEWHERE)
        emulator.add_offer(STRANGER, quantity=6)
        packs = dice.random() < 0.3
        if packs:
            emulator.add_offer(PACK, quantity=0)
        emulator.listeners.append(lambda topic, order: stall.hints.append(emulator.callback(topic, order)))
        stall.connect(f"S{position}")
        stall.open()
        for name, value in habits.at_first(dice):
            with stall.use_case("channel.rules") as uc:
                rules.save(uc, stall.channel.pk, locations=None, follow=(), **{name: value})
        if packs:
            stall.link(PACK, self.units["A"].pk, IN_PACK)

    def set_weather(self, weather: Weather) -> None:
        self.chaos.weather = weather
        for stall in self.stalls:
            stall.emulator.dials = weather.dials


def _vary(emulator: Emulator, config: dict[str, str], position: int, dice: Random, weather: Weather) -> None:
    """What differs between accounts on the dummy market: its name, how long its pages are, and how far a pull looks back, where nothing
    comes late."""
    emulator.account_id = f"A-{position}"  # type: ignore[attr-defined]
    emulator.orders_per_page = dice.choice((100, FEW))
    shifted = weather.rate("page_shift") and emulator.orders_per_page == FEW
    if dice.random() < 0.7 and not weather.rate("read_lag") and not shifted:
        config["overlap_seconds"] = "1"
