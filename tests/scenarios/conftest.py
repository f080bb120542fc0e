"""A town to trade in. Imports stand inside: this file is read before Django is set up."""

from __future__ import annotations

import pytest


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, db: None):
    from tests.scenarios.town import open_town

    with open_town(monkeypatch) as opened:
        yield opened


@pytest.fixture
def firm(town):
    """A seller, without stalls yet."""
    return town.firm()
