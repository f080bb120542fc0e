"""Steps that only some seeds have, strewn among those of the day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

S = TypeVar("S")


def strewn(
    salt: str, steps: list[S], step: Callable[[tuple[str, ...], int], S], played: Sequence[tuple[str, ...]], most: int, *, races: bool
) -> list[S]:
    """``most`` times one of ``played``, anywhere among the steps: at once where there are ``races``, else one after the other."""
    dice = Random(salt)  # noqa: S311 - dice of a toy
    for _ in range(most):
        names = dice.choice(played)
        found = [names] if races else [(name,) for name in names]
        where = dice.randint(0, len(steps))
        steps = [*steps[:where], *(step(one, dice.getrandbits(32)) for one in found), *steps[where:]]
    return steps
