"""Which outside event a piece of work goes back to: a request, a platform's callback, a command of the console, or a run that found news.

An id is born at the door and bound to whatever happens in that context. It crosses to the worker on the lane's own row
(``Lane.asked_by``): wake-ups merge, so a run serves as many ids as asked for it. A run hands on what it serves, and its own id, to the
lanes that it wakes; those hand on only their own. Otherwise two busy lanes would pass the same ids to and fro for ever.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from stallkeeper.core import logs

SECOND_HAND = "~"
"""Stands before an id that a run has handed on: whoever serves it keeps it to himself."""

_source: list[Callable[[], str]] = []
_hand_on: ContextVar[tuple[str, ...]] = ContextVar("hand_on", default=())


def new() -> str:
    """A new id: 16 hexadecimal digits."""
    return _source[-1]() if _source else secrets.token_hex(8)


@contextmanager
def using(source: Callable[[], str]) -> Iterator[None]:
    """Take ids from ``source`` inside the block (simulation, tests)."""
    _source.append(source)
    try:
        yield
    finally:
        _source.pop()


def begin() -> str:
    """Bind a new id for the rest of this context: a process that works for nobody else. Returns it."""
    begun = new()
    _hand_on.set((begun,))
    logs.bind(correlation=[begun])
    return begun


@contextmanager
def born(**fields: object) -> Iterator[str]:
    """A new id, and log fields, for what happens inside."""
    begun = new()
    token = _hand_on.set((begun,))
    try:
        with logs.bound(correlation=[begun], **fields):
            yield begun
    finally:
        _hand_on.reset(token)


@contextmanager
def serving(own: str, asked_by: Sequence[str], **fields: object) -> Iterator[None]:
    """A run with an id of its own that was asked for by these ids (as ``to_hand_on`` gave them)."""
    first_hand = [asked for asked in asked_by if not asked.startswith(SECOND_HAND)]
    token = _hand_on.set(tuple(SECOND_HAND + each for each in (own, *first_hand)))
    try:
        with logs.bound(correlation=[own, *(asked.removeprefix(SECOND_HAND) for asked in asked_by)], **fields):
            yield
    finally:
        _hand_on.reset(token)


def to_hand_on() -> tuple[str, ...]:
    """What to write on a lane that is woken from here; empty outside of any such context."""
    return _hand_on.get()
