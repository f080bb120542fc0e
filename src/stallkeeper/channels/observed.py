"""Observed holds: units that a channel's own figures say are sold, kept back before their order can be read (S3.54-S3.57).

A look at the channel *sets* what is held of an offer; it never adds. Where the figure falls by itself (``Observer.FALL``) that is what is
missing below what we believe; where the platform shows a reserve of its own (``Observer.RESERVE``), what is more than the units of the open
orders that we know. An order that was placed before the look takes its units over: no sale is ever reserved twice. A rise is no sale, and
neither is a fall by more units than the channel's rules allow (somebody has typed a number there).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.db import connection

from stallkeeper.channels import observed_queries as queries
from stallkeeper.channels.belief_queries import Known, Shown
from stallkeeper.channels.observed_queries import OpenHold, Watched
from stallkeeper.core import audit
from stallkeeper.core.sql import Cursor
from stallkeeper.core.use_case import UseCase
from stallkeeper.stock import queries as stock_queries
from stallkeeper.stock import reserve
from stallkeeper.stock.allocation import Demand
from stallkeeper.stock.models import ReservationKind
from stallkeeper.stock.reserve import Want
from stallkit.manifest import Observer
from stallkit.registry import manifest_of
from stallkit.types import OfferState
from stallkit.words import said as _

OWNER = "observed"
CLOCKS = timedelta(minutes=2)
"""The moment that a platform states for an order, and that at which its figure moved, may be so far apart."""
SOME = 500
"""Holds that one transaction ends."""


class ObservedError(ValueError):
    """A hold cannot be changed as asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A look at one offer: how many units are ``missing`` that no order explains, those that are held already included."""

    offer: Watched
    missing: int
    cause: str
    needs_belief: bool
    """Holds only if the read became what we believe: nothing was sent or sold meanwhile."""


@dataclass(slots=True)
class Look:
    """What a read says of watched offers, with everything locked that setting the holds may touch."""

    at: datetime
    sights: list[Sight] = field(default_factory=list)
    holds: dict[int, list[OpenHold]] = field(default_factory=dict)


def look(uc: UseCase, read: Sequence[tuple[Known, OfferState]], own: Mapping[int, int], asked: datetime) -> Look:
    """Work out what a read that began at ``asked`` says; call it before the offers are locked. ``own``: units of our open orders by offer
    that the platform's reserve must contain."""
    with connection.cursor() as cursor:
        watched = {row.offer_id: row for row in queries.watched(cursor, [known.offer_id for known, _ in read], uc.at)}
        if not watched:
            return Look(asked)
        holds = _by_offer(queries.lock_open(cursor, sorted(watched)))
        found = [
            sight
            for known, state in read
            if known.offer_id in watched
            and (sight := judge(watched[known.offer_id], known, state, own.get(known.offer_id, 0), _units(holds, known.offer_id)))
        ]
        moved = [sight for sight in found if sight.missing != _units(holds, sight.offer.offer_id)]
        _lock_levels(cursor, [sight.offer.offer_id for sight in moved])
    return Look(asked, moved, holds)


def judge(offer: Watched, known: Known, state: OfferState, own: int, held: int) -> Sight | None:
    """What one read says; None if it says nothing. Pure."""
    mode = manifest_of(offer.platform).quirks.observer
    if mode is Observer.RESERVE and state.reserved is not None:
        cause = f"reserve {offer.reserved if offer.reserved is not None else '?'} -> {state.reserved}"
        return Sight(offer, max(state.reserved - own, 0), cause, needs_belief=False)
    if mode is not Observer.FALL or known.believed is None or state.quantity is None:
        return None
    missing = max(known.believed + held - state.quantity, 0)
    if missing - held > offer.most:
        return None
    return Sight(offer, missing, f"{known.believed} -> {state.quantity}", needs_belief=True)


def settle(uc: UseCase, seen: Look, shown: Sequence[Shown]) -> None:
    """Set the holds by what the read turned out to be. ``shown``: the figures as they were written; a read that came too late is not in."""
    if not seen.sights:
        return
    written = {row.offer_id for row in shown}
    counts = {row.offer_id for row in shown if row.replaced and (row.confirmed or row.observed != row.seen_before)}
    wanted = [sight for sight in seen.sights if sight.offer.offer_id in (counts if sight.needs_belief else written)]
    with connection.cursor() as cursor:
        new = [
            _new(uc, sight, extra, seen.at) for sight in wanted if (extra := sight.missing - _units(seen.holds, sight.offer.offer_id)) > 0
        ]
        made = queries.insert(cursor, uc.organisation_id, sorted(new)) if new else []
        back = [
            (hold, units)
            for sight in wanted
            for hold, units in newest_first(
                seen.holds.get(sight.offer.offer_id, ()), _units(seen.holds, sight.offer.offer_id) - sight.missing
            )
        ]
        if back:
            queries.give_up(cursor, "withdrawn", [(hold.id, units) for hold, units in back], uc.at)
        entered = dict(zip([hold for hold, _ in made], sorted(new), strict=True))
        rows = [(hold, row[0], row[1]) for hold, row in entered.items()] + [(hold.id, hold.offer_id, hold.quantity - n) for hold, n in back]
        _reserve(uc, cursor, rows, "seen on the channel")


def _new(uc: UseCase, sight: Sight, units: int, at: datetime) -> queries.NewHold:
    offer = sight.offer
    expires = uc.at + timedelta(minutes=offer.minutes) if sight.needs_belief else None
    since = max((moment for moment in (offer.observed_at, offer.accepted_at) if moment is not None), default=None)
    return offer.offer_id, units, since, at, expires, sight.cause


def newest_first(holds: Sequence[OpenHold], units: int) -> Iterable[tuple[OpenHold, int]]:
    """Which holds give ``units`` back: what was seen last ends first. Pure."""
    for hold in reversed(holds):
        some = min(hold.quantity, units)
        if some <= 0:
            return
        units -= some
        yield hold, some


@dataclass(frozen=True, slots=True)
class Sale:
    """Sold units of an offer in an order that was placed at ``at`` by the platform's clock."""

    offer_id: int
    quantity: int
    at: datetime


def take_over(uc: UseCase, sales: Sequence[Sale], units: Iterable[int] = ()) -> int:
    """Orders have come: those that were placed between the two looks that a hold rests on are its sale, and take its units over.

    Returns how many sold units that were. Call it before the orders' own reservations are set, with nothing locked but orders; ``units``:
    those whose levels they will lock, to be locked together with those of the holds.
    """
    if not sales:
        return 0
    with connection.cursor() as cursor:
        holds = _by_offer(queries.lock_open(cursor, sorted({sale.offer_id for sale in sales})))
        taken = explained(holds, sales)
        if not taken:
            return 0
        left = {hold.id: (hold.offer_id, hold.quantity) for rows in holds.values() for hold in rows}
        queries.give_up(cursor, "taken_over", sorted(taken.items()), uc.at)
        _lock_levels(cursor, [left[hold][0] for hold in taken], units)
        _reserve(uc, cursor, [(hold, left[hold][0], left[hold][1] - units) for hold, units in sorted(taken.items())], "taken over")
    return sum(taken.values())


def explained(holds: Mapping[int, Sequence[OpenHold]], sales: Sequence[Sale]) -> dict[int, int]:
    """Units of each hold that the sales explain, the oldest hold first. Pure."""
    taken: dict[int, int] = {}
    for sale in sorted(sales, key=lambda sale: (sale.at, sale.offer_id)):
        units = sale.quantity
        for hold in holds.get(sale.offer_id, ()):
            if (hold.since is not None and sale.at < hold.since - CLOCKS) or sale.at > hold.seen_at + CLOCKS:
                continue
            some = min(hold.quantity - taken.get(hold.id, 0), units)
            if some > 0:
                taken[hold.id] = taken.get(hold.id, 0) + some
                units -= some
    return taken


def lapse(uc: UseCase) -> int:
    """End the holds that no order explained in time; their units are free again. Returns how many holds that were."""
    with connection.cursor() as cursor:
        over = queries.lock_these(cursor, queries.due(cursor, uc.organisation_id, uc.at, SOME))
        over = [hold for hold in over if hold.expires_at is not None and hold.expires_at <= uc.at]
        _end(uc, cursor, over, "lapsed")
    return len(over)


def release(uc: UseCase, hold_id: int, *, reason: str, keep: int = 0) -> int:
    """A person says that these units are not sold, but for ``keep`` sold units of them: they are free again. How many.

    ObservedError without a reason, if it has ended, or if ``keep`` is not fewer than it holds: by hand nothing is reserved for a channel.
    """
    if not reason.strip():
        raise ObservedError(_("reason: say why these units are not sold"))
    with connection.cursor() as cursor:
        found = queries.lock_these(cursor, [hold_id])
        if not found:
            raise ObservedError(_("This reservation has ended already: an order came, or its time was over."))
        held = found[0].quantity
        if not 0 <= keep < held:
            raise ObservedError(
                _("keep: this reservation can be made smaller, to at most {most} of its {held} units", most=held - 1, held=held)
            )
        _end(uc, cursor, found, "released", reason.strip()[:300], keep)
    kept = {"kept": keep} if keep else {}
    audit.record(uc, "release.observed_hold", "observed_hold", hold_id, units=held - keep, reason=reason.strip()[:300], **kept)
    return held - keep


def _end(uc: UseCase, cursor: Cursor, holds: Sequence[OpenHold], ending: str, reason: str = "", keep: int = 0) -> None:
    """Take the units off these holds, but for ``keep`` of each."""
    if not holds:
        return
    queries.give_up(cursor, ending, [(hold.id, hold.quantity - keep) for hold in holds], uc.at, reason)
    _lock_levels(cursor, [hold.offer_id for hold in holds])
    _reserve(uc, cursor, [(hold.id, hold.offer_id, keep) for hold in holds], ending)


def _reserve(uc: UseCase, cursor: Cursor, rows: Sequence[tuple[int, int, int]], cause: str) -> None:
    """Set the reservations of holds: (hold, offer, sold units)."""
    if not rows:
        return
    offers = sorted({offer for _, offer, _ in rows})
    parts = _parts(cursor, offers)
    served = {row.offer_id: row for row in queries.served_from(cursor, offers)}
    wants = [
        Want(Demand(hold, units, parts[offer], tuple(served[offer].places), served[offer].splits), ReservationKind.OBSERVED)
        for hold, offer, units in rows
        if parts.get(offer)
    ]
    reserve.set_reservations(uc, OWNER, wants, cause=cause)


def _parts(cursor: Cursor, offers: Sequence[int]) -> dict[int, tuple[tuple[int, int], ...]]:
    found = groupby(queries.parts(cursor, offers), key=lambda row: row[0])
    return {offer: tuple((unit, number) for _, unit, number in rows) for offer, rows in found}


def _lock_levels(cursor: Cursor, offers: Iterable[int], others: Iterable[int] = ()) -> None:
    """All levels that the holds of these offers may touch, and those of ``others``, in key order, before anything of stock is locked."""
    chosen = sorted(set(offers))
    units = {unit for _, unit, _ in queries.parts(cursor, chosen)} if chosen else set()
    if units:
        stock_queries.lock_levels(cursor, sorted(units.union(others)))


def _by_offer(holds: Iterable[OpenHold]) -> dict[int, list[OpenHold]]:
    found: dict[int, list[OpenHold]] = {}
    for hold in holds:
        found.setdefault(hold.offer_id, []).append(hold)
    return found


def _units(holds: Mapping[int, Sequence[OpenHold]], offer: int) -> int:
    return sum(hold.quantity for hold in holds.get(offer, ()))
