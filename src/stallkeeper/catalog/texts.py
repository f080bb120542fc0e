"""How texts of the catalogue are kept, whoever brings them: trimmed, on one line, without characters that nobody sees."""

from __future__ import annotations

import unicodedata

from stallkit.words import said as _

LIMITS = {"sku": 100, "title": 500, "brand": 200, "category": 300, "description": 50_000, "code": 100, "label": 200}
JOINERS = "\u200c\u200d"
"""Format characters that belong to words and emoji; the others (zero-width spaces, direction and byte order marks) are dropped."""


class CatalogueError(ValueError):
    """A product, kit, identifier or price cannot be made or changed so: ``field`` names the field, the message says why and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def tidy(field: str, text: str, *, lines: bool = False) -> str:
    """The text as it is kept; CatalogueError if it is too long or holds control characters. Line breaks stay only with ``lines``."""
    text = text.strip()
    if not text.isprintable():
        text = _without_oddities(field, text, lines).strip()
    limit = LIMITS[field]
    if len(text) > limit:
        raise CatalogueError(field, _("has {text:,} characters; at most {limit:,} fit. Shorten it.", text=len(text), limit=limit))
    return text


def required(field: str, text: str) -> str:
    """The same for a text that may not be empty."""
    kept = tidy(field, text)
    if not kept:
        raise CatalogueError(field, _("is empty; it must be given."))
    return kept


def _without_oddities(field: str, text: str, lines: bool) -> str:
    if lines:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_kept(field, character, lines) for character in text)


def _kept(field: str, character: str, lines: bool) -> str:
    if character.isprintable() or character in JOINERS or (lines and character == "\n"):
        return character
    category = unicodedata.category(character)
    if category in {"Zs", "Zl", "Zp"} or character in "\t\n\r\v\f\x85":
        return " "
    if category == "Cf":
        return ""
    if category in {"Cc", "Cs"}:
        raise CatalogueError(field, _("holds a control character (U+{number:04X}); type the text anew.", number=ord(character)))
    return character
