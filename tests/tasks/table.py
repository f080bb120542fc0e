"""The table of docs/tasks.md."""

from __future__ import annotations

from pathlib import Path

from tests.tasks.person import Person

PAGE = Path(__file__).parents[2] / "docs" / "tasks.md"
BEGIN, END = "<!-- tasks -->\n", "<!-- /tasks -->\n"
HEAD = "| Task | Clicks | Fields | Keys | By hand | The machine |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"


def row(name: str, person: Person) -> str:
    """What one task took."""
    return f"| {name} | {person.clicks} | {person.fields} | {person.keys} | {person.by_hand:.0f} s | {person.waited:.1f} s |\n"


def written() -> dict[str, tuple[int, ...]]:
    """Clicks, fields and keys of each task, as the page says."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in _apart()[1].removeprefix(HEAD).splitlines()]
    return {name: tuple(map(int, (clicks, fields, keys))) for name, clicks, fields, keys, *_seconds in cells}


def write(rows: str) -> None:
    """In place of what stood there."""
    before, _old, after = _apart()
    PAGE.write_text(before + BEGIN + HEAD + rows + END + after, encoding="utf-8")


def _apart() -> tuple[str, str, str]:
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    old, after = rest.split(END)
    return before, old, after
