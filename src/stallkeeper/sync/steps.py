"""The steps of the two lanes, in their order: pull before push, orders' answers before new numbers, tickets last."""

from __future__ import annotations

from stallkeeper.channels.models import LaneKind
from stallkeeper.sync import alarms, bulk_results, catalogue, observe, order_actions, orders, parked_orders, push, verify, watch
from stallkeeper.sync.run import Step

STEPS: dict[LaneKind, tuple[tuple[str, Step], ...]] = {
    LaneKind.TRADE: (
        ("orders", orders.pull),
        ("watch", watch.watch),
        ("observe", observe.observe),
        ("commands", order_actions.act),
        ("quantities", push.push_quantities),
        ("prices", push.push_prices),
        ("tickets", bulk_results.look),
        ("parked", parked_orders.ask_again),
    ),
    LaneKind.BACKGROUND: (
        ("catalogue", catalogue.read_catalogue),
        ("confirm", verify.confirm),
        ("verify", verify.verify),
        ("alarms", alarms.look_around),
    ),
}
