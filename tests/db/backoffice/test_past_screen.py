"""An offer's panel explains a past moment, both ways side by side (D1, D2)."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.test import Client
from django.urls import reverse

from stallkeeper.channels.models import Offer
from stallkeeper.core import clock
from stallkeeper.stock import ledger
from stallkeeper.stock.ledger import Target
from tests.busy_shop import BusyShop


def test_the_panel_explains_a_past_moment_and_names_what_came_late(busy: BusyShop, client: Client) -> None:
    with busy.shop.scope():
        offer = Offer.objects.filter(channel=busy.near, stock_unit__kind="single").order_by("pk").first()
    now, zone = clock.now(), ZoneInfo(busy.organisation.time_zone)
    with busy.shop.use_case() as uc:
        uc.at = now
        target = Target(offer.stock_unit_id, busy.shop.place.pk, 4321, "found")
        ledger.set_on_hand(uc, [target], reason="found under the stairs", occurred_at=now - timedelta(minutes=30))
    address = reverse("backoffice:offer", args=[offer.pk])
    asked = client.get(
        address, {"at": f"{(now - timedelta(minutes=10)).astimezone(zone):%Y-%m-%dT%H:%M:%S}"}, headers={"HX-Request": "true"}
    )
    shown = asked.content.decode()
    assert asked.status_code == 200
    assert "As believed then" in shown
    assert "found under the stairs" in shown
    assert '<strong class="sk-warn">4,321</strong>' in shown.split("As known today")[1]
    page = client.get(address).content.decode()
    assert "At a past moment" in page
    assert "As believed then" not in page
    ahead = client.get(address, {"at": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M:%S}"}).content.decode()
    assert "lies ahead" in ahead
    assert client.get(address, {"at": "yesterday"}).status_code == 200
