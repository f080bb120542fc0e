"""An organisation and a keyring of its own for each test."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stallkeeper.core import people

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@pytest.fixture
def keyring_file(settings, tmp_path):
    file = tmp_path / "keys" / "keyring.json"
    settings.ENV = replace(settings.ENV, keyring=file)
    return file


@pytest.fixture
def organisation(keyring_file):
    return people.create_organisation("Corner Shop", "corner", at=NOON)
