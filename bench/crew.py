"""Clients in processes of their own, told over a pipe what to do next; the clock runs from "go" to the last "done"."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench.house import load_django

Job = Callable[[], Any]
"""The part on the clock."""
Prepare = Callable[..., Job]
"""Makes a job, off the clock: ``prepare(client, **arguments)``, where ``client`` is the number of the process."""


@dataclass
class Crew:
    """``run`` has every client prepare the same task, then do it at once."""

    pipes: list[Connection]

    def run(self, task: Prepare, arguments: Mapping[str, Any]) -> tuple[float, list[Any]]:
        """Seconds from the start of the first to the end of the last client, and what their jobs returned."""
        for pipe in self.pipes:
            pipe.send((task, dict(arguments)))
        self._answers()
        started = time.perf_counter()
        for pipe in self.pipes:
            pipe.send("go")
        results = self._answers()
        return time.perf_counter() - started, results

    def _answers(self) -> list[Any]:
        answers = [pipe.recv() for pipe in self.pipes]
        for answer in answers:
            if isinstance(answer, _Failed):
                raise RuntimeError(f"a client failed:\n{answer.text}")
        return answers


@dataclass
class _Failed:
    text: str


@contextmanager
def crew(size: int) -> Iterator[Crew]:
    """``size`` processes on the database of the environment."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(size)]
    processes = [context.Process(target=_work, args=(theirs, number), daemon=True) for number, (_, theirs) in enumerate(pairs)]
    for process in processes:
        process.start()
    try:
        yield Crew([ours for ours, _ in pairs])
    finally:
        for ours, _ in pairs:
            ours.close()
        for process in processes:
            process.join(timeout=20)


def _work(pipe: Connection, number: int) -> None:
    load_django()
    _begin_as_the_worker_does()
    while True:
        try:
            task, arguments = pipe.recv()
        except EOFError:
            return
        try:
            job = task(number, **arguments)
            pipe.send("ready")
            pipe.recv()
            pipe.send(job())
        except Exception:  # noqa: BLE001 - the parent raises it
            pipe.send(_Failed(traceback.format_exc()))
            return


def _begin_as_the_worker_does() -> None:
    from stallkeeper.core import garbage
    from stallkeeper.sync import runner  # noqa: F401 - with all that a run needs

    garbage.spare_what_is_loaded()
