"""An emulated platform in a process of its own, and an account on it with any number of offers that all wait to be sent."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing.connection import Connection as Pipe
from urllib.parse import urlsplit

import psutil

from bench import shop

LOOSE = 1e6
"""The account's limits are so many times the platform's, and feed times so many times shorter: nothing waits."""
CURRENCY = {"walmart": "USD", "emag": "RON", "wildberries": "RUB", "ozon": "RUB", "yandex_market": "RUB"}
NUMBERED = {"emag", "wildberries", "ozon"}
"""Platforms that call an offer by a number of their own."""
ACTOR = "console:bench"


@dataclass(frozen=True)
class Stall:
    """Where an emulator answers, with the settings that it takes; ``warehouse``: theirs, where figures are kept per warehouse."""

    platform: str
    offers: int
    url: str
    config: dict[str, str]
    warehouse: str


@contextmanager
def emulated(platform: str, offers: int) -> Iterator[Stall]:
    """An emulator that lists so many offers, all at zero."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, platform, offers), daemon=True)
    process.start()
    try:
        url, config, warehouse = ours.recv()
        yield Stall(platform, offers, url, config, warehouse)
    finally:
        ours.close()
        process.join(timeout=20)


def _serve(pipe: Pipe, platform: str, offers: int) -> None:
    from stallkit.testing.serving import Served

    module = import_module(f"stallkit.adapters.{platform}.emulator")
    emulator = module.Emulator(lambda: datetime.now(UTC), limits_scale=1 / LOOSE)
    for number in range(1, offers + 1):
        emulator.add_offer(shop.sku(number), external_id=str(number) if platform in NUMBERED else "")
    with Served(emulator) as served:
        pipe.send((served.url, dict(module.CONFIG), getattr(emulator, "warehouse", getattr(module, "WAREHOUSE", ""))))
        try:
            pipe.recv()
        except EOFError:
            return


def open_stall(stall: Stall) -> None:
    """Connect the account as a person does, link every offer, and set stock: all of them wait to be sent."""
    from stallkeeper.channels import connect
    from stallkeeper.core.tenancy import organisation_scope
    from stallkeeper.ops import connections
    from stallkeeper.sync.adapters import SCALE

    empty = shop.build(stall.offers, channels=0)
    declared = connect.manifest(stall.platform)
    settings = connect.check_settings(declared, stall.config)
    settings.shown[SCALE] = str(1 / LOOSE)
    with organisation_scope(empty.organisation):
        address = stall.url + urlsplit(declared.hosts[0][1]).path
        currency = CURRENCY[stall.platform]
        connections.connect(empty.organisation, stall.platform, "Bench", "B1", currency, settings, address, ACTOR, stall.warehouse)
        from stallkeeper.channels.models import Channel

        channel = Channel.objects.select_related("connection").get()
        switched = {"cutover": "include", "orders": "on", "stock": "on", "writes": "on", "company": "on"}
        connections.change(empty.organisation, channel, switched, ACTOR)
    _list_offers(channel.pk)


def _list_offers(channel: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_offer
                (organisation_id, channel_id, stock_unit_id, sku, external_id, pack_factor, fulfilled_by, stock_excluded, prices_excluded,
                 open_qty, unacknowledged_qty, refused_code, refused_message, linked_by, linked_at, intended_qty, believed_qty,
                 observed_qty, observed_at)
            SELECT organisation_id, %s, id, sku, row_number() OVER (ORDER BY id), 1, 'seller', false, false, 0, 0, '', '', 'sku', now(),
                   50, 0, 0, now()
            FROM catalog_stockunit ORDER BY id
            """,
            [channel],
        )
        cursor.execute("UPDATE stock_level SET on_hand = 50")
        cursor.execute(
            """
            INSERT INTO channels_offertodo (organisation_id, offer_id, kind, channel_id, danger, version, since)
            SELECT organisation_id, id, 'quantity', channel_id, 0, nextval('channels_todo_version'), now() FROM channels_offer ORDER BY id
            """
        )


@dataclass(frozen=True)
class Pushed:
    """What it took to push everything: seconds of the clock, of our process, of the database's; calls by the run's own count."""

    seconds: float
    ours: float
    database: float
    runs: int


def push_all(_client: int) -> Callable[[], Pushed]:
    """Run the account's trade lane until nothing waits."""
    from django.db import connection

    from stallkeeper.channels.models import Lane, LaneKind
    from stallkeeper.core.tenancy import organisation_scope
    from stallkeeper.sync.runner import run_lane

    with organisation_scope(shop.found().organisation):
        lane = Lane.objects.get(kind=LaneKind.TRADE).pk

    def waiting() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM channels_offer WHERE believed_qty IS DISTINCT FROM intended_qty")
            return int(cursor.fetchone()[0])

    def job() -> Pushed:
        connection.ensure_connection()
        backend = psutil.Process(connection.connection.info.backend_pid)
        before, cpu, started, runs = sum(backend.cpu_times()[:2]), time.process_time(), time.perf_counter(), 0
        while waiting():
            ended = run_lane(lane, "bench")
            runs += 1
            errors = [f"{step.step}: {step.error}" for step in ended.steps if step.error]
            assert not errors, errors
        return Pushed(time.perf_counter() - started, time.process_time() - cpu, sum(backend.cpu_times()[:2]) - before, runs)

    return job
