"""Small parts of the emulated wire: envelopes, paging, bodies. Messages that the document prints are marked, the others are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from stallkit.testing.emulator import WireReply

T = TypeVar("T")
LIMITED = b'{"message":"API rate limit exceeded"}'
"""Printed in section 1.5."""
MOST = 100
MAX_ENTITIES, MAX_ELEMENTS = 50, 4000


class Refusal(Exception):
    """The call is answered with ``isError: true`` and this message."""


def envelope(results: object, messages: Sequence[str] = (), *, error: bool = False, status: int = 200) -> WireReply:
    """Section 1.4, with the ``errors`` list of the document's examples."""
    body = {"isError": error, "messages": list(messages), "errors": [], "results": results}
    return WireReply(status, msgspec.json.encode(body))


def plain(status: int, message: str, errors: object = None) -> WireReply:
    """Replies without an envelope (gateway, ``offer_stock``)."""
    return WireReply(status, msgspec.json.encode({"message": message} if errors is None else {"message": message, "errors": errors}))


def as_list(body: bytes) -> list[dict[str, object]]:
    """The entities of a save: a list, bare or in ``data``. One object alone is refused, as are too many."""
    try:
        sent = msgspec.json.decode(body)
        if isinstance(sent, dict) and "data" in sent:
            sent = sent["data"]
        rows = msgspec.convert(sent, list[dict[str, object]])
    except msgspec.MsgspecError as error:
        raise Refusal("Expected list of arrays, single array received") from error
    if sum(1 for _ in _leaves(rows)) > MAX_ELEMENTS:
        raise Refusal(f"Maximum input vars of {MAX_ELEMENTS} exceeded")  # printed in section 1.4
    if len(rows) > MAX_ENTITIES:
        raise Refusal(f"Maximum {MAX_ENTITIES} entities per request")
    return rows


def _leaves(value: object) -> Iterator[object]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        yield value
    else:
        for part in inner:
            yield from _leaves(part)


def number(filters: Mapping[str, object], name: str, default: int) -> int:
    """A filter that is a whole number, sent as number or text. Refused if it is neither."""
    value = filters.get(name, default)
    try:
        return int(str(value))
    except ValueError as error:
        raise Refusal(f"{name} must be an integer") from error


def page(rows: Sequence[T], filters: Mapping[str, object], render: Callable[[T], dict[str, object]]) -> list[dict[str, object]]:
    """Section 1.3. More than 100 per page is cut to 100 without a word."""
    size = max(min(number(filters, "itemsPerPage", MOST), MOST), 1)
    start = (max(number(filters, "currentPage", 1), 1) - 1) * size
    return [render(row) for row in rows[start : start + size]]


def counted(total: int, filters: Mapping[str, object]) -> WireReply:
    size = max(min(number(filters, "itemsPerPage", MOST), MOST), 1)
    return envelope({"noOfItems": str(total), "noOfPages": str(-(-total // size)), "itemsPerPage": str(size)})
