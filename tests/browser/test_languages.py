"""Every screen in English is what the other tests look at; here every screen in Swedish, on a tablet (issue 5, must show 1)."""

from __future__ import annotations

import pytest
from django.test.utils import override_settings
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from stallkeeper.core.people import sign_in_link
from tests.browser.conftest import watched
from tests.busy_shop import BusyShop
from tests.screens.shop import complete
from tests.screens.visits import screens

SWEDISH = [("en", "English"), ("sv", "Svenska")]
ENGLISH = ("Save", "Search", "Filter", "Channel", "Back", "Orders", "Settings", "Stock", "All problems")
"""Texts of many screens. Each of them has another word in Swedish."""
LEAVES = "[...document.querySelectorAll('body *')].filter(each => !each.children.length).map(each => each.textContent.trim())"
TABLET = {"width": 820, "height": 1100}


@pytest.mark.long(60)
def test_every_screen_in_swedish(busy: BusyShop, site: LiveServer, browser: Browser) -> None:
    """No error on any console, nothing wider than the window, and none of the words of every day in English."""
    complete(busy)
    found = []
    with override_settings(LANGUAGES=SWEDISH), watched(browser, site, locale="sv-SE") as page:
        page.set_viewport_size(TABLET)
        page.goto(f"/sign-in/{sign_in_link(busy.owner)}/")
        for visit in screens(busy, page):
            visit.go(page)
            if page.evaluate("document.documentElement.lang") != "sv":
                found.append(f"{visit.name}: not in Swedish")
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found.append(f"{visit.name}: wider than {TABLET['width']} pixels")
            said = set(
                page.evaluate("[...document.querySelectorAll('body *')].filter(e => !e.children.length).map(e => e.textContent.trim())")
            )
            found += [f"{visit.name}: {word!r} in English" for word in ENGLISH if word in said]
    assert not found, "\n".join(found)


@pytest.mark.long(20)
def test_lists_fit_a_window_of_1280_pixels_in_russian(busy: BusyShop, site: LiveServer, browser: Browser) -> None:
    """Its words are the longest: the state of an offer and what is free of a product were cut off at the right."""
    complete(busy)
    busy.owner.language = "ru"
    busy.owner.save()
    with watched(browser, site) as page:
        page.goto(f"/sign-in/{sign_in_link(busy.owner)}/")
        page.wait_for_url("**/")
        for path in ("/offers/", "/stock/", "/listings/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.lang") == "ru"
            wider = page.evaluate("[...document.querySelectorAll('.sk-scroll')].map(each => each.scrollWidth - each.clientWidth)")
            assert max(wider) <= 0, path
