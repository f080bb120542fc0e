"""Finding things by the keyboard alone: the palette, the keys, the side bar that folds."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from stallkeeper.catalog.models import Identifier, StockUnit
from stallkeeper.orders.models import Order
from tests.busy_shop import BusyShop


def test_the_palette_leads_anywhere(busy: BusyShop, screen: Page) -> None:
    """Ctrl+K, a few letters, arrows, Enter; Escape gives the screen back."""
    with busy.shop.scope():
        order = Order.objects.order_by("number").last()
    screen.goto("/stock/")
    screen.keyboard.press("Control+k")
    options = screen.locator("#palette").get_by_role("option")
    expect(options.first).to_contain_text("Today")
    screen.keyboard.type(order.number[:-1])
    expect(screen.get_by_role("group", name="Orders").get_by_role("option").first).to_be_visible()
    expect(screen.locator("[role=option][aria-selected=true]")).to_have_count(1)
    screen.keyboard.press("Escape")
    expect(screen.get_by_role("combobox", name="Search and go to")).to_be_hidden()
    screen.keyboard.press("Control+k")
    screen.keyboard.type("sending")
    expect(options.first).to_contain_text("Sending")
    screen.keyboard.press("ArrowDown")
    screen.keyboard.press("ArrowUp")
    screen.keyboard.press("Enter")
    screen.wait_for_url("**/sending/")


def test_a_scanner_need_not_wait_for_the_answer(busy: BusyShop, screen: Page) -> None:
    """It types a code and Enter within milliseconds: what opens is what was scanned, not what was shown before."""
    with busy.shop.scope():
        code = Identifier.objects.filter(kind="gtin").last()
        unit = StockUnit.objects.get(pk=code.stock_unit_id)
    screen.goto("/orders/")
    screen.keyboard.press("Control+k")
    screen.keyboard.type(f"{code.value}\n", delay=2)
    screen.wait_for_url(f"**/stock/{unit.pk}/")
