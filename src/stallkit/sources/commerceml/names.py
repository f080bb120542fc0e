"""The words of CommerceML that are read and written here, and the one place that says how they are compared.

Files of 2.03-2.05 have no namespace, later ones have: everything is matched by local name.
"""

from __future__ import annotations

import io

from lxml import etree

ROOT = "КоммерческаяИнформация"
VERSION, FORMED_AT, CHANGES_ONLY = "ВерсияСхемы", "ДатаФормирования", "СодержитТолькоИзменения"
CATALOGUES = {"Каталог", "ИзмененияКаталога"}
PACKETS = {"ПакетПредложений", "ИзмененияПакетаПредложений"}
GOODS, GOOD = "Товары", "Товар"
OFFERS, OFFER = "Предложения", "Предложение"
PLACES, PLACE = "Склады", "Склад"
DOCUMENT, CONTAINER = "Документ", "Контейнер"
ID, ARTICLE, BARCODE, TITLE = "Ид", "Артикул", "Штрихкод", "Наименование"
QUANTITY, RESTS, REST = "Количество", "Остатки", "Остаток"
PLACE_ID, PLACE_QUANTITY = "ИдСклада", "КоличествоНаСкладе"
STATUS, DELETED, MARKED = "Статус", {"Удален", "Удалён"}, "ПометкаУдаления"
REQUISITES, REQUISITE, VALUE = "ЗначенияРеквизитов", "ЗначениеРеквизита", "Значение"
NUMBER, DATE, TIME, COMMENT = "Номер", "Дата", "Время", "Комментарий"
DELIVERY = "ORDER_DELIVERY"
CHARACTERISTIC = "#"
"""Between the number of a good and the number of its characteristic (a variant), in ``Ид`` of an offer."""


def local(tag: object) -> str:
    """The name without its namespace; "" for comments and processing instructions, whose tag is no text."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def true(text: str) -> bool:
    """What 1C means by yes; whatever else stands there is no."""
    return text.strip().casefold() in {"true", "1", "истина", "да"}


def body(root: etree._Element, encoding: str) -> bytes:
    """The file of a root, with its declaration."""
    written = io.BytesIO()
    etree.ElementTree(root).write(written, encoding=encoding, xml_declaration=True, pretty_print=True)
    return written.getvalue()
