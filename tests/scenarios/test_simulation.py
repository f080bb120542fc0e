"""Simulated trading days: a few hundred seeds without a violation, each the same when it is played again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def server(migrated_template: str, django_db_blocker) -> Iterator[object]:
    """Where days are played: a clone of the migrated template for each."""
    from stallkeeper.ops.simulation.database import Server

    with django_db_blocker.unblock():
        yield Server(urlsplit(os.environ["DATABASE_URL"]).geturl(), migrated_template)


def test_a_seed_is_the_same_day_again(server) -> None:
    from stallkeeper.ops.simulation.day import play

    first, second = play(11, server), play(11, server)
    assert first.violation is None
    assert first.trace == second.trace
