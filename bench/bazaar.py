"""Many stalls in one process of its own, as cheap as can be: the dummy market's wire over prebuilt pages and a few counters.

It keeps no shop: it answers fast, so that what is measured is the product. Each account lives under ``/<connection id>``. Commands come
over a pipe; figures go back the same way.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from bench.shop import sku

RECENT = 15.0
"""Seconds for which an order stays on the list of changed ones."""


@dataclass
class Stand:
    """One account. ``pages``: prebuilt orders, given out once. ``delay``: seconds that each list of orders takes."""

    number: int
    shown: int = 0
    """What every offer shows that was never written."""
    delay: float = 0.0
    pages: list[bytes] = field(default_factory=list)
    given_out: bool = False
    recent: list[tuple[float, bytes]] = field(default_factory=list)
    quantities: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)
    """SKUs that were sold elsewhere, since when: a write of one of them is a cut that came in time or late."""
    writes: int = 0


@dataclass
class Bazaar:
    stands: dict[int, Stand] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    tasks: dict[str, bytes] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    selling: bool = False
    placed: int = 0

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes, float]:
        """Status, body, and seconds to wait before they go out."""
        parts = urlsplit(target)
        account, _, rest = parts.path.lstrip("/").partition("/")
        stand = self.stands[int(account)]
        status, reply, delay = 200, b"", 0.0
        match method, rest.split("/"):
            case "POST", ["oauth", "token"]:
                reply = b'{"access_token":"t","expires_in":360000}'
            case "GET", ["v1", "orders"]:
                reply, delay = self._orders(stand, dict(parse_qsl(parts.query))), stand.delay
            case "PUT", ["v1", "stock"]:
                reply = self._results(stand, body)
            case "POST", ["v1", "tasks"]:
                number = f"T{next(self.numbers)}"
                self.tasks[number] = self._results(stand, body)
                status, reply = 202, b'{"task":"%s"}' % number.encode()
            case "GET", ["v1", "tasks"]:
                reply = b'{"tasks":[]}'
            case "GET", ["v1", "tasks", number]:
                reply = b'{"id":"%s","state":"done",%s' % (number.encode(), self.tasks[unquote(number)][1:])
            case "POST", ["v1", "offers", "query"]:
                reply = self._states(stand, body)
            case _:
                status, reply = 404, b'{"error":{"code":"no_route","message":"not part of this bazaar"}}'
        return status, reply, delay

    def _orders(self, stand: Stand, query: dict[str, str]) -> bytes:
        now = time.time()
        if stand.pages and not stand.given_out:
            number = int(query.get("after") or 0)
            stand.given_out = number + 1 >= len(stand.pages)
            following = b"null" if stand.given_out else b'"%d"' % (number + 1)
            return b'{"orders":[%s],"next":%s,"as_of":"%s"}' % (stand.pages[number], following, _instant(now))
        stand.recent = [(at, order) for at, order in stand.recent if at > now - RECENT]
        return b'{"orders":[%s],"next":null,"as_of":"%s"}' % (b",".join(order for _, order in stand.recent), _instant(now))

    def _results(self, stand: Stand, body: bytes) -> bytes:
        now, items = time.time(), msgspec.json.decode(body)["items"]
        stand.writes += len(items)
        for item in items:
            if stand.waiting and (since := stand.waiting.pop(item["sku"], None)) is not None:
                self.lags.append(now - since)
            stand.quantities[item["sku"]] = item["quantity"]
        return msgspec.json.encode({"results": [{"sku": item["sku"], "offer_id": item["offer_id"], "ok": True} for item in items]})

    def _states(self, stand: Stand, body: bytes) -> bytes:
        skus = msgspec.json.decode(body)["skus"]
        return msgspec.json.encode({"offers": [_offer(name, stand.quantities.get(name, stand.shown)) for name in skus], "unknown": []})

    def load(self, account: int, pages: int, size: int, units: int) -> None:
        """Orders of three lines that will be given out, a page at a time, from now on."""
        stand, dice = self.stands[account], Random(account)
        stand.given_out = False
        stand.pages = [
            b",".join(_order(f"{account}-{page}-{number}", dice.sample(range(1, units + 1), 3)) for number in range(size))
            for page in range(pages)
        ]

    async def sell(self, firms: list[list[int]], units: int, every: float) -> None:
        """Each firm sells one unit at one of its stalls now and then; all its other stalls should show one less soon."""
        dice, turn = Random(1), 0
        while True:
            await asyncio.sleep(every / len(firms))
            if not self.selling:
                continue
            firm, turn = firms[turn % len(firms)], turn + 1
            self._place(firm, dice.choice(firm), 1 + (turn // len(firms)) % units)

    def _place(self, firm: list[int], where: int, unit: int) -> None:
        now, name, self.placed = time.time(), sku(unit), self.placed + 1
        stand = self.stands[where]
        stand.recent.append((now, _order(f"{where}-sale-{self.placed}", [unit])))
        stand.quantities[name] = stand.quantities.get(name, stand.shown) - 1
        for other in firm:
            if other != where:
                self.stands[other].waiting[name] = now


def _instant(at: float) -> bytes:
    return datetime.fromtimestamp(at, UTC).isoformat().encode()


def _order(name: str, units: list[int]) -> bytes:
    now = datetime.now(UTC)
    price = {"amount": "9.99", "currency": "EUR"}
    line = {"title": "A unit", "ordered": 1, "cancelled": 0, "sent": 0, "cancel_asked": 0, "unit_price": price, "tax_rate": "0.19"}
    return msgspec.json.encode(
        {
            "id": name,
            "number": name,
            "status": "accepted",
            "placed_at": now.isoformat(),
            "changed_at": now.isoformat(),
            "accept_by": (now + timedelta(hours=24)).isoformat(),
            "send_by": (now + timedelta(days=2)).isoformat(),
            "currency": "EUR",
            "shipping": {"amount": "4.90", "currency": "EUR"},
            "lines": [{"id": str(place), "sku": sku(unit), "offer_id": "", **line} for place, unit in enumerate(units, 1)],
            "buyer": {"name": "Ada", "email": f"{name}@example.com", "street": "Musterweg 1", "city": "Berlin", "country": "DE"},
        }
    )


def _offer(name: str, quantity: int) -> dict[str, object]:
    price = {"amount": "9.99", "currency": "EUR"}
    return {"sku": name, "id": "", "title": "", "status": "on_sale", "quantity": max(quantity, 0), "price": price, "gtins": []}


# --- the process --------------------------------------------------------------------------------------------------------------------------


@dataclass
class Held:
    """Our end of the pipe."""

    pipe: Pipe
    url: str
    void: str
    """An address where calls are taken and never answered."""
    pid: int

    def ask(self, what: str, *arguments: Any) -> Any:
        """Have it done; the answer. ``stand``, ``load``, ``sell``, ``selling``, ``take_lags``, ``writes``, ``delay``."""
        self.pipe.send((what, arguments))
        return self.pipe.recv()


@contextmanager
def bazaar() -> Iterator[Held]:
    """A bazaar in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        url, void = ours.recv()
        yield Held(ours, url, void, process.pid or 0)
    finally:
        ours.close()
        process.join(timeout=20)


def _main(pipe: Pipe) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Pipe) -> None:
    here, ended = Bazaar(), asyncio.Event()
    server = await asyncio.start_server(lambda reader, writer: _talk(here, reader, writer), "127.0.0.1", 0, backlog=1024)
    void = socket.create_server(("127.0.0.1", 0), backlog=1024)
    loop = asyncio.get_running_loop()
    threading.Thread(target=_obey, args=(pipe, here, loop, ended), daemon=True).start()
    addresses = [f"http://127.0.0.1:{listening.getsockname()[1]}" for listening in (server.sockets[0], void)]
    pipe.send(addresses)
    await ended.wait()
    void.close()
    server.close()


async def _talk(here: Bazaar, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            length = next((int(line[15:]) for line in head if line.lower().startswith("content-length:")), 0)
            status, body, delay = here.answer(method, target, await reader.readexactly(length))
            if delay:
                await asyncio.sleep(delay)
            writer.write(b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        pass
    finally:
        writer.close()


def _obey(pipe: Pipe, here: Bazaar, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while True:
        try:
            what, arguments = pipe.recv()
        except EOFError:
            loop.call_soon_threadsafe(ended.set)
            return
        answer: Any = None
        match what:
            case "stand":
                number, shown = arguments
                here.stands[number] = Stand(number, shown)
            case "load":
                here.load(*arguments)
            case "delay":
                for stand in here.stands.values():
                    stand.delay = arguments[0]
            case "sell":
                asyncio.run_coroutine_threadsafe(here.sell(*arguments), loop)
            case "selling":
                (here.selling,) = arguments
            case "take_lags":
                left = sum(len(stand.waiting) for stand in here.stands.values())
                answer, here.lags = (here.lags, left), []
            case "writes":
                answer = sum(stand.writes for number, stand in here.stands.items() if number in arguments[0])
        pipe.send(answer)
