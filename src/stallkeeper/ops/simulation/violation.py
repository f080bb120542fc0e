"""What ends a day early."""

from __future__ import annotations


class Violation(Exception):
    """Something does not hold. ``invariant`` is its number, or "error" for a mistake in the code."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant, self.text = invariant, text
