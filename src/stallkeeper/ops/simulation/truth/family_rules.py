"""Invariant 22: what a sub-channel does not say itself is its main channel's, at every moment (S5.19, S5.20)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stallkeeper.ops.simulation.truth.asking import ask
from stallkeeper.ops.simulation.truth.breach import Breach
from stallkeeper.ops.simulation.truth.shop import Shop

RULES = (
    "share", "share_rounding", "buffer", "velocity_share", "max_publish", "zero_at", "fixed", "allow_splits", "horizon_days",
    "currency", "price_list_id", "mark_up", "price_rounding", "exchange_rate", "exchange_rate_at", "exchange_rate_source", "tax_rate",
    "zero_limit", "zero_limit_share", "price_drop_limit", "locations",
)  # fmt: skip
CHANNELS = """
    SELECT c.id, (to_jsonb(c) || jsonb_build_object('locations', ARRAY(
        SELECT l.location_id FROM channels_channellocation AS l WHERE l.channel_id = c.id ORDER BY 1)))::text
    FROM channels_channel AS c WHERE c.organisation_id = %(organisation)s ORDER BY c.id
"""


class Families:
    """``there``: some channel has got a main channel today."""

    def __init__(self) -> None:
        self.there = False

    def check(self, shop: Shop) -> Iterator[Breach]:
        self.there = self.there or any(entry.action == "channel.parent" for entry in shop.now.audit)
        if not self.there:
            return
        rows = ask(CHANNELS, organisation=shop.organisation_id)
        channels: dict[int, dict[str, Any]] = {number: json.loads(row) for number, row in rows}
        for number, channel in channels.items():
            if channel["parent_id"] is not None:
                yield from _as_its_main(number, channel, channels[channel["parent_id"]])


def _as_its_main(number: int, channel: dict[str, Any], main: dict[str, Any]) -> Iterator[Breach]:
    if main["parent_id"] is not None:
        yield Breach("22", f"channel {number} has the rules of channel {main['id']}, which has those of another one")
    for name in RULES:
        if name not in channel["own_rules"] and channel[name] != main[name]:
            yield Breach("22", f"{name} of channel {number} is {channel[name]}, that of its main channel {main[name]}")
