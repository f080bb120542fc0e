"""The rules that sellers give their channels."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from random import Random


def at_first(dice: Random) -> list[tuple[str, object]]:
    """What a seller sets when the channel is opened: often nothing."""
    rules = [rule(dice) for _ in range(dice.choice((0, 0, 1)))]
    if dice.random() < 0.3:
        rules.append(("zero_at", dice.choice((1, 2, 3))))
    if dice.random() < 0.3:
        rules.append(("horizon_days", dice.choice((1, 4))))
    return rules


def rule(dice: Random) -> tuple[str, object]:
    """Some rule and what it may be: share, buffer, cap, zero-at, velocity, splits, horizon."""
    return dice.choice(
        (
            ("share", Decimal(dice.choice((50, 100, 100)))),
            ("buffer", dice.choice((0, 1, 2))),
            ("max_publish", dice.choice((None, 3, 10))),
            ("zero_at", dice.choice((0, 1, 2, 3))),
            ("velocity_share", Decimal(dice.choice((0, 50, 100)))),
            ("allow_splits", dice.random() < 0.5),
            ("horizon_days", dice.choice((0, 1, 4))),
        )
    )


def own_rules(dice: Random, like: Collection[str] = ()) -> dict[str, object]:
    """What a category or a product may have of its own: one rule, or some; the same rules as ``like``, if given."""
    choices: dict[str, object] = {
        "share": Decimal(dice.choice((0, 50, 75, 100))),
        "share_rounding": dice.choice(("up", "nearest")),
        "buffer": dice.choice((0, 1, 3)),
        "max_publish": dice.choice((1, 4, 50)),
        "zero_at": dice.choice((0, 2)),
        "fixed": dice.choice((1, 2, 6)),
        "velocity_share": Decimal(dice.choice((0, 50, 100, 150))),
    }
    return {name: choices[name] for name in like or dice.sample(sorted(choices), dice.choice((1, 1, 2, 3)))}
