"""Amounts as people write them: read right, or refused; never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.catalog.amounts import AmountError, amount_of_number, parse_amount

READ = {
    "12": ("12", None),
    "12.5": ("12.5", None),
    "12,50": ("12.50", None),
    "1.234,50": ("1234.50", None),
    "1,234.50": ("1234.50", None),
    "1 234,50": ("1234.50", None),
    "1\u00a0234\u202f567,5": ("1234567.5", None),
    "1'234.50": ("1234.50", None),
    "1.234.567": ("1234567", None),
    "€12.50": ("12.50", "EUR"),
    "12,50 €": ("12.50", "EUR"),
    "12,50 RON": ("12.50", "RON"),
    "12,50 lei": ("12.50", "RON"),
    "99 zł": ("99", "PLN"),
    "PLN 99": ("99", "PLN"),
    "100 руб.": ("100", "RUB"),
    "$ 5.00": ("5.00", None),
    "0.125": ("0.125", None),
    "0,1234": ("0.1234", None),
    "1234.567": ("1234.567", None),
    "16.990000000000002": ("16.99", None),
    "28.999999999999996": ("29", None),
    ".5": ("0.5", None),
    "0": ("0", None),
}


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_read(text, expected):
    amount, currency = parse_amount(text)
    assert (amount, currency) == (Decimal(expected[0]), expected[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,234", "can mean 1234 or 1.234"),
        ("1.234", "can mean 1234 or 1.234"),
        ("-5", "negative"),
        ("abc", "is not an amount"),
        ("12..5", "is not an amount"),
        ("1.2.3", "is not an amount"),
        ("1,23,456.7", "is not an amount"),
        ("12 5", "is not an amount"),
        ("1 23,4", "is not an amount"),
        ("12.34567", "more than four decimals"),
        ("999999999999999999", "too large"),
        ("12 pieces", "is not an amount"),
        ("EUR 5 RON", "two currencies"),
        ("5 - 7", "is not an amount"),
        ("1e5", "is not an amount"),
        ("", "is not an amount"),
        ("٣٫٥", "is not an amount"),
    ],
)
def test_refused(text, words):
    with pytest.raises(AmountError, match=words):
        parse_amount(text)


def test_the_noise_of_binary_fractions_goes():
    assert str(amount_of_number(repr(0.1 + 0.2))) == "0.3"
    assert str(amount_of_number(repr(19.990000000000002))) == "19.99"
    assert str(amount_of_number("100.0")) == "100"
    for number in ("nan", "inf", "1e300", "-0.01"):
        with pytest.raises(AmountError):
            amount_of_number(number)


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_every_way_to_write_an_amount_reads_back(amount):
    """With two decimals no spelling is ambiguous."""
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    for text in (f"{amount:.2f}", english, german, german.replace(".", " "), english.replace(",", "'"), f"{german} €"):
        assert parse_amount(text)[0] == amount


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text):
    try:
        amount, _currency = parse_amount(text)
    except AmountError:
        return
    assert amount >= 0
