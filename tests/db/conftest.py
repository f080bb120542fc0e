"""A toy market and a stall on it, for the tests of what is sent and read; a busy shop, for those of screens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings as installed
from django.core.cache import cache

from tests.busy_shop import BusyShop, open_busy_shop
from tests.market import Market, Stall, open_market
from tests.undone import undone

KEYRING = "keyring.json"


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch):
    with open_market(monkeypatch) as opened:
        yield opened


@pytest.fixture
def stall(market: Market) -> Stall:
    return market.stall()


@pytest.fixture(scope="module")
def _kept_shop(django_db_setup: None, django_db_blocker, tmp_path_factory) -> Iterator[tuple[BusyShop, Path]]:
    """Opened once for a module, in a transaction that is never committed; and the folder of its keyring."""
    folder = tmp_path_factory.mktemp("kept")
    with django_db_blocker.unblock(), undone():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(installed, "ENV", replace(installed.ENV, keyring=folder / KEYRING))
            shop = open_busy_shop(units=36, orders=22)
        yield shop, folder


@pytest.fixture
def busy(_kept_shop: tuple[BusyShop, Path], settings, tmp_path) -> BusyShop:
    """A busy shop with a keyring of its own. What a test changes is taken back; nothing of the test before is remembered."""
    shop, folder = _kept_shop
    cache.clear()
    shutil.copy(folder / KEYRING, tmp_path)
    settings.ENV = replace(settings.ENV, keyring=tmp_path / KEYRING)
    return deepcopy(shop)
