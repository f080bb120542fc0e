"""Products that something is wrong with are marked in the list, and found together (S4.30)."""

from __future__ import annotations

from decimal import Decimal

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stallkeeper.backoffice.unit_marks import concerned, marks_of
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.models import Drift, Offer, OfferPrice
from stallkeeper.orders.models import Shortage
from stallkeeper.stock.models import Level
from tests.busy_shop import BusyShop, text

LIST = "/stock/"


def calm(busy: BusyShop) -> None:
    """Nothing is wrong with any product."""
    Offer.objects.update(refused_at=None)
    OfferPrice.objects.update(refused_at=None)
    Drift.objects.update(resolved_at=busy.now)
    Shortage.objects.update(resolved_at=busy.now)


def texts(unit: StockUnit) -> list[str]:
    return [mark.text for mark in marks_of([unit]).get(unit.pk, ())]


def test_a_refusal_marks_its_product_and_leads_to_its_offers(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        calm(busy)
        offer = Offer.objects.select_related("stock_unit").filter(price__isnull=False).earliest("pk")
        Offer.objects.filter(pk=offer.pk).update(refused_at=busy.now)
        OfferPrice.objects.filter(offer=offer).update(refused_at=busy.now)
        assert texts(offer.stock_unit) == ["2 values refused"]
        assert concerned() == ([offer.stock_unit_id], True)
    page = client.get(LIST)
    assert "1 product has a problem." in text(page)
    narrowed = client.get(f"{LIST}?problem=1")
    assert offer.stock_unit.sku in text(narrowed)
    assert "1 stock unit" in text(narrowed)
    assert f"/offers/?q={offer.stock_unit.sku}&amp;state=refused" in narrowed.content.decode()


def test_shortages_and_differences_mark_their_products_the_gravest_first(busy: BusyShop) -> None:
    with busy.shop.scope():
        short = Shortage.objects.filter(stock_unit__offers__isnull=False).select_related("stock_unit").earliest("pk")
        offer = Offer.objects.filter(stock_unit=short.stock_unit).earliest("pk")
        calm(busy)
        Shortage.objects.filter(pk=short.pk).update(resolved_at=None)
        values = {"kind": "quantity", "believed": Decimal(3), "observed": Decimal(4), "verdict": "unknown"}
        Drift.objects.create(organisation=busy.organisation, offer=offer, at=busy.now, **values)
        assert texts(short.stock_unit) == ["short in 1 order line", "1 difference on a channel"]
        assert concerned()[0] == [short.stock_unit_id]


def test_offers_that_a_channel_shows_otherwise_say_why_and_are_found(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        calm(busy)
        offer = Offer.objects.filter(channel=busy.near).earliest("pk")
        for at in (busy.now, busy.now):
            Drift.objects.create(organisation=busy.organisation, offer=offer, at=at, kind="quantity", verdict="edited_on_channel")
    assert "changed by hand on the channel" in text(client.get(f"/offers/?q={offer.sku}"))
    page = text(client.get("/offers/?state=differs"))
    assert "1 offer" in page
    assert offer.sku in page
    assert client.get("/offers/?state=differs").content.decode().count('title="It showed another value') == 1, "the same is said once"


def test_a_product_that_was_never_counted_says_so_instead_of_zero(busy: BusyShop) -> None:
    with busy.shop.scope():
        calm(busy)
        unit = StockUnit.objects.create(organisation=busy.organisation, sku="NEVER-1", title="Never counted", created_at=busy.now)
        assert texts(unit) == ["no stock figure yet"]
        Level.objects.create(organisation=busy.organisation, stock_unit=unit, location=busy.shop.place, on_hand=0)
        assert texts(unit) == []


def test_where_all_is_well_the_list_is_quiet(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        calm(busy)
    assert "has a problem" not in text(client.get(LIST))
    assert "No stock unit fits these filters." in text(client.get(f"{LIST}?problem=1"))


def test_marks_cost_the_same_for_one_product_and_for_all(busy: BusyShop) -> None:
    with busy.shop.scope():
        units = list(StockUnit.objects.order_by("pk"))
        counts = []
        for some in (units[:1], units):
            with CaptureQueriesContext(connection) as seen:
                marks_of(some)
            counts.append(len(seen))
    assert counts[0] == counts[1] == 5
