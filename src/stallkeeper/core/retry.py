"""Deadlocks and serialisation failures are the database's way of saying "again, please": the whole use case runs again. So it does where
two wrote the one row that there may be."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation

from stallkeeper.core import figures

P = ParamSpec("P")
R = TypeVar("R")
TIMES = 5


def again_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
    """Run a use case up to five times while the database reports a conflict with another one. It must open its own transaction."""
    return _again(function, "")


def again_if_taken(constraint: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The same, and also while somebody else has just written the one row that this unique constraint allows: the next time it is there to
    be seen."""
    return lambda function: _again(function, constraint)


def _again(function: Callable[P, R], constraint: str) -> Callable[P, R]:
    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, TIMES + 1):
            try:
                return function(*args, **kwargs)
            except DatabaseError as error:
                if not _is_conflict(error, constraint) or attempt == TIMES or connection.in_atomic_block:
                    raise
                figures.CONFLICTS.add()
        raise AssertionError("not reached")

    return run


def _is_conflict(error: DatabaseError, constraint: str) -> bool:
    cause = error.__cause__
    if isinstance(cause, UniqueViolation):
        return cause.diag.constraint_name == constraint
    return isinstance(cause, DeadlockDetected | SerializationFailure)
