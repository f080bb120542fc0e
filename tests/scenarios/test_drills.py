"""Every drill, small: real processes, real faults, judged by the stalls' own logs. Large: ``make drills`` (docs/drills.md)."""

from __future__ import annotations

import json
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from stallkeeper.ops.drills.catalogue import DRILLS
from stallkeeper.ops.drills.proxy import GOOD, Line, Proxy
from tests.scenarios.test_demo import environment

pytestmark = pytest.mark.timeout(1800)
SMALL: dict[str, tuple[str, ...]] = {
    "kill": ("--times", "7", "--orders", "400"),
    "freeze": ("--times", "2", "--orders", "200", "--seconds", "11"),
    "disk": ("--times", "1", "--orders", "200", "--seconds", "5"),
    "network": ("--times", "10", "--orders", "400", "--seconds", "3"),
    "clock": ("--times", "3", "--orders", "200", "--seconds", "11"),
    "restart": ("--times", "2", "--orders", "200"),
    "restart-url": ("--times", "2", "--orders", "200"),
}
"""Faults and orders of each: the first faults of its list."""
NOTHING = (
    "acknowledged_lost", "actions_lost", "commands_heard_twice", "orders_missing", "orders_differing", "offers_not_converged",
    "invariants_broken",
)  # fmt: skip


def drilled(name: str, out: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "stallkeeper", "drill", name, "--seed", "3", "--stalls", "3", "--json", str(out), *SMALL[name]],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def test_every_drill_is_played_here() -> None:
    assert set(SMALL) == set(DRILLS)


@pytest.mark.long(60)
@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_hub_comes_out_right(name: str, tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing is heard twice, orders and offers are right in the end (invariants 1-3, 5, 7, 9-12)."""
    figures = drilled(name, tmp_path / "out.json")
    assert figures["problems"] == []
    assert {kind: figures[kind] for kind in NOTHING} == dict.fromkeys(NOTHING, 0)
    assert figures["orders_placed"] == figures["orders"]
    assert figures["offers"] > 200
    assert sum(figures["faults"].values()) == figures["times"]
    assert figures["recovery_s"]["max"] is not None


# --- the bad line -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says everything again, in capitals, and remembers what it heard."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionResetError):  # some of these lines are torn on purpose
                while data := self.request.recv(1000):
                    heard.append(data)
                    self.request.sendall(data.upper())

    heard.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()


heard: list[bytes] = []


def line_to(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=30)


def talk(line: socket.socket, proxy: Proxy) -> bytes:
    line.settimeout(30)
    line.connect(("127.0.0.1", proxy.port))
    return line.recv(100)


def test_a_good_line_carries_both_ways(echo: tuple[str, int]) -> None:
    with Proxy(echo) as proxy, line_to(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(100) == b"HELLO"
        assert proxy.passed == 10


def test_a_cut_line_breaks_what_is_open_and_lets_nobody_in(echo: tuple[str, int]) -> None:
    with Proxy(echo) as proxy, line_to(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(100) == b"HELLO"
        proxy.be(Line(closed=True))
        with pytest.raises(ConnectionResetError):
            line.recv(100)
        with closing(socket.socket()) as second, pytest.raises(ConnectionResetError):
            talk(second, proxy)
        proxy.be(GOOD)
        with line_to(proxy) as third:
            third.sendall(b"again")
            assert third.recv(100) == b"AGAIN"


@pytest.mark.parametrize(("line", "arrives"), [(Line(silent=True), False), (Line(deaf=True), True)])
def test_what_a_silent_line_swallowed_never_lands(echo: tuple[str, int], line: Line, arrives: bool) -> None:
    """Open in one direction: the words arrive, the answer does not. Afterwards that connection is broken, not repaired."""
    with Proxy(echo) as proxy, line_to(proxy) as spoken:
        spoken.sendall(b"one")
        assert spoken.recv(100) == b"ONE"
        proxy.be(line)
        spoken.sendall(b"two")
        spoken.settimeout(0.5)
        with pytest.raises(TimeoutError):
            spoken.recv(100)
        assert (b"two" in heard) is arrives
        proxy.be(GOOD)
        spoken.settimeout(30)
        with pytest.raises(ConnectionResetError):
            spoken.recv(100)
        assert (b"two" in heard) is arrives
