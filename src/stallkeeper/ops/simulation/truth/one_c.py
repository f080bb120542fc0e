"""A 1C base as the model sees it: what its files said of each place, and how our orders stood in its books then, by pencil and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class InBooks:
    """An order in 1C. ``lines``: units by SKU, as handed over last. ``booked``: units by (SKU, place) that have left 1C's books for it.

    ``confirmed_at``: when 1C was told that its ``success`` for these lines had arrived; None if it was not. ``told``: (shipped, cancelled)
    as 1C has told the hub last, and was heard; None if a reply is missing.
    """

    lines: Mapping[str, int]
    booked: Mapping[tuple[str, int], int]
    shipped: bool
    cancelled: bool
    confirmed_at: datetime | None
    told: tuple[bool, bool] | None

    @property
    def is_told(self) -> bool:
        """Whether the hub knows what became of it."""
        return self.told == (self.shipped, self.cancelled)

    def reserved(self, sku: str) -> int:
        """Units that 1C takes off its free figure."""
        return 0 if self.shipped or self.cancelled else self.lines.get(sku, 0)


@dataclass(frozen=True)
class Packet:
    """A file with figures. ``figures`` by (SKU, place) as 1C showed them; ``formed_at`` is the date in it, ``read_at`` when it was formed.

    ``whole``: what it does not list, 1C does not have. ``orders``: its books of then, by our numbers. ``reports``: 1C had said before what
    became of some order, and had been heard.
    """

    figures: Mapping[tuple[str, int], int]
    formed_at: datetime
    read_at: datetime
    whole: bool
    orders: Mapping[int, InBooks]
    reports: bool


@dataclass
class OneCBooks:
    """What a 1C base has said. ``packets`` by the digest of their bytes, as the runs of its source carry it."""

    packets: dict[str, Packet] = field(default_factory=dict)
    orders: dict[int, InBooks] = field(default_factory=dict)
    """Its books of now."""
    last: Packet | None = None
    """The last whole list of which 1C was told that it had arrived."""

    def packet(self, reference: str) -> Packet | None:
        """The one that a run carries: all of the digest, or its beginning."""
        mark = reference.split(":")[-1 if reference.startswith("1c-whole:") else 1]
        return next((packet for known, packet in self.packets.items() if mark and known.startswith(mark)), None)


@dataclass(frozen=True)
class ExchangeView:
    """A 1C base that brings the figures of these places. ``free``: without what it reserves for our orders."""

    source_id: int
    exchange_id: int
    place_ids: Sequence[int]
    mode: str
    free: bool
    books: OneCBooks
