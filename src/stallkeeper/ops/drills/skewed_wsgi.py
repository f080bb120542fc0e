"""The back office with a clock that can be set wrong (see ``skewed``)."""

from stallkeeper.ops.drills import skewed

skewed.install()

from stallkeeper.wsgi import application  # noqa: E402 - the clock first

__all__ = ["application"]
