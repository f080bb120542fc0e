"""The tab Reserves: what is reserved for whom, and correcting it (S3.52)."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.urls import reverse

from stallkeeper.channels.models import ObservedHold, Offer
from stallkeeper.core import clock
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock import holds
from stallkeeper.stock.models import Level, Reservation
from tests.busy_shop import BusyShop, text

TAB = "backoffice:reserves"


def test_reservations_of_orders_and_those_kept_by_hand_are_listed(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        reserved = Reservation.objects.select_related("stock_unit").filter(owner_type="line").order_by("-pk")[0]
        order = OrderLine.objects.select_related("order__channel").get(pk=reserved.owner_id).order
        free = Level.objects.select_related("stock_unit", "location").filter(location=busy.shop.place, on_hand__gt=20, allocated=0)[0]
    with busy.shop.use_case() as uc:
        assert holds.keep_back(uc, free.stock_unit, free.location, 3, reason="for the fair") == 3
    of_orders = text(client.get(reverse(TAB), {"of": "line", "q": order.number, "channel": order.channel_id}))
    assert order.number in of_orders
    assert reserved.stock_unit.sku in of_orders
    other = busy.far if order.channel_id == busy.near.pk else busy.near
    assert "No such reservation" in text(client.get(reverse(TAB), {"of": "line", "q": order.number, "channel": other.pk}))
    by_hand = text(client.get(reverse(TAB), {"of": "manual"}))
    assert "for the fair" in by_hand
    assert order.number not in by_hand
    assert client.get(reverse(TAB), {"of": "made-up", "channel": "x"}).status_code == 200


def test_a_reservation_is_made_smaller_with_a_reason(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        at = clock.now()
        offer = Offer.objects.filter(channel=busy.near).order_by("pk")[0]
        hold = ObservedHold.objects.create(
            organisation=busy.organisation, offer=offer, channel=busy.near, quantity=2, seen=2, seen_at=at,
            expires_at=at + timedelta(minutes=30), cause="9 -> 7",
        )  # fmt: skip
    assert 'name="keep"' in client.get(reverse(TAB)).content.decode()
    release = reverse("backoffice:release_reserve", args=[hold.pk])
    assert "whole number" in text(client.post(release, {"reason": "typed", "keep": "some"}, follow=True))
    assert "Give a reason" in text(client.post(release, {"reason": "", "keep": "1"}, follow=True))
    assert "at most 1 of its 2" in text(client.post(release, {"reason": "typed", "keep": "2"}, follow=True))
    assert "1 unit is on sale again" in text(client.post(release, {"reason": "typed", "keep": "1"}, follow=True))
    with busy.shop.scope():
        hold.refresh_from_db()
        assert (hold.quantity, hold.released, hold.reason) == (1, 1, "typed")
