"""The drill's side of the pipe to the process with the stalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from stallkeeper.ops.demo.stalls import World

Json = dict[str, Any]


class There(msgspec.Struct, array_like=True, frozen=True):
    """An order as its stall knows it. ``lines``: (id, ordered, cancelled, shipped)."""

    order_id: str
    state: str
    acknowledge_calls: int
    ship_calls: int
    cancel_calls: int
    acknowledged: bool
    lines: list[tuple[str, int, int, int]]


class Outside(World):
    """``with Outside(plan) as outside``; safe to use from several threads."""

    def __init__(self, plan: Json) -> None:
        super().__init__(plan, "stallkeeper.ops.drills.market")

    def useful(self, since: float) -> dict[str, float | None]:
        """By stall: when the first order was acknowledged, or the first figure accepted, at or after a moment of the monotonic clock."""
        return self._ask({"do": "useful", "since": since})

    def states(self) -> dict[str, dict[str, int]]:
        """By stall: how many orders are in each state."""
        return self._ask({"do": "states"})

    def orders_of(self, stall: str, file: Path) -> list[There]:
        """All orders of one stall, by way of a file."""
        self._ask({"do": "orders", "stall": stall, "file": str(file)})
        found = msgspec.json.decode(file.read_bytes(), type=list[There])
        file.unlink()
        return found
