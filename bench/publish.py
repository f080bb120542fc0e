"""Puts figures into docs/performance.md: one block a case, with its day, between marks; the words around them are written by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.measure import Result
from bench.report import cells, machine

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PAGES = dict.fromkeys(("rows", "lanes"), PAGE.with_name("scale.md"))
"""Cases whose figures stand on another page."""
COLUMNS = ("What", "Figure", "Goal (must / aim)", "Verdict", "Product", "Baseline", "Note")
VERDICTS = {"pass": "aim reached", "must": "must reached", "short": "**short**", "": ""}


class NoPlace(ValueError):
    """The page has no block for a case. The text says what to add."""


def publish(results: Sequence[Result], day: date, page: Path | None = None) -> None:
    """Replace the blocks of the measured cases on their pages, and leave the others. NoPlace if one is not there."""
    for case in dict.fromkeys(result.case for result in results):
        where = page or PAGES.get(case, PAGE)
        text = _replace(where.read_text("utf-8"), case, _block([result for result in results if result.case == case], day))
        where.write_text(text, "utf-8")


def _replace(text: str, case: str, block: str) -> str:
    begin, end = f"<!-- figures: {case} -->", "<!-- end of figures -->"
    found = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    if not found.search(text):
        raise NoPlace(f"the page has no place for the figures of {case}: add the lines {begin} and {end}")
    return found.sub(lambda _: f"{begin}\n{block}{end}", text, count=1)


def _block(results: Sequence[Result], day: date) -> str:
    lines = [f"Measured on {day.isoformat()}: {machine()}.", "", _row(COLUMNS), _row(["---"] * len(COLUMNS))]
    return "\n".join(lines + [_row(_words(result)) for result in results]) + "\n"


def _words(result: Result) -> list[str]:
    _case, what, figure, goal, _verdict, *words = cells(result)
    return [what, figure.strip(), goal, VERDICTS[result.verdict], *words]


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(word.replace('|', '/') for word in words)} |"
