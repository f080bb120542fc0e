"""Rules of categories and products said in one line; screens and commands say them through plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stallkeeper.channels import overrides
from stallkeeper.core.use_case import UseCase


def of_category(uc: UseCase, channel_id: int, category: str, values: Mapping[str, object]) -> None:
    overrides.say(uc, channel_id, [overrides.own([category], [], values)])


def of_units(uc: UseCase, channel_id: int, units: Sequence[int], values: Mapping[str, object]) -> None:
    overrides.say(uc, channel_id, [overrides.own([], units, values)])


def remove(uc: UseCase, channel_id: int, ids: Sequence[int] | None = None, *, in_category: str = "") -> int:
    """How many there were."""
    return overrides.say(uc, channel_id, [overrides.taken_away(channel_id, ids, in_category=in_category)])
