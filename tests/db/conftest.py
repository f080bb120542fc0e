"""A toy market and a stall on it, for the tests of what is sent and read."""

from __future__ import annotations

import pytest

from tests.market import Market, Stall, open_market


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch):
    with open_market(monkeypatch) as opened:
        yield opened


@pytest.fixture
def stall(market: Market) -> Stall:
    return market.stall()
