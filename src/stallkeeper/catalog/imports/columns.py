"""What a kind of import reads: its columns, and how the header of a file is matched to them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from stallkit.tables.cells import Cell, FileRefused, Problem, normal
from stallkit.words import joined
from stallkit.words import said as _


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in files, what it is called elsewhere, and what the template says about it."""

    name: str
    help: str
    example: str
    required: bool = False
    also: tuple[str, ...] = ()
    as_text: bool = True
    """Whether the template formats it as text, so that spreadsheets keep leading zeros."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one kind of import. Of each group in ``needed`` the file must have at least one column."""

    kind: str
    title: str
    columns: tuple[Column, ...]
    needed: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def match(self, header: Sequence[Cell], row: int) -> dict[str, int]:
        """{column name: position}. FileRefused names every missing, unknown and repeated column. Names beginning with # are left out."""
        names = {spelling: column.name for column in self.columns for spelling in (column.name, *column.also)}
        found: dict[str, int] = {}
        problems = []
        for position, cell in enumerate(header):
            typed = "" if cell is None else str(cell).strip()
            if not typed or typed.startswith("#"):
                continue
            name = names.get(normal(typed))
            if name is None:
                problems.append(Problem(row, typed[:60], typed[:200], self._unknown(typed)))
            elif name in found:
                problems.append(Problem(row, name, typed[:200], _("Column {name} is there twice; remove one.", name=name)))
            else:
                found[name] = position
        problems += self._missing(found, row)
        if problems:
            raise FileRefused(joined([_("The header of the file does not fit:"), *(problem.message for problem in problems[:5])]), problems)
        return found

    def _missing(self, found: dict[str, int], row: int) -> list[Problem]:
        missing = [group for group in self.needed if not any(name in found for name in group)]
        return [
            Problem(row, group[0], "", _("Column {names} is missing; add it to the header row.", names=" / ".join(group)))
            for group in missing
        ]

    def _unknown(self, typed: str) -> str:
        known = [column.name for column in self.columns]
        close = difflib.get_close_matches(normal(typed), known, n=1, cutoff=0.6)
        guess = [_("Did you mean {name}?", name=close[0])] if close else []
        shown = typed if len(typed) <= 40 else typed[:39] + "…"
        remedy = _("Rename it, remove it, or put # before its name to leave it out.")
        return joined([_("Column {name!r} is not known.", name=shown), *guess, remedy])
