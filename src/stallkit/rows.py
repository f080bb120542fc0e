"""Rows of a page are decoded one by one, so that a single strange one can be parked (rule 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from stallkit.types import Parked

T = TypeVar("T")


def parse_each(
    raws: Sequence[msgspec.Raw], parse: Callable[[bytes], T], id_of: Callable[[bytes], str]
) -> tuple[tuple[T, ...], tuple[Parked, ...]]:
    """(objects that could be understood, the others, parked): one strange object never hides the rest of its page.

    ``id_of`` reads the object's number if at least that can be read, else "".
    """
    understood: list[T] = []
    parked: list[Parked] = []
    for raw in raws:
        body = bytes(raw)
        try:
            understood.append(parse(body))
        except (ValueError, ArithmeticError) as error:
            parked.append(Parked(id_of(body), str(error), body))
    return tuple(understood), tuple(parked)
