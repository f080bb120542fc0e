"""What a stall's own limit allows: how late cuts would be if nothing took any time but the wait that the platform asks for. Pure.

A platform may take the figure of one offer only every so often (Ozon: once in 30 seconds). A sender who knows each sale at once, and writes
as soon as the offer's next turn comes, is late by that wait alone. He is given the very sales of this demo, so his lags are what the limit
allows today: few where sales are far apart, up to the whole wait where everybody buys the same. Raises use up turns as well, his and ours.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stallkeeper.ops.demo.judge import Cut, Offer, Pool, Recipes, Shown, Sold, Supplied, cuts, merged, sharing

UNTHROTTLED = 5.0
"""Seconds from a sale to the cut elsewhere, 95 of 100, where no limit is in the way (issue 4, what it must show, 6)."""
SLACK = 1.2
"""Where one is: so many times what it allows."""

INSTANT = timedelta(microseconds=1)
"""A push comes after the sale that it is for."""


def allowed(ideal_p95: float | None) -> float:
    """Seconds within which 95 of 100 cuts must be made on a stall; ``ideal_p95`` is the ideal sender's, None where nothing throttles."""
    return max(UNTHROTTLED, SLACK * ideal_p95) if ideal_p95 is not None else UNTHROTTLED


@dataclass(slots=True)
class Sender:
    """Writes figures of one stall, each offer's at most once in ``pause``, without any delay of his own."""

    stall: str
    pause: timedelta
    since: datetime
    """What was entered before trade began uses up no turn."""
    pool: Pool
    shown: dict[Offer, int]
    free_at: dict[Offer, datetime] = field(default_factory=dict)
    turns: list[tuple[datetime, Offer]] = field(default_factory=list)

    def until(self, at: datetime) -> Iterator[Shown]:
        """Take the turns that have come by then."""
        while self.turns and self.turns[0][0] <= at:
            moment, offer = heapq.heappop(self.turns)
            yield from self.write(offer, moment)

    def write(self, offer: Offer, at: datetime) -> Iterator[Shown]:
        """Send what the offer may show, now or at its next turn; nothing if it shows that."""
        right = self.pool.allowance(offer)
        if self.shown[offer] == right:
            return
        turn = self.free_at.get(offer, at)
        if turn > at:
            heapq.heappush(self.turns, (turn, offer))
            return
        self.shown[offer] = right
        if at >= self.since:
            self.free_at[offer] = at + self.pause
        yield Shown(at + INSTANT, offer, right, "push")


def diary(sender: Sender, supplies: Iterable[Supplied], sales: Iterable[Sold], end: datetime) -> list[Shown]:
    """What the ideal sender's stall shows."""
    shares, kept = sharing(sender.pool.recipes), list[Shown]()
    for event in merged(supplies, sales, ()):
        kept += sender.until(event.at)
        if isinstance(event, Supplied):
            sender.pool.units[event.unit] += event.quantity
            touched: Sequence[str] = (event.unit,)
        elif isinstance(event, Sold):
            sender.pool.sell(event)
            touched = tuple(sender.pool.recipes[event.offer])
            if event.offer[0] == sender.stall:
                sender.shown[event.offer] -= event.quantity
                kept.append(Shown(event.at, event.offer, sender.shown[event.offer], "sale"))
        for offer in sorted({offer for unit in touched for offer in shares.get(unit, ()) if offer[0] == sender.stall}):
            kept += sender.write(offer, event.at)
    return [*kept, *sender.until(end)]


def ideal_cuts(
    recipes: Recipes,
    start: Mapping[Offer, int],
    supplies: Sequence[Supplied],
    sales: Sequence[Sold],
    stall: str,
    pause: timedelta,
    since: datetime,
    end: datetime,
) -> list[Cut]:
    """The cuts on one stall as the ideal sender makes them, for sales at or after ``since``."""
    sender = Sender(stall, pause, since, Pool(recipes), dict(start))
    written = diary(sender, supplies, sales, end)
    return [cut for cut in cuts(recipes, start, supplies, sales, written, since) if cut.offer[0] == stall]
