"""The web server: ``python -m stallkeeper.ops.web HOST PORT PROCESSES``."""

from __future__ import annotations

import sys

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from stallkeeper.ops.supervisor import leash

THREADS = 4
"""Requests at once, in each process. Screens are short, and each thread holds a database connection."""
GRACE_SECONDS = 30
"""What a process has to end by itself. One that is told while it still loads does not hear it: Granian forks it with its own deaf ears."""


def serve(host: str, port: int, processes: int = 1, application: str = "stallkeeper.wsgi:application") -> None:
    """Serve until told to end, by so many processes that share the port; one that dies is started again."""
    leash()
    Granian(
        application,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
