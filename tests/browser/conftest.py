"""A browser, a served back office with committed rows, and an eye on the console: any error there fails the test.

What needs Django is imported late: pytest reads this file before Django is set up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

if TYPE_CHECKING:
    from tests.busy_shop import BusyShop
    from tests.conftest import Furnished

KEYRING = "keyring.json"

WIDTH, HEIGHT = 1280, 900
PATIENCE = 60_000
"""Milliseconds until what is expected must be there: several browsers may share two busy processors."""

CUT_SHORT = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx notes when a page is left while it renews itself. A request that fails is htmx:sendError or htmx:responseError beside it."""


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """The server looks there for files of the operator's own, and warns if there is no such folder."""
    from django.conf import settings

    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    # Playwright runs an event loop in this thread; Django's ORM is used from it between the steps of a test.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        launched = playwright.chromium.launch(executable_path=chromium_path, headless=True, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site() -> Iterator[LiveServer]:
    """The application, served. Not pytest-django's fixture, which empties all tables after each test: ours have a database each."""
    server = LiveServer("localhost")
    with server._live_server_modified_settings:
        yield server
    server.stop()


@pytest.fixture(scope="session")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the shop that is copied: its keyring."""
    return tmp_path_factory.mktemp("furnished")


@pytest.fixture
def busy(furnished: Furnished, _folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BusyShop]:
    """A busy shop in a database of its own, with a keyring of its own."""
    from django.conf import settings
    from django.core.cache import cache

    from tests.busy_shop import open_busy_shop

    cache.clear()
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, keyring=_folder / KEYRING, home=tmp_path))
    with furnished.copy(open_busy_shop) as shop:
        shutil.copy(_folder / KEYRING, tmp_path)
        monkeypatch.setattr(settings, "ENV", replace(settings.ENV, keyring=tmp_path / KEYRING))
        yield shop


class UnderWay:
    """Requests that the server still works on. Pages renew themselves, and a late one would meet the end of the database."""

    def __init__(self) -> None:
        self.requests: set[Request] = set()

    def begins(self, request: Request) -> None:
        self.requests.add(request)

    def ends(self, request: Request) -> None:
        self.requests.discard(request)

    def let_end(self, page: Page) -> None:
        for _ in range(100):
            if not self.requests:
                return
            page.wait_for_timeout(50)


@pytest.fixture
def screen(busy: BusyShop, site: LiveServer, browser: Browser) -> Iterator[Page]:
    """A page of the owner, signed in by a link. ``goto`` takes paths. The test fails if the console or a response reports an error."""
    from stallkeeper.core.people import sign_in_link

    with watched(browser, site) as page:
        page.goto(f"/sign-in/{sign_in_link(busy.owner)}/")
        page.wait_for_url("**/")
        yield page


@contextmanager
def watched(browser: Browser, site: LiveServer, **options: Any) -> Iterator[Page]:
    """A page that nobody has signed in on. AssertionError at the end if the console or a response reported an error."""
    context = browser.new_context(base_url=site.url, viewport={"width": WIDTH, "height": HEIGHT}, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints: list[str] = []
    under_way = UnderWay()
    page.on("request", under_way.begins)
    page.on("requestfinished", under_way.ends)
    page.on("requestfailed", under_way.ends)
    page.on("console", lambda message: _listen(complaints, message))
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    page.on("response", lambda response: _watch(complaints, response))
    yield page
    under_way.let_end(page)
    context.close()
    assert complaints == []


def _listen(complaints: list[str], message: ConsoleMessage) -> None:
    # A form that comes back with its errors answers 422, which Chromium notes on the console.
    if message.type in {"error", "warning"} and "422" not in message.text and message.text not in CUT_SHORT:
        complaints.append(f"console: {message.text}")


def _watch(complaints: list[str], response: Response) -> None:
    if response.status >= 400 and response.status != 422:
        complaints.append(f"{response.status} {response.url}")
