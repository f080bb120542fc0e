"""Buyers: they order, in a hurry or not, often the last units; they change their minds. One seed gives one crowd.

Everything that a buyer wants is drawn from a generator of his own, so that what he does depends on the seed and on what the stalls show at
his moment, and on nothing that others did before.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random

from stallkit.testing.emulator import Emulator, SoldOut

LAST_UNITS = 0.2
"""Part of the buyers who want what is nearly sold out."""
TRIES = 8
NAMES = ("Ada Example", "Ben Sample", "Cleo Muster", "Dan Beispiel", "Eva Exemplu", "")


@dataclass(frozen=True, slots=True)
class Crowd:
    """How the buyers behave. ``rate``: orders a second over all stalls; ``share``: part of them on each stall; chances of the rest."""

    seed: int
    rate: float
    share: Mapping[str, float]
    rush: float = 0.08
    pending: float = 0.06
    cancels: float = 0.08
    asks: float = 0.05
    pending_on: frozenset[str] = frozenset({"emag"})
    """Stalls that show orders that are not paid yet."""


@dataclass(order=True, slots=True)
class Due:
    """Something that happens at a moment."""

    at: float
    number: int
    action: Callable[[], object] = field(compare=False)


class Buyers:
    """A thread that lets buyers come for as long as trade goes on. ``groups`` are the offers that share stock, to rush on."""

    def __init__(self, crowd: Crowd, stalls: Mapping[str, Emulator], twins: Mapping[str, Mapping[str, str]]) -> None:
        self.crowd, self.stalls, self.twins = crowd, stalls, twins
        self.placed = self.turned_away = self.cancelled = self.asked = self.pending = 0
        self._due: list[Due] = []
        self._numbers = count()
        self._open = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="buyers")

    def open(self) -> None:
        """Let them in."""
        self._open.set()
        self._at(0.0, lambda: self._arrive(0))
        self._thread.start()

    def close(self) -> None:
        """Nobody comes any more; those who are in make up their minds now."""
        self._open.clear()
        self._thread.join()
        while self._due:
            heapq.heappop(self._due).action()

    def _at(self, wait: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._due, Due(time.monotonic() + wait, next(self._numbers), action))

    def _work(self) -> None:
        while self._open.is_set():
            wait = self._due[0].at - time.monotonic() if self._due else 0.05
            if wait > 0:
                time.sleep(min(wait, 0.05))
            else:
                heapq.heappop(self._due).action()

    # --- one buyer ------------------------------------------------------------------------------------------------------------------------

    def _arrive(self, number: int) -> None:
        """Buyer ``number`` orders, or starts a rush; the next one is on his way."""
        if not self._open.is_set():
            return
        chance = Random(f"buyer/{self.crowd.seed}/{number}")  # noqa: S311 - a toy crowd
        self._at(chance.uniform(0.4, 1.6) / self.crowd.rate, lambda: self._arrive(number + 1))
        if chance.random() < self.crowd.rush and self.twins:
            self._rush(chance)
        else:
            stall = chance.choices(list(self.crowd.share), list(self.crowd.share.values()))[0]
            self._order(chance, stall)

    def _rush(self, chance: Random) -> None:
        """A handful of buyers want the same thing within a second, on all stalls that sell it."""
        article = chance.choice(sorted(self.twins))
        for stall, sku in sorted(self.twins[article].items()):
            for _ in range(chance.randint(1, 2)):
                self._at(chance.uniform(0, 0.8), partial(self._buy, chance, stall, [(sku, 1)]))

    def _order(self, chance: Random, stall: str) -> None:
        scarce = chance.random() < LAST_UNITS
        for _ in range(TRIES):
            lines = [(self._pick(chance, stall, scarce), chance.choice([1, 1, 1, 2])) for _ in range(chance.choice([1, 1, 2, 3]))]
            if scarce:
                lines = [(lines[0][0], 1)]
            if self._buy(chance, stall, list(dict(lines).items())):
                return

    def _pick(self, chance: Random, stall: str, scarce: bool) -> str:
        shop = self.stalls[stall]
        skus = sorted(shop.offers)
        seen = [sku for sku in chance.sample(skus, min(40, len(skus))) if shop.quantity_of(sku) > 0]
        if not seen:
            return chance.choice(skus)
        few = [sku for sku in seen if shop.quantity_of(sku) <= 2]
        return chance.choice(few if scarce and few else seen)

    def _buy(self, chance: Random, stall: str, lines: list[tuple[str, int]]) -> bool:
        pending = stall in self.crowd.pending_on and chance.random() < self.crowd.pending
        try:
            order = self.stalls[stall].place_order(lines, pending=pending, buyer_name=chance.choice(NAMES))
        except SoldOut:
            self.turned_away += 1
            return False
        self.placed += 1
        self._reconsider(chance, stall, order, pending)
        return True

    def _reconsider(self, chance: Random, stall: str, order: str, pending: bool) -> None:
        """What he does afterwards: pay late or never, cancel, ask to cancel, or (nearly always) wait for his parcel."""
        shop, mood = self.stalls[stall], chance.random()
        if pending:
            self.pending += 1
            pays = mood < 0.7
            self._at(chance.uniform(3, 7), lambda: shop.confirm_payment(order) if pays else self._cancel(shop, order))
        elif mood < self.crowd.cancels:
            self._at(chance.uniform(0.3, 5), lambda: self._cancel(shop, order))
        elif mood < self.crowd.cancels + self.crowd.asks:
            self._at(chance.uniform(3, 10), lambda: self._ask(shop, order))

    def _cancel(self, shop: Emulator, order: str) -> None:
        self.cancelled += shop.buyer_cancels(order)

    def _ask(self, shop: Emulator, order: str) -> None:
        self.asked += 1
        shop.request_cancel(order)
