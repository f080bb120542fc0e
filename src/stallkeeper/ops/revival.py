"""The embedded database is looked after while ``run`` is there: a server that died (killed, out of memory, disk full) is started again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stallkeeper import embedded
from stallkeeper.embedded_host import EmbeddedDatabaseError
from stallkeeper.ops.supervisor import say

EVERY_SECONDS, LONGEST_WAIT = 1.0, 30.0


@contextmanager
def looked_after(home: Path) -> Iterator[None]:
    """Start the server of ``home`` again whenever it has died, for as long as the block lasts; with growing waits while that fails."""
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(home, stop), name="database", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(home: Path, stop: threading.Event) -> None:
    wait = EVERY_SECONDS
    while not stop.wait(wait):
        wait = EVERY_SECONDS if _look(home) else min(wait * 2, LONGEST_WAIT)


def _look(home: Path) -> bool:
    """False if the server is down and could not be started."""
    try:
        if embedded.fallen(home):
            say("The database has ended; it is started again.")
            embedded.revive(home)
    except (EmbeddedDatabaseError, OSError) as error:  # a full disk refuses even the files of the start
        say(str(error))
        return False
    return True
