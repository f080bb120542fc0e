"""The balancer in a real browser: a channel for one of a platform's warehouses, and reservations without an order."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from stallkeeper.channels.models import Channel, Connection, ObservedHold, Offer
from stallkeeper.core import clock
from stallkeeper.sync import adapters
from stallkit.adapters.ozon.emulator import CONFIG, Emulator
from stallkit.testing.serving import EmulatorTransport
from tests.busy_shop import BusyShop


def test_a_channel_for_a_warehouse_of_the_platform(busy: BusyShop, screen: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own list is offered, without those that cannot be used; the channel begins with everything off."""
    emulator = Emulator(clock.now)
    monkeypatch.setattr(adapters, "client", lambda _base_url: httpx.Client(transport=EmulatorTransport(emulator)))
    account = busy.shop.channel("ozon", currency="RUB").connection_id
    with busy.shop.scope():
        Connection.objects.filter(pk=account).update(base_url="http://ozon.test", config=dict(CONFIG), name="My Ozon")
    screen.goto(f"/channels/connections/{account}/")
    screen.locator(f"a[href='/channels/connections/{account}/add/']").click()
    expect(screen.get_by_text("Cannot be used now:")).to_be_visible()
    offered = screen.locator("#id_warehouse option")
    offered.nth(1).wait_for(state="attached")
    wanted = offered.nth(1).get_attribute("value") or ""
    screen.locator("#id_name").fill("Ozon, second warehouse")
    screen.locator("#id_code").fill("O2")
    screen.locator("#id_warehouse").select_option(wanted)
    screen.get_by_role("button", name="Add", exact=True).click()
    expect(screen.get_by_text("Ozon, second warehouse is here, with everything switched off.")).to_be_visible()
    with busy.shop.scope():
        made = Channel.objects.get(code="O2")
    assert (made.connection_id, made.warehouse, made.stock_enabled, made.orders_enabled) == (account, wanted, False, False)


def test_the_balancer_is_switched_on_and_a_reservation_is_let_go(busy: BusyShop, screen: Page) -> None:
    with busy.shop.scope():
        offer = Offer.objects.filter(channel=busy.near).order_by("pk")[0]
        at = clock.now()
        hold = ObservedHold.objects.create(
            organisation=busy.organisation,
            offer=offer,
            channel=offer.channel,
            quantity=2,
            seen=2,
            seen_at=at,
            expires_at=at + timedelta(minutes=30),
            cause="9 -> 7",
        )
    screen.goto("/reserves/")
    screen.get_by_role("button", name="Switch on", exact=True).click()
    expect(screen.get_by_text("The balancer is on.")).to_be_visible()
    row = screen.get_by_role("row").filter(has_text="9 -> 7")
    row.get_by_text("Let go…").click()
    row.get_by_role("button", name="Let go").click()
    expect(row.locator("input[name=reason]:invalid")).to_be_visible()
    row.locator("input[name=reason]").fill("a colleague typed it")
    row.get_by_role("button", name="Let go").click()
    expect(screen.get_by_text("2 units are on sale again.")).to_be_visible()
    expect(screen.get_by_text("a colleague typed it")).to_be_visible()
    expect(screen.get_by_role("button", name="Let go")).to_have_count(0)
    with busy.shop.scope():
        assert (ObservedHold.objects.get(pk=hold.pk).released, busy.organisation.pk) == (2, hold.organisation_id)
