"""Text files with delimiters (CSV and its cousins): which encoding, which delimiter, and the rows one by one."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from stallkit.tables.cells import Cell, FileRefused, normal
from stallkit.words import said as _

MOST_BYTES = 100_000_000
MOST_LINE = 100_000
FIRST_LINES = 20
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
DELIMITERS = ",;\t|"
ENCODINGS = _(
    "windows-1250 (Polish, Romanian, Czech, Hungarian), windows-1251 (Russian, Bulgarian), windows-1252 or latin-1 (western Europe), utf-16"
)
csv.field_size_limit(MOST_BYTES)


class CsvFile:
    """A text file with delimiters. It is read once to the end before any row is used: a file that breaks off changes nothing.

    ``known`` are column names in their normal form: of several delimiters, the one that brings most of them to light is taken.
    """

    def __init__(self, path: Path, known: Collection[str], encoding: str = "", delimiter: str = "") -> None:
        self.path, self.encoding = path, known_encoding(encoding or marked_encoding(path))
        first, self._skip = self._first_lines()
        self.delimiter = delimiter or best_delimiter(first, known)
        self.total = self._count()

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Rows in order; a line that only names the delimiter ("sep=;") is not one."""
        with self.path.open(encoding=self.encoding, newline="") as file:
            if self._skip:
                file.readline()
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            yield from enumerate(reader, start=1 + self._skip)

    def _first_lines(self) -> tuple[list[str], int]:
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                lines = [line for line in (file.readline(MOST_LINE) for _ in range(FIRST_LINES)) if line.strip()]
            if lines and lines[0].lower().startswith("sep="):
                return lines[1:2], 1
            return lines, 0
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
                _(
                    "Row {number} of the file is broken: a quotation mark is opened and not closed, or stands inside a quoted "
                    'text without being doubled ("") ({error}). Correct the row, or save the file again as CSV or XLSX.',
                    number=number + 1,
                    error=str(error),
                )
            ) from None
        return number

    def _undecodable(self, row: int) -> str:
        name = self.encoding.upper().removesuffix("-SIG")
        return _(
            "Near row {row} the text is not {name}. Save the file as 'CSV UTF-8' (in Excel: Save as, CSV UTF-8) or as .xlsx; "
            "or say which encoding it has {how}: {encodings}.",
            row=row,
            name=name,
            how=_("(--encoding on the command line)"),
            encodings=ENCODINGS,
        )


def marked_encoding(path: Path) -> str:
    """The encoding that a mark at the start of the file tells; UTF-8 without one. FileRefused for UTF-16 without a mark."""
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, name in BOMS.items():
        if start.startswith(mark):
            return name
    if start.count(0) > len(start) // 4:
        raise FileRefused(
            _(
                "The text seems to be UTF-16 without a mark. Save it as 'CSV UTF-8', or {how}.",
                how=_("say so (on the command line: --encoding utf-16-le)"),
            )
        )
    return "utf-8"


def known_encoding(encoding: str) -> str:
    """The codec's own name for an encoding; FileRefused if there is none for texts."""
    try:
        name = codecs.lookup(encoding.strip()).name
        "".encode(name)
    except (LookupError, ValueError):
        raise FileRefused(
            _("The encoding {encoding!r} is not known; write one of {encodings}, utf-8.", encoding=encoding, encodings=ENCODINGS)
        ) from None
    return "utf-8-sig" if name == "utf-8" else name


def best_delimiter(lines: Sequence[str], known: Collection[str]) -> str:
    """The delimiter that brings most of the known column names to light in one of the first lines; of equals, the one that cuts most
    lines alike, then the one that cuts most."""

    def merit(delimiter: str) -> tuple[int, int, int]:
        rows = [_cut(line, delimiter) for line in lines]
        width, alike = Counter(len(row) for row in rows if len(row) > 1).most_common(1)[0] if any(len(row) > 1 for row in rows) else (1, 0)
        return max((sum(normal(cell) in known for cell in row) for row in rows), default=0), alike, width

    return max(DELIMITERS, key=merit)


def _cut(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)
