"""A 1C base that exchanges with a site: goods whose stock changes, orders that it takes, and the calls in 1C's order.

It is the client; the hub is the site. Tests, the demo and people who want to try the hub without a 1C use it.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
from lxml import etree

from stallkit.sources.commerceml import names, writing
from stallkit.sources.commerceml.session import verdict
from stallkit.sources.commerceml.writing import BaseGood, Style

MOST_REPEATS = 100
ORDERS_NAMED = "orders.xml"


class ExchangeFailed(Exception):
    """The site answered ``failure``, or something that is no reply. The text is what 1C's user reads."""


@dataclass(slots=True)
class TakenOrder:
    """An order as it stands in the books. ``lines``: quantity by the good's number."""

    code: str
    number: str
    lines: dict[str, int]
    cancelled: bool = False
    shipped: bool = False
    changed: bool = True


@dataclass(slots=True)
class Caller:
    """The calls of one exchange, one by one. ``calls`` keeps (type, mode, first line of the reply)."""

    address: str
    user: str
    password: str
    client: httpx.Client
    cookie: str = ""
    part: int = 0
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def call(self, kind: str, mode: str, body: bytes | None = None, **more: str) -> str:
        """One call; the text of the reply. ExchangeFailed if the site does not answer 200."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if mode == "checkauth":
            both = f"{self.user}:{self.password}".encode()
            headers = {"Authorization": "Basic " + base64.b64encode(both).decode()}
        reply = self.client.request(
            "GET" if body is None else "POST", self.address, params={"type": kind, "mode": mode, **more}, headers=headers, content=body
        )
        if reply.status_code != 200:
            raise ExchangeFailed(f"HTTP {reply.status_code}: {reply.text[:200]}")
        self.calls.append((kind, mode, verdict(reply.text)))
        return reply.text

    def must(self, kind: str, mode: str, body: bytes | None = None, **more: str) -> list[str]:
        """The lines of a reply that is no failure; ``progress`` is asked again, as 1C does."""
        for _ in range(MOST_REPEATS):
            lines = [line.strip() for line in self.call(kind, mode, body, **more).strip().split("\n")]
            if lines[0] == "failure":
                raise ExchangeFailed("; ".join(lines[1:]))
            if lines[0] != "progress":
                return lines
        raise ExchangeFailed(f"{mode}: still in progress after {MOST_REPEATS} calls")

    def begin(self, kind: str, version: str = "") -> None:
        """``checkauth`` and ``init``."""
        _said, cookie, value, *_more = self.must(kind, "checkauth")
        self.cookie = f"{cookie}={value}"
        lines = self.must(kind, "init", version=version) if version else self.must(kind, "init")
        self.part = next(int(line.removeprefix("file_limit=")) for line in lines if line.startswith("file_limit="))

    def send(self, kind: str, name: str, content: bytes) -> None:
        """A file, in pieces where it is larger than the site takes."""
        for start in range(0, len(content), self.part):
            self.must(kind, "file", content[start : start + self.part], filename=name)


class Base:
    """The 1C base. ``free`` says that it shows quantities without what is reserved for orders, as most are set up to."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        goods: Iterable[BaseGood],
        *,
        zone: str = "Europe/Moscow",
        style: Style | None = None,
        free: bool = True,
        kits: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        self.clock = clock
        self.zone = ZoneInfo(zone)
        self.style = style or Style()
        self.free = free
        self.goods = {good.code: good for good in goods}
        self.kits = dict(kits or {})
        """By article, what one of a kit takes: quantity by the good's number."""
        self.places: dict[str, str] = {}
        self.orders: dict[str, TakenOrder] = {}
        self.told: dict[str, int] = {}
        """What the site was told last, by good."""

    def now(self) -> datetime:
        """The base's clock, which has no zone."""
        return self.clock().astimezone(self.zone).replace(tzinfo=None)

    def shown(self, good: BaseGood) -> int:
        """The quantity that the base would show."""
        return good.total - (good.reserved if self.free else 0)

    def files(self, whole: bool) -> dict[str, bytes]:
        """What the base has to say, by file name; nothing if nothing changed."""
        goods = [good for good in self.goods.values() if whole or self.told.get(good.code) != self.shown(good)]
        if not goods:
            return {}
        reserved = {good.code: good.reserved for good in goods} if self.free else {}
        files = {"import.xml": writing.catalogue(goods, self.now(), whole, self.style)} if whole or not self.told else {}
        if self.style.version >= (2, 8):
            files["rests.xml"] = writing.rests(goods, self.now(), whole, self.style, reserved=reserved)
        else:
            files["offers.xml"] = writing.offers(goods, self.now(), whole, self.style, places=self.places, reserved=reserved)
        return files

    def send_goods(self, caller: Caller, *, whole: bool = False, zipped: bool = False) -> int:
        """A session for the catalogue; how many files went. The base believes that the site has its figures only at the end."""
        files, telling = self.files(whole), {code: self.shown(good) for code, good in self.goods.items()}
        caller.begin("catalog", self.style.shown)
        for name, content in {"v8_exchange.zip": pack(files)}.items() if zipped and files else files.items():
            caller.send("catalog", name, content)
        for name in files:
            caller.must("catalog", "import", filename=name)
        if whole:
            caller.must("catalog", "deactivate")
        caller.must("catalog", "complete")
        self.told = telling
        return len(files)

    def take_orders(self, caller: Caller, *, confirm: bool = True) -> list[str]:
        """A session for orders: fetch what there is, write it into the books, confirm. The numbers of the orders that came.

        ``confirm=False`` is a base whose ``success`` is lost on its way.
        """
        caller.begin("sale", self.style.shown)
        came = [self._book(document) for document in _documents(caller.call("sale", "query").encode())]
        if confirm:
            caller.must("sale", "success")
        return came

    def send_orders(self, caller: Caller) -> int:
        """Tell the site what became of its orders, as far as it changed; how many."""
        changed = [order for order in self.orders.values() if order.changed]
        if changed:
            caller.begin("sale", self.style.shown)
            caller.send("sale", ORDERS_NAMED, writing.returned(map(_returned, changed), self.now(), self.style))
            caller.must("sale", "import", filename=ORDERS_NAMED)
        for order in changed:
            order.changed = False
        return len(changed)

    def ship(self, code: str) -> None:
        """Goods of an order leave the books."""
        order = self.orders[code]
        if not order.shipped and not order.cancelled:
            for good, quantity in order.lines.items():
                self._take_off(self.goods[good], quantity)
            self.mark_shipped(code)

    def mark_shipped(self, code: str) -> None:
        """The order is done; its goods were taken off the books otherwise."""
        order = self.orders[code]
        if not order.shipped and not order.cancelled:
            self._reserve(order, -1)
            order.shipped = order.changed = True

    def cancel(self, code: str) -> None:
        """Somebody cancels the order in 1C."""
        order = self.orders[code]
        if not order.cancelled and not order.shipped:
            self._reserve(order, -1)
            order.cancelled = order.changed = True

    def _book(self, document: etree._Element) -> str:
        """An order that is there already is replaced, by its ``Ид``."""
        code = _text(document, names.ID)
        before = self.orders.get(code)
        if before and not before.cancelled and not before.shipped:
            self._reserve(before, -1)
        lines: dict[str, int] = {}
        for line in document.iterfind(f"{names.GOODS}/{names.GOOD}"):
            for good, number in self._means(line).items():
                lines[good] = lines.get(good, 0) + number * int(_text(line, names.QUANTITY))
        said = {_text(one, names.TITLE): _text(one, names.VALUE) for one in document.iterfind(f"{names.REQUISITES}/{names.REQUISITE}")}
        order = TakenOrder(code, _text(document, names.NUMBER), lines, names.true(said.get("Отменен", "")), bool(before and before.shipped))
        if not order.cancelled and not order.shipped:
            self._reserve(order, 1)
        self.orders[code] = order
        return code

    def _means(self, line: etree._Element) -> Mapping[str, int]:
        """The goods that one of a line takes: by the base's own number, else by the article; nothing for what it does not know."""
        code, article = _text(line, names.ID), _text(line, names.ARTICLE)
        known = [good.code for good in self.goods.values() if good.code == code or (not code and article and good.article == article)]
        return {known[0]: 1} if known else self.kits.get(article, {})

    def _reserve(self, order: TakenOrder, sign: int) -> None:
        for good, quantity in order.lines.items():
            self.goods[good].reserved += sign * quantity

    @staticmethod
    def _take_off(good: BaseGood, quantity: int) -> None:
        place = max(good.stock, key=lambda one: good.stock[one], default="")
        good.stock[place] = good.stock.get(place, 0) - quantity


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files in one archive."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return archive.getvalue()


def _documents(body: bytes) -> list[etree._Element]:
    if not body.lstrip().startswith(b"<"):
        raise ExchangeFailed(body.decode(errors="replace")[:300])
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    return list(root.iterfind(names.DOCUMENT))


def _returned(order: TakenOrder) -> dict[str, str]:
    said = {
        names.ID: order.code,
        names.NUMBER: order.number,
        "Номер по 1С": f"ТК{int(order.code):09}",
        "Проведен": "true",
        "Отменен": "true" if order.cancelled else "false",
        "Статус заказа": "Отменен" if order.cancelled else "Отгружен" if order.shipped else "К обеспечению",
    }
    if order.shipped:
        said["Номер отгрузки по 1С"] = f"РТ{int(order.code):09}"
    return said


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(name) or "").strip()
