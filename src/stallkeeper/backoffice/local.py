"""Numbers and dates as the language of the reader writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_decimal_symbol
from django.utils import timezone
from django.utils.translation import get_language, to_locale

from stallkeeper.core import clock

MONTH_DAY, YEAR_DAY, WEEK_DAY = "d MMM", "d MMM y", "EEE d MMM"
"""Patterns of CLDR: 17 Nov, 17 Nov 2026, Tue 17 Nov."""


def locale() -> Locale:
    return _of(get_language() or "en")


@cache
def _of(language: str) -> Locale:
    return Locale.parse(to_locale(language))


def decimal(value: float | Decimal) -> str:
    """A number with the separators of the language."""
    return _decimal(value, get_language() or "en")


@lru_cache(maxsize=20_000, typed=True)
def _decimal(value: float | Decimal, language: str) -> str:
    """Kept: a page of the sending table has 1,400 figures, mostly the same small ones, and babel works each out anew."""
    return format_decimal(value, locale=_of(language))


def dated(value: date, pattern: str) -> str:
    """A day, or the day of a moment in its own zone, in a pattern of CLDR."""
    return format_date(value, pattern, locale=locale())


def day(value: date) -> str:
    """A day with its month's name; its year too unless it is this one."""
    return dated(value, MONTH_DAY if value.year == timezone.localtime(clock.now()).year else YEAR_DAY)


def to_the_minute(value: datetime) -> str:
    """A moment in its own zone: 17 Nov 13:05."""
    return f"{day(value)} {value:%H:%M}"


class Figure:
    """A number in a text that is put together with ``str.format``: ``{rows:,}`` and ``{wait:.1f}`` with the separators of the language."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        if spec == ",":
            return decimal(self.value)
        text = format(self.value, spec)
        return text.replace(".", get_decimal_symbol(locale())) if isinstance(self.value, float) else text
