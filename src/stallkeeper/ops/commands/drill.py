"""The command ``drill``: for those who work on Stallkeeper; sellers do not see it in the list of commands."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import click

from stallkeeper.ops.drills.catalogue import DRILLS
from stallkeeper.ops.drills.plan import Options
from stallkeeper.ops.drills.play import play
from stallkeeper.ops.drills.stage import Skipped

USUAL = Options()


@click.command()
@click.argument("name", type=click.Choice(sorted(DRILLS)))
@click.option("--seed", type=int, default=USUAL.seed, show_default=True, help="Goods, buyers and moments.")
@click.option("--times", type=click.IntRange(1), default=USUAL.times, show_default=True, help="How many faults.")
@click.option("--orders", type=click.IntRange(20), default=USUAL.orders, show_default=True, help="How many orders buyers place altogether.")
@click.option(
    "--limits-scale", type=click.FloatRange(0.001, 10), default=USUAL.limits_scale, show_default=True, help="0.1: limits ten times faster."
)
@click.option(
    "--stalls", type=click.IntRange(2, 40), default=USUAL.stalls, show_default=True, help="Emulated accounts that carry the load."
)
@click.option("--workers", type=click.IntRange(1, 16), default=USUAL.workers, show_default=True, help="Worker processes of the hub.")
@click.option("--seconds", type=click.FloatRange(1), default=USUAL.seconds, show_default=True, help="How long a fault lasts that does.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file, too.")
@click.pass_context
def drill(
    ctx: click.Context, name: str, seed: int, times: int, orders: int, limits_scale: float, stalls: int, workers: int, seconds: float,
    json_file: Path | None,
) -> None:  # fmt: skip
    """Hurt a throw-away hub of real processes under load, and see whether everything comes out right.

    Buyers order at emulated stalls as fast as the hub keeps up; a person ships, cancels, receives. After each fault the time until the
    stalls saw useful work is measured by their own logs. At the end all is compared line by line. Exit status 1 if anything was lost,
    doubled, or did not converge; 77 if this machine cannot play the drill.
    """
    options = Options(seed, times, orders, limits_scale, stalls, workers, seconds=seconds)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that the stage is cleared
    try:
        figures, problems = play(DRILLS[name], options, lambda text: click.echo(text, err=True))
    except Skipped as reason:
        click.echo(f"Skipped: {reason}", err=True)
        ctx.exit(77)
    told = json.dumps({"drill": name, **figures, "processors": os.cpu_count(), "problems": problems}, indent=2)
    click.echo(told)
    if json_file is not None:
        json_file.write_text(told + "\n")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)
