"""Sentences for people that can be said in another language later (ADR 0062).

``said("{rows:,} rows are too many.", rows=7_000)`` is a plain English text that remembers its pattern and its values. Modules import
it as ``_``, so that ``makemessages`` finds the patterns. Logs, files and programs get English; who shows the text to a person says it
again in that person's language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Self

Value = str | int | float
NONE: Mapping[str, Value] = MappingProxyType({})


class Said(str):
    """A text in English, and what it was made of: ``pattern`` as ``str.format`` takes it, and the ``values`` put into it, which may be
    such texts again. A pattern without values is the text itself, braces and all."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: Mapping[str, Value]

    def __new__(cls, pattern: str, values: Mapping[str, Value] = NONE) -> Self:
        text = super().__new__(cls, pattern.format(**values) if values else pattern)
        text.pattern, text.values = pattern, values
        return text

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, Value]]]:
        """Copies know their parts."""
        return type(self), (self.pattern, dict(self.values))

    def __str__(self) -> Self:
        """Itself: what an exception was given comes out of ``str(error)`` as it went in."""
        return self


def said(pattern: str, /, **values: Value) -> Said:
    """The text in English; KeyError or ValueError if the pattern and its values do not fit."""
    return Said(pattern, values)


def joined(texts: Iterable[str], between: str = " ") -> Said:
    """Sentences one after the other, each to be said by itself; ``between`` holds no words."""
    parts = {f"part{number}": text for number, text in enumerate(texts, 1)}
    return Said(between.join(f"{{{name}}}" for name in parts), parts)


def plain(text: str) -> str:
    """The English text and nothing else, for encoders that take no other kind of text."""
    return str.__str__(text)


def again(text: str, translate: Callable[[str], str], figure: Callable[[float], object] = lambda number: number) -> str:
    """The text with its pattern, and those of its values, translated; numbers are put in as what ``figure`` makes of them. In English if a
    translation does not fit the values; a text that is not ours (a server's words, what a person typed) stays as it is."""
    if not isinstance(text, Said) or not text.pattern:
        return text
    if not text.values:
        return translate(text.pattern)
    values = {name: again(value, translate, figure) if isinstance(value, str) else figure(value) for name, value in text.values.items()}
    try:
        return translate(text.pattern).format(**values)
    except (LookupError, ValueError, AttributeError):
        return text.pattern.format(**values)
