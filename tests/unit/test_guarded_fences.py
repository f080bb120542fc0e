"""Guarded units with ring-fences (invariant 4): in whatever order figures change, go out, are answered, get lost and are read, channels
together never show more than there is, and no raise goes out that would show a unit kept for another channel.

The functions are those of refresh (``facts.decide``, ``guard.divided``) and of sending (``guard.let_out``). A shop is one unit at one
place.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stallkeeper.channels import guard
from stallkeeper.channels.delivery_queries import Waiting
from stallkeeper.channels.facts import Facts, decide
from stallkeeper.channels.guard import Stake
from stallkeeper.channels.overriding import Overrides
from stallkeeper.channels.queries import PLACE_COLUMNS, ChannelFacts
from stallkeeper.stock.availability import NOT_SET, Ints

MUG, SHELF = 1, 1
CHANNELS = (1, 2, 3, 4, 5)
WITHOUT_AN_OFFER = 5
"""Units may be kept for it all the same."""
STEPS = 60


@dataclass
class Side:
    """An offer: what we hold of it, and what its channel really shows."""

    id: int
    intended: int = 0
    believed: int | None = 0
    most: int | None = None
    under_way: int | None = None
    expected: int | None = None
    """Of what is under way: the figure that it replaces, and no other."""
    shows: int = 0
    gone: bool = False
    refused: bool = False


@dataclass
class Town:
    """A shop and its channels; everything that happens is one of its methods."""

    chance: random.Random
    free: int = 0
    fences: dict[int, int] = field(default_factory=dict)
    sides: dict[int, Side] = field(default_factory=lambda: {number: Side(number) for number in CHANNELS if number != WITHOUT_AN_OFFER})
    buffer: int = 0

    # the register

    def guarded(self, units: Sequence[int]) -> Sequence[tuple[int, bool, bool]]:
        return [(unit, True, False) for unit in units]

    def stakes(self, units: Sequence[int]) -> Sequence[Stake]:
        return [
            Stake(MUG, one.id, one.id, MUG, 1, one.intended, one.believed, one.most, None, 0, 0, 0, one.gone, one.refused)
            for one in self.sides.values()
            if MUG in units
        ]

    def own_rules(self, stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts]) -> Overrides | None:
        return None

    @property
    def channels(self) -> dict[int, ChannelFacts]:
        return {number: a_channel(number, self.buffer, fenced=bool(self.fences)) for number in CHANNELS}

    @property
    def kept(self) -> list[tuple[int, int, int]]:
        return [(channel, MUG, units) for channel, units in self.fences.items() if units]

    @property
    def room(self) -> int:
        return max(self.free - self.buffer, 0)

    # what happens

    def refresh(self) -> None:
        known = {"id": [], "channel": [], "unit": [], "pack_factor": [], "excluded": [], "open": [], "unacknowledged": []}
        known |= {"intended": [], "believed": []}
        for one in self.sides.values():
            figures = (one.id, one.id, MUG, 1, 0, 0, 0, one.intended, NOT_SET if one.believed is None else one.believed)
            for name, figure in zip(known, figures, strict=True):
                known[name].append(figure)
        offers: dict[str, Ints] = {name: np.array(column, dtype=np.int64) for name, column in known.items()}
        row = (MUG, MUG, 1, 0, 1, SHELF, self.free, 0, 0)
        places: dict[str, Ints] = {name: np.array([figure], dtype=np.int64) for name, figure in zip(PLACE_COLUMNS, row, strict=True)}
        found = Facts(self.channels, offers, places, self.kept, (), date(2026, 3, 2))
        shown = guard.divided(found, decide(found), self).shown.tolist()
        for one, figure in zip(self.sides.values(), shown, strict=True):
            one.intended = figure

    def stock_comes(self) -> None:
        self.free += self.chance.randrange(1, 8)
        self.refresh()

    def a_fence_is_set(self) -> None:
        self.fences[self.chance.choice(CHANNELS)] = self.chance.choice([0, 0, 1, 2, 5, 20])
        self.refresh()

    def sold(self) -> None:
        """A buyer takes one, and the order comes at once."""
        one = self.chance.choice(list(self.sides.values()))
        if one.shows:
            one.shows -= 1
            self.free -= 1
            one.believed = None if one.believed is None else one.believed - 1
            self.refresh()

    def goes_out(self) -> None:
        one = self.chance.choice(list(self.sides.values()))
        if one.under_way is not None or one.gone or one.believed is None or one.intended == one.believed:
            return
        stakes = self.stakes([MUG])
        exposure = guard.exposure_of(stakes, self.channels, {(MUG, SHELF): self.free}, dict.fromkeys(self.sides, self.buffer), self.kept)
        passed = guard.let_out([(waiting(one), one.intended)], stakes, self.channels, exposure)
        for _row, value in passed.chosen:
            one.under_way, one.expected, one.believed = int(value), one.believed, None
            one.most = max(one.expected or 0, int(value))
            if value > (one.expected or 0):
                self.assert_room(one)

    def answered(self) -> None:
        """Taken, refused, or the reply is lost, with or without an effect. Where another figure stands than was expected, it stays."""
        one = self.chance.choice(list(self.sides.values()))
        if one.under_way is None:
            return
        value, one.under_way = one.under_way, None
        fate = self.chance.choice(["yes", "yes", "yes", "no", "lost", "lost after"])
        if fate in {"yes", "lost after"} and one.shows == one.expected:
            one.shows = value
        if fate in {"yes", "no"}:
            one.believed, one.most, one.refused = one.shows, None, fate == "no" or (one.refused and one.shows != value)
        self.refresh()

    def read(self) -> None:
        one = self.chance.choice(list(self.sides.values()))
        if one.under_way is None:
            one.believed, one.most = (None, 0) if one.gone else (one.shows, None)
            self.refresh()

    def a_listing_goes_or_comes(self) -> None:
        one = self.chance.choice(list(self.sides.values()))
        if one.under_way is None:
            one.gone, one.shows = not one.gone, 0
            one.believed, one.most = (None, 0) if one.gone else (0, None)
            self.refresh()

    # what must hold

    def assert_room(self, raised: Side) -> None:
        """``raised`` is on its way up: all may show no more than there is, and leave alone what is kept for any of the others."""
        most = {one.id: one.believed if one.believed is not None else one.most or 0 for one in self.sides.values()}
        for others in subsets(sorted(set(self.fences) - {raised.id})):
            together = sum(units for channel, units in most.items() if channel not in others)
            kept = sum(self.fences[channel] for channel in others)
            assert together <= max(self.room - kept, 0), (others, most, self.fences, self.free)

    def assert_quotas(self) -> None:
        meant = {one.id: one.intended for one in self.sides.values()}
        for others in subsets(sorted(self.fences)):
            kept = sum(self.fences[channel] for channel in others)
            assert sum(units for channel, units in meant.items() if channel not in others) <= max(self.room - kept, 0)
        assert all(one.intended == 0 for one in self.sides.values() if one.gone)
        if sum(self.fences.values()) <= self.room:
            served = [one for one in self.sides.values() if not (one.gone or one.refused)]
            assert all(one.intended >= self.fences.get(one.id, 0) for one in served), (meant, self.fences, self.room)

    def settle(self) -> None:
        for one in self.sides.values():
            one.under_way, one.refused = None, False
            one.believed, one.most = (None, 0) if one.gone else (one.shows, None)
        self.refresh()
        for _ in range(3):
            for one in self.sides.values():
                if not one.gone and one.intended != one.believed:
                    stakes = self.stakes([MUG])
                    there, buffers = {(MUG, SHELF): self.free}, dict.fromkeys(self.sides, self.buffer)
                    exposure = guard.exposure_of(stakes, self.channels, there, buffers, self.kept)
                    for _row, value in guard.let_out([(waiting(one), one.intended)], stakes, self.channels, exposure).chosen:
                        one.believed = one.shows = int(value)


def subsets(channels: Sequence[int]) -> list[tuple[int, ...]]:
    return [some for size in range(len(channels) + 1) for some in combinations(channels, size)]


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 0, 1, 3]))
def test_no_unit_is_shown_twice_and_what_is_kept_is_kept(seed: int, buffer: int) -> None:
    town = Town(random.Random(seed), buffer=buffer)
    happens: list[Callable[[], None]] = [town.stock_comes, town.a_fence_is_set, town.sold, town.read, town.a_listing_goes_or_comes]
    happens += [town.goes_out, town.answered] * 4
    for _ in range(STEPS):
        town.chance.choice(happens)()
        assert sum(one.shows for one in town.sides.values()) <= town.free
        town.assert_quotas()
    town.settle()
    assert all(one.shows == one.intended for one in town.sides.values() if not one.gone), "in the end every channel shows its part"


def test_a_fenced_unit_is_not_shown_elsewhere_while_its_channel_waits() -> None:
    """Ten, six of them kept for the third; the first still shows seven. The second is not raised over them, and the third to three."""
    town = Town(random.Random(1), free=10, fences={3: 6})
    town.sides[1].shows = town.sides[1].believed = 7
    town.refresh()
    assert [one.intended for one in town.sides.values()] == [2, 1, 6, 1]
    for side, out in ((2, []), (3, [3])):
        stakes = town.stakes([MUG])
        exposure = guard.exposure_of(stakes, town.channels, {(MUG, SHELF): 10}, dict.fromkeys(town.sides, 0), town.kept)
        one = town.sides[side]
        assert [value for _row, value in guard.let_out([(waiting(one), one.intended)], stakes, town.channels, exposure).chosen] == out


def waiting(one: Side) -> Waiting:
    return Waiting(one.id, "MUG", "", "", 1, 0, False, one.intended, one.believed, None, None, None, None, None, None, None)


def a_channel(number: int, buffer: int, *, fenced: bool) -> ChannelFacts:
    return ChannelFacts(
        id=number,
        connection_id=number,
        platform="dummy",
        sends=True,
        share=Decimal(100),
        share_rounding="down",
        buffer=buffer,
        max_publish=None,
        fixed=None,
        zero_at=0,
        allow_splits=True,
        horizon_days=0,
        locations=[SHELF],
        fenced=fenced,
        active=True,
        currency="EUR",
        acknowledge=True,
        cutover="include",
        cutover_at=None,
        guards=True,
    )
