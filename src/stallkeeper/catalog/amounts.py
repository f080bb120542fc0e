"""Amounts of money as people and spreadsheets write them: ``12,50``, ``1.234,50 zł``, ``€ 12.5``, 12.5."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from babel import Locale

from stallkit.words import said as _

LARGEST = Decimal("99999999999999.9999")
STEP = Decimal("0.0001")
NOISE = Decimal("0.000000001")
SIGNS = {"€": "EUR", "£": "GBP", "zł": "PLN", "lei": "RON", "₽": "RUB", "руб": "RUB", "лв": "BGN", "ft": "HUF", "kč": "CZK", "₴": "UAH"}
"""Signs of one currency only. A $ or kr may mean several: they are allowed beside the number, and say nothing."""
SILENT_SIGNS = {"$", "kr"}
_PARTS = re.compile(r"([^\d\-+.,']*)([\-+]?[\d.,' ]*\d)([^\d]*)")
_GROUPED = re.compile(r"\d{1,3}(?:([.,' ])\d{3})+")


class AmountError(ValueError):
    """Not an amount of money, or one that can be read in two ways. The text completes a sentence that begins with the field."""


def parse_amount(text: str) -> tuple[Decimal, str | None]:
    """(amount, currency that is written beside it). AmountError for anything unclear; never a guess."""
    squeezed = re.sub(r"[\s\u00a0\u202f]+", " ", text).strip()
    match = _PARTS.fullmatch(squeezed)
    if match is None:
        raise AmountError(_("{text} is not an amount; write it like 1234.50.", text=_shown(text)))
    before, number, after = match.groups()
    return checked(_without_noise(_number(number.strip(), text))), _currency(before, after, text)


def amount_of_number(number: str) -> Decimal:
    """The shortest writing of a spreadsheet's number as an amount: rounded to four places, which removes the noise of binary fractions."""
    exact = Decimal(number)
    if not exact.is_finite() or abs(exact) > LARGEST:
        raise AmountError(_("is too large for a price."))
    return checked(exact.quantize(STEP, ROUND_HALF_EVEN).normalize() + 0)


def checked(amount: Decimal) -> Decimal:
    """The amount if it can be a price; AmountError if it is negative, too large, or has more than four decimals."""
    if amount < 0:
        raise AmountError(_("{amount} is negative; a price is zero or more.", amount=str(amount)))
    if amount > LARGEST:
        raise AmountError(_("is too large for a price."))
    if amount != amount.quantize(STEP):
        raise AmountError(_("{amount} has more than four decimals; round it.", amount=str(amount)))
    return amount


@cache
def known_currencies() -> frozenset[str]:
    """Codes of currencies (ISO 4217)."""
    return frozenset(Locale("en").currencies)


def _without_noise(amount: Decimal) -> Decimal:
    """Programs that keep prices as binary fractions export 16.99 as 16.990000000000002: what is that near to four decimals was meant so."""
    if amount > LARGEST:
        return amount
    rounded = amount.quantize(STEP, ROUND_HALF_EVEN)
    return rounded.normalize() + 0 if 0 < abs(amount - rounded) < NOISE else amount


def _number(number: str, text: str) -> Decimal:
    plain = number.replace(" ", "").replace("'", "") if _is_grouped(number, " ", "'") else number
    if " " in plain or "'" in plain:
        raise AmountError(_("{text} is not an amount; write it like 1234.50.", text=_shown(text)))
    separators = [character for character in plain if character in ".,"]
    if len(set(separators)) == 2:
        plain = _two_separators(plain, text)
    elif len(separators) > 1:
        plain = _only_groups(plain, separators[0], text)
    elif separators:
        plain = _one_separator(plain, separators[0], text)
    return Decimal(plain)


def _is_grouped(number: str, *separators: str) -> bool:
    """Whether blanks or apostrophes, where there are any, stand between groups of three digits."""
    whole = re.split(r"[.,](?=\d*$)", number.lstrip("+-"))[0]
    match = _GROUPED.fullmatch(whole)
    return match is not None and match.group(1) in separators and len({c for c in whole if not c.isdigit()}) == 1


def _two_separators(plain: str, text: str) -> str:
    decimal = max(".,", key=plain.rindex)
    group = "," if decimal == "." else "."
    whole, _sign, fraction = plain.rpartition(decimal)
    if decimal in whole or not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", whole):
        raise AmountError(_("{text} is not an amount; write it like 1234.50.", text=_shown(text)))
    return f"{whole.replace(group, '')}.{fraction}"


def _only_groups(plain: str, separator: str, text: str) -> str:
    if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(separator)}\d{{3}})+", plain):
        raise AmountError(_("{text} is not an amount; write it like 1234.50.", text=_shown(text)))
    return plain.replace(separator, "")


def _one_separator(plain: str, separator: str, text: str) -> str:
    whole, _sign, fraction = plain.partition(separator)
    if len(fraction) == 3 and re.fullmatch(r"[+-]?[1-9]\d{0,2}", whole):
        raise AmountError(
            _(
                "{text} can mean {whole}{fraction} or {whole}.{fraction}; write {whole}{fraction}.00 or {whole}.{fraction}0 instead.",
                text=_shown(text),
                whole=whole,
                fraction=fraction,
            )
        )
    return f"{whole or '0'}.{fraction}"


def _currency(before: str, after: str, text: str) -> str | None:
    found = {_named(words.strip(), text) for words in (before, after) if words.strip()} - {None}
    if len(found) > 1:
        raise AmountError(_("{text} names two currencies; leave one.", text=_shown(text)))
    return found.pop() if found else None


def _named(words: str, text: str) -> str | None:
    name = words.rstrip(".").lower()
    if name in SILENT_SIGNS:
        return None
    currency = SIGNS.get(name, words.upper())
    if currency not in known_currencies():
        raise AmountError(_("{text} is not an amount; write the number alone, like 1234.50.", text=_shown(text)))
    return currency


def _shown(text: str) -> str:
    short = text.strip()
    return repr(short if len(short) <= 40 else short[:39] + "…")
