"""A town with the real engine in it, and the model that watches."""

from __future__ import annotations

import pytest

from stallkit.testing.serving import EmulatorTransport
from tests.scenarios import town as towns


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch):
    """Without the published contracts on the wire: those are the scenarios' business."""
    monkeypatch.setattr(towns, "way_to", lambda _platform, emulator: EmulatorTransport(emulator))
    with towns.open_town(monkeypatch) as opened:
        yield opened
