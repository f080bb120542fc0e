"""What guarded mode gives an offer, and why: to be read by people (ADR 0052)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from stallkeeper.channels import facts, guard
from stallkeeper.channels import queries as channel_queries
from stallkeeper.channels.belief_queries import UNEXPLAINED_FOR
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.guard_queries import Stake
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.quotas import Exposure
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import hot_cursor

MANY_OFFERS = 5_000
"""So many are looked at to explain one of them."""


@dataclass(frozen=True, slots=True)
class Quota:
    """An offer's part of its guarded units: ``figure`` in the channel's basis. ``others``: (channel, base units that it is to show of the
    scarcest one); ``waits_for``: channels that must be cut before this one can be raised to its figure; ``kept``: what is fenced off for
    channels. ``gone``, ``refused``: why it has no part beyond what is shown already (``Stake``)."""

    figure: int
    free: int
    others: tuple[tuple[int, int], ...]
    waits_for: tuple[int, ...]
    kept: tuple[tuple[int, int], ...] = ()
    gone: bool = False
    refused: bool = False


def quota_of(organisation: int, offer: int, components: Sequence[int], channels: Mapping[int, ChannelFacts], at: datetime) -> Quota | None:
    """What an offer has of the units that it shares with others, worked out as refresh does it; None if none of them is guarded."""
    if not any(channel.guards for channel in channels.values()):
        return None
    with hot_cursor() as cursor:
        register = guard.Database(cursor, at - UNEXPLAINED_FOR)
        units = [unit for unit, _by_hand, _scarce in register.guarded(components)]
        if not units:
            return None
        offers, places = _entangled(units, register)
        return quota_in(facts.gather(organisation, channels, offers, places, at.date()), offer, units, register)


def _entangled(units: Sequence[int], register: guard.Register) -> tuple[dict[str, Ints], dict[str, Ints]]:
    """The offers of guarded units, with those of the guarded units that kits among them consist of, and so on; and the places of all.

    What one of them has a right to hangs on what all of them want. Beyond MANY_OFFERS, the rest keep what they have, as in a refresh.
    """
    known: list[int] = []
    found = sorted(units)
    while True:
        known, offers = found, channel_queries.read_offers_of_units(found)
        places = channel_queries.gather_places(np.unique(offers["unit"]))
        more = [unit for unit, _by_hand, _scarce in register.guarded(np.unique(places["component"]).tolist())]
        found = sorted({*known, *more})
        if found == known or len(offers["id"]) > MANY_OFFERS:
            return offers, places


def quota_in(found: Facts, offer: int, units: Sequence[int], register: guard.Register) -> Quota | None:
    """``quota_of`` from the offers of its guarded units, by what the register says, and nothing else."""
    channels, stakes = found.channels, register.stakes(units)
    mine = [stake for stake in stakes if stake.offer_id == offer]
    if not mine:
        return None
    shown = guard.divided(found, facts.decide(found), register).shown
    figures = dict(zip(found.offers["id"].tolist(), shown.tolist(), strict=True))
    free = guard.free_of(found.places)
    scarcest = min(mine, key=lambda stake: (sum(units for (unit, _), units in free.items() if unit == stake.unit), stake.unit))
    others: dict[int, int] = {}
    for stake in stakes:
        if stake.unit == scarcest.unit and stake.offer_id != offer:
            net = max(figures.get(stake.offer_id, 0) - guard.gross(channels[stake.channel_id], stake.open, stake.unacknowledged), 0)
            others[stake.channel_id] = others.get(stake.channel_id, 0) + net * stake.per
    there = sum(units for (unit, _), units in free.items() if unit == scarcest.unit)
    buffers = guard.buffers_of(stakes, channels, register.own_rules(stakes, channels))
    exposure = guard.exposure_of(stakes, channels, free, buffers, found.fences)
    kept = tuple(sorted((channel, units) for channel, unit, units in found.fences if unit == scarcest.unit and channel in channels))
    waits = _waits_for(scarcest, figures, stakes, channels, exposure)
    return Quota(figures[offer], there, tuple(sorted(others.items())), waits, kept, scarcest.gone, scarcest.refused)


def _waits_for(
    stake: Stake, figures: Mapping[int, int], stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts], exposure: Exposure
) -> tuple[int, ...]:
    """Channels that may show more than they are to, while this offer cannot be raised for want of room."""
    channel = channels[stake.channel_id]
    if guard.goes_out(exposure, stake, channel, figures[stake.offer_id]) == figures[stake.offer_id]:
        return ()
    over = set()
    for other in stakes:
        theirs = channels[other.channel_id]
        most = guard.exposed(other, theirs)
        to_be = figures.get(other.offer_id, 0) - guard.gross(theirs, other.open, other.unacknowledged)
        if other.offer_id != stake.offer_id and (most is None or most > to_be):
            over.add(other.channel_id)
    return tuple(sorted(over))
