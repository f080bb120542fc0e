"""The command ``simulate``."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from stallkeeper.ops.simulation.batch import Failure, Summary

MUCH = 30
"""So many lines of a failing seed's trace are shown; ``--trace`` writes all of it."""
OFTEN = 30.0
"""Seconds between lines of progress where the output is no terminal."""


class Seeds(click.ParamType[range]):
    """``7`` or ``1-200``."""

    name = "A-B"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition("-")
        if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
            self.fail(f"{value!r}: write it like 7 or 1-200.", param, ctx)
        return range(int(first), int(last or first) + 1)


@click.command()
@click.option("--seed", type=int, help="Play one seed, exactly as before.")
@click.option("--seeds", type=Seeds(), help="Play these seeds. [default: 1-20]")
@click.option("--nightly", type=click.IntRange(1), metavar="N", help="Play N seeds that nobody has played before.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that play side by side.")
@click.option("--stop", is_flag=True, help="End at the first violation.")
@click.option("--shorten", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds to shorten a failing day; 0: leave it.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file.")
@click.option("--trace", "trace_file", type=click.Path(dir_okay=False, path_type=Path), help="With --seed: write the whole trace here.")
@click.pass_context
def simulate(
    ctx: click.Context, seed: int | None, seeds: range | None, nightly: int | None, jobs: int, stop: bool, shorten: float,
    json_file: Path | None, trace_file: Path | None,
) -> None:  # fmt: skip
    """Trading days with everything that can go wrong, in one process, and a judge who looks after every commit.

    The code and the database are the real ones (a throw-away database); time, chance, the network and the platforms are not. A seed draws
    the stalls, the goods, the weather (lost callbacks, time-outs, refusals, crashes, frozen workers, cut database connections …) and a day
    of steps. Then all becomes calm, and every number must be right. The same seed is the same day.

    Exit status 1 if an invariant is broken; the seed, the invariant and a shortened list of steps are printed. docs/simulation.md tells how
    to read it.

    \b
    Examples:
      stallkeeper simulate --seeds 1-200 --jobs 4
      stallkeeper simulate --seed 17 --trace day.txt
    """
    from stallkeeper.ops import terminal
    from stallkeeper.ops.simulation import batch

    chosen = _chosen(seed, seeds, nightly)
    console = terminal.console()
    with batch.stage():
        summary = _play(console, chosen, jobs, stop=stop, shorten=shorten)
        if seed is not None and trace_file is not None:
            trace_file.write_text("\n".join(batch.trace_of(seed)) + "\n")
    _print(console, summary)
    if json_file is not None:
        json_file.write_text(json.dumps(summary.as_json(), indent=2) + "\n")
    ctx.exit(1 if summary.failures else 0)


def _chosen(seed: int | None, seeds: range | None, nightly: int | None) -> range:
    if sum(one is not None for one in (seed, seeds, nightly)) > 1:
        raise click.UsageError("Choose one of --seed, --seeds and --nightly.")
    if nightly is not None:
        base = random.SystemRandom().randrange(10**6, 10**9)
        return range(base, base + nightly)
    return range(seed, seed + 1) if seed is not None else seeds or range(1, 21)


def _play(console: Console, seeds: range, jobs: int, *, stop: bool, shorten: float) -> Summary:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from stallkeeper.ops.simulation import batch

    summary = batch.Summary()
    console.print(f"Seeds {seeds[0]} to {seeds[-1]}, {jobs} at a time, {revision()}")
    said = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("no violation", total=len(seeds))
        for result in batch.play_all(seeds, jobs, shorten=shorten, stop=stop):
            summary.results.append(result)
            if result.failure:
                _print_failure(console, result.failure)
                progress.update(task, description=f"{len(summary.failures)} violations")
            progress.advance(task)
            if not console.is_terminal and time.monotonic() - said > OFTEN:
                said = time.monotonic()
                console.print(f"{len(summary.results)} of {len(seeds)} seeds, {len(summary.failures)} violations")
    return summary


def revision() -> str:
    """The commit of the checkout, if this is one."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    except OSError:
        return "no checkout"
    return f"commit {found.stdout.strip()}" if found.returncode == 0 else "no checkout"


def _print_failure(console: Console, failure: Failure) -> None:
    console.print(f"[red bold]Seed {failure.seed} breaks invariant {failure.invariant}[/] ({revision()})", soft_wrap=True)
    console.print(failure.text, markup=False, soft_wrap=True)
    if failure.steps:
        console.print(f"{len(failure.steps)} of {failure.of} steps are enough:")
    for step in failure.steps:
        console.print(f"  {step}", markup=False)
    console.print("The end of their trace:")
    for line in failure.trace[-MUCH:]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print(f"Again: stallkeeper simulate --seed {failure.seed}")


def _print(console: Console, summary: Summary) -> None:
    figures = summary.as_json()
    count = max(len(summary.results), 1)
    for title in ("situations", "faults", "points"):
        console.print(f"[bold]{title.capitalize()}[/] (times; per 1,000 seeds)")
        for name, times in sorted(summary.total(title).items()):
            console.print(f"  {name:55} {times:8} {times * 1000 // count:9}", markup=False, emoji=False)
    if summary.missed:
        console.print(f"Not reached (it takes 1,000 seeds to reach all): {', '.join(summary.missed)}", soft_wrap=True)
    if summary.unreached:
        console.print(f"Points that nobody came past: {', '.join(summary.unreached)}", soft_wrap=True)
    slowest = max(summary.results, key=lambda one: one.seconds)
    mean, most = figures["seconds_per_seed"], f"{slowest.seconds:.1f} s at most (seed {slowest.seed})"
    console.print(f"{figures['seeds']} seeds, {len(summary.failures)} violations, {mean} s a seed, {most}")
