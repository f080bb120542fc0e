"""The frame of every page: the side bar by job, tabs, the bell, and the zone that times are shown in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from stallkeeper.backoffice.navigation import GROUPS, current, every_entry
from stallkeeper.backoffice.templatetags.stallkeeper import ago, when
from stallkeeper.core import people
from stallkeeper.core.models import Role
from tests.busy_shop import BusyShop, signed_in
from tests.shop import join

pytestmark = pytest.mark.django_db


class Links(HTMLParser):
    """Addresses within the element of the page that has this id, in their order, and which of them is the current one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.current: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.found.append(str(given["href"]))
            if given.get("aria-current"):
                self.current.append(str(given["href"]))


def html_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def side_bar(client: Client, address: str = "/orders/") -> Links:
    page = html_of(client, address)
    return Links(page[page.index('id="nav-sidebar"') : page.index("data-side-close")])


def test_the_side_bar_is_in_the_order_of_the_job(client: Client) -> None:
    """S5.14: what is looked at all day comes first, what is set up once comes last."""
    found = side_bar(client).found
    names = ["overview", "overview", "orders", "problem_board", "stock", "offers", "sending", "reserves", "listings", "channels", "sources"]
    wanted = [reverse(f"backoffice:{name}") for name in names]
    assert [address for address in found if address in wanted] == wanted


@pytest.mark.parametrize(
    ("address", "entry"),
    [("/", "/"), ("/orders/", "/orders/"), ("/stock/taking/", "/stock/"), ("/imports/", "/stock/"), ("/sending/tasks/", "/sending/")],
)
def test_a_screen_lights_up_its_own_entry_and_no_other(client: Client, address: str, entry: str) -> None:
    assert side_bar(client, address).current == [entry]


def test_a_tab_belongs_to_the_longest_address() -> None:
    stock = next(entry for group in GROUPS for entry in group if entry.name == "stock")
    assert current(stock.tabs, "/stock/places/5/").name == "places"
    assert current(stock.tabs, "/stock/5/").name == "stock"
    assert current(stock.tabs, "/orders/") is None


@pytest.mark.parametrize("role", Role)
def test_every_entry_that_is_shown_may_be_opened(busy: BusyShop, role: Role) -> None:
    """Nobody is led to a closed door: neither by the side bar nor by tabs."""
    member = join(busy.organisation, people.create_user(f"as-{role}@example.com"), role)
    client = signed_in(member.user)
    for entry in every_entry(member):
        assert client.get(entry.link).status_code == 200, entry.name
    assert {client.get(link).status_code for link in side_bar(client).found} == {200}


def test_letters_lead_to_one_screen_each() -> None:
    keys = [entry.key for group in GROUPS for each in group for entry in (each.tabs or (each,)) if entry.key]
    assert len(keys) == len(set(keys))


def test_the_bell_says_how_much_waits(client: Client) -> None:
    page = html_of(client, "/orders/")
    waiting = int(re.search(r'id="bell-state".*?>(\d+) problems? wait', page, re.DOTALL)[1])
    badges = [int(found) for found in re.findall(r'sk-side__count sk-bad">(\d+)<', page)]
    assert badges == [waiting]
    assert waiting > 0


def test_times_are_in_the_zone_of_the_person(busy: BusyShop, client: Client) -> None:
    """Whoever chose no zone sees times in the organisation's; the exact UTC moment is a hover away in both."""
    assert f"Times are in {busy.organisation.time_zone}." in html_of(client, "/orders/")
    busy.owner.time_zone = "Asia/Tokyo"
    busy.owner.save()
    page = html_of(client, "/orders/")
    assert "Times are in Asia/Tokyo." in page
    stamps = re.findall(r'<time datetime="([^"]+)" title="([^"]+) UTC">([^<]+)</time>', page)
    with timezone.override("Asia/Tokyo"):
        for instant, utc, shown in stamps:
            moment = datetime.fromisoformat(instant)
            assert f">{shown}<" in when(moment)
            assert utc == f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    assert len(stamps) > 50


def test_how_long_ago_says_when_exactly() -> None:
    moment = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC)
    with timezone.override("Europe/Bucharest"):
        assert 'title="4 Mar 2020 07:06:07 · 2020-03-04 05:06:07 UTC"' in ago(moment)
