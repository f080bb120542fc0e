"""Which texts could be translated: the patterns that ``makemessages`` would find, and a language made of them (ADR 0062)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo

from stallkit.errors import AdapterError
from stallkit.tables.cells import CellRefused, FileRefused
from stallkit.words import Said
from tools.messages import collected

SOURCE = Path(__file__).parent.parent / "src"
LANGUAGE = "fo"
"""Faroese: a language that Django itself has no catalogue of, so that what stands in no brackets is not of ours."""
ONLY_VALUES = re.compile(r"(\{\w+\}|[\s:;,.])*")


@cache
def patterns() -> frozenset[str]:
    """Every text in the Python of the product that stands inside of ``_()`` and its like."""
    marks = dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"))
    found = extract_from_dir(str(SOURCE), [("**.py", "python")], keywords=marks)
    return frozenset(text for _file, _line, text, _comments, _context in found if isinstance(text, str))


def unsaid(text: str) -> list[str]:
    """The parts of a text that nobody could translate: [] if it, and each sentence inside of it, has a pattern that is found."""
    if not isinstance(text, Said):
        return [text]
    inside = [part for value in text.values.values() if isinstance(value, Said) for part in unsaid(value)]
    return inside if text.pattern in patterns() or ONLY_VALUES.fullmatch(text.pattern) else [text.pattern, *inside]


@contextmanager
def all_said() -> Iterator[None]:
    """Whatever error of the kit, or of reading tables, comes up inside, wherever it is caught: it could be translated."""
    bare: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for kind in (AdapterError, FileRefused, CellRefused):
            _watch(patch, kind, bare)
        yield
    assert bare == []


def _watch(patch: pytest.MonkeyPatch, kind: type[Exception], bare: list[str]) -> None:
    made = kind.__init__

    def init(self: Exception, text: str = "", *args: object, **named: object) -> None:
        bare.extend(unsaid(text))
        made(self, text, *args, **named)

    patch.setattr(kind, "__init__", init)


def write_language(folder: Path) -> None:
    """A catalogue of LANGUAGE under ``folder``, in which every text stands between ⟦ and ⟧."""
    catalogue = Catalog(locale=LANGUAGE)
    for message in collected():
        bracketed = tuple(f"⟦{text}⟧" for text in message.id) if message.pluralizable else f"⟦{message.id}⟧"
        if message.id:
            catalogue.add(message.id, bracketed, context=message.context)
    into = folder / LANGUAGE / "LC_MESSAGES"
    into.mkdir(parents=True)
    with (into / "django.mo").open("wb") as file:
        write_mo(file, catalogue)
