"""XLSX files: refused if they are something else, damaged, locked or a bomb, before anything parses them; then read by calamine.

A workbook is a ZIP of XML. All of it is unpacked once, in pieces, only to look: how large it really is, how far its cells reach (a cell in
the last corner makes readers reserve the whole sheet), and which formulas have an error or no saved result (readers show both as empty).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from stallkit.tables import archives, trial
from stallkit.tables.cells import Cell, FileRefused, Hollow
from stallkit.words import said as _

MOST_ENTRIES = 1_000
MOST_BYTES = 500_000_000
"""Unpacked. 100,000 rows of ten columns are about 65 MB."""
SUSPICIOUS_BYTES = 50_000_000
MOST_RATIO = 100
MOST_CELLS = 10_000_000
MOST_START = 1_000_000
OVERLAP = 512
SAVE_AGAIN = _("Open it in your spreadsheet program, save it as .xlsx (Excel workbook), and try again.")

_FAR = re.compile(rb'r="(?:[A-Z]{2}|[A-Z]?\d{6})')
"""Cells beyond column Z, rows from 100,000 on: what a usual sheet does not have, found in one fast search."""
_REFERENCE = re.compile(rb"r=[\"']([A-Z]*)(\d+)[\"']")
_CELL = rb"<(?:\w+:)?c\b([^>]*?)\br=[\"']([A-Z]+\d+)[\"']([^>]*)>"
_FORMULA = rb"<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)"
_ERROR = re.compile(_CELL + rb"(?=(?:" + _FORMULA + rb")?<(?:\w+:)?v>#)")
_NO_RESULT = re.compile(_CELL + _FORMULA + rb"(?=</(?:\w+:)?c>|<(?:\w+:)?v/>|<(?:\w+:)?v></)")


@dataclass(slots=True)
class Findings:
    """What a look through a sheet's XML brought: how far it reaches, and cells that look empty to readers but are not ({"B7": why})."""

    last_row: int = 99_999
    wide: int = 26
    hollow: dict[str, str] = field(default_factory=dict)


class Workbook:
    """A sheet of an XLSX file: the one of that name, or the first visible one. ``rows`` gives (row number, cells) from row 1 on; the first
    cell is that of the column ``left`` (0 = A), the leftmost one in use."""

    def __init__(self, path: Path, sheet: str = "") -> None:
        findings = look_through(path, sheet)
        try:
            workbook = CalamineWorkbook.from_path(str(path))
            self.name = sheet or _first_sheet_name(workbook)
            if sheet and sheet not in workbook.sheet_names:
                raise FileRefused(
                    _(
                        "The workbook has no sheet {sheet!r}. It has: {sheet_names}.",
                        sheet=sheet,
                        sheet_names=", ".join(workbook.sheet_names[:20]),
                    )
                )
            self._sheet = workbook.get_sheet_by_name(self.name)
        except CalamineError as error:
            raise FileRefused(_("The workbook is damaged ({error}). {save_again}", error=str(error), save_again=SAVE_AGAIN)) from None
        self.total = self._sheet.end[0] + 1 if self._sheet.end else 0
        self.left = self._sheet.start[1] if self._sheet.start else 0
        self._hollow = _positions(findings.hollow, self.left)

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Every row, empty ones too, numbered as the spreadsheet does."""
        hollow = self._hollow
        for number, row in enumerate(self._sheet.iter_rows(), start=1):
            if hollow and number in hollow:
                yield number, _with_hollow(list(row), hollow[number])
            else:
                yield number, row  # type: ignore[misc]


def look_through(path: Path, sheet: str = "") -> Findings:
    """Unpack everything in pieces. FileRefused if it is not a whole, plain, reasonable XLSX file."""
    try:
        if not archives.directory_is_small(path):
            raise FileRefused(_("The file holds far more parts than a workbook; that has a few dozen. {save_again}", save_again=SAVE_AGAIN))
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive)
            total = _look_at_all(path, archive, findings := Findings(), sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(_("The file is damaged or was cut off on its way. {save_again}", save_again=SAVE_AGAIN)) from None
    if findings.last_row * findings.wide > MOST_CELLS:
        raise FileRefused(
            _(
                "The sheet is too large: {last_row:,} rows and {wide} columns. Split it into several files.",
                last_row=findings.last_row,
                wide=findings.wide,
            )
        )
    if total > SUSPICIOUS_BYTES and not trial.survives(path):
        raise FileRefused(
            _(
                "The workbook cannot be read with the memory and time that a table needs. Split it into several files. {save_again}",
                save_again=SAVE_AGAIN,
            )
        )
    return findings


def _look_at_all(path: Path, archive: zipfile.ZipFile, findings: Findings, name: str) -> int:
    """Look at every part; how large they are together, unpacked."""
    total, packed = 0, path.stat().st_size
    sheet = _sheet_path(path, archive, name)
    for entry in archive.infolist():
        total += _look_at(path, entry, findings if entry.filename == sheet else None, total)
        _check_size(total, packed)
    return total


def _check_entries(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if len(names) > MOST_ENTRIES:
        raise FileRefused(
            _("The file holds {names:,} parts; a workbook has a few dozen. {save_again}", names=len(names), save_again=SAVE_AGAIN)
        )
    if any(entry.flag_bits & 1 for entry in archive.infolist()):
        raise FileRefused(_("The file is protected by a password. Remove the password. {save_again}", save_again=SAVE_AGAIN))
    if len({name.lower() for name in names}) < len(names):
        raise FileRefused(
            _("The file holds two parts of the same name; which of them counts is not clear. {save_again}", save_again=SAVE_AGAIN)
        )
    if "mimetype" in names or "content.xml" in names:
        raise FileRefused(_("This is an OpenDocument file. {save_again}", save_again=SAVE_AGAIN))
    if any(name.endswith("workbook.bin") for name in names):
        raise FileRefused(_("This is a binary workbook (.xlsb). {save_again}", save_again=SAVE_AGAIN))
    if not any(name.startswith("xl/") and name.endswith(".xml") for name in names):
        raise FileRefused(_("This is a ZIP file, but not an Excel workbook. {save_again}", save_again=SAVE_AGAIN))


def _check_size(total: int, packed: int) -> None:
    if total > MOST_BYTES or (total > SUSPICIOUS_BYTES and total > packed * MOST_RATIO):
        raise FileRefused(
            _(
                "The file unpacks to far more than a table needs (over {total:,} MB from {packed:,} MB). Remove what is not "
                "the table, or split it into several files.",
                total=total // 1_000_000,
                packed=max(1, packed // 1_000_000),
            )
        )


def _look_at(path: Path, entry: zipfile.ZipInfo, findings: Findings | None, before: int) -> int:
    size, tail = 0, b""
    packed = entry.compress_size
    for piece in archives.true_pieces(path, entry):
        size += len(piece)
        if before + size > MOST_BYTES or (size > SUSPICIOUS_BYTES and size > packed * MOST_RATIO):
            _check_size(before + size, packed)
        if findings is not None:
            _examine(tail + piece, findings)
            tail = piece[-OVERLAP:]
    return size


def _examine(piece: bytes, findings: Findings) -> None:
    """Note what is unusual in a piece of the sheet's XML. For a usual sheet these are a few fast searches without a hit."""
    if b"r='" in piece or _FAR.search(piece):
        _measure(piece, findings)
    if b"v>#" in piece:
        _note_hollow(_ERROR, b"e", True, _("holds a formula with an error; correct it, or write the value itself."), piece, findings)
    if b"<f" in piece or b":f" in piece:
        why = _("holds a formula without a saved result; save the file in a spreadsheet program, or write the value itself.")
        _note_hollow(_NO_RESULT, b"str", False, why, piece, findings)


def _measure(piece: bytes, findings: Findings) -> None:
    """How far the cells of a piece reach; FileRefused for corners that no table has."""
    for letters, digits in _REFERENCE.findall(piece):
        if len(letters) > 2 or len(digits) > 6:
            raise FileRefused(_("The sheet has cells beyond column ZZ or row 999,999. Remove them, or copy the table into a new workbook."))
        findings.last_row = max(findings.last_row, int(digits))
        findings.wide = max(findings.wide, _column(letters))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _note_hollow(pattern: re.Pattern[bytes], kind: bytes, wanted: bool, why: str, piece: bytes, findings: Findings) -> None:
    """Note the cells that the pattern finds, if their type is (or is not) ``kind``: an empty text is a result, an error is none."""
    for match in pattern.finditer(piece):
        of_kind = re.search(rb"\bt=[\"']" + kind + rb"[\"']", match.group(1) + match.group(3)) is not None
        if of_kind == wanted:
            findings.hollow[match.group(2).decode()] = why


def _start_of(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """The first million bytes of a part, whatever it unpacks to."""
    found = b""
    for piece in archives.true_pieces(path, archive.getinfo(name)):
        found += piece
        if len(found) >= MOST_START:
            break
    return found[:MOST_START]


def _sheet_path(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    """Path of the part that holds the named sheet, or the first visible one; "" if the usual places do not say. Read as text."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return ""
    workbook = _start_of(path, archive, "xl/workbook.xml")
    relations = _start_of(path, archive, "xl/_rels/workbook.xml.rels")
    for sheet in re.findall(rb"<(?:\w+:)?sheet\b[^>]*>", workbook):
        identity = re.search(rb"\w+:id=[\"']([^\"']+)", sheet)
        wanted = _named(sheet, name) if name else not re.search(rb"state=[\"'](?:veryH|h)idden", sheet)
        if identity and wanted:
            target = _target(relations, identity.group(1))
            return target if target in names else ""
    return ""


def _named(sheet: bytes, name: str) -> bool:
    found = re.search(rb"\bname=(?:\"([^\"]*)\"|'([^']*)')", sheet)
    return found is not None and unescape((found.group(1) or found.group(2) or b"").decode(errors="replace")) == name


def _target(relations: bytes, identity: bytes) -> str:
    for relation in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", relations):
        if re.search(rb"\bId=[\"']" + re.escape(identity) + rb"[\"']", relation):
            target = re.search(rb"\bTarget=[\"']([^\"']+)", relation)
            path = target.group(1).decode(errors="replace") if target else ""
            return path.removeprefix("/") if path.startswith("/") else f"xl/{path}"
    return ""


def _first_sheet_name(workbook: CalamineWorkbook) -> str:
    for meta in workbook.sheets_metadata:
        if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible:
            return meta.name
    raise FileRefused(_("The workbook has no visible sheet. {save_again}", save_again=SAVE_AGAIN))


def _positions(hollow: dict[str, str], left: int) -> dict[int, dict[int, str]]:
    """{row: {index in calamine's row: why}}; calamine's rows begin at the leftmost used column."""
    found: dict[int, dict[int, str]] = {}
    for reference, why in hollow.items():
        letters = reference.rstrip("0123456789")
        column = _column(letters.encode())
        if column - 1 >= left:
            found.setdefault(int(reference[len(letters) :]), {})[column - 1 - left] = why
    return found


def _with_hollow(row: list[Cell], hollow: dict[int, str]) -> list[Cell]:
    row += [""] * (max(hollow) + 1 - len(row))
    for position, why in hollow.items():
        if row[position] in ("", None):
            row[position] = Hollow(why)
    return row
