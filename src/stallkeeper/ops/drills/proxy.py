"""A small TCP proxy that can be a bad line: cut, silent, slow, narrow, reset in the middle, open in one direction only.

Its own thread and event loop. Changing the line changes it for connections that are open, too. What arrives while the line is silent is
lost together with its connection, as it is when a router restarts: nothing lands minutes later.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
CHUNK = 65_536
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Line:
    """How the line is. ``delay`` seconds each way; ``bytes_a_second`` 0: as many as there are; ``silent``: open, and nothing comes through;
    ``deaf``: what we send arrives, no answer comes back; ``closed``: nobody can connect, and open connections are reset."""

    delay: float = 0.0
    bytes_a_second: int = 0
    silent: bool = False
    deaf: bool = False
    closed: bool = False


GOOD = Line()


class Proxy:
    """``with Proxy(target) as proxy``: listens on ``proxy.port`` of 127.0.0.1; the target is (host, port) or the path of a Unix socket."""

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self.target, self.line, self.port = target, GOOD, 0
        self.passed = 0
        """Bytes that came through, both ways."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="proxy")
        self._open: dict[asyncio.StreamWriter, bool] = {}
        """Both ends of every connection, and whether bytes of it were lost."""
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def be(self, line: Line) -> None:
        """The line is like this from now on. Connections that lost bytes are reset when it is good again."""
        self._do(self._be(line))

    def reset(self) -> None:
        """Every open connection breaks at once; new ones are served."""
        self._do(self._reset(everything=True))

    def _do(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _be(self, line: Line) -> None:
        self.line = line
        await self._reset(everything=line.closed)

    async def _reset(self, *, everything: bool) -> None:
        for writer, lost in list(self._open.items()):
            if everything or (lost and not (self.line.silent or self.line.deaf)):
                _break(writer)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._reset(everything=True)
        if rest := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(rest, timeout=2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.line.closed:
            _break(writer)
            return
        try:
            there = await self._reach()
        except OSError:
            _break(writer)
            return
        ends = [writer, there[1]]
        self._open.update(dict.fromkeys(ends, False))
        try:
            out = asyncio.create_task(self._carry(reader, there[1], back=False, ends=ends))
            home = asyncio.create_task(self._carry(there[0], writer, back=True, ends=ends))
            await asyncio.wait({out, home}, return_when=asyncio.ALL_COMPLETED)
        finally:
            for end in ends:
                self._open.pop(end, None)
                end.close()

    async def _reach(self) -> Streams:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection(*self.target)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, back: bool, ends: list[asyncio.StreamWriter]
    ) -> None:
        """One direction of a connection, until it ends."""
        try:
            while data := await source.read(CHUNK):
                await self._slow(len(data))
                if self.line.silent or (back and self.line.deaf) or self._open.get(sink):
                    self._open.update(dict.fromkeys(ends, True))
                    continue
                self.passed += len(data)
                sink.write(data)
                await sink.drain()
        except OSError:
            for end in ends:
                _break(end)
        if not self._open.get(sink):
            with suppress(OSError, RuntimeError):
                sink.write_eof()

    async def _slow(self, size: int) -> None:
        line = self.line
        wait = line.delay + (size / line.bytes_a_second if line.bytes_a_second else 0.0)
        if wait:
            await asyncio.sleep(wait)


def _break(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset, not with a farewell."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.family != socket.AF_UNIX:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
