"""Stock in a real browser: keeping units back in the side panel, a count from file to ledger, copying a callback address."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from stallkeeper.core import clock
from stallkeeper.stock.models import Level
from tests.busy_shop import BusyShop


def full_level(busy: BusyShop) -> Level:
    with busy.shop.scope():
        levels = Level.objects.filter(on_hand__gt=6, allocated=0, location=busy.shop.place).select_related("stock_unit")
        return levels.order_by("stock_unit_id")[0]


def test_keeping_back_fencing_and_announcing_without_leaving_the_list(busy: BusyShop, screen: Page) -> None:
    sku = full_level(busy).stock_unit.sku
    screen.goto(f"/stock/?q={sku}")
    screen.get_by_role("link", name=sku, exact=True).first.click()
    panel = screen.locator("#panel")
    panel.get_by_text("Keep units back").click()
    panel.locator("#id_hold_units").fill("2")
    panel.locator("#id_hold_reason").fill("photo shoot")
    panel.locator("#id_hold_reason").press("Enter")
    expect(panel.get_by_text("2 units are kept back")).to_be_visible()
    panel.get_by_text("Fence units for a channel").click()
    panel.locator("#id_fence_units").fill("1")
    panel.locator("#id_fence_units").press("Enter")
    expect(panel.get_by_text("1 unit is for")).to_be_visible()
    panel.get_by_text("Announce units").click()
    panel.locator("#id_incoming_units").fill("10")
    panel.locator("#id_incoming_expected_on").fill((clock.now() + timedelta(days=5)).date().isoformat())
    panel.locator("#id_incoming_units").press("Enter")
    expect(panel.get_by_text("10 units come to")).to_be_visible()
    panel.get_by_role("button", name="Lift").click()
    expect(panel.get_by_text("Nothing is kept back")).to_be_visible()
    assert "/stock/?q=" in screen.url


def test_a_count_from_the_file_to_the_ledger(busy: BusyShop, screen: Page, tmp_path: Path) -> None:
    level = full_level(busy)
    file = tmp_path / "count.csv"
    file.write_text(f"sku,counted\n{level.stock_unit.sku},99\n")
    screen.goto("/stock/")
    screen.get_by_role("link", name="Stock-taking").click()
    screen.locator("input[type=file]").set_input_files(str(file))
    screen.get_by_role("button", name="Compare").click()
    screen.get_by_role("button", name="Enter the count").click()
    expect(screen.get_by_text("1 article differed and was put right.")).to_be_visible()
    with busy.shop.scope():
        assert Level.objects.get(pk=level.pk).on_hand > 90


def test_a_callback_address_is_copied(busy: BusyShop, screen: Page) -> None:
    screen.goto(f"/channels/connections/{busy.near.connection_id}/")
    screen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    screen.get_by_role("button", name="Copy").click()
    expect(screen.get_by_role("button", name="Copied")).to_be_visible()
    assert screen.evaluate("navigator.clipboard.readText()") == screen.locator("#callback").input_value()


def test_a_place_stops_selling_after_a_look_at_what_follows(busy: BusyShop, screen: Page) -> None:
    screen.goto("/stock/")
    screen.get_by_role("link", name="Places").click()
    screen.get_by_role("link", name="MAIN", exact=True).click()
    screen.get_by_label("What lies there may be sold").uncheck()
    screen.get_by_role("button", name="Save").click()
    expect(screen.get_by_role("button", name="Send exactly this")).to_be_visible()
    busy.shop.reload(busy.shop.place)
    assert busy.shop.place.sellable
    if (confirm := screen.locator("[name=sure]")).count():
        confirm.check()
    screen.get_by_role("button", name="Send exactly this").click()
    expect(screen.get_by_text("under way").first).to_be_visible()
    busy.shop.reload(busy.shop.place)
    assert not busy.shop.place.sellable
