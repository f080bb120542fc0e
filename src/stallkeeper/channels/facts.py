"""From gathered rows to the arrays that availability works on.

Channels that look at the same places in the same way share one *view*; for-sale figures are worked out once per (unit, view).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import connection

from stallkeeper.channels import overriding, overriding_queries, queries, velocity
from stallkeeper.channels.overriding import Found, Overrides, Proposed
from stallkeeper.channels.queries import ChannelFacts
from stallkeeper.core.copy import Ints
from stallkeeper.stock.availability import (
    ALWAYS,
    NOT_SET,
    Flags,
    Places,
    Rules,
    Trace,
    for_sale,
    to_show,
)
from stallkeeper.stock.reserve import Moved
from stallkit.manifest import Basis
from stallkit.registry import manifest_of

INACTIVE, UNCOUNTED = 0, 2
"""Of a row of places (``queries.gather_places``); 1 is counted."""

ROUNDING_NAMES = {number: name for name, number in overriding.ROUNDINGS.items()}


@dataclass(frozen=True, slots=True)
class View:
    """A way of looking at places: which ones, whether a kit may be split, how far ahead incoming goods count, whose fence applies."""

    locations: tuple[int, ...]
    splits: bool
    horizon: int
    fence_of: int
    """Channel id where ring-fences exist (each sees its own), else 0."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that deciding needs: channels, offers, places, fences, incoming goods; rules of categories and products where a channel
    has any, and what the last hour sold (counted unit, quantity) where a rule asks for it."""

    channels: Mapping[int, ChannelFacts]
    offers: Mapping[str, Ints]
    places: Mapping[str, Ints]
    fences: Sequence[tuple[int, int, int]]
    incoming: Sequence[tuple[int, int, date, int]]
    today: date
    overrides: Overrides | None = None
    sold: Mapping[str, Ints] | None = None
    proposed: Proposed | None = None
    """Rules of categories and products that are not in force, and are worked with as if they were: they are among ``overrides``."""


def gather_channels(organisation: int) -> dict[int, ChannelFacts]:
    return {channel.id: channel for channel in queries.ask_channels(organisation)()}


def gather(
    organisation: int,
    channels: Mapping[int, ChannelFacts],
    offers: Mapping[str, Ints],
    places: Mapping[str, Ints],
    today: date,
    proposed: Proposed | None = None,
) -> Facts:
    """Add the rare facts (fences, incoming, overrides, sales) where a channel needs them. Call it after the offers are locked.

    ``proposed``: rules of categories and products to be worked with as if they were in force.
    """
    horizon = max((channel.horizon_days for channel in channels.values()), default=0)
    fences: Sequence[tuple[int, int, int]] = ()
    incoming: Sequence[tuple[int, int, date, int]] = ()
    fenced = any(channel.fenced for channel in channels.values())
    if fenced or horizon:
        with connection.cursor() as cursor:
            fences = queries.gather_fences(cursor, organisation) if fenced else ()
            incoming = queries.gather_incoming(cursor, organisation, today, today + timedelta(days=horizon)) if horizon else ()
    overridden = [channel.id for channel in channels.values() if channel.overridden]
    whole = len(places["unit"]) > FEW
    overrides = gather_overrides(overridden, np.unique(offers["unit"]), whole=whole, proposed=proposed)
    paced = proposed is not None and bool((proposed.said["velocity_share"] > 0).any())
    sold = velocity.sold(organisation, channels.values(), places["component"], whole=whole, proposed=paced)
    return Facts(channels, offers, places, fences, incoming, today, overrides, sold, proposed)


def gather_overrides(overridden: Sequence[int], units: Ints, *, whole: bool, proposed: Proposed | None = None) -> Overrides | None:
    """What categories and products say on the channels that have such rules, or would have them; None where none has."""
    if proposed is None:
        return overriding_queries.gather(overridden, units, whole=whole) if overridden else None
    categories = sorted({name for name in proposed.category if name})
    found = overriding_queries.gather(overridden, units, whole=whole, also=categories)
    with connection.cursor() as cursor:
        return overriding.as_if(found, proposed, overriding_queries.category_numbers(cursor, categories))


FEW = 50_000
"""Up to so many rows, facts are asked of the units at hand; of more, all that there are."""


def include(places: Mapping[str, Ints], changes: Iterable[Moved]) -> bool:
    """Bring gathered places up to what this transaction has changed of their levels since; False if one of these was not gathered.

    The levels must have been locked before the places were gathered: then nobody else has changed them.
    """
    moved = {(change.unit_id, change.location_id): (change.allocated, change.held) for change in changes}
    spots = list(zip(places["component"].tolist(), places["location"].tolist(), strict=True))
    for number, column in enumerate(("allocated", "held")):
        places[column][:] += np.array([moved.get(spot, (0, 0))[number] for spot in spots], dtype=np.int64)
    return moved.keys() <= set(spots)


BLOCK = 1 << 16
"""Offers that are worked out at once: their columns stay in the processor's cache. Traces are of fewer."""


def decide(facts: Facts, trace: Trace | None = None) -> Ints:
    """The quantity that each offer should show; NOT_SET for offers that are left out."""
    offers = facts.offers
    shown = np.full(len(offers["unit"]), NOT_SET, dtype=np.int64)
    if not len(shown):
        return shown
    channels = [facts.channels[channel] for channel in sorted(facts.channels)]
    whose = _positions(np.array([channel.id for channel in channels], dtype=np.int64), offers["channel"])
    available, target = _targets(facts, [_view(channel) for channel in channels], whose, trace)
    own, sold = find_overrides(facts), sold_of_offers(facts)
    for start in range(0, len(shown), BLOCK):
        part = slice(start, start + BLOCK)
        shown[part] = to_show(available, _rules(facts, channels, whose, target, own, sold, part), trace)
    shown[offers["excluded"] == 1] = NOT_SET
    return shown


def _targets(facts: Facts, views: Sequence[View], whose: Ints, trace: Trace | None) -> tuple[Ints, Ints]:
    """Units for sale per (view, unit), for views that have offers; and the place of each offer's figure among them."""
    units, first_row = np.unique(facts.places["unit"], return_index=True)
    used = dict.fromkeys(views[number] for number in np.flatnonzero(np.bincount(whose)).tolist())
    base = {view: number * len(units) for number, view in enumerate(used)}
    available = np.concatenate([_for_sale(facts, view, units, first_row, trace) for view in used])
    target = np.array([base.get(view, 0) for view in views], dtype=np.int64)[whose]
    target += _positions(units, facts.offers["unit"])
    return available, target


def _positions(units: Ints, wanted: Ints) -> Ints:
    """Where each wanted unit stands among the sorted units: by a table where many are wanted and ids are not too far apart."""
    if len(wanted) < len(units) or units[-1] > 20 * len(units) + 1_000_000:
        return np.searchsorted(units, wanted)
    table: Ints = np.zeros(int(units[-1]) + 1, dtype=np.int64)
    table[units] = np.arange(len(units))
    return table[wanted]


def _view(channel: ChannelFacts) -> View:
    return View(tuple(channel.locations), channel.allow_splits, channel.horizon_days, channel.id if channel.fenced else 0)


def _for_sale(facts: Facts, view: View, units: Ints, first_row: Ints, trace: Trace | None) -> Ints:
    """For-sale figures of all gathered units in one view. Rows of other places stay, with nothing free: every target keeps its rows.

    Components that are not counted limit nothing; what consists of nothing else is always available (S5.90).
    """
    rows = facts.places
    limited, limiting = _limits(rows, units)
    order = _place_order(rows, view, limiting)
    chosen = np.isin(rows["location"], np.array(view.locations, dtype=np.int64)).astype(np.int64)
    target = np.searchsorted(units, rows["unit"])
    whole = (rows["is_kit"][first_row] == 0) | view.splits
    places = Places(
        targets=len(units),
        target=target[order],
        component=rows["component"][order],
        place=_place_numbers(rows["location"], whole)[order],
        per_kit=rows["per_kit"][order],
        on_hand=(rows["on_hand"] * chosen)[order],
        allocated=(rows["allocated"] * chosen)[order],
        held=(rows["held"] * chosen)[order],
        fence=_fence(facts, view)[order],
        incoming=(_incoming(facts, view) * chosen)[order],
        whole=whole,
    )
    available = for_sale(places, trace)
    return np.where(rows["counted"][first_row] == INACTIVE, 0, np.where(limited, available, ALWAYS))


def _limits(rows: Mapping[str, Ints], units: Ints) -> tuple[Flags, Flags]:
    """Per unit: whether it has a counted component. Per row: whether it is worked with, as all rows of units are that have none."""
    counted = rows["counted"] != UNCOUNTED
    limited = np.ones(len(units), dtype=bool)
    if counted.all():
        return limited, counted
    target = np.searchsorted(units, rows["unit"])
    limited[:] = False
    limited[target[counted]] = True
    return limited, counted | ~limited[target]


def _place_numbers(locations: Ints, whole: Flags) -> Ints:
    """Dense numbers of places, where places are told apart at all."""
    if whole.all():
        return np.zeros_like(locations)
    return np.searchsorted(np.unique(locations), locations)


def _place_order(rows: Mapping[str, Ints], view: View, limiting: Flags) -> Ints | slice:
    """Limiting rows by place priority inside each component; they come sorted by place id, which is enough where order has no effect."""
    if not view.fence_of:
        return slice(None) if limiting.all() else np.flatnonzero(limiting)
    rank = {location: number for number, location in enumerate(view.locations)}
    priority = np.array([rank.get(location, len(rank)) for location in rows["location"].tolist()], dtype=np.int64)
    order = np.lexsort((priority, rows["component"], rows["unit"]))
    return order[limiting[order]]


def _fence(facts: Facts, view: View) -> Ints:
    """Units kept for other channels than this view's, per row of their component."""
    kept: dict[int, int] = {}
    for channel, unit, quantity in facts.fences:
        if channel != view.fence_of:
            kept[unit] = kept.get(unit, 0) + quantity
    if not kept:
        return np.zeros(len(facts.places["unit"]), dtype=np.int64)
    return np.array([kept.get(unit, 0) for unit in facts.places["component"].tolist()], dtype=np.int64)


def _incoming(facts: Facts, view: View) -> Ints:
    last = facts.today + timedelta(days=view.horizon)
    coming: dict[tuple[int, int], int] = {}
    for unit, location, day, quantity in facts.incoming:
        if view.horizon and day <= last:
            coming[unit, location] = coming.get((unit, location), 0) + quantity
    if not coming:
        return np.zeros(len(facts.places["unit"]), dtype=np.int64)
    pairs = zip(facts.places["component"].tolist(), facts.places["location"].tolist(), strict=True)
    return np.array([coming.get(pair, 0) for pair in pairs], dtype=np.int64)


def find_overrides(facts: Facts) -> Found | None:
    """What categories and products say of the gathered offers; None where none says anything."""
    if facts.overrides is None or not len(facts.overrides):
        return None
    return facts.overrides.find(facts.offers["channel"], facts.offers["unit"])


def sold_of_offers(facts: Facts) -> Ints | None:
    """What the last hour sold of each offer's unit: of a kit, as many as its part that sold most would make, the last one counted whole."""
    if facts.sold is None or not len(facts.sold["unit"]):
        return None
    rows, at = facts.places, np.searchsorted(facts.sold["unit"], facts.places["component"])
    at = np.minimum(at, len(facts.sold["unit"]) - 1)
    sold = np.where(facts.sold["unit"][at] == rows["component"], facts.sold["quantity"][at], 0)
    units, first_row = np.unique(rows["unit"], return_index=True)
    most = np.maximum.reduceat(-(-sold // rows["per_kit"]), first_row)
    return most[_positions(units, facts.offers["unit"])]


def _rules(
    facts: Facts, channels: Sequence[ChannelFacts], whose: Ints, target: Ints, own: Found | None, sold: Ints | None, part: slice
) -> Rules:
    """Channel rules spread over a part of the offers, with what categories and products say instead (``own``).

    ``whose`` is the number of each offer's channel, ``sold`` what the last hour sold.
    """
    mine = whose[part]
    quirks = [manifest_of(channel.platform).quirks for channel in channels]

    def spread(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)[mine]

    def rule(name: str, values: list[int]) -> Ints:
        given = spread(values)
        return given if own is None or facts.overrides is None else overriding.apply(facts.overrides, own.part(part), name, given)

    return Rules(
        target=target[part],
        share=rule("share", [int(channel.share * 100) for channel in channels]),
        rounding=rule("share_rounding", [overriding.ROUNDINGS[channel.share_rounding] for channel in channels]),
        buffer=rule("buffer", [channel.buffer for channel in channels]),
        cap=rule("max_publish", [NOT_SET if channel.max_publish is None else channel.max_publish for channel in channels]),
        fixed=rule("fixed", [NOT_SET if channel.fixed is None else channel.fixed for channel in channels]),
        zero_at=rule("zero_at", [channel.zero_at for channel in channels]),
        pack_factor=facts.offers["pack_factor"][part],
        limit=spread([quirk.max_quantity for quirk in quirks]),
        open_gross=facts.offers["open"][part] * spread([int(quirk.basis is Basis.GROSS_UNTIL_SHIPPED) for quirk in quirks])
        + facts.offers["unacknowledged"][part] * spread([int(quirk.basis is Basis.GROSS_UNTIL_ACKNOWLEDGED) for quirk in quirks]),
        velocity=None
        if sold is None
        else -(-sold[part] * rule("velocity_share", [int(channel.velocity_share * 100) for channel in channels]) // 10_000),
    )


def for_sale_of(organisation: int, unit_ids: Sequence[int]) -> dict[int, int]:
    """The most that may be sold of each unit, over all places that serve an active channel (S3.27): before any channel's rules; ALWAYS for
    what is not counted. Unlocked, for looking only."""
    if not unit_ids:
        return {}
    channels = gather_channels(organisation)
    view = View(tuple(sorted({place for each in channels.values() if each.active for place in each.locations})), True, 0, 0)
    places = queries.gather_places(np.array(sorted(set(unit_ids)), dtype=np.int64))
    units, first_row = np.unique(places["unit"], return_index=True)
    available = _for_sale(Facts(channels, {}, places, (), (), date.min), view, units, first_row, None)
    return dict(zip(units.tolist(), available.tolist(), strict=True))
