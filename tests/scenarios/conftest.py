"""A town to trade in. Imports stand inside: this file is read before Django is set up."""

from __future__ import annotations

import os
from collections.abc import Iterator

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


@pytest.fixture
def server(migrated_template: str, django_db_blocker) -> Iterator[object]:
    """Where days are played: a clone of the migrated template for each."""
    from stallkeeper.ops.simulation.database import Server

    with django_db_blocker.unblock():
        yield Server(os.environ["DATABASE_URL"], migrated_template)
