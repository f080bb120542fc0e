"""The world outside a drill, in a process of its own that no fault touches: stalls over loopback HTTP, and buyers who come as fast as the
hub keeps up. It remembers orders, and the moments at which useful work arrived; of calls it only counts the statuses, so that a hundred
thousand orders fit.

Speaks JSON lines like ``stallkeeper.ops.demo.world``. Moments are of the machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import heapq
import json
import sys
import threading
import time
from array import array
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from stallkeeper.ops.demo.world import Postman, now
from stallkit.registry import ADAPTERS
from stallkit.testing.emulator import Call, Emulator, QuantityChange, ShopOrder, SoldOut
from stallkit.testing.serving import Served
from stallkit.types import OrderState

Json = dict[str, Any]
CANCELS = 0.02
"""Part of the buyers who change their mind within three seconds; they may until their order is acknowledged."""
MOST_AT_ONCE = 20
HINTS = 20
"""One order in so many is announced to the hub: a hint for each would be a load of its own."""
FIGURES = {"emag": "general", "walmart": "input"}
"""Where an emulator keeps the seller's figure, if that is not what buyers see."""
ANSWERED = ("/acknowledge", "/acceptance")


class Calls(list[Call]):
    """The emulator's log of calls: counted, not kept."""

    def __init__(self, stall: Stall) -> None:
        super().__init__()
        self.stall, self.statuses = stall, Counter[str]()

    def append(self, call: Call) -> None:
        self.statuses[str(call.status)] += 1
        if call.status == 200 and any(part in call.path for part in ANSWERED):
            self.stall.useful.append(time.monotonic())


class Diary(list[QuantityChange]):
    """The emulator's diary: of each push the moment, of all else nothing."""

    def __init__(self, stall: Stall) -> None:
        super().__init__()
        self.stall = stall

    def append(self, change: QuantityChange) -> None:
        if change.cause == "push":
            self.stall.useful.append(time.monotonic())


class Stall:
    """One emulated account. ``useful``: when an order was acknowledged or a figure accepted."""

    def __init__(self, plan: Json, seed: int, limits_scale: float) -> None:
        self.name, self.platform, self.weight, self.most = plan["name"], plan["platform"], plan["weight"], plan["most"]
        module = import_module(f"{ADAPTERS[self.platform]}.emulator")
        self.config: dict[str, str] = dict(module.CONFIG)
        self.shop: Emulator = module.Emulator(now, seed=seed, limits_scale=limits_scale)
        self.useful = array("d")
        self.placed = 0
        self._waiting: deque[ShopOrder] = deque()
        if self.platform == "dummy":
            setattr(self.shop, "account_id", self.name)  # noqa: B010 - an attribute of one platform's emulator only
        for offer in plan["offers"]:
            self.shop.add_offer(**offer)
        self.skus = sorted(self.shop.offers)
        self.shop.calls = self.calls = Calls(self)
        self.shop.diary = Diary(self)

    def waiting(self) -> int:
        """Orders that the seller has not answered yet."""
        with self.shop.lock:
            self._waiting = deque(order for order in self._waiting if order.state is OrderState.NEW)
            return len(self._waiting)

    def order(self, chance: Random) -> str | None:
        """A buyer takes one or two things; None if he finds them sold out."""
        lines = [(chance.choice(self.skus), chance.choice([1, 1, 1, 2])) for _ in range(chance.choice([1, 1, 2]))]
        try:
            number = self.shop.place_order(list(dict(lines).items()))
        except SoldOut:
            return None
        self.placed += 1
        self._waiting.append(self.shop.orders[number])
        return number

    def cancel(self, number: str) -> bool:
        """The buyer changes his mind, if his order is still new."""
        with self.shop.lock:
            return self.shop.orders[number].state is OrderState.NEW and self.shop.buyer_cancels(number)

    def first_useful(self, since: float) -> float | None:
        place = bisect_left(self.useful, since)
        return self.useful[place] if place < len(self.useful) else None

    def shown(self) -> dict[str, list[int]]:
        """What buyers see and what the seller's figure is, by SKU."""
        figures: dict[str, int] | None = getattr(self.shop, FIGURES.get(self.platform, ""), None)
        with self.shop.lock:
            self.shop.settle()
            seen = {sku: self.shop.quantity_of(sku) for sku in self.skus}
        return {sku: [shown, figures[sku] if figures is not None else shown] for sku, shown in seen.items()}

    def states(self) -> dict[str, int]:
        with self.shop.lock:
            return dict(Counter(order.state.value for order in self.shop.orders.values()))

    def orders(self) -> list[list[object]]:
        """Every order: id, state, calls to acknowledge, ship and cancel, and its lines (id, ordered, cancelled, shipped)."""
        with self.shop.lock:
            return [
                [
                    order.order_id, order.state.value, order.acknowledge_calls, order.ship_calls, order.cancel_calls,
                    order.acknowledged_at is not None,
                    [[line.line_id, line.ordered, line.cancelled, line.shipped] for line in order.lines],
                ]
                for order in self.shop.orders.values()
            ]  # fmt: skip


class Crowd:
    """A thread of buyers: each stall has as many open orders as it may have, until all orders are placed."""

    def __init__(self, stalls: list[Stall], seed: int, orders: int) -> None:
        self.stalls, self.left = stalls, orders
        self.cancelled = self.turned_away = 0
        self._chance = Random(f"drill/{seed}")  # noqa: S311 - a toy crowd
        self._open = threading.Event()
        self._doubts: list[tuple[float, int, str]] = []
        self._thread = threading.Thread(target=self._work, daemon=True, name="buyers")

    def open(self) -> None:
        self._open.set()
        self._thread.start()

    def close(self) -> None:
        """Nobody comes any more; those who have doubts make up their minds now."""
        if self._open.is_set():
            self._open.clear()
            self._thread.join()
            self._change_minds(float("inf"))

    def _work(self) -> None:
        while self._open.is_set():
            self._change_minds(time.monotonic())
            for number, stall in enumerate(self.stalls):
                for _ in range(min(self._wanted(stall), self.left)):
                    self._buy(number, stall)
            time.sleep(0.05)

    def _wanted(self, stall: Stall) -> int:
        """How many orders come now: as many as it may have open, of a stall with little weight one now and then."""
        most = MOST_AT_ONCE if stall.weight >= 1 else int(self._chance.random() < stall.weight)
        return min(max(stall.most - stall.waiting(), 0), most) if most else 0

    def _buy(self, number: int, stall: Stall) -> None:
        order = stall.order(self._chance)
        if order is None:
            self.turned_away += 1
            return
        self.left -= 1
        if self._chance.random() < CANCELS:
            heapq.heappush(self._doubts, (time.monotonic() + self._chance.uniform(0, 3), number, order))

    def _change_minds(self, until: float) -> None:
        while self._doubts and self._doubts[0][0] <= until:
            _, number, order = heapq.heappop(self._doubts)
            self.cancelled += self.stalls[number].cancel(order)


class Market:
    """Stalls, buyers and postman, and the answers to the commands."""

    def __init__(self, plan: Json) -> None:
        self.stalls = [Stall(one, plan["seed"] + number, plan["limits_scale"]) for number, one in enumerate(plan["stalls"])]
        self.crowd = Crowd(self.stalls, plan["seed"], plan["orders"])
        self.postman = Postman()
        for stall in self.stalls:
            stall.shop.listeners.append(self._listener(stall))

    def _listener(self, stall: Stall) -> Callable[[str, str], None]:
        def tell(topic: str, order: str) -> None:
            if topic != "order" or stall.placed % HINTS == 0:
                self.postman.post(stall, topic, order)

        return tell

    def answer(self, command: Json) -> Json:
        """Do what is asked."""
        match command["do"]:
            case "hints":
                self.postman.addresses = command["addresses"]
            case "trade":
                self.crowd.open()
            case "calm":
                self.crowd.close()
            case "useful":
                return {stall.name: stall.first_useful(command["since"]) for stall in self.stalls}
            case "shown":
                return {stall.name: stall.shown() for stall in self.stalls}
            case "states":
                return {stall.name: stall.states() for stall in self.stalls}
            case "orders":
                rows = next(stall for stall in self.stalls if stall.name == command["stall"]).orders()
                Path(command["file"]).write_bytes(msgspec.json.encode(rows))
        return self.counts()

    def counts(self) -> Json:
        return {
            "placed": sum(stall.placed for stall in self.stalls),
            "left": self.crowd.left,
            "waiting": {stall.name: stall.waiting() for stall in self.stalls},
            "cancelled": self.crowd.cancelled,
            "useful": sum(len(stall.useful) for stall in self.stalls),
            "calls": {stall.name: dict(stall.calls.statuses) for stall in self.stalls},
        }


def main() -> None:
    """First line in: the plan. First line out: where the stalls are and what opens them."""
    market = Market(json.loads(sys.stdin.readline()))
    with ExitStack() as stack:
        served = {stall.name: stack.enter_context(Served(stall.shop)) for stall in market.stalls}
        _say({stall.name: {"url": served[stall.name].url, "config": stall.config} for stall in market.stalls})
        for line in sys.stdin:
            _say(market.answer(json.loads(line)))


def _say(answer: Json) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
