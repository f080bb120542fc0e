"""Rate limits are kept, whatever pace a test system has: ``limits_scale`` means the same to the stall and to us."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from stallkeeper.__main__ import run
from stallkeeper.channels.models import RateBudget
from stallkeeper.core.models import Role, User
from stallkeeper.sync import adapters
from stallkit.adapters.emag.manifest import OTHER
from stallkit.errors import SlowDown
from tests.busy_shop import signed_in
from tests.scenarios.town import Stall, Town, assert_true
from tests.shop import Shop, join

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


def test_a_probe_is_paid_from_the_accounts_budget(town: Town, firm: Shop, settings, tmp_path) -> None:
    """However often somebody presses "Ask now", and right after connecting: eMAG answers three calls a second."""
    settings.ENV = replace(settings.ENV, keyring=tmp_path / "keyring.json")
    settings.STATIC_ROOT = tmp_path
    stall = town.stall(firm, "emag", open_=False)
    with firm.scope():
        first = RateBudget.objects.get(connection_id=stall.connection_id)
        assert (first.bucket, first.tokens, first.spent) == ("other", 1, 1)
    owner = User.objects.create_user("owner@example.com")
    join(firm.organisation, owner, Role.OWNER)
    client = signed_in(owner)
    for _ in range(8):
        client.post(reverse("backoffice:probe_now", args=[stall.connection_id]))
    assert [call.status for call in stall.emulator.calls] == [200] * 9
    with firm.scope():
        assert RateBudget.objects.get().spent == 9


def test_before_it_is_stored_an_account_is_asked_no_faster_either() -> None:
    """A test system five times as slow as the platform gives its two calls in five times the time."""
    budget = adapters.budget_beforehand({"limits_scale": "5"}, "http://127.0.0.1:9")
    for _ in range(2):
        budget.spend(OTHER)
    with pytest.raises(SlowDown) as slow:
        budget.spend(OTHER)
    assert slow.value.retry_after == pytest.approx(5 * 0.55, abs=0.1)


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
