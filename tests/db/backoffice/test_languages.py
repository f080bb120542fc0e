"""Every screen in a language in which each text of the catalogue stands in ⟦ ⟧: what stands outside is data, or bypasses gettext."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from babel import Locale
from babel.numbers import list_currencies
from django.apps import apps
from django.conf import settings as conf
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import translation
from lxml import etree, html

from stallkeeper.stock.models import Movement, VirtualRole
from stallkit.registry import ADAPTERS, manifest_of
from tests.busy_shop import BusyShop
from tests.busy_shop import text as words_on
from tests.db.security.walk import every_address
from tests.said import LANGUAGE, write_language
from tests.screens.shop import complete

SPOKEN = ("title", "placeholder", "aria-label", "alt", "aria-description", "label")
WORD = re.compile(r"[^\W\d_]{2,}")
MUTE = ("script", "style", "code", "pre", "template", "option-code", "q")
"""Of these, ``q`` is what somebody else said, in his own words."""
ALIKE = (
    "Stallkeeper SKU SKUs GTIN EAN JSON CSV XLSX XML YML URL UTC API ID PDF IMAP SFTP FTP HTTP HTTPS CommerceML TOTP UTF min kB MB ms esc"
    " windows Fashion Days Bulgaria Romania Hungary Discord Microsoft Teams Pushover Slack Telegram ntfy"
)
"""The same in every language: abbreviations, a key, a character set, shops of eMAG as it calls them, services that take messages."""
ZONE = re.compile(r"\b[A-Z][\w+-]+(?:/[\w +-]+)+")
OF_DJANGO = (
    "Enter the same password as before, for verification.",
    "New password confirmation",
    "New password",
    "Old password",
    "Password change",
    "Password change successful",
    "Please enter your old password, for security’s sake, and then enter your new password twice so we can verify you typed it in"
    " correctly.",
    "Your password can’t be a commonly used password.",
    "Your password can’t be too similar to your other personal information.",
    "Your password was changed.",
)
"""What Django says, in whose own catalogues it is."""
COUNTED_BY_DJANGO = re.compile(r"Your password must contain at least \d+ characters\.|\d+\sbytes")
PROGRAMS = ("api/", "1c/", "hints/")


@pytest.fixture
def everything(busy: BusyShop) -> BusyShop:
    complete(busy)
    return busy


@pytest.mark.long(30)
def test_no_text_on_any_screen_bypasses_gettext(everything: BusyShop, client: Client, tmp_path: Path) -> None:
    write_language(tmp_path)
    names, found = set(ALIKE.split()) | set(_names()) | set(_data(everything)), []
    with override_settings(LANGUAGES=[*conf.LANGUAGES, (LANGUAGE, "⟦Faroese⟧")], LOCALE_PATHS=[tmp_path]):
        for address in every_address(everything):
            if address.route.startswith(PROGRAMS):
                continue
            answer = client.get(address.path, headers={"Accept-Language": LANGUAGE})
            if answer.status_code == 200 and answer.content.strip() and "text/html" in answer["Content-Type"]:
                found += [f"{address.path}: {text!r}" for text in _bare(answer.content.decode(), names)]
    assert not found, "\n".join(sorted(set(found)))


def _bare(page: str, names: set[str]) -> Iterator[str]:
    """What stands outside of brackets. A sentence may hold a link: its brackets open before the link, and close behind it."""
    depth = 0
    for text, alone in _texts(page):
        outside, open_ = _outside(text, 0 if alone else depth)
        depth = depth if alone else open_
        words = set(WORD.findall(ZONE.sub("", outside)))
        if words - names and not _is_of_django(outside.split("|")[0].strip()):
            yield re.sub(r"\s+", " ", outside).strip()[:140]


def _is_of_django(text: str) -> bool:
    return text in OF_DJANGO or bool(COUNTED_BY_DJANGO.fullmatch(text))


def _outside(text: str, depth: int) -> tuple[str, int]:
    kept = []
    for letter in text:
        depth -= letter == "⟧"
        kept += [letter] if depth == 0 and letter not in "⟦⟧" else []
        depth += letter == "⟦"
    return "".join(kept), depth


def _texts(page: str) -> Iterator[tuple[str, bool]]:
    """(what is seen or heard of a page, piece by piece; whether it stands for itself). Icons are words only in the source."""
    for event, element in etree.iterwalk(html.document_fromstring(page), events=("start", "end")):
        mute = not isinstance(element.tag, str) or element.tag in MUTE or "material-symbols" in element.get("class", "")
        if event == "end":
            yield element.tail or "", False
        elif not mute:
            yield from ((element.get(name, ""), True) for name in SPOKEN)
            if element.tag == "input" and element.get("type") in {"submit", "button"}:
                yield element.get("value", ""), True
            yield element.text or "", False


def _names() -> Iterator[str]:
    """Languages, each by its own name, currencies, time zones, platforms, and the months and days of the language."""
    locale = Locale.parse(LANGUAGE)
    yield from (name for _code, name in conf.LANGUAGES)
    yield from list_currencies()
    yield from (word for zone in available_timezones() for word in WORD.findall(zone))
    forms = [*locale.months["format"].values(), *locale.days["format"].values()]
    yield from (word for form in forms for name in form.values() for word in WORD.findall(name))
    yield from (word for platform in ADAPTERS for word in WORD.findall(manifest_of(platform).title))


def _data(busy: BusyShop) -> Iterator[str]:
    """Every word that somebody entered or a channel sent."""
    for model in apps.get_models():
        columns = [
            column.name
            for column in model._meta.concrete_fields
            if isinstance(column, models.CharField | models.TextField | models.JSONField | ArrayField)
        ]
        with busy.shop.scope():
            for row in model._base_manager.values_list(*columns)[:2000] if columns and model._meta.managed else ():
                yield from (word for value in row if value for word in WORD.findall(str(value)))


@pytest.mark.parametrize("language", [code for code, _name in conf.LANGUAGES if code != "en"])
def test_what_django_and_the_theme_say_is_translated_too(language: str) -> None:
    with translation.override(language):
        said = [*OF_DJANGO, "Log out", "Enter a valid email address.", "This field is required."]
        assert [text for text in said if translation.gettext(text) == text] == []
        assert translation.npgettext("time-length", "%(num)d year", "%(num)d years", 7) != "%(num)d years"


def test_where_goods_came_from_is_said_in_the_readers_language(busy: BusyShop, client: Client) -> None:
    """The other end of a movement is no place that somebody named."""
    with busy.shop.scope():
        movement = Movement.objects.filter(from_location__virtual_role=VirtualRole.ADJUSTMENT).order_by("pk")[0]
    with translation.override("en"):
        page = words_on(client.get(reverse("backoffice:unit", args=[movement.stock_unit_id]), headers={"Accept-Language": "pl"}))
    assert "korekta → Main warehouse" in page
    assert "adjustment" not in page
