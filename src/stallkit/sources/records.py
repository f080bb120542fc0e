"""What readers of all formats have in common: rows from which named cells can be taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from stallkit.sources.types import Shape
from stallkit.tables.cells import Cell, FileRefused
from stallkit.words import said as _

MOST_ROWS = 2_000_000
LOOK = 50
"""Rows that are looked at to learn which columns there are, where a format has no header."""


def check_count(rows: int) -> None:
    """FileRefused for more rows than any table of stock has: each could be a problem that is kept."""
    if rows > MOST_ROWS:
        raise FileRefused(_("The file has more than {most:,} rows. Leave out what is not stock, or split it.", most=MOST_ROWS))


class Records(Protocol):
    """An opened file. ``shape`` has nothing left open; ``columns`` are the names by which cells can be taken, as far as they are seen."""

    shape: Shape
    columns: tuple[str, ...]

    def take(self, names: Sequence[str]) -> Iterator[tuple[int, list[Cell]]]:
        """(row number, the named cells in order) of every row; a cell that is not there is None."""
        ...

    def absent(self, names: Sequence[str]) -> list[str]:
        """Those of the names that no row has. Reads the file to its end where that is needed; FileRefused if it breaks off."""
        ...
