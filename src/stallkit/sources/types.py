"""What a source hands over, and what tells how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from stallkit.tables.cells import FileRefused

__all__ = ["Columns", "Fetched", "Figure", "FileRefused", "Preview", "RowProblem", "Shape"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row that was read: so many of this, there, at that moment.

    ``row`` is the row's number as a spreadsheet shows it, or the running number of the row's element in XML and JSON (from 1). ``code`` and
    ``gtin`` stand as in the file ("" if none; one of them is there), ``location`` is the file's own word for a place ("" if none).
    ``quantity`` is a level, or a change where the caller asked for changes. ``as_of`` is aware UTC.
    """

    row: int
    code: str
    gtin: str
    location: str
    quantity: int
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One row that cannot be used: which column (as the file calls it), what stands there, and what to do.

    ``code``: the code or GTIN that the row names all the same, "" if it names none at all; None if that cannot be told. An article whose
    row cannot be read is not missing.
    """

    row: int
    column: str
    value: str
    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that a source brought.

    ``name`` is the file's own name, for people. ``fingerprint`` answers "the same as last time?" and is handed back as ``seen``.
    ``as_of`` (aware UTC, never in the future) is when its numbers were true, if the other side tells. ``learned`` are settings to keep with
    the source from now on, by name: what was found out at first contact (an SFTP server's key).
    """

    path: Path
    name: str
    fingerprint: str
    as_of: datetime | None
    learned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is built. What is "" (or None) is found out by looking; what is given is used as it stands.

    ``format`` is csv, xlsx, xml or json. ``encoding`` and ``delimiter`` are for csv, ``sheet`` is a sheet's name in xlsx.
    ``decimal`` is the sign that begins a fraction, "," or "."; without it "1,000" can be read in two ways, and is not read.
    ``header_row`` is the row's number in csv and xlsx; 0 = there is none, columns are called A, B, C … ``item`` is the XML element that is
    a row (its name without namespace), or the path to the rows in JSON ("" = the top; "data.items").
    """

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_row: int | None = None
    item: str = ""
    decimal: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """What each of our fields is called in the file; "" = the file does not have it. ``code`` or ``gtin``, and ``quantity`` are needed.

    In csv and xlsx the text of the header. In XML a path from the row's element: ``count``, ``@id``, ``outlets/outlet/@instock``, or
    ``param[Артикул]`` for the child that has this text in one of its attributes. In JSON a path of keys: ``stock.free``.
    """

    code: str | None = None
    quantity: str = ""
    gtin: str = ""
    location: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The file's first rows under the columns that it has, its shape with nothing left open, and our guess of what is what."""

    shape: Shape
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: Columns
