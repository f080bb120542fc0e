"""The seller's 1C base: its books of some places, and the line on which it calls the hub. In some of the seeds.

It is the emulated base of the kit. Added is what only this world knows: what left for which order (1C's people hear of it from those who
ship), and what each file said, for the model.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx  # lint: allow http-door because here a 1C base calls the hub, inside of this process
from django.db import DatabaseError
from django.test import RequestFactory
from django.urls import resolve
from lxml import etree

from stallkeeper.ops.simulation import crowd
from stallkeeper.ops.simulation.truth.one_c import InBooks, OneCBooks, Packet
from stallkeeper.ops.simulation.violation import Violation
from stallkeeper.orders.models import OrderLine
from stallkeeper.stock.models import Cause, Movement
from stallkit.sources.commerceml import names
from stallkit.sources.commerceml.emulator import Base, Caller, ExchangeFailed
from stallkit.sources.commerceml.refusals import Refusal
from stallkit.sources.commerceml.session import Limits, verdict
from stallkit.sources.commerceml.writing import BaseGood, Style

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

FACTORY = RequestFactory()
LIMITS = Limits(part=700)
"""So small that a file of four articles comes in pieces."""
TIMES = 0.2
"""So much less often than a stall's each call on this line goes wrong: an exchange is a dozen calls, and one that is lost ends it."""
AGAIN = {"file", "import", "query"}
CODE = "1c-"
Spot = tuple[str, int]
"""SKU and place"""


class GaveUp(ExchangeFailed):
    """1C waits no longer: somebody has begun the exchange anew."""


class Line(httpx.BaseTransport):
    """The way from 1C to the door of the hub, on which calls and replies get lost. ``exchange``: the number of the one that is at work."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.exchange = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One call; whoever has given up meanwhile hears nothing of the reply."""
        mine, mode = self.exchange, request.url.params["mode"]
        self.world.at_point("wire:before")
        fault = self._fault(request)
        if fault == "timeout_before":
            self.world.note(f"1C {mode}: never arrived")
            raise httpx.ConnectError("no connection", request=request)
        reply = self._answered(request, cut=fault == "cut_json")
        self.world.note(f"1C {mode}: {verdict(reply.text) if mode != 'query' else 'orders'} {fault}")
        self._judge(reply.text, cut=fault == "cut_json")
        self.world.at_point("wire:after")
        if mine != self.exchange:
            raise GaveUp("begun anew")
        if fault == "timeout_after":
            raise httpx.ReadTimeout("no reply", request=request)
        return reply

    def _fault(self, request: httpx.Request) -> str:
        kinds = ("timeout_before", "timeout_after", *(["cut_json"] if request.content else []))
        found = [name for name in kinds if self.world.dice.random() < self.world.chaos.weather.rate(name) * TIMES]
        if found:
            self.world.chaos.hit[found[0]] += 1
        return found[0] if found else ""

    def _judge(self, text: str, *, cut: bool) -> None:
        """1C's files are whole and in order: only some refusals have a reason."""
        allowed = (Refusal.STOPPED, Refusal.NO_SESSION, *([Refusal.CUT_BODY] if cut else ()))
        if self.world.chaos.weather.rates:
            allowed += (Refusal.OURS,)
        if verdict(text) == "failure" and not any(_begins(one) in text for one in allowed):
            self.world.mistakes.append(Violation("20", f"1C was refused without a reason: {text}"))

    def _answered(self, request: httpx.Request, *, cut: bool) -> httpx.Response:
        """Through the real door; a web process takes a new connection for each call if its own is lost."""
        walker = crowd.current()
        if walker is not None:
            walker.renew_connection()
        body = request.content[: len(request.content) // 2] if cut else request.content
        wire = {name: value for name, value in request.headers.items() if name in {"authorization", "cookie"}}
        sent = FACTORY.generic(request.method, f"{request.url.path}?{request.url.query.decode()}", body, headers=wire)
        sent.META["CONTENT_LENGTH"] = str(len(request.content))
        view = resolve(request.url.path)
        try:
            reply = view.func(sent, *view.args, **view.kwargs)
        except DatabaseError as error:
            self.world.note(f"1C: the hub had no words for {type(error).__name__}")
            return httpx.Response(500)
        return httpx.Response(reply.status_code, content=reply.content)


class Repeating(Caller):
    """1C that sends a piece once more, or asks once more, when it hears nothing; else its session is over."""

    def call(self, kind: str, mode: str, body: bytes | None = None, **more: str) -> str:
        """One call, or two."""
        try:
            return super().call(kind, mode, body, **more)
        except httpx.ReadTimeout:
            if mode not in AGAIN:
                raise
        return super().call(kind, mode, body, **more)


class SeenBase(Base):
    """The base, with what the model has to know of it. ``words``: which place of ours each of 1C's places is, or None; one that is not
    mapped at all is not in it. ``home``: the place of the source, where all count if none is mapped."""

    def __init__(
        self, world: World, style: Style, words: Mapping[str, int | None], stock: Mapping[str, Mapping[str, int]], home: int, *, free: bool
    ) -> None:
        goods = [BaseGood(CODE + sku, sku, "", sku, dict(there)) for sku, there in stock.items()]
        kits = {"SET": {CODE + "C": 1, CODE + "D": 2}}
        self.off = timedelta()
        super().__init__(lambda: world.clock.at + self.off, goods, style=style, free=free, kits=kits)
        self.world, self.words, self.home = world, words, home
        self.seen = OneCBooks()
        self.gone: set[str] = set()
        """Goods that its lists leave out."""
        self.booked: dict[str, Counter[Spot]] = defaultdict(Counter)
        self.given: dict[str, tuple[object, ...]] = {}
        """What each order was like when it came last."""
        self.confirmed: dict[str, datetime] = {}
        self.told_of: dict[str, tuple[bool, bool] | None] = {}
        """(shipped, cancelled) as the hub was told; None while nobody knows whether it has heard."""
        self.reports = False
        self.formed: Packet | None = None
        """The last file with figures."""
        self.written: dict[str, bytes] = {}
        """The last files."""
        if style.version < (2, 8) and words:
            self.places = {word: word for word in words}

    # --- figures ------------------------------------------------------------------------------------------------------------------------

    def files(self, whole: bool) -> dict[str, bytes]:
        """The files, without the goods that are gone, and kept in mind for the model."""
        every, told = self.goods, self.told
        self.goods = {code: good for code, good in every.items() if code not in self.gone}
        try:
            listed = [good for good in self.goods.values() if whole or told.get(good.code) != self.shown(good)]
            files = super().files(whole)
        finally:
            self.goods = every
        self.written = files
        for name, content in files.items():
            if name != "import.xml":
                self.formed = self.seen.packets[mark_of(content)] = self._packet(listed, whole)
        return files

    def _packet(self, listed: list[BaseGood], whole: bool) -> Packet:
        figures: Counter[Spot] = Counter()
        for good in listed:
            figures.update({(good.article, self.home): 0} if not self.words else {})
            for word, units in good.stock.items():
                place = self.words.get(word) if self.words else self.home
                if place is not None:
                    figures[good.article, place] += units
            if self.free:
                figures[good.article, self.home] -= good.reserved
        return Packet(dict(figures), self.clock().replace(microsecond=0), self.world.clock.at, whole, self.in_books(), self.reports)

    def in_books(self) -> dict[int, InBooks]:
        """How our orders stand here now."""
        return {
            int(code): InBooks(
                {good.removeprefix(CODE): units for good, units in order.lines.items()},
                dict(self.booked[code]),
                order.shipped,
                order.cancelled,
                self.confirmed.get(code),
                self.told_of.get(code, (False, False)),
            )
            for code, order in self.orders.items()
        }

    def send_goods(self, caller: Caller, *, whole: bool = False, zipped: bool = False) -> int:
        """A session for the catalogue. A whole list that has arrived to its end is what the hub must have at the end of the day."""
        sent = super().send_goods(caller, whole=whole, zipped=zipped)
        self.seen.last = self.formed if whole else self.seen.last
        return sent

    def send_again(self, caller: Caller) -> None:
        """The files of last time once more, in a session of their own: nobody knows whether they have arrived."""
        caller.begin("catalog", self.style.shown)
        for name, content in self.written.items():
            caller.send("catalog", name, content)
            caller.must("catalog", "import", filename=name)
        caller.must("catalog", "complete")

    # --- orders -------------------------------------------------------------------------------------------------------------------------

    def take_orders(self, caller: Caller, *, confirm: bool = True) -> list[str]:
        """A session for orders. Once its ``success`` has been heard, the hub has no reason to give them again, nor those it kept back."""
        came = super().take_orders(caller, confirm=confirm)
        for code in self.orders if confirm else ():
            self.confirmed.setdefault(code, self.world.clock.at)
        self.seen.orders = self.in_books()
        return came

    def _book(self, document: etree._Element) -> str:
        code, said = str(document.findtext(names.ID)), _said(document)
        if code in self.confirmed and self.given.get(code) == said:
            self.world.mistakes.append(
                Violation("20", "an order that 1C has confirmed is handed over again, and nothing of it has changed")
            )
        if code in self.orders:
            self.world.reach("1C got an order again")
        before = self.orders.get(code)
        self.confirmed.pop(code, None)
        self.given[code] = said
        super()._book(document)
        if before is not None:
            self.orders[code].changed = before.changed or before.cancelled != self.orders[code].cancelled
        return code

    def send_orders(self, caller: Caller) -> int:
        """What became of orders; once 1C has been heard it counts as one that reports."""
        telling = {code: (order.shipped, order.cancelled) for code, order in self.orders.items() if order.changed}
        self.told_of |= {code: None if self.told_of.get(code) != told else told for code, told in telling.items()}
        told = super().send_orders(caller)
        self.told_of |= telling
        self.reports = self.reports or told > 0
        self.seen.orders = self.in_books()
        return told

    def book_out(self, still: Callable[[], None]) -> None:
        """Orders that have left altogether leave the books, at the places that they left from; one that has not left after all comes back.
        ``still`` raises if this exchange has been given up."""
        wanted = {code: left_for(int(code)) for code, order in self.orders.items() if not order.cancelled}
        still()
        for code, left in wanted.items():
            order = self.orders[code]
            if (left is None) == order.shipped and not order.cancelled:
                self._reserve(order, 1 if order.shipped else -1)
                order.shipped, order.changed = not order.shipped, True
                self.world.reach("1C booked goods out" if order.shipped else "goods came back into 1C's books")
            self._move_booked(code, left or Counter())

    def _move_booked(self, code: str, left: Counter[Spot]) -> None:
        mine = set(self.words.values()) if self.words else {self.home}
        wanted = Counter({(sku, place): units for (sku, place), units in left.items() if place in mine})
        for spot in sorted(wanted.keys() | self.booked[code].keys()):
            word = self._word(spot)
            self.goods[CODE + spot[0]].stock[word] -= wanted[spot] - self.booked[code][spot]
        self.booked[code] = wanted

    def _word(self, spot: Spot) -> str:
        """1C's place with the most of it, among those that are this place of ours."""
        stock = self.goods[CODE + spot[0]].stock
        return max((word for word in stock if not self.words or self.words[word] == spot[1]), key=lambda word: stock[word])


def left_for(order: int) -> Counter[Spot] | None:
    """Units that have left for an order, by SKU and place, if nothing of it is left to be shipped; else None. As people tell 1C."""
    lines = list(OrderLine.objects.filter(order_id=order).order_by("pk"))
    if any(line.open for line in lines) or not any(line.shipped for line in lines):
        return None
    moves = Movement.objects.filter(cause=Cause.SHIP).select_related("stock_unit", "from_location").order_by("pk")
    ours, left = {line.pk for line in lines}, Counter[Spot]()
    for move in moves:
        if line_of(move.reference) in ours:
            back = move.reference.startswith("not_left:")
            left[move.stock_unit.sku, move.to_location_id if back else move.from_location_id] += -move.quantity if back else move.quantity
    return left


def line_of(reference: str) -> int:
    """The order line that a movement of shipped goods is about; 0 if it is about none."""
    kind, *numbers = reference.split(":")
    position = {"shipment": 1, "remote": 0, "not_left": 0}.get(kind)
    return 0 if position is None else int(numbers[position])


def _begins(refusal: Refusal) -> str:
    """The words of a refusal, up to what differs."""
    return refusal.value[1].partition("{}")[0]


def mark_of(content: bytes) -> str:
    """How the runs of the source name these bytes: by their pieces."""
    pieces = [hashlib.sha256(content[start : start + LIMITS.part]).hexdigest() for start in range(0, len(content), LIMITS.part)]
    return hashlib.sha256("".join(pieces).encode()).hexdigest()


def _said(document: etree._Element) -> tuple[object, ...]:
    lines = document.iterfind(f"{names.GOODS}/{names.GOOD}")
    goods = sorted((str(line.findtext(names.ARTICLE)), str(line.findtext(names.QUANTITY))) for line in lines)
    cancelled = [
        one.findtext(names.VALUE)
        for one in document.iterfind(f"{names.REQUISITES}/{names.REQUISITE}")
        if one.findtext(names.TITLE) == "Отменен"
    ]
    return (*goods, *cancelled)
