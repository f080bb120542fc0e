"""From Today to the delay of an operation, and from there to the order that took longest."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from stallkeeper.orders import delays
from tests.busy_shop import BusyShop


def test_from_today_to_the_case_that_took_longest(busy: BusyShop, screen: Page) -> None:
    """By the keyboard alone; what renews itself keeps the focus."""
    with busy.shop.use_case("delays.measure") as uc:
        uc.at = busy.now
        delays.measure(uc, busy.now.replace(minute=0, second=0, microsecond=0) - delays.HOUR)
    link = screen.get_by_role("link", name="All delays")
    link.focus()
    with screen.expect_response(lambda response: response.url.endswith("/live/")):
        pass
    screen.wait_for_timeout(200)
    expect(link).to_be_focused()
    screen.keyboard.press("Enter")
    expect(screen.get_by_role("heading", level=1)).to_contain_text("Delays")
    screen.get_by_role("link", name="Order intake").focus()
    screen.keyboard.press("Enter")
    expect(screen.locator("svg.sk-chart")).to_have_count(2)
    expect(screen.locator("svg.sk-chart .sk-limit")).to_have_count(2)
    worst = (
        screen.get_by_role("region").or_(screen.locator("section")).filter(has_text="The ten that took longest").locator("tbody a").first
    )
    number = worst.inner_text()
    worst.click()
    expect(screen.get_by_role("heading", level=1)).to_contain_text(number)
