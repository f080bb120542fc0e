"""Invariant 2 where a platform cuts orders up: what was sold once is kept once, in whichever of the orders it is by now (S3.60)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Line
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkit.testing.shop import ShopOrder

Units = Counter[int]
"""By stock unit."""


def kept_once(shop: Shop, stalls: Mapping[int, StallView]) -> Iterator[Breach]:
    """2: an order and those that were cut off it keep no more units together than were ordered at first. ``stalls`` by connection."""
    kept: dict[int, Units] = defaultdict(Counter)
    for row in shop.now.reservations:
        if row.owner_type == "line":
            kept[row.owner_id][row.stock_unit_id] += row.quantity
    for connection, stall in stalls.items():
        for first, family in _families(stall.emulator.orders).items():
            here = {order.id for order in shop.orders.values() if order.connection_id == connection and order.external_id in family}
            lines = [line for line in shop.lines.values() if line.order_id in here and line.stock_unit_id is not None]
            held = sum((kept[line.id] for line in lines), Units())
            most = _ordered(shop, family.values(), lines)
            for unit in sorted(held):
                if held[unit] > most[unit]:
                    told = f"{held[unit]} of {shop.sku(unit)} are kept for it and what was cut off it"
                    yield Breach("2", f"order {first}: {told}, {most[unit]} were ordered")


def _families(orders: Mapping[str, ShopOrder]) -> dict[str, dict[str, ShopOrder]]:
    """Orders that were cut up, with their parts, by the number of the first."""
    found: dict[str, dict[str, ShopOrder]] = defaultdict(dict)
    for number, order in orders.items():
        first = number
        while parent := orders[first].extra.get("parent"):
            first = parent
        found[first][number] = order
    return {first: family for first, family in found.items() if len(family) > 1}


def _ordered(shop: Shop, family: Iterable[ShopOrder], lines: Iterable[Line]) -> Units:
    """What buyers ordered of it in the beginning, by what our lines say of the articles. Cutting up moves units, it adds none."""
    known = {line.sku: line for line in lines}
    most = Units()
    for told in (line for order in family for line in order.lines if line.sku in known):
        ours = known[told.sku]
        for unit, number in shop.recipes[ours.stock_unit_id or 0]:
            most[unit] += told.ordered * number * ours.pack_factor
    return most
