"""Typed reading of cells. Every reader takes the column's name and the cell, and raises CatalogueError with what to do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from stallkeeper.catalog.amounts import AmountError, amount_of_number, parse_amount
from stallkeeper.catalog.identifiers import check_gtin
from stallkeeper.catalog.imports.columns import Cell, Hollow
from stallkeeper.catalog.texts import LIMITS, CatalogueError, tidy

EXACT = 10**15
"""Spreadsheets keep 15 digits of a number; further ones are lost when the file is saved."""
LARGEST_COUNT = 100_000_000
YES = frozenset({"yes", "y", "true", "1", "x", "on", "active", "da", "tak", "si", "sì", "sí", "oui", "ja", "да"})
NO = frozenset({"no", "n", "false", "0", "off", "inactive", "nu", "nie", "non", "nein", "нет", "не"})
_WHOLE = re.compile(r"-?\d+(?:[.,]0{1,2})?")
_FRACTION = re.compile(r"-?\d+[.,]\d+")
_FORMULA = ("'=", "'+", "'-", "'@")


def text(field: str, cell: Cell) -> str:
    """A text of one line, as the catalogue keeps it; "" for an empty cell."""
    if type(cell) is str:
        kept = cell.strip()
        if len(kept) <= LIMITS[field] and kept.isprintable() and not kept.startswith("'"):
            return kept
    return tidy(field, as_text(field, cell))


def lines(field: str, cell: Cell) -> str:
    """The same, keeping line breaks."""
    if type(cell) is str and len(cell) <= LIMITS[field] and cell.isprintable() and not cell.startswith("'"):
        return cell.strip()
    return tidy(field, as_text(field, cell), lines=True)


def as_text(field: str, cell: Cell) -> str:
    """What the cell shows. Numbers must be whole texts: a date or a number with lost digits is refused, not guessed back."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        _solid(field, cell)
        # Our own exports put ' before what a spreadsheet would take for a formula; it comes back without.
        return cell[1:] if cell.startswith(_FORMULA) else cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime | date | time | timedelta):
        raise CatalogueError(field, f"is a date or time in the spreadsheet ({cell}); format the column as text and type the value anew.")
    if not abs(cell) < EXACT:
        raise CatalogueError(
            field, f"is a number of more than 15 digits ({cell:.0f}): its last digits are lost. Format the column as text."
        )
    return str(int(cell)) if cell == int(cell) else repr(cell)


def gtin(cell: Cell) -> str:
    """The digits of a GTIN; "" for an empty cell."""
    typed = as_text("gtin", cell).strip()
    if re.fullmatch(r"[\d.,]+[eE]\+?\d+", typed):
        raise CatalogueError("gtin", f"{typed} lost its digits: a spreadsheet rounded it. Format the column as text and fill it in anew.")
    return check_gtin(typed) if typed else ""


def codes(cell: Cell) -> list[str]:
    """Additional codes, separated by semicolons; each once, in order."""
    typed = as_text("additional_codes", cell)
    if ";" not in typed:
        one = _code(typed)
        return [one] if one else []
    return list(dict.fromkeys(code for code in map(_code, typed.split(";")) if code))


def _code(typed: str) -> str:
    try:
        return tidy("code", typed)
    except CatalogueError as error:
        raise CatalogueError("additional_codes", error.message) from None


def price(cell: Cell) -> tuple[Decimal, str | None] | None:
    """(amount, currency written beside it); None for an empty cell."""
    try:
        if isinstance(cell, str):
            _solid("price", cell)
            return parse_amount(cell) if cell.strip() else None
        if cell is None:
            return None
        if isinstance(cell, datetime | date | time | timedelta | bool):
            raise AmountError(f"is a date or a yes/no in the spreadsheet ({cell}); format the column as number and type the price anew.")
        return amount_of_number(repr(cell)), None
    except AmountError as error:
        raise CatalogueError("price", str(error)) from None


def yes_or_no(field: str, cell: Cell) -> bool | None:
    """A yes or no in one of our users' languages; None for an empty cell."""
    if isinstance(cell, bool):
        return cell
    typed = as_text(field, cell).strip().casefold()
    if not typed:
        return None
    if typed in YES or typed in NO:
        return typed in YES
    raise CatalogueError(field, f"{_shown(typed)} is neither yes nor no; write one of them.")


def count(field: str, cell: Cell) -> int | None:
    """A whole number from 0 up; None for an empty cell."""
    if isinstance(cell, bool | datetime | date | time | timedelta):
        raise CatalogueError(field, f"is a date or a yes/no in the spreadsheet ({cell}); format the column as number and type it anew.")
    if cell is None:
        return None
    number = _count_of_text(field, cell) if isinstance(cell, str) else _count_of_number(field, cell)
    if number is not None and number < 0:
        raise CatalogueError(field, f"{number} is negative; what is there cannot be less than 0. Write 0 or count again.")
    if number is not None and number > LARGEST_COUNT:
        raise CatalogueError(field, f"{number:,} is too large; at most {LARGEST_COUNT:,} are kept.")
    return number


def _solid(field: str, cell: str) -> None:
    if isinstance(cell, Hollow):
        raise CatalogueError(field, str(cell))


def _count_of_text(field: str, typed: str) -> int | None:
    _solid(field, typed)
    plain = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?:\D|$))", "", typed.strip()).replace("\N{MINUS SIGN}", "-")
    if not plain:
        return None
    if not plain.isascii():
        raise CatalogueError(field, f"{_shown(typed)} is not a number; write it like 12.")
    if _WHOLE.fullmatch(plain):
        return int(re.split("[.,]", plain)[0])
    if re.fullmatch(r"-?[1-9]\d{0,2}(?:[.,]\d{3})+", plain):
        raise CatalogueError(field, f"{_shown(typed)} can be read in two ways; write whole numbers without points and commas, like 1000.")
    if _FRACTION.fullmatch(plain):
        raise CatalogueError(field, f"{_shown(typed)} is not a whole number; stock is counted in whole units.")
    raise CatalogueError(field, f"{_shown(typed)} is not a number; write it like 12.")


def _count_of_number(field: str, number: float) -> int:
    if not abs(number) < EXACT:
        raise CatalogueError(field, f"{number} is not a number that can be counted.")
    if number != int(number):
        raise CatalogueError(field, f"{number} is not a whole number; stock is counted in whole units.")
    return int(number)


def moment(field: str, cell: Cell, zone: ZoneInfo, now: datetime) -> datetime | None:
    """A point in time, UTC, not in the future; without a zone it is meant in ``zone``. None for an empty cell."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, str):
        _solid(field, cell)
        found = _moment_of_text(field, cell.strip())
    elif isinstance(cell, date):
        raise CatalogueError(field, f"{cell} has no time of day; write both, like {cell} 18:30.")
    else:
        raise CatalogueError(field, f"{cell} is not a date; write it like 2026-05-01 18:30.")
    aware = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    if aware > now:
        raise CatalogueError(field, f"{found} is in the future; give the moment of counting.")
    return aware


def _moment_of_text(field: str, typed: str) -> datetime:
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise CatalogueError(field, f"{_shown(typed)} is not a date and time; write it like 2026-05-01 18:30.") from None
    if not re.search(r"\d[T ]\d", typed):
        raise CatalogueError(field, f"{typed} has no time of day; write both, like {found:%Y-%m-%d} 18:30.")
    return found


def shown(cell: Cell) -> str:
    """The cell for a report, cut to what fits there."""
    if cell is None or isinstance(cell, Hollow):
        return ""
    whole = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    return whole if len(whole) <= 200 else whole[:199] + "…"


def _shown(typed: str) -> str:
    short = typed.strip()
    return repr(short if len(short) <= 40 else short[:39] + "…")
