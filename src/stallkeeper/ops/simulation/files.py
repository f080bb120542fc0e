"""Somebody else's stock list at a web address: the emulated file server that a place of the simulated seller gets its numbers from.

Its weather is that of the day: it is away, slow, asks for patience, sends a page for people, breaks off in the middle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import TYPE_CHECKING

import httpx  # lint: allow http-door because this is the far end of it: an emulated server, no way out

from stallkeeper.ops.simulation.truth.files import Books, Said
from stallkit.http import Door as HttpDoor
from stallkit.sources.bringing import fingerprint
from stallkit.sources.door import Door, Unpaced

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

ADDRESS = "http://files.test/stock.csv"
PAGE = b"<!doctype html><title>Back soon</title>"
TIMES = 3
"""So much more often than a stall's each of its answers is bad: it is asked far less."""
AGES = (0, 0, 20, 120, 600)
"""Seconds that a file may have lain there when it is seen."""


class FileServer(httpx.BaseTransport):
    """Serves one file, by its tag. All chance comes from the dice of the step that is being played."""

    def __init__(self, world: World, skus: tuple[str, ...]) -> None:
        self.world, self.skus = world, skus
        self.numbers = 0
        self.tag = ""
        self.books = Books(Said(b"", world.clock.at, {}))

    def publish(self, dice: Random, *, good: bool = False) -> str:
        """Another file lies there from now on; ``good``: nothing is wrong with it, and it is of this moment. Returns what it is like."""
        self.numbers += 1
        figures = {sku: dice.randint(0, 12) for sku in self.skus}
        kind = "good" if good else dice.choice(("good",) * 8 + ("half", "half", "zero", "words", "words", "none", "again"))
        unread: frozenset[str] = frozenset()
        if kind == "again":
            return self._lay(self.books.now.body, self.books.now, dice) and kind
        if kind == "half":
            figures = dict(list(figures.items())[: len(figures) // 2])
        elif kind == "zero":
            figures = dict.fromkeys(figures, 0)
        elif kind == "none":
            figures = {}
        elif kind == "words":
            unread = frozenset(dice.sample(self.skus, 1))
        lines = [f"{sku},{'many' if sku in unread else number},v{self.numbers}" for sku, number in figures.items()]
        body = "\n".join(["sku,qty,note", *lines, ""]).encode()
        read = {sku: number for sku, number in figures.items() if sku not in unread}
        self._lay(body, Said(body, self.world.clock.at, read, unread, len(lines)), None if good else dice)
        return f"{kind}: {read}"

    def _lay(self, body: bytes, said: Said, dice: Random | None) -> str:
        ago = timedelta(seconds=dice.choice(AGES) if dice is not None else 0)
        changed = (self.world.clock.at - ago).replace(microsecond=0)
        self.tag = f'"{self.numbers}"'
        now = Said(body, changed, said.figures, said.unread, said.rows)
        self.books.now = self.books.said[self._mark(now)] = now
        return self.tag

    def _mark(self, said: Said) -> str:
        """How the runs of its source name this file."""
        marks = fingerprint(etag=self.tag, modified=_date(said.changed), sha256=hashlib.sha256(said.body).hexdigest())
        return hashlib.sha256(marks.encode()).hexdigest()[:40]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """A GET, as a web server answers it."""
        self.world.at_point("wire:before")
        fault = self._fault()
        self.world.wait_for_reply()
        try:
            reply = self._reply(request, fault)
        finally:
            self.world.note(f"files: {fault or 'ok'}")
            self.world.at_point("wire:after")
        return reply

    def _fault(self) -> str:
        weather = self.world.chaos.weather
        names = ("server_error", "timeout_before", "rate_limit", "html", "cut_json")
        found = [name for name in names if self.world.dice.random() < weather.rate(name) * TIMES]
        if found:
            self.world.chaos.hit[found[0]] += 1
            self.world.reach("a source did not answer well")
        return found[0] if found else ""

    def _reply(self, request: httpx.Request, fault: str) -> httpx.Response:
        said = self.books.now
        if fault == "timeout_before":
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        if fault in {"server_error", "rate_limit"}:
            return httpx.Response(503 if fault == "server_error" else 429, request=request)
        if fault == "html":
            return httpx.Response(200, content=PAGE, request=request)
        headers = {"ETag": self.tag, "Last-Modified": _date(said.changed)}
        if fault == "cut_json":
            return httpx.Response(200, headers=headers, stream=Cut(said.body), request=request)
        self.books.answered_at = self.world.clock.at
        if request.headers.get("If-None-Match") == self.tag:
            return httpx.Response(304, headers=headers, request=request)
        return httpx.Response(200, headers=headers, content=said.body, request=request)


class Cut(httpx.SyncByteStream):
    """A body that ends before its length."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[: len(self.body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


@dataclass(frozen=True)
class Way(Door):
    """The way out of sources: it leads to the file server only. The real one looks the address up, and may refuse it."""

    server: httpx.BaseTransport = field(kw_only=True)

    def http(self, url: str, clock: Callable[[], datetime], secrets: tuple[str, ...] = (), *, typed: bool = True) -> HttpDoor:  # noqa: ARG002
        return HttpDoor(httpx.Client(transport=self.server, trust_env=False), url, Unpaced(), clock, secrets=secrets)


def door(world: World, _allow: tuple[str, ...]) -> Door:
    """How the sources of this world are reached."""
    assert world.files is not None
    return Way(server=world.files)


def _date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)
