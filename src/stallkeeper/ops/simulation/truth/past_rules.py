"""Past figures: what offers were meant to show at some moments of the day is kept as it stood then, and must be what explaining a moment
gives at its end; and no case file of an oversell may say "bug".

A moment is fit to be kept while nobody is in the middle of anything: what is under way has a time already, and is not there yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from stallkeeper.channels import past
from stallkeeper.channels.past import View
from stallkeeper.ops.simulation.truth import deep_queries
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.shop import Shop
from stallkeeper.orders import cases
from stallkeeper.orders.models import Shortage
from stallkeeper.orders.verdicts import Kind

EVERY = 3
"""One moment of so many is kept."""
MOMENTS, CASES = 3, 3
"""So many of a day are looked at again."""
AFTER = timedelta(microseconds=1)


class Past:
    """What stood on the offers at moments of the day.

    ``fit``: no process has worked by a wrong clock. One that has may have written down that something was promised after it was given back:
    then nothing is judged that is told from such moments, neither past figures nor who was first in a case file.
    """

    def __init__(self) -> None:
        self.quiet = 0
        self.kept: list[tuple[datetime, dict[int, int | None]]] = []
        self.fit = True

    def keep(self, shop: Shop, at: datetime) -> None:
        """Nobody is in the middle of anything: now and then, write down what the offers are meant to show."""
        self.quiet += 1
        if self.quiet % EVERY or not self.fit:
            return
        figures = deep_queries.intended(shop.organisation_id)
        if figures is not None:
            self.kept.append((at, figures))

    def check(self, shop: Shop) -> Iterator[Breach]:
        """At the end of the day."""
        chance = Random(f"past:{len(self.kept)}:{shop.looks}")  # noqa: S311
        for at, figures in chance.sample(self.kept, min(MOMENTS, len(self.kept))) if self.fit else ():
            yield from _explained(shop, at, {offer: stood for offer, stood in figures.items() if offer in shop.offers})
        lines = list(Shortage.objects.order_by("id").values_list("line_id", flat=True))
        for line in chance.sample(lines, min(CASES, len(lines))) if self.fit else ():
            file = cases.open_case(shop.organisation_id, line)
            if file.verdict.kind is Kind.BUG:
                yield Breach("3", f"the case file of {shop.line(shop.lines[line])} says bug: {file.verdict.broken}")


def _explained(shop: Shop, at: datetime, figures: dict[int, int | None]) -> Iterator[Breach]:
    if not figures:
        return
    found = past.gather(shop.organisation_id, None, sorted(figures), at + AFTER, View.THEN)
    for offer, number in zip(found.facts.offers["id"].tolist(), found.figures().tolist(), strict=True):
        explained = None if number < 0 else number
        if explained != figures[offer]:
            text = f"{shop.offer(shop.offers[offer])} was meant to show {figures[offer]} at {at}, explained it is {explained}"
            yield Breach("10", text)
