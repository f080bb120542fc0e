"""A channel in a real browser: rules show what they would do while somebody types."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from stallkeeper.channels.models import Channel
from tests.busy_shop import BusyShop


def test_figures_follow_the_rules_as_somebody_types(busy: BusyShop, screen: Page) -> None:
    """Ten products before and after, by what stands in the form; a mistake is said there, and nothing is saved."""
    screen.goto(f"/channels/{busy.near.pk}/rules/")
    preview = screen.locator("#rule-preview")
    expect(preview.locator("tbody tr")).to_have_count(10)
    expect(preview.locator("strong")).to_have_count(0)
    screen.get_by_label("Buffer").fill("4")
    expect(preview.locator("strong").first).to_be_visible()
    expect(preview.locator(".sk-differs", has_text="less buffer").first).to_be_visible()
    screen.get_by_label("Share in per cent").fill("500")
    expect(preview).to_contain_text("Share in per cent")
    screen.get_by_label("Share in per cent").fill("100")
    screen.get_by_placeholder("SKU, GTIN, title").fill("nothing like it")
    expect(preview).to_contain_text("No product of this channel is found by this.")
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).buffer == 1


def test_a_form_that_comes_back_leads_to_what_is_wrong(busy: BusyShop, screen: Page) -> None:
    """The last rule stands far below the fold: its message would be seen by nobody."""
    screen.goto(f"/channels/{busy.near.pk}/rules/")
    wrong = screen.locator("#id_price_drop_limit")
    wrong.evaluate("field => { field.form.noValidate = true }")  # what only the server finds
    wrong.fill("900")
    wrong.press("Enter")
    expect(screen.locator("#id_price_drop_limit[aria-invalid=true]")).to_be_focused()
    expect(wrong).to_be_in_viewport()


def test_what_was_not_answered_is_said_until_it_is(busy: BusyShop, screen: Page) -> None:
    """A preview that could not be asked for stands there as if it were of the rules that were typed."""
    page = screen.context.new_page()  # the other one fails by what the browser's console says
    page.goto(f"/channels/{busy.near.pk}/rules/")
    said, preview = page.locator("[data-unanswered]"), page.locator("#rule-preview")
    expect(preview.locator("tbody tr")).to_have_count(10)
    expect(said).to_be_hidden()
    for answer in (lambda route: route.abort(), lambda route: route.fulfill(status=500, body="no")):
        page.route("**/rules/preview/", answer)
        page.get_by_label("Buffer").fill("4")
        expect(said).to_be_in_viewport()
        page.unroute("**/rules/preview/")
        page.get_by_label("Buffer").fill("5")
        expect(said).to_be_hidden()
        page.get_by_label("Buffer").fill("1")
        expect(preview.locator("strong")).to_have_count(0)
    page.close()
