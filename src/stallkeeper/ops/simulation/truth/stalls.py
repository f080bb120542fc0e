"""A stall as the model sees it: the account in our tables, and the platform's own books behind it."""

from __future__ import annotations

from dataclasses import dataclass

from stallkit.manifest import Quirks
from stallkit.testing.emulator import Emulator


@dataclass(frozen=True)
class StallView:
    """One channel on one account. ``quirks`` are those of its manifest; ``emulator`` is asked, never changed."""

    channel_id: int
    connection_id: int
    platform: str
    quirks: Quirks
    emulator: Emulator

    @property
    def name(self) -> str:
        return f"{self.platform} (channel {self.channel_id})"
