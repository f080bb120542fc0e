"""``stallkeeper run``: one command, a link to sign in; children that die come back, and none outlives its parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from stallkeeper import embedded, env
from stallkeeper.embedded_host import make_home
from tests.scenarios.test_demo import environment

pytestmark = pytest.mark.timeout(900)
MOMENT = 60
"""Seconds that a busy machine may need for what takes an instant."""


class Running:
    """``stallkeeper run`` with an empty embedded database of its own."""

    def __init__(self, home: Path) -> None:
        self.log = home / "run.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stallkeeper", "run", "--port", "0"],
                env=environment() | {"STALLKEEPER_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for("Ctrl-C ends it.")

    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str, seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None or text in self.said(), self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def children(self, word: str = "") -> list[psutil.Process]:
        family = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in family if word in command_of(one)]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(2 * MOMENT)


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty data folder that the database server's account may enter."""
    place = env.home({name: value for name, value in os.environ.items() if name != "STALLKEEPER_HOME"})
    with embedded.temporary("run-test", place) as cluster:
        folder = cluster.folder / "home"
        make_home(folder)
        yield folder


@pytest.fixture
def running(home: Path) -> Iterator[Running]:
    one = Running(home)
    yield one
    if one.process.poll() is None:
        one.end(signal.SIGTERM)


@pytest.mark.long(15)
def test_run_prints_a_link_restarts_children_and_ends_all_of_them(running: Running) -> None:
    address = re.search(r"runs at (http://localhost:\d+)", running.said())
    link = re.search(r"(http://localhost:\d+/sign-in/\S+)", running.said())
    assert address
    assert link
    assert urllib.request.urlopen(link[1]).status == 200

    (worker,) = running.children("stallkeeper worker")
    worker.kill()
    running.wait_for("The worker ended (SIGKILL); it is started again.")
    deadline = time.monotonic() + MOMENT
    while not (found := running.children("stallkeeper worker")):
        assert time.monotonic() < deadline, running.said()
        time.sleep(0.1)
    (again,) = found
    assert again.pid != worker.pid

    family = running.children()
    assert running.end(signal.SIGINT) == 0
    assert "Stopped." in running.said()
    assert psutil.wait_procs(family, timeout=MOMENT)[1] == []


@pytest.mark.long(15)
def test_children_end_when_their_parent_is_killed(running: Running) -> None:
    family = running.children()
    assert len(family) >= 3
    running.end(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=MOMENT)[1] == []


@pytest.mark.long(30)
def test_a_backup_brings_back_what_was_there(home: Path) -> None:
    """Backup while it runs; restore replaces everything, refuses while somebody works with it, and lets nothing out by itself (C22)."""

    def call(*arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "stallkeeper", *arguments],
            env=environment() | {"STALLKEEPER_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    dump = home / "shop.dump"
    with embedded.running(embedded.cluster_folder(home)) as cluster:  # so that each command finds it running
        call("users", "add", "ada@example.com", "--role", "owner")
        call("channel", "--company", "on", "--yes")
        assert sending(cluster.url) == [True]
        assert "keep a copy of those elsewhere" in call("backup", str(dump))
        call("users", "add", "ben@example.com")
        assert "ben@example.com" in call("users", "list")
        with psycopg.connect(cluster.url):
            assert "1 connections use the database: stop" in call("restore", str(dump), "--yes", status=1)
        assert "Nobody can be asked here" in call("restore", str(dump), status=1)
        assert "Sending is off for every company" in call("restore", str(dump), "--yes")
        assert sending(cluster.url) == [False]
        assert open_notices(cluster.url) == ["Restored from a backup: nothing is sent"]
        call("channel", "--company", "on", "--yes")
        assert (sending(cluster.url), open_notices(cluster.url)) == ([True], [])
        people = call("users", "list")
        assert "ada@example.com" in people
        assert "ben@example.com" not in people
        (home / "broken.dump").write_text("no dump")
        assert "pg_restore failed" in call("restore", str(home / "broken.dump"), "--yes", status=1)
        assert "ada@example.com" in call("users", "list")


def sending(url: str) -> list[bool]:
    """The company switches."""
    return column(url, "SELECT sending_enabled FROM core_organisation ORDER BY id")


OPEN_NOTICES = "SELECT title FROM core_notification WHERE resolved_at IS NULL ORDER BY id"


def open_notices(url: str) -> list[str]:
    (organisation,) = column(url, "SELECT id FROM core_organisation")
    return column(f"{url}&options=-c%20stallkeeper.organisation%3D{organisation}", OPEN_NOTICES)


def column(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query)]
