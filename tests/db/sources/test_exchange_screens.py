"""The page of an exchange with 1C, and its command (ADR 0059)."""

from __future__ import annotations

from django.urls import reverse

from stallkeeper.catalog.models import StockUnit
from stallkeeper.core.models import Role, User
from stallkeeper.orders.models import Order
from stallkeeper.stock import source_setup
from stallkeeper.stock.models import StockSource
from stallkeeper.sync.exchange import accounts, goods, sessions
from stallkeeper.sync.models import Exchange, ExchangeOrder, ExchangeParked
from stallkit.sources.commerceml.packets import Good
from stallkit.sources.commerceml.session import Kind
from tests.busy_shop import open_busy_shop, signed_in, text
from tests.shop import join


def opened(busy):
    with busy.shop.use_case("test.source") as uc:
        return source_setup.add(uc, busy.shop.place, "commerceml", {}, {}, {"name": "Our 1C", "basis": "net"})


def test_1c_is_connected_mapped_and_watched_on_one_page(settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path
    busy = open_busy_shop(units=36, orders=22)
    client, source = signed_in(busy.owner), opened(busy)
    address = reverse("backoffice:exchange", args=[source.pk])

    assert "Make the address and a password" in text(client.get(address))
    assert client.post(address, {"time_zone": "Mars/Phobos", "encoding": "utf-8"}).status_code == 422
    page = text(client.post(address, {"time_zone": "Europe/Moscow", "encoding": "utf-8", "give_orders": "on"}))
    with busy.shop.scope():
        exchange = Exchange.objects.get(source=source)
    password = page.split("shown this once")[0].split()[-1]
    assert exchange.token in client.get(address).content.decode()
    assert accounts.hash_of(password) == exchange.password_hash
    assert password not in text(client.get(address))
    assert "1C has not called yet" in page

    with busy.shop.scope():
        goods.learn(exchange, [Good(1, "g-1", "strange", "", "Гвозди 40 мм", deleted=False)])
        Exchange.objects.filter(pk=exchange.pk).update(place_names={"w1": "Склад Север", "w2": "Брак"})
        session = sessions.find(exchange, sessions.begin(exchange, Kind.SALE))
        session.failure, session.orders_given = "the words that 1C was told", 3
        session.save()
        ExchangeParked.objects.create(organisation=busy.organisation, exchange=exchange, at=busy.now, number="ТК-9", message="not from us")
        order = busy_order(busy)
        ExchangeOrder.objects.create(
            organisation=busy.organisation, exchange=exchange, order=order, confirmed_at=busy.now, heard_at=busy.now, status="Отгружен",
            shipment="РТ-5", cancelled=True,
        )  # fmt: skip
        place = busy.shop.place.code
    page = text(client.get(address))
    for shown in ("Гвозди 40 мм", "Склад Север", "the words that 1C was told", "ТК-9", "not from us"):
        assert shown in page
    assert "Отгружен" in text(client.get(reverse("backoffice:order", args=[order.pk])))

    client.post(reverse("backoffice:exchange_places", args=[source.pk]), {"place_w1": place, "place_w2": "-"})
    with busy.shop.scope():
        assert StockSource.objects.get(pk=source.pk).places == {"w1": place, "w2": None}
    sku = "no such article"
    client.post(reverse("backoffice:exchange_good", args=[source.pk]), {"code": "g-1", "sku": sku})
    assert "Гвозди" in text(client.get(address))
    client.post(reverse("backoffice:exchange_good", args=[source.pk]), {"code": "g-1", "sku": single(busy)})
    assert "Гвозди" not in text(client.get(address))
    assert client.post(reverse("backoffice:exchange_good", args=[source.pk]), {"code": "made up", "sku": sku}).status_code == 400

    before = exchange.password_hash
    assert "shown this once" in text(client.post(reverse("backoffice:exchange_password", args=[source.pk])))
    with busy.shop.scope():
        exchange.refresh_from_db()
        session.refresh_from_db()
    assert exchange.password_hash != before
    assert session.ended_at is not None


def busy_order(busy):
    return Order.objects.order_by("pk").first()


def single(busy) -> str:
    with busy.shop.scope():
        return StockUnit.objects.filter(kind="single", stocked=True).order_by("pk")[0].sku


def test_who_may_only_look_sees_neither_address_nor_password(settings, tmp_path) -> None:
    settings.STATIC_ROOT = tmp_path
    busy = open_busy_shop(units=36, orders=22)
    source = opened(busy)
    with busy.shop.use_case("test.open") as uc:
        made = accounts.open_for(uc, source, accounts.Agreed("UTC", False))
    looker = User.objects.create_user("looks@example.com")
    join(busy.organisation, looker, Role.READ_ONLY)
    client = signed_in(looker)
    page = client.get(reverse("backoffice:exchange", args=[source.pk]))
    assert page.status_code == 200
    assert made.exchange.token not in page.content.decode()
    assert client.post(reverse("backoffice:exchange", args=[source.pk]), {"time_zone": "UTC", "encoding": "utf-8"}).status_code == 403
    assert client.post(reverse("backoffice:exchange_password", args=[source.pk])).status_code == 403
