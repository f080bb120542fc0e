"""When this installation was last backed up: a file in the data folder, touched by whatever makes the backup.

``stallkeeper backup`` touches it. Those who back up their own PostgreSQL touch it themselves, or watch their own tool instead.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

FILE = "last_backup"


def note(home: Path, at: datetime) -> None:
    """A backup that began at ``at`` is complete."""
    (home / FILE).write_text(at.isoformat() + "\n")
    os.utime(home / FILE, (at.timestamp(), at.timestamp()))


def last(home: Path) -> datetime | None:
    """When the file was last touched; None if no backup is known."""
    try:
        return datetime.fromtimestamp((home / FILE).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
