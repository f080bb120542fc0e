"""What a channel's snapshot says, pure: is it news, which rows does it make."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

import msgspec

from stallkeeper.core.personal import words_of
from stallkeeper.orders.entry_queries import AmountRow, OfferFacts
from stallkeeper.orders.queries import Asked, Known
from stallkit.types import Buyer, Charge, OfferRef, OrderState, RemoteOrder, RemoteOrderLine

NOTHING_ASKED = Asked(0, 0, 0)
MOST_WORDS = 12
"""That an order is found by; who has a longer name is found by its beginning."""


SAID = attrgetter(*(field.name for field in fields(RemoteOrder) if field.name != "raw"))
"""All that a snapshot says, without its untouched body."""


def digest(order: RemoteOrder) -> bytes:
    """16 bytes that change when anything but the raw body changes."""
    return hashlib.blake2b(msgspec.json.encode(SAID(order)), digest_size=16).digest()


def is_news(known: Known, order: RemoteOrder, its_digest: bytes, fetched_at: datetime) -> bool:
    """Whether this snapshot is later than the one we hold, by (remote modified, fetch start), and says something else."""
    if known.digest == its_digest:
        return False
    if known.remote_modified_at and order.modified_at and known.remote_modified_at != order.modified_at:
        return order.modified_at > known.remote_modified_at
    return fetched_at >= known.fetched_at


def newest(orders: Iterable[RemoteOrder]) -> list[RemoteOrder]:
    """One snapshot an order, the latest; sorted by order id, so that locks are taken in one order."""
    latest: dict[str, RemoteOrder] = {}
    for order in orders:
        other = latest.get(order.order_id)
        if other is None or not (other.modified_at and order.modified_at and other.modified_at > order.modified_at):
            latest[order.order_id] = order
    return [latest[order_id] for order_id in sorted(latest)]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An offer that a line's reference names, with what one sold unit takes from stock (empty: nothing of it is counted)."""

    offer_id: int
    channel_id: int
    unit_id: int
    pack_factor: int
    parts: tuple[tuple[int, int], ...]


ANY = 0


class OfferIndex:
    """Offers by the channel's number first, then by SKU."""

    def __init__(self, offers: Sequence[OfferFacts]) -> None:
        self._by_id: dict[tuple[int, str], Mapped] = {}
        self._by_sku: dict[tuple[int, str], Mapped] = {}
        for rows in _grouped(offers):
            first = rows[0]
            mapped = Mapped(first.id, first.channel_id, first.unit_id, first.pack_factor, _parts(rows))
            for channel in (ANY, first.channel_id):
                self._by_sku.setdefault((channel, first.sku), mapped)
                if first.external_id:
                    self._by_id.setdefault((channel, first.external_id), mapped)

    def find(self, ref: OfferRef, channel: int = ANY) -> Mapped | None:
        """The offer of this name on the channel, or on the first that has one."""
        return self._by_id.get((channel, ref.external_id)) or self._by_sku.get((channel, ref.sku))

    def parts(self) -> dict[int, tuple[tuple[int, int], ...]]:
        """Parts per stock unit of all offers found."""
        return {mapped.unit_id: mapped.parts for mapped in (*self._by_id.values(), *self._by_sku.values())}


def _grouped(offers: Sequence[OfferFacts]) -> Iterable[list[OfferFacts]]:
    groups: dict[int, list[OfferFacts]] = {}
    for row in offers:
        groups.setdefault(row.id, []).append(row)
    return groups.values()


def _parts(rows: Sequence[OfferFacts]) -> tuple[tuple[int, int], ...]:
    """Counted parts, as ``lines.load_parts`` gives them; a unit that is no kit is its own only part."""
    return tuple((row.component_id or row.unit_id, row.component_quantity or 1) for row in rows if row.stocked)


def cancelled_units(order: RemoteOrder, line: RemoteOrderLine, asked: Mapping[tuple[str, str], Asked]) -> int:
    """Cancelled units of a line: what the channel says, plus what we asked it to cancel and it cannot show yet.

    Of calls whose outcome is unknown, no more is added than counted as cancelled before: the channel may be showing their effect already.
    """
    if order.state is OrderState.CANCELLED:
        return line.ordered - line.shipped
    ours = asked.get((order.order_id, line.line_id), NOTHING_ASKED)
    least = line.cancelled + ours.waiting
    return min(max(least, min(ours.held, least + ours.unknown)), line.ordered)


def amount_rows(order_id: int, order: RemoteOrder, lines: Mapping[str, int]) -> list[AmountRow]:
    """Money of a snapshot, as the channel stated it (C14)."""
    rows = [_amount(order_id, None, charge) for charge in order.charges]
    for line in order.lines:
        rows += [_amount(order_id, lines.get(line.line_id), charge) for charge in line.charges]
    return rows


def _amount(order_id: int, line_id: int | None, charge: Charge) -> AmountRow:
    return (
        order_id,
        line_id,
        str(charge.kind),
        charge.money.amount,
        charge.money.currency,
        charge.tax_included,
        charge.rate,
        str(charge.owed_by),
        charge.label[:100],
    )


def buyer_text(buyer: Buyer) -> str:
    """Personal data of an order for the vault."""
    return msgspec.json.encode(buyer).decode()


def buyer_words(buyer: Buyer) -> tuple[str, ...]:
    """What an order is found by: the e-mail address, and the words of the buyer's name and company as far as there is room."""
    return tuple(dict.fromkeys(words_of(buyer.email) + words_of(f"{buyer.name} {buyer.company}")))[:MOST_WORDS]


_buyer = msgspec.json.Decoder(Buyer)
"""Made once, at import: threads that look at a type for the first time at once would crash (``stallkit.structs``)."""


def buyer_from(text: str) -> Buyer:
    return _buyer.decode(text)
