"""A ZIP around a single file: unpacked by our own count, once, beside nothing."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from stallkit.tables import archives, texts
from stallkit.tables.cells import FileRefused
from stallkit.words import said as _

MOST_ENTRIES = 100
MOST_RATIO = 200
FEW_BYTES = 10_000_000
"""A file that unpacks to no more than this may be packed as well as it likes."""
AGAIN = _("Pack the file again, or offer it without packing.")


def is_packed(path: Path) -> bool:
    """Whether the file is a ZIP that is not itself a workbook. FileRefused if it is cut or damaged."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return False
    return not any(name.startswith(("xl/", "[Content_Types]")) or name in {"mimetype", "content.xml"} for name in _names(path))


def unpacked(path: Path) -> IO[bytes]:
    """The one file inside, as a temporary file that is gone when it is closed. FileRefused if there are several, or it is a bomb."""
    into = tempfile.NamedTemporaryFile(prefix="stallkeeper-source-")  # noqa: SIM115 - the caller closes it
    try:
        with zipfile.ZipFile(path) as archive:
            _copy(path, _only(archive), into)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        into.close()
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(_("The ZIP file is damaged or was cut off on its way. {again}", again=AGAIN)) from None
    return into


def _names(path: Path) -> list[str]:
    try:
        if not archives.directory_is_small(path):
            raise FileRefused(_("The ZIP file holds far more parts than one file. {again}", again=AGAIN))
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError) as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(
            _("The file is damaged or was cut off on its way: it begins like a ZIP file or workbook. {again}", again=AGAIN)
        ) from None


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        names = ", ".join(each.filename[:60] for each in files[:5])
        if not files:
            raise FileRefused(_("The ZIP file holds no file; it must hold exactly one."))
        raise FileRefused(_("The ZIP file holds {count} files ({names}); it must hold exactly one.", count=len(files), names=names))
    if files[0].flag_bits & 1:
        raise FileRefused(_("The ZIP file is protected by a password. Offer it without one."))
    return files[0]


def _copy(path: Path, entry: zipfile.ZipInfo, into: IO[bytes]) -> None:
    size, packed = 0, max(1, entry.compress_size)
    for piece in archives.true_pieces(path, entry):
        size += len(piece)
        if size > texts.MOST_BYTES or (size > FEW_BYTES and size > packed * MOST_RATIO):
            raise FileRefused(
                _(
                    "The ZIP file unpacks to far more than a table needs (over {size} MB from {packed:,} kB); at most {most} MB are read.",
                    size=size // 1_000_000,
                    packed=packed // 1_000,
                    most=texts.MOST_BYTES // 1_000_000,
                )
            )
        into.write(piece)
    into.flush()
