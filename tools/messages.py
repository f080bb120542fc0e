"""The catalogues of translations: gather every text of screens into ``src/stallkeeper/locale``, and compile them.

``make messages`` brings the ``django.po`` of every language up to date (new texts are added without a translation, old ones go) and writes
the ``django.mo`` that programs read. Both are kept in the repository; docs/languages.md tells how to translate.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parent.parent / "src"
LOCALE = SOURCE / "stallkeeper" / "locale"
LANGUAGES = ("it", "pl", "ro", "ru", "sv")
FRAME = Path(__file__).parent / "frame_words.txt"
"""Texts of the theme that our pages show: it has no catalogues of its own."""
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip
OF_PERCENT = re.compile(r"%(?:\((\w+)\))?[#0\-+]*(?:\d+|\*)?(?:\.\d+)?[diouxXeEfFgGcrsa]")
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
"""Catalogues say nothing about when they were made: git does, and they would differ in every run."""


@cache
def collected() -> Catalog:
    """Every text that somebody could translate, with the files in which it stands."""
    found = _empty()
    for file in sorted(SOURCE.rglob("*")):
        if file.suffix == ".py" and "migrations" not in file.parts:
            _add(found, file, file.read_text("utf-8"))
        elif "templates" in file.parts and file.suffix in {".html", ".txt"}:
            _add(found, file, _as_python(file.read_text("utf-8")))
    for text in FRAME.read_text("utf-8").splitlines():
        found.add(text, auto_comments=["of the theme"])
    return found


def _empty(language: str | None = None) -> Catalog:
    title = f"# Stallkeeper in {Locale.parse(language).english_name}: see docs/languages.md." if language else "#"
    people = {"last_translator": "see git log", "language_team": "Stallkeeper", "msgid_bugs_address": "see CONTRIBUTING.md"}
    never = {"creation_date": ALWAYS, "revision_date": ALWAYS}
    return Catalog(language, project="Stallkeeper", version="1", header_comment=title, fuzzy=False, **people, **never)


def _as_python(template: str) -> str:
    """Django's own translation of a template into what extractors read; in brackets, so that its indents mean nothing."""
    from django.utils.translation.template import templatize

    return f"({templatize(template)})"


def _add(catalogue: Catalog, file: Path, text: str) -> None:
    place = file.relative_to(SOURCE).as_posix()
    for line, words, comments, context in extract("python", BytesIO(text.encode()), KEYWORDS, ["Translators:"]):
        if any(words):
            catalogue.add(words, None, [(place, line)], auto_comments=comments, context=context)


def catalogue(language: str) -> Catalog:
    """What is kept, empty if nothing is."""
    file = folder(language) / "django.po"
    if not file.exists():
        return _empty(language)
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def folder(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES"


def updated(language: str) -> Catalog:
    """The kept catalogue with the texts of today: what is new has no translation, what has gone is gone."""
    kept, fresh = catalogue(language), _empty(language)
    for message in collected():
        if message.id:
            old = kept.get(message.id, message.context)
            words = old.string if old is not None and not old.fuzzy and _same_kind(message, old) else None
            fresh.add(message.id, words, message.locations, auto_comments=message.auto_comments, context=message.context)
    return fresh


def _same_kind(one: Message, other: Message) -> bool:
    return one.pluralizable == other.pluralizable


def written(catalog: Catalog) -> bytes:
    """As a .po: without numbers of lines, which would change with every change of a file."""
    into = BytesIO()
    write_po(into, catalog, width=120, include_lineno=False, sort_by_file=True, ignore_obsolete=True)
    return into.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """As a .mo, without what is not translated yet: it is shown in English."""
    done, into = _empty(str(catalog.locale)), BytesIO()
    for message in catalog:
        if message.id and all(_forms(message, catalog.num_plurals)):
            done.add(message.id, message.string, context=message.context)
    write_mo(into, done)
    return into.getvalue()


def gaps(catalog: Catalog) -> list[str]:
    """Texts that have no translation, or not all of its plural forms."""
    return [repr(message.id) for message in catalog if message.id and not all(_forms(message, catalog.num_plurals))]


def faults(catalog: Catalog) -> Iterator[str]:
    """Translations that do not hold the values of their text, or are marked as doubtful."""
    for message in catalog:
        if not message.id:
            continue
        if message.fuzzy:
            yield f"{message.id!r}: fuzzy"
        wanted = [values(text) for text in (message.id if message.pluralizable else [message.id])]
        for form in filter(None, _forms(message, catalog.num_plurals)):
            if values(form) not in wanted:
                yield f"{message.id!r}: {form!r} has other values: {sorted(values(form))} in place of {sorted(wanted[-1])}"
            elif _edges(form) != _edges(message.id[0] if message.pluralizable else message.id):
                yield f"{message.id!r}: {form!r} begins or ends with other blanks"


def _forms(message: Message, plurals: int) -> list[str]:
    if not message.pluralizable:
        return [str(message.string or "")]
    forms = [*(message.string or ())]
    return [*forms, *[""] * (plurals - len(forms))]


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def values(text: str) -> frozenset[str]:
    """The names, and forms, of what is put into a text: ``%(name)s`` and ``{name:,}``."""
    percents = {f"%{match[1] or ''}" for match in OF_PERCENT.finditer(text.replace("%%", ""))}
    try:
        braces = {f"{{{name}:{spec}}}" for _text, name, spec, _turned in string.Formatter().parse(text) if name is not None}
    except ValueError:  # a brace that is none
        braces = set()
    return frozenset(percents | braces)


def main() -> int:
    for language in LANGUAGES:
        catalog = updated(language)
        folder(language).mkdir(parents=True, exist_ok=True)
        (folder(language) / "django.po").write_bytes(written(catalog))
        (folder(language) / "django.mo").write_bytes(compiled(catalogue(language)))
        missing, wrong = gaps(catalog), list(faults(catalog))
        print(f"{language}: {len(catalog)} texts, {len(missing)} to be translated")
        print("".join(f"  {line}\n" for line in wrong), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
