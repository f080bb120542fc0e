"""The facts behind figures at a past moment, and the figures that follow from them by the one availability function (D1, D2).

Two views. *As believed then*: what the system had recorded by the moment. *As known today*: what had happened by then, with everything
recorded since; movements that were entered later, and orders that came later, are in it. What orders add is ``Late``, which the layer of
orders gathers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec
import numpy as np
from django.db import connection

from stallkeeper.channels import facts, overriding_queries, past_queries, velocity
from stallkeeper.channels.facts import Facts
from stallkeeper.channels.overriding import NONE, Overrides
from stallkeeper.channels.past_queries import Clock, OfferNow, PlaceNow, PromiseThen, UnitNow
from stallkeeper.channels.queries import OFFER_COLUMNS, PLACE_COLUMNS, ChannelFacts
from stallkeeper.core import history
from stallkeeper.core.copy import Ints
from stallkeeper.core.history import Fact
from stallkeeper.core.sql import Cursor
from stallkeeper.stock.availability import NOT_SET
from stallkeeper.stock.models import ReservationKind


class View(StrEnum):
    """Whose knowledge a past figure rests on."""

    THEN = "then"
    TODAY = "today"


CLOCKS = {View.THEN: Clock.LEARNED, View.TODAY: Clock.HAPPENED}


@dataclass(frozen=True, slots=True)
class LatePromise:
    """Base units that an order took, or wanted and did not get, which was placed by the moment and came in after it."""

    unit_id: int
    location_id: int
    kind: str
    quantity: int
    line_id: int


@dataclass(frozen=True, slots=True)
class Late:
    """What is known today of orders at the moment and was not known then. ``open``: sold units by offer."""

    promises: Sequence[LatePromise] = ()
    open: Mapping[int, int] = field(default_factory=dict)


class KeptRules(msgspec.Struct):
    """What of a kept version of rules availability works on. A rule that came later is as if it was not set."""

    share: Decimal
    share_rounding: str
    buffer: int
    max_publish: int | None
    zero_at: int
    fixed: int | None
    allow_splits: bool
    horizon_days: int
    locations: list[int]
    velocity_share: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Past:
    """Everything that deciding needs, as of ``at``. ``existed``: offers that were linked by then; the others show nothing.

    ``unrecorded_before``: set where the history of facts begins after the moment; what is not in the ledger is as it was then.
    """

    at: datetime
    view: View
    facts: Facts
    existed: frozenset[int]
    promises: Sequence[PromiseThen]
    quotas: Mapping[int, int]
    """What guarded mode had given to offers: what was believed then. Known today, an offer had no more than that."""
    unrecorded_before: datetime | None

    def figures(self) -> Ints:
        """What each offer should have shown; NOT_SET where it did not exist, or was left out. In the order of ``facts.offers``."""
        shown = facts.decide(self.facts)
        for row, offer in enumerate(self.facts.offers["id"].tolist()):
            if offer in self.quotas and shown[row] != NOT_SET:
                quota = self.quotas[offer]
                shown[row] = quota if self.view is View.THEN else min(int(shown[row]), quota)
        shown[~np.isin(self.facts.offers["id"], sorted(self.existed))] = NOT_SET
        return shown


def gather(
    organisation_id: int, since: datetime | None, offer_ids: Sequence[int], at: datetime, view: View, late: Late | None = None
) -> Past:
    """The facts of these offers at a moment. ``since``: when the organisation's history of facts began (None: with it)."""
    late = late or Late()
    with connection.cursor() as cursor:
        channels = _channels(cursor, organisation_id, at)
        linked = [_offer_then(row, was) for row, was in _with_history(organisation_id, past_queries.offers(cursor, offer_ids, at), at)]
        units = _units(cursor, organisation_id, [row.unit_id for row in linked], at)
        parts = _parts(cursor, organisation_id, [unit.id for unit in units.values() if unit.is_kit], at)
        components = {part for rows in parts.values() for part, _ in rows}
        units |= _units(cursor, organisation_id, sorted(components - units.keys()), at)
        counted = sorted(components | {unit for unit, row in units.items() if not row.is_kit})
        promises = past_queries.promised(cursor, counted, at)
        if view is View.TODAY:
            promises = _as_known_today(promises, past_queries.taken_over(cursor, counted, at), late)
        places = _places(cursor, units, parts, [row.unit_id for row in linked], counted, promises, at, CLOCKS[view])
        fences = _fences(cursor, organisation_id, at)
        incoming = _incoming(cursor, organisation_id, counted, at)
        overrides = _overrides(cursor, organisation_id, sorted(channels), sorted({row.unit_id for row in linked}), at)
        sold = past_queries.sold(counted, at, at - velocity.WINDOW, CLOCKS[view])
    unrecorded = since if since is not None and at < since else None
    channels = {key: channel._replace(fenced=bool(fences)) for key, channel in channels.items()}
    offers = _offers(linked, late if view is View.TODAY else Late())
    existed = frozenset(row.id for row in linked if row.linked_at is None or row.linked_at <= at)
    found = Facts(channels, offers, places, fences, incoming, at.astimezone(UTC).date(), overrides, sold)
    return Past(at, view, found, existed, promises, _quotas(organisation_id, linked, parts, at), unrecorded)


# --- offers and units ---------------------------------------------------------------------------------------------------------------------


class Link(msgspec.Struct):
    """An offer's link as the history keeps it."""

    unit: int
    pack: int
    excluded: bool
    since: datetime | None


def _with_history(organisation_id: int, rows: Sequence[OfferNow], at: datetime) -> list[tuple[OfferNow, Link | None]]:
    was = history.undone(organisation_id, Fact.OFFER, [row.id for row in rows], at)
    return [(row, msgspec.convert(was[row.id, ""], Link) if was.get((row.id, "")) else None) for row in rows]


def _offer_then(row: OfferNow, was: Link | None) -> OfferNow:
    if was is None:
        return row
    return row._replace(unit_id=was.unit, pack_factor=was.pack, excluded=was.excluded, linked_at=was.since)


def _offers(linked: Sequence[OfferNow], late: Late) -> dict[str, Ints]:
    table: dict[str, Ints] = {name: np.full(len(linked), NOT_SET, dtype=np.int64) for name in OFFER_COLUMNS}
    more = [late.open.get(row.id, 0) for row in linked]
    for name, values in {
        "id": [row.id for row in linked],
        "channel": [row.channel_id for row in linked],
        "unit": [row.unit_id for row in linked],
        "pack_factor": [row.pack_factor for row in linked],
        "excluded": [int(row.excluded) for row in linked],
        "open": [row.open + extra for row, extra in zip(linked, more, strict=True)],
        "unacknowledged": [row.unacknowledged + extra for row, extra in zip(linked, more, strict=True)],
    }.items():
        table[name] = np.array(values, dtype=np.int64)
    return table


def _quotas(
    organisation_id: int, linked: Sequence[OfferNow], parts: Mapping[int, Sequence[tuple[int, int]]], at: datetime
) -> dict[int, int]:
    """What guarded mode had given to those offers that sell a unit which was guarded."""
    holds = {row.id: [part for part, _ in parts.get(row.unit_id) or [(row.unit_id, 1)]] for row in linked}
    units = sorted({unit for held in holds.values() for unit in held})
    with connection.cursor() as cursor:
        guarded = dict.fromkeys(past_queries.guarded(cursor, units), True)
        figures = dict(past_queries.intended(cursor, sorted(holds)))
    guarded |= {unit: bool(was) for (unit, _), was in history.undone(organisation_id, Fact.GUARD, units, at).items()}
    mine = sorted(offer for offer in figures if any(guarded.get(unit) for unit in holds[offer]))
    given = history.undone(organisation_id, Fact.QUOTA, mine, at)
    found = {offer: given.get((offer, ""), figures[offer]) for offer in mine}
    return {offer: quota for offer, quota in found.items() if quota is not None}


def _units(cursor: Cursor, organisation_id: int, ids: Sequence[int], at: datetime) -> dict[int, UnitNow]:
    rows = past_queries.units(cursor, sorted(set(ids)))
    was = history.undone(organisation_id, Fact.UNIT, [row.id for row in rows], at)
    return {
        row.id: row._replace(active=was.get((row.id, "active"), row.active), stocked=was.get((row.id, "stocked"), row.stocked))
        for row in rows
    }


def _parts(cursor: Cursor, organisation_id: int, kits: Sequence[int], at: datetime) -> dict[int, list[tuple[int, int]]]:
    """What kits consisted of: {kit: [(component, number)]}, by component."""
    now: dict[tuple[int, int], int | None] = {(kit, part): number for kit, part, number in past_queries.parts(cursor, kits)}
    now |= {(kit, int(part)): number for (kit, part), number in history.undone(organisation_id, Fact.KIT, kits, at).items()}
    return {kit: sorted((part, number) for (of, part), number in now.items() if of == kit and number) for kit in kits}


# --- places -------------------------------------------------------------------------------------------------------------------------------


def _places(
    cursor: Cursor,
    units: Mapping[int, UnitNow],
    parts: Mapping[int, Sequence[tuple[int, int]]],
    wanted: Sequence[int],
    counted: Sequence[int],
    promises: Sequence[PromiseThen],
    at: datetime,
    clock: Clock,
) -> dict[str, Ints]:
    """Rows as ``queries.gather_places`` gives them, with the figures of the moment."""
    on_hand = past_queries.on_hand(cursor, counted, at, clock)
    spots: dict[int, list[int]] = {}
    for unit, location in past_queries.levels(cursor, counted):
        spots.setdefault(unit, []).append(location)
    allocated: dict[tuple[int, int], int] = {}
    held: dict[tuple[int, int], int] = {}
    for promise in promises:
        sums = allocated if promise.kind == ReservationKind.ALLOCATED else held
        spot = (promise.unit_id, promise.location_id)
        sums[spot] = sums.get(spot, 0) + promise.quantity
    rows = [
        (
            *(unit, part, number, int(units[unit].is_kit), _counts(units[unit], units[part]), location),
            *(figures.get((part, location), 0) for figures in (on_hand, allocated, held)),
        )
        for unit in sorted(set(wanted))
        for part, number in (parts.get(unit) or [(unit, 1)])
        for location in spots.get(part, [-1])
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, len(PLACE_COLUMNS)).T
    return {name: np.ascontiguousarray(column) for name, column in zip(PLACE_COLUMNS, columns, strict=True)}


def _counts(unit: UnitNow, part: UnitNow) -> int:
    if not unit.active:
        return facts.INACTIVE
    return 1 if part.stocked else facts.UNCOUNTED


def _as_known_today(promises: Sequence[PromiseThen], taken: Sequence[PromiseThen], late: Late) -> list[PromiseThen]:
    """Orders that came later count from when they were placed; what was held for their sale until they came is not held twice."""
    less = {row[:5]: row.quantity for row in taken}
    known = [row._replace(quantity=row.quantity - min(less.get(row[:5], 0), row.quantity)) for row in promises]
    new = [PromiseThen(row.unit_id, row.location_id, "line", row.line_id, row.kind, row.quantity) for row in late.promises]
    return [row for row in known if row.quantity] + new


# --- channels -----------------------------------------------------------------------------------------------------------------------------


def _channels(cursor: Cursor, organisation_id: int, at: datetime) -> dict[int, ChannelFacts]:
    """Channels with the rules and places of the moment. Their switches are those of now: no figure rests on them."""
    places = _places_then(cursor, organisation_id, at)
    chosen: dict[int, list[int]] = {}
    for owner, place in past_queries.chosen_places(cursor, organisation_id):
        chosen.setdefault(owner, []).append(place)
    versions = {
        channel: msgspec.json.decode(rules, type=KeptRules) for channel, rules in past_queries.versions(cursor, organisation_id, at)
    }
    then: dict[int, ChannelFacts] = {}
    for channel in facts.gather_channels(organisation_id).values():
        kept = versions.get(channel.id)
        rules = {name: getattr(kept, name) for name in KeptRules.__struct_fields__ if name != "locations"} if kept else {}
        looked_at = kept.locations if kept else chosen.get(channel.id, [])
        serving = sorted((places[place] for place in looked_at if place in places), key=lambda place: (place.priority, place.id))
        then[channel.id] = channel._replace(**rules, locations=[place.id for place in serving if place.active and place.sellable])
    return then


def _overrides(cursor: Cursor, organisation_id: int, channels: Sequence[int], units: Sequence[int], at: datetime) -> Overrides:
    """The rules of products and categories of the moment, and which products stood in those categories."""
    found = overriding_queries.gather(channels, np.array(units, dtype=np.int64), whole=False, at=at)
    speaking = set(found.category.tolist()) - {NONE}
    if not speaking:
        return found
    rows = past_queries.categories(cursor, units)
    was = history.undone(organisation_id, Fact.PRODUCT, sorted({product for _, product, _ in rows}), at)
    stood = {unit: str(was.get((product, "category"), category)) for unit, product, category in rows}
    numbers = past_queries.numbers_of(cursor, sorted(set(stood.values())))
    members = [(unit, numbers[category]) for unit, category in sorted(stood.items()) if numbers[category] in speaking]
    table = np.array(members, dtype=np.int64).reshape(-1, 2)
    return replace(found, members=np.ascontiguousarray(table[:, 0]), member_of=np.ascontiguousarray(table[:, 1]))


def _places_then(cursor: Cursor, organisation_id: int, at: datetime) -> dict[int, PlaceNow]:
    rows = past_queries.places(cursor, organisation_id)
    was = history.undone(organisation_id, Fact.PLACE, [row.id for row in rows], at)
    return {
        row.id: row._replace(**{name: was[row.id, name] for name in ("active", "sellable", "priority") if (row.id, name) in was})
        for row in rows
    }


def _fences(cursor: Cursor, organisation_id: int, at: datetime) -> list[tuple[int, int, int]]:
    """Ring-fences of the moment: (channel, unit, quantity)."""
    now: dict[tuple[int, int], int] = {(unit, channel): kept for unit, channel, kept in past_queries.fences(cursor, organisation_id)}
    changed = past_queries.fenced_since(cursor, organisation_id, at)
    now |= {(unit, int(channel)): kept for (unit, channel), kept in history.undone(organisation_id, Fact.FENCE, changed, at).items()}
    return sorted((channel, unit, kept) for (unit, channel), kept in now.items() if kept)


def _incoming(cursor: Cursor, organisation_id: int, units: Sequence[int], at: datetime) -> list[tuple[int, int, date, int]]:
    """What should come in, as it was announced by the moment, from its day on."""
    now = {(unit, f"{place} {day:%Y-%m-%d}"): number for unit, place, day, number in past_queries.incoming(cursor, units)}
    now |= history.undone(organisation_id, Fact.INCOMING, units, at)
    found = []
    for (unit, part), number in now.items():
        place, day = part.split(" ")
        if number and date.fromisoformat(day) >= at.astimezone(UTC).date():
            found.append((unit, int(place), date.fromisoformat(day), number))
    return sorted(found)
