"""The bell in Chromium: opened and worked with the keyboard, renewed without losing the place, what is new is said (S3.38, S3.39)."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from stallkeeper.channels import send_tasks
from stallkeeper.channels.models import Offer
from stallkeeper.core import notify
from stallkeeper.core.models import Notification, Severity
from stallkeeper.core.use_case import use_case
from tests.busy_shop import BusyShop

FOCUSED = "document.activeElement.dataset.bell || document.activeElement.id"


def say(busy: BusyShop, key: str, title: str) -> int:
    with use_case("test.notify", organisation_id=busy.organisation.pk) as uc:
        notify.raise_(uc, key, Severity.WARNING, title)
        return Notification.objects.get(key=key, resolved_at=None).pk


def renew(screen: Page) -> None:
    """What the clock does each minute."""
    with screen.expect_response("**/bell/"):
        screen.evaluate("htmx.ajax('GET', '/bell/', '#bell-list')")


def test_the_bell_is_worked_with_the_keyboard_and_keeps_its_place(busy: BusyShop, screen: Page) -> None:
    with busy.shop.scope():
        Notification.objects.all().delete()
    first, second = say(busy, "connection:1:expiry", "One ends soon"), say(busy, "connection:2:expiry", "Two ends soon")
    with use_case("test.send", organisation_id=busy.organisation.pk, actor=busy.owner.actor) as uc:
        task = send_tasks.send_chosen(uc, [Offer.objects.filter(channel=busy.near).earliest("pk").pk])
    screen.goto("/orders/")
    screen.focus("#bell")
    screen.keyboard.press("Enter")
    bell = screen.locator("#bell-list")
    expect(bell.get_by_text(f"Send {task.pk}", exact=True)).to_be_visible()
    screen.get_by_role("button", name="One ends soon: seen").focus()
    third = say(busy, "connection:3:expiry", "Three ends soon")
    renew(screen)
    expect(screen.locator("#bell-said")).to_have_text("New: Three ends soon")
    assert screen.evaluate(FOCUSED) == f"seen-{first}", "what renews itself does not take the focus away"
    screen.keyboard.press("Enter")
    expect(bell.get_by_text("One ends soon")).to_have_count(0)
    assert screen.evaluate(FOCUSED) == "bell", "what had the focus is gone: it goes to the bell, not to the top of the page"
    expect(bell.get_by_text("Two ends soon")).to_be_visible()
    screen.keyboard.press("Escape")
    expect(bell).to_be_hidden()
    screen.click("#bell")
    screen.get_by_role("button", name="All seen").click()
    expect(bell.get_by_text("Nothing new.")).to_be_visible()
    with busy.shop.scope():
        assert not Notification.objects.filter(pk__in=[first, second, third], seen_at=None).exists()
    screen.get_by_role("link", name=f"Details of Send {task.pk}").click()
    screen.wait_for_url(f"**/sending/tasks/{task.pk}/")
