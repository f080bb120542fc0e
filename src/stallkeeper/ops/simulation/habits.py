"""The rules that sellers give their channels."""

from __future__ import annotations

from decimal import Decimal
from random import Random


def rule(dice: Random) -> tuple[str, object]:
    """Some rule and what it may be: share, buffer, cap, zero-at, splits, horizon."""
    return dice.choice(
        (
            ("share", Decimal(dice.choice((50, 100, 100)))),
            ("buffer", dice.choice((0, 1, 2))),
            ("max_publish", dice.choice((None, 3, 10))),
            ("zero_at", dice.choice((0, 1, 2))),
            ("allow_splits", dice.random() < 0.5),
            ("horizon_days", dice.choice((0, 2))),
        )
    )
