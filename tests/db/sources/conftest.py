"""A source on a real web server, and the lane that asks it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import SOURCE, Lane
from stallkeeper.core import clock
from stallkeeper.stock import ledger, source_setup
from stallkeeper.stock.models import SourceRun, StockSource
from stallkeeper.sync import source_kinds
from stallkeeper.sync.runner import Ended, run_lane
from stallkeeper.sync.wake import wake_sources
from tests.db.sources.desk import Desk
from tests.market import Market
from tests.shop import NOON, Shop


class FileServer(ThreadingHTTPServer):
    """Serves one body at every address, by its fingerprint; ``status`` other than 200 is an error of its own."""

    daemon_threads = True
    body, status, asked = b"", 200, 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/stock"


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        self.server.asked += 1
        tag = f'"{sha256(self.server.body).hexdigest()}"'
        status = 304 if self.headers.get("If-None-Match") == tag and self.server.status == 200 else self.server.status
        body = b"" if status == 304 else self.server.body
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as opened:
        thread = threading.Thread(target=opened.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


def ten_of_each(shop: Shop, how_many: int) -> dict[str, StockUnit]:
    """SKU-1, SKU-2 …, ten of each at the shop's place."""
    with shop.use_case() as uc:
        skus = [f"SKU-{number}" for number in range(1, how_many + 1)]
        made = StockUnit.objects.bulk_create(StockUnit(organisation=shop.organisation, sku=sku, title=sku, created_at=NOON) for sku in skus)
        ledger.set_on_hand(uc, [ledger.Target(unit.pk, shop.place.pk, 10, f"test:{unit.pk}") for unit in made])
    return dict(zip(skus, made, strict=True))


class Feed:
    """Twelve articles, ten of each, in the shop of a market; a source at an address, and its lane."""

    def __init__(self, market: Market, server: FileServer) -> None:
        self.market, self.shop, self.server = market, market.shop, server
        self.units = ten_of_each(self.shop, 12)
        self.market.clock.tick(60)
        self.source = self.add("url", {"address": server.address, "as_of": "fetch"})

    def add(
        self, kind: str, config: dict[str, str], hidden: dict[str, str] | None = None, *, enabled: bool = True, **terms: object
    ) -> StockSource:
        self.shop.at = self.market.clock()
        place = terms.pop("place", self.shop.place)
        with self.shop.use_case() as uc:
            made = source_setup.add(uc, place, kind, config, hidden or {}, {"name": f"source {self.shop.at:%H%M%S%f}"} | terms)
            if source_kinds.manifest_of(kind).file and kind != "upload":
                source_setup.map_columns(uc, made.pk, {}, {"code": "sku", "quantity": "qty"}, {})
            if enabled:
                source_setup.turn(uc, made.pk, True)
        with self.shop.scope():
            wake_sources([made.pk])
        return made

    def serve(self, figures: dict[str, int] | bytes) -> None:
        text = figures if isinstance(figures, bytes) else "".join(["sku,qty\n", *(f"{sku},{n}\n" for sku, n in figures.items())]).encode()
        self.server.body = text

    def all(self, **different: int) -> dict[str, int]:
        return dict.fromkeys(self.units, 10) | {code.replace("_", "-"): quantity for code, quantity in different.items()}

    def lane(self, source: StockSource | None = None) -> Lane:
        with self.shop.scope():
            return Lane.objects.get(subject_type=SOURCE, subject_id=(source or self.source).pk)

    def run(self, source: StockSource | None = None, worker: str = "w1") -> Ended:
        return run_lane(self.lane(source).pk, worker)

    def due(self) -> None:
        """The interval has passed."""
        self.market.clock.tick(31 * 60)

    def last(self, source: StockSource | None = None) -> SourceRun:
        with self.shop.scope():
            return (source or self.source).runs.order_by("-pk")[0]

    def count(self, source: StockSource | None = None) -> int:
        with self.shop.scope():
            return (source or self.source).runs.count()

    def now(self, source: StockSource | None = None) -> StockSource:
        with self.shop.scope():
            return StockSource.objects.get(pk=(source or self.source).pk)

    def figures(self) -> list[int]:
        return [self.shop.level(unit)[0] for unit in self.units.values()]


@pytest.fixture
def feed(market: Market, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, allow_private_urls=("127.0.0.1",)))
    return Feed(market, server)


@pytest.fixture
def desks(settings, tmp_path) -> Iterator[Callable[..., Desk]]:
    settings.STATIC_ROOT = tmp_path
    with ExitStack() as stack:

        def open_desk(**how: object) -> Desk:
            desk = Desk(**how)
            stack.enter_context(clock.using(lambda: desk.shop.at))
            stack.enter_context(desk.shop.scope())
            return desk

        yield open_desk
