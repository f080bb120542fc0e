"""The results for people and for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.measure import Result

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("case", "what", "ratio or figure", "goal (must / aim)", "verdict", "product", "baseline", "note")
_console = Console(width=None if os.isatty(1) else 200)
COLOURS = {"pass": "green", "must": "yellow", "short": "red", "": "default"}


def line(result: Result) -> None:
    """Say one result as soon as it is there."""
    _console.print(f"[{COLOURS[result.verdict]}]{' | '.join(filter(None, cells(result)))}[/]", highlight=False)


def cells(result: Result) -> list[str]:
    """A result as the columns of the table."""
    value = f"{result.value:,.2f}" if result.value < 100 else f"{result.value:,.0f}"
    goal = str(result.goal) if result.goal else ""
    return [result.case, result.what, f"{value} {result.unit}", goal, result.verdict, result.product, result.baseline, result.note]


def write(results: Sequence[Result], *, quick: bool) -> None:
    """Print the table and write JSON."""
    table = Table(*COLUMNS, title="Stallkeeper against hand-written SQL")
    for result in results:
        table.add_row(*cells(result), style=COLOURS[result.verdict])
    _console.print(table)
    at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    rows = [asdict(result) | {"goal": str(result.goal or ""), "verdict": result.verdict} for result in results]
    file = RESULTS / f"{at:%Y%m%d-%H%M%S}.json"
    file.write_text(json.dumps({"at": at.isoformat(), "quick": quick, "machine": machine(), "results": rows}, indent=1, default=str))
    _console.print(f"Written to {file}")


def machine() -> str:
    """The class of machine, without its name."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} virtual CPUs, {memory:.0f} GB, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
