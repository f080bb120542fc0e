"""Typed reading of cells: what spreadsheets and people write is read right, or refused with what to do."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.catalog.imports import cells
from stallkeeper.catalog.imports.products import PriceLists, components
from stallkeeper.catalog.imports.safe_cells import STARTS, safe
from stallkeeper.catalog.texts import CatalogueError
from stallkit.tables.cells import Hollow, shown

ZONE = ZoneInfo("Europe/Bucharest")
SHEET_DATE = datetime.fromisoformat("2026-05-01 00:00")
"""A spreadsheet's dates have no zone."""
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("MUG-1", "MUG-1"),
        (" MUG-1\u00a0", "MUG-1"),
        (12345.0, "12345"),
        (1.5, "1.5"),
        (None, ""),
        ("", ""),
        (True, "TRUE"),
        ("'=A1", "=A1"),
        ("'x", "'x"),
    ],
)
def test_texts(cell, kept):
    assert cells.text("sku", cell) == kept


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (SHEET_DATE, "is a date or time in the spreadsheet"),
        (date(2026, 5, 1), "format the column as text"),
        (time(1, 2), "is a date or time"),
        (timedelta(1), "is a date or time"),
        (1234567890123456.0, "more than 15 digits"),
        ("a\x07b", r"control character \(U\+0007\)"),
        ("x" * 101, "has 101 characters; at most 100"),
        (Hollow("holds a formula with an error"), "formula with an error"),
    ],
)
def test_refused_texts(cell, words):
    with pytest.raises(CatalogueError, match=words):
        cells.text("sku", cell)


def test_a_cell_of_ten_megabytes_is_refused_with_its_size():
    with pytest.raises(CatalogueError, match="has 10,485,760 characters; at most 50,000 fit"):
        cells.lines("description", "x" * 10 * 1024 * 1024)


@pytest.mark.parametrize(("cell", "kept"), [("4006381333931", "4006381333931"), (4006381333931.0, "4006381333931"), ("", ""), (None, "")])
def test_gtins(cell, kept):
    assert cells.gtin(cell) == kept


def test_a_gtin_that_a_spreadsheet_rounded_is_refused():
    with pytest.raises(CatalogueError, match="lost its digits"):
        cells.gtin("4,00638E+12")
    with pytest.raises(CatalogueError, match="by its other digits it would be 4006381333931"):
        cells.gtin(4006381333930.0)


def test_codes_are_kept_once_in_order():
    assert cells.codes(" B1; A2 ;;B1") == ["B1", "A2"]
    assert cells.codes(4711.0) == ["4711"]
    assert cells.codes(" ; ") == []
    with pytest.raises(CatalogueError, match="additional_codes: has 101 characters"):
        cells.codes("ok;" + "x" * 101)


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("12,50", ("12.50", None)),
        ("€ 12.50", ("12.50", "EUR")),
        (12.5, ("12.5", None)),
        (19.990000000000002, ("19.99", None)),
        ("", None),
        (" ", None),
        (None, None),
    ],
)
def test_prices(cell, amount):
    assert cells.price(cell) == (None if amount is None else (Decimal(amount[0]), amount[1]))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (-1.0, "is negative"),
        ("-1", "is negative"),
        ("1,234", "can mean"),
        ("abc", "is not an amount"),
        (SHEET_DATE, "is a date"),
        (True, "yes/no"),
        (float("nan"), "too large"),
    ],
)
def test_refused_prices(cell, words):
    with pytest.raises(CatalogueError, match=words):
        cells.price(cell)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("yes", True),
        ("DA", True),
        ("да", True),
        (1.0, True),
        (True, True),
        ("x", True),
        ("no", False),
        ("NU", False),
        ("нет", False),
        (0.0, False),
        ("", None),
        (None, None),
    ],
)
def test_yes_and_no(cell, kept):
    assert cells.yes_or_no("active", cell) is kept


def test_neither_yes_nor_no():
    with pytest.raises(CatalogueError, match="active: 'maybe' is neither yes nor no"):
        cells.yes_or_no("active", "maybe")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("12", 12),
        (" 12 ", 12),
        (12.0, 12),
        ("12.0", 12),
        ("12,00", 12),
        ("1 000", 1000),
        ("1\u00a0000\u00a0000", 10**6),
        ("0", 0),
        (0.0, 0),
        ("", None),
        (None, None),
    ],
)
def test_counts(cell, kept):
    assert cells.count("on_hand", cell) == kept


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (-3.0, "-3 is negative"),
        ("-3", "-3 is negative"),
        ("\N{MINUS SIGN}3", "-3 is negative"),
        (1.5, "1.5 is not a whole number"),
        ("1,5", "'1,5' is not a whole number"),
        ("1.000", "can be read in two ways"),
        ("1,234", "can be read in two ways"),
        ("many", "is not a number"),
        ("1 00", "is not a number"),
        ("٣", "is not a number"),
        (1e20, "not a number that can be counted"),
        (2e8, "is too large"),
        (SHEET_DATE, "is a date"),
        (True, "yes/no"),
        (Hollow("holds a formula without a saved result"), "without a saved result"),
    ],
)
def test_refused_counts(cell, words):
    with pytest.raises(CatalogueError, match=words):
        cells.count("on_hand", cell)


def test_moments_are_meant_in_the_sellers_time():
    expected = datetime(2026, 5, 1, 15, 30, tzinfo=UTC)
    for cell in (SHEET_DATE.replace(hour=18, minute=30), "2026-05-01 18:30", "2026-05-01T18:30:00", "2026-05-01 17:30+02:00"):
        assert cells.moment("as_of", cell, ZONE, NOW) == expected
    assert cells.moment("as_of", "", ZONE, NOW) is None


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (date(2026, 5, 1), "has no time of day"),
        ("2026-05-01", "has no time of day"),
        ("1.5.2026", "is not a date and time"),
        (45000.75, "is not a date"),
        ("2027-01-01 00:00", "is in the future"),
    ],
)
def test_refused_moments(cell, words):
    with pytest.raises(CatalogueError, match=words):
        cells.moment("as_of", cell, ZONE, NOW)


ANY_CELL = st.one_of(st.text(max_size=40), st.floats(), st.booleans(), st.none(), st.datetimes(), st.dates(), st.times(), st.timedeltas())


@given(ANY_CELL)
def test_any_cell_is_read_or_refused(cell):
    """No cell that a reader can give raises anything but a refusal with its field."""
    readers = [
        lambda: cells.text("sku", cell),
        lambda: cells.lines("description", cell),
        lambda: cells.gtin(cell),
        lambda: cells.codes(cell),
        lambda: cells.price(cell),
        lambda: cells.yes_or_no("active", cell),
        lambda: cells.count("on_hand", cell),
        lambda: cells.moment("as_of", cell, ZONE, NOW),
        lambda: components(cell),
        lambda: shown(cell),
    ]
    named = set()
    for read in readers:
        try:
            read()
        except CatalogueError as error:
            named.add(error.field)
    assert "" not in named


@given(st.integers(min_value=0, max_value=10**8))
def test_every_count_reads_back_however_it_is_written(number):
    grouped = f"{number:,}".replace(",", " ")
    for cell in (number, float(number), str(number), f"{number}.0", grouped, grouped.replace(" ", "\u202f")):
        assert cells.count("on_hand", cell) == number


def test_kit_components():
    assert components("CUP*6; SAUCER ;A*B*2") == (("CUP", 6), ("SAUCER", 1), ("A*B", 2))
    assert components("  ") is None


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("CUP*0", "whole quantity from 1"),
        ("CUP*x", "whole quantity"),
        ("CUP*1.5", "whole quantity"),
        ("*2", "whole quantity"),
        ("CUP;CUP*2", "names CUP twice"),
        (";", "names no article"),
    ],
)
def test_refused_components(cell, words):
    with pytest.raises(CatalogueError, match=words):
        components(cell)


@pytest.mark.parametrize(
    ("lists", "typed", "beside", "code"),
    [
        ({}, "EUR", None, "EUR"),
        ({}, "", "EUR", "EUR"),
        ({"retail": "EUR"}, "", None, "retail"),
        ({"retail": "EUR"}, "eur", None, "retail"),
        ({"retail": "EUR"}, "Retail", "EUR", "retail"),
        ({"retail": "EUR", "b2b": "EUR"}, "b2b", None, "b2b"),
        ({"retail": "EUR"}, "ron", None, "RON"),
    ],
)
def test_which_price_list_is_meant(lists, typed, beside, code):
    assert PriceLists(lists).choose(typed, beside) == code


@pytest.mark.parametrize(
    ("lists", "typed", "beside", "words"),
    [
        ({}, "", None, "is empty, but there is a price"),
        ({"a": "EUR", "b": "RON"}, "", None, "price list or currency: a, b"),
        ({"a": "EUR", "b": "EUR"}, "EUR", None, r"several price lists \(a, b\)"),
        ({"retail": "EUR"}, "retail", "RON", "is in EUR, but the price says RON"),
        ({}, "EUR", "RON", "is in EUR, but the price says RON"),
        ({}, "Euros!", None, "neither a price list nor a currency"),
    ],
)
def test_unclear_price_lists(lists, typed, beside, words):
    with pytest.raises(CatalogueError, match=words):
        PriceLists(lists).choose(typed, beside)


@given(st.sampled_from(STARTS), st.text(max_size=10))
def test_no_exported_text_begins_like_a_formula_and_it_comes_back(start, rest):
    typed = start + rest
    assert not safe(typed).startswith(STARTS)
    if start in "=+-@":
        assert cells.as_text("sku", safe(typed)) == typed


@pytest.mark.parametrize("value", [5, Decimal("-1.50"), None, True, "plain", "'quoted"])
def test_other_values_stay(value):
    assert safe(value) is value
