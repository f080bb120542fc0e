"""Typed reading of cells. Every reader takes the column's name and the cell, and raises CatalogueError with what to do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from stallkeeper.catalog.amounts import AmountError, amount_of_number, parse_amount
from stallkeeper.catalog.identifiers import check_gtin
from stallkeeper.catalog.texts import LIMITS, CatalogueError, tidy
from stallkit.tables import cells as plain
from stallkit.tables.cells import Cell, CellRefused, quoted
from stallkit.words import said as _

YES = frozenset({"yes", "y", "true", "1", "x", "on", "active", "da", "tak", "si", "sì", "sí", "oui", "ja", "да"})
NO = frozenset({"no", "n", "false", "0", "off", "inactive", "nu", "nie", "non", "nein", "нет", "не"})


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
    try:
        return plain.text_of(cell)
    except CellRefused as error:
        raise CatalogueError(field, str(error)) from None


def gtin(cell: Cell) -> str:
    """The digits of a GTIN; "" for an empty cell."""
    typed = as_text("gtin", cell).strip()
    if re.fullmatch(r"[\d.,]+[eE]\+?\d+", typed):
        raise CatalogueError(
            "gtin", _("{typed} lost its digits: a spreadsheet rounded it. Format the column as text and fill it in anew.", typed=typed)
        )
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
            raise AmountError(
                _("is a date or a yes/no in the spreadsheet ({cell}); format the column as number and type the price anew.", cell=str(cell))
            )
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
    raise CatalogueError(field, _("{typed} is neither yes nor no; write one of them.", typed=quoted(typed)))


def count(field: str, cell: Cell) -> int | None:
    """A whole number from 0 up; None for an empty cell."""
    try:
        return plain.whole(cell)
    except CellRefused as error:
        raise CatalogueError(field, str(error)) from None


def _solid(field: str, cell: str) -> None:
    try:
        plain.solid(cell)
    except CellRefused as error:
        raise CatalogueError(field, str(error)) from None


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
        raise CatalogueError(field, _("{cell} has no time of day; write both, like {cell} 18:30.", cell=str(cell)))
    else:
        raise CatalogueError(field, _("{cell} is not a date; write it like 2026-05-01 18:30.", cell=str(cell)))
    aware = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    if aware > now:
        raise CatalogueError(field, _("{found} is in the future; give the moment of counting.", found=str(found)))
    return aware


def _moment_of_text(field: str, typed: str) -> datetime:
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise CatalogueError(field, _("{typed} is not a date and time; write it like 2026-05-01 18:30.", typed=quoted(typed))) from None
    if not re.search(r"\d[T ]\d", typed):
        raise CatalogueError(
            field, _("{typed} has no time of day; write both, like {found} 18:30.", typed=typed, found=found.date().isoformat())
        )
    return found
