"""A source of stock in a real browser: a file is looked at, its columns are said, and it is brought in."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from stallkeeper.catalog.models import StockUnit
from stallkeeper.stock.models import Level
from tests.busy_shop import BusyShop


def test_a_file_is_looked_at_mapped_and_brought_in(busy: BusyShop, screen: Page) -> None:
    with busy.shop.scope():
        unit = StockUnit.objects.filter(kind="single").order_by("pk")[0]
    body = f"Артикул;Остаток\n{unit.sku};7\nNOBODY;3\n".encode()
    file = {"name": "stock.csv", "mimeType": "text/csv", "buffer": body}
    screen.goto("/sources/")
    screen.get_by_role("link", name="A file that people upload").click()
    screen.locator("#id_name").fill("Counted by hand")
    screen.get_by_role("button", name="Save", exact=True).click()
    expect(screen.get_by_text("Counted by hand is there.")).to_be_visible()
    screen.locator("input[type=file]").set_input_files(file)
    screen.get_by_role("button", name="Look at a file").click()
    expect(screen.get_by_role("cell", name=unit.sku, exact=True)).to_be_visible()
    expect(screen.locator("#id_column_quantity")).to_have_value("Остаток")
    screen.get_by_role("button", name="Save", exact=True).click()
    screen.locator("input[type=file]").set_input_files(file)
    screen.get_by_role("button", name="Upload", exact=True).click()
    expect(screen.get_by_text("The file is being read")).to_be_visible()
    for _ in range(40):
        screen.reload()
        if screen.get_by_text("done", exact=True).count():
            break
        screen.wait_for_timeout(250)
    screen.locator("section").filter(has_text="Runs").get_by_role("link").first.click()
    expect(screen.get_by_text("NOBODY is not known")).to_be_visible()
    with busy.shop.scope():
        assert Level.objects.get(stock_unit_id=unit.pk, location=busy.shop.place).on_hand == 7
