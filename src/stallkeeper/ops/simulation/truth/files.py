"""A source of stock as the model sees it: what is agreed about its figures, and what its files really said, by pencil and paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Said:
    """One file. ``figures`` by SKU; ``unread``: articles whose figure is no number; ``rows``: all but the header. ``changed``: its date.

    ``whole``: it lists everything, so that what is not in it is gone where that is agreed; else it lists changes.
    """

    body: bytes
    changed: datetime
    figures: Mapping[str, int]
    unread: frozenset[str] = frozenset()
    rows: int = 0
    whole: bool = True

    @property
    def usable(self) -> bool:
        return bool(self.figures)


@dataclass
class Books:
    """What a file server has had and answered. ``said`` by the mark of a file, as the runs of its source carry it."""

    now: Said
    said: dict[str, Said] = field(default_factory=dict)
    answered_at: datetime | None = None
    """When it last answered as it should."""


@dataclass(frozen=True)
class FeedView:
    """A source of one place. Limits are per cent; ``by_file``: figures are of the file's date, not of the moment of fetching."""

    source_id: int
    place_id: int
    mode: str
    basis: str
    zero_limit: int
    change_limit: int
    least_rows: int
    limits_from: int
    silence: timedelta
    by_file: bool
    enabled_at: datetime
    books: Books
