"""Two furnished shops, built once for a module in a transaction that is never committed; each test has a savepoint of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.db.tenancy.furnished import Neighbours, open_neighbours
from tests.undone import undone


@pytest.fixture(scope="module")
def _furnished(django_db_setup: None, django_db_blocker) -> Iterator[Neighbours]:
    with django_db_blocker.unblock(), undone():
        yield open_neighbours()


@pytest.fixture
def neighbours(_furnished: Neighbours, settings, tmp_path) -> Neighbours:
    settings.STATIC_ROOT = tmp_path
    return _furnished
