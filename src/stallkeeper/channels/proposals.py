"""What a plan proposes: other rules of channels, categories and products, other switches of channels, accounts and the company, other
places, a stock run taken back. Kept as JSON, decoded strictly; applied by the use cases that people use one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

import msgspec
import numpy as np

from stallkeeper.channels import overrides, overriding, rules
from stallkeeper.channels.models import Channel, ChannelLocation, Connection
from stallkeeper.channels.overriding import FALLS_THROUGH, NAMES, NONE, Own, Proposed
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.rule_models import RuleOverride
from stallkeeper.channels.switches import CHANNEL_SWITCHES
from stallkeeper.stock.models import Location, LocationOwner
from stallkeeper.stock.places import Changes, check_change
from stallkit.words import said as _

SENDING_SWITCHES = ("stock", "prices", "active")
"""Switches that a plan may turn. The others (orders, acknowledging) send no figures and are turned where they are."""
NO_WRITES: Mapping[int, bool] = MappingProxyType({})


class ProposalError(ValueError):
    """A proposal makes no sense. The text names the channel, the rule or the switch."""


class ChannelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of one channel: switches to turn, rules to save (as ``rules.save`` takes them, decimals and dates as text), places that count, what
    is said of categories and products (``overrides.say``), and of a sub-channel the names of what shall ``follow`` its main channel."""

    switches: dict[str, bool] = msgspec.field(default_factory=dict)
    rules: dict[str, str | int | bool | None] = msgspec.field(default_factory=dict)
    locations: list[int] | None = None
    own: list[Own] = msgspec.field(default_factory=list)
    follow: list[str] = msgspec.field(default_factory=list)

    @property
    def saves_rules(self) -> bool:
        return bool(self.rules) or self.locations is not None

    def __bool__(self) -> bool:
        return bool(self.switches or self.rules or self.locations is not None or self.own or self.follow)


class PlaceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a place would be different (``places.change``); None: it stays."""

    name: str | None = None
    owner: LocationOwner | None = None
    priority: int | None = None
    sellable: bool | None = None
    allows_backorder: bool | None = None
    active: bool | None = None

    def fields(self) -> Changes:
        """The same for the use case."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        return cast("Changes", {name: value for name, value in said.items() if value is not None})


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything of a plan that somebody decided. Empty: what would be sent as things are. ``writes``: whether anything may be changed on
    an account, by its number. ``take_back``: stock runs, by the start of their movements' references (``import:12``)."""

    sending: bool | None = None
    channels: dict[int, ChannelChange] = msgspec.field(default_factory=dict)
    take_back: list[str] = msgspec.field(default_factory=list)
    places: dict[int, PlaceChange] = msgspec.field(default_factory=dict)
    writes: dict[int, bool] = msgspec.field(default_factory=dict)

    @property
    def wide(self) -> bool:
        """It is about all channels: the company, what a stock run did, or how things are."""
        return self.sending is not None or bool(self.take_back) or not (self.places or self.writes or any(self.channels.values()))

    @property
    def only_places(self) -> bool:
        """It changes places and nothing else: that is for those who may change places."""
        return bool(self.places) and self == Proposal(places=self.places)

    def moves_prices(self, channel: Channel) -> bool:
        """Whether prices of the channel are part of it: places, and rules of categories and products, say nothing of prices."""
        change = self.channels.get(channel.pk)
        return self.wide or channel.connection_id in self.writes or (change is not None and bool(change.rules or change.switches))

    @property
    def turns(self) -> bool:
        """It lets something out, or keeps it in, besides what it changes of the figures."""
        return self.sending is not None or bool(self.writes) or any(change.switches for change in self.channels.values())


def decode(value: object) -> Proposal:
    """From JSON; ProposalError names what is wrong."""
    try:
        return msgspec.convert(value, Proposal, str_keys=True)
    except msgspec.ValidationError as error:
        raise ProposalError(_("This is not a proposal: {error}", error=str(error))) from error


def encode(proposal: Proposal) -> dict[str, object]:
    """As JSON."""
    built: dict[str, object] = msgspec.to_builtins(proposal, str_keys=True)
    return built


def change_of(values: Mapping[str, object], switches: Mapping[str, bool], locations: list[int] | None = None) -> ChannelChange:
    """A change of these rules (as ``rules.plain`` gives them), switches and places."""
    return msgspec.convert({"rules": dict(values), "switches": dict(switches), "locations": locations}, ChannelChange)


def check(proposal: Proposal, channels: Mapping[int, Channel]) -> None:
    """ProposalError if it names a channel, a switch or a rule that there is not."""
    for number, change in proposal.channels.items():
        if number not in channels:
            raise ProposalError(_("There is no channel {number}.", number=number))
        if unknown := sorted(set(change.switches) - set(SENDING_SWITCHES)):
            raise ProposalError(
                _(
                    "A plan turns the switches {sending_switches}, not {unknown!r}.",
                    sending_switches=", ".join(SENDING_SWITCHES),
                    unknown=unknown[0],
                )
            )
        if unknown := sorted(set(change.rules) - set(rules.RULES)):
            raise ProposalError(_("There is no rule {unknown!r}; rules are {rules}.", unknown=unknown[0], rules=", ".join(rules.RULES)))
        if any(not each.categories and not each.units for each in change.own):
            raise ProposalError(_("Rules of their own are said of categories, or of stock units by their number: name some."))


def check_places(proposal: Proposal, places: Mapping[int, Location]) -> None:
    """The same of places; PlaceError as from changing them."""
    for number, change in proposal.places.items():
        if number not in places:
            raise ProposalError(_("There is no place {number}.", number=number))
        check_change(places[number], change.fields())


def check_accounts(proposal: Proposal, accounts: Collection[int]) -> None:
    """ProposalError if it names an account that there is not."""
    if unknown := sorted(set(proposal.writes) - set(accounts)):
        raise ProposalError(_("There is no account {number}.", number=unknown[0]))


def as_if(channel: Channel, change: ChannelChange, writes: Mapping[int, bool] = NO_WRITES) -> Channel:
    """The channel as it would be, its account too, unsaved. RuleError as from saving."""
    would = copy(channel)
    if channel.connection_id in writes:
        would.connection = copy(channel.connection)
        would.connection.writes_allowed = writes[channel.connection_id]
    for name, value in change.rules.items():
        setattr(would, name, value)
    rules.check(would)
    for name, on in change.switches.items():
        setattr(would, CHANNEL_SWITCHES[name], on)
    return would


def locations_as_if(proposal: Proposal) -> dict[int, list[int]]:
    """The places that would count for each channel, best first; empty if the proposal says nothing of places. RuleError as from saving."""
    if not proposal.places and all(change.locations is None for change in proposal.channels.values()):
        return {}
    places = {pk: _place_as_if(place, proposal.places.get(pk)) for pk, place in Location.objects.in_bulk().items()}
    chosen: dict[int, list[int]] = {}
    for channel, place in ChannelLocation.objects.order_by("pk").values_list("channel_id", "location_id"):
        chosen.setdefault(channel, []).append(place)
    for pk, change in proposal.channels.items():
        if change.locations is not None:
            rules.check_places(change.locations)
            chosen[pk] = change.locations
    return {channel: _best_first(places[pk] for pk in found if pk in places) for channel, found in chosen.items()}


def _place_as_if(place: Location, change: PlaceChange | None) -> Location:
    for name, value in (change.fields() if change else {}).items():
        setattr(place, name, value)
    return place


def _best_first(places: Iterable[Location]) -> list[int]:
    return [place.pk for place in sorted(places, key=lambda place: (place.priority, place.pk)) if place.active and place.sellable]


def facts_as_if(facts: ChannelFacts, would: Channel, change: ChannelChange, company: bool) -> ChannelFacts:
    """What availability needs to know of the channel as it would be, without its places."""
    given: dict[str, Any] = {name: getattr(would, name) for name in rules.RULES if name in ChannelFacts._fields}
    given |= {"active": would.active, "sends": sends(would, company, "stock")}
    if change.own:
        given["overridden"] = True
    return facts._replace(**given)


def overrides_as_if(would: Mapping[int, Channel], changes: Mapping[int, ChannelChange]) -> Proposed | None:
    """What availability needs to know of the rules that would be said of categories and products; None where there are none. RuleError as
    from saying them."""
    rows: list[RuleOverride] = []
    for pk, change in sorted(changes.items()):
        if change.own:
            rows += overrides.would_begin(would[pk], change.own)
            gone = [each for each in change.own if not each.rules]
            rows += [RuleOverride(channel=would[pk], category=name) for each in gone for name in each.categories]
            rows += [RuleOverride(channel=would[pk], stock_unit_id=unit) for each in gone for unit in each.units]
    if not rows:
        return None
    return Proposed(
        np.array([row.channel_id for row in rows], dtype=np.int64),
        np.array([row.stock_unit_id or NONE for row in rows], dtype=np.int64),
        [row.category for row in rows],
        {name: np.array([_figure(getattr(row, name)) for row in rows], dtype=np.int64) for name in NAMES},
    )


def _figure(value: object) -> int:
    """A rule's value in a column of overrides."""
    if value in (None, ""):
        return FALLS_THROUGH
    if isinstance(value, Decimal):
        return int(value * 100)
    return value if isinstance(value, int) else overriding.ROUNDINGS[str(value)]


def places_now(proposal: Proposal) -> dict[str, object]:
    """What a plan rests on and puts back of the places that it changes, as JSON."""
    places = Location.objects.in_bulk(list(proposal.places))
    changes = sorted(proposal.places.items())
    return {str(pk): {name: rules.plain(getattr(places[pk], name)) for name in change.fields()} for pk, change in changes}


def accounts_now(proposal: Proposal) -> dict[str, object]:
    """The same of the accounts whose writing it switches."""
    return {str(pk): allowed for pk, allowed in Connection.objects.filter(pk__in=list(proposal.writes)).values_list("pk", "writes_allowed")}


def sends(channel: Channel, company: bool, kind: str) -> bool:
    """Whether every switch lets this kind (stock, prices) out."""
    own = channel.stock_enabled if kind == "stock" else channel.prices_enabled
    return company and channel.active and own and channel.connection.writes_allowed


def state_of(channel: Channel, change: ChannelChange) -> dict[str, object]:
    """What a plan rests on and puts back: the channel's rules, places and switches, and what holds of the categories and products of which
    the change speaks, as JSON."""
    switches = {name: getattr(channel, CHANNEL_SWITCHES[name]) for name in SENDING_SWITCHES}
    state = {"rules": rules.snapshot(channel), "switches": switches, "writes": channel.connection.writes_allowed}
    if channel.parent_id:
        state["main"] = {"channel": channel.parent_id, "own": channel.own_rules}
    return state | ({"own": msgspec.to_builtins(overrides.said_now(channel.pk, change.own))} if change.own else {})
