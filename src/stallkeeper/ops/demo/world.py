"""The world outside, in a process of its own: both stalls over loopback HTTP, and their buyers. It knows nothing of the hub.

Speaks JSON lines: commands on standard input, one answer each on standard output. It ends when its input ends.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import urllib.error
import urllib.request  # lint: allow http-door because here the emulated platforms call, on loopback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from stallkeeper.ops.demo.buyers import Buyers, Crowd
from stallkit.registry import ADAPTERS
from stallkit.testing.emulator import Emulator, ShopLine, ShopOrder
from stallkit.testing.serving import Served

Json = dict[str, Any]
SCANNED_AFTER = 4.0
"""Seconds that a parcel is on its way to reception."""
BEFORE = 3
"""Orders that lie there already when the seller connects each stall."""


def now() -> datetime:
    return datetime.now(UTC)


class Stall:
    """One emulator with the logs that its base does not keep: cancelled units with their moments."""

    def __init__(self, platform: str, seed: int, limits_scale: float, offers: list[Json]) -> None:
        module = import_module(f"{ADAPTERS[platform]}.emulator")
        self.platform = self.name = platform
        self.config: dict[str, str] = dict(module.CONFIG)
        self.shop: Emulator = module.Emulator(now, seed=seed, limits_scale=limits_scale)
        self.cancels: list[Json] = []
        for offer in offers:
            self.shop.add_offer(**offer)
        self._log_cancels()

    def _log_cancels(self) -> None:
        original = self.shop.cancel_units

        def cancel_units(order: ShopOrder, line: ShopLine, quantity: int) -> None:
            if quantity:
                row = {"at": now().isoformat(), "order": order.order_id, "sku": line.sku, "quantity": quantity}
                self.cancels.append(row)
            original(order, line, quantity)

        setattr(self.shop, "cancel_units", cancel_units)  # noqa: B010 - a method is replaced on purpose

    def figure_of(self, sku: str) -> int:
        """What the seller's last write, and the platform's own bookkeeping, come to: the figure that a read-back shows."""
        shop: Any = self.shop
        if self.platform == "emag":
            return int(shop.general[sku])
        return int(shop.input[sku] if self.platform == "walmart" else self.shop.offers[sku].quantity)

    def counts(self) -> Json:
        with self.shop.lock:
            return {"orders": len(self.shop.orders), "calls": dict(Counter(str(call.status) for call in self.shop.calls))}

    def shown(self) -> dict[str, list[int]]:
        """What buyers see and what the seller's figure is, by SKU."""
        with self.shop.lock:
            return {sku: [self.shop.quantity_of(sku), self.figure_of(sku)] for sku in self.shop.offers}

    def orders_now(self) -> dict[str, str]:
        with self.shop.lock:
            return {order.order_id: order.state.value for order in self.shop.orders.values()}

    def report(self) -> Json:
        """Everything that this stall knows."""
        with self.shop.lock:
            self.shop.settle()
            return {
                "orders": [_order(order) for order in self.shop.orders.values()],
                "cancels": self.cancels,
                "diary": [[entry.at.isoformat(), entry.sku, entry.before, entry.after, entry.cause] for entry in self.shop.diary],
                "calls": [[call.at.isoformat(), call.method, call.path, call.status] for call in self.shop.calls],
                "shown": self.shown(),
                "feeds": _feeds(self.shop),
            }


def _order(order: ShopOrder) -> Json:
    lines = [{name: getattr(line, name) for name in ("line_id", "sku", "ordered", "cancelled", "shipped")} for line in order.lines]
    return {
        "id": order.order_id,
        "at": order.placed_at.isoformat(),
        "state": order.state.value,
        "acknowledged_at": order.acknowledged_at.isoformat() if order.acknowledged_at else None,
        "acknowledge_calls": order.acknowledge_calls,
        "ship_calls": order.ship_calls,
        "lines": lines,
    }


def _feeds(shop: Emulator) -> list[Json]:
    """Bulk submissions, where the platform has them."""
    known = getattr(getattr(shop, "feeds", None), "known", {})
    return [
        {"submitted": feed.submitted_at.isoformat(), "due": feed.due_at.isoformat(), "skus": [item.sku for item in feed.items]}
        for feed in known.values()
    ]


class Sender(Protocol):
    """A stall that sends callbacks, as the postman knows it."""

    name: str
    shop: Emulator


class Postman:
    """Carries the platforms' callbacks to the hub, one after the other; what cannot be delivered is lost, as in life."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.sent = 0
        self._letters: queue.SimpleQueue[tuple[Sender, str, str]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True, name="postman").start()

    def serve(self, stall: Sender) -> None:
        stall.shop.listeners.append(lambda topic, order: self.post(stall, topic, order))

    def post(self, stall: Sender, topic: str, order: str) -> None:
        """Deliver one callback when its turn has come."""
        self._letters.put((stall, topic, order))

    def _work(self) -> None:
        while True:
            stall, topic, order = self._letters.get()
            if address := self.addresses.get(stall.name):
                self._deliver(stall, topic, order, address)

    def _deliver(self, stall: Sender, topic: str, order: str, address: str) -> None:
        call = stall.shop.callback(topic, order)
        if call is None:
            return
        target = address.rstrip("/") + call.path + (f"?{call.query_string or _query(call.query)}" if call.query else "")
        request = urllib.request.Request(target, call.body or None, dict(call.headers), method=call.method)  # noqa: S310 - loopback
        try:
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
            self.sent += 1
        except (urllib.error.URLError, OSError):
            pass


def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


class Reception:
    """The platforms' own people: they scan a parcel some seconds after the seller has handed it over, where a platform does that."""

    def __init__(self) -> None:
        self._parcels: queue.SimpleQueue[tuple[float, Emulator, str]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True, name="reception").start()

    def expect(self, shop: Emulator, order: str) -> None:
        self._parcels.put((time.monotonic() + SCANNED_AFTER, shop, order))

    def _work(self) -> None:
        while True:
            due, shop, order = self._parcels.get()
            time.sleep(max(due - time.monotonic(), 0))
            scan: Callable[[str], None] | None = getattr(shop, "scan", None)
            if scan is not None:
                scan(order)


class World:
    """Stalls, buyers and postman, and the answers to the commands."""

    def __init__(self, plan: Json) -> None:
        self.stalls = {
            platform: Stall(platform, plan["seed"], plan["limits_scale"], offers) for platform, offers in sorted(plan["stalls"].items())
        }
        crowd = Crowd(plan["seed"], plan["rate"], plan["share"])
        self.buyers = Buyers(crowd, {platform: stall.shop for platform, stall in self.stalls.items()}, plan["twins"])
        self.postman, self.reception = Postman(), Reception()
        for stall in self.stalls.values():
            self.postman.serve(stall)
            for sku in sorted(stall.shop.offers)[: BEFORE * 7 : 7]:
                if stall.shop.quantity_of(sku):
                    stall.shop.place_order([(sku, 1)])

    def answer(self, command: Json) -> Json:
        """Do what is asked."""
        match command["do"]:
            case "hints":
                self.postman.addresses = command["addresses"]
            case "trade":
                self.buyers.open()
            case "calm":
                self.buyers.close()
            case "shown":
                return {platform: stall.shown() for platform, stall in self.stalls.items()}
            case "orders":
                return {platform: stall.orders_now() for platform, stall in self.stalls.items()}
            case "hand_over":
                self.reception.expect(self.stalls[command["stall"]].shop, command["order"])
            case "report":
                report = {platform: stall.report() for platform, stall in self.stalls.items()}
                Path(command["file"]).write_text(json.dumps(report))
        return self.counts()

    def counts(self) -> Json:
        buyers = {name: getattr(self.buyers, name) for name in ("placed", "turned_away", "cancelled", "asked", "pending")}
        return {"buyers": buyers, "stalls": {platform: stall.counts() for platform, stall in self.stalls.items()}}


def main() -> None:
    """First line in: the plan. First line out: where the stalls are and what opens them."""
    world = World(json.loads(sys.stdin.readline()))
    with ExitStack() as stack:
        served = {platform: stack.enter_context(Served(stall.shop)) for platform, stall in world.stalls.items()}
        _say({platform: {"url": served[platform].url, "config": stall.config} for platform, stall in world.stalls.items()})
        for line in sys.stdin:
            _say(world.answer(json.loads(line)))


def _say(answer: Json) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
