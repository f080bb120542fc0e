"""People and signing in, in Chromium: an invitation is taken up by a colleague, and the owner signs in in two steps (S5.118)."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from stallkeeper.core import clock, people
from stallkeeper.core.models import Invitation
from tests.browser.conftest import watched
from tests.busy_shop import BusyShop

TWICE = "button => { button.click(); setTimeout(() => button.click(), 40) }"
"""As an impatient person presses it: the second time while the answer is on its way."""


def code(secret: str, later: int = 0) -> str:
    """What an authenticator app shows."""
    app = TOTP(base64.b32decode(secret.replace(" ", "")), 6, SHA1(), 30)
    return app.generate(int(clock.now().timestamp()) + later).decode()


def test_a_colleague_is_invited_and_does_what_the_role_may(busy: BusyShop, screen: Page, browser: Browser, site: LiveServer) -> None:
    screen.goto("/settings/")
    screen.get_by_role("link", name="People").first.click()
    screen.get_by_label("E-mail address").fill("ware@example.com")
    screen.get_by_label("Role").select_option("warehouse")
    screen.get_by_role("button", name="Make the link").evaluate(TWICE)
    link = screen.locator("code[data-copy]").inner_text()
    with busy.shop.scope():
        assert Invitation.objects.filter(email="ware@example.com").count() == 1, "the button was pressed twice"
    with watched(browser, site) as colleague:
        colleague.goto(urlsplit(link).path)
        colleague.get_by_label("Your name").fill("Wanda Ware")
        for field in colleague.locator("input[type=password]").all():
            field.fill("a stall by the river")
        colleague.get_by_role("button", name="Join").click()
        colleague.wait_for_url("**/")
        colleague.goto("/settings/")
        expect(colleague.get_by_role("link", name="My account").first).to_be_visible()
        expect(colleague.locator("main").get_by_role("link", name="People")).to_have_count(0)
        screen.goto("/settings/people/")
        screen.get_by_role("link", name="Wanda Ware").click()
        screen.get_by_role("button", name="Switch off").click()
        screen.get_by_role("button", name="Switch off").click()
        expect(screen.get_by_text("Switched off").first).to_be_visible()
    screen.goto("/settings/audit/")
    expect(screen.locator("tbody").get_by_text("Wanda Ware").first).to_be_visible()


def test_signing_in_takes_a_code_once_two_steps_are_on(busy: BusyShop, screen: Page, browser: Browser, site: LiveServer) -> None:
    screen.goto("/settings/account/")
    screen.get_by_role("link", name="Set it up").click()
    screen.get_by_role("button", name="Set it up").click()
    expect(screen.get_by_role("img", name="QR code")).to_be_visible()
    secret = screen.locator(".sk-qr code").inner_text()
    screen.get_by_label("Code").fill(code(secret))
    screen.get_by_role("button", name="Switch on").click()
    expect(screen.locator(".sk-codes li")).to_have_count(10)
    with watched(browser, site) as other:
        other.goto(f"/sign-in/{people.sign_in_link(busy.owner)}/")
        other.wait_for_url("**/code/")
        other.goto("/orders/")
        other.wait_for_url("**/login/**")
        other.goto("/code/")
        other.locator("input[name=code]").fill(code(secret, 30))
        other.locator("input[name=code]").press("Enter")
        other.wait_for_url("**/")
        screen.goto("/settings/account/")
        screen.get_by_role("button", name="End all others").click()
        expect(screen.get_by_text("this one")).to_be_visible()
        other.goto("/orders/")
        other.wait_for_url("**/login/**")
