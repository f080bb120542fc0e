"""A shop with a 1C base beside it, which calls the hub through its own application."""

from __future__ import annotations

import io
from collections.abc import Callable

import httpx
import pytest
from django.test import Client
from django.test.client import ClientHandler

from stallkeeper.catalog.models import Identifier, IdentifierKind
from stallkeeper.fulfilment.ship import ship
from stallkeeper.orders import cancel, intake
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock import source_setup
from stallkeeper.sync.exchange import accounts
from stallkeeper.sync.exchange.accounts import Agreed
from stallkit.sources.commerceml.emulator import Base, Caller, ExchangeFailed
from stallkit.sources.commerceml.writing import BaseGood, Style
from stallkit.types import CancelReason
from tests.shop import Shop, remote_order

GTIN = "4006381333931"


class Door(httpx.BaseTransport):
    """Calls the hub's own application, all of its middleware included; that is loaded once, and looks for all static files then."""

    handler = ClientHandler(enforce_csrf_checks=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items() if name != "content-length"}
        length = request.headers.get("content-length", str(len(body)))
        sent = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": length} if body else {}
        client = Client()
        client.handler = self.handler
        reply = client.generic(request.method, str(request.url.copy_with(scheme="http")), **headers, **sent)
        return httpx.Response(reply.status_code, headers=dict(reply.headers), content=reply.content)


def door() -> httpx.Client:
    return httpx.Client(transport=Door(), base_url="http://testserver")


class Desk:
    """A shop with two articles, connected with a 1C base that has three goods."""

    def __init__(self, *, free: bool = True, give_orders: bool = True, style: Style | None = None, **terms: object) -> None:
        self.shop = Shop.open()
        self.mug, self.pen = self.shop.unit("MUG", on_hand=1), self.shop.unit("PEN", on_hand=1)
        with self.shop.scope():
            Identifier.objects.create(organisation=self.shop.organisation, stock_unit=self.pen, kind=IdentifierKind.GTIN, value=GTIN)
        settings = {"name": "our 1C", "basis": "net" if free else "gross", "zero_limit": 100, "change_limit": 100} | terms
        self.channel = self.shop.channel()
        for unit in (self.mug, self.pen):
            self.shop.offer(self.channel, unit)
        self.shop.later(hours=1)
        with self.shop.use_case("test.connect") as uc:
            made = accounts.connect(uc, self.shop.place, settings, Agreed("Europe/Moscow", give_orders))
            source_setup.turn(uc, made.exchange.source_id, True)
        self.exchange = made.exchange
        goods = [
            BaseGood("guid-mug", "MUG", "", "Кружка", {"w1": 10}),
            BaseGood("guid-pen", "П-77", GTIN, "Ручка", {"w1": 4, "w2": 3}),
            BaseGood("guid-else", "НЕ НАШ", "", "Гвозди", {"w1": 1000}),
        ]
        self.base = Base(lambda: self.shop.at, goods, style=style, free=free)
        self.caller = Caller(f"/1c/{self.exchange.token}/", self.exchange.user_name, made.password, door())

    def on_hand(self) -> tuple[int, int]:
        return self.shop.level(self.mug)[0], self.shop.level(self.pen)[0]

    def send(self, **how: bool) -> int:
        self.shop.later(minutes=30)
        return self.base.send_goods(self.caller, **how)

    def take_orders(self, **how: bool) -> list[str]:
        self.shop.later(minutes=1)
        came = self.base.take_orders(self.caller, **how)
        self.shop.later(minutes=1)
        return came

    def sell(self, number: str, **lines: int) -> Order:
        self.shop.later(minutes=1)
        with self.shop.use_case("accept.orders") as uc:
            intake.accept(uc, self.channel.connection_id, [remote_order(number, list(lines.items()))], self.shop.at)
            return Order.objects.get(external_id=number)

    def ship(self, order: Order) -> None:
        self.shop.later(minutes=1)
        ship(self.shop.organisation.pk, order.pk, None, carrier="DHL", tracking_number="1", actor="user:1")

    def cancel(self, order: Order, sku: str) -> None:
        lines = {OrderLine.objects.get(order=order, sku=sku).pk: 1}
        cancel.cancel_lines(self.shop.organisation.pk, order.pk, lines, reason=CancelReason.OUT_OF_STOCK, actor="user:1")

    def failure(self, act: Callable[[], object]) -> str:
        with pytest.raises(ExchangeFailed) as failed:
            act()
        return str(failed.value)

    def put(self, name: str, content: bytes, imported: str = "") -> str:
        """A session with one file; the reply to its import."""
        self.caller.begin("catalog")
        self.caller.send("catalog", name, content)
        return self.caller.call("catalog", "import", filename=imported or name)
