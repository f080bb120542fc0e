"""Numbers and dates as the language of the reader writes them."""

from __future__ import annotations

from datetime import date

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_decimal_symbol
from django.utils.translation import get_language, to_locale

MONTH_DAY, YEAR_DAY, WEEK_DAY = "d MMM", "d MMM y", "EEE d MMM"
"""Patterns of CLDR: 17 Nov, 17 Nov 2026, Tue 17 Nov."""


def locale() -> Locale:
    return Locale.parse(to_locale(get_language() or "en"))


def dated(value: date, pattern: str) -> str:
    """A day, or the day of a moment in its own zone, in a pattern of CLDR."""
    return format_date(value, pattern, locale=locale())


class Figure:
    """A number in a text that is put together with ``str.format``: ``{rows:,}`` and ``{wait:.1f}`` with the separators of the language."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        if spec == ",":
            return format_decimal(self.value, locale=locale())
        text = format(self.value, spec)
        return text.replace(".", get_decimal_symbol(locale())) if isinstance(self.value, float) else text
