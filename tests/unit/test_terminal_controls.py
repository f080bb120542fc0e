"""A marketplace names its listings; a terminal obeys what it prints. Nothing of a stranger's text is obeyed."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stallkeeper.__main__ import one_line
from stallkeeper.core.controls import CONTROL
from stallkeeper.ops import terminal

TITLE = "Mug\x1b[2J\x1b]0;owned\x07\r\nfine  All books balance\x9b31m\u202ednetxe\u200b\x00"
OBEYED = {chr(code) for code in CONTROL} - {"\n", "\t"}


def printed(monkeypatch, capsys, action) -> str:
    action()
    return capsys.readouterr().out


def test_a_table_shows_them(monkeypatch, capsys):
    shown = printed(monkeypatch, capsys, lambda: terminal.show([{"title": TITLE}], {"title": "Title"}, as_json=False))
    assert not OBEYED & set(shown)
    assert "\\x1b" in shown
    assert len([line for line in shown.splitlines() if "All books balance" in line and line.startswith("fine")]) == 0


def test_a_line_shows_them(capsys):
    terminal.echo(f"Linked: {TITLE}")
    assert not OBEYED & set(capsys.readouterr().out)


def test_json_holds_them_escaped_and_unchanged(capsys):
    terminal.print_json([{"title": TITLE}])
    out = capsys.readouterr().out
    assert not OBEYED & set(out)
    assert json.loads(out) == [{"title": TITLE}]


def test_an_error_is_one_harmless_line():
    shown = one_line(ValueError(f"the platform says: {TITLE}"))
    assert not (OBEYED | {"\n"}) & set(shown)


@given(st.text())
def test_whatever_the_text_a_cell_obeys_nothing(text):
    console = Console(file=io.StringIO(), width=200)
    console.print(terminal.table([{"a": text}], {"a": "A"}))
    assert not OBEYED & set(console.file.getvalue())


@pytest.mark.parametrize("text", ["Cană roșie", "Кружка", "马克杯", "☕ 10 × 20", "naïve"])
def test_plain_texts_of_all_languages_stay(text, capsys):
    terminal.echo(text)
    assert capsys.readouterr().out == f"{text}\n"
