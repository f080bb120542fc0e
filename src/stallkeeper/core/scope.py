"""Whose rows this thread works with: one organisation's, or, by a named passage, what the passage is for. Without either: nobody's.

The value follows the context, not the connection. ``core.postgres`` tells the database before each statement whose turn it is, and
``core.walls`` builds the policies that read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import TypeAlias


class Passage(StrEnum):
    """A way over the walls. What each may see and change there stands in ``walls.GATES``; everything else stays closed to it."""

    TICK = "tick"
    """The clock runs for everybody: which lanes, marks and holds are due; a lane that is claimed names its organisation only then."""
    HOUSEKEEPING = "housekeeping"
    """What is past its date goes, whoever it belonged to."""
    CALLBACK = "callback"
    """A platform's callback names its account, a program that sends figures its source, and one that asks the API its key, by a secret
    token, not by organisation."""
    PEOPLE = "people"
    """A person signs in before it is known where he belongs, and an invitation names its organisation by a secret token; the console lists
    everybody."""
    FIGURES = "figures"
    """Figures of the whole installation, by ids, for those who operate it."""
    KEYS = "keys"
    """The keyring is one for all: a key may go when nobody's data key is wrapped by it."""


Scope: TypeAlias = int | Passage | None


class ScopeMissing(RuntimeError):
    """A tenant table was read outside of an organisation's scope: a programming error, never a user's."""


_current: ContextVar[Scope] = ContextVar("organisation", default=None)


def current() -> Scope:
    """The organisation's id, the passage, or None."""
    return _current.get()


def current_organisation() -> int:
    """Id of the organisation in scope; ScopeMissing if there is none (or a passage)."""
    scope = _current.get()
    if not isinstance(scope, int):
        raise ScopeMissing("no organisation in scope: wrap the call in organisation_scope(...)")
    return scope


@contextmanager
def organisation_scope(organisation_id: int) -> Iterator[None]:
    """Rows of this organisation, and no others, are visible inside the block, to managers and to raw SQL alike."""
    token = _current.set(int(organisation_id))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def across_organisations(passage: Passage) -> Iterator[None]:
    """Managers do not filter inside the block; the database shows what this passage is for, and no other table of an organisation."""
    token = _current.set(Passage(passage))
    try:
        yield
    finally:
        _current.reset(token)
