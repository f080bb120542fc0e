"""Search and the palette: what is found, by whom, and that nobody finds what is another's (S5.14)."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from stallkeeper.backoffice.search import ACTIONS
from stallkeeper.catalog.models import Identifier, StockUnit
from stallkeeper.channels.listing_models import RemoteListing
from stallkeeper.channels.models import Channel, Offer
from stallkeeper.core import people
from stallkeeper.core.models import AuditEntry, Role
from stallkeeper.fulfilment.models import Shipment
from stallkeeper.orders import intake
from stallkeeper.orders.models import Order
from stallkit.types import Buyer
from tests.busy_shop import BusyShop, member, signed_in
from tests.shop import Shop, join, remote_order

pytestmark = pytest.mark.django_db


def links(client: Client, words: str, address: str = "quick") -> list[str]:
    """Where the hits for these words lead, in their order."""
    page = client.get(reverse(f"backoffice:{address}"), {"q": words}).content.decode()
    if address == "quick":
        return re.findall(r'role="option"[^>]*href="([^"]+)"', page)
    return re.findall(r'<li><a href="([^"]+)"', "".join(re.findall(r'class="sk-hits">(.*?)</ul>', page, re.DOTALL)))


def address(name: str, *args: object) -> str:
    return reverse(f"backoffice:{name}", args=args)


def test_an_order_is_found_by_the_beginning_of_its_number(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.order_by("number").first()
    assert address("order", order.pk) in links(client, order.number[:-1])
    assert links(client, order.number)[0] == address("order", order.pk)
    assert address("order", order.pk) not in links(client, order.number[1:])


def test_an_order_is_found_by_the_channels_own_number(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        order = Order.objects.first()
        Order.objects.filter(pk=order.pk).update(external_id="PO-77-ABC")
    assert address("order", order.pk) in links(client, "po-77-abc")


def test_case_does_not_matter(busy: BusyShop, client: Client) -> None:
    """Whatever the case of the SKU and of what is typed: upper, lower, or as in a title."""
    with busy.shop.scope():
        unit = StockUnit.objects.filter(title__gt="").first()
        StockUnit.objects.filter(pk=unit.pk).update(sku="MUG-RED", title="Enamel mug, red")
    for words in ("MUG-RED", "mug-red", "Mug-r", "enamel mug", "Enamel Mug, r".capitalize()):
        assert address("unit", unit.pk) in links(client, words), words


def test_a_barcode_finds_its_product_with_and_without_leading_zeros(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        found = Identifier.objects.filter(kind="gtin").first()
    for words in (found.value, found.value.lstrip("0"), found.value.zfill(14)):
        assert links(client, words)[0] == address("unit", found.stock_unit_id), words


def test_a_tracking_number_leads_to_its_order(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        shipment = Shipment.objects.exclude(tracking_number="").first()
    assert address("order", shipment.order_id) in links(client, shipment.tracking_number)
    assert address("order", shipment.order_id) in links(client, shipment.tracking_number[:6].lower())


def test_an_offer_is_found_by_its_sku_or_number_on_the_channel(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        offer = Offer.objects.first()
        Offer.objects.filter(pk=offer.pk).update(external_id="B0OFFER77")
    assert address("offer", offer.pk) in links(client, offer.sku)
    assert address("offer", offer.pk) in links(client, "b0offer77")


def test_a_listing_is_found_by_its_number(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        listing = RemoteListing.objects.first()
        RemoteListing.objects.filter(pk=listing.pk).update(external_id="B00LISTING9")
    assert any(link.startswith(address("listings")) and f"q={listing.sku}" in link for link in links(client, "b00listing9"))


def test_screens_and_things_to_do_are_found_by_their_words(client: Client) -> None:
    assert address("imports") in links(client, "import")
    assert address("account") in links(client, "my account")
    assert address("second_factor") in links(client, "two-step")
    assert address("change_password") in links(client, "your password", "search")
    assert address("reserves_start") in links(client, "reserve what")
    assert address("connect", "emag") in links(client, "connect emag")
    assert f"{address('sending')}#buffers" in links(client, "all buffers")
    assert f"{address('orders')}?due=late&amp;sort=deadline&amp;view=late" in links(client, "orders late")
    assert links(client, "")[0] == address("overview")


@pytest.mark.parametrize("role", Role)
def test_nothing_is_offered_that_the_person_may_not_open(busy: BusyShop, role: Role) -> None:
    """The walls of the screens are those of the palette."""
    client = member(busy.organisation, role)
    found = {link for words in ("", *("a", "e", "i", "o", "u")) for link in links(client, words, "search" if words else "quick")}
    assert len(found) > 10
    refused = [link for link in sorted(found) if client.get(link).status_code not in (200, 302)]
    assert refused == []


def test_who_may_not_manage_is_not_led_to_what_managers_do(busy: BusyShop) -> None:
    reader = member(busy.organisation, Role.READ_ONLY)
    assert address("reserves_start") not in links(reader, "reserve")
    assert address("channels") not in links(reader, "stop sending")
    assert links(reader, "connect emag") == [f"{address('search')}?q=connect%20emag"]


@pytest.mark.parametrize("where", ["quick", "search"])
def test_nothing_of_another_organisation_is_found(busy: BusyShop, client: Client, where: str) -> None:
    """Invariant 14: not by number, SKU, tracking number, title or name, although all of it is there."""
    other = Shop.open()
    with other.scope():
        StockUnit.objects.create(organisation=other.organisation, sku="OTHER-SKU", title="Other title", created_at=busy.now)
    stranger = people.create_user("stranger@example.com")
    join(other.organisation, stranger, Role.OWNER)
    theirs = signed_in(stranger)
    with busy.shop.scope():
        order, unit, offer = Order.objects.first(), StockUnit.objects.filter(title__gt="").first(), Offer.objects.first()
        shipment, listing = Shipment.objects.exclude(tracking_number="").first(), RemoteListing.objects.first()
        channel = Channel.objects.first()
    hits = (order.number, unit.sku, unit.title, offer.sku, shipment.tracking_number, listing.sku, channel.name)
    for words in hits:
        own, foreign = links(client, words, where), links(theirs, words, where)
        assert len(own) > len(foreign), words
        assert [link for link in foreign if re.search(r"/\d+/|listings", link)] == [], words
    assert [link for link in links(client, "OTHER", where) if "/stock/" in link] == []
    assert [link for link in links(theirs, "OTHER", where) if "/stock/" in link] != []


def test_a_look_costs_the_same_however_much_is_found(busy: BusyShop, client: Client) -> None:
    def statements(words: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            client.get(reverse("backoffice:quick"), {"q": words})
        return len(counted)

    with busy.shop.scope():
        order = Order.objects.first().number
    statements(order)  # what is cached for a while
    assert abs(statements(order) - statements("zzzz")) <= 6  # rows of a kind are fetched only where some were found
    assert statements(order) < 40


def test_words_that_are_no_search_are_answered_all_the_same(client: Client) -> None:
    for words in ("", " ", "a", "%", "_", "\\", "'", "x" * 300, "🙂", "\U0010ffff", "<b>"):
        response = client.get(reverse("backoffice:search"), {"q": words})
        assert response.status_code == 200
        assert b"<b>" not in response.content


def test_every_thing_to_do_has_a_page_that_opens(client: Client) -> None:
    for act in ACTIONS:
        page = client.get(act.link)
        assert page.status_code in (200, 302), act.link
        assert not act.part or f'id="{act.part[1:]}"'.encode() in page.content


def buyers(client: Client, words: str) -> list[str]:
    """Orders that the search for a buyer leads to."""
    page = client.post(reverse("backoffice:search_buyers"), {"q": words}).content.decode()
    return re.findall(r'<li><a href="([^"]+)"', "".join(re.findall(r'class="sk-hits">(.*?)</ul>', page, re.DOTALL)))


def bought_by(busy: BusyShop, buyer: Buyer) -> int:
    """The key of a new order of this buyer."""
    with busy.shop.scope():
        sku = Offer.objects.filter(channel=busy.near).first().sku
    with busy.shop.use_case() as uc:
        intake.accept(uc, busy.near.connection_id, [remote_order("B-1", [(sku, 1)], at=busy.now, buyer=buyer)], busy.now)
    with busy.shop.scope():
        return Order.objects.get(external_id="B-1").pk


def test_orders_of_a_buyer_are_found_by_whole_words_and_the_search_is_recorded(busy: BusyShop, client: Client) -> None:
    """C27, S5.14: not by parts, not in the look that every letter makes, and never without an entry, which does not hold the name."""
    order = bought_by(busy, Buyer(name="Ștefan Ionescu-Popa", email="S.Ionescu@Example.com", company="Popa & Fiii"))
    with busy.shop.scope():
        entries = AuditEntry.objects.filter(action="search.personal_data")
        for words in ("stefan", "POPA ionescu", "ştefan popa", "s.ionescu@example.com", "fiii"):
            assert buyers(client, words) == [address("order", order)], words
        assert entries.count() == 5
        assert all(entry.detail["found"] == [order] and "opa" not in str(entry.detail) for entry in entries.all())
        for words in ("stef", "Ștefan Other", "", "@", "ionescu@example.com"):
            assert buyers(client, words) == [], words
        links(client, "Ionescu")
        links(client, "Ionescu", "search")
        assert entries.count() == 10


def test_a_buyer_with_a_long_name_is_found_by_the_e_mail_address(busy: BusyShop, client: Client) -> None:
    many = " ".join(f"word{number}" for number in range(20))
    order = bought_by(busy, Buyer(name="Ileana Canary", company=many, email="canary@example.com"))
    for words in ("canary@example.com", "ileana word3"):
        assert buyers(client, words) == [address("order", order)], words


def test_a_buyer_is_looked_for_only_by_those_who_may_see_one(busy: BusyShop) -> None:
    bought_by(busy, Buyer(name="Ileana Canary"))
    reader = member(busy.organisation, Role.READ_ONLY)
    assert reader.post(reverse("backoffice:search_buyers"), {"q": "Canary"}).status_code == 403
    assert "person_search" not in reader.get(reverse("backoffice:quick"), {"q": "Canary"}).content.decode()
    assert "person_search" in member(busy.organisation, Role.WAREHOUSE).get(reverse("backoffice:quick"), {"q": "Canary"}).content.decode()


def test_nobodys_buyer_is_found_from_another_organisation(busy: BusyShop) -> None:
    bought_by(busy, Buyer(name="Ileana Canary"))
    other = Shop.open()
    stranger = people.create_user("stranger@example.com")
    join(other.organisation, stranger, Role.OWNER)
    assert buyers(signed_in(stranger), "Canary") == []
