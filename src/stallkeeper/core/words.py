"""Texts in rows that can be shown in another language than they were written in (ADR 0062): beside the English text stands a jsonb of
what it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from stallkit.words import Said, Value, plain


class Kept(msgspec.Struct):
    """A pattern and its values, as a row keeps them."""

    say: str
    values: dict[str, Kept | str | int | float] = {}


def storable(text: str) -> str:
    """PostgreSQL holds no NUL and no lone surrogates."""
    return plain(text).replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def kept(text: str) -> dict[str, object] | None:
    """What a text was made of, for a jsonb column; None for one that is nobody's to translate."""
    found: dict[str, object] | None = msgspec.to_builtins(_kept(text)) if isinstance(text, Said) and text else None
    return found


def kept_json(text: str) -> str | None:
    """The same as text, for ``%s::jsonb[]``."""
    return msgspec.json.encode(_kept(text)).decode() if isinstance(text, Said) and text else None


def _kept(text: Said) -> Kept:
    return Kept(storable(text.pattern), {name: _value(value) for name, value in text.values.items()})


def _value(value: Value) -> Kept | str | int | float:
    if isinstance(value, Said):
        return _kept(value)
    if isinstance(value, str):
        return storable(value)
    return value if isinstance(value, int) or math.isfinite(value) else str(value)


def columns(name: str, text: str, most: int | None = None) -> dict[str, object]:
    """The two columns of a text: ``name`` (cut to ``most`` characters) and ``name``_words."""
    return {name: storable(text)[:most], f"{name}_words": kept(text)}


def of_row(text: str, words: object) -> str:
    """A text of a row as it was before it was kept. Without its parts if they belong to another text: a release that does not know them
    has written it anew."""
    if not text or not isinstance(words, Mapping):
        return text
    try:
        found = _said(msgspec.convert(words, Kept))
    except (msgspec.ValidationError, LookupError, ValueError):
        return text
    return found if storable(found).startswith(text) else text


def _said(words: Kept) -> Said:
    return Said(words.say, {name: _said(value) if isinstance(value, Kept) else value for name, value in words.values.items()})
