"""The copy that the dummy market's order list is answered from while it lags: each order as it was some time ago.

Orders lie in parts of the copy that are behind by themselves: one may be shown as it is while another is shown as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from stallkit.testing.shop import ShopOrder

UP_TO_DATE, JUST_MISSED = 0.35, 0.35
"""How often a part of the copy has all of an order, and how often it lacks nothing but the last change: so one list may show what the
list before it did not show yet, and the next one not any more."""


@dataclass
class Copy:
    """Remembers the states in which orders were when the list was asked for, each by the moment of its change."""

    chance: Random
    versions: dict[str, list[ShopOrder]] = field(default_factory=dict)

    def at(self, orders: Iterable[ShopOrder], now: datetime, behind: timedelta) -> dict[str, ShopOrder]:
        """The orders as they were up to ``behind`` ago, as far as anybody has seen them then; one that was not there yet is left out."""
        shown: dict[str, ShopOrder] = {}
        for order in orders:
            kept = self.versions.setdefault(order.order_id, [])
            if not kept or kept[-1].modified_at != order.modified_at:
                kept.append(deepcopy(order))
            then = self._part(kept, now, behind)
            if then:
                shown[order.order_id] = order if then[-1] is kept[-1] else then[-1]
        return shown

    def _part(self, kept: list[ShopOrder], now: datetime, behind: timedelta) -> list[ShopOrder]:
        """The states that the part in which the order lies has heard of."""
        part = self.chance.random()
        if now - kept[-1].modified_at >= behind or part < UP_TO_DATE:
            return kept
        if part < UP_TO_DATE + JUST_MISSED:
            return kept[:-1]
        moment = now - behind * self.chance.random()
        return [version for version in kept if version.modified_at <= moment]
