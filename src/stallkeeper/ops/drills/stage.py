"""The stage of a drill: a durable database, the real hub as ``stallkeeper run`` runs it, stalls in a process of their own, a clerk.

The drill's own process talks to the database by its socket; the hub does too (``embedded``), or by a TCP address that the drill can spoil.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from stallkeeper import embedded, embedded_host, env
from stallkeeper.embedded import Cluster
from stallkeeper.ops import boot, serving
from stallkeeper.ops.demo import goods
from stallkeeper.ops.demo.play import HOST, Hub
from stallkeeper.ops.drills import plan
from stallkeeper.ops.drills.outside import Outside
from stallkeeper.ops.drills.plan import OVERLAP_SECONDS, Account, Options
from stallkeeper.ops.drills.proxy import Proxy

if TYPE_CHECKING:
    from stallkeeper.channels.models import Channel
    from stallkeeper.core.models import Organisation
    from stallkeeper.ops.drills.clerk import Clerk

Json = dict[str, Any]
ACTOR = "console:drill"
DRILL = "drill"
"""How the connections of the drill's own process are named on the server."""


class Skipped(RuntimeError):
    """This machine cannot play the drill; the text says why."""


@dataclass(frozen=True, slots=True)
class Set:
    """What a drill needs of its stage. ``embedded``: the hub keeps its own database; else it is reached through a proxy by DATABASE_URL."""

    embedded: bool = True
    spoil_stalls: bool = False
    """Stalls are reached through proxies."""
    small_disk: int = 0
    """Megabytes of the disk that data folder and database lie on; 0: the machine's own."""
    program: str = "stallkeeper"


@dataclass(slots=True)
class Stage:
    """A drill under way."""

    options: Options
    home: Path
    cluster: Cluster
    hub: Hub
    outside: Outside
    clerk: Clerk
    organisation_id: int
    articles: list[goods.Article]
    say: Callable[[str], None]
    stall_lines: dict[str, Proxy] = field(default_factory=dict)
    database_line: Proxy | None = None


@contextmanager
def home_for(small_disk: int) -> Iterator[Path]:
    """A folder for everything, gone afterwards: on a disk of its own of so many megabytes if that is asked for."""
    from stallkeeper.ops.drills import disk

    place = env.home().absolute() / "drills"  # not "tmp", which other processes clear
    embedded_host.own_folder(place, embedded_host.server_account())
    _clear_left_overs(place)
    home = place / f"drill-{secrets.token_hex(4)}"
    embedded_host.make_home(home)
    try:
        with disk.mounted(home, small_disk) if small_disk else ExitStack():
            yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _clear_left_overs(place: Path) -> None:
    """Folders of drills that were killed themselves: their databases are used by nobody."""
    for old in sorted(place.glob("drill-*")):
        database = embedded.cluster_folder(old)
        if database.is_dir() and not os.path.ismount(old) and database in embedded.reap(old):
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def opened(options: Options, wanted: Set, say: Callable[[str], None]) -> Iterator[Stage]:
    """A stage with the hub trading: everything is connected and switched on; buyers are not in yet."""
    with ExitStack() as stack:
        articles = plan.articles(options)
        outside = stack.enter_context(Outside(plan.market_plan(options)))
        home = stack.enter_context(home_for(wanted.small_disk))
        say("Starting a durable database")
        cluster = stack.enter_context(embedded.running(embedded.cluster_folder(home)))
        line = None if wanted.embedded else stack.enter_context(Proxy(embedded.socket_folder(cluster.folder) / f".s.PGSQL.{embedded.PORT}"))
        hub = Hub(serving.choose_port(HOST, 0), home / "hub.log", worker_processes=options.workers, program=wanted.program)
        _environment(cluster, home, hub)
        hub.environment = _hub_environment(cluster, line)
        boot.start(migrate=True)
        from stallkeeper.core.tenancy import organisation_scope
        from stallkeeper.ops.demo import stage as setting
        from stallkeeper.ops.drills.clerk import Clerk

        organisation, _ = setting.people()
        stack.enter_context(organisation_scope(organisation.pk))
        stack.callback(hub.stop)
        say(f"Importing {len(articles)} articles, connecting {len(plan.accounts(options))} stalls")
        setting.stock_the_shop(organisation, articles, home)
        lines = {name: stack.enter_context(Proxy(_address(where["url"]))) for name, where in outside.stalls.items() if wanted.spoil_stalls}
        channels = [
            _connect(organisation, account, outside.stalls[account.name], lines.get(account.name), options)
            for account in plan.accounts(options)
        ]
        say("Waiting for web server and workers")
        hub.start()
        outside.hints(_hint_addresses(hub.base_url))
        for channel in channels:
            setting.open_channel(organisation, channel)
        clerk = Clerk(organisation.pk, options.seed)
        stack.callback(clerk.stop)
        yield Stage(options, home, cluster, hub, outside, clerk, organisation.pk, articles, say, lines, line)


def _environment(cluster: Cluster, home: Path, hub: Hub) -> None:
    os.environ.update(
        {
            "DATABASE_URL": cluster.url,
            "PGAPPNAME": DRILL,
            "STALLKEEPER_HOME": str(home),
            "STALLKEEPER_BASE_URL": hub.base_url,
            "STALLKEEPER_ALLOW_PRIVATE_URLS": HOST,
            "STALLKEEPER_TEST_PLATFORMS": "1",
            "STALLKEEPER_LOG_LEVEL": os.environ.get("STALLKEEPER_LOG_LEVEL", "WARNING"),
        }
    )
    for name in ("STALLKEEPER_SECRET_KEY", "STALLKEEPER_KEYRING"):
        os.environ.pop(name, None)


def _hub_environment(cluster: Cluster, line: Proxy | None) -> Mapping[str, str]:
    """The hub finds its database as users' hubs do: in its data folder, or at an address."""
    there = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "PGAPPNAME"}}
    if line is not None:
        parts = urlsplit(cluster.url)
        there["DATABASE_URL"] = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{HOST}:{line.port}", query=""))
    return there


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or HOST, parts.port or 80


def _connect(organisation: Organisation, account: Account, where: Json, line: Proxy | None, options: Options) -> Channel:
    """Connect an account, read what it lists, link all of it. Everything is still off."""
    from stallkeeper.channels import connect as connecting
    from stallkeeper.channels.models import Channel
    from stallkeeper.ops import connections
    from stallkeeper.ops.demo.stage import UNSIGNED, StageError
    from stallkeeper.sync.adapters import SCALE

    declared = connecting.manifest(account.platform)
    config = {name: value for name, value in where["config"].items() if name not in UNSIGNED}
    if account.platform == "dummy":
        config["overlap_seconds"] = str(OVERLAP_SECONDS)
    settings = connecting.check_settings(declared, config)
    settings.shown[SCALE] = str(options.limits_scale)
    origin = f"http://{HOST}:{line.port}" if line is not None else where["url"]
    base_url = origin + urlsplit(declared.hosts[0][1]).path
    connections.connect(organisation.pk, account.platform, account.name, account.code, account.currency, settings, base_url, ACTOR)
    channel = Channel.objects.select_related("connection").get(code=account.code)
    connections.read_offers(organisation.pk, channel, ACTOR, lambda _done, _total: None)
    found = connections.propose(organisation.pk, channel, ACTOR)
    if found.ambiguous or found.new:
        raise StageError(f"{account.name}: {found.ambiguous} listings are ambiguous and {found.new} fit nothing")
    connections.confirm(organisation.pk, channel, ACTOR)
    return channel


def _hint_addresses(base_url: str) -> dict[str, str]:
    from stallkeeper.channels.models import Connection

    return {name: f"{base_url}/hints/{token}" for name, token in Connection.objects.values_list("name", "hint_token")}


def until(condition: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
