"""Choosing listings, and making a place, on the screens for it."""

from django.test import Client
from django.urls import reverse

from stallkeeper.channels.models import Channel, RemoteListing
from stallkeeper.stock.models import Location, LocationOwner
from tests.busy_shop import BusyShop


def test_listings_are_left_out(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        listing = RemoteListing.objects.filter(channel=busy.near, state="new").order_by("pk")[0]
    reply = client.post(reverse("backoffice:listing_action"), {"listing": [listing.pk], "action": "out"})
    assert reply.status_code == 302
    with busy.shop.scope():
        assert RemoteListing.objects.get(pk=listing.pk).state == RemoteListing.State.EXCLUDED


def test_a_place_is_made(busy: BusyShop, client: Client) -> None:
    given = {"code": "WEST", "name": "West", "owner": LocationOwner.MINE.value, "priority": "70", "sellable": "on"}
    assert client.post(reverse("backoffice:places"), given).status_code == 302
    with busy.shop.scope():
        assert Location.objects.get(code="WEST").priority == 70


def test_a_stopped_channel_is_looked_at_again(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        Channel.objects.filter(pk=busy.near.pk).update(stopped_at=busy.now, stop_reason="a test says so", stop_detail={"kind": "quantity"})
    assert client.post(reverse("backoffice:look_again", args=[busy.near.pk])).status_code == 302
    with busy.shop.scope():
        assert Channel.objects.get(pk=busy.near.pk).stopped_at is None
