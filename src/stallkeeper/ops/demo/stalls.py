"""The demo's side of the pipe to the world process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from stallkeeper.ops.demo.goods import Article, on_show

Json = dict[str, Any]


class WorldEnded(RuntimeError):
    """The process with the stalls is gone; its last words stand above."""


def plan(articles: Sequence[Article], seed: int, rate: float, share: dict[str, float], limits_scale: float) -> Json:
    """What the world is made of: every stall shows the right first numbers already."""
    by_sku = {article.sku: article for article in articles}
    offers: dict[str, list[Json]] = {stall: [] for stall in share}
    for article in articles:
        for stall, sku in article.stalls.items():
            shown = on_show(article, by_sku)
            offers[stall].append({"sku": sku, "quantity": shown, "price": article.price, "title": article.title, "gtin": article.gtin})
    twins = {article.sku: article.stalls for article in articles if len(article.stalls) > 1}
    return {"seed": seed, "rate": rate, "share": share, "limits_scale": limits_scale, "stalls": offers, "twins": twins}


class World:
    """The world process. ``with World(plan) as world``; safe to use from several threads. Starting takes a second, in the background."""

    def __init__(self, what: Json, module: str = "stallkeeper.ops.demo.world") -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._tell(what)
        self._stalls: dict[str, Json] = {}

    @property
    def stalls(self) -> dict[str, Json]:
        """Where each stall is, and what opens it."""
        with self._lock:
            self._stalls = self._stalls or self._hear()
        return self._stalls

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, command: Json) -> Json:
        with self._lock:
            self._tell(command)
            return self._hear()

    def _tell(self, command: Json) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorldEnded(f"The stalls' process ended ({self._process.wait()}).") from None

    def _hear(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorldEnded(f"The stalls' process ended ({self._process.wait()}).")
        answer: Json = json.loads(line)
        return answer

    def hints(self, addresses: dict[str, str]) -> None:
        """Where the platforms send their callbacks from now on."""
        self._ask({"do": "hints", "addresses": addresses})

    def trade(self) -> None:
        """Let buyers in."""
        self._ask({"do": "trade"})

    def calm(self) -> None:
        """No buyer comes any more."""
        self._ask({"do": "calm"})

    def counts(self) -> Json:
        """Orders and calls so far."""
        return self._ask({"do": "counts"})

    def shown(self) -> dict[str, dict[str, list[int]]]:
        """By stall and SKU: what buyers see, and the seller's figure."""
        return self._ask({"do": "shown"})

    def orders(self) -> dict[str, dict[str, str]]:
        """By stall: order ids and their states."""
        return self._ask({"do": "orders"})

    def hand_over(self, stall: str, order: str) -> None:
        """Parcels of an order are on their way to the platform's people."""
        self._ask({"do": "hand_over", "stall": stall, "order": order})

    def report(self, file: Path) -> Json:
        """All logs of all stalls."""
        self._ask({"do": "report", "file": str(file)})
        report: Json = json.loads(file.read_text())
        return report
