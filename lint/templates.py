"""Texts of screens go through gettext."""

from __future__ import annotations

import re

from lint.engine import Found, Source, rule

# In this order; what matches is blanked, line breaks stay.
NOT_SHOWN = [
    re.compile(pattern, re.DOTALL | re.IGNORECASE)
    for pattern in (
        r"\{#.*?#\}",
        r"\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}",
        r"\{%\s*blocktrans(?:late)?\b.*?%\}.*?\{%\s*endblocktrans(?:late)?\s*%\}",
        r"\{%.*?%\}",
        r"\{\{.*?\}\}",
        r"<!--.*?-->",
        r"<!doctype[^>]*>",
        r"<(script|style|code|pre)\b.*?</\1\s*>",
        r"<(span|i)\b[^>]*material-symbols[^>]*>.*?</\1\s*>",  # names of icons
    )
]
TAG = re.compile(r"<[^>]*>")
SPOKEN_ATTRIBUTE = re.compile(r"""\b(title|placeholder|aria-label|alt)\s*=\s*(["'])(?P<text>.*?)\2""", re.DOTALL | re.IGNORECASE)
ENTITY = re.compile(r"&#?\w+;")
WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = {"Stallkeeper", "SKU", "GTIN", "EAN", "JSON", "CSV", "XLSX", "URL", "UTC", "API", "ID", "PDF"}


def _templates(path: str) -> bool:
    return path.startswith("src/stallkeeper/") and "/templates/" in path and path.endswith(".html")


@rule("untranslated", "Screen texts stand in {% translate %} or {% blocktranslate %}", _templates)
def untranslated(source: Source) -> Found:
    text = source.text
    for pattern in NOT_SHOWN:
        text = pattern.sub(_blank, text)
    for match in SPOKEN_ATTRIBUTE.finditer(text):
        yield from _words(match["text"], _line(text, match.start("text")))
    for number, line in enumerate(ENTITY.sub("", TAG.sub(_blank, text)).split("\n"), 1):
        yield from _words(line, number)


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n") or " "


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _words(text: str, line: int) -> Found:
    if any(word not in NAMES for word in WORD.findall(text)):
        yield line, f"the text {text.strip()!r}"
