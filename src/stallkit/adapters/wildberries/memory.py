"""What an adapter remembers of what it has read, so that it finds it again with one call. Nothing rests on it: a new process asks more."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from stallkit.adapters.wildberries.wire_orders import Group
from stallkit.types import OfferRef

MOST = 20_000


@dataclass
class Memory:
    """The newest orders: when their units were created, and which order an ``rid`` belongs to."""

    times: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)
    rids: OrderedDict[str, tuple[str, OfferRef]] = field(default_factory=OrderedDict)
    """Order and offer of a unit, by the number under which returns know it."""
    supplies: dict[str, str] = field(default_factory=dict)
    """The open supply of each kind that was used last."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Card number by size number; a size never changes its card."""
    goods_read: int = 0
    """How far the list of prices has been read for ``sizes``."""

    def keep(self, group: Group) -> None:
        self.times[group.order_id] = (int(group.placed_at.timestamp()), int(group.last_at.timestamp()))
        for unit in group.units:
            if unit.rid:
                self.rids[unit.rid] = (group.order_id, unit.ref)
        while len(self.times) > MOST:
            self.times.popitem(last=False)
        while len(self.rids) > MOST:
            self.rids.popitem(last=False)
