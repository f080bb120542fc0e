"""Tables in files: the header as the import knows it, and the rows below one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stallkeeper.catalog.imports.columns import Layout
from stallkit.tables.cells import Cell, FileRefused, normal
from stallkit.tables.opening import Rows, open_rows
from stallkit.words import said as _

HEADER_WITHIN = 20


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose header fits: where each column stands, and about how many rows follow."""

    source: Rows
    positions: dict[str, int]
    unnamed: tuple[int, ...]
    """Positions in the header that have no name: nothing may stand below."""
    width: int
    header_row: int
    total: int

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row number, cells) of every row below the header that is not empty."""
        for number, cells in self.source.rows():
            if number > self.header_row and (any(cells) or not all(cell is None or cell == "" for cell in cells)):
                yield number, cells


def open_table(path: Path, layout: Layout, encoding: str | None = None) -> Table:
    """Recognise the file and match its header. FileRefused says what is wrong with it and what to do; nothing is read further then."""
    known = {normal(spelling) for column in layout.columns for spelling in (column.name, *column.also)}
    source = open_rows(path, known, encoding or "")
    for number, cells in source.rows():
        if any(str(cell).strip() for cell in cells if cell is not None):
            positions = layout.match(cells, number)
            unnamed = tuple(position for position, cell in enumerate(cells) if cell is None or not str(cell).strip())
            return Table(source, positions, unnamed, len(cells), number, max(0, source.total - number))
        if number >= HEADER_WITHIN:
            break
    raise FileRefused(_("The file is empty: there is no header row. Download the template and fill it in."))
