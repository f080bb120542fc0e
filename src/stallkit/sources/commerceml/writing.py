"""Files as 1C itself writes them: for the emulated base, by version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from stallkit.sources.commerceml import names

NAMESPACE = "urn:1C.ru:commerceml_2"
NAMESPACE_SINCE = (2, 7)
"""Older files have none."""


@dataclass(slots=True)
class BaseGood:
    """An article of the base with its quantities by place (1C's number of the place; "" = the only one)."""

    code: str
    article: str
    gtin: str
    title: str
    stock: dict[str, int] = field(default_factory=dict)
    reserved: int = 0
    deleted: bool = False

    @property
    def total(self) -> int:
        return sum(self.stock.values())


@dataclass(frozen=True, slots=True)
class Style:
    """How a 1C writes: its version, the encoding it declares, and the namespace that goes with the version."""

    version: tuple[int, int] = (2, 8)
    encoding: str = "utf-8"
    byte_order_mark: bool = False

    @property
    def shown(self) -> str:
        return f"{self.version[0]}.{self.version[1]:02}"

    def element(self, name: str, attributes: Mapping[str, str]) -> etree._Element:
        """A root, with the namespace if the version has one."""
        space = {"xmlns": NAMESPACE} if self.version >= NAMESPACE_SINCE else {}
        return etree.Element(name, {**space, **attributes})

    def bytes_of(self, root: etree._Element) -> bytes:
        text = names.body(root, self.encoding)
        return b"\xef\xbb\xbf" + text if self.byte_order_mark else text


def catalogue(goods: Iterable[BaseGood], formed_at: datetime, whole: bool, style: Style) -> bytes:
    """import.xml"""
    root = _root(formed_at, style)
    listed = _sub(root, "Каталог", {names.CHANGES_ONLY: "false" if whole else "true"})
    _text(listed, names.ID, "catalogue")
    _text(listed, names.TITLE, "Товары")
    rows = _sub(listed, names.GOODS)
    for good in goods:
        row = _sub(rows, names.GOOD, {names.STATUS: "Удален"} if good.deleted else {})
        _identity(row, good)
    return style.bytes_of(root)


def offers(
    goods: Iterable[BaseGood],
    formed_at: datetime,
    whole: bool,
    style: Style,
    *,
    places: Mapping[str, str] | None = None,
    reserved: Mapping[str, int] | None = None,
) -> bytes:
    """offers.xml with quantities. ``places``: name by number, then quantities by place are given, too; ``reserved`` comes off the total."""
    root = _root(formed_at, style)
    rows = _packet(root, whole, places)
    for good in goods:
        row = _sub(rows, names.OFFER)
        _identity(row, good)
        _text(row, names.QUANTITY, str(good.total - (reserved or {}).get(good.code, 0)))
        for place in places or {}:
            _sub(row, names.PLACE, {names.PLACE_ID: place, names.PLACE_QUANTITY: str(good.stock.get(place, 0))})
    return style.bytes_of(root)


def rests(goods: Iterable[BaseGood], formed_at: datetime, whole: bool, style: Style, *, reserved: Mapping[str, int] | None = None) -> bytes:
    """A packet of quantities alone, from 2.08 on: no article, no barcode, only numbers of 1C. ``reserved`` comes off the first place."""
    root = _root(formed_at, style)
    rows = _packet(root, whole, None)
    for good in goods:
        row = _sub(rows, names.OFFER)
        _text(row, names.ID, good.code)
        listed = _sub(row, names.RESTS)
        off = (reserved or {}).get(good.code, 0)
        for place, quantity in good.stock.items() or [("", 0)]:
            rest = _sub(listed, names.REST)
            inside = rest
            if place:
                inside = _sub(rest, names.PLACE)
                _text(inside, names.ID, place)
            _text(inside, names.QUANTITY, f"{quantity - off}.000")
            off = 0
    return style.bytes_of(root)


def returned(orders: Iterable[Mapping[str, str]], formed_at: datetime, style: Style) -> bytes:
    """Orders sent back: each by ``Ид`` and ``Номер``, all else as requisites."""
    root = _root(formed_at, style)
    for order in orders:
        document = _sub(root, names.DOCUMENT)
        _text(document, names.ID, order[names.ID])
        _text(document, names.NUMBER, order[names.NUMBER])
        values = _sub(document, names.REQUISITES)
        for name, value in order.items():
            if name not in {names.ID, names.NUMBER}:
                one = _sub(values, names.REQUISITE)
                _text(one, names.TITLE, name)
                _text(one, names.VALUE, value)
    return style.bytes_of(root)


def _root(formed_at: datetime, style: Style) -> etree._Element:
    return style.element(names.ROOT, {names.VERSION: style.shown, names.FORMED_AT: formed_at.strftime("%Y-%m-%dT%H:%M:%S")})


def _packet(root: etree._Element, whole: bool, places: Mapping[str, str] | None) -> etree._Element:
    packet = _sub(root, "ПакетПредложений", {names.CHANGES_ONLY: "false" if whole else "true"})
    _text(packet, names.ID, "catalogue#")
    if places:
        listed = _sub(packet, names.PLACES)
        for code, title in places.items():
            place = _sub(listed, names.PLACE)
            _text(place, names.ID, code)
            _text(place, names.TITLE, title)
    return _sub(packet, names.OFFERS)


def _identity(row: etree._Element, good: BaseGood) -> None:
    for name, text in ((names.ID, good.code), (names.ARTICLE, good.article), (names.BARCODE, good.gtin), (names.TITLE, good.title)):
        if text:
            _text(row, name, text)


def _sub(parent: etree._Element, name: str, attributes: Mapping[str, str] | None = None) -> etree._Element:
    return etree.SubElement(parent, name, dict(attributes or {}))


def _text(parent: etree._Element, name: str, text: str) -> None:
    _sub(parent, name).text = text
