"""Named moments at which a process may die, freeze, or hand over to another: one at every commit, send, acknowledge and claim.

In production a point is one look at an empty list. The simulation and the race tests put a handler there: it may raise, it may look at
the database, it may let somebody else go on first. Names are listed in ``ops/simulation/points.py``; one that is not listed fails the
build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction

Handler = Callable[[str], None]
_handlers: list[Handler] = []


def point(name: str) -> None:
    """The moment ``name`` (``commit:reserve.set:before``) is here."""
    if _handlers:
        _handlers[-1](name)


@contextmanager
def around(name: str) -> Iterator[None]:
    """``name:before``, what happens inside, ``name:after``: a call to the outside, or a statement that commits by itself.

    Where it fails, the second point is not reached.
    """
    point(f"{name}:before")
    yield
    point(f"{name}:after")


@contextmanager
def committing(name: str, *, durable: bool = False) -> Iterator[None]:
    """A transaction that is no use case, with its points ``commit:<name>:before`` (inside) and ``:after``.

    Inside another transaction it is a savepoint, unless ``durable``, which then raises RuntimeError.
    """
    with transaction.atomic(durable=durable):
        yield
        point(f"commit:{name}:before")
    point(f"commit:{name}:after")


@contextmanager
def using(handler: Handler) -> Iterator[None]:
    """Call ``handler`` at every point that any thread reaches inside the block."""
    _handlers.append(handler)
    try:
        yield
    finally:
        _handlers.remove(handler)
