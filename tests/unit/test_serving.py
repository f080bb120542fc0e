"""Which port the web server gets."""

from __future__ import annotations

import socket
import sys
from contextlib import closing

import pytest

from stallkeeper.ops import serving

HOST = "127.0.0.1"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch):
    held: list[socket.socket] = []
    monkeypatch.setattr(serving, "_kept", held)
    yield held
    for probe in held:
        probe.close()


def test_a_port_that_somebody_listens_on_is_refused_by_its_number(kept) -> None:
    with closing(socket.create_server((HOST, 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(serving.PortTaken, match=f"Cannot listen on {HOST}:{port}"):
            serving.choose_port(HOST, port)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a bound socket would keep the server itself out")
def test_nobody_else_gets_a_free_port_that_was_chosen_until_the_server_listens(kept) -> None:
    """Between choosing and listening lies the start of the database, and the system gives ports away meanwhile."""
    port = serving.choose_port(HOST, 0)
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind((HOST, port))
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HOST, port))
        server.listen()
