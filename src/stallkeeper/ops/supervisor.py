"""Child processes: started, restarted when they die, ended together. None of them outlives its parent, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

import click

GRACE_SECONDS = 10.0
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 30.0
STEADY_SECONDS = 10.0
"""A child that lived so long had started well: it starts again at once when it dies."""


@dataclass
class Service:
    """One child. Its standard input is a pipe that we hold: when we die, it ends, and the child with it (see ``leash``)."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    output: IO[bytes] | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = SHORTEST_WAIT
    due: float = 0.0
    starts: int = field(default=0)

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *self.arguments],
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stdout=self.output,
            stderr=self.output,
            start_new_session=True,
        )
        self.started, self.starts = time.monotonic(), self.starts + 1

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def watch(self) -> None:
        """Start the child again if it is gone: at once after a long life, else with growing waits."""
        now = time.monotonic()
        if self.alive:
            return
        if self.process is not None:
            self._note_death(now)
        if now >= self.due:
            self.start()

    def _note_death(self, now: float) -> None:
        assert self.process is not None
        lived = now - self.started
        self.wait = SHORTEST_WAIT if lived >= STEADY_SECONDS else min(self.wait * 2, LONGEST_WAIT)
        self.due = now if lived >= STEADY_SECONDS else now + self.wait
        say(f"The {self.name} ended ({says(self.process.returncode)}); it is started again.")
        self._release()

    def signal(self, number: int) -> None:
        """Send a signal to the child and all of its own children."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def _release(self) -> None:
        if self.process is not None:
            self.signal(signal.SIGKILL)  # what the dead child left behind in its session
            if self.process.stdin:
                self.process.stdin.close()
            self.process = None

    def end(self, deadline: float) -> None:
        """Wait for the child until the deadline, then kill what is left of it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self._release()


def say(text: str) -> None:
    """Tell the person or the log. A disk that is full, or a terminal that is gone, ends nobody's work."""
    with suppress(OSError):
        click.echo(text, err=True)


def says(code: int) -> str:
    """An exit code as people read it."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Supervisor:
    """Services of one command. ``with Supervisor(services) as it: it.wait()`` ends on Ctrl-C, SIGTERM or SIGHUP."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.services = services
        self.stopping = threading.Event()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._stop)
        for service in self.services:
            service.start()
        return self

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def step(self, seconds: float = 0.2) -> bool:
        """Watch the children once, then rest; False when it is time to end."""
        if not self.stopping.is_set():
            for service in self.services:
                service.watch()
        return not self.stopping.wait(seconds)

    def wait(self) -> None:
        """Until a signal comes."""
        while self.step():
            pass

    def __exit__(self, *_: object) -> None:
        for service in self.services:
            service.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for service in self.services:
            service.end(deadline)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def leash() -> None:
    """Called by a child: end together with the parent, also when that one is killed. Watches the pipe on standard input."""
    if os.environ.pop("STALLKEEPER_LEASH", "") != "1":
        return
    threading.Thread(target=_hold, daemon=True, name="leash").start()


def _hold() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def leashed(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child that calls ``leash``."""
    return {**environment, "STALLKEEPER_LEASH": "1"}
