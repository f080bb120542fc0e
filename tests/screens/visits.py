"""Which screens there are: every address of the URL configuration that answers GET with a whole page, and what opens on top of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.urls import get_resolver, reverse
from playwright.sync_api import APIResponse, Page, expect

from stallkeeper.channels.models import RemoteListing
from stallkeeper.orders.models import Shortage
from tests.busy_shop import BusyShop
from tests.db.security.walk import every_address
from tests.screens.shop import an_open_order

Step = Callable[[Page], None]

ELSEWHERE = {"sign_in_by_link"}
"""Leads on to a screen that is seen anyway."""
OF_THE_SITE = ("password_change_done",)
"""Screens that the admin site answers; its page to sign in is for whoever has not."""


@dataclass(frozen=True)
class Visit:
    """A screen by its name; ``step`` opens on it what is to be seen. One that is for ``strangers`` signs the page out."""

    name: str
    path: str
    step: Step | None = None
    strangers: bool = False

    def go(self, page: Page) -> None:
        """Until all that the page asks for by itself has come."""
        if self.strangers:
            page.goto("about:blank")  # a page that renews itself would lead to the sign-in by itself, at the same time
            page.context.clear_cookies()
        page.goto(self.path)
        if self.step:
            self.step(page)
        page.wait_for_function("() => document.fonts.status === 'loaded' && !document.querySelector('.htmx-request')")


class Missing(Exception):
    """Of an address nothing would be seen: there is no sample for it, or it fails. The text names it and says what to do."""


def screens(busy: BusyShop, page: Page) -> list[Visit]:
    """Each screen, then those that begin with a click, at the end what strangers see. Missing if an address leads to nothing."""
    found = _found(busy, page, lambda _route: True)
    return [*found, *_opened(found), Visit("login", reverse("admin:login"), strangers=True)]


def screens_of_nothing(busy: BusyShop, page: Page) -> list[Visit]:
    """Those whose address takes no argument: a shop that has nothing yet has them too."""
    return _found(busy, page, lambda route: "<" not in route)


def _found(busy: BusyShop, page: Page, wanted: Callable[[str], bool]) -> list[Visit]:
    samples = _samples(busy)
    ours = {name for name in get_resolver("stallkeeper.backoffice.urls").reverse_dict if isinstance(name, str)} | {*OF_THE_SITE}
    asked = [each for each in every_address(busy) if each.name in ours - ELSEWHERE and wanted(each.route)]
    paths = {each.name: (samples.get(each.name, each.path), each.route) for each in asked}
    return [Visit(name, path) for name, (path, route) in paths.items() if _is_screen(page.request.get(path, max_redirects=0), route)]


def _is_screen(answer: APIResponse, route: str) -> bool:
    """A whole page, and not a fragment, a file, or an address that only takes what a form sends."""
    if answer.status == 404:
        raise Missing(f"{route}: no sample leads to it. Say in tests/db/security/walk.py what its arguments are, and furnish such a row.")
    if answer.status >= 500:
        raise Missing(f"{route}: answers {answer.status} to {answer.url}.")
    return answer.status == 200 and "text/html" in answer.headers.get("content-type", "") and "<html" in answer.text()


def _samples(busy: BusyShop) -> dict[str, str]:
    """Where another row shows more than the first."""
    with busy.shop.scope():
        order = an_open_order().pk
        twice = Shortage.objects.filter(verdict="latency").order_by("-sold_at").select_related("line")[0].line
        listing = RemoteListing.objects.exclude(candidates=[]).values_list("pk", flat=True).order_by("pk")[0]
    return {
        "order": reverse("backoffice:order", args=[order]),
        "case": reverse("backoffice:case", args=[twice.order_id, twice.pk]),
        "choose": reverse("backoffice:choose", args=[listing]),
        "problem_list": reverse("backoffice:problem_list", args=["shortages"]),
        "add_source": reverse("backoffice:add_source", args=["url"]),
    }


def _opened(found: list[Visit]) -> Iterator[Visit]:
    """What opens on top of a screen, or behind a button of it."""
    paths = {visit.name: visit.path for visit in found}
    for name, screen, step in OPENED:
        yield Visit(name, paths[screen], step)


def _first_row(page: Page) -> None:
    page.locator("tbody a.sk-link").first.click()
    expect(page.locator("#panel h2").first).to_be_visible()


def _chosen(page: Page) -> None:
    for number in range(3):
        page.locator("[data-choose]").nth(number).check()


def _read_now(page: Page) -> None:
    _chosen(page)
    page.locator("button[name=action][value=read]").first.click()
    expect(page.locator("form [name=sure], .sk button[type=submit]").first).to_be_visible()


def _cancel(page: Page) -> None:
    page.locator("#cancel-panel > summary").click()
    page.locator("#cancel").get_by_role("button").last.click()
    page.wait_for_load_state()


def _palette(page: Page) -> None:
    page.locator("[data-palette]").click()
    page.locator("#palette [name=q]").press_sequentially("mug")
    expect(page.locator("#palette-found [role=option]").first).to_contain_text("MUG")  # what it lists before is of another question


def _keys(page: Page) -> None:
    page.locator("body").press("?")
    expect(page.locator("#keys h2")).to_be_visible()


def _bell(page: Page) -> None:
    page.locator("#bell").click()
    expect(page.locator("#bell-notices")).to_be_visible()


def _user_menu(page: Page) -> None:
    page.locator(".sk-top details > summary:not(#bell)").last.click()


def _export_menu(page: Page) -> None:
    page.locator(".sk-top details > summary:not(#bell)").first.click()


def _all_details(page: Page) -> None:
    """Whatever folds out is open."""
    page.evaluate("document.querySelectorAll('#content details, .sk details').forEach(each => { each.open = true })")


def _unfolded_panel(page: Page) -> None:
    _first_row(page)
    _all_details(page)


OPENED: tuple[tuple[str, str, Step], ...] = (
    ("palette", "stock", _palette),
    ("keys_help", "orders", _keys),
    ("user_menu", "settings", _user_menu),
    ("export_menu", "orders", _export_menu),
    ("order_unfolded", "order", _all_details),
    ("stock_unfolded", "stock", _unfolded_panel),
    ("reserves_unfolded", "reserves", _all_details),
    ("offers_panel", "offers", _first_row),
    ("stock_panel", "stock", _first_row),
    ("offers_chosen", "offers", _chosen),
    ("offers_sure", "offers", _read_now),
    ("order_cancel", "order", _cancel),
    ("bell", "orders", _bell),
)
"""(name, the screen it begins on, what opens it)."""
