"""The steps of the two lanes, in their order: pull before push, orders' answers before new numbers, tickets last."""

from __future__ import annotations

from stallkeeper.channels.models import LaneKind
from stallkeeper.sync import observe, order_actions, orders, push
from stallkeeper.sync.run import Step

STEPS: dict[LaneKind, tuple[tuple[str, Step], ...]] = {
    LaneKind.TRADE: (
        ("orders", orders.pull),
        ("observe", observe.observe),
        ("commands", order_actions.act),
        ("quantities", push.push_quantities),
    ),
    LaneKind.BACKGROUND: (),
}
