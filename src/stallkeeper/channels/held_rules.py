"""The rules that hold for one offer, and who set each: for explaining; what sending uses is worked out for all offers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from stallkeeper.channels import facts, overriding
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.models import Channel
from stallkeeper.channels.overriding import NAMES, Origin
from stallkeeper.channels.queries import ChannelFacts

OF_STEP = {
    "share": ("share", "share_rounding"),
    "buffer": ("buffer",),
    "velocity": ("velocity_share",),
    "cap": ("max_publish", "fixed"),
    "zero_at": ("zero_at",),
}
"""Steps of availability and the rules behind them."""
SPECIAL = (Origin.PRODUCT, Origin.CATEGORY)


@dataclass(frozen=True, slots=True)
class HeldRules:
    """Per cents as per cents, units as units. ``origins`` names who set each rule."""

    share: Decimal
    share_rounding: str
    buffer: int
    max_publish: int | None
    zero_at: int
    fixed: int | None
    velocity_share: Decimal
    origins: Mapping[str, Origin]

    def origin_of(self, step: str) -> Origin:
        """Whose rule makes a step; of several, the most special one."""
        found = {self.origins[name] for name in OF_STEP.get(step, ())}
        return next((who for who in SPECIAL if who in found), Origin.CHANNEL)


def held_rules(gathered: Facts, channel: Channel | ChannelFacts) -> HeldRules:
    """The rules of the one offer that was gathered, on this channel."""
    found = facts.find_overrides(gathered)
    origins = {name: overriding.origin(gathered.overrides, found, name) for name in NAMES}
    return HeldRules(**{name: _value(gathered, channel, name, origins[name]) for name in NAMES}, origins=origins)  # type: ignore[arg-type]


def _value(gathered: Facts, channel: Channel | ChannelFacts, name: str, origin: Origin) -> object:
    if origin is Origin.CHANNEL:
        return getattr(channel, name)
    found, overrides = facts.find_overrides(gathered), gathered.overrides
    assert found is not None
    assert overrides is not None
    value = int(overrides.said[name][(found.product if origin is Origin.PRODUCT else found.category)[0]])
    if name in ("share", "velocity_share"):
        return Decimal(value) / 100
    return facts.ROUNDING_NAMES[value] if name == "share_rounding" else value


def sold_lately(gathered: Facts) -> int:
    """What the last hour sold of the one offer's unit, as far as a rule asks for it."""
    sold = facts.sold_of_offers(gathered)
    return 0 if sold is None else int(sold[0])
