"""Somebody's program that sends the numbers of a place by itself: mostly what has changed since it last heard a yes, at times all of it.

It uses the hub's own door for figures (``api.stock``). A packet without an answer goes out again as it was; after a no, everything does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from django.test import RequestFactory
from django.urls import resolve

from stallkeeper.ops.simulation.truth.files import Books, Said

if TYPE_CHECKING:
    from stallkeeper.ops.simulation.world import World

ADDRESS = "/api/v1/stock/"
PROGRAMS = 0.5
"""Part of the days with a source on which it is a program."""
ALL_OF_IT = 0.25
"""Part of its packets that list everything."""
FACTORY = RequestFactory()


def is_program(seed: int) -> bool:
    """Whether the source of this seed, if it has one, is a program that sends."""
    return Random(f"program:{seed}").random() < PROGRAMS  # noqa: S311


@dataclass
class Program:
    """``figures``: what it knows now; ``told``: what the hub has said yes to; ``packet``: (key, body) that has no answer yet."""

    world: World
    key: str
    figures: dict[str, int]
    told: dict[str, int] = field(default_factory=dict)
    packet: tuple[str, bytes] | None = None
    books: Books = field(init=False)

    def __post_init__(self) -> None:
        self.books = Books(Said(b"", self.world.clock.at, {}))

    def change(self, dice: Random, *, good: bool = False) -> str:
        """Goods come and go there; ``good``: from now on it will send all of it."""
        for sku in dice.sample(sorted(self.figures), dice.choice((1, 1, 2))):
            self.figures[sku] = dice.randint(0, 12)
        if good:
            self.told.clear()
            self.packet = None
        return str(self.figures)

    def send(self, dice: Random) -> None:
        """The next packet, or the one that was not answered once more."""
        if self.packet is None:
            self.packet = self._packet(whole=not self.told or dice.random() < ALL_OF_IT)
        if self.packet is None:
            return
        key, body = self.packet
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key}
        request = FACTORY.post(ADDRESS, body, "application/json", headers=headers)
        view = resolve(ADDRESS)
        status = view.func(request, *view.args, **view.kwargs).status_code
        self.world.note(f"their program was answered {status}")
        if status >= 500:
            return
        self.packet = None
        if status >= 400:
            self.told.clear()
            return
        self.world.reach("a program sent its figures" if self.books.now.whole else "a program sent a list of changes")
        self.told |= self.books.now.figures
        self.books.answered_at = self.world.clock.at

    def _packet(self, *, whole: bool) -> tuple[str, bytes] | None:
        """What it has to say; None if there is nothing."""
        figures = {sku: units for sku, units in self.figures.items() if whole or self.told.get(sku) != units}
        if not figures:
            return None
        at, key = self.world.clock.at, f"packet {self.world.number()}"
        rows = [{"sku": sku, "quantity": units} for sku, units in figures.items()]
        body = json.dumps({"as_of": at.isoformat(), "whole": whole, "figures": rows}).encode()
        said = Said(body, at, figures, rows=len(rows), whole=whole)
        self.books.now = self.books.said[f"key:{hashlib.sha256(key.encode()).hexdigest()[:60]}"] = said
        return key, body
