"""``stallkeeper run``: how long until a page is served, from a new and from a known data folder; memory of web server and worker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.house import House
from bench.measure import Result

SETTLE = 5.0
"""Seconds of rest before memory is read."""


def run(house: House) -> Iterator[Result]:  # noqa: ARG001 - it needs a data folder of its own, not a database
    """First start (database made, tables made) and second start."""
    with TemporaryDirectory(prefix="stallkeeper-bench-") as folder:
        Path(folder).chmod(0o711)
        for what in ("first start, database and tables made", "second start"):
            with started(Path(folder)) as (seconds, process):
                if what == "second start":
                    time.sleep(SETTLE)
                    yield from _memory(process)
            yield Result("startup", f"{what}: seconds to the first page", seconds, "s")


@contextmanager
def started(home: Path) -> Iterator[tuple[float, psutil.Process]]:
    """A hub on a free port: seconds until a page came, and its first process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"STALLKEEPER_HOME": str(home)}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "stallkeeper", "run", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            assert process.poll() is None, "the hub ended by itself"
            time.sleep(0.02)
        yield time.perf_counter() - begun, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return bool(page.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _memory(hub: psutil.Process) -> Iterator[Result]:
    """Own memory of each child (what would be free if it ended), workers of the web server included."""
    for child in hub.children():
        command = " ".join(child.cmdline())
        name = "web server" if "ops.web" in command else "worker" if command.endswith("worker") else ""
        if name:
            family = [child, *child.children(recursive=True)]
            own = sum(each.memory_full_info().uss for each in family) / 2**20
            resident = sum(each.memory_info().rss for each in family) / 2**20
            yield Result("startup", f"memory of the {name}, idle", own, "MB", note=f"{len(family)} processes, {resident:.0f} MB resident")
