"""Texts as they are kept, and GTINs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from stallkeeper.catalog.identifiers import GTIN_LENGTHS, check_gtin, spellings
from stallkeeper.catalog.texts import LIMITS, CatalogueError, required, tidy


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Blue mug ", "Blue mug"),
        ("Blue\u00a0mug", "Blue mug"),
        ("Blue\nmug\t2", "Blue mug 2"),
        ("\ufeffBlue\u200b mug", "Blue mug"),
        ("Família 👨‍👩‍👧", "Família 👨‍👩‍👧"),
        ("", ""),
    ],
)
def test_texts_are_tidied(typed, kept):
    assert tidy("title", typed) == kept


def test_descriptions_keep_their_lines():
    assert tidy("description", " a\r\nb\rc\n", lines=True) == "a\nb\nc"


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\ud800"])
def test_control_characters_are_refused_by_name(character):
    with pytest.raises(CatalogueError, match=rf"title: holds a control character \(U\+{ord(character):04X}\)"):
        tidy("title", f"Blue {character} mug")


def test_too_long_and_missing_are_said_with_figures():
    with pytest.raises(CatalogueError, match="title: has 501 characters; at most 500 fit"):
        tidy("title", "x" * 501)
    with pytest.raises(CatalogueError, match="sku: is empty"):
        required("sku", " \u00a0 ")


@given(st.text(max_size=120))
def test_what_is_kept_can_be_kept_again(text):
    """Tidying is stable, and PostgreSQL can store the result."""
    try:
        kept = tidy("sku", text)
    except CatalogueError:
        return
    assert tidy("sku", kept) == kept
    assert len(kept) <= LIMITS["sku"]
    assert "\0" not in kept
    kept.encode()


@pytest.mark.parametrize("gtin", ["5941234567899", "96385074", "036000291452", "10614141000415", "978-3-16-148410-0", " 5941234567899 "])
def test_right_gtins(gtin):
    assert check_gtin(gtin) == gtin.replace("-", "").strip()


def test_a_wrong_check_digit_names_the_right_one():
    with pytest.raises(CatalogueError, match="5941234567890 has the wrong check digit: by its other digits it would be 5941234567899"):
        check_gtin("5941234567890")


@pytest.mark.parametrize(
    ("gtin", "words"),
    [
        ("59412", "has 5 digits"),
        ("594123456789A", "is not a GTIN"),
        ("5.94123E+12", "is not a GTIN"),
        ("0000000000000", "all zeros"),
        ("36000291452", "dropped leading zeros, write it as text: 036000291452"),
        ("٥٩٤١٢٣٤٥٦٧٨٩٠", "is not a GTIN"),
    ],
)
def test_wrong_gtins(gtin, words):
    with pytest.raises(CatalogueError, match=words.replace("(", r"\(")):
        check_gtin(gtin)


@given(st.integers(min_value=1, max_value=10**11 - 1), st.sampled_from(GTIN_LENGTHS))
def test_a_gtin_is_the_same_however_it_is_padded(number, length):
    body = str(number).zfill(11)
    short = (body + ean.calc_check_digit(body)).lstrip("0")
    padded = short.zfill(length) if len(short) <= length else short.zfill(14)
    assert check_gtin(padded) == padded
    assert padded in spellings(padded)
    assert spellings(padded) == spellings(short.zfill(14))


@given(st.integers(min_value=0, max_value=12), st.integers(min_value=1, max_value=9))
def test_every_single_wrong_digit_is_caught(position, shift):
    right = "5941234567899"
    digit = str((int(right[position]) + shift) % 10)
    with pytest.raises(CatalogueError):
        check_gtin(right[:position] + digit + right[position + 1 :])
