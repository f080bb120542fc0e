"""How well the hub kept two stalls true, from the logs of the stalls and the ledger. Pure functions; nothing here asks the engine.

Words. *Recipe*: base units in one sold unit of an offer. *Supply*: units that entered the shop, by the ledger. *Pool* of a unit at a
moment: supply until then, less all units sold and not cancelled until then, by the stalls' own logs. An offer's *allowance* is how many
complete ones the pool holds. A sale *owes a cut* to every other offer that shows more than its allowance right after the sale; the cut
is *made* when that offer's diary shows a push to that allowance or less (or to a later allowance, if stock came in meanwhile). It needs no
push if buyers there took the difference, or if stock came in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Offer = tuple[str, str]
"""(stall, SKU there)"""
Recipes = Mapping[Offer, Mapping[str, int]]

LONG = timedelta(seconds=15)
"""Units sold too often for longer than this must have been noticed."""


@dataclass(frozen=True, slots=True)
class Sold:
    """Units of an offer were sold (or, negative, cancelled) at a moment."""

    at: datetime
    offer: Offer
    quantity: int


@dataclass(frozen=True, slots=True)
class Supplied:
    at: datetime
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A diary entry of a stall: what buyers see from then on, and why. ``by_feed``: a bulk submission that was minutes on its way."""

    at: datetime
    offer: Offer
    quantity: int
    cause: str
    by_feed: bool = False


Event = Supplied | Sold | Shown


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut that was owed to ``offer`` for a sale of ``sold``. ``seconds`` is None if it was never made; ``how``: call, feed, own_sale,
    relieved or open."""

    sold_at: datetime
    sold: Offer
    offer: Offer
    seconds: float | None
    how: str

    @property
    def other_stall(self) -> bool:
        return self.sold[0] != self.offer[0]


@dataclass(slots=True)
class _Owed:
    sold_at: datetime
    sold: Offer
    offer: Offer
    allowance: int


@dataclass(slots=True)
class Pool:
    """Units that are there and not sold, as the events pass by."""

    recipes: Recipes
    units: Counter[str] = field(default_factory=Counter)

    def allowance(self, offer: Offer) -> int:
        """How many complete ones of the offer the pool holds; never less than none."""
        return max(min(self.units[unit] // quantity for unit, quantity in self.recipes[offer].items()), 0)

    def sell(self, sale: Sold) -> None:
        for unit, quantity in self.recipes[sale.offer].items():
            self.units[unit] -= quantity * sale.quantity


def cuts(
    recipes: Recipes,
    start: Mapping[Offer, int],
    supplies: Iterable[Supplied],
    sales: Iterable[Sold],
    diary: Iterable[Shown],
    since: datetime,
) -> list[Cut]:
    """Every cut that was owed for a sale at or after ``since``. ``start``: what each offer showed before its first diary entry."""
    pool, shown, owed, found = Pool(recipes), dict(start), defaultdict[Offer, list[_Owed]](list), list[Cut]()
    shares = sharing(recipes)
    for event in merged(supplies, sales, diary):
        if isinstance(event, Shown):
            shown[event.offer] = event.quantity
            found += _settle(pool, owed, event)
            continue
        touched = tuple(sorted({offer for unit in _enter(pool, event) for offer in shares.get(unit, ())}))
        if isinstance(event, Sold) and event.quantity > 0 and event.at >= since:
            _owe(pool, shown, owed, event, touched)
        found += _relieve(pool, shown, owed, touched)
    left = [Cut(debt.sold_at, debt.sold, debt.offer, None, "open") for debts in owed.values() for debt in debts]
    return sorted([*found, *left], key=lambda cut: (cut.sold_at, cut.offer))


def sharing(recipes: Recipes) -> dict[str, tuple[Offer, ...]]:
    """The offers that need a unit, by unit."""
    shares: dict[str, list[Offer]] = defaultdict(list)
    for offer, recipe in recipes.items():
        for unit in recipe:
            shares[unit].append(offer)
    return {unit: tuple(sorted(offers)) for unit, offers in shares.items()}


def merged(supplies: Iterable[Supplied], sales: Iterable[Sold], diary: Iterable[Shown]) -> list[Event]:
    """All events in the order of their moments. Of one moment: supply, then what the diary shows, then the sale that caused it."""
    groups: tuple[Iterable[Event], ...] = (supplies, diary, sales)
    events = [(event.at, order, number, event) for order, group in enumerate(groups) for number, event in enumerate(group)]
    return [event for _at, _order, _number, event in sorted(events, key=lambda entry: entry[:3])]


def _owe(pool: Pool, shown: Mapping[Offer, int], owed: dict[Offer, list[_Owed]], sale: Sold, touched: Sequence[Offer]) -> None:
    for offer in touched:
        allowance = pool.allowance(offer)
        if offer != sale.offer and shown[offer] > allowance:
            owed[offer].append(_Owed(sale.at, sale.offer, offer, allowance))


def _settle(pool: Pool, owed: dict[Offer, list[_Owed]], entry: Shown) -> list[Cut]:
    """The debts that a diary entry pays: those whose allowance it keeps, and all of them if it keeps today's (stock came in meanwhile)."""
    today = pool.allowance(entry.offer)
    how = ("feed" if entry.by_feed else "call") if entry.cause == "push" else "own_sale" if entry.cause == "sale" else "relieved"
    paid = [debt for debt in owed[entry.offer] if entry.quantity <= max(debt.allowance, today)]
    owed[entry.offer] = [debt for debt in owed[entry.offer] if entry.quantity > max(debt.allowance, today)]
    return [Cut(debt.sold_at, debt.sold, debt.offer, (entry.at - debt.sold_at).total_seconds(), how) for debt in paid]


def _relieve(pool: Pool, shown: Mapping[Offer, int], owed: dict[Offer, list[_Owed]], touched: Sequence[Offer]) -> list[Cut]:
    """Debts that are none any more because stock came in or a sale was taken back."""
    freed = [debt for offer in touched if shown[offer] <= pool.allowance(offer) for debt in owed[offer]]
    for debt in freed:
        owed[debt.offer] = []
    return [Cut(debt.sold_at, debt.sold, debt.offer, None, "relieved") for debt in freed]


# --- overselling --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Oversold:
    """Of one unit: the most that was ever sold beyond what there was, what is left of it at the end, how long it lasted at a stretch."""

    unit: str
    worst: int
    left: int
    longest: timedelta


@dataclass(slots=True)
class _Excess:
    """How far below nothing each unit of a pool is, was at its worst, and for how long at a stretch."""

    pool: Pool
    worst: Counter[str] = field(default_factory=Counter)
    longest: dict[str, timedelta] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)

    def look(self, unit: str, at: datetime) -> None:
        missing = -self.pool.units[unit]
        if missing > 0:
            self.worst[unit] = max(self.worst[unit], missing)
            self.begun.setdefault(unit, at)
        elif unit in self.begun:
            self._over(unit, at)

    def _over(self, unit: str, at: datetime) -> None:
        self.longest[unit] = max(self.longest.get(unit, timedelta()), at - self.begun.pop(unit))

    def told(self, end: datetime) -> list[Oversold]:
        for unit in list(self.begun):
            self._over(unit, end)
        return [Oversold(unit, self.worst[unit], max(-self.pool.units[unit], 0), self.longest[unit]) for unit in sorted(self.worst)]


def oversold(recipes: Recipes, supplies: Iterable[Supplied], sales: Iterable[Sold], since: datetime, end: datetime) -> list[Oversold]:
    """The units that were sold more often than they were there, from ``since`` on: before that, stock and open orders are entered."""
    excess, open_ = _Excess(Pool(recipes)), False
    for event in merged(supplies, sales, ()):
        if event.at >= since and not open_:
            open_ = True
            for unit in sorted(excess.pool.units):
                excess.look(unit, since)
        for unit in _enter(excess.pool, event):
            if open_:
                excess.look(unit, event.at)
    return excess.told(end)


def _enter(pool: Pool, event: Event) -> Iterable[str]:
    """Let an event change the pool; the units that it touched."""
    if isinstance(event, Supplied):
        pool.units[event.unit] += event.quantity
        return (event.unit,)
    if isinstance(event, Sold):
        pool.sell(event)
        return pool.recipes[event.offer]
    return ()


def unnoticed(found: Iterable[Oversold], short_now: Mapping[str, int], ever_short: Iterable[str]) -> list[str]:
    """Oversells without a shortage row: what is left of them must be short now; what lasted long must have been short at some time."""
    known = set(ever_short)
    problems = []
    for one in found:
        if short_now.get(one.unit, 0) < one.left:
            problems.append(f"{one.unit}: {one.left} sold too many, only {short_now.get(one.unit, 0)} recorded as short")
        elif one.longest > LONG and one.unit not in known:
            problems.append(f"{one.unit}: {one.worst} sold too many for {one.longest.total_seconds():.0f} s without a shortage")
    return problems


# --- convergence --------------------------------------------------------------------------------------------------------------------------

Free = Mapping[tuple[str, str], int]
"""Free units by (unit, place), from the ledger."""


def for_sale(recipe: Mapping[str, int], free: Free, places: Sequence[str]) -> int:
    """How many can be sold now: complete ones at each place. The same sum as the hub's, written anew."""
    return sum(max(min(max(free.get((unit, place), 0), 0) // quantity for unit, quantity in recipe.items()), 0) for place in places)


def not_converged(recipes: Recipes, free: Free, places: Sequence[str], shown: Mapping[Offer, int]) -> list[str]:
    """Offers whose buyers see another number than the ledger has for sale."""
    problems = []
    for offer in sorted(recipes):
        right = for_sale(recipes[offer], free, places)
        if shown[offer] != right:
            problems.append(f"{offer[0]} {offer[1]}: buyers see {shown[offer]}, the ledger has {right} for sale")
    return problems


# --- figures ------------------------------------------------------------------------------------------------------------------------------


def spread(values: Iterable[float]) -> dict[str, float | None]:
    """{p50, p95, p99, max} by nearest rank, rounded to milliseconds; None where there are no values."""
    ranked = sorted(values)
    parts = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {name: round(ranked[-(-len(ranked) * part // 100) - 1], 3) if ranked else None for name, part in parts.items()}
