"""The sending table in a browser: from the settings to the plan, to the send, and back."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from stallkeeper.channels.models import Channel, SendPlan
from tests.busy_shop import BusyShop


def test_save_look_send_follow_and_undo(busy: BusyShop, screen: Page) -> None:
    """S3.34, S3.35, S3.38, S3.39: each step by its button, without a word typed but the rule."""
    screen.goto("/sending/")
    screen.locator("details.sk-card > summary").click()
    screen.locator(f"[name=c{busy.near.pk}-max_publish]").fill("2")
    screen.get_by_role("button", name="Save", exact=True).click()
    expect(screen.get_by_text("is saved and not sent")).to_be_visible()
    expect(screen.get_by_text("→ 2").first).to_be_visible()
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).max_publish is None
    screen.get_by_role("link", name="Look at it").click()
    confirm = screen.locator("[name=sure]")
    if confirm.count():
        confirm.check()
    screen.get_by_role("button", name="Send exactly this").click()
    expect(screen.get_by_text("under way").first).to_be_visible()
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).max_publish == 2
    screen.goto("/sending/tasks/")
    screen.get_by_label("Details").first.click()
    expect(screen.get_by_role("heading", name="read back")).to_be_visible()
    screen.goto("/sending/undo/")
    screen.get_by_role("button", name="Make the plan that undoes it").click()
    expect(screen.get_by_text("This undoes plan")).to_be_visible()
    screen.get_by_role("button", name="Discard").click()
    expect(screen.get_by_text("Discarded")).to_be_visible()
    with busy.shop.scope():
        assert sorted(SendPlan.objects.values_list("state", flat=True)) == ["applied", "discarded"]


def test_switching_on_leads_to_the_plan_and_stopping_is_at_once(busy: BusyShop, screen: Page) -> None:
    """S3.28-S3.30, S3.36 (ADR 0064): of the company, an account and a channel."""
    account, channel = f"/channels/connections/{busy.near.connection_id}/", f"/channels/{busy.near.pk}/"

    def send() -> None:
        expect(screen.get_by_text("This would be different:")).to_be_visible()
        if (confirm := screen.locator("[name=sure]")).count():
            confirm.check()
        screen.get_by_role("button", name="Put in force").or_(screen.get_by_role("button", name="Send exactly this")).click()
        expect(screen.get_by_text("This would be different:")).to_have_count(0)

    for page, off, on in (
        ("/channels/", "Stop everything", "Switch on…"),
        (account, "Make it read only", "Allow writing…"),
        (channel, "Send stock: switch off", "Send stock: switch on"),
    ):
        screen.goto(page)
        screen.get_by_role("button", name=off, exact=True).click()
        expect(screen.get_by_role("button", name=on, exact=True)).to_be_visible()
        screen.get_by_role("button", name=on, exact=True).click()
        send()
        screen.goto(page)
        expect(screen.get_by_role("button", name=off, exact=True)).to_be_visible()
    with busy.shop.scope():
        assert SendPlan.objects.filter(state="applied").count() == 3
