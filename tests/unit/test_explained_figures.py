"""Explaining never lies: over 10,000 random offers the working of one ends at the number that all together get (issue 4, must show 5).

Shops are drawn with everything at once: share and its rounding, buffer, velocity, cap, fixed number, zero-at, each with rules of categories
and products, kits with and without splits, pack factors, ring-fences, incoming goods within a horizon, the platform's own limit and basis,
units that are not counted or not active; and guarded units, by hand and below a threshold, whose channels share what is there, with figures
that nobody knows, figures on their way, units that are gone without an order and channels that do not send.

The functions are those of refresh (``facts.decide``, then ``guard.divided``) and of ``explain`` (``explain.work_out``,
``guard_explained.quota_in``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stallkeeper.channels import guard, guard_explained
from stallkeeper.channels.explain import Working, work_out
from stallkeeper.channels.facts import Facts, decide
from stallkeeper.channels.guard import Stake
from stallkeeper.channels.overriding import FALLS_THROUGH, NAMES, NONE, Overrides
from stallkeeper.channels.queries import PLACE_COLUMNS, ChannelFacts
from stallkeeper.stock.availability import ALWAYS, NOT_SET, Ints
from stallkit.manifest import Basis
from stallkit.registry import ADAPTERS, manifest_of

TODAY = date(2026, 3, 2)
OFFERS, SHOPS = 25, 400
STEPS = (
    *("on_hand", "allocated", "holds", "ring_fence", "incoming", "kit", "for_sale"),
    *("share", "buffer", "velocity", "cap", "zero_at", "pack_factor", "limit", "basis", "guard"),
)
ONLY_FALL = set(STEPS) - {"on_hand", "incoming", "for_sale", "basis"}
"""These steps never raise a figure. What is for sale of units that are not counted is always the same."""
ROUND = {"down": ROUND_DOWN, "up": ROUND_UP, "nearest": ROUND_HALF_UP}
WHERE = (1, 2, 3)


@pytest.mark.long(15)
@settings(max_examples=SHOPS)
@given(st.integers(0, 2**32))
def test_the_working_of_one_offer_ends_at_its_number(seed: int) -> None:
    """Refresh works out all offers together and splits guarded units over them; explaining gathers one, and those that it shares with."""
    chance = random.Random(seed)
    shop = a_shop(chance)
    register = a_register(chance, shop)
    refreshed = guard.divided(shop, decide(shop), register)
    numbers = refreshed.shown.tolist()
    assert len(numbers) == OFFERS
    shop.offers["intended"][:] = numbers
    register.write(refreshed)
    for position, number in enumerate(numbers):
        told = explained(shop, position, register)
        assert told.figure == number, told
        assert_stepwise(told)
        one = alone(shop, position)
        if one.offers["excluded"][0]:
            assert number == NOT_SET
        elif told.quota is None:
            assert number == told.steps[-1][2] == in_plain_words(one), told
        else:
            assert (*told.steps[-1][:2], number) == ("guard", in_plain_words(one), told.steps[-1][2]), told
    assert_shared(shop, register)


def assert_stepwise(told: Working) -> None:
    """Every step in its place, each beginning where the one before it ended."""
    names = [name for name, _, _ in told.steps]
    assert names == [name for name in STEPS if name in names or name not in {"for_sale", "guard"}]
    assert (told.quota is not None) == ("guard" in names)
    for (_, _, ended), (step, before, after) in pairwise(told.steps):
        assert before == ended, told
        assert after <= before or step not in ONLY_FALL, told
        assert after >= 0


def explained(shop: Facts, position: int, register: Written) -> Working:
    """What ``explain`` does, with the shop and the register in the place of the database."""
    one = alone(shop, position)
    units = [unit for unit, _by_hand, _scarce in register.guarded(np.unique(one.places["component"]).tolist())]

    def quota() -> guard_explained.Quota | None:
        return guard_explained.quota_in(entangled(shop, units, register), int(one.offers["id"][0]), units, register) if units else None

    return work_out(one, quota)


def entangled(shop: Facts, units: Sequence[int], register: Written) -> Facts:
    """What explaining gathers: the offers of guarded units and of kits with them, of the guarded units in these kits, and so on."""
    sold = np.unique(shop.places["unit"][np.isin(shop.places["component"], units)])
    mine = np.isin(shop.offers["unit"], sold)
    here = np.isin(shop.places["unit"], np.unique(shop.offers["unit"][mine]))
    more = [unit for unit, _by_hand, _scarce in register.guarded(np.unique(shop.places["component"][here]).tolist())]
    if not set(units).issuperset(more):
        return entangled(shop, sorted({*units, *more}), register)
    offers = {name: column[mine] for name, column in shop.offers.items()}
    return replace(shop, offers=offers, places={name: column[here] for name, column in shop.places.items()})


def assert_shared(shop: Facts, register: Written) -> None:
    """Of each guarded unit, what the channels that send are to show together is no more than is free of it anywhere."""
    free = guard.free_of(shop.places)
    for unit in register.rows:
        parts = [
            max((stake.intended or 0) - guard.gross(channel, stake.open, stake.unacknowledged), 0) * stake.per
            for stake in register.stakes([unit])
            if (channel := shop.channels[stake.channel_id]).sends
        ]
        assert sum(parts) <= sum(max(units, 0) for (of, _), units in free.items() if of == unit)


@dataclass(frozen=True)
class Written:
    """A register in memory: who is guarded, with the offers of a shop as they stand when it is asked."""

    shop: Facts
    rows: dict[int, tuple[bool, bool]]
    unknown: dict[int, tuple[int | None, int | None, int, bool, bool]]
    """By offer: the most that it may show, what is on its way in a ticket, units that are gone without an order, and whether its channel
    has no such listing, or refuses figures."""

    def write(self, refreshed: guard.Divided) -> None:
        """What refresh writes down: who is scarce now, and who no longer is."""
        now = {unit: (self.rows.get(unit, (False, False))[0], unit not in refreshed.plenty) for unit in refreshed.scarce + refreshed.plenty}
        self.rows.update(now)
        for unit in [unit for unit, reasons in now.items() if not any(reasons)]:
            del self.rows[unit]

    def guarded(self, units: Sequence[int]) -> Sequence[tuple[int, bool, bool]]:
        return [(unit, *self.rows[unit]) for unit in units if unit in self.rows]

    @cached_property
    def sellers(self) -> dict[int, list[tuple[int, int, int]]]:
        """By component: what sells it, how many of it are in one, and the row of the offer."""
        offers = list(zip(*(self.shop.offers[name].tolist() for name in ("unit", "excluded")), strict=True))
        found: dict[int, list[tuple[int, int, int]]] = {}
        for sold, unit, per in sorted({(row["unit"], row["component"], row["per_kit"]) for row in each_row(self.shop.places)}):
            found.setdefault(unit, []).extend((sold, per, row) for row, offer in enumerate(offers) if offer == (sold, 0))
        return found

    def stakes(self, units: Sequence[int]) -> Sequence[Stake]:
        return sorted(self._stake(unit, *seller) for unit in units for seller in self.sellers.get(unit, ()))

    def _stake(self, unit: int, sold: int, per: int, row: int) -> Stake:
        offer = {name: int(column[row]) for name, column in self.shop.offers.items()}
        most, in_ticket, missing, gone, refused = self.unknown[offer["id"]]
        intended, believed = (None if offer[name] == NOT_SET else offer[name] for name in ("intended", "believed"))
        return Stake(
            *(unit, offer["id"], offer["channel"], sold, per * offer["pack_factor"], intended, believed),
            *(most if believed is None else None, in_ticket, missing if believed is None else max(missing, 0)),
            *(offer["open"], offer["unacknowledged"], gone, refused),
        )

    def own_rules(self, stakes: Sequence[Stake], channels: Mapping[int, ChannelFacts]) -> Overrides | None:
        return self.shop.overrides


def a_register(chance: random.Random, shop: Facts) -> Written:
    """Guarded are some units by hand, some because there were few; figures on the channels are anything, or nobody knows them."""
    below = chance.choice([0, 0, 3, 40])
    plain = {"buffer": 0, "fixed": None, "max_publish": None, "zero_at": 0, "velocity_share": Decimal(0), "locations": list(WHERE)}
    for number, channel in shop.channels.items():
        met = (
            channel._replace(**plain) if chance.random() < 0.85 else channel
        )  # with few rules of their own channels meet at the same units
        shop.channels[number] = met._replace(guards=True, guard_below=below, sends=chance.random() > 0.15)  # type: ignore[index]
    size = len(shop.offers["id"])
    counted = sorted({unit for unit, _place in guard.free_of(shop.places)})
    for name in ("intended", "believed"):
        shop.offers[name] = np.array([chance.choice([NOT_SET, 0, 1, 2, 5, 30]) for _ in range(size)], dtype=np.int64)  # type: ignore[index]
    rows = {unit: chance.choice([(True, False), (False, True), (True, True)]) for unit in counted if chance.random() < 0.5}
    seldom = [False] * 9 + [True]
    dark = ([None, 0, 4], [None, None, 3], [0, 0, 1, -1], seldom, seldom)
    return Written(shop, rows, {offer: tuple(map(chance.choice, dark)) for offer in range(1, size + 1)})  # type: ignore[misc]


def alone(shop: Facts, position: int) -> Facts:
    """What explaining gathers: one offer, its channel, the places of its unit."""
    offers = {name: column[position : position + 1] for name, column in shop.offers.items()}
    mine = shop.places["unit"] == offers["unit"][0]
    channel = int(offers["channel"][0])
    places = {name: column[mine] for name, column in shop.places.items()}
    return replace(shop, channels={channel: shop.channels[channel]}, offers=offers, places=places)


# --- a shop -------------------------------------------------------------------------------------------------------------------------------


def a_shop(chance: random.Random) -> Facts:
    singles, kits = list(range(1, 7)), list(range(7, 11))
    levels = {unit: a_level(chance) for unit in singles}
    counted = {unit: chance.random() > 0.1 for unit in singles}
    recipes = {unit: [(unit, 1)] for unit in singles}
    recipes |= {kit: sorted((part, chance.randrange(1, 4)) for part in chance.sample(singles, chance.randrange(1, 4))) for kit in kits}
    active = {unit: chance.random() > 0.05 for unit in recipes}
    rows = [
        (
            unit,
            part,
            number,
            int(unit in kits),
            0 if not active[unit] else 1 if counted[part] else 2,
            place,
            *levels[part].get(place, (0,) * 3),
        )
        for unit, parts in recipes.items()
        for part, number in parts
        for place in (sorted(levels[part]) or [-1])
    ]
    fences = [(chance.randrange(1, 5), unit, chance.randrange(1, 6)) for unit in singles if chance.random() < 0.3]
    incoming = [
        (unit, place, TODAY + timedelta(days=chance.randrange(6)), chance.randrange(1, 9))
        for unit in singles
        for place in levels[unit]
        if chance.random() < 0.3
    ]
    channels = {number: a_channel(chance, number, bool(fences)) for number in range(1, 5)}
    sold = {unit: chance.randrange(1, 9) for unit in singles if chance.random() < 0.4}
    hour = table(("unit", "quantity"), list(sold.items()))
    special = overrides_of(chance, list(recipes))
    return Facts(channels, offers_of(chance, list(recipes)), table(PLACE_COLUMNS, rows), fences, incoming, TODAY, special, hour)


def overrides_of(chance: random.Random, units: list[int]) -> Overrides:
    """Rules of products and of three categories on some channels; a rule that says nothing falls through."""
    owners = [(unit, NONE) for unit in units if chance.random() < 0.3] + [(NONE, category) for category in (5, 11, 17)]
    rows = [(channel, *owner, *a_rule(chance)) for owner in owners for channel in range(1, 5) if chance.random() < 0.5]
    rows.sort()
    found = table(("channel", "unit", "category", *NAMES), rows)
    speaking = set(found["category"].tolist()) - {NONE}
    members = [(unit, category) for unit in units if (category := chance.choice((5, 11, 17, 23))) in speaking]
    stands = table(("unit", "category"), members)
    said = {name: found[name] for name in NAMES}
    return Overrides(found["channel"], found["unit"], found["category"], said, stands["unit"], stands["category"])


def a_rule(chance: random.Random) -> list[int]:
    """In the order of NAMES, as columns hold it; most say nothing."""
    said = {
        "share": chance.choice([10_000, 5_000, 3_333, 0]),
        "share_rounding": chance.randrange(3),
        "buffer": chance.randrange(5),
        "max_publish": chance.choice([0, 2, 40]),
        "zero_at": chance.randrange(4),
        "fixed": chance.choice([1, 7]),
        "velocity_share": chance.choice([0, 5_000, 20_000]),
    }
    return [said[name] if chance.random() < 0.4 else FALLS_THROUGH for name in NAMES]


def a_level(chance: random.Random) -> dict[int, tuple[int, int, int]]:
    """On hand, allocated, held by place. A place that allows backorder may have promised more than it has."""
    found = {}
    for place in WHERE:
        if chance.random() < 0.7:
            on_hand = chance.choice([0, 1, 2, 5, 30, 400, 1_200_000])
            found[place] = (on_hand, chance.randrange(on_hand + 3) if on_hand < 100 else 7, chance.randrange(3))
    return found


def a_channel(chance: random.Random, number: int, fenced: bool) -> ChannelFacts:
    share = Decimal(chance.choice(["100", "100", "50", "33.33", "0", "99.99"]))
    return ChannelFacts(
        id=number,
        connection_id=number,
        platform=chance.choice(sorted(ADAPTERS)),
        sends=True,
        share=share,
        share_rounding=chance.choice(["down", "up", "nearest"]),
        buffer=chance.choice([0, 0, 1, 4]),
        max_publish=chance.choice([None, None, 0, 3, 50]),
        fixed=chance.choice([None, None, None, 1, 6]),
        zero_at=chance.choice([0, 0, 1, 3]),
        allow_splits=chance.random() < 0.5,
        horizon_days=chance.choice([0, 0, 2, 5]),
        locations=chance.sample(WHERE, chance.randrange(0, 4)),
        fenced=fenced,
        active=True,
        currency="EUR",
        acknowledge=True,
        cutover="include",
        cutover_at=None,
        velocity_share=Decimal(chance.choice([0, 0, 50, 133])),
    )


def offers_of(chance: random.Random, units: list[int]) -> dict[str, Ints]:
    names = ("id", "channel", "unit", "pack_factor", "excluded", "open", "unacknowledged")
    rows = []
    for number in range(1, OFFERS + 1):
        open_ = chance.choice([0, 0, 2, 9])
        offer = (number, chance.randrange(1, 5), chance.choice(units), chance.choice([1, 1, 2, 6]), int(chance.random() < 0.05))
        rows.append((*offer, open_, chance.randrange(open_ + 1)))
    return table(names, rows)


def table(names: tuple[str, ...], rows: list[tuple[int, ...]]) -> dict[str, Ints]:
    columns = np.array(sorted(rows), dtype=np.int64).reshape(-1, len(names)).T
    return {name: np.ascontiguousarray(column) for name, column in zip(names, columns, strict=True)}


# --- the same in plain words --------------------------------------------------------------------------------------------------------------


def in_plain_words(one: Facts) -> int:
    """What an offer shows, worked out with a pencil: no arrays, exact decimals."""
    (channel,) = one.channels.values()
    offer = {name: int(column[0]) for name, column in one.offers.items()}
    quirks = manifest_of(channel.platform).quirks
    rules = rules_of(one, channel, offer["unit"])
    figure = Decimal(on_sale(one, channel))
    figure = (figure * rules["share"] / 100).quantize(Decimal(1), rounding=ROUND[rules["share_rounding"]])
    figure = max(figure - rules["buffer"], Decimal(0))
    fast = (sold_lately(one) * rules["velocity_share"] / 100).quantize(Decimal(1), rounding=ROUND_UP)
    figure = max(figure - fast, Decimal(0))
    for most in (rules["fixed"], rules["max_publish"]):
        figure = figure if most is None else min(figure, Decimal(most))
    figure = Decimal(0) if figure <= rules["zero_at"] else figure
    shown = min(int(figure) // offer["pack_factor"], quirks.max_quantity)
    if quirks.basis is Basis.GROSS_UNTIL_SHIPPED:
        shown += offer["open"]
    return shown + offer["unacknowledged"] if quirks.basis is Basis.GROSS_UNTIL_ACKNOWLEDGED else shown


def rules_of(one: Facts, channel: ChannelFacts, unit: int) -> dict[str, Any]:
    """The channel's rules, with what the category says in their place, with what the product says in place of both."""
    rules = {name: getattr(channel, name) for name in NAMES}
    assert one.overrides is not None
    of = dict(zip(one.overrides.members.tolist(), one.overrides.member_of.tolist(), strict=True)).get(unit)
    rows = list(zip(one.overrides.channel.tolist(), one.overrides.unit.tolist(), one.overrides.category.tolist(), strict=True))
    for wanted in ((channel.id, NONE, of), (channel.id, unit, NONE)):
        for name in NAMES if wanted in rows else ():
            said = int(one.overrides.said[name][rows.index(wanted)])
            if said != FALLS_THROUGH:
                rules[name] = Decimal(said) / 100 if "share" in name else said
                rules[name] = ["down", "up", "nearest"][said] if name == "share_rounding" else rules[name]
    return rules


def sold_lately(one: Facts) -> int:
    """What the last hour sold: of a kit, as many as the part that sold most would make, a part of one counted whole."""
    assert one.sold is not None
    sold = dict(zip(one.sold["unit"].tolist(), one.sold["quantity"].tolist(), strict=True))
    return max(-(-sold.get(row["component"], 0) // row["per_kit"]) for row in each_row(one.places))


def on_sale(one: Facts, channel: ChannelFacts) -> int:
    rows = list(each_row(one.places))
    if rows[0]["counted"] == 0:
        return 0
    parts = {row["component"]: row["per_kit"] for row in rows if row["counted"] == 1}
    if not parts:
        return ALWAYS
    free = {part: free_by_place(one, channel, part, [row for row in rows if row["component"] == part]) for part in parts}
    if not rows[0]["is_kit"] or channel.allow_splits:
        return min(max(sum(free[part].values()), 0) // number for part, number in parts.items())
    return sum(min(max(free[part].get(place, 0), 0) // number for part, number in parts.items()) for place in WHERE)


def free_by_place(one: Facts, channel: ChannelFacts, part: int, rows: list[dict[str, int]]) -> dict[int, int]:
    """Free units by place that serves the channel; what is kept for others goes off the last places first; what comes in is added."""
    lies = {row["location"]: row["on_hand"] - row["allocated"] - row["held"] for row in rows}
    free = {place: lies[place] for place in channel.locations if place in lies}
    kept = sum(quantity for of, unit, quantity in one.fences if unit == part and of != channel.id)
    for place in reversed(list(free)) if kept else []:
        some = min(max(free[place], 0), kept)
        free[place] -= some
        kept -= some
    until = one.today + timedelta(days=channel.horizon_days)
    for unit, place, day, quantity in one.incoming:
        if unit == part and place in free and channel.horizon_days and day <= until:
            free[place] += quantity
    return free


def each_row(places: Mapping[str, Ints]) -> Iterator[dict[str, int]]:
    for values in zip(*(places[name].tolist() for name in PLACE_COLUMNS), strict=True):
        yield dict(zip(PLACE_COLUMNS, values, strict=True))
