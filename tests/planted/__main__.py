"""``python -m tests.planted``: how many seeds the simulation needs to find each planted bug. Exit status 1 if one is not found."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from stallkeeper.ops.simulation import batch
from tests.planted.hunt import Hunted, Summary, hunt
from tests.planted.registry import BUGS

PAGE = Path(__file__).parents[2] / "docs" / "planted-bugs.md"
HEAD = """# Planted bugs

Does the simulation find mistakes? It is asked: each of these faults is put into one place of the running code, as a careless change could
put it there, and seeds are played until one sees a broken invariant. A seed counts only if it is well without the fault.

This page is written by `python -m tests.planted --publish`; the faults stand in `tests/planted/`, and a test sees that each still fits the
code. [simulation.md](simulation.md) tells what a seed is. "Seen as" is the number of the [invariant](invariants.md) that was seen broken;
"error" is a mistake that the code itself noticed. "Not in 3": none of three seeds saw it; more
might. (A seed that never comes to the place of a fault is the same day with it, and is not played again.) Seeds are counted from 1; a hunt
that began later (`--first`) may have left out a lower one.
A row stays until its fault is hunted again.
"""


def main() -> int:
    arguments = _arguments()
    before = _before(arguments.go_on)
    names = [name for name in _chosen(arguments) if name not in before]
    print(
        f"{len(names)} bugs, seeds {arguments.first} to {arguments.first + arguments.max_seeds - 1}, {arguments.jobs} at a time", flush=True
    )
    hunted = list(before.values())
    with batch.stage():
        for one in hunt(names, first=arguments.first, most=arguments.max_seeds, jobs=arguments.jobs, minutes=arguments.minutes):
            hunted.append(one)
            print(_line(one), flush=True)
            _keep(arguments.json, hunted)
    summary = Summary(hunted)
    print(summary.line())
    if arguments.publish:
        PAGE.write_text(page(Summary(known(hunted))))
    return 1 if summary.missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="bugs whose name has this in it; may be said again")
    parser.add_argument("--missed", action="store_true", help="only those that the page says were not found")
    parser.add_argument("--max-seeds", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no further seed after so long")
    parser.add_argument("--first", type=int, default=1, metavar="SEED")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, after each hunt")
    parser.add_argument("--go-on", type=Path, metavar="FILE", help="bugs that were found by this file are not hunted again")
    parser.add_argument("--publish", action="store_true", help="write docs/planted-bugs.md")
    return parser.parse_args()


def _before(file: Path | None) -> dict[str, Hunted]:
    """What an earlier hunt has found."""
    known = json.loads(file.read_text())["bugs"] if file is not None and file.exists() else []
    return {row["name"]: Hunted(**row) for row in known if row["seed"] is not None and row["name"] in BUGS}


def _keep(file: Path | None, hunted: Sequence[Hunted]) -> None:
    if file is not None:
        file.write_text(json.dumps(Summary(hunted).as_json(), indent=2, ensure_ascii=False) + "\n")


def _chosen(arguments: argparse.Namespace) -> list[str]:
    parts = arguments.only
    names = [name for name in BUGS if any(part in name for part in parts or [""])]
    if arguments.missed:
        found = [row for row in PAGE.read_text().splitlines() if "| not in " not in row and "| not hunted " not in row]
        names = [name for name in names if not any(row.startswith(f"| {name} |") for row in found)]
    if not names:
        raise SystemExit(f"no bug has {' or '.join(map(repr, parts))} in its name; there are: {', '.join(BUGS)}")
    return names


def _line(one: Hunted) -> str:
    skipped = f" ({one.reached} came to its place; {one.skipped} seeds fail without it)"
    if not one.found:
        return f"{'NOT FOUND':>9}  {one.name}: {one.seeds} seeds{skipped}"
    usual = "" if one.as_expected else f" (expected {' or '.join(BUGS[one.name].expected)})"
    return f"{one.seeds:9}  {one.name}: invariant {one.invariant}{usual}: {one.text[:110]}{skipped}"


def known(hunted: Sequence[Hunted]) -> list[Hunted]:
    """What was hunted now, and for all other bugs what the page says; that too where it was looked for longer and not found now."""
    before = {one.name: one for one in map(_row, PAGE.read_text().splitlines()) if one is not None}
    now = {one.name: one for one in hunted if one.found or one.name not in before or one.seeds >= before[one.name].seeds}
    return [{**before, **now}[name] for name in BUGS if name in before or name in now]


def _row(line: str) -> Hunted | None:
    """A row of the page as it was written; None if it is none, or of a bug that there is no more."""
    name, _, _, needed, seen = (cell.strip() for cell in line.strip("|").split("|")) if line.count("|") == 6 else ("",) * 5
    number = needed.removeprefix("not in ")
    if name not in BUGS or not number.isdigit():
        return None
    return Hunted(name, int(number)) if needed != number else Hunted(name, int(number), int(number), seen)


def page(summary: Summary) -> str:
    """The page of the documentation."""
    by_name = {one.name: one for one in summary.hunted}
    rows = ["| Bug | What it breaks | Where | Seeds needed | Seen as |", "| --- | --- | --- | ---: | --- |"]
    for name, bug in BUGS.items():
        one = by_name.get(name)
        needed = "not hunted" if one is None else str(one.seeds) if one.found else f"not in {one.seeds}"
        seen = one.invariant if one is not None and one.found else "–"
        place = bug.where.rpartition(".")[2].replace(":", ".")
        rows.append(f"| {name} | {bug.breaks} | `{place}` ({bug.app}) | {needed} | {seen} |")
    return "\n".join([HEAD, f"**{summary.line()}.**", "", *rows, ""])


if __name__ == "__main__":
    sys.exit(main())
