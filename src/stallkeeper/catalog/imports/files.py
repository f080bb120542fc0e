"""Tables in files: which format a file has by its content, its header, and its rows one by one."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stallkeeper.catalog.imports.columns import Cell, FileRefused, Layout, normal
from stallkeeper.catalog.imports.workbooks import SAVE_AGAIN, Workbook

MOST_BYTES = 100_000_000
HEADER_WITHIN = 20
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
DELIMITERS = ",;\t|"
ENCODINGS = (
    "windows-1250 (Polish, Romanian, Czech, Hungarian), windows-1251 (Russian, Bulgarian), windows-1252 or latin-1 (western Europe), utf-16"
)
csv.field_size_limit(MOST_BYTES)


class Source(Protocol):
    """A file that was recognised. ``total`` counts its rows, the header among them, roughly."""

    total: int

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row number as a spreadsheet shows it, cells)."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose header fits: where each column stands, and about how many rows follow."""

    source: Source
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
    source = _source(path, layout, encoding)
    for number, cells in source.rows():
        if any(str(cell).strip() for cell in cells if cell is not None):
            positions = layout.match(cells, number)
            unnamed = tuple(position for position, cell in enumerate(cells) if cell is None or not str(cell).strip())
            return Table(source, positions, unnamed, len(cells), number, max(0, source.total - number))
        if number >= HEADER_WITHIN:
            break
    raise FileRefused("The file is empty: there is no header row. Download the template and fill it in.")


def _source(path: Path, layout: Layout, encoding: str | None) -> Source:
    size = path.stat().st_size
    if size == 0:
        raise FileRefused("The file is empty (0 bytes). Save it again and try once more.")
    if size > MOST_BYTES:
        raise FileRefused(
            f"The file has {size // 1_000_000:,} MB; at most {MOST_BYTES // 1_000_000} MB are read. Split it into several files."
        )
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK"):
        return Workbook(path)
    if start.startswith(OLE):
        raise FileRefused(_old_format(path))
    return CsvFile(path, layout, encoding or _encoding(start))


def _old_format(path: Path) -> str:
    """Excel's old files and its encrypted new ones share a container; the encrypted ones name their stream."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return f"The workbook is protected by a password. Remove the password. {SAVE_AGAIN}"
    return f"This is a workbook of Excel 97-2003 (.xls). {SAVE_AGAIN}"


def _encoding(start: bytes) -> str:
    for mark, name in BOMS.items():
        if start.startswith(mark):
            return name
    if start.count(0) > len(start) // 4:
        raise FileRefused("The text seems to be UTF-16 without a mark. Save it as 'CSV UTF-8', or say --encoding utf-16-le.")
    return "utf-8"


class CsvFile:
    """A text file with delimiters. It is read once to the end before any row is used: a file that breaks off changes nothing."""

    def __init__(self, path: Path, layout: Layout, encoding: str) -> None:
        self.path, self.encoding = path, _known(encoding)
        first, self._skip = self._first_line()
        self.delimiter = _delimiter(first, layout)
        self.total = self._count()

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Rows in order; a line that only names the delimiter ("sep=;") is not one."""
        with self.path.open(encoding=self.encoding, newline="") as file:
            if self._skip:
                file.readline()
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            yield from enumerate(reader, start=1 + self._skip)

    def _first_line(self) -> tuple[str, int]:
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                line = file.readline(100_000)
                while line and not line.strip():
                    line = file.readline(100_000)
                if line.lower().startswith("sep="):
                    return file.readline(100_000), 1
                return line, 0
        except UnicodeError:
            raise FileRefused(self._undecodable(1)) from None

    def _count(self) -> int:
        number = 0
        try:
            for number, _cells in self.rows():  # noqa: B007 - the number after the loop is the result
                pass
        except UnicodeError:
            raise FileRefused(self._undecodable(number + 1)) from None
        except csv.Error as error:
            raise FileRefused(
                f"Row {number + 1} of the file is broken: a quotation mark is opened and not closed, or stands inside a quoted text "
                f'without being doubled ("") ({error}). Correct the row, or save the file again as CSV or XLSX.'
            ) from None
        return number

    def _undecodable(self, row: int) -> str:
        name = self.encoding.upper().removesuffix("-SIG")
        return (
            f"Near row {row} the text is not {name}. Save the file as 'CSV UTF-8' (in Excel: Save as, CSV UTF-8) or as .xlsx; "
            f"or say which encoding it has with --encoding: {ENCODINGS}."
        )


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding.strip()).name
        "".encode(name)
    except (LookupError, ValueError):
        raise FileRefused(f"The encoding {encoding!r} is not known; write one of {ENCODINGS}, utf-8.") from None
    return "utf-8-sig" if name == "utf-8" else name


def _delimiter(line: str, layout: Layout) -> str:
    """The delimiter that brings most of the known column names to light; of equals, the one that cuts most."""
    known = {spelling for column in layout.columns for spelling in (column.name, *column.also)}

    def merit(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            cells = line.split(delimiter)
        return sum(normal(cell) in known for cell in cells), len(cells)

    return max(DELIMITERS, key=merit)
