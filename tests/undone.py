"""What happens inside is taken back: for what is built once and used by many tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back; use cases, which open the outermost transaction, may run inside."""
    atomic = transaction.atomic()
    atomic._from_testcase = True  # as Django's own TestCase says it
    with atomic:
        yield
        transaction.set_rollback(True)
