"""ZIP files of strangers, unpacked by our own count: what an archive says about itself is not believed.

Readers of ZIP differ in what they believe. One stops where the directory says that a part ends, another where the packed stream ends: so a
part that calls itself small passes a check by the first and fills the memory of the second. Here each stream is unpacked to its true end.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_DIRECTORY = 1_000_000
"""Bytes of the list of parts. It is read as a whole, before anything can be counted."""
END, END64, LOCAL = b"PK\x05\x06", b"PK\x06\x07", b"PK\x03\x04"
TAIL = 65_536 + 22
PIECE = 1 << 20
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def directory_is_small(path: Path) -> bool:
    """Whether the archive's list of parts is of a reasonable size, by its last record; BadZipFile if there is none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < 22 or END64 in tail[max(0, at - 20) : at]:
        raise zipfile.BadZipFile("no plain end of the directory")
    listed: int = struct.unpack_from("<I", tail, at + 12)[0]
    return listed <= MOST_DIRECTORY


def true_pieces(path: Path, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What the part really unpacks to, in pieces; BadZipFile if that is not what the directory says, or is packed in an unusual way."""
    if entry.compress_type not in METHODS:
        raise zipfile.BadZipFile(f"{entry.filename!r} is packed by method {entry.compress_type}")
    size = 0
    with path.open("rb") as file:
        _seek_data(file, entry)
        for piece in _inflated(file, entry):
            size += len(piece)
            yield piece
    if size != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename!r} holds {size} bytes and says {entry.file_size}")


def _seek_data(file: BinaryIO, entry: zipfile.ZipInfo) -> None:
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(LOCAL):
        raise zipfile.BadZipFile(f"{entry.filename!r} is not where the directory says")
    name, extra = struct.unpack_from("<HH", header, 26)
    file.seek(entry.header_offset + 30 + name + extra)


def _inflated(file: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    left = entry.compress_size
    inflater = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(left, PIECE))):
        left -= len(packed)
        if inflater is None:
            yield packed
            continue
        while packed and not inflater.eof:
            yield inflater.decompress(packed, PIECE)
            packed = inflater.unconsumed_tail
    if left or (inflater is not None and not inflater.eof):
        raise zipfile.BadZipFile(f"{entry.filename!r} breaks off")
