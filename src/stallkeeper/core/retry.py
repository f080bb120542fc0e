"""Deadlocks and serialisation failures are the database's way of saying "again, please": the whole use case runs again. So it does where
two wrote the one row that there may be."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation

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


def again_if_taken(constraint: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run a use case up to five times while somebody else has just written the one row that this unique constraint allows: the next time it
    is there to be seen. It must open its own transaction."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for attempt in range(1, TIMES + 1):
                try:
                    return function(*args, **kwargs)
                except IntegrityError as error:
                    cause = error.__cause__
                    taken = isinstance(cause, UniqueViolation) and cause.diag.constraint_name == constraint
                    if not taken or attempt == TIMES or connection.in_atomic_block:
                        raise
            raise AssertionError("not reached")

        return run

    return decorate
