"""What a plan proposes: other rules, other switches, a stock run taken back. Kept as JSON, decoded strictly; applied by the use cases that
people use one by one."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import msgspec

from stallkeeper.channels import rules
from stallkeeper.channels.models import Channel
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.switches import CHANNEL_SWITCHES
from stallkeeper.stock.models import Location

SENDING_SWITCHES = ("stock", "prices", "active")
"""Switches that a plan may turn. The others (orders, acknowledging) send no figures and are turned where they are."""


class ProposalError(ValueError):
    """A proposal makes no sense. The text names the channel, the rule or the switch."""


class ChannelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of one channel: switches to turn, rules to save (as ``rules.save`` takes them, decimals and dates as text), places that count."""

    switches: dict[str, bool] = msgspec.field(default_factory=dict)
    rules: dict[str, str | int | bool | None] = msgspec.field(default_factory=dict)
    locations: list[int] | None = None

    def __bool__(self) -> bool:
        return bool(self.switches or self.rules or self.locations is not None)


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything of a plan that somebody decided. Empty: what would be sent as things are. ``take_back``: stock runs, by the start of
    their movements' references (``import:12``)."""

    sending: bool | None = None
    channels: dict[int, ChannelChange] = msgspec.field(default_factory=dict)
    take_back: list[str] = msgspec.field(default_factory=list)

    @property
    def only(self) -> list[int] | None:
        """The channels that it is about; None where it is about all of them."""
        changed = sorted(channel for channel, change in self.channels.items() if change)
        return changed if changed and self.sending is None and not self.take_back else None


def decode(value: object) -> Proposal:
    """From JSON; ProposalError names what is wrong."""
    try:
        return msgspec.convert(value, Proposal, str_keys=True)
    except msgspec.ValidationError as error:
        raise ProposalError(f"This is not a proposal: {error}") from error


def encode(proposal: Proposal) -> dict[str, object]:
    """As JSON."""
    built: dict[str, object] = msgspec.to_builtins(proposal, str_keys=True)
    return built


def change_of(values: Mapping[str, object], switches: Mapping[str, bool]) -> ChannelChange:
    """A change of these rules (as ``rules.plain`` gives them) and switches."""
    return msgspec.convert({"rules": dict(values), "switches": dict(switches)}, ChannelChange)


def check(proposal: Proposal, channels: Mapping[int, Channel]) -> None:
    """ProposalError if it names a channel, a switch or a rule that there is not."""
    for number, change in proposal.channels.items():
        if number not in channels:
            raise ProposalError(f"There is no channel {number}.")
        if unknown := sorted(set(change.switches) - set(SENDING_SWITCHES)):
            raise ProposalError(f"A plan turns the switches {', '.join(SENDING_SWITCHES)}, not {unknown[0]!r}.")
        if unknown := sorted(set(change.rules) - set(rules.RULES)):
            raise ProposalError(f"There is no rule {unknown[0]!r}; rules are {', '.join(rules.RULES)}.")


def as_if(channel: Channel, change: ChannelChange) -> Channel:
    """The channel as it would be, unsaved. RuleError as from saving."""
    would = copy(channel)
    for name, value in change.rules.items():
        setattr(would, name, value)
    rules.check(would)
    for name, on in change.switches.items():
        setattr(would, CHANNEL_SWITCHES[name], on)
    return would


def places_of(change: ChannelChange) -> list[int]:
    """The places that would count, best first, as the channel would see them."""
    rows = Location.objects.filter(pk__in=change.locations or [], active=True, sellable=True)
    return list(rows.order_by("priority", "pk").values_list("pk", flat=True))


def facts_as_if(facts: ChannelFacts, would: Channel, change: ChannelChange, company: bool) -> ChannelFacts:
    """What availability needs to know of the channel as it would be."""
    given: dict[str, Any] = {name: getattr(would, name) for name in rules.RULES if name in ChannelFacts._fields}
    given |= {"active": would.active, "sends": sends(would, company, "stock")}
    if change.locations is not None:
        given["locations"] = places_of(change)
    return facts._replace(**given)


def sends(channel: Channel, company: bool, kind: str) -> bool:
    """Whether every switch lets this kind (stock, prices) out."""
    own = channel.stock_enabled if kind == "stock" else channel.prices_enabled
    return company and channel.active and own and channel.connection.writes_allowed


def state_of(channel: Channel) -> dict[str, object]:
    """What a plan rests on and puts back: the channel's rules, places and switches, as JSON."""
    switches = {name: getattr(channel, CHANNEL_SWITCHES[name]) for name in SENDING_SWITCHES}
    return {"rules": rules.snapshot(channel), "switches": switches, "writes": channel.connection.writes_allowed}
