"""Texts that must not appear anywhere, and a search for them in a folder, in every spelling in which they could have leaked.

As a command: ``python -m tests.canaries FOLDER TEXT …`` names each file that holds one and exits with 1.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Hit:
    """Where a canary was found, and how it was spelled there. ``around`` shows what stood before it."""

    place: str
    canary: str
    spelling: str
    around: str


def spellings(canary: str) -> dict[str, bytes]:
    """The canary as a file may hold it. Base64 has three forms, by where in the coded text it begins; their ragged ends are left off."""
    plain = canary.encode()
    found = {"plain": plain, "utf-16": canary.encode("utf-16-le"), "hex": plain.hex().encode(), "reversed": plain[::-1]}
    found |= {"json": json.dumps(canary)[1:-1].encode(), "url": quote(canary, safe="").encode()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + plain)
        found[f"base64 {shift}"] = coded[(0, 2, 3)[shift] : len(coded) - 4]
    return found


def search(folder: Path, canaries: Iterable[str]) -> list[Hit]:
    """Every canary in every file below the folder, packed ones (ZIP, gzip) included."""
    wanted = [(canary, how, coded) for canary in canaries for how, coded in spellings(canary).items()]
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for place, content in unpacked(str(path.relative_to(folder)), path.read_bytes()):
                hits += list(_hits(place, content, wanted))
    return hits


def _hits(place: str, content: bytes, wanted: list[tuple[str, str, bytes]]) -> Iterator[Hit]:
    lowered = content.lower()
    for canary, how, coded in wanted:
        at = lowered.find(coded.lower()) if how == "hex" else content.find(coded)
        if at >= 0:
            yield Hit(place, canary, how, content[max(0, at - 80) : at + len(coded)].decode(errors="replace"))


def unpacked(place: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The content itself, and what is packed into it."""
    yield place, content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from unpacked(f"{place}/{name}", archive.read(name))
    elif content.startswith(b"\x1f\x8b"):
        yield f"{place}/unpacked", gzip.decompress(content)


if __name__ == "__main__":
    for each in (found := search(Path(sys.argv[1]), sys.argv[2:])):
        print(f"{each.place}: {each.spelling}: …{each.around}")
    sys.exit(1 if found else 0)
