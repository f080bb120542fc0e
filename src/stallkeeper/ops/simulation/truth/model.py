"""The model itself: it is told what the world does, looks at the tables after each commit, and says what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.events import TruthEvent
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.ops.simulation.truth.stalls import StallView
from stallkeeper.ops.simulation.truth.stock_rules import Stock


@dataclass
class Truth:
    """One a seed. ``after_commit`` and ``at_end`` are called outside of the product's transactions; they read only."""

    organisation_id: int
    stalls: Sequence[StallView]
    shop: Shop = field(init=False)
    stock: Stock = field(default_factory=Stock)
    events: list[TruthEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shop = Shop(self.organisation_id)

    def told(self, event: TruthEvent) -> None:
        """The world did this."""
        self.events.append(event)

    def after_commit(self, where: str) -> list[Breach]:
        """What is wrong now, after the commit ``where``; empty if all is well. Works through everything that was told since the last."""
        return [Breach(breach.invariant, f"{breach.text} (after {where})") for breach in self._now()]

    def at_end(self) -> list[Breach]:
        """The same once everything is quiet, with what must hold only then."""
        return list(self._now())

    def _now(self) -> Iterator[Breach]:
        self.shop.look()
        yield from self.stock.check(self.shop)
