"""What all readers of tables give and raise, and the cells that are read the same way everywhere: texts and whole numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from stallkit.words import Said
from stallkit.words import said as _


class Hollow(Said):
    """A cell that readers give as empty although a formula stands in it; the text says what to do."""

    __slots__ = ()


Cell = str | float | bool | datetime | date | time | timedelta | None
"""One cell as the readers give it; empty cells are "" or None."""

EXACT = 10**15
"""Spreadsheets keep 15 digits of a number; further ones are lost when the file is saved."""
LARGEST_COUNT = 100_000_000
_WHOLE = re.compile(r"-?(?:\d+(?:[.,](?:0{1,2}|0{4,}))?|(?:0|\d{4,})[.,]0{3})")
"""With noughts behind the comma, but for three of them where the comma could part thousands."""
_WITH = {
    ",": re.compile(r"(-?\d{1,3}(?:\.\d{3})+|-?\d+)(?:,0*)?"),
    ".": re.compile(r"(-?\d{1,3}(?:,\d{3})+|-?\d+)(?:\.0*)?"),
}
_FRACTION = re.compile(r"-?\d+[.,]\d+")
_TWO_WAYS = re.compile(r"-?[1-9]\d{0,2}(?:[.,]\d{3})+")
_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?:\D|$))")
_FORMULA = ("'=", "'+", "'-", "'@")


@dataclass(frozen=True, slots=True)
class Problem:
    """A refused cell (row as the spreadsheet numbers it), row (no column) or file (row 0): what stood there, and what to do."""

    row: int
    column: str
    value: str
    message: str


class FileRefused(ValueError):
    """The file as a whole cannot be read; nothing was changed. The text says why and what to do; ``problems`` name columns."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class CellRefused(ValueError):
    """The cell does not hold what its column is for. The text says what stands there and what to write instead."""


def normal(name: str) -> str:
    """A column name as it is compared: lower case, words joined by _, without the * that marks required columns."""
    return re.sub(r"[\s\-_]+", "_", name.replace("\ufeff", "").strip().strip("*").strip().casefold())


def text_of(cell: Cell) -> str:
    """What the cell shows. Numbers must be whole texts: a date or a number with lost digits is refused (CellRefused), not guessed back."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        solid(cell)
        # Our own exports put ' before what a spreadsheet would take for a formula; it comes back without.
        return cell[1:] if cell.startswith(_FORMULA) else cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime | date | time | timedelta):
        raise CellRefused(
            _("is a date or time in the spreadsheet ({cell}); format the column as text and type the value anew.", cell=str(cell))
        )
    if not abs(cell) < EXACT:
        raise CellRefused(
            _("is a number of more than 15 digits ({cell:.0f}): its last digits are lost. Format the column as text.", cell=cell)
        )
    return str(int(cell)) if cell == int(cell) else repr(cell)


def whole(cell: Cell, *, signed: bool = False, decimal: str = "") -> int | None:
    """A whole number from 0 up, or from below 0 too where it is a change (``signed``); None for an empty cell. CellRefused for the rest:
    nothing is rounded, and what can be read in two ways is not read in one, unless ``decimal`` says which sign begins a fraction."""
    if isinstance(cell, bool | datetime | date | time | timedelta):
        raise CellRefused(
            _("is a date or a yes/no in the spreadsheet ({cell}); format the column as number and type it anew.", cell=str(cell))
        )
    if cell is None:
        return None
    number = _whole_of_text(cell, decimal) if isinstance(cell, str) else _whole_of_number(cell)
    if number is not None and number < 0 and not signed:
        raise CellRefused(_("{number} is negative; what is there cannot be less than 0. Write 0 or count again.", number=number))
    if number is not None and abs(number) > LARGEST_COUNT:
        raise CellRefused(_("{number:,} is too large; at most {most:,} are kept.", number=number, most=LARGEST_COUNT))
    return number


def _whole_of_text(typed: str, decimal: str) -> int | None:
    solid(typed)
    plain = _BETWEEN_THOUSANDS.sub("", typed.strip()).replace("\N{MINUS SIGN}", "-")
    if not plain:
        return None
    if not plain.isascii():
        raise CellRefused(_("{typed} is not a number; write it like 12.", typed=quoted(typed)))
    if decimal and (found := _WITH[decimal].fullmatch(plain)):
        return int(re.sub("[.,]", "", found[1]))
    if _WHOLE.fullmatch(plain) and (not decimal or plain.isdigit()):
        return int(re.split("[.,]", plain)[0])
    if not decimal and _TWO_WAYS.fullmatch(plain):
        raise CellRefused(
            _("{typed} can be read in two ways; write whole numbers without points and commas, like 1000.", typed=quoted(typed))
        )
    if _FRACTION.fullmatch(plain):
        raise CellRefused(_("{typed} is not a whole number; stock is counted in whole units.", typed=quoted(typed)))
    raise CellRefused(_("{typed} is not a number; write it like 12.", typed=quoted(typed)))


def _whole_of_number(number: float) -> int:
    if not abs(number) < EXACT:
        raise CellRefused(_("{number} is not a number that can be counted.", number=str(number)))
    if number != int(number):
        raise CellRefused(_("{number} is not a whole number; stock is counted in whole units.", number=number))
    return int(number)


def solid(cell: str) -> None:
    """CellRefused for a cell that only looks empty: a formula stands in it."""
    if isinstance(cell, Hollow):
        raise CellRefused(cell)


def shown(cell: Cell) -> str:
    """The cell for a report, cut to what fits there."""
    if cell is None or isinstance(cell, Hollow):
        return ""
    plain = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return plain if len(plain) <= 200 else plain[:199] + "…"


def quoted(typed: str) -> str:
    """A short piece of what was typed, in quotation marks, for a message."""
    short = typed.strip()
    return repr(short if len(short) <= 40 else short[:39] + "…")
