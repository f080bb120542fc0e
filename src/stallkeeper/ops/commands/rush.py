"""The command ``rush``: for those who work on Stallkeeper; sellers do not see it in the list of commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command()
@click.option("--orders", type=click.IntRange(100), default=1_000, show_default=True, help="Buyers who try to order, in each mode.")
@click.option("--seed", type=int, default=1, show_default=True, help="Who wants what, where and when; which replies are lost.")
@click.option("--limits-scale", type=click.FloatRange(0.001, 10), default=0.02, show_default=True, help="0.02: limits fifty times faster.")
@click.option("--mode", "chosen", multiple=True, help="Only the modes whose name has this in it.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file, too.")
def rush(orders: int, seed: int, limits_scale: float, chosen: tuple[str, ...], json_file: Path | None) -> None:
    """Very many buyers at once want 50 scarce products on five emulated stalls, in guarded and in shared mode.

    Exit status 1 if anything was sold twice that must not be: in guarded mode nothing where platforms compare figures, and elsewhere
    nothing outside of a recorded window between a read and a write.
    """
    from stallkeeper.ops.simulation import batch

    with batch.stage():
        from stallkeeper.ops.simulation import rush as rushes

        outcomes = []
        for mode in rushes.MODES:
            if not chosen or any(word in mode.name for word in chosen):
                outcomes.append(rushes.play(mode, seed, orders, limits_scale))
                click.echo(rushes.table(outcomes[-1:]), err=True)
    click.echo(f"seed {seed}; {rushes.told(limits_scale)}")
    click.echo(rushes.table(outcomes))
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    if json_file is not None:
        json_file.write_text(json.dumps([outcome.as_json() for outcome in outcomes], indent=2) + "\n")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)
