"""The only place that asks what time it is. Everything else is told: a seed can replay a day exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_source: list[Callable[[], datetime]] = []


def now() -> datetime:
    """The current instant, aware, UTC."""
    return _source[-1]() if _source else datetime.now(UTC)


@contextmanager
def using(source: Callable[[], datetime]) -> Iterator[None]:
    """Take the time from ``source`` inside the block (simulation, tests)."""
    _source.append(source)
    try:
        yield
    finally:
        _source.pop()
