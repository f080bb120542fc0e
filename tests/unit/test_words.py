"""Sentences that remember what they were made of, in rows and in other languages (ADR 0062)."""

import copy
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stallkeeper.core import words
from stallkit.errors import Refused
from stallkit.http import HIDDEN, hide
from stallkit.tables.cells import FileRefused
from stallkit.words import Said, again, joined, said
from tests.said import all_said

GERMAN = {
    "{rows:,} rows in {file}.": "In {file} sind {rows} Zeilen.", "no file": "keine Datei", "Nothing was changed.": "Nichts wurde geändert.",
    "{a} was lost": "{b} ging verloren", "[ nor {": "[ noch {",
}  # fmt: skip


def german(text):
    return again(text, lambda pattern: GERMAN.get(pattern, pattern))


def test_a_text_is_english_until_somebody_says_it_again():
    text = said("{rows:,} rows in {file}.", rows=7_000, file=said("no file"))
    assert text == "7,000 rows in no file." == f"{text}"
    assert german(text) == "In keine Datei sind 7000 Zeilen."
    assert german(joined([text, said("Nothing was changed.")])) == "In keine Datei sind 7000 Zeilen. Nichts wurde geändert."
    assert german(said("[ nor {")) == "[ noch {", "braces of a text without values are braces"
    assert german(said("{a} was lost", a="it")) == "it was lost", "a translation that does not fit its values is not used"
    assert (german("no file"), german(said("")), joined([])) == ("no file", "", ""), "what is not ours, and nothing, stay as they are"


def test_copies_know_their_parts():
    text = said("{rows:,} rows in {file}.", rows=7_000, file=said("no file"))
    for copied in (copy.deepcopy(text), copy.copy(text), copy.deepcopy(said("[ nor {"))):
        assert isinstance(copied, Said)
        assert german(copied) in {"In keine Datei sind 7000 Zeilen.", "[ noch {"}


def test_an_error_gives_back_the_text_that_it_was_given():
    text = said("{rows:,} rows in {file}.", rows=1, file="a")
    for error in (FileRefused(text), ValueError(text), Refused(text)):
        assert isinstance(str(error), Said)
        assert german(str(error)) == "In a sind 1 Zeilen."


def test_a_bare_text_and_one_that_no_translator_sees_are_noticed():
    for text in ("a bare text", said("a text that stands in no module"), said("{why}: {why}", why=said("nor this"))):
        with pytest.raises(AssertionError), all_said():
            FileRefused(text)


def test_secrets_are_hidden_in_what_a_text_was_made_of_too():
    hidden = hide(said("{who!r} is refused: {words}", who="it's", words=said("no {key}", key="hush")), ("hush", "it's"))
    assert isinstance(hidden, Said)
    assert not any(secret in json.dumps(words.kept(hidden)) + hidden for secret in ("hush", "it's"))
    assert isinstance(hide(said("nothing {secret}", secret="here"), ("hush",)), Said)
    assert hide(said("no file"), ("file",)) == f"no {HIDDEN}"


LEAVES = st.text(max_size=20) | st.integers() | st.floats()
VALUES = st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1), max_leaves=6)


def made(value):
    if not isinstance(value, dict):
        return value
    return Said(" ".join(f"{{{name}}}" for name in value), {name: made(inner) for name, inner in value.items()})


@given(VALUES)
def test_a_row_gives_back_what_it_was_given(value):
    """NUL, lone surrogates and what is no number in JSON among it: the database takes it, and the English text is the same."""
    text = made(value if isinstance(value, dict) else {"a": value})
    row = words.columns("problem", text)
    kept = json.dumps(row["problem_words"], allow_nan=False)
    assert "\\u0000" not in kept
    back = words.of_row(str(row["problem"]), json.loads(kept))
    assert back == words.storable(text)
    assert isinstance(back, Said) or not text
    assert math.isfinite(len(german(back)))


def test_a_row_whose_text_was_written_anew_by_an_older_release_is_what_it_says():
    row = words.columns("last_error", said("{rows:,} rows in {file}.", rows=7_000, file="a.csv"), 8)
    assert row["last_error"] == "7,000 ro"
    assert german(words.of_row("7,000 ro", row["last_error_words"])) == "In a.csv sind 7000 Zeilen.", "cut in English, whole in German"
    for text in ("", "something else"):
        assert words.of_row(text, row["last_error_words"]) == text
        assert not isinstance(words.of_row(text, row["last_error_words"]), Said)
    for broken in (None, [], {}, {"say": 1}, {"say": "{x}"}, {"say": "{a:d}", "values": {"a": "b"}}):
        assert words.of_row("7,000 ro", broken) == "7,000 ro"
