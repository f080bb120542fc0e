"""The demo from curtain to verdict: a throw-away hub, the real server and worker, stalls, buyers, a person, and the judge.

Nothing here is special to the demo but the stage: the hub runs as ``stallkeeper run`` runs, and everything is done by the use cases that
screens and commands use.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from stallkeeper.ops import boot, serving
from stallkeeper.ops.demo import database, goods
from stallkeeper.ops.demo.platforms import DEFAULT, kept_in_1c, shares
from stallkeeper.ops.demo.stalls import World, plan

if TYPE_CHECKING:
    from stallkeeper.ops.demo.bookkeeper import Bookkeeper
    from stallkeeper.ops.demo.person import Person
    from stallkeeper.ops.demo.stage import Scene

Json = dict[str, Any]
HOST = "127.0.0.1"
CALM_SECONDS = 180.0
"""How long everything may take to settle after the last buyer."""
STEADY_SECONDS = 2.0
"""All is calm when nothing differed for so long."""
FAST = 0.2
"""From this ``limits_scale`` down, bulk submissions end while one waits."""
RATE = 1.4
"""Orders a second."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose. ``seconds`` None: until Ctrl-C."""

    seconds: float | None = 60.0
    seed: int = 1
    limits_scale: float = 1.0
    keep: Path | None = None
    articles: int = 500
    rate: float = RATE
    stalls: tuple[str, ...] = DEFAULT


@dataclass(slots=True)
class Hub:
    """The hub's process tree (``stallkeeper run``). It may be killed and started again."""

    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    worker_processes: int = 1
    program: str = "stallkeeper"
    """The module that is run."""
    environment: Mapping[str, str] | None = None
    """Its environment, if that is not ours."""

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-m",
                    self.program,
                    "run",
                    "--host",
                    HOST,
                    "--port",
                    str(self.port),
                    "--workers",
                    str(self.worker_processes),
                ],
                env=dict(self.environment) if self.environment is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    def wait(self) -> None:
        """Until it answers; BootError with its last words if it does not."""
        assert self.process is not None
        deadline = time.monotonic() + serving.START_SECONDS
        while not serving.answers(HOST, self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise boot.BootError(f"The hub did not start. Its last words:\n{last_words(self.log)}")
            time.sleep(0.05)

    def family(self) -> list[psutil.Process]:
        """The process and all that it started, itself first."""
        assert self.process is not None
        try:
            head = psutil.Process(self.process.pid)
            return [head, *head.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        return [one for one in self.family() if _arguments(one)[-1:] == ["worker"]]

    def web_servers(self) -> list[psutil.Process]:
        return [one for one in self.family() if "stallkeeper.ops.web" in _arguments(one)]

    def kill(self, processes: list[psutil.Process]) -> None:
        """``kill -9``, all of them at once."""
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        if self.process is not None and self.process.pid in {process.pid for process in processes}:
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(self.family())


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def last_words(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


@dataclass(slots=True)
class Demo:
    """A demo that is under way."""

    options: Options
    folder: Path
    hub: Hub
    world: World
    scene: Scene
    person: Person
    bookkeeper: Bookkeeper | None = None
    times: dict[str, float] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def sign_in(self) -> str:
        """A one-time address for the back office."""
        from stallkeeper.ops import first

        return first.sign_in_address(self.scene.user, base_url=self.hub.base_url)

    def seconds_of_trade(self) -> float:
        return (datetime.now(UTC) - self.began).total_seconds()

    def trade(self, watch: Callable[[Demo], bool]) -> None:
        """Buyers come until the time is up or ``watch`` says no."""
        self.began = datetime.now(UTC)
        self.world.trade()
        self.person.start()
        if self.bookkeeper is not None:
            self.bookkeeper.start()
        try:
            while watch(self) and (self.options.seconds is None or self.seconds_of_trade() < self.options.seconds):
                time.sleep(0.25)
        finally:
            self.times["trade_s"] = round(self.seconds_of_trade(), 1)
            self.world.calm()
            self.person.stop()
            if self.bookkeeper is not None:
                self.bookkeeper.stop()

    def settle(self, name: str, watch: Callable[[Demo], bool]) -> bool:
        """Wait until everything is calm; False if that took too long or ``watch`` says no."""
        begun = steady = time.monotonic()
        calm = False
        while time.monotonic() - begun < CALM_SECONDS and watch(self):
            self.person.say_what_left()
            if not self.at_rest():
                steady = time.monotonic()
            elif time.monotonic() - steady >= STEADY_SECONDS:
                calm = True
                break
            time.sleep(0.25)
        self.times[name] = round(steady - begun if calm else time.monotonic() - begun, 1)
        return calm

    def at_rest(self) -> bool:
        """Whether the stalls show what the ledger has for sale, and every order is in the hub as it is on its stall."""
        from stallkeeper.ops.demo import books, judge
        from stallkeeper.ops.demo.summary import recipes_of

        shown = {(stall, sku): pair[0] for stall, skus in self.world.shown().items() for sku, pair in skus.items()}
        if judge.not_converged(recipes_of(self.scene.articles), books.free(), goods.PLACES, shown):
            return False
        theirs = {(stall, order): state for stall, orders in self.world.orders().items() for order, state in orders.items()}
        ours = {(order.stall, order.order_id): order.state for order in books.orders()}
        return theirs == ours and books.nothing_waits()

    def judge(self) -> tuple[Json, list[str]]:
        """The figures and what is wrong."""
        from stallkeeper.ops.check import check
        from stallkeeper.ops.demo.summary import Played, summarize

        report = self.world.report(self.folder / "world.json")
        violations = [problem for result in check(self.scene.organisation.pk, calm=True) for problem in result.problems]
        played = Played(self.scene.articles, report, self.began, datetime.now(UTC), self.options.limits_scale)
        figures, problems = summarize(played, violations)
        if self.bookkeeper is not None:
            figures["books"] = dict(self.bookkeeper.done)
            problems += [f"1C: {failure}" for failure in self.bookkeeper.failures]
        return figures | self.times | {"seed": self.options.seed, "person": dict(self.person.done)}, problems


@contextmanager
def opened(options: Options, say: Callable[[str], None]) -> Iterator[Demo]:
    """A demo whose stage is set, with the hub running and the first numbers sent. Everything is gone afterwards, unless it is kept."""
    begun = time.monotonic()
    with ExitStack() as stack:
        articles = goods.make(options.seed, options.articles, options.stalls)
        world = stack.enter_context(World(plan(articles, options.seed, options.rate, shares(options.stalls), options.limits_scale)))
        say("Starting a database of its own")
        url, folder = stack.enter_context(database.opened(options.keep))
        hub = Hub(serving.choose_port(HOST, 0), folder / "hub.log")
        _environment(url, folder, hub)
        boot.start(migrate=True)
        from stallkeeper.core.tenancy import organisation_scope
        from stallkeeper.ops.demo import stage
        from stallkeeper.ops.demo.bookkeeper import Bookkeeper
        from stallkeeper.ops.demo.person import Person

        organisation, user = stage.people()
        stack.enter_context(organisation_scope(organisation.pk))
        stack.callback(hub.stop)
        hub.launch()
        say(f"Importing {len(articles)} products in two warehouses")
        stage.stock_the_shop(organisation, articles, folder)
        say(f"Connecting {len(options.stalls)} stalls, linking their offers")
        channels = [
            stage.connect(organisation, platform, where, where["config"], options.limits_scale) for platform, where in world.stalls.items()
        ]
        say("Waiting for web server and worker")
        hub.wait()
        world.hints(stage.hint_addresses(hub.base_url))
        bookkeeper = Bookkeeper(organisation, articles, hub.base_url, options.seed) if kept_in_1c(options.stalls) else None
        for channel in channels:
            stage.open_channel(organisation, channel)
        stage.watch_for_sales(organisation, channels)
        lorry = options.limits_scale <= FAST  # else its bulk submission would take up to a quarter of an hour
        person = Person(organisation.pk, options.seed, lorry=lorry, hand_over=world.hand_over)
        demo = Demo(options, folder, hub, world, stage.Scene(organisation, user, articles), person, bookkeeper)
        demo.times["set_up_s"] = round(time.monotonic() - begun, 1)
        yield demo


def _environment(url: str, folder: Path, hub: Hub) -> None:
    """What this process and its children are told: this database, this folder, loopback stalls allowed."""
    os.environ.update(
        {
            "DATABASE_URL": url,
            "STALLKEEPER_HOME": str(folder),
            "STALLKEEPER_BASE_URL": hub.base_url,
            "STALLKEEPER_ALLOW_PRIVATE_URLS": HOST,
            "STALLKEEPER_LOG_LEVEL": os.environ.get("STALLKEEPER_LOG_LEVEL", "WARNING"),
        }
    )
    for name in ("STALLKEEPER_SECRET_KEY", "STALLKEEPER_KEYRING"):
        os.environ.pop(name, None)
