"""What offers should show, written where it changed: the one function behind intake, edits, preview, resync and the nightly sweep.

(1) lock the affected offers in key order; (2) in a *later* statement gather facts; (3) decide; (4) write what differs. Gathering before
locking would lose updates: two transactions would each work out a number without the other's sale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from django.db import connection

from stallkeeper.channels import facts, guard, guard_history, guard_queries, queries, sales
from stallkeeper.channels.belief_queries import Belief
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.channels.sales import Sold
from stallkeeper.core import crash
from stallkeeper.core.copy import Ints
from stallkeeper.core.sql import Answer, hot_cursor
from stallkeeper.core.use_case import UseCase, before_commit, use_case
from stallkeeper.stock import queries as stock_queries
from stallkeeper.stock.availability import NOT_SET, Flags
from stallkeeper.stock.reserve import STALE, take_moved

WAKE = "wake_connection"
"""Mark: connections that have something to send."""
LOCKED = "offers_locked"
"""Mark: units whose offers this transaction has locked already."""
TAKE_ALONG = 5_000
"""Offers that one transaction refreshes itself, if each unit has one on every channel; the rest is left to a job."""
SWEEP_BATCH = 50_000
DRAIN_BATCH = 500
DRAINERS = 3
"""Units that a transaction of the job takes, and such transactions at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """An offer whose intended quantity differs from what is stored; None = left out of sending."""

    offer_id: int
    channel_id: int
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The same for many offers, as arrays: ids, channels, before, after (-1 = none)."""

    offer: Ints
    channel: Ints
    before: Ints
    after: Ints

    def __len__(self) -> int:
        return len(self.offer)

    def changes(self) -> Iterator[Change]:
        for offer, channel, before, after in zip(
            self.offer.tolist(), self.channel.tolist(), self.before.tolist(), self.after.tolist(), strict=True
        ):
            yield Change(offer, channel, None if before == NOT_SET else before, None if after == NOT_SET else after)


def refresh(
    uc: UseCase,
    unit_ids: Sequence[int],
    *,
    sold: Sequence[Sold] = (),
    dry_run: bool = False,
) -> Difference:
    """Refresh the offers of units (and of kits they are part of); returns what differed. ``dry_run`` locks and writes nothing.

    ``sold``: what orders say about some of these offers, to be written along.
    """
    locked = set(uc.peek(LOCKED)).issuperset(unit_ids)
    crash.point("within:refresh:lock")
    offers = queries.read_offers_of_units(unit_ids) if dry_run or locked else queries.lock_offers_of_units(unit_ids)
    crash.point("within:refresh:locked")
    touched = sales.take_in(uc, offers, sold) if sold else None
    return _work_out(uc, facts.gather_channels(uc.organisation_id), offers, None, touched, dry_run=dry_run)


def ahead(channels: Mapping[int, ChannelFacts], sold: Iterable[int], units: Iterable[int]) -> list[int] | None:
    """Units whose offers a use case that sold ``sold`` and changes ``units`` may lock and refresh itself; None if they are too many."""
    first = set(sold)
    rest = set(units) - first
    return sorted(first | rest) if len(rest) <= _room(channels, len(first)) else None


def conclude(
    uc: UseCase,
    channels: Mapping[int, ChannelFacts],
    units: Iterable[int],
    offers: Mapping[str, Ints],
    places: Mapping[str, Ints],
    sold: Sequence[Sold],
    beliefs: Answer[Belief] | None,
) -> Difference:
    """Refresh all offers of units with channels and places gathered since their lock. Their marks are done with.

    The caller has locked levels, then offers, has gathered after that, and has reserved after that: what it reserved is added to the
    places. Gathered again are places of a kit that lost its part in between, and a level that was made for a reservation.
    """
    touched = sales.take_in(uc, offers, sold, beliefs)
    uc.unmark(STALE, units)
    whole = facts.include(places, take_moved(uc)) and bool(np.isin(offers["unit"], places["unit"]).all())
    return _work_out(uc, channels, offers, places if whole else None, touched, dry_run=False)


def lock(uc: UseCase, unit_ids: Sequence[int]) -> None:
    """Lock the offers of units now, all in key order, because the caller changes some of them before they are refreshed.

    Changing one first and locking the others later would meet another transaction head-on.
    """
    with hot_cursor() as cursor:
        queries.lock_only(cursor, unit_ids)
    uc.mark(LOCKED, unit_ids)


def refresh_channel(uc: UseCase, channel_id: int, *, dry_run: bool = False, after: int = 0) -> tuple[Difference, int]:
    """Refresh the next batch of a channel's offers; returns what differed and the id to go on after (0 = finished)."""
    offers = queries.lock_offers_of_channel(channel_id, after, SWEEP_BATCH)
    channels = facts.gather_channels(uc.organisation_id)
    size = len(offers["id"])
    return _work_out(uc, channels, offers, None, None, dry_run=dry_run), int(offers["id"][-1]) if size == SWEEP_BATCH else 0


def sweep(uc: UseCase) -> Difference:
    """Look at every offer of the organisation. Reads without locks; offers that seem to differ are locked and looked at again."""
    channels = facts.gather_channels(uc.organisation_id)
    offers = queries.read_offers_of_organisation(uc.organisation_id)
    places = queries.gather_places_of_organisation(uc.organisation_id)
    after = facts.decide(facts.gather(uc.organisation_id, channels, offers, places, uc.at.date()))
    return due(refresh(uc, np.unique(offers["unit"][after != offers["intended"]]).tolist()))


def due(difference: Difference) -> Difference:
    """What differs, without quotas of guarded units: they are split by what channels show now, and those before were right, too."""
    if not len(difference):
        return difference
    with hot_cursor() as cursor:
        quotas = guard_queries.guarded_offers(cursor, difference.offer.tolist())
    rest = ~np.isin(difference.offer, quotas)
    return Difference(difference.offer[rest], difference.channel[rest], difference.before[rest], difference.after[rest])


def _work_out(
    uc: UseCase,
    channels: Mapping[int, ChannelFacts],
    offers: Mapping[str, Ints],
    places: Mapping[str, Ints] | None,
    touched: Flags | None,
    *,
    dry_run: bool,
) -> Difference:
    if not len(offers["id"]):
        empty: Ints = np.empty(0, dtype=np.int64)
        return Difference(empty, empty, empty, empty)
    gathered = places if places is not None else queries.gather_places(np.unique(offers["unit"]))
    found = facts.gather(uc.organisation_id, channels, offers, gathered, uc.at.date())
    divided = guard.divide(found, facts.decide(found), uc.at)
    after = divided.shown
    crash.point("within:refresh:gathered")
    differs = after != offers["intended"]
    if not dry_run:
        guard_history.begin(uc, divided.begun)
        guard_history.end(uc, divided.ended)
        guard_history.keep(uc, offers, after, divided.rows)
        _write(uc, channels, offers, after, differs, touched)
        _see_to(uc, divided)
    return Difference(offers["id"][differs], offers["channel"][differs], offers["intended"][differs], after[differs])


def _write(
    uc: UseCase, channels: Mapping[int, ChannelFacts], offers: Mapping[str, Ints], after: Ints, differs: Flags, touched: Flags | None
) -> None:
    """Store what differs or was touched by orders; list what the channel may not hold yet."""
    changed = differs if touched is None else differs | touched
    sending = [channel.id for channel in channels.values() if channel.sends]
    pending = np.isin(offers["channel"], sending) & (after != NOT_SET) & (after != offers["believed"])
    pending &= changed | (after != offers["refused"])
    if not changed.any() and not pending.any():
        return
    shown = np.where(offers["believed"] == NOT_SET, offers["observed"], offers["believed"])
    danger = ((shown == NOT_SET) | (shown > after)).astype(np.int64)
    with hot_cursor() as cursor:
        sold = () if touched is None else (offers["believed"], offers["open"], offers["unacknowledged"])
        figures = [column[changed] for column in (offers["id"], after, *sold)]
        todo = (offers["id"][pending], offers["channel"][pending], danger[pending])
        queries.write_figures(cursor, uc.organisation_id, uc.at, figures, todo, offers["id"][changed & ~pending])
    to_wake = np.unique(offers["channel"][pending]).tolist()
    uc.mark(WAKE, [channels[channel].connection_id for channel in to_wake])


def _see_to(uc: UseCase, divided: guard.Divided) -> None:
    """Units that became scarce or are scarce no longer; and offers of guarded units that were not at hand and must show less now."""
    if divided.scarce or divided.plenty:
        with hot_cursor() as cursor:
            guard_queries.write_scarce(cursor, uc.organisation_id, uc.at, divided.scarce, divided.plenty)
    guard.leave_to_job(uc, divided.overflow)


@before_commit(20)
def refresh_marked(uc: UseCase) -> None:
    """Refresh the offers of units whose figures changed in this transaction, and of all units sold; leave what is too many to a job."""
    sold = sales.take(uc)
    first = {line.unit_id for line in sold}
    units = uc.take(STALE)
    if not units and not first:
        return
    channels = facts.gather_channels(uc.organisation_id)
    room = _room(channels, len(first))
    rest = [unit for unit in units if unit not in first]
    refresh(uc, sorted(first.union(rest[:room])), sold=sold)
    if rest[room:]:
        leave_to_job(uc, rest[room:])


def leave_to_job(uc: UseCase, units: Sequence[int]) -> None:
    """Have the offers of units looked at (again) in a transaction of its own, soon after this one."""
    with connection.cursor() as cursor:
        stock_queries.mark_stale(cursor, uc.organisation_id, units)
    uc.mark("drain_stale", [uc.organisation_id])


def _room(channels: Mapping[int, ChannelFacts], first: int) -> int:
    """How many units may be refreshed beside the ``first`` that must be."""
    return max(TAKE_ALONG // max(len(channels), 1) - first, 0)


def drain(organisation_id: int) -> int:
    """The job: refresh the offers of all units that are marked; how many units there were.

    Several transactions at once, on connections of their own: most of the time is PostgreSQL's, which works for each on a core of its own.
    """
    taken = _drain_once(organisation_id)
    if taken < DRAIN_BATCH:
        return taken
    if connection.in_atomic_block:  # others would not see its rows
        return taken + _drain_rest(organisation_id)
    with ThreadPoolExecutor(DRAINERS, thread_name_prefix="drain") as pool:
        return taken + sum(pool.map(_drain_apart, [organisation_id] * DRAINERS))


def _drain_apart(organisation_id: int) -> int:
    try:
        return _drain_rest(organisation_id)
    finally:
        connection.close()


def _drain_rest(organisation_id: int) -> int:
    return sum(iter(lambda: _drain_once(organisation_id), 0))


def _drain_once(organisation_id: int) -> int:
    with use_case("offers.refresh", organisation_id=organisation_id) as uc:
        return drain_stale(uc)


def drain_stale(uc: UseCase, limit: int | None = None) -> int:
    """Take marks that were left over and refresh their offers; returns how many units it took.

    An offer may be so new that a transaction which changes stock right now has not seen it: that one is waited for first.
    """
    with connection.cursor() as cursor:
        taken = stock_queries.take_stale(cursor, uc.organisation_id, limit or DRAIN_BATCH)
        if taken:
            queries.hold_levels(cursor, taken)
    if taken:
        refresh(uc, taken)
    return len(taken)
