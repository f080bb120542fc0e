"""Archives of 1C: which XML files are inside, and what they really unpack to. Nothing is unpacked by a name that the archive gives."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from stallkit.sources.commerceml.refusals import Refusal, refuse
from stallkit.sources.commerceml.session import Limits, clean_name
from stallkit.tables.archives import directory_is_small, true_pieces

MOST_ENTRIES = 10_000
ENCRYPTED = 1
SMALL = 4 * 1024 * 1024
"""What unpacks to less may do so at any ratio."""


def entries(path: Path, shown: str, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by their cleaned names. ExchangeRefused if it is cut off, too large inside, or names a place outside of it."""
    try:
        if not directory_is_small(path):
            raise refuse(Refusal.EXPANDS, shown)
        with zipfile.ZipFile(path) as archive:
            listed = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, ValueError) and hasattr(error, "russian"):
            raise
        raise refuse(Refusal.NOT_ZIP, shown) from error
    _judge(listed, shown, limits)
    return {clean_name(entry.filename): entry for entry in listed}


def _judge(listed: list[zipfile.ZipInfo], shown: str, limits: Limits) -> None:
    if len(listed) > MOST_ENTRIES or sum(entry.file_size for entry in listed) > limits.unpacked:
        raise refuse(Refusal.EXPANDS, shown)
    for entry in listed:
        if entry.flag_bits & ENCRYPTED:
            raise refuse(Refusal.NOT_ZIP, shown)
        if entry.file_size > SMALL and entry.file_size > limits.ratio * max(1, entry.compress_size):
            raise refuse(Refusal.EXPANDS, shown)


def find(listed: dict[str, zipfile.ZipInfo], name: str) -> zipfile.ZipInfo | None:
    """The file that 1C means by the name: with its folders, or, if only one is called so, without."""
    if name in listed:
        return listed[name]
    same = [entry for path, entry in listed.items() if path.rpartition("/")[2].casefold() == name.rpartition("/")[2].casefold()]
    return same[0] if len(same) == 1 else None


def unpack(path: Path, shown: str, entry: zipfile.ZipInfo, into: IO[bytes]) -> None:
    """Write what the file in the archive really is. ExchangeRefused if that is not what the archive says of it."""
    try:
        for piece in _up_to(true_pieces(path, entry), entry.file_size):
            into.write(piece)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, ArithmeticError) as error:
        raise refuse(Refusal.NOT_ZIP, shown) from error


def _up_to(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The pieces, as long as they are no more than was announced."""
    seen = 0
    for piece in pieces:
        seen += len(piece)
        if seen > size:
            raise zipfile.BadZipFile("unpacks to more than it says")
        yield piece
