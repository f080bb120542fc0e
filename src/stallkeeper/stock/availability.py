"""What an offer should show, and why: one pure function over arrays.

The steps are written once. A million offers run through them without a trace, one offer with it; both run the same lines.

Two stages. *For sale* looks at places: what is free of each component, and how many units (or kits) that makes. *To show* applies the
channel's rules to that number. All figures are whole units in int64; "not set" is -1 where a column says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

NOT_SET = -1
ALWAYS = 999_999
"""What a unit that is not counted offers (S5.90), before the channel's rules."""

ROUND_DOWN, ROUND_UP, ROUND_NEAREST = 0, 1, 2


@dataclass(slots=True)
class Trace:
    """The working of a number: (step, figure after it) in the fixed order; a no-op unless ``keep``."""

    keep: bool = False
    steps: list[tuple[str, Ints]] = field(default_factory=list)

    def note(self, step: str, figure: Callable[[], Ints]) -> None:
        """Keep the figure after ``step``; it is only worked out when somebody wants to see it."""
        if self.keep:
            self.steps.append((step, figure().copy()))


@dataclass(frozen=True, slots=True)
class Places:
    """One row per (target, component, place), sorted by target, component, place priority.

    ``target`` is a dense index 0..targets-1 of (unit, view of a channel); a single unit is its own only component with ``per_kit`` 1.
    Every target has at least one row. ``fence`` repeats, on each row of a component, the units that are kept for other channels.
    """

    targets: int
    target: Ints
    component: Ints
    place: Ints
    """Dense index of the place. A component has no row at a place where it has no level: nothing of it lies there."""
    per_kit: Ints
    on_hand: Ints
    allocated: Ints
    held: Ints
    fence: Ints
    incoming: Ints
    whole: Flags
    """Per target: places may be added up (a single unit, or a channel that allows splits); else a kit must come from one place."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One row per offer: ``target`` points into the figures for sale. ``share`` is in hundredths of a per cent (10000 = all)."""

    target: Ints
    share: Ints
    rounding: Ints
    buffer: Ints
    cap: Ints
    fixed: Ints
    zero_at: Ints
    pack_factor: Ints
    limit: Ints
    """The platform's own largest quantity."""
    open_gross: Ints
    """Sold units that the channel subtracts itself, where it wants gross figures; 0 where it wants net."""
    velocity: Ints | None = None
    """Units kept back because of what the last hour sold; None where no rule does."""


def for_sale(places: Places, trace: Trace | None = None) -> Ints:
    """Units (or kits) for sale per target: on hand - allocated - holds - ring-fences + incoming, then kits. Never below zero."""
    trace = trace or Trace()
    groups = _Groups(places)
    net = places.on_hand
    trace.note("on_hand", lambda: groups.count(net))
    net = net - places.allocated
    trace.note("allocated", lambda: groups.count(net))
    net = net - places.held
    trace.note("holds", lambda: groups.count(net))
    net = groups.keep_back(net, places.fence)
    trace.note("ring_fence", lambda: groups.count(net))
    net = net + places.incoming
    trace.note("incoming", lambda: groups.count(net))
    result = groups.count(net)
    trace.note("kit", lambda: result)
    return result


class _Groups:
    """Segments of the sorted rows: rows of a component, components of a target, and (for kits) rows of a place."""

    def __init__(self, places: Places) -> None:
        self.places = places
        rows = len(places.target)
        self.component_starts = _starts(places.target, places.component)
        self.component_of_row = np.repeat(np.arange(len(self.component_starts)), np.diff(np.append(self.component_starts, rows)))
        self.target_of_component = places.target[self.component_starts]
        self.target_starts = _starts(self.target_of_component)
        self.rows_of_component = np.diff(np.append(self.component_starts, rows))

    def count(self, net: Ints) -> Ints:
        """Whole units per target from the free units per row."""
        return np.where(self.places.whole, self._added_up(net), self._place_by_place(net))

    def _added_up(self, net: Ints) -> Ints:
        if len(self.places.target) == self.places.targets:
            return np.asarray(np.maximum(net, 0) // self.places.per_kit)
        per_component = np.maximum(np.add.reduceat(net, self.component_starts), 0) // self.places.per_kit[self.component_starts]
        return np.asarray(np.minimum.reduceat(per_component, self.target_starts))

    def _place_by_place(self, net: Ints) -> Ints:
        result: Ints = np.zeros(self.places.targets, dtype=np.int64)
        kits = np.flatnonzero(~self.places.whole)
        if not len(kits):
            return result
        mine = np.flatnonzero(~self.places.whole[self.places.target])
        kit, place = np.searchsorted(kits, self.places.target[mine]), self.places.place[mine]
        possible = np.maximum(net[mine], 0) // self.places.per_kit[mine]
        shape = (len(kits), int(place.max()) + 1)
        table, rows = np.full(shape, np.iinfo(np.int64).max, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        np.minimum.at(table, (kit, place), possible)
        np.add.at(rows, (kit, place), 1)
        components = np.bincount(self.target_of_component, minlength=self.places.targets)[kits]
        result[kits] = np.where(rows == components[:, None], table, 0).sum(axis=1)
        return result

    def keep_back(self, net: Ints, fence: Ints) -> Ints:
        """Take ring-fenced units off a component's places, the last place first."""
        if not fence.any():
            return net
        free = np.maximum(net, 0)
        total = np.add.reduceat(free, self.component_starts)[self.component_of_row]
        running = np.cumsum(free)
        before_component = (running[self.component_starts] - free[self.component_starts])[self.component_of_row]
        up_to_here = running - before_component
        visible = np.maximum(total - fence, 0)
        kept = np.clip(visible - (up_to_here - free), 0, free)
        return np.where(fence > 0, np.minimum(net, kept), net)


def _starts(*columns: Ints) -> Ints:
    """Index of the first row of each run of equal values."""
    changed = np.zeros(len(columns[0]), dtype=bool)
    if len(changed):
        changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed).astype(np.int64)


def to_show(available: Ints, rules: Rules, trace: Trace | None = None) -> Ints:
    """The quantity that each offer should show: share, buffer, velocity, cap, zero-at, pack factor, the platform's limit and basis."""
    trace = trace or Trace()
    figure = available[rules.target]
    trace.note("for_sale", lambda: figure)
    figure = _share(figure, rules)
    trace.note("share", lambda: figure)
    figure = np.maximum(figure - rules.buffer, 0)
    trace.note("buffer", lambda: figure)
    figure = figure if rules.velocity is None else np.maximum(figure - rules.velocity, 0)
    trace.note("velocity", lambda: figure)
    figure = np.where(rules.fixed >= 0, np.minimum(figure, rules.fixed), figure)
    figure = np.where(rules.cap >= 0, np.minimum(figure, rules.cap), figure)
    trace.note("cap", lambda: figure)
    figure = np.where(figure <= rules.zero_at, 0, figure)
    trace.note("zero_at", lambda: figure)
    figure = figure // rules.pack_factor
    trace.note("pack_factor", lambda: figure)
    figure = np.minimum(figure, rules.limit)
    trace.note("limit", lambda: figure)
    figure = figure + rules.open_gross
    trace.note("basis", lambda: figure)
    return np.asarray(figure)


def _share(figure: Ints, rules: Rules) -> Ints:
    if (rules.share == 10_000).all():
        return figure
    exact = figure * rules.share
    extra = np.choose(rules.rounding, [0, 9_999, 5_000])
    return np.asarray((exact + extra) // 10_000)
