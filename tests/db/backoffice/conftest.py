"""The owner's client. What needs Django is imported late: pytest reads this file before Django is set up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.busy_shop import BusyShop


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path) -> None:
    """A keyring of its own (workers share the home, and each has its own database), and the folder that the static files may lie in."""
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def client(busy: BusyShop) -> Client:
    from tests.busy_shop import signed_in

    return signed_in(busy.owner)
