"""The processes behind ``run``: which port, which children, and when they are ready."""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.error
import urllib.request  # lint: allow http-door because it asks our own server whether it is up
from contextlib import ExitStack
from typing import IO

from django.conf import settings

from stallkeeper.embedded_host import make_home
from stallkeeper.ops.supervisor import Service, Supervisor, leashed

WEB: tuple[str, ...] = ("stallkeeper.ops.web",)
WORKER: tuple[str, ...] = ("stallkeeper", "worker")
"""The modules of the children, with their arguments."""
FIRST_PORT, LAST_PORT = 8000, 8050
START_SECONDS = 180.0
"""A machine with much else to do needs a minute; a child that cannot start is noticed by its deaths, not by this."""
TRIES = 3
"""A child that dies so often before the web server answers will not start at all."""


class PortTaken(RuntimeError):
    """Nobody can listen on the port that was asked for."""


_kept: list[socket.socket] = []
"""Ports that the system chose for us, bound so that it gives them to nobody else before our web server listens there, or again."""


def choose_port(host: str, wanted: int | None) -> int:
    """The port asked for, or 8000, or the next one that is free. PortTaken if the one asked for is not. 0: any that is free."""
    if wanted is not None:
        return _try(host, wanted)
    for port in range(FIRST_PORT, LAST_PORT):
        try:
            return _try(host, port)
        except PortTaken:
            continue
    return _try(host, 0)


def _try(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        probe = stack.enter_context(socket.socket(family))
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port with --port.") from error
        if port == 0 and sys.platform == "linux":  # elsewhere a bound socket would keep our own server out too
            _kept.append(probe)
            stack.pop_all()
        return int(probe.getsockname()[1])


def base_url(host: str, port: int) -> str:
    """Where a person on this machine reaches the server."""
    name = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104 - only compared
    return f"http://{name}:{port}" if port != 80 else f"http://{name}"


def everything(host: str, port: int, workers: int, output: IO[bytes] | None = None, web: int = 1) -> Supervisor:
    """Web server (of so many processes) and workers, as children that use this process's database and settings."""
    make_home(settings.STATIC_ROOT)  # the server looks there for files of your own and warns if there is no such folder
    environment = leashed(os.environ)
    services = [Service("web server", [*WEB, host, str(port), str(web)], environment, output)]
    services += [Service("worker", WORKER, environment, output) for _ in range(workers)]
    return Supervisor(services)


def wait_until_up(supervisor: Supervisor, host: str, port: int) -> bool:
    """Whether the web server answers within START_SECONDS; also True if the user has had enough already."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if answers(host, port) or supervisor.stopping.is_set():
            return True
        if max(service.starts for service in supervisor.services) > TRIES:
            return False
        supervisor.step(0.1)
    return False


def answers(host: str, port: int) -> bool:
    """Whether a web server speaks there, whatever it says."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - only compared
    try:
        urllib.request.urlopen(f"http://{name}:{port}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
