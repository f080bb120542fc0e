"""What one company finds, takes away and is told holds nothing of another; nor does what somebody sees who works for both."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from stallkeeper.backoffice import exports, tasks
from stallkeeper.backoffice.problems import counted
from stallkeeper.catalog.models import Identifier, StockUnit
from stallkeeper.channels.models import Offer, RemoteListing
from stallkeeper.core import notify, targets
from stallkeeper.core.models import FileExport, NoticeMessage, NoticeTarget, Role, Severity, User
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders.models import Order
from stallkeeper.sync import telling
from tests.busy_shop import BusyShop, signed_in
from tests.db.security.walk import every_address
from tests.db.tenancy.furnished import BUYER, FIRM, Neighbours, leaks
from tests.shop import join


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def words(busy: BusyShop) -> dict[str, str]:
    """Something to look for of each kind that the search knows. One barcode gets digits again: a canary is no barcode."""
    with busy.shop.scope():
        barcode = Identifier.objects.filter(kind="gtin").order_by("pk")[0]
        Identifier.objects.filter(pk=barcode.pk).update(value="5940000999995")
        return {
            "number of an order": Order.objects.order_by("-number")[0].number,
            "the channel's number of an order": Order.objects.order_by("pk")[0].external_id,
            "tracking number": Shipment.objects.exclude(tracking_number="").order_by("pk")[0].tracking_number,
            "SKU": "THEIRS-1",
            "GTIN": "5940000999995",
            "title": StockUnit.objects.filter(kind="single").order_by("pk")[0].title,
            "SKU on a channel": Offer.objects.order_by("pk")[0].sku,
            "listing": RemoteListing.objects.order_by("pk")[0].sku,
            "channel": busy.near.code,
        }


def hits(client: Client, address: str, sought: str) -> set[str]:
    """Where the hits lead. Pages of one row only: a list says with its ``q`` what was typed."""
    page = client.get(address, {"q": sought}).content.decode()
    return set(re.findall(r'href="(/(?:orders|stock|offers|listings|channels)/\d+/)', page))


@pytest.mark.parametrize("address", ["/search/", "/search/quick/"])
def test_a_search_finds_what_is_ones_own(neighbours: Neighbours, address: str) -> None:
    """By whatever the other company could be found: it finds it, and we do not."""
    ours, theirs = signed_in(neighbours.ours.owner), signed_in(neighbours.theirs.owner)
    sought = words(neighbours.theirs)
    found = {kind: hits(theirs, address, word) for kind, word in sought.items() if kind != "listing"}
    assert {kind for kind, links in found.items() if not links} == set()
    assert {kind: hits(ours, address, word) & found.get(kind, set()) for kind, word in sought.items()} == {kind: set() for kind in sought}
    shown = {kind: leaks(ours.get(address, {"q": word})) - leaks_of_words(word) for kind, word in sought.items()}
    assert shown == {kind: set() for kind in sought}


def leaks_of_words(typed: str) -> set[str]:
    """Canaries in what was typed: the page says what was looked for."""
    return set(re.findall(r"kw\d+[a-z_]+kw", typed))


def test_buyers_are_found_by_those_who_sold_to_them(neighbours: Neighbours) -> None:
    asked = {"q": BUYER}
    theirs = signed_in(neighbours.theirs.owner).post("/search/buyers/", asked).content.decode()
    ours = signed_in(neighbours.ours.owner).post("/search/buyers/", asked).content.decode()
    assert re.findall(r'href="(/orders/\d+/)', theirs)
    assert re.findall(r'href="(/orders/\d+/)', ours) == []


def test_a_worker_makes_a_file_of_whose_it_is(neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that names the wrong company makes nothing; each file holds one company's rows, and is handed to nobody else."""
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    asked: dict[int, FileExport] = {}
    for busy in (neighbours.ours, neighbours.theirs):
        signed_in(busy.owner).post(reverse("backoffice:export", args=["orders"]), {"form": "csv", "filters": ""})
        with busy.shop.scope():
            asked[busy.organisation.pk] = FileExport.objects.latest("pk")
    own, other = (asked[busy.organisation.pk] for busy in (neighbours.ours, neighbours.theirs))
    tasks.export(neighbours.ours.organisation.pk, other.pk)
    with neighbours.theirs.shop.scope():
        other.refresh_from_db()
        assert (other.state, other.tries) == ("waiting", 0)
    for busy in (neighbours.ours, neighbours.theirs):
        tasks.export(busy.organisation.pk, asked[busy.organisation.pk].pk)
    ours, theirs = (f"/exports/{each.pk}/file/" for each in (own, other))
    assert leaks(signed_in(neighbours.ours.owner).get(ours)) == set()
    assert leaks(signed_in(neighbours.theirs.owner).get(theirs)) != set()
    assert signed_in(neighbours.ours.owner).get(theirs).status_code == 404


def say(busy: BusyShop, key: str) -> None:
    with busy.shop.use_case("test.notify") as uc:
        notify.raise_(uc, key, Severity.ERROR, f"{key} kw0toldkw", "kw0toldkw")


def test_what_goes_wrong_with_one_is_no_news_to_another(neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither on the bell, nor on the board, nor told to a target, though both have one for everything."""
    told: list[str] = []
    monkeypatch.setattr(telling.send, "send", lambda _way, address, *_rest: told.append(address["to"]))
    monkeypatch.setattr(telling.waiting, "watch", lambda _organisation: None)
    for busy in (neighbours.ours, neighbours.theirs):
        with busy.shop.use_case("test.target") as uc:
            to = {"to": f"{busy.owner.pk}@example.com"}
            targets.add(uc, "email", to, to["to"], {"name": f"all of {busy.owner.pk}", "gather_minutes": 0})
        telling.tell_organisation(busy.organisation.pk)  # what was wrong before
    ours = signed_in(neighbours.ours.owner)
    with neighbours.ours.shop.scope():
        before = counted(neighbours.ours.organisation.pk), NoticeMessage.objects.count()
    told.clear()
    for number in range(3):
        say(neighbours.theirs, f"connection:{number}:silent")
    for busy in (neighbours.ours, neighbours.theirs):
        telling.tell_organisation(busy.organisation.pk)
    assert set(told) >= {f"{neighbours.theirs.owner.pk}@example.com"}
    assert not {to for to in told if to in (f"{neighbours.ours.owner.pk}@example.com", "ours@example.com")}
    with neighbours.ours.shop.scope():
        assert (counted(neighbours.ours.organisation.pk), NoticeMessage.objects.count()) == before
        assert set(NoticeTarget.objects.values_list("organisation", flat=True)) == {neighbours.ours.organisation.pk}
    assert {found for path in ("/", "/problems/", "/live/") for found in leaks(ours.get(path))} == set()
    assert "kw0toldkw" in leaks(signed_in(neighbours.theirs.owner).get("/problems/"))


def test_who_works_for_both_sees_one_at_a_time(neighbours: Neighbours) -> None:
    """Nothing is remembered from the pages of the other; only its name stands in the list to choose from."""
    both = User.objects.create_user("both@example.com")
    for busy in (neighbours.ours, neighbours.theirs):
        join(busy.organisation, both, Role.OWNER)
    client = signed_in(both)
    pages = [address.path for address in every_address(neighbours.ours) if "<" not in address.route and address.route != "logout/"]

    def seen(busy: BusyShop) -> set[str]:
        client.post("/organisation/", {"organisation": busy.organisation.pk})
        return {found for path in pages for found in leaks(client.get(path))} - {FIRM}

    assert len(seen(neighbours.theirs)) > 10
    assert seen(neighbours.ours) == set()
