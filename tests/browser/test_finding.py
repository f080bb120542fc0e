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


def test_a_working_day_without_the_mouse(busy: BusyShop, screen: Page) -> None:
    """From screen to screen by g and a letter, through a list by j and k, a row chosen by x and opened by Enter."""
    screen.goto("/")
    for key in ("g", "f"):
        screen.keyboard.press(key)
    screen.wait_for_url("**/offers/")
    for key in ("j", "j", "j", "k"):
        screen.keyboard.press(key)
    row = screen.locator("#content tbody tr").nth(1)
    expect(row.get_by_role("link").first).to_be_focused()
    screen.keyboard.press("x")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(screen.locator("[data-chosen]").first).to_be_visible()
    screen.keyboard.press("Enter")
    expect(screen.locator("#panel h2").first).to_be_visible()
    screen.keyboard.press("Escape")
    expect(screen.locator("#panel > *")).to_have_count(0)
    expect(row.get_by_role("link").first).to_be_focused()
    screen.keyboard.press("n")
    screen.wait_for_url("**/offers/?after=*")
    screen.keyboard.press("p")
    screen.wait_for_url("**/offers/?before=*")


def test_heads_of_tables_stay_in_sight_and_cover_no_row(screen: Page) -> None:
    screen.goto("/offers/")
    head, row = screen.locator("#content thead th").nth(1), screen.locator("#content tbody tr").nth(8)
    for key in ("j",) * 30 + ("k",) * 21:
        screen.keyboard.press(key)
    expect(row.get_by_role("link").first).to_be_focused()
    assert screen.evaluate("window.scrollY") > 0
    bar, heads, rows = (each.bounding_box() for each in (screen.locator(".sk-top"), head, row))
    assert bar is not None
    assert heads is not None
    assert rows is not None
    assert (round(heads["y"]), rows["y"] >= heads["y"] + heads["height"] - 1) == (round(bar["y"] + bar["height"]), True)


def test_problems_are_walked_through_too(screen: Page) -> None:
    screen.goto("/problems/")
    for key in ("j", "j", "j", "k"):
        screen.keyboard.press(key)
    assert screen.evaluate("[...document.querySelectorAll('.sk-groups > li')].indexOf(document.activeElement.closest('li'))") == 1


def test_the_keys_can_be_read_and_switched_off(screen: Page) -> None:
    """Whoever speaks to the computer must not be carried away by single letters (WCAG 2.1.4)."""
    screen.goto("/channels/")
    screen.keyboard.press("?")
    keys = screen.get_by_role("dialog", name="Keys")
    expect(keys.get_by_role("link", name="Orders", exact=True)).to_be_visible()
    keys.get_by_role("checkbox").uncheck()
    screen.keyboard.press("Escape")
    for key in ("g", "o", "?"):
        screen.keyboard.press(key)
    screen.keyboard.press("Control+k")
    expect(screen.get_by_role("combobox", name="Search and go to")).to_be_visible()
    assert screen.url.endswith("/channels/")
    expect(keys).to_be_hidden()


def test_the_side_bar_folds_and_stays_so(screen: Page) -> None:
    """On a phone it lies over the page while it is open; on a tablet it begins as icons; elsewhere it is what it was left as."""
    screen.goto("/orders/")
    menu, word = screen.get_by_role("button", name="Menu"), screen.locator("#nav-sidebar").get_by_text("Reserves")
    expect(menu).to_have_attribute("aria-expanded", "true")
    menu.click()
    expect(menu).to_have_attribute("aria-expanded", "false")
    screen.goto("/stock/")
    assert word.evaluate("each => each.getBoundingClientRect().width") <= 1
    menu.click()
    assert word.evaluate("each => each.getBoundingClientRect().width") > 20
    screen.set_viewport_size({"width": 390, "height": 844})
    expect(word).to_be_hidden()
    menu.click()
    expect(screen.locator("#nav-sidebar nav a").first).to_be_focused()
    screen.keyboard.press("Escape")
    expect(word).to_be_hidden()
    expect(menu).to_be_focused()
