"""Rate limits are kept, whatever pace a test system has: ``limits_scale`` means the same to the stall and to us."""

from __future__ import annotations

import pytest

from stallkeeper.__main__ import run
from tests.scenarios.town import Stall, Town, assert_true
from tests.shop import Shop

PLATFORMS = ["dummy", "emag", "walmart"]


def trade(town: Town, firm: Shop, platform: str, scale: float, articles: int = 12) -> Stall:
    """A stall at its own pace: connected, linked, opened, filled, and eight orders."""
    units = [firm.unit(f"MUG-{number}", 40) for number in range(articles)]
    stall = town.stall(firm, platform, goods={unit.sku: 40 for unit in units}, limits_scale=scale)
    town.work(60)
    for number in range(8):
        stall.emulator.place_order([(units[number % articles].sku, 1)])
        town.work(5)
    town.stock(firm, units[0], 21)
    town.work(240)
    return stall


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_call_is_ever_too_early(town: Town, firm: Shop, platform: str, scale: float) -> None:
    stall = trade(town, firm, platform, scale)
    early = [call for call in stall.emulator.calls if call.status == 429]
    assert early == []
    assert len(stall.emulator.calls) > 15
    assert_true(stall)


def calls_at_once(town: Town, scale: float) -> int:
    """How many calls eMAG answers in one moment before it says no."""
    stall = town.stall(town.firm(), "emag", open_=False, limits_scale=scale)
    town.clock.tick(3600)
    client, count = town.client(stall.address), 0
    while client.post(f"{stall.address}/vat/read", auth=(stall.config["user"], stall.config["password"])).status_code == 200:
        count += 1
    return count


def test_the_scale_says_how_long_limits_take(town: Town) -> None:
    """0.1 is ten times faster, as the demo and its page say."""
    assert calls_at_once(town, 0.1) == 10 * calls_at_once(town, 1.0) > 0


@pytest.mark.parametrize("scale", ["0", "-1", "fast", "nan", "inf"])
def test_a_scale_that_is_none_is_refused(firm: Shop, scale: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "user=a", "--set", "password=b", "--set", f"limits_scale={scale}"]
    assert run(["connect", "emag", "--base-url", "http://127.0.0.1:9", *settings]) == 1
    assert "write a number above 0" in capsys.readouterr().err
