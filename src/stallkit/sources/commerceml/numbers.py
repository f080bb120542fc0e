"""Quantities and times as 1C writes them."""

from __future__ import annotations

import re
from datetime import datetime, time
from decimal import Decimal, InvalidOperation

BLANKS = str.maketrans("", "", " \u00a0\u202f\u2009\t\n\r'")
LARGEST = 2_000_000_000
TIMES = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")
DATES = ("%Y-%m-%d", "%d.%m.%Y")
FRACTION_OF_SECOND = re.compile(r"[.,]\d+$")


def whole(text: str) -> int:
    """A quantity in pieces: ``12``, ``12.000``, ``1 234,00``, ``-3`` (1C sells below zero). ValueError says what is wrong with others."""
    plain = text.translate(BLANKS).replace(",", ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"{_shown(text)} is no number") from None
    if not number.is_finite() or abs(number) > LARGEST:
        raise ValueError(f"{_shown(text)} is no quantity of goods")
    if number != number.to_integral_value():
        raise ValueError(f"{_shown(text)} is not a whole number of pieces")
    return int(number)


def moment(text: str) -> datetime | None:
    """A local time without zone; None if there is none, or only a day (old versions): a day says too little to compare with sales."""
    plain = FRACTION_OF_SECOND.sub("", text.strip()).removesuffix("Z")
    for form in TIMES:
        try:
            return datetime.strptime(plain, form)  # noqa: DTZ007 - 1C writes no zone
        except ValueError:
            continue
    return None


def day(text: str, at: str = "") -> datetime | None:
    """A document's date and time of day, without zone; None if that is no date."""
    for form in DATES:
        try:
            date = datetime.strptime(text.strip()[:10], form).date()  # noqa: DTZ007 - 1C writes no zone
        except ValueError:
            continue
        try:
            return datetime.combine(date, time.fromisoformat(at.strip() or "00:00:00"))
        except ValueError:
            return datetime.combine(date, time())
    return None


def _shown(text: str) -> str:
    short = " ".join(text.split())
    return repr(short if len(short) <= 40 else short[:39] + "…")
