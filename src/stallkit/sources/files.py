"""Files of stock figures, whatever they look like: first a preview for a person who says which column is what, then figures row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from datetime import UTC, date, datetime
from itertools import chain, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from stallkit.sources import grids, guessing
from stallkit.sources.markup import Elements
from stallkit.sources.objects import open_json
from stallkit.sources.records import Records
from stallkit.sources.types import Columns, Figure, FileRefused, Preview, RowProblem, Shape
from stallkit.sources.unpacking import is_packed, unpacked
from stallkit.tables.cells import Cell, CellRefused, quoted, shown, text_of, whole
from stallkit.tables.opening import OLE, beginning, old_format
from stallkit.words import said as _

FORMATS = ("csv", "xlsx", "xml", "json")
LONGEST_TEXT = 200
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?")


def preview(path: Path, shape: Shape | None = None, most: int = 10) -> Preview:
    """The first rows of a file under its columns, its shape with nothing left open, and a guess of which column is what. FileRefused if
    it cannot be read, with what to do."""
    with ExitStack() as stack:
        records = _open(path, shape or Shape(), stack)
        rows = tuple(tuple(_safe(shown(cell)) for cell in cells) for _, cells in islice(records.take(records.columns), most))
        more = [[shown(cell) for cell in cells] for _, cells in islice(records.take(records.columns), guessing.ROWS)]
        return Preview(records.shape, records.columns, rows, guessing.guess(records.columns, more))


def figures(path: Path, shape: Shape, columns: Columns, zone: ZoneInfo, *, signed: bool = False) -> Iterator[Figure | RowProblem]:
    """The file's figures, row by row, and the rows that cannot be used.

    FileRefused before the first row, at the call itself, if the file is cut, packed to burst, not decodable, has no row, or has not the
    columns: then nothing of it may be used. Moments without a zone are meant in ``zone``. With ``signed`` quantities are changes and may
    be negative. No more than a piece of the file is held in memory (of JSON the file itself).
    """
    if not columns.quantity or not (columns.code or columns.gtin):
        raise FileRefused(_("It is not said yet which column holds the quantity, and which the code or GTIN."))
    if shape.decimal not in {"", ",", "."}:
        raise FileRefused(_("The decimal sign is a comma or a point, not {decimal!r}.", decimal=shape.decimal))
    stack = ExitStack()
    try:
        records = _open(path, shape, stack)
        named = {field.name: name for field in fields(columns) if (name := getattr(columns, field.name))}
        _check_columns(records, list(named.values()))
        rows = records.take(list(named.values()))
        first = next(rows, None)
        if first is None:
            raise FileRefused(_("The file has columns, but no rows below them. Nothing was changed."))
    except BaseException:
        stack.close()
        raise
    return _read(stack, chain([first], rows), _Row(named, zone, signed, shape.decimal))


def _open(path: Path, shape: Shape, stack: ExitStack) -> Records:
    """The file's records, by its content unless the shape says more; a ZIP around it is taken off."""
    beginning(path)
    if is_packed(path):
        path = Path(stack.enter_context(unpacked(path)).name)
    format_ = format_of(path)
    if shape.format and shape.format != format_:
        raise FileRefused(
            _(
                "The file is {found}, and {expected} was expected. If it changed for good, say anew how it is built.",
                found=format_,
                expected=shape.format,
            )
        )
    match format_:
        case "xlsx":
            return grids.open_workbook(path, shape)
        case "xml":
            return Elements(path, shape)
        case "json":
            return open_json(path, shape)
    return grids.open_text(path, shape)


def format_of(path: Path) -> str:
    """csv, xlsx, xml or json, by what the file begins with. FileRefused for what is none of them."""
    start = beginning(path)
    if start.startswith(b"PK"):
        return "xlsx"
    if start.startswith(OLE):
        raise FileRefused(old_format(path))
    if start.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        raise FileRefused(_("The file is packed in a way that is not read (gzip, 7z or RAR). Pack it as ZIP, or offer it without packing."))
    if start.startswith(b"%PDF"):
        raise FileRefused(_("The file is a PDF. Offer a CSV, XLSX, XML or JSON file."))
    plain = start.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").lstrip()
    if _WEB_PAGE.match(plain):
        raise FileRefused(
            _("This is a web page, not a file of figures: perhaps a sign-in page, or an error. Look at the address in a browser.")
        )
    if plain.startswith(b"<"):
        return "xml"
    return "json" if plain.startswith((b"{", b"[")) else "csv"


def _check_columns(records: Records, names: list[str]) -> None:
    absent = records.absent(names)
    if absent and not records.columns:
        raise FileRefused(_("The file holds no rows. Nothing was changed."))
    if absent:
        have = ", ".join(records.columns[:30])
        missing = ", ".join(map(repr, absent))
        raise FileRefused(
            _("Column {missing} is not in the file. It has: {have}. If the file changed, map it anew.", missing=missing, have=have)
        )


def _read(stack: ExitStack, rows: Iterator[tuple[int, list[Cell]]], row: _Row) -> Iterator[Figure | RowProblem]:
    with stack:
        for number, cells in rows:
            yield row.read(number, cells)


class _Row:
    """Turns the wanted cells of a row into a figure."""

    def __init__(self, named: dict[str, str], zone: ZoneInfo, signed: bool, decimal: str) -> None:
        self._named, self._zone, self._signed, self._decimal = named, zone, signed, decimal
        self._at = {field: at for at, field in enumerate(named)}

    def read(self, number: int, cells: list[Cell]) -> Figure | RowProblem:
        field = ""
        try:
            texts_ = {}
            for field in ("code", "gtin", "location"):
                texts_[field] = plain_text(self._cell(field, cells))
            field = "quantity"
            quantity = whole(self._cell(field, cells), signed=self._signed, decimal=self._decimal)
            field = "as_of"
            as_of = moment(self._cell(field, cells), self._zone)
        except CellRefused as error:
            named = (texts_.get("code") or texts_.get("gtin")) if field in {"quantity", "as_of"} else None
            return RowProblem(number, self._named[field], _safe(shown(self._cell(field, cells))), str(error), named)
        if not texts_["code"] and not texts_["gtin"]:
            return RowProblem(
                number, self._named.get("code") or self._named["gtin"], "", _("is empty: nothing tells which product this is."), ""
            )
        if quantity is None:
            named = texts_["code"] or texts_["gtin"]
            return RowProblem(number, self._named["quantity"], "", _("is empty: unknown is not zero. Write 0 if there is none."), named)
        return Figure(number, texts_["code"], texts_["gtin"], texts_["location"], quantity, as_of)

    def _cell(self, field: str, cells: list[Cell]) -> Cell:
        at = self._at.get(field)
        return None if at is None else cells[at]


def plain_text(cell: Cell) -> str:
    """A short text of one line; CellRefused for what no code and no place can be."""
    text = cell.strip() if type(cell) is str and not cell.startswith("'") else text_of(cell).strip()
    if len(text) > LONGEST_TEXT:
        raise CellRefused(_("has {text:,} characters; at most {most} are read.", text=len(text), most=LONGEST_TEXT))
    if not text.isprintable():
        text = text.replace("\N{NO-BREAK SPACE}", " ")
        if not text.isprintable():
            raise CellRefused(_("holds line breaks or characters that cannot be seen. Remove them."))
    return text


def moment(cell: Cell, zone: ZoneInfo) -> datetime | None:
    """A point in time, aware UTC; without a zone of its own it is meant in ``zone``. None for an empty cell."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, str):
        found = _moment_of_text(cell.strip())
    else:
        raise CellRefused(_("{cell} is no date with a time of day; write it like 2026-05-01 18:30.", cell=str(cell)))
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise CellRefused(_("{found} is beyond the calendar.", found=str(found))) from None


def _moment_of_text(typed: str) -> datetime:
    try:
        if day_first := _DAY_FIRST.fullmatch(typed):
            day, month, year, hour, minute, second = (int(part or 0) for part in day_first.groups())
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone comes after
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise CellRefused(_("{typed} is not a date and time; write it like 2026-05-01 18:30.", typed=quoted(typed))) from None
    if not re.search(r"\d[T ]\d", typed):
        raise CellRefused(_("{typed} has no time of day; write both, like {day} 18:30.", typed=quoted(typed), day=date.isoformat(found)))
    return found


def _safe(text: str) -> str:
    """The text without what a screen or a database cannot hold."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
