"""Log fields that hold for a while, and the formatter behind Django's LOGGING.

Modules log as ever: ``log.info("orders taken in", extra={"new": 3})``. ``bound`` adds fields to every line inside of it, whoever writes
it. What a line looks like, and what must never stand in one, is in ``log_lines``; that module, and structlog with it, is loaded with the
first line, so that commands that have nothing to say do not pay for it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_bound: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=MappingProxyType({}))


def fields() -> Mapping[str, object]:
    """What every line written now carries."""
    return _bound.get()


@contextmanager
def bound(**more: object) -> Iterator[None]:
    """Every line written inside carries these fields as well."""
    token = _bound.set({**_bound.get(), **more})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**more: object) -> None:
    """The same for the rest of this context."""
    _bound.set({**_bound.get(), **more})


class Formatter(logging.Formatter):
    """A line per record, JSON or plain. ``form``: JSON, PLAIN, or AUTO (plain on a terminal)."""

    def __init__(self, form: str = "AUTO") -> None:
        super().__init__()
        self.form = form
        self._inner: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._inner is None:
            from stallkeeper.core import log_lines

            terminal = sys.stderr.isatty()
            as_json = self.form == "JSON" or (self.form == "AUTO" and not terminal)
            self._inner = log_lines.formatter(as_json=as_json, colours=terminal)
        return self._inner.format(record)
