"""The lines of an order with what is promised to them, and units that an unknown SKU may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stallkeeper.backoffice.listing_rows import Candidate, rows_of
from stallkeeper.backoffice.offer_rows import units_like
from stallkeeper.catalog.models import StockUnit
from stallkeeper.channels.likeness import alike
from stallkeeper.channels.models import RemoteListing
from stallkeeper.orders.models import Order, OrderLine
from stallkeeper.stock.models import Reservation

LOOKED_UP = 5
"""Unknown lines of an order for which units are looked up: each costs a search."""
OFFERED = 3


@dataclass(frozen=True)
class LineRow:
    """A line, its reservations, and for an unknown SKU the units that fit and the listing that it is sold by."""

    line: OrderLine
    reservations: tuple[Reservation, ...]
    candidates: tuple[Candidate, ...] = ()
    listing: RemoteListing | None = None


def line_rows(order: Order, lines: Sequence[OrderLine]) -> list[LineRow]:
    """In the order of the lines. Two statements, and a search for each of the first LOOKED_UP unknown lines."""
    promised = Reservation.objects.filter(owner_type="line", owner_id__in=[line.pk for line in lines])
    held: dict[int, list[Reservation]] = {}
    for row in promised.select_related("location", "stock_unit").order_by("location__priority", "pk"):
        held.setdefault(row.owner_id, []).append(row)
    unknown = [line for line in lines if line.stock_unit_id is None and line.open > 0][:LOOKED_UP]
    known = _candidates(order, unknown) if unknown else {}
    return [LineRow(line, tuple(held.get(line.pk, ())), *known.get(line.pk, ((), None))) for line in lines]


def _candidates(order: Order, lines: Sequence[OrderLine]) -> dict[int, tuple[tuple[Candidate, ...], RemoteListing | None]]:
    """What fits the listing, with its evidence; else units whose title is alike."""
    listings = RemoteListing.objects.filter(channel_id=order.channel_id, sku__in=[line.sku for line in lines], offer=None)
    rows = {row.listing.sku: row for row in rows_of(list(listings.select_related("channel", "offer")[:LOOKED_UP]), [])}
    found = {}
    for line in lines:
        row = rows.get(line.sku)
        fits = row.candidates if row else ()
        found[line.pk] = (fits[:OFFERED] or _alike(line), row.listing if row else None)
    return found


def _alike(line: OrderLine) -> tuple[Candidate, ...]:
    text = line.title or line.sku
    units = StockUnit.objects.filter(pk__in=units_like(text), active=True)[: 10 * OFFERED]
    fits = [Candidate(unit.pk, unit.sku, "", "", 1, unit.title, alike(text, unit.title)) for unit in units]
    return tuple(sorted(fits, key=lambda each: (-each.alike, each.sku))[:OFFERED])
