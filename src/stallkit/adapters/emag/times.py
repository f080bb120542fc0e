"""eMAG's clock: texts like ``2026-03-02 10:15:31`` without a zone, taken as Europe/Bucharest (campaigns name that zone, section 4).

In the night when the clock goes back, an hour of texts comes twice. Filters therefore work on *wall* times (naive, as eMAG writes them) and
look back far enough; instants are made from texts with the rule "the latest instant that is not in the future".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Bucharest")


def wall(at: datetime) -> datetime:
    """What eMAG's clock on the wall shows at this instant, to the second, without a zone."""
    return at.astimezone(ZONE).replace(tzinfo=None, microsecond=0)


def text_of(at: datetime) -> str:
    """An instant as eMAG writes it."""
    return wall_text(wall(at))


def wall_text(at: datetime) -> str:
    """A wall time in the form of sections 5.1 and 5.4."""
    return at.strftime("%Y-%m-%d %H:%M:%S")


def read_wall(text: str | None) -> datetime | None:
    """The wall time of a text; None for nothing, ``""`` and PHP's zero date. ValueError for anything else that is not a time."""
    if not text or text.startswith("0000-00-00"):
        return None
    return datetime.fromisoformat(text)


def past_instant(text: str | None, now: datetime) -> datetime | None:
    """When something that has happened happened. Of two possible instants the later one, unless that is still to come at ``now``."""
    at = read_wall(text)
    if at is None:
        return None
    later = _instant(at, 1)
    return later if later <= now + timedelta(minutes=1) else _instant(at, 0)


def deadline(text: str | None) -> datetime | None:
    """When something is due. Of two possible instants the earlier one."""
    at = read_wall(text)
    return None if at is None else min(_instant(at, 0), _instant(at, 1))


def _instant(at: datetime, fold: int) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=ZONE, fold=fold).astimezone(UTC)
