"""How a worker process proves that it lives: the server holds a lock for it, on a connection that does nothing but tick.

The lock ends with the process, however it ends, because the kernel closes its sockets. The name of a worker that holds one carries "#":
only such a name may be judged by its lock. Without a lock (the database has just come back) the plain name is judged by silence alone.
"""

from __future__ import annotations

import os
import secrets
import socket

from django.db import connection

from stallkeeper.channels import lanes_queries

_held: list[tuple[str, object]] = []
"""The name of this process's present life, and the connection that keeps it; at most one."""


def name() -> str:
    """How this process is named on a lane."""
    return _held[-1][0] if _held else _plain()


def _plain() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def assure() -> None:
    """Hold the lock on this thread's connection. To be called every second by one thread; on a new connection it is a new life."""
    connection.ensure_connection()
    if _held and _held[-1][1] is connection.connection:
        return
    forget()
    fresh = f"{_plain()}#{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        if lanes_queries.live(cursor, fresh):
            _held.append((fresh, connection.connection))


def forget() -> None:
    """The connection is gone or about to be: claims from now on are judged by silence, until ``assure`` has a lock again."""
    _held.clear()
