"""Which encoding a text without a mark has, told by its bytes. Where they do not tell, nobody guesses: a person chooses."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

SAMPLE = 1_000_000
SINGLE = ("windows-1250", "windows-1251", "windows-1252")
_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_RUSSIAN = re.compile(r"[А-Яа-яЁёІіЇїЄєҐґЎў№«»–—’]+")
_CENTRAL = set("ąćęłńóśźżĄĆĘŁŃÓŚŹŻăâîşţĂÂÎŞŢčďěňřšťůýžáéíúČĎĚŇŘŠŤŮÝŽÁÉÍÚäöüßÄÖÜőűŐŰôĺľŕ„”“’–")


def recognised(path: Path) -> str:
    """The encoding of a text file without a mark, "" if its bytes do not tell."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    if wide := _wide(sample):
        return wide
    if _is_utf8(path):
        return "utf-8"
    words = _WORD.findall(sample if len(sample) < SAMPLE else sample[: sample.rfind(b"\n") + 1])
    return _of_words(words) if words else ""


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: every second byte of plain text is zero."""
    half = len(sample) // 2
    if half and sample[1::2].count(0) > half // 2 > sample[::2].count(0):
        return "utf-16-le"
    return "utf-16-be" if half and sample[::2].count(0) > half // 2 > sample[1::2].count(0) else ""


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _of_words(words: list[bytes]) -> str:
    """Cyrillic words are Cyrillic from end to end; in the others single letters stand among Latin ones, and have to be letters."""
    cyrillic = [word for word in words if (read := _decoded(word, "windows-1251")) and _RUSSIAN.fullmatch(read) and len(read) > 2]
    if len(cyrillic) * 10 >= len(words) * 7:
        return "windows-1251"
    high = bytes({byte for word in words for byte in word if byte >= 0x80})
    central, western = _decoded(high, "windows-1250"), _decoded(high, "windows-1252")
    if central and set(central) <= _CENTRAL:
        if central == western:
            return "windows-1252"
        if not western or not western.isalpha():
            return "windows-1250"
    return ""


def _decoded(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return ""
