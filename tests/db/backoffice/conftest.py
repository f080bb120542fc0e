"""A busy shop, its owner's client, and what pages say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from tests.busy_shop import BusyShop, open_busy_shop, signed_in


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path) -> None:
    """A keyring of its own (workers share the home, and each has its own database), and the folder that the static files may lie in."""
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def busy() -> BusyShop:
    return open_busy_shop(units=36, orders=22)


@pytest.fixture
def client(busy: BusyShop) -> Client:
    return signed_in(busy.owner)
