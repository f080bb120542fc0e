"""Several workers and web servers on one database: every lane has one of them, a dead one is replaced, nobody waits for the noisy."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from stallkeeper.channels.models import Channel, Connection, Lane, LaneKind
from stallkeeper.core.models import Organisation
from stallkeeper.core.tenancy import Passage, across_organisations, organisation_scope
from stallkeeper.ops import serving
from stallkeeper.sync import wake
from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.testing.serving import Served
from tests.shop import Shop

pytestmark = pytest.mark.timeout(600)
SOON = 90
"""Seconds that a busy machine may need for what takes moments."""
STALLS = 4


class House:
    """A shop with a few stalls on ports of their own, and processes on its database."""

    def __init__(self, race_db, stack: ExitStack) -> None:
        self.environment = race_db.environment | {
            "DJANGO_SETTINGS_MODULE": "stallkeeper.settings",
            "STALLKEEPER_ALLOW_PRIVATE_URLS": "127.0.0.1",
            "STALLKEEPER_TEST_PLATFORMS": "1",
            "PYTHONFAULTHANDLER": "1",
        }
        self.shop = Shop.open()
        self.unit = self.shop.unit("MUG", 100)
        self.markets: dict[int, Emulator] = {}
        for _ in range(STALLS):
            self._open_stall(stack, self.shop.channel())
        self.processes: list[subprocess.Popen[bytes]] = []

    def _open_stall(self, stack: ExitStack, channel: Channel) -> None:
        market = Emulator(lambda: datetime.now(UTC))
        theirs = market.add_offer("MUG", quantity=100)
        url = stack.enter_context(Served(market)).url
        with self.shop.scope():
            Connection.objects.filter(pk=channel.connection_id).update(base_url=url, config=dict(CONFIG))
        self.shop.offer(channel, self.unit, external_id=theirs.external_id)
        self.markets[channel.connection_id] = market

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "stallkeeper", *words], env=self.environment, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def web(self) -> int:
        """The port of a web server that answers."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        self.start("web", "--port", str(port))
        wait_for(lambda: serving.answers("127.0.0.1", port), "a web server")
        return port

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def place(self) -> dict[int, str]:
        """One order at every stall."""
        return {account: market.place_order([("MUG", 1)]) for account, market in self.markets.items()}

    def acknowledged(self, placed: dict[int, str]) -> bool:
        return all(self.markets[account].orders[order].acknowledged_at for account, order in placed.items())

    def acknowledge_calls(self) -> set[int]:
        return {order.acknowledge_calls for market in self.markets.values() for order in market.orders.values()}

    def shown(self) -> set[int]:
        return {market.quantity_of("MUG") for market in self.markets.values()}


@pytest.fixture
def house(race_db) -> Iterator[House]:
    with ExitStack() as stack:
        house = House(race_db, stack)
        stack.callback(house.end)
        yield house


def wait_for(condition: Callable[[], object], what: str, seconds: float = SOON) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def read(query: str, *parameters: object) -> list[tuple[object, ...]]:
    with across_organisations(Passage.FIGURES), connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def call_back(port: int, token: str, market: Emulator, order: str) -> int:
    """The platform says to one of our web servers that something happened."""
    call = market.callback("order", order)
    assert call is not None
    address = f"http://127.0.0.1:{port}{serving_path(token)}"
    request = urllib.request.Request(address, call.body, dict(call.headers), method=call.method)
    with urllib.request.urlopen(request, timeout=SOON) as reply:
        return int(reply.status)


def serving_path(token: str) -> str:
    from django.urls import reverse

    return reverse("api:hint", kwargs={"token": token}) if token else "/"


@pytest.mark.long(20)
def test_two_workers_and_two_web_servers_do_everything_once(house: House) -> None:
    """Callbacks come in at either web server; whoever is free works; each order is told once, and every stall shows the same in the end."""
    ports = [house.web(), house.web()]
    workers = [house.start("worker", "--threads", "2"), house.start("worker", "--threads", "2")]
    with house.shop.scope():
        tokens = dict(Connection.objects.values_list("pk", "hint_token"))
    for number in range(3):
        placed = house.place()
        for place, (account, order) in enumerate(placed.items()):
            assert call_back(ports[(place + number) % 2], tokens[account], house.markets[account], order) == 204
        wait_for(lambda placed=placed: house.acknowledged(placed), "the acknowledgements")
    wait_for(lambda: house.shown() == {100 - 3 * STALLS}, "the same number everywhere")
    assert house.acknowledge_calls() == {1}
    assert read("SELECT count(*) FROM orders_order") == [(3 * STALLS,)]
    assert [worker.poll() for worker in workers] == [None, None]


@pytest.mark.long(20)
def test_the_lanes_of_a_killed_worker_are_taken_over_and_nothing_is_done_twice(house: House) -> None:
    first = house.start("worker", "--threads", "4")
    begun = house.place()
    wait_for(lambda: house.acknowledged(begun), "a worker at work")
    house.start("worker", "--threads", "4")
    for _ in range(3):
        placed = house.place()
        with house.shop.scope():
            wake.hint(list(house.markets))
        first.kill()
        first.wait()
        first = house.start("worker", "--threads", "4")
        wait_for(lambda placed=placed: house.acknowledged(placed), "the acknowledgements by those that live")
    assert house.acknowledge_calls() == {1}
    sold = sum(len(market.orders) for market in house.markets.values())
    wait_for(lambda: read("SELECT count(*) FROM orders_order") == [(sold,)], "all orders")
    wait_for(lambda: house.shown() == {100 - sold}, "the same number everywhere")


@pytest.mark.long(20)
def test_channels_that_do_not_answer_keep_no_thread_from_the_others(house: House) -> None:
    """As many dead accounts as would fill every thread, known to be dead, and due: the living one's orders are told meanwhile."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as void:  # takes calls and never answers
        dead = dead_accounts(12, f"http://127.0.0.1:{void.getsockname()[1]}")
        house.start("worker", "--threads", "4")
        claimed = "SELECT count(*) FROM channels_lane WHERE id = ANY(%s) AND claimed_by <> ''"
        wait_for(lambda: read(claimed, dead)[0][0], "a dead channel that is called")
        for _ in range(3):
            placed = house.place()
            with house.shop.scope():
                wake.hint(list(house.markets))
            wait_for(lambda placed=placed: house.acknowledged(placed), "the acknowledgements beside dead channels", 25)
            assert 1 <= int(str(read(claimed, dead)[0][0])) <= 2, "half of four threads"
    house.processes[-1].send_signal(signal.SIGKILL)


def dead_accounts(count: int, url: str) -> list[int]:
    """Trade lanes of an organisation whose channels have failed before, all of them due."""
    now = datetime.now(UTC)
    noisy = Organisation.objects.create(name="Noisy", slug="noisy", sending_enabled=True, created_at=now)
    with organisation_scope(noisy.pk):
        accounts = [
            Connection.objects.create(
                organisation=noisy,
                platform="dummy",
                name=f"Dead {number}",
                state=Connection.State.READY,
                writes_allowed=True,
                created_at=now,
                hint_token=f"dead-{number}",
                base_url=url,
                config=dict(CONFIG),
            )
            for number in range(count)
        ]
        for number, account in enumerate(accounts):
            Channel.objects.create(
                organisation=noisy,
                connection=account,
                code=f"D{number}",
                name=f"Dead {number}",
                currency="EUR",
                orders_enabled=True,
                cutover="include",
                created_at=now,
            )
        due = now - timedelta(minutes=1)
        return [
            Lane.objects.create(organisation=noisy, subject_id=account.pk, kind=LaneKind.TRADE, not_before=due, failures=1).pk
            for account in accounts
        ]


def test_a_database_of_a_newer_release_is_refused_in_words(house: House, race_db) -> None:
    with psycopg.connect(house.environment["DATABASE_URL"], autocommit=True) as other:
        other.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('channels', '9999_of_next_year', now())")
    for words in (["worker"], ["web", "--port", "1"], ["migrate"]):
        done = subprocess.run(
            [sys.executable, "-m", "stallkeeper", *words], env=house.environment, capture_output=True, text=True, timeout=SOON, check=False
        )
        assert done.returncode == 1
        assert "newer release" in done.stderr
        assert "channels.9999_of_next_year" in done.stderr


def test_machines_that_bring_a_new_database_up_at_once_do_it_once(race_db) -> None:
    """Three at a time on an empty database: one makes the tables, the others wait and find nothing to do."""
    with race_db.connect(autocommit=True) as other:
        other.execute("DROP SCHEMA public CASCADE")
        other.execute("CREATE SCHEMA public")
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: migrate(race_db.environment), range(3)))
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 3


def migrate(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stallkeeper", "migrate"], env=environment, capture_output=True, text=True, timeout=4 * SOON, check=False
    )
