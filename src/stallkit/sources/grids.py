"""CSV and XLSX as records: which row is the header, and what its columns are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from stallkit.sources import guessing
from stallkit.sources.records import check_count
from stallkit.sources.types import Shape
from stallkit.tables import encodings, texts
from stallkit.tables.cells import Cell, FileRefused, normal
from stallkit.tables.opening import Rows
from stallkit.tables.texts import CsvFile
from stallkit.tables.workbooks import Workbook
from stallkit.words import said as _

HEADER_WITHIN = 20


class Grid:
    """See ``records.Records``. Columns are called by their header; two of one name get a number behind, one without a name its letter."""

    def __init__(self, rows: Rows, shape: Shape, left: int = 0) -> None:
        check_count(rows.total)
        self._rows = rows
        first = list(islice(rows.rows(), HEADER_WITHIN))
        if not any(filled(cells) for _, cells in first):
            raise FileRefused(_("The file is empty: nothing stands in its first {header_within} rows.", header_within=HEADER_WITHIN))
        header = guessing.header_row(first) if shape.header_row is None else shape.header_row
        self.shape = replace(shape, header_row=header)
        width = max(len(cells) for _, cells in first)
        self.columns = names_of(self._header(header), width, left)
        self._places = {normal(name): at for at, name in enumerate(self.columns)}

    def _header(self, number: int) -> list[Cell]:
        if number == 0:
            return []
        found = next((cells for row, cells in islice(self._rows.rows(), number) if row == number), [])
        if not filled(found):
            raise FileRefused(_("Row {number}, which should name the columns, is empty or not there.", number=number))
        return found

    def take(self, names: Sequence[str]) -> Iterator[tuple[int, list[Cell]]]:
        """Rows in which anything stands, below the header."""
        places = [self._places.get(normal(name), -1) for name in names]
        after = self.shape.header_row or 0
        for number, cells in self._rows.rows():
            if number > after and filled(cells):
                have = len(cells)
                yield number, [cells[at] if 0 <= at < have else None for at in places]

    def absent(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if normal(name) not in self._places]


def open_text(path: Path, shape: Shape) -> Grid:
    """A text with delimiters. FileRefused names the choices if its encoding cannot be told."""
    encoding = shape.encoding or recognised(path)
    file = CsvFile(path, guessing.KNOWN, encoding, shape.delimiter)
    return Grid(file, replace(shape, format="csv", encoding=encoding.removesuffix("-sig"), delimiter=file.delimiter))


def recognised(path: Path) -> str:
    """The encoding of a text, by its mark or its bytes; FileRefused if neither tells."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in texts.BOMS.items():
        if start.startswith(mark):
            return name
    found = encodings.recognised(path) or _by_names(path)
    if not found:
        raise FileRefused(
            _(
                "The text is not UTF-8, and its letters do not tell which other encoding it has. Say which: {encodings}; or "
                "save the file as 'CSV UTF-8' or .xlsx.",
                encodings=texts.ENCODINGS,
            )
        )
    return found


def _by_names(path: Path) -> str:
    """The one encoding in which the first lines name fields of ours."""
    with path.open("rb") as file:
        lines = [file.readline(texts.MOST_LINE) for _ in range(HEADER_WITHIN)]
    told = {name: guessing.telling_names([line.decode(name, errors="replace") for line in lines]) for name in encodings.SINGLE}
    best = max(told.values())
    return next((name for name, count in told.items() if count == best), "") if list(told.values()).count(best) == 1 else ""


def open_workbook(path: Path, shape: Shape) -> Grid:
    """The named sheet of a workbook, or its first visible one."""
    workbook = Workbook(path, shape.sheet)
    return Grid(workbook, replace(shape, format="xlsx", sheet=workbook.name), workbook.left)


def filled(cells: Sequence[Cell]) -> bool:
    """Whether anything stands in a row."""
    return any(cells) or any(cell is not None and cell != "" for cell in cells)


def names_of(header: Sequence[Cell], width: int, left: int) -> tuple[str, ...]:
    """The columns' names. The same name twice is no name: both get a number, so that yesterday's choice is not silently today's other."""
    typed = [" ".join(str(cell).split()) if cell is not None else "" for cell in header]
    typed += [""] * (width - len(typed))
    counts = Counter(normal(name) for name in typed if name)
    seen: Counter[str] = Counter()
    names = []
    for at, name in enumerate(typed):
        key = normal(name)
        seen[key] += 1
        names.append(letter(at + left) if not name else f"{name} ({seen[key]})" if counts[key] > 1 else name)
    return tuple(names)


def letter(position: int) -> str:
    """A column's letter as a spreadsheet shows it: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
