"""The walls that tests/conftest.py puts around unit tests."""

import socket

import pytest


def test_a_unit_test_cannot_connect_to_the_network():
    """Rule 8: sockets are closed in unit tests."""
    with socket.socket() as door, pytest.raises(RuntimeError, match="must not connect"):
        door.connect(("127.0.0.1", 9))


def test_a_unit_test_may_use_unix_sockets(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        assert client.getpeername() == str(tmp_path / "s")


def test_marks_follow_the_folder(request):
    assert request.node.get_closest_marker("unit")
