"""Faults of processes and of the database. Each is a function of the stage; it returns when the fault is over, with the moment from which
recovery counts: the kill itself where the hub can go on at once, the end where nothing can be done before."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

import psutil

from stallkeeper import embedded
from stallkeeper.embedded_host import EmbeddedDatabaseError
from stallkeeper.ops.drills import queries
from stallkeeper.ops.drills.stage import DRILL, Stage, until
from stallkeeper.ops.serving import START_SECONDS

Fault = Callable[[Stage, Random], float]
DOWN = (0.0, 1.0)
"""Seconds until somebody starts a dead hub again."""


def kill_worker(stage: Stage, chance: Random) -> float:
    """``kill -9`` of one worker; the supervisor starts it again."""
    return _kill(stage, chance.sample(_there(stage.hub.workers), 1))


def kill_workers(stage: Stage, chance: Random) -> float:  # noqa: ARG001 - one shape for all faults
    """All workers at once."""
    return _kill(stage, _there(stage.hub.workers))


def kill_web(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """The web server and its children."""
    return _kill(stage, [one for parent in _there(stage.hub.web_servers) for one in _with_children(parent)])


def kill_supervisor(stage: Stage, chance: Random) -> float:
    """The head of the tree alone: its children notice and end; somebody starts it again."""
    family = stage.hub.family()
    begun = _kill(stage, family[:1])
    psutil.wait_procs(family[1:], timeout=30)
    return _start_again(stage, chance, begun)


def kill_tree(stage: Stage, chance: Random) -> float:
    """Every process of the hub at once."""
    return _start_again(stage, chance, _kill(stage, stage.hub.family()))


def kill_backend(stage: Stage, chance: Random) -> float:
    """A process of PostgreSQL that serves the hub: the server then ends all others and recovers."""
    return _kill(stage, chance.sample(_there(lambda: backends(stage)), 1))


def kill_postgres(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """PostgreSQL's first process; whoever runs the database starts it again (the hub itself, if it is the embedded one)."""
    head = postmaster(stage)
    if head is not None:
        head.kill()
        head.wait(30)
    begun = time.monotonic()
    if stage.database_line is not None:
        _revive(stage)
    return begun


def _revive(stage: Stage) -> None:
    """Somebody, not the hub, starts the server."""
    until(lambda: _started(stage), 60, pause=0.2)


def _started(stage: Stage) -> bool:
    try:
        with embedded.running(stage.cluster.folder):
            return True
    except EmbeddedDatabaseError:
        return False


def _there(look: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """The processes that are to be hurt, once there are any: the last fault may have just ended them."""
    found = look()
    deadline = time.monotonic() + START_SECONDS
    while not found:
        if time.monotonic() > deadline:
            raise RuntimeError(f"there was no process to hurt within {START_SECONDS:.0f} s: see the hub's log")
        time.sleep(0.1)
        found = look()
    return found


def _kill(stage: Stage, processes: Sequence[psutil.Process]) -> float:
    begun = time.monotonic()
    stage.hub.kill(list(processes))
    return begun


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _start_again(stage: Stage, chance: Random, begun: float) -> float:
    time.sleep(chance.uniform(*DOWN))
    stage.hub.launch()
    return begun


# --- frozen -------------------------------------------------------------------------------------------------------------------------------


def freeze_worker(stage: Stage, chance: Random) -> float:
    """SIGSTOP for longer than a takeover, then SIGCONT: others take its lanes over, and it changes nothing when it wakes up."""
    begun = time.monotonic()
    _freeze(stage, chance.sample(_there(stage.hub.workers), 1))
    return begun


def freeze_workers(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """All workers: nothing can be done before they wake up."""
    _freeze(stage, _there(stage.hub.workers))
    return time.monotonic()


def freeze_web(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    begun = time.monotonic()
    _freeze(stage, [one for parent in stage.hub.web_servers() for one in _with_children(parent)])
    return begun


def freeze_backend(stage: Stage, chance: Random) -> float:
    """A process of PostgreSQL, with whatever locks it holds."""
    begun = time.monotonic()
    _freeze(stage, chance.sample(_there(lambda: backends(stage)), 1))
    return begun


def _freeze(stage: Stage, processes: Sequence[psutil.Process]) -> None:
    _signal(processes, signal.SIGSTOP)
    try:
        time.sleep(stage.options.seconds)
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: Sequence[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------------------------


def postmaster(stage: Stage) -> psutil.Process | None:
    """The first process of the server, None if it is not running."""
    with suppress(FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return psutil.Process(int((stage.cluster.data / "postmaster.pid").read_text().splitlines()[0]))
    return None


def backends(stage: Stage) -> list[psutil.Process]:
    """The server's processes that serve the hub."""
    found = []
    for pid in queries.backends(stage.cluster.admin_url, embedded.ROLE, DRILL):
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def restart_fast(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """An administrator restarts PostgreSQL: transactions under way are undone, connections end."""
    return _restart(stage, "fast")


def restart_immediate(stage: Stage, chance: Random) -> float:  # noqa: ARG001
    """As after a crash of the server: no farewell, recovery from the log."""
    return _restart(stage, "immediate")


def _restart(stage: Stage, mode: str) -> float:
    cluster = stage.cluster
    account = cluster.account
    subprocess.run(  # noqa: S603
        [cluster.binaries / "pg_ctl", "restart", f"--mode={mode}", "--wait", "--timeout=120", "--silent", "--log=postgres.log"],
        cwd=cluster.folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", "PGDATA": str(cluster.data)},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.monotonic()
