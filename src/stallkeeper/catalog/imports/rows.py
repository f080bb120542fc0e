"""Reading a row by a plan: which cell goes through which typed reader. All problems of a row are collected, not only the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stallkeeper.catalog.imports.files import Table
from stallkeeper.catalog.texts import CatalogueError
from stallkit.tables.cells import Cell, Problem, shown
from stallkit.words import said as _

Parse = Callable[[Cell], object]


class RowPlan:
    """For one table: parses each row into a list of values in the order of ``parsers``; an absent column is an empty cell."""

    def __init__(self, table: Table, parsers: Mapping[str, Parse]) -> None:
        self._plan = [(name, table.positions.get(name, -1), parse) for name, parse in parsers.items()]
        self._empty = [parse("") for parse in parsers.values()]
        self._width = table.width
        self._unnamed = table.unnamed

    def parse(self, number: int, cells: list[Cell], problems: list[Problem]) -> list[object]:
        """The row's values. A refused cell is given as an empty one, and its reason is added to ``problems``."""
        values = self._empty.copy()
        length = len(cells)
        for index, (name, position, parse) in enumerate(self._plan):
            if 0 <= position < length:
                cell = cells[position]
                try:
                    values[index] = parse(cell)
                except CatalogueError as error:
                    problems.append(Problem(number, name, shown(cell), _("{name} {message}", name=name, message=error.message)))
        if length > self._width or self._unnamed:
            self._check_width(number, cells, problems)
        return values

    def _check_width(self, number: int, cells: list[Cell], problems: list[Problem]) -> None:
        stray = [position for position in (*self._unnamed, *range(self._width, len(cells))) if position < len(cells)]
        for position in stray:
            if cells[position] not in ("", None):
                message = _(
                    "Cell {position} of the row stands under no column name. Name the column or empty the cell; "
                    "in a CSV file, put quotation marks around texts that hold the delimiter.",
                    position=position + 1,
                )
                problems.append(Problem(number, "", shown(cells[position]), message))
                return
