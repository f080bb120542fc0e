"""What commands print: tables for people, JSON for programs, one line for errors."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from stallkeeper.core.controls import visible, visible_json, visible_lines

F = TypeVar("F", bound=Callable[..., object])

Row = Mapping[str, object]


WIDE = 200


class Refusal(click.ClickException):
    """A command cannot do what was asked: one line, exit status 1."""


def json_option(command: F) -> F:
    """Adds ``--json``, handed on as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")(command)


def console() -> Console:
    """Standard output as it is now (tests replace it). Into a file or pipe, lines are as wide as they need to be and come at once."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDE)


def show(rows: Sequence[Row], columns: Mapping[str, str], *, as_json: bool, title: str = "", empty: str = "Nothing found.") -> None:
    """Print rows. ``columns`` maps keys to headings; JSON always has all keys of a row."""
    if as_json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        click.echo(empty)
        return
    console().print(table(rows, columns, title))


def table(rows: Iterable[Row], columns: Mapping[str, str], title: str = "") -> Table:
    """A table with numbers to the right; a key that a row lacks is an empty cell."""
    rows = list(rows)
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold", show_edge=False)
    for key, heading in columns.items():
        numbers = all(isinstance(row.get(key), int | float | Decimal | None) for row in rows)
        made.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell(row.get(key, "")) for key in columns))
    return made


def cell(value: object) -> str:
    """A value as people read it; unknown is ``–``, never 0."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, timedelta):
        return ago(value)
    return visible(str(value)).replace("[", "\\[")


def ago(length: timedelta) -> str:
    """A length of time in its largest unit: 4 s, 3 min, 2 h, 5 d."""
    seconds = max(length.total_seconds(), 0)
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def print_json(value: object) -> None:
    """JSON on standard output: instants as RFC 3339, decimals as text."""
    click.echo(visible_json(json.dumps(value, default=plain, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)))


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines of our own, in which names and titles of strangers may stand: what would move the cursor is shown instead."""
    click.echo(visible_lines(text), err=err)


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


@contextmanager
def progress(text: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error while something long runs: call it with (done, total). Nothing is drawn where nobody looks."""
    with Progress(
        TextColumn(text),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def agreed(question: str, yes: bool) -> None:
    """Ask before something that others will see. Refusal if nobody can be asked or the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal(f"{question} Nobody can be asked here: repeat the command with --yes.")
    if not click.confirm(question):
        raise Refusal("Nothing was changed.")
