"""Files for imports: made as spreadsheet programs, exporters and accidents make them."""

import csv
import io
import zipfile
from pathlib import Path

import xlsxwriter


def xlsx(path: Path, rows, sheet="Sheet1") -> Path:
    """A workbook of these rows; a tuple ("formula", "=1+1", result) writes a formula with its saved result."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "default_date_format": "yyyy-mm-dd hh:mm"}) as workbook:
        target = workbook.add_worksheet(sheet)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, tuple):
                    target.write_formula(number, column, value[1], None, value[2])
                elif isinstance(value, str):
                    target.write_string(number, column, value)
                elif value is not None:
                    target.write(number, column, value)
    return path


def csv_file(path: Path, rows, delimiter=",", encoding="utf-8") -> Path:
    """A text file of these rows."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def with_part(source: Path, target: Path, name: str, change) -> Path:
    """A copy of a workbook in which ``change(bytes)`` was applied to one part of the archive (added if it is missing)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, change(old.read(entry)) if entry == name else old.read(entry))
        if name not in old.namelist():
            new.writestr(name, change(b""))
    return target
