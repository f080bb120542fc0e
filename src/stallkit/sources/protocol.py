"""What a kind of source that we ask has to offer."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stallkit.sources.manifest import SourceManifest
from stallkit.sources.types import Fetched


class Source(Protocol):
    """Built from ``(config, door, clock)``: the manifest's settings by name with secrets in clear, the guarded way out, and a clock of
    aware UTC. No globals, no environment, no database."""

    MANIFEST: SourceManifest

    def fetch(self, folder: Path, seen: str) -> Fetched | None:
        """Bring the file into ``folder`` (which exists, is empty and is the caller's to remove). None if there is nothing new since the
        fingerprint ``seen`` ("" = never seen anything).

        Raises the errors of ``stallkit.errors``: TryLater (no answer, or not the file yet), SlowDown, NeedsReconnect (a person must correct
        address, account or key), Refused, Unintelligible; FileRefused for a file that is too large. Every wait has an end, and no error
        holds a secret.
        """
        ...
