"""The copy that the dummy market's order list is answered from while it lags: every order as it was some time ago."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from stallkit.testing.shop import ShopOrder


@dataclass
class Copy:
    """Remembers the states in which orders were when the list was asked for, each by the moment of its change."""

    versions: dict[str, list[ShopOrder]] = field(default_factory=dict)

    def at(self, orders: Iterable[ShopOrder], moment: datetime) -> dict[str, ShopOrder]:
        """The orders as they were at ``moment``, as far as anybody has seen them then; one that was not there yet is left out."""
        shown: dict[str, ShopOrder] = {}
        for order in orders:
            kept = self.versions.setdefault(order.order_id, [])
            if not kept or kept[-1].modified_at != order.modified_at:
                kept.append(deepcopy(order))
            then = [version for version in kept if version.modified_at <= moment]
            if then:
                shown[order.order_id] = order if then[-1] is kept[-1] else then[-1]
        return shown
