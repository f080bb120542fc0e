"""What a snapshot did to a line, seen from the offer: units that opened or closed, and events that move the channel's own figure. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stallkeeper.channels.delivery import OwnSale
from stallkeeper.orders.models import Order
from stallkeeper.orders.queries import WrittenLine
from stallkit.types import RemoteOrder

UNACKNOWLEDGED = frozenset({str(Order.State.PENDING), str(Order.State.NEW)})


@dataclass(frozen=True, slots=True)
class LineStory:
    """A line after a snapshot was written. ``state_before`` is "" for a new order; ``gone`` units left without us, ``taken_back``
    units have not left after all by the channel's word (``departures``)."""

    row: WrittenLine
    order: RemoteOrder
    state_before: str
    gone: int
    fetched_at: datetime
    taken_back: int = 0
    known_at: datetime | None = None
    """Of when the snapshot before is; None for a new order."""
    moved: int = 0
    """Units that came from, or went to, another order that the channel has cut up: no figure of it moved for them."""

    @property
    def _was_new(self) -> bool:
        return self.state_before in UNACKNOWLEDGED

    @property
    def _is_new(self) -> bool:
        return str(self.order.state) in UNACKNOWLEDGED

    @property
    def _open_before(self) -> int:
        return max(self.row.open_before, 0)

    @property
    def _open(self) -> int:
        """Open units by the snapshot, before those that left without us."""
        return self.row.ordered - self.row.cancelled - self.row.shipped

    def opened(self) -> int:
        """Sold units that are open now and were not (negative: no longer open)."""
        return self._open - self.gone - self._open_before

    def unacknowledged(self) -> int:
        """The same for units that the channel does not know we have."""
        return (self._open - self.gone if self._is_new else 0) - (self._open_before if self._was_new else 0)

    def own_sales(self) -> list[OwnSale]:
        return list(self._events())

    @property
    def _since(self) -> datetime | None:
        """Since when the change may have happened, where the platform does not tell when it did (a read may have shown what it changed)."""
        return None if self.order.modified_at else self.known_at or self.order.ordered_at

    def _events(self) -> Iterator[OwnSale]:
        offer = self.row.offer_id
        if offer is None:
            return
        changed_at = self.order.modified_at or self.fetched_at
        fresh = self.row.open_before < 0
        sold = self.row.ordered - (self.moved if fresh else 0)
        if fresh and sold > 0:
            yield OwnSale(offer, sold, self.order.ordered_at, "order")
        fewer = self.row.cancelled if fresh else max(self._open_before - self._open - self.moved, 0)
        if fewer:
            yield OwnSale(offer, fewer, changed_at, "cancel_unacknowledged" if fresh or self._was_new else "cancel", since=self._since)
        known_now = not self._is_new and (fresh or self._was_new)
        if known_now and self.row.ordered > self.row.cancelled:
            # At any time since we knew it as new: it may have been a call of ours whose reply was lost, and changed again after that.
            yield OwnSale(offer, self.row.ordered - self.row.cancelled, changed_at, "acknowledge", since=self.known_at)
        if self.taken_back:
            yield OwnSale(offer, self.taken_back, changed_at, "taken_back")
        if self.gone:
            yield OwnSale(offer, self.gone, changed_at, "ship")
