"""Guarded mode: what channels show of a unit together is never more than there is (ADR 0052).

Two halves. *Quotas*: refresh splits the free units of a guarded unit over its offers, so that what they are meant to show adds up to no
more than there is. *The gate*: what is meant is not there yet, so at the moment of sending, under a lock per unit, a raise goes out only as
far as what the others may show at that moment leaves room: cuts that are accepted make room, cuts that are on their way do not.

What a channel *may show* of an offer, and may have sold without our knowing:

* what we believe; where that is unknown, the most that it can be (``Offer.most_qty``): what was believed before, or what is on its way;
  nothing, where the channel says that it has no such offer;
* and units that are gone from its figure while no order explains them yet (``Offer.missing_qty``), for half an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, combinations
from typing import Protocol

import numpy as np

from stallkeeper.channels import facts, overriding
from stallkeeper.channels import guard_queries as queries
from stallkeeper.channels import queries as channel_queries
from stallkeeper.channels.belief_queries import UNEXPLAINED_FOR
from stallkeeper.channels.delivery_queries import Value, Waiting
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.guard_queries import Stake
from stallkeeper.channels.overriding import Overrides, Proposed
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.quotas import Claim, Draws, Exposure, split
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Cursor, hot_cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries as stock_queries
from stallkeeper.stock.availability import NOT_SET
from stallkit.manifest import Basis
from stallkit.registry import manifest_of

MANY_SETS = 16
"""So many sets of places are looked at for one unit; more than that no company has in mind."""
MANY_HOLDERS = 4
"""Where more channels have units of one unit fenced off, others may show some that are kept for two of them; never more than there is."""
ENOUGH = 2
"""A unit that is guarded because it is scarce goes back to shared mode above so many times the threshold: it does not flap."""

Free = Mapping[tuple[int, int], int]
"""Free units by stock unit and place."""
Fence = tuple[int, int, int]
"""(channel, stock unit, units that only this channel may show)"""


# --- what there is, and who draws on it ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pools:
    """Free units of guarded units, and who draws on them."""

    rooms: list[int]
    draws: dict[int, Draws]


class Register(Protocol):
    """Where it is written down which units are guarded, and who sells them."""

    def guarded(self, units: Sequence[int]) -> Sequence[tuple[int, bool, bool]]:
        """Those of the units that are guarded: (unit, by hand, scarce)."""

    def stakes(self, units: Sequence[int]) -> Sequence[Stake]:
        """Every offer that sells some of these units from our stock, by unit and offer."""

    def own_rules(self, stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts]) -> Overrides | None:
        """The rules of products and categories that matter to these; None where no channel has any."""


@dataclass(frozen=True, slots=True)
class Database:
    """The register as it stands. Units that are gone from a figure count as sold if that was noticed later than ``unexplained_since``."""

    cursor: Cursor
    unexplained_since: datetime
    proposed: Proposed | None = None

    def guarded(self, units: Sequence[int]) -> Sequence[tuple[int, bool, bool]]:
        return queries.guarded_among(self.cursor, units)

    def stakes(self, units: Sequence[int]) -> Sequence[Stake]:
        return queries.stakes(self.cursor, units, self.unexplained_since)

    def own_rules(self, stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts]) -> Overrides | None:
        overridden = sorted({stake.channel_id for stake in stakes if channels[stake.channel_id].overridden})
        sold = np.unique(np.array([stake.sold for stake in stakes], dtype=np.int64))
        return facts.gather_overrides(overridden, sold, whole=False, proposed=self.proposed) if overridden else None


def buffers_of(stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts], own: Overrides | None) -> dict[int, int]:
    """What each offer's rules keep back: those of its product, of its category, or of its channel. In base units. Pure."""
    found = np.array([channels[stake.channel_id].buffer for stake in stakes], dtype=np.int64)
    if own:
        channel, unit = (np.array([getattr(stake, name) for stake in stakes], dtype=np.int64) for name in ("channel_id", "sold"))
        found = overriding.apply(own, own.find(channel, unit), "buffer", found)
    return dict(zip([stake.offer_id for stake in stakes], found.tolist(), strict=True))


def pools_of(
    stakes: Sequence[Stake],
    channels: Mapping[int, ChannelFacts],
    free: Free,
    buffers: Mapping[int, int],
    fences: Iterable[Fence] = (),
) -> Pools:
    """A pool for each guarded unit and set of places that channels sell it from, and one without each of the channels that have units
    fenced off, and without some of them: what the others show together leaves those units alone.

    What all channels of a pool keep back (the smallest buffer) is not in it; nor is what is kept for a channel that has no such offer yet.
    """
    rooms: list[int] = []
    draws: dict[int, list[tuple[int, int]]] = {stake.offer_id: [] for stake in stakes}
    by_unit: dict[int, list[Stake]] = {}
    for stake in stakes:
        by_unit.setdefault(stake.unit, []).append(stake)
    fenced: dict[int, dict[int, int]] = {}
    for channel, unit, units in fences:
        fenced.setdefault(unit, {})[channel] = units
    for unit, mine in by_unit.items():
        ours = fenced.get(unit, {})
        away = sum(units for channel, units in ours.items() if channel not in {stake.channel_id for stake in mine})
        for places in _sets(channels, mine):
            inside = [stake for stake in mine if places.issuperset(channels[stake.channel_id].locations)]
            there = max(sum(free.get((unit, place), 0) for place in places), 0)
            kept = min(buffers[stake.offer_id] for stake in inside)
            for without in _without(sorted(ours.keys() & {stake.channel_id for stake in inside})):
                back = away + sum(ours[holder] for holder in without)
                for stake in inside:
                    if stake.channel_id not in without:
                        draws[stake.offer_id].append((len(rooms), stake.per))
                rooms.append(max(there - kept - back, 0))
    return Pools(rooms, {offer: tuple(drawn) for offer, drawn in draws.items()})


def _sets(channels: Mapping[int, ChannelFacts], stakes: Sequence[Stake]) -> list[frozenset[int]]:
    """The sets of places that channels sell from, and what these are together: whoever sells from a part of them draws on them, too."""
    single = sorted({frozenset(channels[stake.channel_id].locations) for stake in stakes}, key=sorted)
    found = dict.fromkeys(single)
    for size in range(2, len(single) + 1):
        if len(found) + len(single) > MANY_SETS:
            found[frozenset().union(*single)] = None
            break
        found.update(dict.fromkeys(frozenset().union(*some) for some in combinations(single, size)))
    return list(found)


def _without(holders: Sequence[int]) -> Iterable[tuple[int, ...]]:
    """Who is left out of the pools: nobody, each, every few of them, and all who have units fenced off."""
    sizes = range(len(holders) + 1) if len(holders) <= MANY_HOLDERS else (0, 1, len(holders))
    return chain.from_iterable(combinations(holders, size) for size in sizes)


def gross(channel: ChannelFacts, open_: int, unacknowledged: int) -> int:
    """Sold units that the platform subtracts itself from the figure that it is given."""
    basis = manifest_of(channel.platform).quirks.basis
    if basis is Basis.GROSS_UNTIL_SHIPPED:
        return open_
    return unacknowledged if basis is Basis.GROSS_UNTIL_ACKNOWLEDGED else 0


def may_show(stake: Stake, channel: ChannelFacts) -> int | None:
    """The most that buyers may be shown of an offer, in net sold units; None: nobody knows. What its channel does not send, it shows."""
    known = [figure for figure in (stake.believed, stake.most, stake.in_ticket) if figure is not None]
    if stake.believed is None and stake.most is None:
        return None if channel.sends else 0
    return max(max(known) - gross(channel, stake.open, stake.unacknowledged), 0)


def exposed(stake: Stake, channel: ChannelFacts) -> int | None:
    """The same, with what may be sold there without our knowing; and without what orders have told of that was in it, where the platform
    lowers its figure for a sale. Whether it does so for a shipment, it may not say: until a read does, all may be shown. A figure in a
    ticket may land after these sales: none of them is in it."""
    shown = may_show(stake, channel)
    if shown is None:
        return None
    explained = stake.believed is None and manifest_of(channel.platform).quirks.basis is not Basis.GROSS_UNTIL_SHIPPED
    if stake.missing >= 0 or not explained:
        return shown + max(stake.missing, 0)
    stands = may_show(stake._replace(in_ticket=None), channel) or 0
    lands = (stake.in_ticket or 0) - gross(channel, stake.open, stake.unacknowledged)
    return max(stands + stake.missing, lands, 0)


# --- quotas -------------------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Divided:
    """What offers should show once guarded units are split, and what else refresh has to see to."""

    shown: Ints
    overflow: list[int] = field(default_factory=list)
    """Guarded units whose other offers must be worked out anew: together they would show too much."""
    scarce: list[int] = field(default_factory=list)
    plenty: list[int] = field(default_factory=list)
    """Units that become guarded because there are so few, and those that no longer are."""
    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    """Of these, units that were not guarded at all, and those that no person wants guarded either."""
    rows: list[int] = field(default_factory=list)
    """Of the gathered offers, those that have a quota."""


def divide(found: Facts, shown: Ints, at: datetime) -> Divided:
    """Put the quotas of guarded units in the place of what each offer would show by itself. Call it where the offers are locked.

    Offers of the same units that are not among the gathered ones keep the quota that they have.
    """
    one = next(iter(found.channels.values()), None)
    if one is None or not (one.guards or one.guard_below):
        return Divided(shown)
    with hot_cursor() as cursor:
        return divided(found, shown, Database(cursor, at - UNEXPLAINED_FOR, found.proposed))


def divided(found: Facts, shown: Ints, register: Register) -> Divided:
    """``divide`` by what the register says, and nothing else."""
    free, channels = free_of(found.places), found.channels
    rows = register.guarded(sorted({unit for unit, _place in free}))
    result = _by_threshold(shown, rows, channels, free, next(iter(channels.values())).guard_below)
    guarded = sorted({unit for unit, by_hand, _ in rows if by_hand or unit not in result.plenty}.union(result.scarce))
    if guarded:
        stakes = [stake for stake in register.stakes(guarded) if stake.channel_id in channels]
        _split(found, stakes, buffers_of(stakes, channels, register.own_rules(stakes, channels)), free, result)
    return result


def free_of(places: Mapping[str, Ints]) -> dict[tuple[int, int], int]:
    """Free units of the counted units among gathered places; kits by their components."""
    columns = ("component", "location", "counted", "on_hand", "allocated", "held")
    rows = zip(*(places[name].tolist() for name in columns), strict=True)
    return {(unit, place): on_hand - allocated - held for unit, place, counted, on_hand, allocated, held in rows if counted == 1}


def _by_threshold(
    shown: Ints, rows: Sequence[tuple[int, bool, bool]], channels: Mapping[int, ChannelFacts], free: Free, below: int
) -> Divided:
    result = Divided(shown)
    were = {unit for unit, _by_hand, scarce in rows if scarce}
    if not (below or were):
        return result
    places = {place for channel in channels.values() for place in channel.locations}
    there: dict[int, int] = {}
    for (unit, place), units in free.items():
        there[unit] = there.get(unit, 0) + (units if place in places else 0)
    result.scarce = sorted(unit for unit, units in there.items() if below and units <= below and unit not in were)
    result.plenty = sorted(unit for unit in were if not below or there.get(unit, 0) > below * ENOUGH)
    by_hand = {unit for unit, wanted, _scarce in rows if wanted}
    result.begun = [unit for unit in result.scarce if unit not in by_hand]
    result.ended = [unit for unit in result.plenty if unit not in by_hand]
    return result


def _split(found: Facts, stakes: Sequence[Stake], buffers: Mapping[int, int], free: Free, result: Divided) -> None:
    offers, shown = found.offers, result.shown
    rows = {offer: row for row, offer in enumerate(offers["id"].tolist())}
    stakes = [_fresh(stake, offers, rows) for stake in stakes]
    pools = pools_of(stakes, found.channels, free, buffers, found.fences)
    first = {stake.offer_id: stake for stake in stakes}
    rooms, claims, quotas = list(pools.rooms), [], {}
    for offer, stake in first.items():
        channel, row = found.channels[stake.channel_id], rows.get(offer)
        claim = _claim(stake, channel, pools.draws[offer], None if row is None else int(shown[row]))
        if channel.sends:
            claims.append(claim)
            continue
        fixed = may_show(stake, channel) or 0  # nobody takes it back: it is not there to be shared
        quotas[offer] = min(claim.wish, fixed)
        for pool, per in claim.draws:
            rooms[pool] = max(rooms[pool] - fixed * per, 0)
    quotas.update(zip([claim.offer_id for claim in claims], split(claims, rooms), strict=True))
    result.shown = shown.copy()
    result.rows = sorted(rows[offer] for offer in quotas if offer in rows)
    for offer, quota in quotas.items():
        if offer in rows and shown[rows[offer]] != NOT_SET:
            stake = first[offer]
            result.shown[rows[offer]] = quota + gross(found.channels[stake.channel_id], stake.open, stake.unacknowledged)
    result.overflow = _others_to_see_to(stakes, rows, claims, quotas)


def _others_to_see_to(stakes: Sequence[Stake], rows: Mapping[int, int], claims: Sequence[Claim], quotas: Mapping[int, int]) -> list[int]:
    """Guarded units whose offers are not all at hand, and not as they should be: one must give some up, or could have what ours gave up."""
    apart = {stake.unit for stake in stakes if stake.offer_id not in rows}
    less = {claim.offer_id for claim in claims if quotas[claim.offer_id] < claim.before}
    return sorted({stake.unit for stake in stakes if stake.offer_id in less} & apart)


def _fresh(stake: Stake, offers: Mapping[str, Ints], rows: Mapping[int, int]) -> Stake:
    """With what this transaction has changed of the offer and not written yet."""
    row = rows.get(stake.offer_id)
    if row is None:
        return stake
    believed = int(offers["believed"][row])
    return stake._replace(
        believed=None if believed == NOT_SET else believed,
        most=(stake.most if stake.believed is None else stake.believed) if believed == NOT_SET else None,
        open=int(offers["open"][row]),
        unacknowledged=int(offers["unacknowledged"][row]),
    )


def _claim(stake: Stake, channel: ChannelFacts, draws: Draws, would: int | None) -> Claim:
    """``would``: what it would show by itself, None where that was not worked out. Where a channel does not take what it is sent, no more
    than buyers may be shown there already."""
    extra = gross(channel, stake.open, stake.unacknowledged)
    before = max((stake.intended or 0) - extra, 0)
    wish = before if would is None else max(would - extra, 0)
    if stake.gone or stake.refused:
        wish = min(wish, may_show(stake, channel) or 0)
    shown = None if stake.believed is None else max(stake.believed - extra, 0)
    return Claim(stake.offer_id, draws, wish, int(channel.share * 100), before, shown, stake.open)


def share_anew(uc: UseCase, offers: Sequence[int]) -> None:
    """These listings have gone or come back, or their channels refuse what they are sent: what guarded units they could have is split
    anew soon after. Call it where the offers are locked."""
    if not offers:
        return
    with hot_cursor() as cursor:
        units = queries.guarded_units(cursor, offers)
    leave_to_job(uc, units)


def leave_to_job(uc: UseCase, units: Sequence[int]) -> None:
    """Have all offers of these units, of each of which this transaction has locked one, worked out in a transaction of its own."""
    if units:
        with hot_cursor() as cursor:
            stock_queries.mark_again(cursor, uc.organisation_id, units)
        uc.mark("drain_stale", [uc.organisation_id])


# --- the gate -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passed:
    """What goes out now, what waits for the cuts of others, and which of both are guarded."""

    chosen: list[tuple[Waiting, Value]]
    held: list[int]
    guarded: frozenset[int]


def hold_back(uc: UseCase, chosen: Sequence[tuple[Waiting, Value]]) -> Passed:
    """Let cuts out, and raises as far as there is room for them now. Locks the guarded units: call it after the offers' lock, and write
    down what goes out in the same transaction."""
    with hot_cursor() as cursor:
        units = queries.lock_guards_of(cursor, [row.offer_id for row, _ in chosen])
        if not units:
            return Passed(list(chosen), [], frozenset())
        register = Database(cursor, uc.at - UNEXPLAINED_FOR)
        stakes = register.stakes(units)
        free = {(unit, place): number for unit, place, number in queries.free(cursor, units)}
        channels = {channel.id: channel for channel in channel_queries.ask_channels(uc.organisation_id)()}
        fences = queries.fences(cursor, units) if any(channel.fenced for channel in channels.values()) else ()
        buffers = buffers_of(stakes, channels, register.own_rules(stakes, channels))
    return let_out(chosen, stakes, channels, exposure_of(stakes, channels, free, buffers, fences))


def let_out(
    chosen: Sequence[tuple[Waiting, Value]], stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts], exposure: Exposure
) -> Passed:
    """``hold_back`` from what was gathered. What the channel has refused waits until there is room for another figure. Pure."""
    first = {stake.offer_id: stake for stake in stakes}
    out: list[tuple[Waiting, Value]] = []
    held: list[int] = []
    for row, value in chosen:
        stake = first.get(row.offer_id)
        allowed = value if stake is None else goes_out(exposure, stake, channels[stake.channel_id], int(value))
        if allowed is None or allowed == row.refused:
            held.append(row.offer_id)
        else:
            out.append((row, allowed))
    return Passed(out, held, frozenset(first).intersection(row.offer_id for row, _ in chosen))


def exposure_of(
    stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts], free: Free, buffers: Mapping[int, int], fences: Sequence[Fence] = ()
) -> Exposure:
    pools = pools_of(stakes, channels, free, buffers, fences)
    return Exposure(pools.rooms, pools.draws, {stake.offer_id: exposed(stake, channels[stake.channel_id]) for stake in stakes})


def goes_out(exposure: Exposure, stake: Stake, channel: ChannelFacts, value: int) -> int | None:
    """What goes out for an offer that should show ``value``: all of it, as much as there is room for, or nothing (None)."""
    shown = may_show(stake, channel)
    extra = gross(channel, stake.open, stake.unacknowledged)
    if shown is not None and value - extra <= shown:
        return value
    missing = max(stake.missing, 0)
    most = min(value - extra, exposure.most(stake.offer_id) - missing)
    if most <= (-1 if shown is None else shown):
        return None
    exposure.raise_(stake.offer_id, max(most, 0) + missing)
    return max(most, 0) + extra
