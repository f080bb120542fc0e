"""Which kind of table a file holds, by its content; and what all kinds are refused for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

from stallkit.tables import texts
from stallkit.tables.cells import Cell, FileRefused
from stallkit.tables.texts import CsvFile
from stallkit.tables.workbooks import SAVE_AGAIN, Workbook
from stallkit.words import said as _

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Rows(Protocol):
    """A file that was recognised. ``total`` counts its rows, the header among them, roughly."""

    total: int

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row number as a spreadsheet shows it, cells)."""
        ...


def open_rows(path: Path, known: Collection[str], encoding: str = "") -> Rows:
    """The rows of a workbook or a text with delimiters. ``known`` are the names of columns that help to find the delimiter. FileRefused
    says what is wrong with the file and what to do."""
    start = beginning(path)
    if start.startswith(b"PK"):
        return Workbook(path)
    if start.startswith(OLE):
        raise FileRefused(old_format(path))
    return CsvFile(path, known, encoding)


def beginning(path: Path) -> bytes:
    """The first bytes of a file of reasonable size; FileRefused for one that is empty or too large."""
    size = path.stat().st_size
    if size == 0:
        raise FileRefused(_("The file is empty (0 bytes). Save it again and try once more."))
    if size > texts.MOST_BYTES:
        raise FileRefused(
            _(
                "The file has {size:,} MB; at most {most} MB are read. Split it into several files.",
                size=size // 1_000_000,
                most=texts.MOST_BYTES // 1_000_000,
            )
        )
    with path.open("rb") as file:
        return file.read(4096)


def old_format(path: Path) -> str:
    """What to do with a file of Excel's old container. Encrypted new ones use it too, and name their stream."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return _("The workbook is protected by a password. Remove the password. {save_again}", save_again=SAVE_AGAIN)
    return _("This is a workbook of Excel 97-2003 (.xls). {save_again}", save_again=SAVE_AGAIN)
