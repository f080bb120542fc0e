"""The first run in a browser: from a new installation's sign-in link to the first quantity that was read back on an emulated stall.

Steps and buttons are found by what they are, not by their words: it is gone through in two languages, with eMAG in English and with
Walmart in Swedish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from django.utils import translation
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from stallkeeper.backoffice.start_state import STEPS
from stallkeeper.catalog.models import ImportRun
from stallkeeper.channels.models import Channel, Lane, LaneStep
from stallkeeper.core import clock
from stallkeeper.core.models import Organisation, User
from stallkeeper.core.people import create_user, sign_in_link
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.ops import first
from stallkeeper.sync import adapters, verify
from stallkeeper.sync.runner import run_lane
from stallkit.adapters.emag import emulator as emag
from stallkit.adapters.walmart import emulator as walmart
from stallkit.testing.emulator import Emulator
from stallkit.testing.serving import Served
from tests.browser.conftest import watched

GOODS = [("MUG-RED", "Red mug", "5901234123457"), ("MUG-BLUE", "Blue mug", "4006381333931"), ("LAMP", "Lamp", "")]
BUILD: dict[str, tuple[Callable[..., Emulator], dict[str, str]]] = {
    "emag": (emag.Emulator, emag.CONFIG),
    "walmart": (walmart.Emulator, walmart.CONFIG),
}


@pytest.fixture
def installation(race_db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing in it yet; addresses on this machine may be typed, and what was accepted is read back at once."""
    own = replace(settings.ENV, keyring=tmp_path / "keyring.json", home=tmp_path, allow_private_urls=("127.0.0.1",))
    monkeypatch.setattr(settings, "ENV", own)
    monkeypatch.setattr(verify, "CONFIRM_AFTER", timedelta(0))
    cache.clear()
    adapters.forget_sessions()
    yield
    adapters.forget_sessions()


@contextmanager
def served(stall: Emulator) -> Iterator[str]:
    """The address of the stall; what called it is closed at the end."""
    with Served(stall) as there:
        yield there.url
        adapters.client(there.url).close()


@pytest.fixture
def language() -> str:
    """What the browser asks for."""
    return "en"


@pytest.fixture
def page(installation: None, site: LiveServer, browser: Browser, language: str) -> Iterator[Page]:
    with override_settings(LANGUAGES=[("en", "English"), ("sv", "Svenska")]), watched(browser, site, locale=language) as opened:
        yield opened


def sign_in(page: Page, user: User) -> None:
    page.goto(f"/sign-in/{sign_in_link(user)}/")
    page.wait_for_url("**/start/**")


@pytest.mark.long(25)
@pytest.mark.parametrize(("platform", "language"), [("emag", "en"), ("walmart", "sv")])
def test_from_the_sign_in_link_to_the_first_figure_read_back(page: Page, tmp_path: Path, platform: str, language: str) -> None:
    """S2.1-S2.4, S3.30, S3.41. In the middle the person leaves, signs in again, and is where he was."""
    owner = first.set_up()
    with ExitStack() as stack:
        build, config = BUILD[platform]
        stall = build(clock.now)
        for sku, title, gtin in [*GOODS, ("SURPRISE", "Nobody knows it", "")]:
            stall.add_offer(sku, title=title, gtin=gtin, quantity=99)
        address = stack.enter_context(served(stall))
        sign_in(page, owner)
        assert_spoken(page, language)
        company(page)
        connect(page, platform, config, address)
        goods(page, tmp_path)
        page.context.clear_cookies()
        sign_in(page, owner)
        assert here(page) == "links"
        links(page)
        rules(page)
        orders(page)
        send(page)
        assert_spoken(page, language)
        assert [stall.quantity_of(sku) for sku, *_ in GOODS] == [6, 6, 6]
        assert stall.quantity_of("SURPRISE") == 99
        page.locator("[data-next]").click()
        page.wait_for_url(lambda url: "/start" not in url)
        page.goto("/")
        assert "/start" not in page.url


def assert_spoken(page: Page, language: str) -> None:
    """The page is in this language: it says so, and the rail's steps are called as in its catalogue."""
    with translation.override(language):
        titles = [str(step.title) for step in STEPS]
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator(".sk-rail .sk-rung__text strong")).to_have_text(titles)
    assert (titles[1] == "Connect a stall") == (language == "en")


def here(page: Page) -> str:
    """The step that the page is about."""
    return str(page.locator(".sk-rail [aria-current]").locator("xpath=..").get_attribute("data-step"))


def onward(page: Page, slug: str) -> None:
    page.locator("[data-next]").click()
    page.wait_for_url(f"**/start/{slug}/**")


def company(page: Page) -> None:
    assert here(page) == "company"
    page.locator("[name=name]").fill("Ada's stalls")
    onward(page, "stall")
    assert Organisation.objects.get().name == "Ada's stalls"


def connect(page: Page, platform: str, config: dict[str, str], address: str) -> None:
    page.locator(f"[data-platform={platform}]").click()
    for name, value in config.items():
        field = page.locator(f"[name=setting_{name}]")
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator("#step details summary").click()
    page.locator("[name=base_url]").fill(address)
    page.locator("#step form button[type=submit]").click()
    page.wait_for_url("**/start/stall/**")
    expect(page.locator("[data-connected]")).to_be_visible()
    with organisation_scope(Organisation.objects.get().pk):
        channel = Channel.objects.select_related("connection").get()
        assert not channel.connection.writes_allowed
        assert not channel.orders_enabled
        assert not channel.stock_enabled
    onward(page, "products")


def goods(page: Page, folder: Path) -> None:
    files = {
        "products": "sku;title;gtin\n" + "".join(f"{';'.join(row)}\n" for row in GOODS),
        "stock": "sku;location;quantity\n" + "".join(f"{sku};MAIN;7\n" for sku, *_ in GOODS),
    }
    for kind, text in files.items():
        file = folder / f"{kind}.csv"
        file.write_text(text, encoding="utf-8")
        expect(page.locator("[name=kind]")).to_have_value(kind)
        page.locator("input[type=file]").set_input_files(file)
        page.locator("#do button[type=submit]").click()
        expect(page.locator("#import .sk-badge.sk-ok")).to_be_visible()
        page.reload()
    with organisation_scope(Organisation.objects.get().pk):
        assert not ImportRun.objects.exclude(state="done", rows_refused=0).exists()
    onward(page, "links")


def links(page: Page) -> None:
    expect(page.locator("[data-reading]")).to_be_visible()
    work()
    expect(page.locator("[data-count=certain]")).to_have_text("3")
    expect(page.locator("[data-count=new]")).to_have_text("1")
    page.locator("[name=act][value=certain]").click()
    expect(page.locator("[data-count=linked]")).to_have_text("3")
    onward(page, "rules")


def rules(page: Page) -> None:
    page.locator("[name=buffer]").fill("1")
    onward(page, "orders")


def orders(page: Page) -> None:
    page.locator("[name=answer][value=include]").check()
    page.locator("button[form=do]").click()
    expect(page.locator("[data-taking]")).to_be_visible()
    work()
    onward(page, "send")


def send(page: Page) -> None:
    """S3.41: nothing leaves before the person has seen the plan and pressed."""
    page.locator("[data-work-out]").click()
    apply = page.locator("form[action*=apply]")
    expect(apply).to_be_visible()
    expect(apply.locator("tbody td.sk-num").nth(1)).to_have_text(str(len(GOODS)))  # all fall: what the stall shows was read before
    expect(page.locator("[data-unread]")).to_have_count(0)
    if (sure := apply.locator("[name=sure]")).count():
        sure.check()
    apply.locator("button.sk-button--primary").click()
    expect(page.locator("#send-progress")).to_be_visible()
    for _round in range(60):  # as fast as the stall's limits allow
        work()
        if page.locator("[data-read-back]").count():
            break
        page.wait_for_timeout(500)
    expect(page.locator("[data-read-back]")).to_be_visible()
    onward(page, "done")
    expect(page.locator("[data-all-done='1']")).to_be_visible()


def work() -> None:
    """A run of every lane, as a worker would do it."""
    with organisation_scope(Organisation.objects.get().pk):
        lanes = list(Lane.objects.filter(enabled=True).order_by("pk"))
        LaneStep.objects.filter(step="confirm").update(not_before=None)
    for lane in lanes:
        run_lane(lane.pk, "w1")


def test_the_first_to_sign_in_makes_the_organisation(page: Page) -> None:
    """Where the installation has none yet; the page offers the browser's own time zone."""
    newcomer = create_user("ada@example.com")
    page.goto(f"/sign-in/{sign_in_link(newcomer)}/")
    page.wait_for_url("**/start/organisation/")
    page.locator("[name=name]").fill("Ada's stalls")
    page.locator("[data-next]").click()
    page.wait_for_url("**/start/stall/**")
    expect(page.locator("[data-step=company]")).to_have_attribute("data-tone", "done")
