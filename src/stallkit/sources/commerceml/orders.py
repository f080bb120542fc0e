"""Orders for 1C as CommerceML documents: what a site answers to ``mode=query``.

Written without a namespace and as 2.05, as the sites do that 1C's own exchange was made for (see the samples); with the namespace added it
is valid by the published schemas. A cancelled order is handed over as such, with its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lxml import etree

from stallkit.sources.commerceml import names

VERSION = "2.05"
LONGEST_TEXT, LONGEST_ID = 255, 40
PIECE = {"Код": "796", "НаименованиеПолное": "Штука", "МеждународноеСокращение": "PCE"}
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line. ``code`` is 1C's own ``Ид`` of the article; "" if it is not known: 1C then goes by article or barcode, or makes it new."""

    code: str
    article: str
    gtin: str
    title: str
    quantity: int
    total: Decimal
    service: bool = False


@dataclass(frozen=True, slots=True)
class SoldOrder:
    """An order of ours. ``code`` never changes: by it 1C knows that it has the order. Times are local times of the 1C base."""

    code: str
    number: str
    at: datetime
    currency: str
    buyer_code: str
    buyer: str
    lines: Sequence[SoldLine]
    status: str = ""
    cancelled: bool = False
    comment: str = ""

    @property
    def total(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal())


def build(orders: Iterable[SoldOrder], formed_at: datetime, encoding: str = "utf-8") -> bytes:
    """The document of all orders. ``encoding``: "utf-8" or "windows-1251"; signs that it lacks are written as references."""
    root = etree.Element(names.ROOT, {names.VERSION: VERSION, names.FORMED_AT: formed_at.strftime("%Y-%m-%dT%H:%M:%S")})
    for order in orders:
        root.append(_document(order))
    return names.body(root, encoding)


def _document(order: SoldOrder) -> etree._Element:
    document = etree.Element(names.DOCUMENT)
    _add(document, names.ID, order.code)
    _add(document, names.NUMBER, order.number)
    _add(document, names.DATE, order.at.strftime("%Y-%m-%d"))
    _add(document, "ХозОперация", "Заказ товара")
    _add(document, "Роль", "Продавец")
    _add(document, "Валюта", order.currency)
    _add(document, "Курс", "1")
    _add(document, "Сумма", _money(order.total))
    document.append(_buyer(order))
    _add(document, names.TIME, order.at.strftime("%H:%M:%S"))
    _add(document, names.COMMENT, order.comment, 3000)
    goods = etree.SubElement(document, names.GOODS)
    for line in order.lines:
        goods.append(_line(line))
    _requisites(
        document,
        ("Заказ оплачен", "false"),
        ("Доставка разрешена", "false" if order.cancelled else "true"),
        ("Отменен", "true" if order.cancelled else "false"),
        ("Финальный статус", "true" if order.cancelled else "false"),
        ("Статус заказа", order.status),
    )
    return document


def _buyer(order: SoldOrder) -> etree._Element:
    """The stall as the buyer: whom the goods are sold to is known to the marketplace, and stays out of the books."""
    buyers = etree.Element("Контрагенты")
    buyer = etree.SubElement(buyers, "Контрагент")
    _add(buyer, names.ID, order.buyer_code)
    _add(buyer, names.TITLE, order.buyer)
    _add(buyer, "ПолноеНаименование", order.buyer)
    _add(buyer, "Роль", "Покупатель")
    return buyers


def _line(line: SoldLine) -> etree._Element:
    good = etree.Element(names.GOOD)
    if line.code:
        _add(good, names.ID, line.code, 2 * LONGEST_ID)
    if 8 <= len(line.gtin) <= 14:
        _add(good, names.BARCODE, line.gtin)
    _add(good, names.ARTICLE, line.article)
    _add(good, names.TITLE, line.title or line.article)
    etree.SubElement(good, "БазоваяЕдиница", PIECE).text = "шт"
    kind = "Услуга" if line.service else "Товар"
    _requisites(good, ("ВидНоменклатуры", kind), ("ТипНоменклатуры", kind))
    _add(good, "ЦенаЗаЕдиницу", _money(line.total / line.quantity if line.quantity else line.total))
    _add(good, names.QUANTITY, str(line.quantity))
    _add(good, "Сумма", _money(line.total))
    return good


def _requisites(parent: etree._Element, *pairs: tuple[str, str]) -> None:
    values = etree.SubElement(parent, names.REQUISITES)
    for name, value in pairs:
        one = etree.SubElement(values, names.REQUISITE)
        _add(one, names.TITLE, name)
        _add(one, names.VALUE, value, 1000)


def _add(parent: etree._Element, name: str, text: str, longest: int = LONGEST_TEXT) -> None:
    """A child with a text that XML can hold, in one line."""
    etree.SubElement(parent, name).text = " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())[:longest]


def _money(amount: Decimal) -> str:
    return str(amount.quantize(CENT))
