"""Orders in a real browser: five are shipped with tracking numbers from a spreadsheet, and the stall has them."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Connection, Lane, LaneKind, LaneStep
from stallkeeper.core import clock
from stallkeeper.orders.models import Order
from stallkeeper.sync import adapters
from stallkeeper.sync.runner import run_lane
from stallkit.adapters.dummy.emulator import CONFIG, Emulator
from stallkit.testing.serving import EmulatorTransport
from tests.busy_shop import BusyShop

PASTE = """(field, text) => {
    const data = new DataTransfer();
    data.setData("text", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
"""As a spreadsheet's column comes from the clipboard, which a browser without a screen has not."""

ORDER = re.compile(r"/orders/[0-9]+/")


@pytest.fixture
def stall(busy: BusyShop, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An emulated market with five orders, which have come in."""
    emulator = Emulator(clock.now)
    adapters.forget_sessions()
    monkeypatch.setattr(adapters, "client", lambda _base_url: httpx.Client(transport=EmulatorTransport(emulator)))
    channel = busy.shop.channel(code="MKT", acknowledge_enabled=True)
    with busy.shop.scope():
        Connection.objects.filter(pk=channel.connection_id).update(base_url="http://market.test", config=dict(CONFIG), name="Market")
        type(channel).objects.filter(pk=channel.pk).update(name="Market", cutover_at=clock.now() - timedelta(days=1))
        unit = StockUnit.objects.filter(kind="single").order_by("pk")[0]
    busy.shop.at = clock.now()
    busy.shop.stock(unit, 50)
    emulator.add_offer(unit.sku, quantity=50)
    busy.shop.offer(channel, unit)
    for _ in range(5):
        emulator.place_order([(unit.sku, 1)])
    work(busy, channel.connection_id)
    return emulator


def work(busy: BusyShop, connection_id: int) -> None:
    """A run of the trade lane, as a worker would do it."""
    with busy.shop.scope():
        lane = Lane.objects.get(subject_id=connection_id, kind=LaneKind.TRADE)
        LaneStep.objects.filter(lane=lane).update(not_before=None)
    run_lane(lane.pk, "w1")


def test_five_orders_leave_with_pasted_tracking_numbers(busy: BusyShop, stall: Emulator, screen: Page) -> None:
    with busy.shop.scope():
        orders = list(Order.objects.filter(channel__code="MKT"))
    assert len(orders) == 5
    screen.goto("/orders/")
    screen.locator("select[name=channel]").select_option(label="Market")
    expect(screen.get_by_text("5 orders")).to_be_visible()
    screen.get_by_label("Choose all on this page").check()
    screen.get_by_role("button", name="Ship…").click()
    screen.get_by_label("Carrier", exact=True).fill("UPS")
    fields = screen.get_by_label("Tracking number of order")
    expect(fields).to_have_count(5)
    fields.first.evaluate(PASTE, "1Z01\r\n1Z02\r\n1Z03\r\n1Z04\r\n1Z05\r\n")
    expect(fields.last).to_have_value("1Z05")
    fields.first.fill("")
    fields.first.press_sequentially("1Z01\n1Z02\n")  # from a scanner
    expect(fields.nth(2)).to_be_focused()
    expect(fields.nth(1)).to_have_value("1Z02")
    numbers = screen.locator("#sheet tbody tr td:first-child").all_inner_texts()
    fields.first.evaluate(PASTE, "".join(f"{number.strip()}\t1Z0{at}\r\n" for at, number in enumerate(reversed(numbers), 1)))
    expect(fields.last).to_have_value("1Z01")
    expect(fields.first).to_have_value("1Z05")
    screen.get_by_role("button", name="Goods have left").click()
    expect(screen.get_by_text("5 done, 0 not")).to_be_visible()
    for _ in range(3):
        work(busy, orders[0].connection_id)
    there = [line.tracking_number for order in stall.orders.values() for line in order.lines]
    assert sorted(there) == ["1Z01", "1Z02", "1Z03", "1Z04", "1Z05"]


def test_from_a_view_to_an_order_and_on_by_keys(screen: Page) -> None:
    """p and n lead through the view; the panel to ship opens by its button; a note stays."""
    screen.goto("/orders/?needs=acknowledge&sort=oldest&view=acknowledge")
    screen.locator("tbody a.sk-link").nth(1).click()
    screen.wait_for_url(ORDER)  # a key that is pressed while the page still comes goes to the list that is left
    second = screen.url
    screen.keyboard.press("n")
    screen.wait_for_url(lambda url: url != second)
    screen.keyboard.press("p")
    screen.wait_for_url(second)
    expect(screen.locator("#ship")).to_be_hidden()
    screen.get_by_text("Ship…", exact=True).click()
    expect(screen.locator("#ship").get_by_label("Carrier")).to_be_visible()
    screen.get_by_text("Ship…", exact=True).dblclick()  # nothing moves under the pointer: the second click undoes the first
    expect(screen.locator("#cancel")).to_be_hidden()
    expect(screen.locator("#ship").get_by_label("Carrier")).to_be_visible()
    screen.get_by_label("New note").fill("Gift wrap, please.")
    screen.get_by_role("button", name="Add note").click()
    expect(screen.get_by_text("Gift wrap, please.")).to_be_visible()
    assert "view=acknowledge" in screen.url
