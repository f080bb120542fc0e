"""The velocity guard, from the tables: whatever an order takes is written down while a rule asks for it, once, and no more than that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.rows import Line
from stallkeeper.ops.simulation.truth.shop import Shop

SURE = timedelta(minutes=30)
"""An order as young as this is of the last hour by every clock."""


class Sales:
    """What counted at the last look, and whether any rule asked for it then."""

    def __init__(self) -> None:
        self.known: set[int] = set()
        self.lines: dict[int, Line] = {}
        self.asked = False

    def check(self, shop: Shop, at: datetime) -> Iterator[Breach]:
        """10: what the new lines of young orders took is among the new rows, and nothing is that no line took."""
        asked = any(row.velocity_share for row in shop.channels.values()) or any(row.velocity_share for row in shop.now.overrides)
        written = Counter[int]()
        for row in shop.now.sold:
            if row.id not in self.known:
                written[row.stock_unit_id] += row.quantity
        if asked and self.asked:
            sure, possible = self._taken(shop, at)
            for unit in sorted(written | possible):
                if not sure[unit] <= written[unit] <= possible[unit]:
                    told = f"orders took {sure[unit]} to {possible[unit]}, {written[unit]} are written down"
                    yield Breach("10", f"{shop.units[unit].sku}: of the last hour's sales {told}")
        self.known, self.asked = {row.id for row in shop.now.sold}, asked
        self.lines |= {row.id: row for row in shop.now.lines}

    def _taken(self, shop: Shop, at: datetime) -> tuple[Counter[int], Counter[int]]:
        """By counted unit: what lines that are new, or know their unit since now, took for sure in the last hour, and at most."""
        sure, possible = Counter[int](), Counter[int]()
        parts = {story.order_id for story in shop.now.stories if story.kind == "split_from"}  # their units were sold in another order
        for line in shop.now.lines:
            before, order = self.lines.get(line.id), shop.orders[line.order_id]
            if line.stock_unit_id is None or (before is not None and before.stock_unit_id is not None) or order.fulfilled_by != "seller":
                continue
            for part, number in shop.recipes[line.stock_unit_id]:
                possible[part] += number * line.pack_factor * line.ordered
                if before is None and order.ordered_at > at - SURE and order.id not in parts:
                    sure[part] += number * line.pack_factor * line.ordered
        return sure, possible
