"""Sub-channels: which rules, limits and places of a channel are its main channel's (S5.19, S5.20; ADR 0072).

What a sub-channel has from its main channel stands in its own columns too, as of the last save of either: whoever works with rules reads
one channel. ``Channel.own_rules`` names what the sub-channel says itself; of all else ``rules.save`` keeps the two the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from django.db.models import Q

from stallkeeper.channels import rules
from stallkeeper.channels.models import Channel
from stallkeeper.channels.proposals import ChannelChange, Proposal, ProposalError
from stallkeeper.core import audit
from stallkeeper.core.use_case import UseCase
from stallkit.words import said as _


class ParentError(ValueError):
    """It cannot be that channel's sub-channel. The text says why."""


@dataclass(frozen=True, slots=True)
class Sub:
    """A sub-channel: whose, and the names of what it says itself."""

    channel: int
    parent: int
    own: frozenset[str]


def spread(changes: Mapping[int, ChannelChange], subs: Iterable[Sub], now: Mapping[int, Mapping[str, object]]) -> dict[int, ChannelChange]:
    """The changes with all that follows from them for sub-channels. Pure; what was spread already stays as it is.

    ``now``: the rules and places of main channels, as ``rules.snapshot`` gives them. What a change says of a sub-channel goes before what
    its main channel's change would bring, unless it is the same; what it lets ``follow`` gets the main channel's value, as it would be.
    """
    found = dict(changes)
    for sub in sorted(subs, key=lambda each: each.channel):
        said, main = changes.get(sub.channel, ChannelChange()), changes.get(sub.parent, ChannelChange())
        values = {**main.rules, **({} if main.locations is None else {rules.PLACES: main.locations})}
        same = {name for name in names_of(said) & values.keys() - sub.own if _value(said, name) == values[name]}
        own = (sub.own | names_of(said)) - set(said.follow) - same
        follow = set(said.follow) | (values.keys() - own)
        if follow:
            brought = {name: values.get(name, now[sub.parent][name]) for name in follow}
            found[sub.channel] = _with(said, brought)
    return found


def names_of(change: ChannelChange) -> frozenset[str]:
    """The rules of which a change says a value, places among them."""
    return frozenset(change.rules) | ({rules.PLACES} if change.locations is not None else set())


def _value(change: ChannelChange, name: str) -> object:
    return change.locations if name == rules.PLACES else change.rules[name]


def _with(said: ChannelChange, brought: Mapping[str, object]) -> ChannelChange:
    values = {name: value for name, value in brought.items() if name != rules.PLACES}
    locations = brought.get(rules.PLACES, said.locations)
    change = {"rules": {**said.rules, **values}, "locations": locations, "follow": sorted(brought)}
    return msgspec.structs.replace(said, **msgspec.to_builtins(msgspec.convert(change, ChannelChange)))


def expanded(proposal: Proposal) -> Proposal:
    """The proposal with what it brings to sub-channels. ProposalError if a channel that has no main channel should follow one, or in a rule
    that there is not."""
    names = {*rules.RULES, rules.PLACES}
    if unknown := sorted({name for change in proposal.channels.values() for name in change.follow} - names):
        raise ProposalError(_("There is no rule {unknown!r}; rules are {rules}.", unknown=unknown[0], rules=", ".join(rules.RULES)))
    under = Channel.objects.exclude(parent=None).order_by("pk")
    subs = [Sub(each.pk, each.parent_id, frozenset(each.own_rules)) for each in under if each.parent_id]
    loose = {pk for pk, change in proposal.channels.items() if change.follow} - {sub.channel for sub in subs}
    if loose:
        code = Channel.objects.filter(pk=min(loose)).values_list("code", flat=True).first()
        raise ProposalError(_("The channel {code} has no main channel whose rules it could have.", code=code or min(loose)))
    touched = [sub for sub in subs if sub.parent in proposal.channels or sub.channel in proposal.channels]
    if not touched:
        return proposal
    mains = Channel.objects.filter(pk__in={sub.parent for sub in touched})
    now = {main.pk: rules.snapshot(main) for main in mains}
    return msgspec.structs.replace(proposal, channels=spread(proposal.channels, touched, now))


def may_be_under(channel: Channel) -> list[Channel]:
    """The channels that could be its main channel: of the same platform, no sub-channels themselves. None if it has sub-channels."""
    if Channel.objects.filter(parent=channel).exists():
        return []
    same = Channel.objects.filter(connection__platform=channel.connection.platform, parent=None).exclude(pk=channel.pk)
    return list(same.order_by("code"))


def attach(uc: UseCase, channel_id: int, parent_id: int | None) -> None:
    """Make it a sub-channel, or a channel by itself again (None). No figure moves: what differs from the main channel is its own at first.

    ParentError if it cannot be. Locks: both channels by id.
    """
    wanted = Q(pk=channel_id) | Q(pk=parent_id) if parent_id else Q(pk=channel_id)
    locked = {each.pk: each for each in Channel.objects.select_for_update(of=("self",)).filter(wanted).order_by("pk")}
    channel = locked[channel_id]
    if parent_id == channel.parent_id:
        return
    main = locked.get(parent_id) if parent_id else None
    if parent_id and (main is None or main.pk not in {each.pk for each in may_be_under(channel)}):
        raise ParentError(
            _("The channel {code} cannot be under that one: it has sub-channels, or that one cannot be a main one.", code=channel.code)
        )
    channel.parent, channel.own_rules = main, _differing(channel, main) if main else []
    channel.save(update_fields=["parent", "own_rules"])
    audit.record(uc, "channel.parent", "channel", channel_id, parent=parent_id, own=channel.own_rules)


def _differing(channel: Channel, main: Channel) -> list[str]:
    mine, theirs = rules.snapshot(channel), rules.snapshot(main)
    return sorted(name for name in mine if mine[name] != theirs[name])
