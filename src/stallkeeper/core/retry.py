"""Deadlocks and serialisation failures are the database's way of saying "again, please": the whole use case runs again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure

from stallkeeper.core import figures

P = ParamSpec("P")
R = TypeVar("R")
TIMES = 5


def again_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
    """Run a use case up to five times while the database reports a conflict with another one. It must open its own transaction."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TIMES + 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                conflict = isinstance(error.__cause__, DeadlockDetected | SerializationFailure)
                if not conflict or attempt == TIMES or connection.in_atomic_block:
                    raise
                figures.CONFLICTS.add()
        raise AssertionError("not reached")

    return run
