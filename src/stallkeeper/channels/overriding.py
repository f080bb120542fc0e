"""Which rule holds for an offer: that of its product, of its category, or of its channel; worked out for all offers at once (ADR 0051)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from django.db import models
from django.utils.translation import gettext_lazy as _

from stallkeeper.core.copy import Ints
from stallkeeper.stock.availability import ROUND_DOWN, ROUND_NEAREST, ROUND_UP

FALLS_THROUGH = -1
"""In a column of an override: it says nothing of this rule."""
NONE = -1
NAMES = ("share", "share_rounding", "buffer", "max_publish", "zero_at", "fixed", "velocity_share")
"""Rules that a category or a product may have of its own. Per cents are in hundredths in the columns, roundings are their numbers."""
ROUNDINGS = {"down": ROUND_DOWN, "up": ROUND_UP, "nearest": ROUND_NEAREST}


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is said of categories, or of stock units by their number: the same rules (by NAMES, decimals as text) of each of them, in place
    of what was said before. No rules: what was said is taken away."""

    categories: list[str] = msgspec.field(default_factory=list)
    units: list[int] = msgspec.field(default_factory=list)
    rules: dict[str, str | int | None] = msgspec.field(default_factory=dict)


class Origin(models.TextChoices):
    """Who set a rule."""

    CHANNEL = "channel", _("the channel's rule")
    CATEGORY = "category", _("rule of the category")
    PRODUCT = "product", _("rule of the product")


@dataclass(frozen=True, slots=True)
class Overrides:
    """The overrides that matter to the gathered offers, a row each."""

    channel: Ints
    unit: Ints
    """NONE: the row is a category's."""
    category: Ints
    """A number for the category's name; NONE: the row is a product's."""
    said: Mapping[str, Ints]
    """By the names of NAMES."""
    members: Ints
    """Units, rising, that are in a category of which any row speaks …"""
    member_of: Ints
    """… and the number of that category."""

    def __len__(self) -> int:
        return len(self.channel)

    @property
    def keys(self) -> list[tuple[int, int, int]]:
        """Channel, unit, category of each row."""
        return list(zip(self.channel.tolist(), self.unit.tolist(), self.category.tolist(), strict=True))

    def find(self, channel: Ints, unit: Ints) -> Found:
        """The rows of the categories and of the products of offers."""
        own, shared = np.flatnonzero(self.unit != NONE), np.flatnonzero(self.category != NONE)
        names = np.unique(self.category[shared])
        product = _look_up(self.channel[own], self.unit[own], own, channel, unit)
        number = np.searchsorted(names, _category_of(self, unit)) if len(names) else np.full_like(unit, NONE)
        known = np.isin(unit, self.members)
        row = _look_up(self.channel[shared], np.searchsorted(names, self.category[shared]), shared, channel, number)
        return Found(np.where(known, row, NONE), product)


@dataclass(frozen=True, slots=True)
class Found:
    """Per offer, the row that speaks of it, or NONE."""

    category: Ints
    product: Ints

    def part(self, part: slice) -> Found:
        return Found(self.category[part], self.product[part])


def _category_of(overrides: Overrides, unit: Ints) -> Ints:
    """The category's number per unit; of units that are in none, any."""
    if not len(overrides.members):
        return np.full_like(unit, NONE)
    at = np.minimum(np.searchsorted(overrides.members, unit), len(overrides.members) - 1)
    return overrides.member_of[at]


def _look_up(channels: Ints, things: Ints, rows: Ints, channel: Ints, thing: Ints) -> Ints:
    """For each (channel, thing) that is wanted, the row of ``rows`` that has it."""
    if not len(rows):
        return np.full(len(channel), NONE, dtype=np.int64)
    keys = (channels << 32) | things
    order = np.argsort(keys)
    wanted = (channel << 32) | np.maximum(thing, 0)
    at = np.minimum(np.searchsorted(keys[order], wanted), len(rows) - 1)
    place = order[at]
    return np.where(keys[place] == wanted, rows[place], NONE)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What would be said on some channels, in columns like those in force. Rows that say nothing stand for what would be taken away."""

    channel: Ints
    unit: Ints
    category: Sequence[str]
    """"" : the row is a product's."""
    said: Mapping[str, Ints]


def as_if(overrides: Overrides, proposed: Proposed, numbers: Mapping[str, int]) -> Overrides:
    """The overrides as they would be. ``numbers``: those of the proposed categories, whose members must be among the gathered ones."""
    category = np.array([numbers[name] if name else NONE for name in proposed.category], dtype=np.int64)
    named = set(zip(proposed.channel.tolist(), proposed.unit.tolist(), category.tolist(), strict=True))
    stays = np.array([key not in named for key in overrides.keys], dtype=bool)
    return Overrides(
        np.concatenate([overrides.channel[stays], proposed.channel]),
        np.concatenate([overrides.unit[stays], proposed.unit]),
        np.concatenate([overrides.category[stays], category]),
        {name: np.concatenate([overrides.said[name][stays], proposed.said[name]]) for name in NAMES},
        overrides.members,
        overrides.member_of,
    )


def apply(overrides: Overrides, found: Found, name: str, values: Ints) -> Ints:
    """The values of a rule, where the channels' are given: what a product says counts before what its category says."""
    if not len(overrides):
        return values
    column = overrides.said[name]
    for rows in (found.category, found.product):
        said = np.where(rows == NONE, FALLS_THROUGH, column[rows])
        values = np.where(said == FALLS_THROUGH, values, said)
    return values


def origin(overrides: Overrides | None, found: Found | None, name: str, offer: int = 0) -> Origin:
    """Who set a rule of one of the offers."""
    if overrides is not None and found is not None:
        for rows, who in ((found.product, Origin.PRODUCT), (found.category, Origin.CATEGORY)):
            if rows[offer] != NONE and overrides.said[name][rows[offer]] != FALLS_THROUGH:
                return who
    return Origin.CHANNEL
