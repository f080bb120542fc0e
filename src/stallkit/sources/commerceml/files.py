"""Reading the XML of the exchange: goods, quantities, orders that come back. All versions from 2.03 on, by local names.

Nothing from a file makes us read another: a document type, and with it every entity, is refused. The encoding is what the XML declaration
says (UTF-8 or windows-1251, both are common). A file is read to its end before anything of it counts, so one that was cut off is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from lxml import etree

from stallkit.sources.commerceml import names
from stallkit.sources.commerceml.numbers import moment, whole
from stallkit.sources.commerceml.packets import Good, Offer, Packet, Returned
from stallkit.sources.commerceml.refusals import Refusal, refuse
from stallkit.sources.types import RowProblem
from stallkit.words import said as _

MOST_ROWS = 1_000_000
MOST_TEXT = 1000
SHIPMENT, SHIPPED_ON = "Номер отгрузки по 1С", "Дата отгрузки по 1С"
STATUSES = ("Статус заказа", "Статуса заказа ИД")


def read(source: Path | IO[bytes]) -> Packet:
    """The file, in memory of the order of its rows. FileRefused if it is no CommerceML, is cut off, or holds a document type."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return read(file)
    packet = Packet()
    path: list[str] = []
    taking = _Takers(packet)
    events = etree.iterparse(
        source,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for event, element in events:
            name = names.local(element.tag)
            if event == "start":
                _enter(packet, path, name, element)
                path.append(name)
                continue
            path.pop()
            taking.leave(path, name, element)
    except etree.XMLSyntaxError as error:
        raise refuse(Refusal.NOT_XML, str(error)) from error
    except (LookupError, UnicodeError) as error:
        raise refuse(Refusal.ENCODING, str(error)) from error
    return packet


def _enter(packet: Packet, path: list[str], name: str, element: etree._Element) -> None:
    """The head of the file, and whether a packet lists everything."""
    if not path:
        information = element.getroottree().docinfo
        if information.internalDTD is not None or information.doctype:
            raise refuse(Refusal.DOCTYPE)
        if name != names.ROOT:
            raise refuse(Refusal.OTHER_XML, name)
        packet.version = element.get(names.VERSION, "")
        packet.formed_at = moment(element.get(names.FORMED_AT, ""))
    elif name in names.CATALOGUES | names.PACKETS:
        packet.whole = element.get(names.CHANGES_ONLY, "").strip().casefold() == "false"


class _Takers:
    """What to do at the end of an element, by where it stands. Everything that was looked at is dropped from memory."""

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.rows = 0

    def leave(self, path: list[str], name: str, element: etree._Element) -> None:
        take = self._taker(path, name)
        if take is None:
            if len(path) == 1:
                element.clear()
            return
        self.rows += 1
        if self.rows > MOST_ROWS:
            raise refuse(Refusal.TOO_MANY_ROWS, f"{MOST_ROWS:,}")
        take(element)
        element.clear()
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)

    def _taker(self, path: list[str], name: str) -> Callable[[etree._Element], None] | None:
        above, parent = ["", "", *path][-2:]
        if name == names.GOOD and parent == names.GOODS and above in names.CATALOGUES:
            return self._good
        if name == names.OFFER and parent == names.OFFERS and above in names.PACKETS:
            return self._offer
        if name == names.PLACE and parent == names.PLACES and above != names.OFFER:
            return self._place
        if name == names.DOCUMENT and parent in {names.ROOT, names.CONTAINER}:
            return self._document
        return None

    def _good(self, element: etree._Element) -> None:
        good = _good(len(self.packet.goods) + 1, element)
        if good.code:
            self.packet.goods.append(good)

    def _offer(self, element: etree._Element) -> None:
        self.packet.offers.append(_offer(len(self.packet.offers) + 1, element))

    def _place(self, element: etree._Element) -> None:
        code = _text(element, names.ID)
        if code:
            self.packet.place_names[code] = _text(element, names.TITLE)

    def _document(self, element: etree._Element) -> None:
        self.packet.orders.append(_returned(len(self.packet.orders) + 1, element))


def _good(row: int, element: etree._Element) -> Good:
    deleted = element.get(names.STATUS, "") in names.DELETED or names.true(_text(element, names.MARKED))
    return Good(
        row,
        _text(element, names.ID),
        _text(element, names.ARTICLE),
        _text(element, names.BARCODE),
        _text(element, names.TITLE),
        deleted,
    )


def _offer(row: int, element: etree._Element) -> Offer:
    good = _good(row, element)
    problems: list[RowProblem] = []
    if not good.code:
        problems.append(RowProblem(row, names.ID, good.title, _("The offer has no Ид: it is not known what it is an offer of.")))

    def count(column: str, text: str) -> int | None:
        try:
            return whole(text)
        except ValueError as error:
            problems.append(
                RowProblem(row, column, text.strip()[:200], _("{good}: {error}.", good=good.code or good.title, error=str(error)))
            )
            return None

    total = _child(element, names.QUANTITY)
    counted = None if total is None else count(names.QUANTITY, total.text or "")
    places: dict[str, int] = {}
    for column, place, text in _quantities(element):
        quantity = count(column, text)
        if quantity is None:
            continue
        if place:
            places[place] = places.get(place, 0) + quantity
        elif counted is None:
            counted = quantity
    return Offer(row, good, counted, tuple(places.items()), tuple(problems))


def _quantities(element: etree._Element) -> Iterator[tuple[str, str, str]]:
    """(what it is called there, number of the place or "", quantity) of an offer: as attributes up to 2.07, as ``Остатки`` from 2.08 on."""
    for child in element:
        name = names.local(child.tag)
        if name == names.PLACE and child.get(names.PLACE_QUANTITY) is not None:
            yield names.PLACE_QUANTITY, child.get(names.PLACE_ID, ""), child.get(names.PLACE_QUANTITY, "")
        elif name == names.PLACE:
            yield names.QUANTITY, _text(child, names.ID), _text(child, names.QUANTITY)
        elif name == names.RESTS:
            for rest in child:
                yield from _rest(rest)


def _rest(rest: etree._Element) -> Iterator[tuple[str, str, str]]:
    for child in rest:
        name = names.local(child.tag)
        if name == names.PLACE:
            yield names.QUANTITY, _text(child, names.ID), _text(child, names.QUANTITY)
        elif name == names.QUANTITY:
            yield names.QUANTITY, "", child.text or ""


def _returned(row: int, element: etree._Element) -> Returned:
    said = _requisites(element)
    return Returned(
        row,
        _text(element, names.ID),
        _text(element, names.NUMBER),
        said.get("Номер по 1С", ""),
        next((said[name] for name in STATUSES if said.get(name)), ""),
        names.true(said.get("Отменен", said.get("Отменён", ""))),
        names.true(said.get("Проведен", said.get("Проведён", ""))),
        names.true(said.get("Заказ оплачен", "")) or bool(said.get("Дата оплаты по 1С")),
        names.true(said.get(names.MARKED, _text(element, names.MARKED))),
        said.get(SHIPMENT, ""),
        said.get(SHIPPED_ON, ""),
    )


def _requisites(element: etree._Element) -> dict[str, str]:
    values = _child(element, names.REQUISITES)
    found = [] if values is None else [(_text(one, names.TITLE), _text(one, names.VALUE)) for one in values]
    return {name: value for name, value in found if name}


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if names.local(child.tag) == name), None)


def _text(element: etree._Element, name: str) -> str:
    """The text of the child, in one line, without what no database keeps; "" if there is no such child."""
    child = _child(element, name)
    return "" if child is None or child.text is None else " ".join(child.text.split())[:MOST_TEXT]
