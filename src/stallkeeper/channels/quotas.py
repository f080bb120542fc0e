"""Quotas: free units split over offers, each unit at most once; and how far a raise may go. Pure.

A *pool* is a guarded stock unit at a set of places, with the units that are free there. Whoever may sell from no other places than those
has a part of it; an offer draws on every pool that it is part of (a kit on those of each of its components), so many base units a piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Draws = tuple[tuple[int, int], ...]
"""(position of a pool, base units of one sold unit)"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An offer that wants units. All figures are sold units, without what the channel adds or subtracts itself."""

    offer_id: int
    draws: Draws
    wish: int
    """What it would show if it shared with nobody."""
    weight: int
    before: int = 0
    """Its quota so far."""
    shown: int | None = None
    """What its channel shows; None: unknown."""
    sold: int = 0
    """Units of its open orders: where it sells, the last units go."""


def split(claims: Sequence[Claim], rooms: Sequence[int]) -> list[int]:
    """A quota for each claim: together never more than there is in any pool, and no unit idle that somebody could show.

    Quotas that still fit are kept, so that nothing is sent without need. Otherwise each gets its floor by weight; what is left stays with
    those who show it already, then goes one by one to where it sells, then by offer. The order of the claims does not matter.
    """
    floors = _floors(claims, rooms)
    before = [claim.before for claim in claims]
    if _stands(claims, rooms, floors, before):
        return before
    quotas, left = list(floors), _rest(claims, rooms, floors)
    line = sorted(range(len(claims)), key=lambda number: (-claims[number].sold, claims[number].offer_id))
    for number in line:
        claim = claims[number]
        kept = min(claim.before, claim.wish, claim.before if claim.shown is None else claim.shown)
        _give(claim, number, min(kept - quotas[number], _fit(claim, left)), quotas, left)
    given = True
    while given:
        given = False
        for number in line:
            claim = claims[number]
            if quotas[number] < claim.wish and _fit(claim, left):
                _give(claim, number, 1, quotas, left)
                given = True
    return quotas


def _give(claim: Claim, number: int, units: int, quotas: list[int], left: list[int]) -> None:
    if units > 0:
        quotas[number] += units
        for pool, per in claim.draws:
            left[pool] -= units * per


def _fit(claim: Claim, left: Sequence[int]) -> int:
    """Sold units for which every pool has room."""
    return max(min(left[pool] // per for pool, per in claim.draws), 0)


def _rest(claims: Sequence[Claim], rooms: Sequence[int], quotas: Sequence[int]) -> list[int]:
    left = list(rooms)
    for claim, quota in zip(claims, quotas, strict=True):
        for pool, per in claim.draws:
            left[pool] -= quota * per
    return left


def _stands(claims: Sequence[Claim], rooms: Sequence[int], floors: Sequence[int], quotas: Sequence[int]) -> bool:
    """Whether these quotas are as good as any."""
    left = _rest(claims, rooms, quotas)
    if min(left, default=0) < 0:
        return False
    rows = zip(claims, floors, quotas, strict=True)
    return all(floor <= quota <= claim.wish and (quota == claim.wish or not _fit(claim, left)) for claim, floor, quota in rows)


def _floors(claims: Sequence[Claim], rooms: Sequence[int]) -> list[int]:
    """What each has a right to by its weight; what some do not want is shared again among the others."""
    quotas, left = [0] * len(claims), list(rooms)
    while True:
        hungry = [number for number, claim in enumerate(claims) if quotas[number] < claim.wish]
        weights = [0] * len(rooms)
        for number in hungry:
            for pool, _per in claims[number].draws:
                weights[pool] += claims[number].weight
        rights = [(number, _right(claims[number], left, weights, quotas[number])) for number in hungry]
        if not any(right for _number, right in rights):
            return quotas
        for number, right in rights:
            _give(claims[number], number, right, quotas, left)


def _right(claim: Claim, left: Sequence[int], weights: Sequence[int], quota: int) -> int:
    if not claim.weight:
        return 0
    return min(claim.wish - quota, *(left[pool] * claim.weight // (weights[pool] * per) for pool, per in claim.draws))


@dataclass(slots=True)
class Exposure:
    """What the channels may show of pools, by offer; None: nobody knows, so it may be everything. ``rooms``: what is there."""

    rooms: Sequence[int]
    draws: Mapping[int, Draws]
    shown: dict[int, int | None]
    """Net sold units that may be shown, or sold without our knowing, by offer."""
    in_the_way: dict[int, list[int]] = field(default_factory=dict)
    """Of offers that were held back: those whose units they wait for."""

    def most(self, offer: int) -> int:
        """How many net sold units this offer may be raised to now, all others being what they are."""
        room = [self.rooms[pool] for pool in range(len(self.rooms))]
        mine = dict(self.draws[offer])
        for other, draws in self.draws.items():
            if other != offer:
                for pool, per in draws:
                    shown = self.shown[other]
                    room[pool] -= self.rooms[pool] if shown is None else shown * per
        return max(min(room[pool] // per for pool, per in mine.items()), 0)

    def raise_(self, offer: int, value: int) -> None:
        """A figure is on its way: it counts from now on."""
        shown = self.shown[offer]
        self.shown[offer] = value if shown is None else max(shown, value)
