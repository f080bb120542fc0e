"""The catalogues of translations: whole, sound, and compiled as they are written (docs/languages.md)."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings

from tools import messages

OFFERED = [code for code, _name in settings.LANGUAGES if code != "en"]


@pytest.mark.parametrize("language", OFFERED)
def test_a_language_that_is_offered_has_no_gaps(language: str) -> None:
    """Nor texts that are no more: ``make messages`` brings a catalogue up to date, and says what is to be translated."""
    catalog = messages.updated(language)
    assert messages.gaps(catalog) == []
    assert messages.written(catalog) == (messages.folder(language) / "django.po").read_bytes(), "run make messages"


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_what_programs_read_is_what_translators_wrote(language: str) -> None:
    catalog = messages.catalogue(language)
    assert list(messages.faults(catalog)) == []
    assert messages.compiled(catalog) == (messages.folder(language) / "django.mo").read_bytes(), "run make messages"


def test_a_template_and_a_module_are_read_as_django_reads_them() -> None:
    texts = {message.id for message in messages.collected()}
    assert "Times are in %(zone)s." in texts, "a sentence of a template, trimmed, with its value"
    assert ("%(short)s unit short", "%(short)s units short") in texts, "and one with its plural"
    assert ("{number} day", "{number} days") in texts
    assert "lists differences" in texts, "a choice of a manifest of the kit"


SOUND = {"You have {count} of %(all)s.": "Du har {count} av %(all)s."}
UNSOUND = {
    "{count:,} rows": "{count} rader",
    "%(count)s rows": "%(antal)s rader",
    "{sku} is gone": "är borta",
    "100% of it": "allt",
    " and {other}": "och {other}",
}


def test_a_translation_without_the_values_of_its_text_is_found() -> None:
    """They are put in by name: another name, or form, would fail or show nothing."""
    catalog = Catalog("sv")
    for text, translation in {**SOUND, **UNSOUND}.items():
        catalog.add(text, translation)
    found = [fault.split(":")[0] for fault in messages.faults(catalog)]
    assert len(found) == len(UNSOUND) - 1, "a per cent sign before a blank is none of a value"


def test_a_plural_form_that_is_missing_is_a_gap() -> None:
    catalog = Catalog("pl")
    catalog.add(("{count} order", "{count} orders"), ("{count} zamówienie", "{count} zamówienia"))
    catalog.add(("{count} row", "{count} rows"), ("{count} wiersz", "{count} wiersze", "{count} wierszy"))
    assert len(messages.gaps(catalog)) == 1
    assert "zamówienie" not in messages.compiled(catalog).decode(errors="replace")
    assert "wierszy" in messages.compiled(catalog).decode(errors="replace")
