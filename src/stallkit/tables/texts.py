"""Text files with delimiters (CSV and its cousins): which encoding, which delimiter, and the rows one by one."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from stallkit.tables.cells import Cell, FileRefused, normal

MOST_BYTES = 100_000_000
MOST_LINE = 100_000
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


class CsvFile:
    """A text file with delimiters. It is read once to the end before any row is used: a file that breaks off changes nothing.

    ``known`` are column names in their normal form: of several delimiters, the one that brings most of them to light is taken.
    """

    def __init__(self, path: Path, known: Collection[str], encoding: str = "", delimiter: str = "") -> None:
        self.path, self.encoding = path, known_encoding(encoding or marked_encoding(path))
        first, self._skip = self._first_line()
        self.delimiter = delimiter or best_delimiter(first, known)
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
                line = file.readline(MOST_LINE)
                while line and not line.strip():
                    line = file.readline(MOST_LINE)
                if line.lower().startswith("sep="):
                    return file.readline(MOST_LINE), 1
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


def marked_encoding(path: Path) -> str:
    """The encoding that a mark at the start of the file tells; UTF-8 without one. FileRefused for UTF-16 without a mark."""
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, name in BOMS.items():
        if start.startswith(mark):
            return name
    if start.count(0) > len(start) // 4:
        raise FileRefused("The text seems to be UTF-16 without a mark. Save it as 'CSV UTF-8', or say --encoding utf-16-le.")
    return "utf-8"


def known_encoding(encoding: str) -> str:
    """The codec's own name for an encoding; FileRefused if there is none for texts."""
    try:
        name = codecs.lookup(encoding.strip()).name
        "".encode(name)
    except (LookupError, ValueError):
        raise FileRefused(f"The encoding {encoding!r} is not known; write one of {ENCODINGS}, utf-8.") from None
    return "utf-8-sig" if name == "utf-8" else name


def best_delimiter(line: str, known: Collection[str]) -> str:
    """The delimiter that brings most of the known column names to light; of equals, the one that cuts most."""

    def merit(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            cells = line.split(delimiter)
        return sum(normal(cell) in known for cell in cells), len(cells)

    return max(DELIMITERS, key=merit)
